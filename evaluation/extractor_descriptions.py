"""The feature networks, one description each: the one place that registers them. Imports no torch.

A network is known by the SHA-256 of its weights, which `weights` finds out before anything is launched. One that is trained on
the data set itself (`train`) has none yet: an evaluation names the SHA-256 of the recipe instead, and the weights are kept in the
store (sweep/worker/trained_extractor.py).
"""

from dataclasses import dataclass
from typing import ClassVar

from aesweep.models.plugins.plugin import BUILT_IN, Code, Plugin, PluginError
from aesweep.models.plugins.registry import Registry


@dataclass(frozen=True, kw_only=True)
class FeatureNetwork(Plugin):
    """A network whose features of images are compared."""

    kind: ClassVar[str] = "extractor"

    preparation: str
    """What it sees of a picture (size, filter, scale, type): it decides a score as much as the weights do."""
    weights: Code
    """(data folder) -> SHA-256 of the weights, or of the recipe. Raises `InputError` where they are missing or wrong."""
    load: Code
    """(data folder, device) -> `networks.extractor.Extractor`; with `train`, (weights, device) -> that."""
    train: Code | None = None
    """(training images uint8 (N, H, W, 3), labels int64 (N,), device) -> weights, bytes. For networks that learn from the
    labels of the data set that they measure; None for those that come with weights."""
    needs_labels: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.parameters:
            remedy = "Leave them out: the SHA-256 that `weights` returns says what measured."
            raise PluginError(f"parameters of the extractor {self.name}", len(self.parameters), remedy)


_WEIGHTS, _EXTRACTORS = "aesweep.evaluation.networks.weights", "aesweep.evaluation.networks.extractors"


def _dinov2(size: str) -> FeatureNetwork:
    name = f"dinov2-vit-{size}-14"
    return FeatureNetwork(
        name=name,
        version=BUILT_IN,
        meaning=f"DINOv2, ViT-{size.upper()}/14, whose weights you put into the data folder",
        preparation="224 px, bilinear as in TensorFlow 1, ImageNet colours, float32",
        weights=f"{_WEIGHTS}:dinov2_{size}_sha256",
        load=f"{_EXTRACTORS}:load_dinov2_{size}",
    )


EXTRACTORS = Registry(
    FeatureNetwork,
    (
        FeatureNetwork(
            name="inception-2015",
            version=BUILT_IN,
            meaning="the Inception network of 2015, which FID is defined on",
            preparation="299 px, bilinear as in TensorFlow 1, (x - 128) / 128, float32",
            weights=f"{_WEIGHTS}:inception_sha256",
            load=f"{_EXTRACTORS}:load_inception_2015",
        ),
        FeatureNetwork(
            name="random-conv-64",
            version=BUILT_IN,
            meaning="a small network of fixed random weights, which needs no files",
            preparation="own size, x / 127.5 - 1, float32",
            weights=f"{_WEIGHTS}:random_conv_sha256",
            load=f"{_EXTRACTORS}:load_random_conv",
        ),
        *map(_dinov2, "sbl"),
        FeatureNetwork(
            name="classifier",
            version=BUILT_IN,
            meaning="a small network that is trained on the labels of the data set",
            preparation="32 px, averaged, x / 127.5 - 1, float32",
            weights="aesweep.evaluation.networks.classifier_recipe:recipe_sha256",
            load="aesweep.evaluation.networks.classifier:load_classifier",
            train="aesweep.evaluation.networks.classifier:train_classifier",
            needs_labels=True,
        ),
    ),
)
