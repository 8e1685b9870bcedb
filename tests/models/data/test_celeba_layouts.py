"""CelebA is read as its public copies have it; what cannot be read is named."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from aesweep.models.data.celeba_layout import missing_celeba
from aesweep.models.data.datasets import DataSource, check_source
from aesweep.models.data.images import load_images
from aesweep.models.errors import InputError
from tests.models.data.test_celeba import CELEBA, write_celeba, zip_celeba


@pytest.fixture
def expected(tmp_path: Path) -> np.ndarray:
    """What torchvision's layout gives."""
    write_celeba(tmp_path / "torchvision")
    return np.array(load_images(CELEBA, DataSource(data_dir=tmp_path / "torchvision")).train)


def as_csv(partition: Path) -> None:
    """Kaggle's form of the list."""
    lines = partition.read_text().replace(" ", ",").splitlines()
    partition.with_suffix(".csv").write_text("\n".join(["image_id,partition", *lines]) + "\n")
    partition.unlink()


@pytest.mark.parametrize("root", ["celeba", "CelebA", "celeba-dataset", ""])
@pytest.mark.parametrize("layout", ["torchvision", "authors", "authors, zipped", "Kaggle", "Kaggle, zipped"])
def test_every_public_layout_gives_the_same_pictures(
    tmp_path: Path, expected: np.ndarray, layout: str, root: str
) -> None:
    write_celeba(tmp_path / "data")
    celeba = tmp_path / "data/celeba"
    if "authors" in layout:
        (celeba / "Img").mkdir()
        (celeba / "Eval").mkdir()
        (celeba / "list_eval_partition.txt").rename(celeba / "Eval/list_eval_partition.txt")
        if "zipped" in layout:
            zip_celeba(tmp_path / "data").rename(celeba / "Img/img_align_celeba.zip")
        else:
            (celeba / "img_align_celeba").rename(celeba / "Img/img_align_celeba")
    if "Kaggle" in layout:
        as_csv(celeba / "list_eval_partition.txt")
        (celeba / "img_align_celeba").rename(celeba / "inner")
        (celeba / "img_align_celeba").mkdir()
        (celeba / "inner").rename(celeba / "img_align_celeba/img_align_celeba")
        if "zipped" in layout:
            shutil.make_archive(str(celeba / "img_align_celeba"), "zip", celeba, "img_align_celeba")
            shutil.rmtree(celeba / "img_align_celeba")
    data_dir = tmp_path / "data"
    if root != "celeba":
        data_dir = celeba if not root else celeba.rename(data_dir / root).parent
    assert (load_images(CELEBA, DataSource(data_dir=data_dir)).train == expected).all()


def test_what_is_missing_is_named_alone(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    (tmp_path / "celeba/list_eval_partition.txt").unlink()
    with pytest.raises(InputError, match=r"It lacks celeba/list_eval_partition\.txt \(or \.csv\)\. Run `aesweep fetch"):
        check_source(CELEBA, DataSource(data_dir=tmp_path))
    assert missing_celeba(tmp_path / "nowhere").startswith(
        "It lacks celeba/img_align_celeba/ (or .zip) and celeba/list"
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("celeba/data/train-00000-of-00019.parquet", "Parquet files, as on Hugging Face, are not read"),
        ("CelebA/Img/img_align_celeba_png.7z/img_align_celeba_png.7z.001", "the PNG copy is not read"),
        ("celeba/archive.zip", "unpack it there"),
    ],
)
def test_a_copy_that_cannot_be_read_is_named(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=rf"It holds {name[:12]}.*: {told}"):
        check_source(CELEBA, DataSource(data_dir=tmp_path))
