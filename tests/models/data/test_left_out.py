"""What is taken of a user's folder and what is left out is said by number and kind, and left-out files change no identity."""

import os
import shutil
from pathlib import Path

import pytest

from aesweep.models.data.folder import describe_folder, folder_identity
from aesweep.models.errors import InputError
from tests.image_folder import write_image_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_image_folder(tmp_path / "faces", images=3)


def copies(folder: Path, *names: str) -> None:
    """Copies of a sound picture under these names."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "train/a/0.png", path)


def test_a_plain_folder_has_one_line(folder: Path) -> None:
    assert describe_folder(folder) == [f"Images: 3 for training and 3 for testing, in {folder}"]


def test_upper_case_endings_are_taken(folder: Path) -> None:
    copies(folder, "train/a/4.PNG", "train/a/5.Jpeg")
    assert describe_folder(folder)[0].startswith("Images: 5 for training and 3 for testing")


def test_files_of_other_kinds_are_counted_by_kind(folder: Path) -> None:
    copies(folder, "train/a/1.gif", "train/b/2.GIF", "test/a/3.gif", "train/a/1.jfif", "train/a/noending", "train/a/x.")
    copies(folder, "train/.DS_Store", "test/.cache/1.png", "train/a/y.v\tw", "train/a/z.a_very_long_ending")
    _, left_out = describe_folder(folder)
    for count, kind in ((3, ".gif"), (1, ".jfif"), (2, "without an ending"), (2, "hidden"), (2, "with other endings")):
        assert f"{count} {kind}" in left_out
    assert left_out.startswith("Left out: 3 .gif, ") and left_out.endswith(
        "Rename .jfif, which are JPEGs, to .jpg to use them."
    )


def test_many_kinds_are_summed_up(folder: Path) -> None:
    copies(folder, *(f"train/a/{number}.k{kind}" for kind in range(9) for number in range(9 - kind)))
    _, left_out = describe_folder(folder)
    assert left_out == "Left out: 9 .k0, 8 .k1, 7 .k2, 6 .k3, 5 .k4, 4 .k5, 6 with other endings."


def test_thumbnails_among_the_images_are_warned_of(folder: Path) -> None:
    """They have always been taken, and leaving them out would give the folder another identity."""
    copies(folder, "train/a/@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg", "train/a/@eaDir/0.png/SYNOPHOTO_THUMB_S.jpg")
    copies(folder, "train/__MACOSX/a/._0.png", "test/#recycle/0.png")
    first, left_out, warning = describe_folder(folder)
    assert first.startswith("Images: 5 for training and 4 for testing")
    assert left_out == "Left out: 1 in __MACOSX."
    assert "2 in @eaDir, 1 in #recycle. Remove these folders" in warning


def test_what_is_beside_train_and_test_is_named(folder: Path) -> None:
    copies(folder, "val/a/1.png", "__MACOSX/train/a/._0.png", "loose.png", ".hidden.png")
    assert (
        describe_folder(folder)[1] == "Not used, because they are not in train/ or test/: __MACOSX/, loose.png, val/."
    )


def test_what_is_left_out_changes_no_identity(folder: Path, tmp_path: Path) -> None:
    """It names the trials of every store."""
    before = folder_identity(folder, tmp_path / "cache")
    copies(folder, "train/a/1.gif", "train/a/1.jfif", "train/a/noending", "train/.DS_Store", "val/a/1.png")
    copies(folder, "train/__MACOSX/a/._0.png", "test/.cache/1.png")
    assert folder_identity(folder, tmp_path / "other") == before


def test_a_folder_of_other_kinds_alone_says_what_it_holds(folder: Path, tmp_path: Path) -> None:
    for number in range(3):
        path = folder / f"train/a/{number}.png"
        path.rename(path.with_suffix(".jfif"))
    with pytest.raises(InputError, match=r"holds no images.* Left out: 3 \.jfif\. Rename \.jfif.* to \.jpg"):
        folder_identity(folder, tmp_path / "cache")


@pytest.mark.timeout(20)
def test_a_pipe_named_like_a_picture_is_refused_and_not_waited_for(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(folder / "train/a/9.jpg")
    with pytest.raises(InputError, match=r"9\.jpg.*\nIt is a pipe, socket or device"):
        folder_identity(folder, tmp_path / "cache")


def test_links_to_pictures_are_taken_and_those_to_nowhere_are_named_together(folder: Path, tmp_path: Path) -> None:
    (folder / "train/a/8.png").symlink_to(folder / "train/a/0.png")
    folder_identity(folder, tmp_path / "cache")
    (folder / "train/a/9.png").symlink_to(folder / "gone.png")
    with pytest.raises(InputError, match=r"9\.png.*\nIt is a file that cannot be read \(No such file"):
        folder_identity(folder, tmp_path / "cache")
    (folder / "test/a/7.png").symlink_to(folder / "gone.png")
    with pytest.raises(
        InputError, match=r"image files: '2 of 9 pictures'.*\n.*/9\.png, .*/7\.png: a file that cannot be"
    ):
        folder_identity(folder, tmp_path / "cache")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_pictures_without_the_right_to_read_them_are_named_together(folder: Path, tmp_path: Path) -> None:
    for number in range(2):
        (folder / f"train/a/{number}.png").chmod(0)
    with pytest.raises(InputError, match=r"'2 of 6 pictures'.*\n.*a file that cannot be read \(Permission denied"):
        folder_identity(folder, tmp_path / "cache")
