"""Shares: evaluation keeps its part whatever mixture of trials fills the machines."""

import math

import pytest

from aesweep.cluster.errors import ClusterError
from aesweep.cluster.resources import (
    EVALUATION_SHARE,
    Node,
    Resources,
    check_feasible,
    cluster_resources,
    evaluation_resources,
    evaluation_slots,
    gpu_share,
    memory_fraction,
    trial_resources,
    trial_slots,
)


def _cluster(*machines: tuple[float, float]) -> Resources:
    return Resources.of(tuple(Node(f"node{i}", cpus, gpus) for i, (cpus, gpus) in enumerate(machines)))


@pytest.mark.parametrize(
    "asked", [0.01, 0.05, 0.1, 0.15, 0.18, 0.2, 0.25, 0.3, 1 / 3, 0.45, 0.5, 0.6, 0.75, 0.9, 1, 1.0]
)
def test_trials_of_any_share_leave_a_gpu_room_for_an_evaluation(asked: float) -> None:
    share = trial_resources(1, asked, has_gpu=True)["GPU"]
    assert 0 < share <= max(asked, 0.1125)
    assert 1 - math.floor(1 / share + 1e-9) * share >= EVALUATION_SHARE - 1e-9
    assert share == round(share, 4), "Ray counts in units of 0.0001"


@pytest.mark.parametrize(("asked", "given"), [(1, 0.9), (0.5, 0.45), (0.2, 0.18), (0.6, 0.6), (0.4, 0.4), (0.15, 0.15)])
def test_a_share_is_changed_only_where_it_must_be(asked: float, given: float) -> None:
    assert trial_resources(1, asked, has_gpu=True)["GPU"] == given


def test_the_default_shares_are_multiples_of_one_quantum() -> None:
    shares = {filters: trial_resources(1, gpu_share(filters), has_gpu=True)["GPU"] for filters in (8, 32, 64, 128, 256)}
    assert shares == {8: 0.3, 32: 0.3, 64: 0.3, 128: 0.9, 256: 0.9}


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_trials_on_cpus_leave_room_for_an_evaluation(threads: int) -> None:
    bundle = trial_resources(threads, 0.0, has_gpu=False)
    for cpus in range(1, 200):
        slots = trial_slots(_cluster((cpus, 0)), bundle)
        assert slots == cpus // threads
        assert cpus - slots * bundle["CPU"] >= EVALUATION_SHARE - 1e-9


@pytest.mark.parametrize(
    ("machines", "share", "slots"),
    [
        ([(16, 1)], 0.9, 1),
        ([(16, 1)], 0.3, 3),
        ([(2, 1)], 0.3, 2),  # CPUs run out first
        ([(16, 8), (16, 8)], 0.9, 16),
        ([(64, 0), (16, 4)], 0.3, 12),  # a machine without a GPU holds no trial
        ([(64, 0)], 0.9, 0),
    ],
)
def test_slots_count_what_fits_on_each_machine(machines: list[tuple[float, float]], share: float, slots: int) -> None:
    assert trial_slots(_cluster(*machines), trial_resources(1, share, has_gpu=True)) == slots


def test_an_evaluation_asks_for_a_tenth() -> None:
    assert evaluation_resources(False) == {"num_cpus": 0.1}
    assert evaluation_resources(True) == {"num_cpus": 0.1, "num_gpus": 0.1}


@pytest.mark.parametrize(
    ("cpus", "gpus", "threads", "has_gpu", "beside_training", "after"),
    [
        (8, 0, 1, False, 4, 8),
        (8, 0, 4, False, 1, 2),  # each with its own four threads
        (2, 0, 4, False, 1, 1),
        (16, 4, 1, True, 4, 4),
        (16, 1, 1, False, 8, 16),  # there is a GPU, and the sweep was told to leave it alone
    ],
)
def test_evaluations_fill_the_machines_and_half_of_them_while_trials_train(
    cpus: float, gpus: float, threads: int, has_gpu: bool, beside_training: int, after: int
) -> None:
    found = [evaluation_slots(_cluster((cpus, gpus)), threads, has_gpu, training) for training in (True, False)]
    assert found == [beside_training, after]


@pytest.mark.parametrize(
    ("share", "needed_gb", "total_gb", "fraction"),
    [
        (0.3, 2, 140, 0.3),  # its share is more than it needs
        (0.3, 5, 11, 5 / 11),  # a small GPU: what it is known to need
        (0.1125, 30, 24, 1.0),  # more than there is: torch says so
        (0.6, 2, 140, 0.6),  # after a lack of memory, with twice the share
        (0.9, 2, 140, 1.0),  # nobody else trains there
        (0.0, 2, 140, 1.0),  # no sweep: a notebook
    ],
)
def test_a_trial_may_take_its_share_of_the_memory_or_what_it_needs(
    share: float, needed_gb: int, total_gb: int, fraction: float
) -> None:
    assert memory_fraction(share, needed_gb * 10**9, total_gb * 10**9) == pytest.approx(fraction)


@pytest.mark.parametrize("share", [0, -0.5, 1.5, float("nan"), "all"])
def test_an_impossible_share_is_refused(share: object) -> None:
    with pytest.raises(ClusterError, match=r"gpu_share: .* cannot be used.\nGive a part of a GPU"):
        trial_resources(1, share, has_gpu=True)  # type: ignore[arg-type]


def test_a_trial_that_no_machine_can_hold_is_refused_before_ray_waits_for_ever() -> None:
    two_small = _cluster((4, 0), (4, 0))
    check_feasible(two_small, trial_resources(4, 0.0, has_gpu=False))
    with pytest.raises(ClusterError, match=r"the largest has 4 CPUs and 0 GPUs. Lower `threads`"):
        check_feasible(two_small, trial_resources(5, 0.0, has_gpu=False))
    with pytest.raises(ClusterError, match="No machine of the cluster can hold it"):
        check_feasible(two_small, trial_resources(1, 0.3, has_gpu=True))
    with pytest.raises(ClusterError, match="no machine"):
        check_feasible(_cluster(), trial_resources(1, 0.0, has_gpu=False))


def test_the_cluster_of_this_machine_is_found(ray_cluster: None) -> None:
    found = cluster_resources()
    assert len(found.nodes) == 1
    assert found.cpus == found.nodes[0].cpus >= 1
