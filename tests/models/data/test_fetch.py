"""Fetching without a network says what to copy where; what lies there already is used."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from aesweep.models.data.images import fetch_celeba, fetch_cifar10
from aesweep.models.errors import InputError


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens on the discard port
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_network")
def test_a_failed_download_says_what_to_copy_where(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"download failed.*\nCopy the folder cifar-10-batches-py into {tmp_path}"):
        fetch_cifar10(tmp_path)
    with pytest.raises(InputError, match=r"download failed.*\nCopy img_align_celeba\.zip"):
        fetch_celeba(tmp_path)


@pytest.mark.usefixtures("no_network")
def test_doing_what_a_damaged_file_asks_for_downloads_it(tmp_path: Path) -> None:
    """Nothing is downloaded over a folder or a zip that is there, so the remedy says to remove it."""
    cifar10, archive = tmp_path / "cifar-10-batches-py", tmp_path / "celeba/img_align_celeba.zip"
    cifar10.mkdir()
    (cifar10 / "data_batch_1").write_bytes(b"torn")
    archive.parent.mkdir()
    archive.write_bytes(b"torn")
    (tmp_path / "celeba/list_eval_partition.txt").write_text("000001.jpg 0\n000002.jpg 2\n")
    for name, fetch, damaged in (("cifar10", fetch_cifar10, cifar10), ("celeba", fetch_celeba, archive)):
        with pytest.raises(InputError, match=f"Remove {damaged} and run `aesweep fetch {name} --to {tmp_path}`"):
            fetch(tmp_path)
        shutil.rmtree(damaged) if damaged.is_dir() else damaged.unlink()
        with pytest.raises(InputError, match="download failed"):
            fetch(tmp_path)


@pytest.mark.usefixtures("no_network")
def test_prepared_images_serve_where_nothing_can_be_downloaded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "prepared/cifar10-32").mkdir(parents=True)
    for split in ("train", "test"):
        np.save(tmp_path / f"prepared/cifar10-32/{split}.npy", np.zeros((2, 32, 32, 3), np.uint8))
    assert len(fetch_cifar10(tmp_path).train) == 2
    assert "download failed" in caplog.text


@pytest.mark.network
def test_cifar10_is_downloaded_and_prepared(tmp_path: Path) -> None:
    images = fetch_cifar10(tmp_path)
    assert images.train.shape == (50_000, 32, 32, 3) and images.test.shape == (10_000, 32, 32, 3)
