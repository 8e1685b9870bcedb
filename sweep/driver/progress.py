"""What the sweep is doing right now, for the person who watches: counts, running trials, speed, time left.

Drawn as a live panel on a terminal and as plain lines, one per finished trial and one now and then, in a log file.
"""

import time
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from aesweep.sweep.driver.plan import Plan
from aesweep.sweep.store.records.launches import LaunchProgress, RunningTrial
from aesweep.sweep.store.store import State

LINE_EVERY_SECONDS = 15.0


@dataclass
class Progress:
    """Counts and estimates of one launch; the driver reports events to it."""

    counts: dict[State, int]
    costs: dict[str, float]
    """Estimated cost of each trial to train (any unit)."""
    to_score: int
    running: dict[str, RunningTrial] = field(default_factory=dict)
    scoring: int = 0
    scored: int = 0
    scoring_slots: int = 1
    started: float = field(default_factory=time.monotonic)
    reported: float = field(default_factory=time.monotonic)
    """When the last epoch or training ended."""
    _begun: dict[str, int] = field(default_factory=dict)
    """Epoch at which each trial stood when this launch took it up."""
    _ended_cost: float = 0.0
    """Cost of all trials that have ended, whoever trained them."""
    _ended_work: float = 0.0
    """The part of it that this launch did."""
    _scoring_seconds: float = 0.0

    @classmethod
    def of(cls, plan: Plan) -> "Progress":
        """Before anything runs. Trials to retry count as pending or trained again."""
        to_train, to_score = plan.to_train, plan.to_score
        costs = {t.config.key: t.gpu_hours for t in to_train}
        progress = cls(plan.counts(), costs, to_score=len(to_train) + len(to_score))
        for trial in to_train:
            progress._move(trial.state, "pending")
        for trial in to_score:
            progress._move(trial.state, "trained")
        return progress

    def train_started(self, key: str, name: str, epochs: int) -> None:
        """A trial got its slot."""
        if key not in self.running:
            self.running[key] = RunningTrial(name=name, epochs=epochs)
            self._move("pending", "running")

    def resumed(self, key: str, epoch: int, loss: float | None = None, test_loss: float | None = None) -> None:
        """A trial goes on from a checkpoint of this epoch; what an earlier launch trained says nothing of the speed now."""
        if key in self.running:
            self._update(key, epoch=epoch, loss=loss, test_loss=test_loss)
            self._begun.setdefault(key, epoch)  # one that was lost in this launch keeps the place where it began

    def epoch_done(
        self,
        key: str,
        epoch: int,
        images_per_second: float,
        loss: float | None = None,
        test_loss: float | None = None,
    ) -> None:
        """A trial reported an epoch."""
        if key in self.running:
            self._begun.setdefault(key, 0)
            losses = {"loss": loss, "test_loss": test_loss}
            self._update(key, epoch=epoch, images_per_second=images_per_second, **losses)
            self.reported = time.monotonic()

    def silent(self, key: str, seconds: float) -> None:
        """How long a trial has given no sign of life; 0 while that is not remarkable."""
        if key in self.running and self.running[key].silent_seconds != seconds:
            self._update(key, silent_seconds=seconds)

    def train_ended(self, key: str, succeeded: bool) -> None:
        """A trial was trained, or failed."""
        trial = self.running.pop(key, None)
        if trial is None:
            return
        self._ended_cost += self.costs.get(key, 0.0)
        self._ended_work += self._work(key, trial.epochs, trial)
        self.reported = time.monotonic()
        self._move("running", "trained" if succeeded else "failed")
        if not succeeded:
            self.to_score -= 1

    def train_lost(self, key: str) -> None:
        """A trial's process died or was stopped; it waits again."""
        if self.running.pop(key, None) is not None:
            self._move("running", "pending")

    def scores_ended(self, succeeded: bool, seconds: float) -> None:
        """An evaluation was committed, or failed."""
        self._move("trained", "done" if succeeded else "failed")
        self.scored += 1
        self._scoring_seconds += seconds

    def eta_seconds(self) -> float | None:
        """Seconds left, None while nothing can be said. Training by cost done in this launch, scoring by its mean time."""
        now = time.monotonic()
        total = sum(self.costs.values())
        partial = sum(self.costs.get(k, 0.0) * r.epoch / r.epochs for k, r in self.running.items())
        work = self._ended_work + sum(self._work(key, r.epoch, r) for key, r in self.running.items())
        left = total - self._ended_cost - partial
        if not work and left > 1e-9 * total:  # a sum of fractions
            return None
        training = 0.0
        if work:
            # It runs down from the last report, and at best the epochs that run end now.
            by_the_report = left * (self.reported - self.started) / work - (now - self.reported)
            soon = sum(self.costs.get(k, 0.0) / r.epochs for k, r in self.running.items() if r.epoch < r.epochs)
            training = max(by_the_report, (left - soon) * (now - self.started) / (work + soon), 0.0)
        if not self.scored:
            return training or (None if self.to_score or not total else 0.0)
        scoring = (self.to_score - self.scored) * self._scoring_seconds / self.scored / self.scoring_slots
        return max(training, scoring)

    def images_per_second(self) -> float:
        """Training images per second, all running trials together."""
        return sum(r.images_per_second for r in self.running.values())

    def record(self) -> LaunchProgress:
        """What the progress file holds."""
        return LaunchProgress(
            counts={str(state): count for state, count in self.counts.items()},
            running=dict(self.running),
            scoring=self.scoring,
            eta_seconds=self.eta_seconds(),
        )

    def _update(self, key: str, **changes: float | None) -> None:
        self.running[key] = self.running[key].model_copy(update=changes)

    def _work(self, key: str, epoch: int, trial: RunningTrial) -> float:
        """Cost of what this launch trained of a trial that stands at `epoch`."""
        return self.costs.get(key, 0.0) * max(0, epoch - self._begun.get(key, 0)) / trial.epochs

    def _move(self, old: State, new: State) -> None:
        self.counts[old] -= 1
        self.counts[new] += 1


def describe_counts(counts: dict[State, int]) -> str:
    """For instance `3 done, 2 running, 1 failed`; states without trials are left out."""
    order: tuple[State, ...] = ("done", "trained", "running", "pending", "failed")
    return ", ".join(f"{counts[s]} {s}" for s in order if counts.get(s)) or "no trials"


def describe_seconds(seconds: float | None) -> str:
    """For instance `1:05:09`, `2:05`; `?` for None."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def describe_bytes(size: int) -> str:
    """For instance `850 kB`, `13.9 MB`, `1.2 GB`."""
    for unit, count in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if size >= count:
            return f"{size / count:.3g} {unit}"
    return f"{size / 1000:.0f} kB"


def describe_silence(seconds: float) -> str:
    """For instance `no sign of life for 6 min`; "" for 0."""
    return f"no sign of life for {describe_length(seconds)}" if seconds else ""


def describe_length(seconds: float) -> str:
    """For instance `15 min`, `40 s`."""
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


def _silence(trial: RunningTrial, before: str = "", after: str = "") -> str:
    text = describe_silence(trial.silent_seconds)
    return f"{before}{text}{after}" if text else ""


def describe_losses(loss: float | None, test_loss: float | None = None) -> str:
    """For instance `loss 0.5312, test 0.5407`; what is None is left out."""
    losses = {"loss": loss, "test": test_loss}
    return ", ".join(f"{name} {value:.4g}" for name, value in losses.items() if value is not None)


class ProgressView:
    """Shows a `Progress` until it is closed. Used as a context manager."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self.progress = progress
        self.console = console
        self._live = Live(console=console, get_renderable=self._panel, refresh_per_second=4, transient=True)
        self._last_line = 0.0

    def __enter__(self) -> "ProgressView":
        if self.console.is_interactive:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_interactive:
            self._live.stop()

    def say(self, text: str) -> None:
        """A line that stays: something happened."""
        self.console.print(f"[dim]{describe_seconds(self.elapsed()):>7}[/dim]  {text}", highlight=False, soft_wrap=True)

    def tick(self) -> None:
        """Called often by the driver; prints a line now and then where there is no terminal."""
        if not self.console.is_interactive and time.monotonic() - self._last_line >= LINE_EVERY_SECONDS:
            self._last_line = time.monotonic()
            self.say(self._line())

    def elapsed(self) -> float:
        """Seconds since the launch."""
        return time.monotonic() - self.progress.started

    def _line(self) -> str:
        p = self.progress
        running = "; ".join(
            f"{r.name} {r.epoch}/{r.epochs} {describe_losses(r.loss, r.test_loss)}".strip() + _silence(r, " (", ")")
            for r in list(p.running.values())[:2]
        )
        more = f" and {len(p.running) - 2} more" if len(p.running) > 2 else ""
        parts = [
            describe_counts(p.counts),
            f"{running}{more}" if running else "",
            f"{p.images_per_second():,.0f} images/s" if p.running else "",
            f"scoring {p.scoring}" if p.scoring else "",
            f"{describe_seconds(p.eta_seconds())} left",
        ]
        return "  |  ".join(part for part in parts if part)

    def _panel(self) -> Group:
        p = self.progress
        total = sum(p.counts.values())
        head = Table.grid(padding=(0, 2))
        head.add_row(
            ProgressBar(total=max(total, 1), completed=p.counts["done"], width=30),
            describe_counts(p.counts),
            f"scoring {p.scoring}" if p.scoring else "",
            f"{p.images_per_second():,.0f} images/s" if p.running else "",
            f"{describe_seconds(self.elapsed())} gone, {describe_seconds(p.eta_seconds())} left",
        )
        trials = Table.grid(padding=(0, 2))
        for r in list(p.running.values())[:12]:
            bar = ProgressBar(total=r.epochs, completed=r.epoch, width=20)
            epoch, speed = f"epoch {r.epoch}/{r.epochs}", _silence(r) or f"{r.images_per_second:,.0f} images/s"
            trials.add_row("", bar, Text(r.name), epoch, describe_losses(r.loss, r.test_loss), speed)
        if len(p.running) > 12:
            trials.add_row("", "", f"and {len(p.running) - 12} more")
        return Group(head, trials)
