"""What a sweep asks for: expansion, identity and storage."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.presets import PRESETS
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec

SMALL = TrialConfig(filters=8, latent_size=4, epochs=1)


def small_spec(**changes: Any) -> SweepSpec:
    settings = {
        "name": "small",
        "blocks": (
            Block("one", (SMALL, replace(SMALL, seed=1))),
            Block("two", (replace(SMALL, seed=1), replace(SMALL, depth=(3, 3, 2, 1), noise_std=0.1))),
        ),
        "evaluation": {"samples": 100, "seeds": [0, 1], "gmm_tol": 1e-2},
        "execution": ExecutionConfig(data_dir="/data", threads=2),
    }
    return SweepSpec(**{**settings, **changes})


def test_a_trial_that_two_blocks_ask_for_is_trained_once_for_the_first() -> None:
    assert small_spec().trials == (
        (SMALL, "one"),
        (replace(SMALL, seed=1), "one"),
        (replace(SMALL, depth=(3, 3, 2, 1), noise_std=0.1), "two"),
    )


@pytest.mark.parametrize("name", [*PRESETS, "small"])
def test_a_stored_spec_is_read_back_exactly(name: str) -> None:
    spec = small_spec() if name == "small" else load_spec(name)
    stored = SweepSpec.from_json(json.loads(json.dumps(spec.to_json())))
    assert stored == spec
    assert stored.hash == spec.hash
    assert [trial.key for trial, _ in stored.trials] == [trial.key for trial, _ in spec.trials]
    assert stored.to_json() == spec.to_json()


def test_a_stored_spec_names_every_field_of_its_trials() -> None:
    stored = small_spec().to_json()
    assert stored["base"] == SMALL.to_json()
    assert stored["blocks"][0]["trials"] == [{}, {"seed": 1}]


def test_a_stored_spec_of_a_folder_needs_the_folder_no_more(tmp_path: Path) -> None:
    folder = replace(SMALL, dataset="folder", data_identity="a" * 64)
    execution = ExecutionConfig(data_dir="/data", folders={"a" * 64: str(tmp_path / "gone")})
    spec = small_spec(blocks=(Block("faces", (folder,)),), execution=execution)
    assert SweepSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_the_hash_is_what_is_asked_for_and_not_how_it_runs() -> None:
    spec = small_spec()
    assert small_spec(execution=ExecutionConfig(data_dir="/elsewhere", threads=7)).hash == spec.hash
    assert small_spec(evaluation={**spec.evaluation, "reference_size": 10_000}).hash == spec.hash  # the default
    others = [
        small_spec(name="other"),
        small_spec(blocks=spec.blocks[:1]),
        small_spec(blocks=spec.blocks[::-1]),
        small_spec(blocks=(replace(spec.blocks[0], name="renamed"), spec.blocks[1])),
        small_spec(blocks=(Block("one", (replace(SMALL, epochs=2), replace(SMALL, seed=1))), spec.blocks[1])),
        small_spec(extractor="random-conv-64"),
        small_spec(evaluation={**spec.evaluation, "samples": 101}),
    ]
    assert len({spec.hash, *(other.hash for other in others)}) == 1 + len(others)


def test_another_format_is_refused_with_a_sentence() -> None:
    others: list[Any] = [{**small_spec().to_json(), "format": 2}, {}, [], None]
    for data in others:
        with pytest.raises(InputError) as caught:
            SweepSpec.from_json(data)
        assert caught.value.field == "format"
        assert "reads spec format 1" in caught.value.remedy


def test_a_field_of_a_later_version_is_refused_by_name() -> None:
    data = small_spec().to_json()
    data["base"]["dropout"] = 0.1
    with pytest.raises(InputError) as caught:
        SweepSpec.from_json(data)
    assert caught.value.field == "dropout"


def test_a_damaged_stored_spec_is_refused() -> None:
    for part in ("name", "blocks", "base", "extractor", "evaluation", "execution"):
        for value in (None, 3, [], [3], "x"):
            data = small_spec().to_json()
            data[part] = value
            if (part, value) != ("name", "x"):
                with pytest.raises(InputError):
                    SweepSpec.from_json(data)
        data = small_spec().to_json()
        del data[part]
        with pytest.raises(InputError):
            SweepSpec.from_json(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"name": None},
        {"blocks": ()},
        {"blocks": (Block("a", (SMALL,)), Block("a", (SMALL,)))},
        {"extractor": "vgg"},
        {"evaluation": {"samples": 0}},
        {"evaluation": {"seeds": 1}},
    ],
)
def test_a_spec_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        small_spec(**changes)


def test_a_block_without_trials_is_refused() -> None:
    with pytest.raises(InputError):
        Block("empty", ())


def test_the_extractor_is_settled_by_the_weights_that_are_there(tmp_path: Path) -> None:
    evaluation = small_spec(execution=ExecutionConfig(data_dir=str(tmp_path))).evaluation_config()
    assert evaluation.extractor == "random-conv-64"
    assert len(evaluation.extractor_sha256) == 64
    assert (evaluation.samples, evaluation.sampling_seeds) == (100, (0, 1))


def test_the_data_folder_can_be_given_from_outside(tmp_path: Path) -> None:
    assert load_spec("quickstart", data_dir=tmp_path).execution.data_dir == str(tmp_path)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("nowhere.yaml", "There is no such file"),
        ("./quickstart", "There is no such file"),
        ("quickstrat", "Did you mean quickstart?"),
        ("", "There is no such preset"),
        ("a\0b", "There is no such preset"),
        ("a\0b.yaml", "cannot be read"),
        ("x" * 5000, "There is no such preset"),
        ("x" * 5000 + ".yaml", "cannot be read"),
    ],
)
def test_a_spec_that_is_not_there_is_answered_with_what_could_be_meant(source: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        load_spec(source)
    assert caught.value.field == "SPEC"
    assert says in str(caught.value)


def test_the_inception_score_can_be_asked_for_with_its_network() -> None:
    spec = small_spec(extractor="inception-2015", evaluation={"metrics": ["inception_score"]})
    assert spec.evaluation_config(require_weights=False).metrics == ("inception_score",)
    assert SweepSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize("extractor", ["random-conv-64", "auto"])
def test_the_inception_score_is_refused_where_another_network_measures(extractor: str, tmp_path: Path) -> None:
    """Named in the spec, or the one that `auto` comes to where the weights are not at hand."""
    with pytest.raises(InputError, match=r"(?s)metrics.*inception_score with random-conv-64.*fetch inception"):
        small_spec(
            extractor=extractor,
            evaluation={"metrics": ["inception_score"]},
            execution=ExecutionConfig(data_dir=str(tmp_path)),
        ).evaluation_config()
