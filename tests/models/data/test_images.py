"""Preparing each data set from files in its authors' layout."""

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import CIFAR10

from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import DataSource, data_name, source_sizes
from aesweep.models.data.folder import folder_identity
from aesweep.models.data.images import fit_square, load_images
from aesweep.models.data.picture import open_image
from aesweep.models.data.reading import CIFAR10_BATCHES
from aesweep.models.errors import InputError
from tests.fresh_process import REPOSITORY
from tests.sweep.store.small_disk import mounted

REAL_IMAGES = REPOSITORY.parent / "shared" / "data"


# digits


def test_digits_are_clear_grey_pictures_split_once_for_all(tmp_path: Path) -> None:
    config = TrialConfig()
    images = load_images(config, DataSource(data_dir=tmp_path))
    assert images.train.shape == (1500, 32, 32, 3) and images.test.shape == (297, 32, 32, 3)
    assert images.train.dtype == np.uint8 and not images.train.flags.writeable
    assert (images.train[..., 0] == images.train[..., 2]).all()
    assert images.train.max() == 255 and images.train.min() == 0
    # each picture brought back to 8x8 is one of scikit-learn's, and no picture is in both splits
    small = [np.asarray(Image.fromarray(x).resize((8, 8), Image.Resampling.BOX))[..., 0] for x in images.test]
    from sklearn.datasets import load_digits

    originals = load_digits().images * (255 / 16)
    nearest = {int(np.abs(originals - x).mean((1, 2)).argmin()) for x in small}
    assert len(nearest) > 290
    assert not {x.tobytes() for x in images.train} & {x.tobytes() for x in images.test}


def test_digits_come_at_64_pixels_too(tmp_path: Path) -> None:
    source = DataSource(data_dir=tmp_path)
    assert load_images(TrialConfig(image_size=64), source).test.shape == (297, 64, 64, 3)


# cifar10


def write_cifar10(root: Path, per_batch: int = 4) -> dict[str, np.ndarray]:
    """Generated batches in the layout of CIFAR-10's python version, as Python 2 wrote them (protocol 2, bytes keys)."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    generator, written = np.random.default_rng(0), {}
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        rows = generator.integers(0, 256, (per_batch, 3072), dtype=np.uint8)
        content = {
            b"batch_label": name.encode(),
            b"labels": [0] * per_batch,
            b"data": rows,
            b"filenames": [b"x.png"] * per_batch,
        }
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
        written[name] = rows
    return written


def test_cifar10_is_read_from_its_official_layout(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    written = write_cifar10(tmp_path)
    config = TrialConfig(dataset="cifar10")
    source = DataSource(data_dir=tmp_path)
    images = load_images(config, source)
    assert images.train.shape == (20, 32, 32, 3) and images.test.shape == (4, 32, 32, 3)
    # a row holds 1,024 red, then green, then blue values, row by row
    row = written["data_batch_2"][1]
    assert images.train[5, 3, 7].tolist() == [row[3 * 32 + 7], row[1024 + 3 * 32 + 7], row[2048 + 3 * 32 + 7]]
    assert "not the official CIFAR-10 file" in caplog.text
    assert source_sizes(config, source) == (20, 4)


def test_the_official_batches_are_those_of_torchvision() -> None:
    found = {split: list(map(list, batches.items())) for split, batches in CIFAR10_BATCHES.items()}
    assert found == {"train": CIFAR10.train_list, "test": CIFAR10.test_list}


def test_a_batch_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path}/ran",)

    write_cifar10(tmp_path)
    (tmp_path / "cifar-10-batches-py/data_batch_3").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(InputError, match="data_batch_3"):
        load_images(TrialConfig(dataset="cifar10"), DataSource(data_dir=tmp_path))
    assert not (tmp_path / "ran").exists()


def test_a_torn_batch_is_named(tmp_path: Path) -> None:
    write_cifar10(tmp_path)
    path = tmp_path / "cifar-10-batches-py/test_batch"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match="test_batch"):
        load_images(TrialConfig(dataset="cifar10"), DataSource(data_dir=tmp_path))
    assert not list((tmp_path / "prepared" / "cifar10-32").iterdir())  # nothing half-done is left


# folder


def write_folder(root: Path) -> Path:
    for split, shape in (("train", (50, 40)), ("test", (32, 32))):
        for i in range(3):
            path = root / split / "things" / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((*shape, 3), 60 * i, dtype=np.uint8)).save(path)
    return root


def folder_trial(folder: Path, data_dir: Path, size: int = 32) -> tuple[TrialConfig, DataSource]:
    identity = folder_identity(folder, data_dir)
    config = TrialConfig(dataset="folder", data_identity=identity, image_size=size)
    return config, DataSource(data_dir=data_dir, folder=folder)


def test_a_folder_of_pictures_is_cropped_and_resized(tmp_path: Path) -> None:
    config, source = folder_trial(write_folder(tmp_path / "mine"), tmp_path / "data")
    images = load_images(config, source)
    assert images.train.shape == (3, 32, 32, 3)
    assert [int(x.mean()) for x in images.train] == [0, 60, 120]
    assert data_name(config) == f"folder-{config.data_identity[:12]}-32"


def test_prepared_images_serve_without_the_folder(tmp_path: Path) -> None:
    config, source = folder_trial(write_folder(tmp_path / "mine"), tmp_path / "data")
    expected = np.array(load_images(config, source).train)
    (tmp_path / "mine").rename(tmp_path / "moved")
    assert (load_images(config, source).train == expected).all()
    assert source_sizes(config, source) == (3, 3)


def header(text: str) -> bytes:
    """The beginning of a `.npy` file with that header."""
    return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + text.ljust(117).encode() + b"\n"


WITHOUT_END = header("{'descr': '|u1', 'fortran_order': False, 'shape': (1500, 32, 32, 3")
TOO_LARGE = header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({10**30}, 32, 32, 3)}}")


@pytest.mark.parametrize("damage", ["cut short", "flipped bit", "another array", b"", b"PK", WITHOUT_END, TOO_LARGE])
def test_damaged_prepared_images_are_set_aside_and_prepared_again(
    tmp_path: Path, damage: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    config, source = TrialConfig(), DataSource(data_dir=tmp_path)
    before = np.array(load_images(config, source).train)
    path = tmp_path / "prepared/digits-32/train.npy"
    content = path.read_bytes()
    match damage:
        case "cut short":
            path.write_bytes(content[:-1000])
        case "flipped bit":
            path.write_bytes(content[:5000] + bytes([content[5000] ^ 1]) + content[5001:])
        case bytes():
            path.write_bytes(damage)
        case _:
            np.save(path, np.zeros((3, 32, 32, 3)))
    assert source_sizes(config, source) == (1500, 297)  # `plan` asks, before anything is prepared
    assert (load_images(config, source, verify=damage == "flipped bit").train == before).all()
    assert "digits-32 are damaged" in caplog.text
    assert path.with_name("train.npy.damaged").exists()


def test_prepared_images_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(InputError, match=r"(?s)--data.*cannot be written there \(Not a directory\)"):
        load_images(TrialConfig(), DataSource(data_dir=tmp_path / "data"))


def test_a_disk_without_room_for_the_images_is_told_and_left_as_it_was(tmp_path: Path) -> None:
    """Under a memory map it would end the process."""
    with mounted(tmp_path / "disk", 400_000) as disk:
        with pytest.raises(InputError, match=r"(?s)--data.*cannot be written there \(No space left on device\)"):
            load_images(TrialConfig(), DataSource(data_dir=disk.folder))
        assert not any(path.is_file() for path in disk.folder.rglob("*"))


def test_a_folder_changed_since_the_spec_is_refused(tmp_path: Path) -> None:
    config, source = folder_trial(write_folder(tmp_path / "mine"), tmp_path / "data")
    (tmp_path / "mine/train/things/0.png").unlink()
    with pytest.raises(InputError, match="have changed"):
        load_images(config, source)


def test_an_unreadable_picture_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine")
    (folder / "train/things/bad.jpg").write_bytes(b"\xff\xd8 torn")
    config, source = folder_trial(folder, tmp_path / "data")
    with pytest.raises(InputError, match=r"bad\.jpg.*\n.*not a readable image"):
        load_images(config, source)


def test_two_processes_that_prepare_at_once_do_no_harm(tmp_path: Path) -> None:
    write_cifar10(tmp_path)
    code = (
        "from pathlib import Path\nfrom aesweep.models.config import TrialConfig\n"
        "from aesweep.models.data.datasets import DataSource\n"
        "from aesweep.models.data.images import load_images\n"
        "config = TrialConfig(dataset='cifar10')\n"
        f"print(load_images(config, DataSource(data_dir=Path({str(tmp_path)!r}))).train.sum())\n"
        "import sys; assert not {'torch', 'torchvision'} & set(sys.modules), 'they take seconds'"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    sums = {run.communicate()[0] for run in runs}
    assert len(sums) == 1 and all(run.returncode == 0 for run in runs)
    files = sorted(path.name for path in (tmp_path / "prepared/cifar10-32").iterdir())
    assert files == ["test.npy", "test.npy.sha256", "train.npy", "train.npy.sha256"]


@pytest.mark.skipif(not REAL_IMAGES.is_dir(), reason=f"no real images at {REAL_IMAGES}")
def test_real_pictures_come_through_unchanged_at_their_own_size(tmp_path: Path) -> None:
    unpack = [sys.executable, str(REAL_IMAGES / "unpack.py"), str(tmp_path / "real"), "--train", "30", "--test", "10"]
    subprocess.run(unpack, check=True, capture_output=True)
    config, source = folder_trial(tmp_path / "real", tmp_path / "data")
    images = load_images(config, source)
    assert images.train.shape == (30, 32, 32, 3) and images.test.shape == (10, 32, 32, 3)
    first = sorted((tmp_path / "real/train").rglob("*.jpg"))[0]
    assert (images.train[0] == np.asarray(Image.open(first).convert("RGB"))).all()
    assert 40 < images.train.std() < 90  # natural pictures


# single pictures


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16", "1", "CMYK"])
def test_every_kind_of_picture_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / f"x.{'tif' if mode == 'CMYK' else 'png'}"
    if mode == "I;16":
        Image.fromarray(np.full((4, 4), 257 * 128, dtype=np.uint16)).save(path)
    else:
        grey = Image.fromarray(np.full((4, 4, 3), 128, dtype=np.uint8))
        (grey.quantize(2) if mode == "P" else grey.convert(mode)).save(path)
    image = open_image(path)
    assert image.mode == "RGB"
    if mode != "1":
        assert abs(np.asarray(image).astype(int) - 128).max() <= 2


def test_grey_of_16_bits_in_a_pgm_file_becomes_rgb(tmp_path: Path) -> None:
    path = tmp_path / "x.pgm"
    path.write_bytes(b"P5 2 1 65535\n" + bytes([0, 0, 128, 128]))
    assert np.asarray(open_image(path))[0, :, 0].tolist() == [0, 128]


@pytest.mark.parametrize(
    ("kind", "white"), [(np.float32, 1.0), (np.float32, 255.0), (np.int32, 255), (np.int32, 65535)]
)
def test_a_picture_whose_white_is_not_known_is_refused(tmp_path: Path, kind: type, white: float) -> None:
    """Taken for 16 bits, 128 of 255 and 0.5 of 1 would both be black."""
    path = tmp_path / "x.tif"
    Image.fromarray(np.full((4, 4), white / 2, dtype=kind)).save(path)
    with pytest.raises(InputError, match=r"x\.tif.*\n.*32 bits per pixel"):
        open_image(path)


def test_a_picture_that_pillow_fails_on_in_its_own_way_is_named(tmp_path: Path) -> None:
    """A cut EXIF block ends in struct.error."""
    path = tmp_path / "x.png"
    Image.fromarray(np.zeros((4, 4, 3), dtype=np.uint8)).save(path, exif=b"Exif\0\0MM\0*")
    with pytest.raises(InputError, match=r"x\.png.*\n.*not a readable image.* Remove it or put a sound copy"):
        open_image(path)
    with pytest.raises(InputError, match=r"y\.png.*\nIt is not there\. Put it back"):
        open_image(tmp_path / "y.png")


def test_a_picture_is_turned_upright(tmp_path: Path) -> None:
    pixels = np.zeros((2, 4, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    Image.fromarray(pixels).save(tmp_path / "x.jpg", exif=exif)
    assert open_image(tmp_path / "x.jpg").size == (2, 4)


def test_reducing_is_antialiased() -> None:
    """Stripes of one pixel average to grey; without antialiasing they would stay stripes."""
    stripes = np.zeros((140, 140, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    small = np.asarray(fit_square(Image.fromarray(stripes), 32, "bilinear"))
    assert abs(small[:, 2:-2].astype(int) - 127).max() < 25


def test_the_central_square_is_kept() -> None:
    wide = np.zeros((32, 96, 3), dtype=np.uint8)
    wide[:, 32:64] = 200
    assert (np.asarray(fit_square(Image.fromarray(wide), 32, "bilinear")) == 200).all()
    assert (np.asarray(fit_square(Image.fromarray(wide.transpose(1, 0, 2)), 32, "lanczos")) == 200).all()


def test_other_filters_prepare_other_arrays() -> None:
    config = TrialConfig(dataset="celeba", image_size=64)
    names = {
        data_name(c) for c in (config, replace(config, resize="lanczos"), TrialConfig(), TrialConfig(image_size=64))
    }
    assert names == {"celeba-64-bilinear", "celeba-64-lanczos", "digits-32", "digits-64"}
