"""Which width stands for "128 filters" where a store has others."""

import math
from collections.abc import Iterable

PAPER_WIDTH = 128
"""The width at which Table 1 varies noise, normalisation and frozen latents."""


def nearest_width(filters: Iterable[float], target: int = PAPER_WIDTH) -> int:
    """The width nearest to `target` by ratio, of two equally near ones the wider."""
    return min({int(width) for width in filters}, key=lambda width: (abs(math.log2(width / target)), -width))
