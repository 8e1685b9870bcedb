import numpy as np
import pytest
import torch

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.latents import encode_images
from aesweep.evaluation.metrics.reconstruction_error import MEASURES, reconstruction_errors
from aesweep.evaluation.sampling import Sampling
from aesweep.models.config import TrialConfig
from aesweep.models.errors import NonFiniteError
from aesweep.models.networks.autoencoder import Autoencoder, build_autoencoder
from aesweep.models.networks.reconstruction import bce_on_test_images

CPU = torch.device("cpu")
TRIAL = TrialConfig(filters=4, latent_size=6, precision="fp32")


@pytest.fixture(scope="module")
def model() -> Autoencoder:
    return build_autoencoder(TRIAL)


@pytest.fixture(scope="module")
def measured(model: Autoencoder, digits: np.ndarray) -> dict[str, np.ndarray]:
    z = encode_images(model, digits[:300], CPU, "fp32", "mean", 0)
    return dict(zip(MEASURES, reconstruction_errors(model, z, digits[:300], CPU, "fp32").T, strict=True))


def test_cross_entropy_is_what_training_reports(
    model: Autoencoder, digits: np.ndarray, measured: dict[str, np.ndarray]
) -> None:
    assert measured["bce"].mean() == pytest.approx(bce_on_test_images(model, digits[:300], CPU, "fp32"), rel=1e-6)


def test_psnr_follows_from_the_squared_error_of_each_image(measured: dict[str, np.ndarray]) -> None:
    np.testing.assert_allclose(measured["psnr"], -10 * np.log10(measured["mse"]), rtol=1e-5)


def test_squared_error_is_that_of_the_decoded_picture(
    model: Autoencoder, digits: np.ndarray, measured: dict[str, np.ndarray]
) -> None:
    with torch.inference_mode():
        x = torch.from_numpy(digits[:1]).permute(0, 3, 1, 2).float() / 255
        y = model.eval().decode(model.encode(x).mean).sigmoid()
    assert measured["mse"][0] == pytest.approx(float(((y - x) ** 2).mean()), rel=1e-4)
    assert (np.abs(measured["ssim"]) <= 1).all()


def test_a_decoder_that_gives_no_numbers_has_no_error(digits: np.ndarray) -> None:
    model = build_autoencoder(TRIAL)
    with torch.no_grad():
        model.decoder.last.weight[0, 0, 0, 0] = torch.nan
    with pytest.raises(NonFiniteError):
        reconstruction_errors(model, np.zeros((3, 6), np.float32), digits[:3], CPU, "fp32")


def test_perfect_reconstructions_have_no_psnr_and_keep_their_other_errors() -> None:
    """A decoder that gives black for black images: the squared error is 0 in float32."""
    model = build_autoencoder(TRIAL)
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.zero_()
        assert model.decoder.last.bias is not None
        model.decoder.last.bias.fill_(-60.0)
    black = np.zeros((12, 32, 32, 3), np.uint8)
    sampling = Sampling(EvaluationConfig(metrics=("reconstruction_error",)), model, None, {}, CPU, "fp32")
    sampling.add_reconstructions("test", black, np.arange(12), np.zeros((12, 6), np.float32))
    scores = {score.metric: score for score in sampling.sampled.measured[0].scores}
    assert scores["psnr"].value is None
    assert scores["psnr"].note == "12 of 12 reconstructions are perfect, which has no finite psnr"
    assert scores["mse"].value == 0
    assert scores["ssim"].value == pytest.approx(1)
    assert scores["bce"].value == pytest.approx(0, abs=1e-20)
