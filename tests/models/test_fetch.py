"""Fetching without a network says what to copy where; what lies there already is used."""

from pathlib import Path

import pytest

from models.errors import InputError
from models.fetch import fetch_celeba, fetch_cifar10


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


@pytest.mark.network
def test_cifar10_is_downloaded_and_prepared(tmp_path: Path) -> None:
    images = fetch_cifar10(tmp_path)
    assert images.train.shape == (50_000, 32, 32, 3) and images.test.shape == (10_000, 32, 32, 3)
