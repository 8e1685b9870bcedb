"""`--onnx`: the files give torch's numbers in onnxruntime, for any number of images."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from aesweep.sweep.export import onnx_files as converting
from aesweep.sweep.export.network_code import record_halves
from aesweep.sweep.export.onnx_files import TOLERANCE, onnx_files
from aesweep.sweep.load import load_model
from tests.in_process import run_aesweep
from tests.small_store import DONE
from tests.sweep.export.test_network_code import trained


def answers(data: bytes, x: torch.Tensor) -> list[np.ndarray]:
    """What onnxruntime computes."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    found: list[np.ndarray] = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    return found


@pytest.mark.slow  # the exporter takes ten seconds
def test_the_files_of_an_export_compute_what_the_stores_model_computes(small_store: Path, tmp_path: Path) -> None:
    done = run_aesweep("export", small_store, DONE.key, "--to", tmp_path / "out", "--onnx")
    assert (done.code, done.err) == (0, "") and done.out.count("\n") == 1
    model = load_model(small_store, DONE.key)
    x, z = torch.rand(3, 3, 32, 32), torch.randn(7, DONE.latent_size)
    with torch.inference_mode():
        (mean,) = answers((tmp_path / "out" / "encoder.onnx").read_bytes(), x)
        np.testing.assert_allclose(mean, model.encode(x).mean.numpy(), atol=TOLERANCE)
        (images,) = answers((tmp_path / "out" / "decoder.onnx").read_bytes(), z)
        np.testing.assert_allclose(images, model.decode(z).sigmoid().numpy(), atol=TOLERANCE)
    assert "differs from torch by" in (tmp_path / "out" / "README.md").read_text()


def test_a_variational_encoder_gives_its_log_variance_too() -> None:
    model = trained(model="vae")
    files, worst = onnx_files(record_halves(model), model.config.name)
    x = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        expected = model.encode(x)
    assert expected.log_variance is not None and worst < TOLERANCE
    mean, log_variance = answers(files["encoder.onnx"], x)
    np.testing.assert_allclose(mean, expected.mean.numpy(), atol=TOLERANCE)
    np.testing.assert_allclose(log_variance, expected.log_variance.numpy(), atol=TOLERANCE)
    for data in files.values():
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        assert {end.shape[0] for end in (*session.get_inputs(), *session.get_outputs())} == {"n"}


def test_a_missing_library_is_two_lines_before_anything_is_computed(
    small_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converting, "PACKAGES", ("onnx", "no_such_library"))
    refused = run_aesweep("export", small_store, DONE.key, "--to", tmp_path / "out", "--onnx")
    assert refused.is_refused_clearly and "pip install no_such_library" in refused.err
    assert not (tmp_path / "out").exists()
