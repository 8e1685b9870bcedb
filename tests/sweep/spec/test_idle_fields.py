"""A spec asks for each network once, however its idle fields are written."""

from pathlib import Path

import pytest

from aesweep.models.idle_fields import without_idle_fields
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.presets import PRESETS
from aesweep.sweep.spec.sweep_spec import SweepSpec


@pytest.mark.parametrize("name", PRESETS)
def test_the_trials_of_a_preset_are_what_they_were(name: str) -> None:
    assert load_spec(name) == PRESETS[name]()
    assert all(without_idle_fields(trial) == trial for trial, _ in PRESETS[name]().trials)


def test_another_beta_trains_the_vaes_anew_and_no_dae() -> None:
    before = {trial for trial, _ in load_spec("quickstart").trials}
    after = [trial for trial, _ in load_spec("quickstart", ["beta=0.1"]).trials]
    assert {trial.model for trial in after if trial in before} == {"dae"}
    assert len(after) == 8
    assert len([trial for trial in after if trial in before]) == 4


def test_a_grid_over_beta_trains_each_dae_once(tmp_path: Path) -> None:
    path = tmp_path / "betas.yaml"
    path.write_text("blocks: [{model: [dae, vae], beta: [0.01, 0.1]}]")
    assert [(t.model, t.beta) for t, _ in load_spec(path).trials] == [("dae", 0.01), ("vae", 0.01), ("vae", 0.1)]


def test_a_field_that_an_override_brings_to_effect_has_the_value_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "momentum.yaml"
    path.write_text("blocks: [{model: dae, conv_norm: false, bn_momentum: 0.3}]")
    assert [t.bn_momentum for t, _ in load_spec(path).trials] == [0.1]
    assert [t.bn_momentum for t, _ in load_spec(path, ["conv_norm=true"]).trials] == [0.3]


def test_a_stored_spec_resumes_as_it_was_launched() -> None:
    dae = load_spec("quickstart").to_json()
    dae["base"]["beta"] = 0.3  # as an earlier version stored it
    assert {trial.beta for trial, _ in SweepSpec.from_json(dae).trials} == {0.3}
