"""The layers of the networks as numbers, against the sentences of Section 3."""

import pytest

from aesweep.models.architectures.conv import decoder_depths, decoder_layers
from aesweep.models.config import TrialConfig


@pytest.mark.parametrize(
    ("size", "mapping", "depths"),
    [
        (32, "by_width", (2, 3)),  # 4f and 2f are the encoder's third and second stage
        (32, "mirrored", (1, 2)),
        (32, "in_order", (3, 3)),
        (64, "by_width", (2, 3, 3)),
        (64, "mirrored", (1, 2, 3)),
        (64, "in_order", (3, 3, 2)),
    ],
)
def test_the_decoder_takes_its_depths_from_the_encoders_list(size: int, mapping: str, depths: tuple[int, ...]) -> None:
    dataset = "celeba" if size == 64 else "cifar10"
    config = TrialConfig(dataset=dataset, image_size=size, filters=4, depth=(3, 3, 2, 1), decoder_depth=mapping)  # type: ignore[arg-type]
    assert decoder_depths(config) == depths
    widths = [layer.channels_out for layer in decoder_layers(config)[:-1]]
    assert [widths.count(width) for width in (16, 8, 4) if width in widths] == list(depths)
    assert decoder_layers(config)[-1].side_out == size
