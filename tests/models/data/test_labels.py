"""Labels come in the order of the prepared images, and a data set without them says so."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import DataSource
from aesweep.models.data.folder import folder_identity
from aesweep.models.data.images import load_images
from aesweep.models.data.labels import check_labels, load_labels
from aesweep.models.errors import InputError


def test_the_labels_of_digits_belong_to_the_prepared_images(tmp_path: Path) -> None:
    source = DataSource(data_dir=tmp_path)
    images, digits = load_images(TrialConfig(), source), load_digits()
    for split, pictures in zip(("train", "test"), images, strict=True):
        labels = load_labels(TrialConfig(), source, split)  # type: ignore[arg-type]
        assert labels.dtype == np.int64 and len(labels) == len(pictures)
        # The same image occurs once: find some again by their pixels.
        small = np.round(np.asarray(pictures)[:20, ::4, ::4, 0].astype(float))
        for picture, label in zip(small, labels[:20], strict=True):
            near = np.abs(digits.images * 255 / 16 - picture).sum((1, 2)).argsort()[:3]
            assert label in digits.target[near]


def folder(tmp_path: Path, labels: dict[str, int]) -> tuple[TrialConfig, DataSource]:
    for split in ("train", "test"):
        for label, grey in labels.items():
            for number in range(2):
                path = tmp_path / "images" / split / label / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (32, 32), (grey, grey, grey)).save(path)
    source = DataSource(data_dir=tmp_path / "data", folder=tmp_path / "images")
    identity = folder_identity(tmp_path / "images", source.data_dir)
    return TrialConfig(dataset="folder", data_identity=identity), source


def test_the_labels_of_a_folder_are_its_folders(tmp_path: Path) -> None:
    config, source = folder(tmp_path, {"cat": 10, "ape": 200, "dog/small": 90})
    labels, images = load_labels(config, source), load_images(config, source).train
    assert {int(label): int(image[0, 0, 0]) for label, image in zip(labels, images, strict=True)} == {
        0: 200,
        1: 10,
        2: 90,
    }
    np.testing.assert_array_equal(load_labels(config, source, "test"), labels)


@pytest.mark.parametrize(("labels", "words"), [({"cat": 1}, "one label"), ({"cat": 1, ".": 5}, "without a label")])
def test_a_folder_without_classes_is_refused(tmp_path: Path, labels: dict[str, int], words: str) -> None:
    config, source = folder(tmp_path, labels)
    with pytest.raises(InputError, match=words):
        check_labels(config, source)


def test_a_folder_that_has_changed_is_refused(tmp_path: Path) -> None:
    config, source = folder(tmp_path, {"cat": 10, "dog": 200})
    Image.new("RGB", (32, 32)).save(tmp_path / "images" / "train" / "dog" / "more.png")
    with pytest.raises(InputError, match="have changed"):
        check_labels(config, source)


def test_celeba_has_no_labels(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        check_labels(TrialConfig(dataset="celeba", image_size=64), DataSource(data_dir=tmp_path))
    assert str(error.value).splitlines() == [
        "extractor: 'classifier' cannot be used.",
        "The images of celeba have no labels here. Choose another extractor, such as random-conv-64.",
    ]


def test_the_labels_of_cifar10_are_those_of_its_batches(tmp_path: Path) -> None:
    batches = tmp_path / "cifar-10-batches-py"
    batches.mkdir()
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    for number, name in enumerate(names):
        data = {b"data": np.full((2, 3072), 10 * number, np.uint8), b"labels": [number, 9 - number]}
        (batches / name).write_bytes(pickle.dumps(data, protocol=2))
    config, source = TrialConfig(dataset="cifar10"), DataSource(data_dir=tmp_path)
    images = load_images(config, source)
    assert load_labels(config, source).tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]
    assert load_labels(config, source, "test").tolist() == [5, 4]
    assert images.train[2, 0, 0, 0] == 10


def test_prepared_images_whose_folder_is_not_given_have_no_labels(tmp_path: Path) -> None:
    config, source = folder(tmp_path, {"cat": 10, "ape": 200})
    load_images(config, source)  # prepares them
    with pytest.raises(InputError, match="Give the folder that holds train/ and test/"):
        check_labels(config, DataSource(data_dir=source.data_dir))
