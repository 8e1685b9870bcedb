"""What is missing is said before anything starts, with what to do."""

from pathlib import Path

import pytest

from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import DataSource, check_source, data_name, default_data_dir, source_sizes
from aesweep.models.errors import InputError

FOLDER = TrialConfig(dataset="folder", data_identity="3fa9c2e1b0d4" + "0" * 52)


@pytest.mark.parametrize(
    ("config", "remedy"),
    [
        (TrialConfig(dataset="cifar10"), "aesweep fetch cifar10 --to"),
        (TrialConfig(dataset="celeba", image_size=64), "aesweep fetch celeba --to"),
        (FOLDER, "Give the folder"),
    ],
    ids=lambda value: getattr(value, "dataset", None),
)
def test_absent_data_is_refused_with_the_remedy(tmp_path: Path, config: TrialConfig, remedy: str) -> None:
    with pytest.raises(InputError, match=remedy):
        check_source(config, DataSource(data_dir=tmp_path))


def test_digits_are_always_there(tmp_path: Path) -> None:
    check_source(TrialConfig(), DataSource(data_dir=tmp_path))


def test_sizes_are_known_without_the_data(tmp_path: Path) -> None:
    sizes = {
        name: source_sizes(TrialConfig(dataset=name), DataSource(data_dir=tmp_path))
        for name in ("digits", "cifar10", "celeba")
    }
    assert sizes == {"digits": (1500, 297), "cifar10": (50_000, 10_000), "celeba": (162_770, 19_962)}


def test_one_training_image_is_too_few(tmp_path: Path) -> None:
    """`plan` asks for the sizes: it must not promise a trial that can never train."""
    for name in ("train/a/1.png", "test/a/1.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    source = DataSource(data_dir=tmp_path, folder=tmp_path)
    with pytest.raises(InputError, match="train/ holds one image; training needs two"):
        source_sizes(FOLDER, source)
    (tmp_path / "train/a/2.png").touch()
    assert source_sizes(FOLDER, source) == (2, 1)


def test_names_of_prepared_data() -> None:
    assert data_name(TrialConfig(dataset="cifar10")) == "cifar10-32"
    assert data_name(FOLDER) == "folder-3fa9c2e1b0d4-32"


def test_the_data_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AESWEEP_DATA", str(tmp_path))
    assert default_data_dir() == tmp_path
    monkeypatch.delenv("AESWEEP_DATA")
    assert default_data_dir() == Path.home() / ".cache" / "aesweep"
