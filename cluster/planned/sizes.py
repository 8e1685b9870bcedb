"""The size of a cluster that is only planned, read from text such as `4x8xH200`. Imports no Ray.

`MACHINESxGPUSxTYPE:CPUS`, several kinds separated by commas: `4x8xH200:192,2x1xL4` is four machines with eight H200 and 192
CPUs each, and two with one L4. Without `:CPUS` a machine has sixteen per GPU. `3x0:64` is three machines without a GPU.
"""

import re
from dataclasses import dataclass

from aesweep.cluster.errors import ClusterError
from aesweep.cluster.resources import Node, Resources

OPTION = "--cluster"
CPUS_PER_GPU = 16
MOST_MACHINES, MOST_GPUS, MOST_CPUS = 10_000, 64, 4096
BF16_TERAFLOPS = {
    "H200": 989.0,
    "H100": 989.0,
    "B200": 2250.0,
    "GH200": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "A10G": 70.0,
    "L4": 121.0,
    "V100": 125.0,
    "T4": 65.0,
}
"""Peak dense 16-bit operations per second in 10^12, from NVIDIA's data sheets (V100 and T4: fp16). Only the H200 was measured."""
MEASURED = "H200"
_KIND = re.compile(r"(\d{1,6})x(\d{1,4})(?:x([A-Za-z0-9]{1,12}))?(?::(\d{1,6}))?")


@dataclass(frozen=True)
class PlannedCluster:
    """Machines, and how fast the GPUs of each are."""

    resources: Resources
    speeds: tuple[float, ...]
    """How fast each machine's GPUs are against an H200, in the order of `resources.nodes`; 1 where it has none."""


def read_cluster(text: str) -> PlannedCluster:
    """The machines that `text` describes. Raises `ClusterError` for what describes none."""
    nodes: list[Node] = []
    speeds: list[float] = []
    for word in text.replace(" ", "").split(","):
        count, node, speed = _kind(word)
        nodes += [Node(f"machine-{len(nodes) + i + 1}", node.cpus, node.gpus) for i in range(count)]
        speeds += [speed] * count
    if len(nodes) > MOST_MACHINES:
        raise ClusterError(OPTION, text, f"Give at most {MOST_MACHINES:,} machines.")
    return PlannedCluster(Resources.of(tuple(nodes)), tuple(speeds))


def _kind(word: str) -> tuple[int, Node, float]:
    """How many machines of one kind, what one has, and the speed of its GPUs."""
    found = _KIND.fullmatch(word)
    if found is None:
        remedy = (
            "Give MACHINESxGPUSxTYPE, such as 4x8xH200, or 4x8xH200:192 with the CPUs of a machine; 3x0:64 has no GPU."
        )
        raise ClusterError(OPTION, word, remedy)
    count, gpus = int(found[1]), int(found[2])
    cpus = int(found[4]) if found[4] else CPUS_PER_GPU * gpus
    if not (1 <= count <= MOST_MACHINES and gpus <= MOST_GPUS and 1 <= cpus <= MOST_CPUS):
        limits = f"1 to {MOST_MACHINES:,} machines with up to {MOST_GPUS} GPUs and 1 to {MOST_CPUS:,} CPUs each"
        raise ClusterError(OPTION, word, f"Give {limits}; 3x0:64 is three machines of 64 CPUs.")
    kind = (found[3] or MEASURED).upper()
    if gpus and kind not in BF16_TERAFLOPS:
        raise ClusterError(OPTION, word, f"Choose one of these GPUs: {', '.join(BF16_TERAFLOPS)}.")
    speed = BF16_TERAFLOPS[kind] / BF16_TERAFLOPS[MEASURED] if gpus else 1.0
    return count, Node("", float(cpus), float(gpus)), speed
