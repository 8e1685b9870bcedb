"""What a data set is: one object that says where its images come from and what they are like. Imports neither torch nor NumPy.

Whatever its pictures are, preparation crops them to a square, brings them to the trial's size and number of channels, and keeps
them as one array per split (`data/images.py`). Models train on the split `train`; scores compare with images of `test`, or of `train`
where an evaluation says `reference_split: train`.
"""

from dataclasses import dataclass
from typing import ClassVar

from aesweep.models.plugins.plugin import Code, Plugin, PluginError


@dataclass(frozen=True, eq=False, kw_only=True)
class DataSet(Plugin):
    """Images in two splits, `train` and `test`. Its name is the value of the trial's field `dataset`.

    Each function gets the trial and a `data.datasets.DataSource`, whose `data_dir` is the folder of data sets.
    """

    kind: ClassVar[str] = "dataset"

    source: str = ""
    """Where it was published."""
    pictures: Code
    """(trial, source, split) -> the pictures of a split, always in the same order: a uint8 array (N, H, W) or (N, H, W, 3), or a
    list whose items are such images or paths of image files."""
    sizes: tuple[int, int] | Code
    """Numbers of training and test images, or (trial, source) -> these, without reading an image."""
    labels: Code | None = None
    """(trial, source, split) -> the label of each image in order, whole numbers (N,) from 0 up; None where there are none."""
    missing: Code | None = None
    """(trial, source) -> which of its files `data_dir` lacks and where to get them, in sentences; "" if it has all. Reads none."""
    image_size: int = 32
    """Pixels per side where a spec says nothing: 32 or 64."""
    channels: int = 3
    """Channels where a spec says nothing: 3 for colour images, 1 for grey ones."""
    side: int | None = None
    """Pixels per side of its pictures, if all are squares of one size."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.parameters:
            remedy = "Leave them out: images that differ are another data set, with a name of its own."
            raise PluginError(f"parameters of the dataset {self.name}", len(self.parameters), remedy)
        for name, choices in (("image_size", IMAGE_SIZES), ("channels", CHANNELS)):
            if getattr(self, name) not in choices:
                field = f"{name} of the dataset {self.name}"
                raise PluginError(field, getattr(self, name), f"Give {' or '.join(map(str, choices))}.")


IMAGE_SIZES = (32, 64)  # Section 3: CIFAR-10 and CelebA
CHANNELS = (1, 3)
