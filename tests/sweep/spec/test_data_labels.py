"""`data: {name: faces}`: a name for one's own images, which decides nothing."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from aesweep.analysis.data.trials import describe
from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.sweep.driver.status import read_status
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.sweep_spec import SweepSpec
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables.fold import TableWriter, tables_are_current
from aesweep.sweep.tables.rows import config_row
from tests.image_folder import write_image_folder
from tests.in_process import run_aesweep

SPEC = """
data: {{path: ./images{name}}}
base: {{epochs: 1, filters: 2}}
blocks: [{{latent_size: [2, 3]}}]
evaluation: {{extractor: random-conv-64}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_image_folder(tmp_path / "images", images=3)
    return tmp_path


def spec_named(folder: Path, name: str, *overrides: str) -> SweepSpec:
    path = folder / "spec.yaml"
    path.write_text(SPEC.format(name=f", name: {name}" if name else ""))
    return load_spec(path, overrides, data_dir=folder / "data")


def launched(folder: Path, *specs: SweepSpec) -> Store:
    """A store into which these were launched, and not run."""
    store = open_store(folder / "store", create=True)
    for spec in specs:
        store.trials.record(spec, spec.evaluation_config().id, latest=True)
    TableWriter(store).publish(force=True)
    return store


def names(store: Store) -> list[str]:
    return sorted(store.trials.config(key).name for key in store.trials.known_keys())


def test_a_name_of_images_is_in_the_names_of_trials_and_not_in_their_keys(folder: Path) -> None:
    plain, named = spec_named(folder, ""), spec_named(folder, "faces")
    keys = [[trial.key for trial, _ in spec.trials] for spec in (plain, named)]
    assert keys[0] == keys[1] and plain.trials[0][0] == named.trials[0][0] and plain.hash == named.hash
    assert plain.trials[0][0].name.startswith("folder-dae-") and named.trials[0][0].name.startswith(
        "faces-dae-f2-d1-z2-e1"
    )
    again = SweepSpec.from_json(named.to_json())
    assert [trial.data_label for trial, _ in again.trials] == ["faces", "faces"]
    assert spec_named(folder, "faces", "data.name=cats").trials[0][0].data_label == "cats"
    assert spec_named(folder, "faces", "epochs=2").trials[0][0].data_label == "faces"
    digits = spec_named(folder, "faces", "dataset=digits").trials[0][0]
    assert (digits.data_label, digits.data_identity) == ("", "")


@pytest.mark.parametrize(
    "name", ["../x", "a b", '"a/b"', '"\\e[31m"', "x" * 41, "cifar10", "Digits", "none", "[a]", "1", '""', "-x"]
)
def test_a_name_that_could_mislead_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"^data: name"):
        spec_named(folder, name)
    path = folder / "spec.yaml"
    ended = run_aesweep("plan", path, "--data", folder / "data")
    assert ended.is_refused_clearly, ended


def test_only_images_of_ones_own_have_a_name(folder: Path) -> None:
    (folder / "digits.yaml").write_text("data: {dataset: digits, name: mine}\nblocks: [{}]")
    with pytest.raises(InputError, match="only your own images"):
        load_spec(folder / "digits.yaml")
    with pytest.raises(InputError, match="data_label"):
        TrialConfig(data_label="mine")


def test_the_name_that_a_launch_gave_last_is_used_everywhere(folder: Path) -> None:
    store = launched(folder, spec_named(folder, ""))
    assert all(name.startswith("folder-") for name in names(store))
    store = launched(folder, spec_named(folder, "cats"))
    assert all(name.startswith("cats-") for name in names(store)) and tables_are_current(store)
    spec = spec_named(folder, "faces")
    store.trials.record(spec, "0" * 12, latest=True)
    assert not tables_are_current(store), "the trials are the same, and their rows are not"
    older = replace(spec_named(folder, "dogs", "seeds=1"), name="older")
    store.trials.record(older, "0" * 12, latest=False)
    TableWriter(store).publish(force=True)
    assert len(names(store)) == 4 and all(name.startswith("faces-") for name in names(store))
    listed = run_aesweep("list", store.root)
    assert listed.out.count("faces-dae") == 4 and "dogs" not in listed.out, listed
    assert store.trials.find(names(store)[0]).data_label == "faces"
    assert read_status(store).counts["pending"] == 2
    store.trials.record(spec_named(folder, ""), "0" * 12, latest=True)
    assert store.trials.data_labels().popitem()[1] == "faces", "a spec without a name takes none away"


def test_two_folders_of_one_name_stay_apart_in_the_report(folder: Path) -> None:
    trials = [
        TrialConfig(dataset="folder", data_identity=digit * 64, data_label=label, latent_size=size)
        for size, (digit, label) in enumerate([("a", "faces"), ("b", "faces"), ("c", "cats"), ("d", "")], start=1)
    ]
    frame = pd.DataFrame([{**config_row(trial), "key": trial.key} for trial in trials])
    data = describe(frame).set_index("latent_size")["data"]
    assert data.sort_index().tolist() == ["faces-aaaaaaaa-32", "faces-bbbbbbbb-32", "cats-32", "folder-dddddddd-32"]
