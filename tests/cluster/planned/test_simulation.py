"""A planned cluster against schedules that can be worked out by hand."""

from collections.abc import Sequence
from typing import Any

import pytest

from aesweep.cluster.planned.simulation import Simulated, Site, Work, simulate
from aesweep.cluster.planned.sizes import read_cluster
from aesweep.cluster.resources import trial_resources

WHOLE, THIRD = trial_resources(1, 0.9, has_gpu=True), trial_resources(1, 0.3, has_gpu=True)
CPU = trial_resources(1, 0.0, has_gpu=False)


def run(works: list[Work], size: str = "1x1", trained: Sequence[Work] = (), **more: Any) -> Simulated:
    return simulate(works, Site(read_cluster(size), **more), trained=trained)


def test_whole_gpus_are_filled_in_order() -> None:
    found = run([Work(WHOLE, 100.0)] * 5, "2x1")
    assert (found.trained_seconds, found.at_once) == (300.0, 2)


def test_trials_that_wait_for_kernels_share_a_gpu_for_nothing() -> None:
    """Three trials that compute a fifth of the time take as long as one."""
    assert run([Work(THIRD, 20.0, idle=80.0)] * 3).trained_seconds == pytest.approx(100.0)


def test_trials_that_compute_all_the_time_take_three_times_as_long_in_threes() -> None:
    assert run([Work(THIRD, 100.0)] * 3).trained_seconds == pytest.approx(300.0)


def test_a_trial_speeds_up_when_its_neighbour_ends() -> None:
    """Both run at half speed until the short one has done its 50 seconds, at 100; the other has 50 of its 100 left."""
    assert run([Work(THIRD, 100.0), Work(THIRD, 50.0)]).trained_seconds == pytest.approx(150.0)


def test_a_slower_gpu_computes_longer_and_waits_as_long() -> None:
    found = run([Work(WHOLE, 100.0, idle=10.0)], "1x1xL4")
    assert found.trained_seconds == pytest.approx(100.0 * 989 / 121 + 10.0)


def test_without_gpus_each_trial_has_a_cpu() -> None:
    found = run([Work(CPU, 60.0)] * 6, "2x0:2")
    assert (found.trained_seconds, found.at_once) == (120.0, 4)


def test_scoring_runs_beside_training_one_for_each_gpu() -> None:
    found = run([Work(WHOLE, 100.0, scoring=30.0)] * 3)
    assert (found.trained_seconds, found.seconds) == (300.0, 330.0)


def test_slow_scoring_is_what_a_sweep_waits_for() -> None:
    assert run([Work(WHOLE, 10.0, scoring=100.0)] * 3).seconds == pytest.approx(310.0)


def test_the_first_look_is_there_when_every_network_was_scored_once() -> None:
    works = [Work(WHOLE, 10.0, round=number) for number in (0, 0, 1, 1)]
    found = run(works)
    assert (found.first_look_seconds, found.seconds) == (20.0, 40.0)


def test_trials_that_are_trained_already_wait_for_their_scores_alone() -> None:
    """They are scored while the other one trains, one at a time."""
    trained = [Work(WHOLE, 1e9, scoring=40.0)] * 3
    found = run([Work(WHOLE, 100.0, scoring=30.0, round=1)], trained=trained)
    assert (found.trained_seconds, found.first_look_seconds, found.seconds) == (100.0, 120.0, 150.0)
    assert run([], trained=trained).seconds == 120.0


def test_first_seeds_that_are_scored_already_are_a_first_look_from_the_start() -> None:
    assert run([Work(WHOLE, 10.0, round=1)]).first_look_seconds == 0.0


def test_a_wide_trial_waits_for_a_whole_gpu_while_narrow_ones_that_may_run_begin() -> None:
    """The wide one is second: of the three places one is taken, so it asks and waits, and the third trial goes past it."""
    works = [Work(THIRD, 0.0, idle=100.0), Work(WHOLE, 0.0, idle=100.0), Work(THIRD, 0.0, idle=50.0)]
    assert run(works).trained_seconds == pytest.approx(200.0)


def test_the_driver_starts_trials_one_after_the_other() -> None:
    found = run([Work(WHOLE, 0.0, idle=1.0)] * 100, "100x1", driver_seconds=0.5)
    assert found.trained_seconds == pytest.approx(51.0)


def test_machines_that_die_cost_what_was_done_since_the_checkpoint() -> None:
    """Once an hour, with a checkpoint every 300 s: some 150 s are lost each time, and the machine is away for 300 s."""
    works = [Work(WHOLE, 36_000.0)] * 20
    undisturbed = run(works, "20x1")
    found = run(works, "20x1", deaths_per_hour=1.0)
    assert undisturbed.lost_seconds == undisturbed.deaths == 0
    assert 150 < found.deaths < 350
    assert found.lost_seconds / found.deaths == pytest.approx(150.0, rel=0.2)
    assert found.computing_seconds == pytest.approx(20 * 36_000 + found.lost_seconds)
    assert found.seconds > undisturbed.seconds + found.deaths / 20 * 300


def test_a_machine_that_joins_later_takes_its_part_from_then_on() -> None:
    """One machine until 150 s, in the middle of the second trial; two end the other three at 200, 250 and 300."""
    assert run([Work(WHOLE, 100.0)] * 4, "2x1", joins={1: 150.0}).trained_seconds == pytest.approx(300.0)


def test_a_machine_that_leaves_for_good_gives_its_trial_to_the_others() -> None:
    found = run([Work(WHOLE, 100.0)] * 4, "2x1", leaves={1: 150.0})
    assert found.deaths == 1
    assert found.lost_seconds == pytest.approx(50.0)
    assert found.trained_seconds == pytest.approx(300.0)  # two by 100, one at 200, and the lost one again


def test_deaths_are_the_same_for_the_same_seed() -> None:
    site = Site(read_cluster("4x2"), deaths_per_hour=2.0)
    works = [Work(THIRD, 3000.0, scoring=10.0)] * 40
    assert simulate(works, site, 3) == simulate(works, site, 3) != simulate(works, site, 4)


def test_no_more_trials_run_at_once_than_are_asked_for() -> None:
    found = run([Work(WHOLE, 100.0)] * 4, "4x1", max_concurrent=2)
    assert (found.trained_seconds, found.at_once) == (200.0, 2)


def test_a_sweep_whose_machines_die_before_any_checkpoint_is_given_up() -> None:
    """Ten hours without a checkpoint never fit between two deaths in a quarter of an hour."""
    hopeless = Site(read_cluster("1x1"), checkpoint_seconds=1e9, deaths_per_hour=4.0, most_seconds=1e6)
    found = simulate([Work(WHOLE, 36_000.0)], hopeless)
    assert found.gave_up and found.trained_seconds == 0.0
    assert found.seconds == pytest.approx(1e6, rel=0.01) and found.deaths > 500
    assert not run([Work(WHOLE, 36_000.0)], most_seconds=1e6).gave_up


def test_what_no_machine_can_hold_never_begins() -> None:
    with pytest.raises(ValueError, match="no machine"):
        run([Work(trial_resources(64, 0.9, has_gpu=True), 1.0)], "1x1:16")
