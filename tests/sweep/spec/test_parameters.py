"""The parameters of a model in a spec: each is a field of its own, and a key keeps its meaning."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.models.objectives import rae
from aesweep.models.objectives.objective import ObjectiveParameter
from aesweep.models.objectives.registry import OBJECTIVES
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.sweep_spec import SweepSpec

SPEC = """
base: {dataset: cifar10, epochs: 2, parameters: {penalty: 0.5}}
blocks:
  - {name: rae, model: rae, parameters: {penalty: [1e-3, 1e-2]}}
  - {name: gp, model: rae-gp, parameters: {gradient: [jacobian, output_square]}}
  - {name: gmm, trials: [{model: gmm-dae, parameters: {components: 4}}]}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    return path


def parameters(path: Path, *overrides: str) -> list[dict[str, Any]]:
    return [dict(trial.parameters) for trial, _ in load_spec(path, overrides).trials]


def test_lists_train_one_network_each_and_a_block_replaces_single_ones_of_base(spec: Path) -> None:
    assert parameters(spec) == [
        {"penalty": 1e-3},
        {"penalty": 1e-2},
        {"penalty": 0.5, "gradient_penalty": 0.0, "gradient": "jacobian"},
        {"penalty": 0.5, "gradient_penalty": 0.0, "gradient": "output_square"},
        {"penalty": 0.5, "components": 4},
    ]


def test_an_override_replaces_one_of_them_in_every_block(spec: Path) -> None:
    penalties = [found["penalty"] for found in parameters(spec, "parameters.penalty=3,1e-4")]
    assert penalties == [3.0, 1e-4] * 1 + [3.0, 1e-4] * 3
    assert parameters(spec, "base.parameters.penalty=3") == parameters(spec, "parameters={penalty: 3}")


def test_another_data_set_has_its_own_defaults_and_keeps_what_was_chosen(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(
        "base: {dataset: cifar10}\nblocks: [{name: a, model: [rae, wae]}, {name: b, model: rae, parameters: {penalty: [0.01, 7]}}]"
    )
    assert [found["penalty"] for found in parameters(path)] == [0.01, 0.006, 7.0]
    celeba = parameters(path, "dataset=celeba")
    assert [found["penalty"] for found in celeba] == [1e-4, 0.163, 0.01, 7.0], "0.01 was one of a list"


def test_another_model_takes_the_parameters_that_it_has(spec: Path) -> None:
    assert parameters(spec, "model=eae")[:3] == [{"penalty": 1e-3}, {"penalty": 1e-2}, {"penalty": 0.5}]
    assert parameters(spec, "model=dae") == [{}]


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        ("{model: rae, parameters: {penalti: 1}}", "parameters.penalti", "rae has no such parameter. It has penalty."),
        ("{model: dae, parameters: {penalty: 1}}", "parameters.penalty", "dae has no such parameter. It has none."),
        ("{model: rae, parameters: {penalty: -1}}", "parameters.penalty", "Give a number of 0 or more."),
        ("{model: rae, parameters: {penalty: much}}", "parameters.penalty", "Give a number of 0 or more."),
        ("{model: rae-gp, parameters: {gradient: steep}}", "parameters.gradient", "one of: output_square, jacobian"),
        ("{model: gmm-dae, parameters: {components: 0}}", "parameters.components", "a whole number of 1 or more"),
        ("{model: rae-l2, parameters: {dense: 2}}", "parameters.dense", "true or false"),
        ("{model: rae, parameters: 3}", "parameters", "such as {penalty: [1e-3, 1e-2]}"),
        ("{model: raes}", "model", "Did you mean rae?"),
        ("{model: eae, latent_norm: batch}", "latent_norm", "'none' for an EAE; these models take another value: dae"),
        ("{model: wae, batch_size: 1}", "batch_size", "2 or more: WAE-MMD compares the images of a batch"),
    ],
)
def test_what_a_model_does_not_take_is_refused_by_name(tmp_path: Path, text: str, field: str, says: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(f"blocks: [{text}]")
    with pytest.raises(InputError) as caught:
        load_spec(path)
    assert caught.value.field.endswith(f": {field}") and says in str(caught.value)


def test_however_they_are_written_they_give_one_key() -> None:
    keys = {
        TrialConfig(model="rae-gp", parameters=given).key  # type: ignore[arg-type]
        for given in (
            {"penalty": 1},
            (("penalty", 1.0),),
            [["penalty", "1"]],
            {"penalty": 1, "gradient": "output_square"},
        )
    }
    assert len(keys) == 1


def test_a_stored_spec_is_read_back_exactly(spec: Path) -> None:
    read = load_spec(spec)
    assert SweepSpec.from_json(read.to_json()).blocks == read.blocks


def test_a_later_default_changes_no_key_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = TrialConfig(model="rae", dataset="cifar10")
    changed = replace(rae.OBJECTIVE, parameters=(rae.latent_penalty(cifar10=0.3, celeba=0.4),))
    monkeypatch.setitem(OBJECTIVES.built_in, "rae", changed)
    assert TrialConfig(model="rae", dataset="cifar10").parameters == (("penalty", 0.3),)
    assert TrialConfig(**stored.to_json()).key == stored.key


def test_a_parameter_that_comes_later_enters_only_keys_of_trials_that_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = TrialConfig(model="rae")
    further = ObjectiveParameter(name="power", default=2.0, meaning="of the latents", later=True)
    changed = replace(rae.OBJECTIVE, parameters=(*rae.OBJECTIVE.parameters, further))
    monkeypatch.setitem(OBJECTIVES.built_in, "rae", changed)
    now, used = TrialConfig(model="rae"), TrialConfig(model="rae", parameters={"power": 3})  # type: ignore[arg-type]
    assert now.key == before.key != used.key and now.parameter("power") == 2.0
    assert TrialConfig(**before.to_json()).key == before.key
