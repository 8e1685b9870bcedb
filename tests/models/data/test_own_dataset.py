"""A data set from outside: its images are prepared, labelled and kept by its version, and what is wrong with it is said in two lines."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import DataSource, check_source, data_name, source_sizes
from aesweep.models.data.images import load_images
from aesweep.models.data.labels import check_labels, load_labels
from aesweep.models.datasets.registry import DATASETS
from aesweep.models.errors import InputError
from aesweep.models.idle_fields import without_idle_fields
from aesweep.models.plugins.files import forget_files, load_files
from aesweep.models.plugins.plugin import PluginError
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.tables.rows import config_row

MINE = """
import numpy as np
from aesweep.plugins import DataSet
N = {"train": 6, "test": 3}

def pictures(trial, source, split):
    return PICTURES

def labels(trial, source, split):
    return LABELS

mine = DataSet(name="mine", version="VERSION", meaning="mine", pictures=pictures, labels=labels, sizes=(6, 3), OTHERS)
"""
GREY = "np.arange(N[split], dtype=np.uint8)[:, None, None] * np.ones((32, 32), np.uint8)"


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[Any]:
    """Makes the data set known, and returns a trial on it and where its files are."""

    def load(pictures: str = GREY, labels: str = "[0, 1] * 3", version: str = "1.0", others: str = "channels=1") -> Any:
        text = MINE.replace("PICTURES", pictures).replace("LABELS", labels).replace("VERSION", version)
        text = text if labels else text.replace("labels=labels, ", "")
        (tmp_path / "mine.py").write_text(text.replace("OTHERS", others))
        load_files([tmp_path / "mine.py"])
        config = TrialConfig(dataset="mine", channels=DATASETS.get("mine").channels, filters=2, latent_size=2)
        return config, DataSource(data_dir=tmp_path)

    yield load
    forget_files()


def test_arrays_become_prepared_images_with_labels(mine: Any) -> None:
    config, source = mine()
    assert source_sizes(config, source) == (6, 3)
    images = load_images(config, source)
    assert (images.train.shape, images.test.shape) == ((6, 32, 32, 1), (3, 32, 32, 1))
    assert images.train[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert load_labels(config, source).tolist() == [0, 1, 0, 1, 0, 1]
    assert source_sizes(config, source) == (6, 3)


def test_paths_of_files_are_opened_and_brought_to_size_and_channels(mine: Any, tmp_path: Path) -> None:
    for i, colour in enumerate(("#ff0000", "#0000ff")):
        Image.new("RGB", (50, 40), colour).save(tmp_path / f"{i}.png")
    config, source = mine('sorted(source.data_dir.glob("?.png"))', others="image_size=64")
    config = replace(config, image_size=64)
    assert load_images(config, source).train[:, 5, 5].tolist() == [[255, 0, 0], [0, 0, 255]]
    grey = load_images(replace(config, channels=1), source).train
    assert grey.shape == (2, 64, 64, 1) and grey[:, 5, 5, 0].tolist() == [76, 29]  # ITU-R 601-2 luma


def test_a_spec_gets_size_and_channels_from_the_data_set(mine: Any, tmp_path: Path) -> None:
    mine(others="channels=1, image_size=64, side=64")
    spec = tmp_path / "spec.yaml"
    spec.write_text("data: {dataset: mine}\nblocks: [{filters: 2}]")
    (trial, _), *_ = load_spec(spec).trials
    assert (trial.image_size, trial.channels, trial.plugin_versions) == (64, 1, ("dataset mine 1.0",))
    (other, _), *_ = load_spec(spec, ["dataset=digits"]).trials
    assert (other.image_size, other.channels, other.plugin_versions) == (32, 3, ())
    assert other.key == TrialConfig(filters=2).key
    (grey, _), *_ = load_spec(spec, ["dataset=digits", "channels=1"]).trials
    assert grey.channels == 1 and grey.key != other.key
    assert without_idle_fields(replace(trial, resize="lanczos")) == trial, "its pictures have that size"


def test_two_versions_are_two_data_sets(mine: Any) -> None:
    """A key, prepared images and a name in tables for each."""
    first, source = mine()
    images = np.array(load_images(first, source).train)
    stored = first.to_json()
    second, _ = mine("255 - " + GREY, version="1.1")
    assert first.key != second.key and data_name(first) == "mine-1.0-32-grey" != data_name(second)
    assert (np.array(load_images(second, source).train) == 255 - images).all()
    assert [config_row(one)["plugin_versions"] for one in (first, second)] == ["dataset mine 1.0", "dataset mine 1.1"]
    old = TrialConfig(**stored)
    assert old == first
    with pytest.raises(PluginError, match=r"Version 1\.0 was used, 1\.1 is here"):
        source_sizes(replace(old, image_size=64), source)
    forget_files()
    assert TrialConfig(**stored).key == first.key
    with pytest.raises(PluginError, match=r"dataset: 'mine' .*\n.*no such plug-in is here"):
        _ = TrialConfig(**stored).data


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"pictures": "1 / 0"}, r"dataset mine: '1.0' .*\nZeroDivisionError: division by zero"),
        ({"pictures": "[]"}, "list as its pictures of train"),
        ({"pictures": "np.zeros((6, 32, 32))"}, "an image of float64 and shape"),
        ({"pictures": "np.zeros((6, 32, 32, 2), np.uint8)"}, r"shape \(32, 32, 2\)"),
        ({"pictures": '["nowhere.png"]'}, "nowhere.png: not there"),
        ({"labels": "[0.5] * 6"}, "labels of float64"),
        ({"labels": "[0, 1]"}, "There are 2 labels for 6 images"),
        ({"labels": "[-1] * 6"}, "labels of int64"),
        ({"others": 'missing=lambda trial, source: "It lacks mine.zip. Copy it there."'}, "It lacks mine.zip"),
        ({"others": "image_size=48"}, "image_size of the dataset mine: 48 .* 32 or 64"),
        ({"others": "channels=2"}, "channels of the dataset mine: 2 .* 1 or 3"),
    ],
)
def test_what_is_wrong_with_one_is_said_in_two_lines(mine: Any, given: dict[str, str], words: str) -> None:
    def use() -> None:
        config, source = mine(**given)
        check_source(config, source)
        load_images(config, source)
        load_labels(config, source)

    with pytest.raises(InputError, match=words) as error:
        use()
    assert len(str(error.value).splitlines()) == 2


def test_a_data_set_without_labels_has_no_classifier(mine: Any) -> None:
    config, source = mine(labels="")
    with pytest.raises(InputError, match="The images of mine have no labels"):
        check_labels(config, source)


def test_grey_images_of_the_data_sets_that_there_are(tmp_path: Path) -> None:
    source = DataSource(data_dir=tmp_path)
    grey, colour = (load_images(TrialConfig(channels=c), source).test for c in (1, 3))
    assert grey.shape[3] == 1 and (np.array(grey) == np.array(colour)).all(), "digits are grey anyway"
