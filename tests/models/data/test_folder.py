"""A folder's identity is its content."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesweep.models.data.folder import folder_identity, list_images
from aesweep.models.errors import InputError

GOLDEN = "43ff367d1e45077864bd7ad2f5d46c91d76c560866cc55de49396b73dcf71eb0"


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


@pytest.mark.parametrize("content", [b"\xff\xfe\x80", b"[]", b"{}"])
def test_a_cache_of_other_bytes_is_no_answer(folder: Path, tmp_path: Path, content: bytes) -> None:
    first = folder_identity(folder, tmp_path)
    (cache,) = (tmp_path / "folders").glob("*.json")
    cache.write_bytes(content)
    assert folder_identity(folder, tmp_path) == first


def test_other_users_may_read_the_kept_answer(folder: Path, tmp_path: Path) -> None:
    """On shared storage the first user's cache serves, or at least does not stop, all others."""
    folder_identity(folder, tmp_path)
    (cache,) = (tmp_path / "folders").iterdir()
    plain = tmp_path / "plain"
    plain.touch()
    assert cache.stat().st_mode == plain.stat().st_mode


def test_a_data_folder_that_cannot_be_written_to_costs_the_cache_and_nothing_else(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "folders").write_text("a file where the folder of the cache should be")
    with caplog.at_level("INFO"):
        assert folder_identity(folder, tmp_path) == folder_identity(folder, tmp_path / "elsewhere")
    assert "is not kept" in caplog.text


def test_a_name_that_is_not_utf8_is_part_of_the_identity(folder: Path, tmp_path: Path) -> None:
    first = folder_identity(folder, tmp_path)
    (folder / "train/a/2.png").rename(os.fsdecode(os.fsencode(folder) + b"/train/a/caf\xe9.png"))
    second = folder_identity(folder, tmp_path)
    assert second != first
    renamed = folder.rename(os.fsdecode(os.fsencode(tmp_path) + b"/f\xe9lix"))
    assert folder_identity(renamed, tmp_path) == second


def test_identities_of_plain_names_never_change(tmp_path: Path) -> None:
    """They name the trials of every store: a golden value, over names of ASCII and of UTF-8."""
    for name in ("train/b/1.png", "train/ä/2 x.JPG", "test/日本/3.webp"):
        (tmp_path / "faces" / name).parent.mkdir(parents=True)
        (tmp_path / "faces" / name).write_bytes(name.encode())
    assert folder_identity(tmp_path / "faces", tmp_path) == GOLDEN


def test_links_are_followed_once_and_never_in_circles(folder: Path, tmp_path: Path) -> None:
    picture(tmp_path / "more/4.png")
    (folder / "train/a/more").symlink_to(tmp_path / "more")
    (tmp_path / "more/back").symlink_to(folder / "train")
    (folder / "train/a/up").symlink_to(folder / "train")
    (folder / "train/a/top").symlink_to(folder)
    (folder / "train/a/here").symlink_to(folder / "train/a")
    names = [path.relative_to(folder).as_posix() for path in list_images(folder, "train")]
    assert names == ["train/a/2.png", "train/a/more/4.png", "train/b/1.png", "train/loose.png"]


def test_missing_parts_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        folder_identity(tmp_path / "nowhere", tmp_path)
    shutil.rmtree(folder / "test" / "a")
    with pytest.raises(InputError, match="holds no images"):
        folder_identity(folder, tmp_path)
    shutil.rmtree(folder / "test")
    with pytest.raises(InputError, match="no test/ folder"):
        folder_identity(folder, tmp_path)
