"""Pictures as they come: what is read, what is refused, in which words, and all of them at once."""

import io
import os
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import DataSource
from aesweep.models.data.folder import folder_identity
from aesweep.models.data.images import ImageSet, load_images
from aesweep.models.data.picture import FORMATS, open_image
from aesweep.models.errors import InputError
from tests.image_folder import write_image_folder

POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n%%EOF\n"
HUGE = (13_400, 13_400)  # 179.6 million pixels; Pillow refuses more than 178,956,970


def prepared(folder: Path, data_dir: Path) -> ImageSet:
    config = TrialConfig(dataset="folder", data_identity=folder_identity(folder, data_dir), image_size=32)
    return load_images(config, DataSource(data_dir=data_dir, folder=folder))


def refusal(folder: Path, data_dir: Path) -> str:
    """The two lines, after which nothing of the data set is there."""
    with pytest.raises(InputError) as caught:
        prepared(folder, data_dir)
    assert len(str(caught.value).splitlines()) == 2
    assert not [path for path in (data_dir / "prepared").rglob("*") if path.is_file()], "nothing half written"
    return str(caught.value)


def encoded(kind: str, pixels: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def noise(side: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_content_decides_whatever_the_name_says(tmp_path: Path, kind: str) -> None:
    """Collections from the web hold PNG, WebP and GIF files under .jpg."""
    path = tmp_path / "x.jpg"
    path.write_bytes(encoded(kind, np.full((8, 8, 3), 200, dtype=np.uint8)))
    assert np.abs(np.asarray(open_image(path)).astype(int) - 200).max() <= 2


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "GIF"])
def test_of_an_animation_the_first_picture_is_taken(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.webp"
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "lime")]
    frames[0].save(path, kind, save_all=True, append_images=frames[1:], duration=100, lossless=True)
    assert np.asarray(open_image(path))[4, 4].tolist() == [255, 0, 0] or kind == "GIF"
    assert np.asarray(open_image(path))[4, 4].argmax() == 0


def test_a_cmyk_jpeg_and_a_palette_with_transparency_become_rgb(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), (200, 200, 200)).convert("CMYK").save(tmp_path / "c.jpg", quality=100)
    clear = Image.new("RGBA", (8, 8), (200, 200, 200, 0)).convert("P", palette=Image.Palette.ADAPTIVE)
    clear.save(tmp_path / "p.png", transparency=0)
    for name in ("c.jpg", "p.png"):
        image = open_image(tmp_path / name)
        assert image.mode == "RGB"
        assert np.abs(np.asarray(image).astype(int) - 200).max() <= 3


def test_a_picture_of_several_in_one_jpeg_is_read(tmp_path: Path) -> None:
    """Phones write MPO files and call them .jpg."""
    first, second = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    first.save(tmp_path / "x.jpg", "MPO", save_all=True, append_images=[second])
    assert np.asarray(open_image(tmp_path / "x.jpg"))[4, 4].argmax() == 0


def test_postscript_in_a_png_starts_no_ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran, program = tmp_path / "ran", tmp_path / "bin/gs"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\ntouch {ran}\n[ "$1" = --version ] && echo 10.0 && exit 0\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    (tmp_path / "x.png").write_bytes(POSTSCRIPT)
    with pytest.raises(InputError, match=r"x\.png.*\nIt is not a readable image \(none of JPEG, PNG"):
        open_image(tmp_path / "x.png")
    assert not ran.exists()


@pytest.mark.parametrize("kind", ["TGA", "PCX", "ICO", "PDF", "JPEG2000", "SGI"])
def test_no_other_format_is_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(encoded(kind, noise(32)))
    with pytest.raises(InputError, match="none of JPEG, PNG"):
        open_image(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"not a readable image \(an empty file\)"),
        (b"<html>quota exceeded</html>", r"not a readable image \(none of JPEG"),
        (encoded("JPEG", noise())[:700], r"not a readable image \(image file is truncated\)"),
        (encoded("PNG", noise())[:700], r"not a readable image"),
    ],
)
def test_a_damaged_picture_is_named_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "x.jpg").write_bytes(content)
    with pytest.raises(InputError, match=rf"x\.jpg.*\nIt is {reason}.*Remove it or put a sound copy in its place\."):
        open_image(tmp_path / "x.jpg")


def test_a_large_sound_picture_is_not_called_unreadable(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "mine", images=2, side=32)
    Image.new("1", HUGE).save(folder / "train/a/scan.png")
    told = refusal(folder, tmp_path / "data")
    assert "scan.png" in told and told.endswith(
        "It is too large: more than 178,956,970 pixels. Make it smaller or remove it."
    )


def test_a_picture_that_pillow_warns_of_is_used_without_a_word(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "mine", images=2, side=32)
    Image.new("1", (9_500, 9_500), 1).save(folder / "train/a/scan.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (prepared(folder, tmp_path / "data").train[2] == 255).all()


def test_all_damaged_pictures_of_both_splits_are_named_at_once(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "mine", images=8, side=32)
    damaged = [folder / name for name in ("train/a/1.png", "train/a/4.png", "test/a/0.png")]
    for path in damaged:
        path.write_bytes(b"<html>quota exceeded</html>")
    (folder / "test/a/5.png").write_bytes(b"")
    first, second = refusal(folder, tmp_path / "data").splitlines()
    assert first == "image files: '4 of 16 pictures' cannot be used."
    assert second.startswith(f"{', '.join(map(str, damaged))}: not a readable image (none of JPEG")
    assert f"; {folder}/test/a/5.png: not a readable image (an empty file). Remove them, or put" in second
    for path in [*damaged, folder / "test/a/5.png"]:
        path.unlink()
    assert len(prepared(folder, tmp_path / "data").train) == 6


def test_of_many_damaged_pictures_ten_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "mine", images=30, side=8)
    for number in range(25):
        (folder / f"train/a/{number}.png").write_bytes(b"")
    first, second = refusal(folder, tmp_path / "data").splitlines()
    assert "25 of 60 pictures" in first
    assert second.count(".png") == 10 and "; and 15 more. Remove them" in second


def test_long_names_of_damaged_pictures_leave_room_for_the_remedy(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / ("m" * 150), images=12, side=8)
    for number in range(11):
        (folder / f"train/a/{number}.png").write_bytes(b"")
    told = refusal(folder, tmp_path / "data")
    assert f"In {folder}/train/a: 0.png, 1.png, 10.png" in told
    assert told.endswith("; and 1 more. Remove them, or put copies in their place that can be read.")


def test_damaged_and_large_pictures_are_told_apart(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "mine", images=4, side=32)
    Image.new("1", HUGE).save(folder / "train/a/1.png")
    (folder / "train/a/2.png").write_bytes(b"")
    told = refusal(folder, tmp_path / "data")
    assert "1.png: too large: more than 178,956,970 pixels; " in told and "2.png: not a readable image" in told


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_picture_without_the_right_to_read_it_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(encoded("PNG", noise()))
    (tmp_path / "x.png").chmod(0)
    with pytest.raises(InputError, match=r"x\.png.*\nIt is a file that cannot be read \(Permission denied\)"):
        open_image(tmp_path / "x.png")


def test_the_error_survives_the_way_from_a_worker(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        open_image(tmp_path / "gone.png")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
