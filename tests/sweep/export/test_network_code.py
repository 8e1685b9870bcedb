"""Every network as plain torch code: the same numbers as the module, for any number of images."""

from typing import Any

import pytest
import torch

from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.models.networks.autoencoder import Autoencoder, build_autoencoder
from aesweep.models.objectives.registry import OBJECTIVES
from aesweep.sweep.export.network_code import Network, largest_difference, network_code, record_halves, recorded

SMALL = TrialConfig(filters=2, latent_size=3)
VARIANTS: tuple[dict[str, Any], ...] = (
    *({"model": name} for name in OBJECTIVES.names()),
    *({"latent_norm": norm} for norm in ("batch", "batch_plain", "layer", "spectral")),
    {"conv_norm": False, "freeze_latent": True, "depth": 2},
    {"architecture": "resnet", "channels": 1},
    {"dataset": "celeba", "image_size": 64, "decoder_first_activation": "relu", "noise_std": 0.1},
)


def trained(**fields: Any) -> Autoencoder:
    """A network whose running statistics and power iterations have seen images."""
    model = build_autoencoder(TrialConfig(**{"filters": 2, "latent_size": 3, **fields}))
    model.train()
    with torch.no_grad():
        model(images(8, model.config), torch.Generator().manual_seed(0))
    return model.eval()


def images(n: int, config: TrialConfig) -> torch.Tensor:
    """Noise of the shape of a trial's images, (n, C, H, W)."""
    height, width, channels = config.image_shape
    return torch.rand(n, channels, height, width)


def run(network: Network) -> dict[str, Any]:
    """The functions of the code."""
    found: dict[str, Any] = {}
    exec(network.code, found)
    return found


@pytest.mark.parametrize("fields", VARIANTS, ids=lambda fields: "-".join(map(str, fields.values())))
def test_the_code_computes_what_the_network_computes(fields: dict[str, Any]) -> None:
    model = trained(**fields)
    network = network_code(record_halves(model))
    code = run(network)
    for n in (1, 4):
        x, z = images(n, model.config), torch.randn(n, 3)
        with torch.inference_mode():
            mean, log_variance = model.encode(x)
            expected = (mean,) if log_variance is None else (mean, log_variance)
            for ours, theirs in zip(expected, code["encode"](network.tensors, x), strict=True):
                torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-6)
            torch.testing.assert_close(code["decode"](network.tensors, z), model.decode(z).sigmoid(), rtol=0, atol=1e-6)


def test_the_code_holds_plain_kernels_and_the_model_stays_as_it_was() -> None:
    model = trained(model="rae-sn")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    names = network_code(record_halves(model)).tensors.keys()
    assert "encoder.mean.weight" in names and not [name for name in names if "parametrizations" in name]
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


class ByValue(torch.nn.Module):
    """A layer that looks at its input's values to decide what to do."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Twice `x` where that is small."""
        return x * 2 if x.sum() < 1 else x


def test_a_network_that_decides_by_its_data_is_refused() -> None:
    with pytest.raises(InputError, match=r"torch\.export cannot record its network"):
        recorded(ByValue(), (3,), "a-trial")


def test_a_difference_is_in_units_of_the_largest_output_of_each_kind() -> None:
    small, large = torch.tensor([0.5, -0.1]), torch.tensor([0.0, 200.0])
    assert largest_difference((small, large), (small + 0.25, large - 1)) == pytest.approx(0.25)
    assert largest_difference((small, large), (small, large - 100)) == pytest.approx(0.5)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_output_that_is_no_number_is_never_equal(place: int) -> None:
    expected = [torch.zeros(2)] * 3
    found = [one.clone() for one in expected]
    found[place][1] = torch.nan
    assert not largest_difference(expected, found) <= 1
