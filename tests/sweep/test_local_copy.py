"""The copy that a report of an object store is drawn from."""

import os
from pathlib import Path

import pytest

from aesweep.sweep.commands.results import copy_pictures
from aesweep.sweep.store.store import open_store

PICTURE = "trials/0123456789ab/attempts/score-0001-e-aaaaaa/samples/gmm.png"


def test_a_picture_that_was_copied_in_part_is_copied_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fills inside the first copy; the pictures that are there are not copied a second time."""
    store = open_store(tmp_path / "store", create=True)
    store.storage.write(PICTURE, b"a whole picture")

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            copy_pictures(store, tmp_path / "copy", [PICTURE])
    copy_pictures(store, tmp_path / "copy", [PICTURE])
    assert (tmp_path / "copy" / PICTURE).read_bytes() == b"a whole picture"
    assert os.listdir((tmp_path / "copy" / PICTURE).parent) == ["gmm.png"]
