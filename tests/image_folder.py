"""A folder of small images in ImageFolder layout: a user's own data set."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_image_folder(root: Path, images: int = 1, side: int = 8) -> Path:
    """`root`/train/a/0.png … and `root`/test/a/0.png …, so many in each, all different and always the same; `root`."""
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        (root / split / "a").mkdir(parents=True)
        for number in range(images):
            pixels = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / split / "a" / f"{number}.png")
    return root
