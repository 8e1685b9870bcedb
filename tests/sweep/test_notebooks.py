"""The notebooks in docs/ run from their first cell to their last, as a reader would run them."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from tests.fresh_process import REPOSITORY, command_environment

NOTEBOOKS = sorted((REPOSITORY / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_a_store_and_a_picture_of_ones_own(path: Path, small_store: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "mine.png")
    notebook = nbformat.read(path, as_version=4)
    environment = command_environment(
        AESWEEP_STORE=str(small_store),
        AESWEEP_PICTURE=str(tmp_path / "mine.png"),
        MPLBACKEND="module://matplotlib_inline.backend_inline",
    )
    NotebookClient(notebook, timeout=200, kernel_name="python3").execute(cwd=str(tmp_path), env=environment)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    text = "".join(output.get("text", "") for output in outputs)
    assert len(pictures) == 3 and "mean squared error" in text and "digits-dae" in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS
