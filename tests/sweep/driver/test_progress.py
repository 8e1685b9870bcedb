"""What the watcher is told: counts that add up, time left that follows from the work done."""

import io
import time

import pytest
from rich.console import Console

from aesweep.sweep.driver.progress import Progress, ProgressView, describe_counts, describe_seconds


def progress() -> Progress:
    counts = {"pending": 2, "running": 0, "trained": 0, "done": 1, "failed": 0}
    return Progress(counts, costs={"a": 3.0, "b": 1.0}, to_score=2)  # type: ignore[arg-type]


def test_counts_follow_a_trial_from_pending_to_done() -> None:
    p = progress()
    p.train_started("a", "trial a", epochs=4)
    p.train_started("a", "trial a", epochs=4)  # Tune may say it twice
    assert p.counts == {"pending": 1, "running": 1, "trained": 0, "done": 1, "failed": 0}
    p.epoch_done("a", 2, 100.0)
    assert p.images_per_second() == 100.0
    p.train_ended("a", succeeded=True)
    p.scores_ended(succeeded=True, seconds=2.0)
    assert p.counts == {"pending": 1, "running": 0, "trained": 0, "done": 2, "failed": 0}


def test_a_lost_trial_waits_again_and_a_failed_one_is_not_scored() -> None:
    p = progress()
    p.train_started("a", "trial a", epochs=4)
    p.train_lost("a")
    assert p.counts["pending"] == 2
    p.train_started("a", "trial a", epochs=4)
    p.train_ended("a", succeeded=False)
    assert (p.counts["failed"], p.to_score) == (1, 1)
    assert sum(p.counts.values()) == 3


def test_time_left_follows_from_the_cost_done() -> None:
    p = progress()
    assert p.eta_seconds() is None, "nothing is done, so nothing can be said"
    p.started = time.monotonic() - 30.0
    p.train_started("a", "trial a", epochs=4)
    p.epoch_done("a", 4, 1.0)
    p.train_ended("a", succeeded=True)
    assert p.eta_seconds() == pytest.approx(10.0, rel=0.01), "3 of 4 parts took 30 s"


def test_time_left_runs_down_between_reports_to_what_is_left_after_the_next_one() -> None:
    p = progress()
    now = time.monotonic()
    p.started = now - 30.0
    p.train_started("a", "trial a", epochs=4)
    p.epoch_done("a", 1, 1.0)
    assert p.eta_seconds() == pytest.approx(30.0 * 3.25 / 0.75, rel=0.01)
    p.reported = now - 5.0  # that epoch took 25 s, the next one runs since 5
    assert p.eta_seconds() == pytest.approx(25.0 * 3.25 / 0.75 - 5.0, rel=0.01)
    p.reported = now - 29.0  # that epoch took 1 s and the next one is overdue: at best it ends now
    assert p.eta_seconds() == pytest.approx(30.0 * 2.5 / 1.5, rel=0.01)


def test_where_all_is_trained_and_nothing_scored_no_time_left_is_told() -> None:
    p = progress()
    for key in ("a", "b"):
        p.train_started(key, f"trial {key}", epochs=4)
        p.epoch_done(key, 4, 1.0)
        p.train_ended(key, succeeded=True)
    assert p.eta_seconds() is None
    p.scores_ended(succeeded=True, seconds=7.0)
    assert p.eta_seconds() == pytest.approx(7.0)


def test_time_left_after_a_relaunch_follows_from_the_work_of_this_launch() -> None:
    p = progress()
    p.started = time.monotonic() - 30.0
    p.train_started("a", "trial a", epochs=4)
    p.resumed("a", 2)
    assert p.running["a"].epoch == 2, "it is seen at once where the trial stands"
    assert p.eta_seconds() is None, "nothing is done in this launch, so nothing can be said"
    p.epoch_done("a", 3, 1.0)
    assert p.eta_seconds() == pytest.approx(30.0 * (0.75 + 1.0) / 0.75, rel=0.01), "an epoch of trial a took 30 s"
    p.epoch_done("a", 4, 1.0)
    p.train_ended("a", succeeded=True)
    assert p.eta_seconds() == pytest.approx(30.0 * 1.0 / 1.5, rel=0.01)


def test_work_up_to_a_checkpoint_counts_when_its_trial_is_lost_and_goes_on() -> None:
    p = progress()
    p.started = time.monotonic() - 30.0
    p.train_started("a", "trial a", epochs=4)
    p.epoch_done("a", 3, 1.0)
    p.train_lost("a")
    p.train_started("a", "trial a", epochs=4)
    p.resumed("a", 2)
    p.epoch_done("a", 4, 1.0)
    p.train_ended("a", succeeded=True)
    assert p.eta_seconds() == pytest.approx(10.0, rel=0.01)


def test_a_trial_that_was_trained_before_this_launch_tells_nothing_of_its_speed() -> None:
    p = progress()
    p.train_started("a", "trial a", epochs=4)
    p.resumed("a", 4)
    p.train_ended("a", succeeded=True)
    assert p.eta_seconds() is None
    p.train_started("b", "trial b", epochs=4)
    p.resumed("b", 4)
    p.train_ended("b", succeeded=True)
    p.scores_ended(succeeded=True, seconds=7.0)
    assert p.eta_seconds() == pytest.approx(7.0), "nothing is left to train, one of two trials to score"


def test_without_a_terminal_progress_is_lines() -> None:
    out = io.StringIO()
    p = progress()
    p.train_started("a", "trial a", epochs=4)
    with ProgressView(p, Console(file=out, width=200)) as view:
        view.tick()
        view.tick()
        view.say("scored   trial a")
    lines = out.getvalue().splitlines()
    assert len(lines) == 2
    assert "1 running" in lines[0] and "trial a 0/4" in lines[0]


def test_on_a_terminal_the_panel_names_the_running_trials() -> None:
    out = io.StringIO()
    p = progress()
    p.train_started("a", "trial a", epochs=4)
    with ProgressView(p, Console(file=out, width=120, force_terminal=True)) as view:
        view._live.refresh()
    assert "trial a" in out.getvalue()


def test_words_for_counts_and_seconds() -> None:
    assert (
        describe_counts({"pending": 0, "running": 2, "trained": 0, "done": 3, "failed": 1})
        == "3 done, 2 running, 1 failed"
    )
    assert describe_counts({"pending": 0, "running": 0, "trained": 0, "done": 0, "failed": 0}) == "no trials"
    assert [describe_seconds(s) for s in (None, 5, 125, 3909)] == ["?", "0:05", "2:05", "1:05:09"]


def test_the_loss_of_the_last_epoch_is_shown_and_recorded() -> None:
    p, key = progress(), "0123456789ab"
    p.train_started(key, "trial a", epochs=4)
    assert p.record().running[key].loss is None
    p.resumed(key, 1, 0.75)
    assert p.record().running[key].loss == 0.75
    p.epoch_done(key, 2, 100.0, 0.53124)
    for terminal in (False, True):
        text = io.StringIO()
        with ProgressView(p, Console(file=text, width=150, force_terminal=terminal)) as view:
            view.tick()
        assert "loss 0.5312" in text.getvalue(), terminal
