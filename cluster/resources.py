"""Shares of CPUs and GPUs: what a trial asks of Ray, what an evaluation asks, and how many trials fit at once.

Problem: a trial's actor is reused for the next trial and never gives its share back before the sweep ends, so evaluations
that ask for the same kind of share wait until then.
Decision: a part of every device belongs to evaluation. Trials of one sweep ask for multiples of one quantum that leaves at
least 0.1 of a GPU, and for 0.9 of each CPU thread; evaluations ask for 0.1.
Consequence: evaluations run at the same time as training. Ray only counts shares and does not enforce them. Workers limit their own
memory (`memory_fraction`) and threads, and a trial that runs out of memory gets a larger share.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aesweep.cluster.errors import ClusterError

EVALUATION_SHARE = 0.1
"""Part of a CPU, and of a GPU, that one evaluation asks for."""
TRIAL_PART = 1.0 - EVALUATION_SHARE
"""Part of a device that trials together may take."""
MOST_TRIALS_PER_GPU = 8
"""With nine the quantum would be 0.1, and a tenth trial would take evaluation's part."""
SMALL_FILTERS = 64
"""Networks up to this width share a GPU, three at a time: their kernels are too small to fill an H200, and a step of 16 filters
takes a quarter of the time of one of 128 for a sixtieth of the work (docs/benchmarks/training-cuda-nvidia-h200-2026-11-26.md)."""
_DIGITS = 4  # Ray counts shares in units of 0.0001
_TINY = 1e-9  # so that 3 * 0.3 counts as 0.9


@dataclass(frozen=True)
class Node:
    """One machine of the cluster."""

    name: str
    cpus: float
    gpus: float


@dataclass(frozen=True)
class Resources:
    """What a cluster has in all, and on each living machine."""

    cpus: float
    gpus: float
    nodes: tuple[Node, ...]

    @classmethod
    def of(cls, nodes: tuple[Node, ...]) -> "Resources":
        """The sum of some machines."""
        return cls(sum(n.cpus for n in nodes), sum(n.gpus for n in nodes), nodes)


def cluster_resources() -> Resources:
    """The machines of the Ray that this process is connected to, as they are now (a cluster may grow later)."""
    import ray  # a plan reads this module, and starts in a third of the time without

    alive = [node for node in ray.nodes() if node["Alive"]]
    found = ((node["NodeManagerHostname"], node["Resources"]) for node in alive)
    return Resources.of(tuple(Node(name, has.get("CPU", 0.0), has.get("GPU", 0.0)) for name, has in found))


def gpu_share(filters: int) -> float:
    """The part of a GPU that a trial of this width asks for by default: three small trials share one."""
    return 0.3 if filters <= SMALL_FILTERS else TRIAL_PART


def trial_resources(threads: int, gpu_share: float, has_gpu: bool) -> dict[str, float]:
    """What one trial asks for: `{"CPU": …}` or `{"CPU": …, "GPU": …}`.

    A `gpu_share` whose trials would leave less than evaluation's part of a GPU is changed to 0.9 / n, n the number of such
    trials on a GPU, at most 8. It is not read when `has_gpu` is False. Raises `ClusterError` for a share that is not
    above 0 and at most 1.
    """
    bundle = {"CPU": round(TRIAL_PART * threads, _DIGITS)}
    if has_gpu:
        bundle["GPU"] = _quantum(gpu_share)
    return bundle


def larger_share(gpu_share: float) -> float:
    """The share for a trial that had too little memory: twice as much, at most what trials may take of a GPU."""
    return round(min(2 * gpu_share, TRIAL_PART), _DIGITS)


def memory_fraction(gpu_share: float, needed: int, total: int) -> float:
    """The part of a GPU's memory of `total` bytes that a training with this share may take.

    At least its share, and at least the bytes that it is known to need, which may be more on a small GPU: what a trial takes beyond
    either would be missing for its neighbours. All of it where no other trial shares the GPU.
    """
    alone = not 0 < gpu_share < TRIAL_PART
    return 1.0 if alone else min(1.0, max(gpu_share, needed / total))


def evaluation_resources(has_gpu: bool) -> dict[str, float]:
    """Options of the Ray task of an evaluation: `function.options(**evaluation_resources(True))`."""
    return {"num_cpus": EVALUATION_SHARE} | ({"num_gpus": EVALUATION_SHARE} if has_gpu else {})


def evaluation_slots(resources: Resources, threads: int, has_gpu: bool, training: bool) -> int:
    """How many evaluations should run at once, at least 1; their shares are too small to bound them.

    One per GPU, else as many as their threads have CPUs, and half of them while trials train at the same time.
    """
    if has_gpu:
        return max(1, int(resources.gpus))
    return max(1, int(resources.cpus / threads / (2 if training else 1)))


def trial_slots(resources: Resources, bundle: Mapping[str, float]) -> int:
    """How many trials with this bundle should run at once; 0 when none fits.

    A trial counts as whole threads here, although it asks for 0.9 of each: Ray alone would put ten single-thread trials on
    nine CPUs, and nothing would be left for evaluation. So the driver must not run more than this.
    """
    return sum(slots_of(node, bundle) for node in resources.nodes)


def distinct(bundles: Iterable[Mapping[str, float]]) -> list[dict[str, float]]:
    """Each of these bundles once: a sweep has thousands of trials, and few kinds of them."""
    return [dict(kind) for kind in {tuple(sorted(bundle.items())) for bundle in bundles}]


def check_feasible(resources: Resources, bundle: Mapping[str, float]) -> None:
    """Raise `ClusterError` when no machine can ever hold the bundle: Ray would only warn, and wait for ever."""
    if any(slots_of(node, bundle) for node in resources.nodes):
        return
    largest = max(resources.nodes, key=lambda n: (n.gpus, n.cpus), default=None)
    found = f"{largest.cpus:g} CPUs and {largest.gpus:g} GPUs" if largest else "no machine"
    remedy = "Lower `threads`, or add a machine; `aesweep wait gpus=1` waits until an autoscaler did."
    problem = f"No machine of the cluster can hold it; the largest has {found}."
    raise ClusterError("trial", dict(bundle), f"{problem} {remedy}")


def _quantum(share: float) -> float:
    """`share` in Ray's units, or, where that would fill a GPU up, the largest one that leaves evaluation its part."""
    if not isinstance(share, int | float) or not 0 < share <= 1:
        raise ClusterError("gpu_share", share, "Give a part of a GPU, above 0 and at most 1.")
    unit = 10.0**_DIGITS
    count = math.floor(1 / share + _TINY)
    if count * share > TRIAL_PART + _TINY:
        share = TRIAL_PART / min(count, MOST_TRIALS_PER_GPU)
    return math.floor(share * unit + _TINY) / unit


def slots_of(node: Node, bundle: Mapping[str, float]) -> int:
    """How many trials with this bundle run at once on one machine."""
    threads = max(1, round(bundle["CPU"] / TRIAL_PART))
    by_cpu = math.floor(node.cpus / threads + _TINY)
    share = bundle.get("GPU", 0.0)
    return min(by_cpu, int(node.gpus) * math.floor(1 / share + _TINY)) if share else by_cpu
