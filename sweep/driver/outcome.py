"""How a launch ended, in an exit code and in the lines that a person reads: what failed, and the command that goes on."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

from aesweep.evaluation.rows import ScoreRow
from aesweep.models.errors import one_line
from aesweep.models.plugins.files import loaded_files
from aesweep.sweep.driver.plan import Plan
from aesweep.sweep.driver.progress import describe_counts
from aesweep.sweep.store.store import State

RETRY = "--retry-failed"
STOPPED = 130  # exit code; what a shell gives for a program that Ctrl-C ended
UNFINISHED: tuple[State, ...] = ("pending", "running", "trained")


@dataclass(frozen=True)
class Outcome:
    """How a launch ended."""

    counts: dict[State, int]
    failures: list[tuple[str, str]]
    """Name and reason of every failed trial."""
    interrupted: bool = False
    ran: bool = True
    stop_asked: bool = False
    """Whether it was asked to stop, be it that everything was done by then."""

    @property
    def exit_code(self) -> int:
        """0 all done; 1 some trial failed for good, or work is left; 130 stopped before the end."""
        if self.interrupted:
            return STOPPED
        return 1 if self.failures or self.is_unfinished else 0

    @property
    def is_unfinished(self) -> bool:
        """Whether work is left that the same command would do: its files were damaged or lost again and again."""
        return any(self.counts[state] for state in UNFINISHED)


def outcome_of(plan: Plan, interrupted: bool = False, ran: bool = True, stop_asked: bool = False) -> Outcome:
    """What a plan, made after the work, says of it."""
    failures = [(t.config.name, t.reason) for t in plan.trials if t.state == "failed"]
    return Outcome(plan.counts(), failures, interrupted, ran, stop_asked)


def resume_command(store: str, *options: str) -> str:
    """The command that resumes a store, to be pasted into a shell. It names the files of plug-ins that are in use."""
    return " ".join(("aesweep resume", shlex.quote(store), *options, *plugin_options()))


def address_options(address: str) -> list[str]:
    """The option of a command that goes to the same Ray, to be pasted into a shell; none for a Ray of its own."""
    return [] if address == "local" else [f"--address {shlex.quote(address)}"]


def only_options(only: Sequence[str]) -> list[str]:
    """The options of a command that keeps to the same trials, to be pasted into a shell."""
    return [f"--only {shlex.quote(word)}" for word in only]


def plugin_options() -> list[str]:
    """The options of a command that name the files of plug-ins that are in use, to be pasted into a shell."""
    return [f"--plugins {shlex.quote(file.path)}" for file in loaded_files()]


def say_nothing_to_do(plan: Plan, console: Console, again: str) -> Outcome:
    """The outcome of a launch whose work was done before."""
    console.print(f"Nothing to do: {describe_counts(plan.counts())}.", highlight=False)
    outcome = outcome_of(plan, ran=False)
    explain(outcome, console, again)
    return outcome


def explain(outcome: Outcome, console: Console, again: str) -> None:
    """What failed, and what to do: `again` is the command that goes on."""
    for name, reason in outcome.failures:
        console.print(f"[red]failed[/red] {name}: {escape(one_line(reason))}", highlight=False, soft_wrap=True)
    lines = []
    if outcome.interrupted or outcome.is_unfinished:
        lines.append(f"{'Stopped' if outcome.interrupted else 'Work is left'}. Continue with: {again}")
    if outcome.failures and not outcome.interrupted:
        lines.append(f"Try them again with: {again} {RETRY}")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def score_line(rows: Sequence[ScoreRow]) -> str:
    """For instance `fd: reconstruction (train) 0.12, mvg 1.2, gmm 0.8; latents: loglikelihood_gap 0.03`.

    Only the distances, and of the latents what can be read alone: other measures are compared with a null or with others.
    """
    frechet = [row for row in rows if row.metric in ("fid", "fd")]
    latents = [_named(row, row.metric) for row in rows if row.metric == "loglikelihood_gap"]
    held_out = [_named(row, row.source) for row in rows if row.metric == "heldout_loglikelihood"]
    splits = [f" ({row.split})" if row.source == "reconstruction" else "" for row in frechet]
    distances = [_named(row, f"{row.source}{split}") for row, split in zip(frechet, splits, strict=True)]
    parts = [f"{frechet[0].metric}: {', '.join(distances)}"] if frechet else []
    parts += [f"latents: {', '.join(latents)}"] if latents else []
    parts += [f"held-out log-likelihood: {', '.join(held_out)}"] if held_out else []
    return "; ".join(parts) or (f"{len(rows)} scores" if rows else "no scores")


def _named(row: ScoreRow, name: str) -> str:
    return f"{name} none" if row.value is None else f"{name} {row.value:.4g}"
