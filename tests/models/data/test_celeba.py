"""Preparing CelebA from the files and the zip of its authors."""

import zipfile
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import DataSource
from aesweep.models.data.images import load_images
from aesweep.models.errors import InputError


def write_celeba(root: Path, parts: str = "0001122") -> None:
    """Pictures of 178x218 pixels: white in the central 140x140, black around it."""
    folder = root / "celeba" / "img_align_celeba"
    folder.mkdir(parents=True)
    pixels = np.zeros((218, 178, 3), dtype=np.uint8)
    pixels[39:179, 19:159] = 255
    lines = []
    for i, part in enumerate(parts, start=1):
        Image.fromarray(pixels).save(folder / f"{i:06d}.jpg", quality=100, subsampling=0)
        lines.append(f"{i:06d}.jpg {part}")
    (root / "celeba" / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("resize", ["bilinear", "lanczos"])
def test_celeba_is_the_central_140_pixels_of_the_official_splits(
    tmp_path: Path, resize: Literal["bilinear", "lanczos"]
) -> None:
    write_celeba(tmp_path)
    config = TrialConfig(dataset="celeba", image_size=64, resize=resize)
    images = load_images(config, DataSource(data_dir=tmp_path))
    assert images.train.shape == (3, 64, 64, 3) and images.test.shape == (2, 64, 64, 3)
    assert images.train.min() > 235  # nothing of the black border is left
    assert (tmp_path / "prepared" / f"celeba-64-{resize}" / "test.npy").is_file()


def test_celeba_is_read_from_its_zip_without_unpacking(tmp_path: Path) -> None:
    write_celeba(tmp_path / "unpacked")
    write_celeba(tmp_path / "zipped")
    zip_celeba(tmp_path / "zipped")
    a, b = (load_images(CELEBA, DataSource(data_dir=tmp_path / name)) for name in ("unpacked", "zipped"))
    assert (a.train == b.train).all() and (a.test == b.test).all()


CELEBA = TrialConfig(dataset="celeba", image_size=64)


def zip_celeba(root: Path) -> Path:
    """The pictures of `write_celeba` in a zip beside where the folder was."""
    folder = root / "celeba/img_align_celeba"
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"img_align_celeba/{path.name}")
            path.unlink()
    folder.rmdir()
    return folder.with_suffix(".zip")


def load_celeba(root: Path) -> None:
    load_images(CELEBA, DataSource(data_dir=root))


def test_celeba_of_another_size_is_refused(tmp_path: Path) -> None:
    """The crop box would leave the picture, and black would be trained on."""
    write_celeba(tmp_path)
    for path in (tmp_path / "celeba/img_align_celeba").iterdir():
        Image.open(path).resize((64, 64)).save(path)
    with pytest.raises(
        InputError, match=r"5 of 5 pictures.*\n.*0000\d\d\.jpg.*64x64 pixels; aligned and cropped CelebA has 178x218"
    ):
        load_celeba(tmp_path)


def test_a_part_of_celeba_is_used_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_celeba(tmp_path)
    load_celeba(tmp_path)
    assert "names 3 train images, not the official 162770" in caplog.text
    assert "names 2 test images, not the official 19962" in caplog.text


@pytest.mark.parametrize("text", ["000001.jpg 0\n000002.jpg 2\n000003.jp", "\xff"])
def test_a_cut_list_of_celebas_splits_is_named(tmp_path: Path, text: str) -> None:
    write_celeba(tmp_path)
    (tmp_path / "celeba/list_eval_partition.txt").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"list_eval_partition\.txt.*\n.*or not all of it"):
        load_celeba(tmp_path)


def test_a_picture_that_celebas_folder_lacks_is_not_told_to_be_removed(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    folder = tmp_path / "celeba/img_align_celeba"
    (folder / "000002.jpg").unlink()
    with pytest.raises(
        InputError, match=rf"000002\.jpg.*\nIt is not there\. Remove {folder} and run `aesweep fetch celeba"
    ):
        load_celeba(tmp_path)


def test_a_web_page_in_place_of_celebas_zip_is_named(tmp_path: Path) -> None:
    """What a busy host gives, saved under the name of the file."""
    write_celeba(tmp_path)
    path = zip_celeba(tmp_path)
    path.write_text("<html>Quota exceeded</html>")
    with pytest.raises(InputError, match=rf"img_align_celeba\.zip.*\n.*zip file.*Remove {path} and run `aesweep fetch"):
        load_celeba(tmp_path)


def test_a_damaged_or_missing_picture_in_celebas_zip_is_named(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    path = zip_celeba(tmp_path)
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("img_align_celeba/000002.jpg")
    content = bytearray(path.read_bytes())
    start = member.header_offset + 30 + len(member.filename)
    content[start : start + 20] = b"\xff" * 20
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"img_align_celeba\.zip/000002\.jpg.*\nIt is not readable in the zip"):
        load_celeba(tmp_path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("img_align_celeba/000001.jpg", b"no picture")
    with pytest.raises(
        InputError,
        match=r"5 of 5 pictures.*\n.*zip/000001\.jpg: not a readable image.*000002\.jpg: not readable in the zip",
    ):
        load_celeba(tmp_path)
