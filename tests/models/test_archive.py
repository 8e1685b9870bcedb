"""A zip file that stands for more than it holds is refused before anything of it is in memory."""

import io
import struct
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
import torch

from aesweep.evaluation.npz import from_npz
from aesweep.models.archive import MOST_LISTED_BYTES, require_sound_zip
from aesweep.models.config import TrialConfig
from aesweep.models.networks.autoencoder import build_autoencoder
from aesweep.models.training.checkpoint import model_bytes, model_from_bytes, restore_checkpoint
from aesweep.models.training.trainer import Trainer

CONFIG = TrialConfig(filters=2, latent_size=2, epochs=1)


def zipped(method: int, *names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name in names:
            archive.writestr(name, bytes(10_000))
    return file.getvalue()


def overlapping() -> bytes:
    """Every part of the list is the first one."""
    data = bytearray(zipped(zipfile.ZIP_STORED, *map(str, range(50))))
    place = data.find(b"PK\1\2")
    while place >= 0:
        struct.pack_into("<L", data, place + 42, 0)
        place = data.find(b"PK\1\2", place + 1)
    return bytes(data)


def more_than_there_is() -> bytes:
    data = bytearray(zipped(zipfile.ZIP_STORED, "a"))
    struct.pack_into("<LL", data, data.find(b"PK\1\2") + 20, 2**31, 2**31)
    return bytes(data)


def long_list() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for index in range(MOST_LISTED_BYTES // 1000):
            archive.writestr(f"{index:01000}", b"")
    return file.getvalue()


BOMBS: list[Callable[[], bytes]] = [
    lambda: zipped(zipfile.ZIP_DEFLATED, "a"),
    lambda: zipped(zipfile.ZIP_BZIP2, "a"),
    lambda: zipped(zipfile.ZIP_LZMA, "a"),
    overlapping,
    more_than_there_is,
    long_list,
    lambda: b"",
    lambda: b"PK\5\6" + bytes(18) + b"rest" * 100_000,
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_zip_that_stands_for_more_than_it_holds_is_refused(bomb: Callable[[], bytes]) -> None:
    with pytest.raises(ValueError, match=r"parts|checksum|no sound zip"):
        require_sound_zip(io.BytesIO(bomb()))


def test_what_is_stored_as_it_is_passes() -> None:
    file = io.BytesIO()
    torch.save({"a": torch.zeros(2_000_000)}, file)
    require_sound_zip(file)
    assert file.tell() == 0
    require_sound_zip(io.BytesIO(zipped(zipfile.ZIP_STORED, "a", "b")))


def test_an_array_that_is_said_to_be_larger_than_its_bytes_is_refused() -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"shape": (10**12,), "fortran_order": False, "descr": "<f4"})
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("train.npy", header.getvalue() + bytes(100))
    with pytest.raises(ValueError, match=r"damaged latents: an array of \(1000000000000,\)"):
        from_npz(file.getvalue(), "latents", "train")


def test_a_checkpoint_whose_tensors_stand_for_more_than_is_stored_is_refused() -> None:
    trainer = Trainer(CONFIG, torch.zeros(20, 32, 32, 3, dtype=torch.uint8), device=torch.device("cpu"))
    state = trainer.state_dict()
    state["more"] = torch.zeros(1).expand(10**12)
    file = io.BytesIO()
    torch.save({"format": 1, "key": CONFIG.key, "state": state}, file)
    with pytest.raises(ValueError, match="larger than what is stored"):
        restore_checkpoint(trainer, file.getvalue())


def test_weights_of_a_network_said_to_be_wide_take_no_memory() -> None:
    """A million filters would be some 100 TB."""
    data = model_bytes(build_autoencoder(CONFIG))
    assert model_from_bytes(CONFIG, data).config == CONFIG
    with pytest.raises(ValueError, match="not the weights"):
        model_from_bytes(TrialConfig(filters=1_000_000, latent_size=1_000_000), data)
