"""All data sets by name: those of aesweep, and plug-ins. Imports neither torch nor NumPy."""

from aesweep.models.datasets.dataset import DataSet
from aesweep.models.plugins.plugin import BUILT_IN
from aesweep.models.plugins.registry import Registry

_READING, _LABELS, _SOURCES = (f"aesweep.models.data.{module}" for module in ("reading", "labels", "datasets"))

DATASETS = Registry(
    DataSet,
    (
        DataSet(
            name="digits",
            version=BUILT_IN,
            meaning="8 x 8 pixels, handwritten; part of scikit-learn, needs no files",
            source="E. Alpaydin and C. Kaynak 1998, Optical Recognition of Handwritten Digits (UCI)",
            pictures=f"{_READING}:digits_pictures",
            labels=f"{_LABELS}:digits_labels",
            sizes=(1_500, 297),
            side=8,
        ),
        DataSet(
            name="cifar10",
            version=BUILT_IN,
            meaning="photographs of ten classes, 32 x 32 pixels",
            source="A. Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
            pictures=f"{_READING}:cifar10_pictures",
            labels=f"{_LABELS}:cifar10_labels",
            sizes=(50_000, 10_000),
            missing=f"{_SOURCES}:missing_from_cifar10",
            side=32,
        ),
        DataSet(
            name="celeba",
            version=BUILT_IN,
            meaning="faces, aligned and cropped; the central 140 x 140 pixels",
            source="Z. Liu et al. 2015, Deep Learning Face Attributes in the Wild",
            pictures=f"{_READING}:celeba_pictures",
            # Its 19,867 validation images are not used: Section 3 names train and test alone.
            sizes=(162_770, 19_962),
            missing=f"{_SOURCES}:missing_from_celeba",
            image_size=64,
        ),
        DataSet(
            name="folder",
            version=BUILT_IN,
            meaning="your own images, as train/<label>/*.jpg and test/<label>/*.jpg",
            pictures=f"{_READING}:folder_pictures",
            labels=f"{_LABELS}:folder_labels",
            sizes=f"{_SOURCES}:folder_sizes",
            missing=f"{_SOURCES}:missing_from_folder",
        ),
    ),
)
