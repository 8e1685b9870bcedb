"""A folder's identity is its content."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import InputError
from models.folder import folder_identity, list_images


def picture(path: Path, level: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), level, dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "faces"
    for name in ("train/b/1.png", "train/a/2.png", "train/loose.png", "test/a/3.png"):
        picture(root / name)
    return root


def test_images_are_listed_by_their_path_and_nothing_else_is(folder: Path) -> None:
    (folder / "train/a/notes.txt").write_text("no image")
    picture(folder / "train/a/.hidden.png")
    picture(folder / "train/.cache/4.png")
    names = [path.relative_to(folder).as_posix() for path in list_images(folder, "train")]
    assert names == ["train/a/2.png", "train/b/1.png", "train/loose.png"]


def test_identity_is_the_same_wherever_the_folder_lies(folder: Path, tmp_path: Path) -> None:
    first = folder_identity(folder, tmp_path / "cache")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(folder, elsewhere)
    assert len(first) == 64
    assert folder_identity(elsewhere, tmp_path / "cache") == first
    assert folder_identity(folder, tmp_path / "other cache") == first


def test_identity_changes_with_a_pixel_a_name_and_a_split(folder: Path, tmp_path: Path) -> None:
    seen = {folder_identity(folder, tmp_path)}
    picture(folder / "train/a/2.png", level=101)
    seen.add(folder_identity(folder, tmp_path))
    (folder / "train/a/2.png").rename(folder / "train/a/9.png")
    seen.add(folder_identity(folder, tmp_path))
    (folder / "train/a/9.png").rename(folder / "test/a/9.png")
    seen.add(folder_identity(folder, tmp_path))
    assert len(seen) == 4


def test_unchanged_files_are_not_read_again(folder: Path, tmp_path: Path) -> None:
    """Content swapped behind the same size and time is not seen: proof that the kept answer was used."""
    path = folder / "train/a/2.png"
    first = folder_identity(folder, tmp_path)
    state, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert folder_identity(folder, tmp_path) != first
    path.write_bytes(path.read_bytes())
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    changed = folder_identity(folder, tmp_path)
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert folder_identity(folder, tmp_path) == changed
    assert folder_identity(folder, tmp_path / "fresh") == first


def test_a_torn_cache_is_no_answer(folder: Path, tmp_path: Path) -> None:
    first = folder_identity(folder, tmp_path)
    (cache,) = (tmp_path / "folders").glob("*.json")
    cache.write_text('{"listing": "')
    assert folder_identity(folder, tmp_path) == first


def test_missing_parts_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        folder_identity(tmp_path / "nowhere", tmp_path)
    shutil.rmtree(folder / "test" / "a")
    with pytest.raises(InputError, match="holds no images"):
        folder_identity(folder, tmp_path)
    shutil.rmtree(folder / "test")
    with pytest.raises(InputError, match="no test/ folder"):
        folder_identity(folder, tmp_path)
