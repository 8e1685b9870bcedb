"""An objective from outside: the one file of docs/extending.md trains, resumes, and is asked for by name where it is missing."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.models.objectives.registry import OBJECTIVES
from aesweep.models.plugins.files import forget_files, load_files
from aesweep.models.plugins.plugin import PluginError
from aesweep.models.training.trainer import Trainer
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.tables.rows import config_row
from tests.fresh_process import REPOSITORY

SPARSE = REPOSITORY / "docs" / "examples" / "sparse.py"
IMAGES = torch.randint(0, 256, (24, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def sparse() -> Iterator[TrialConfig]:
    load_files([SPARSE])
    yield TrialConfig(model="sparse", filters=2, latent_size=4, epochs=1, batch_size=8)
    forget_files()


def train(config: TrialConfig) -> Trainer:
    trainer = Trainer(config, IMAGES, device=torch.device("cpu"))
    trainer.run_epoch()
    return trainer


def test_the_documentation_shows_the_file_that_is_tested_here() -> None:
    text = (REPOSITORY / "docs" / "extending.md").read_text(encoding="utf-8")
    assert SPARSE.read_text(encoding="utf-8") in re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_it_trains_with_its_parameters_and_its_version_is_part_of_the_key(sparse: TrialConfig) -> None:
    assert (sparse.parameters, sparse.plugin_versions) == ((("penalty", 1e-3),), ("objective sparse 1.0",))
    (term,) = train(sparse).history[0].terms
    stronger = train(replace(sparse, parameters={"penalty": 100})).history[0].terms[0]  # type: ignore[arg-type]
    assert (
        term.term == "absolute" and term.value > stronger.value and stronger.weight == pytest.approx(1e5 * term.weight)
    )
    assert "sparse" in OBJECTIVES.names() and config_row(sparse)["parameters"] == "penalty 0.001"


def test_a_spec_names_the_file_and_sweeps_its_parameters(tmp_path: Path, sparse: TrialConfig) -> None:
    forget_files()
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        f"plugins: [{SPARSE}]\nblocks: [{{model: [dae, sparse]}}, {{model: sparse, parameters: {{penalty: [1e-3, 2]}}}}]"
    )
    found = [(trial.model, trial.parameters) for trial, _ in load_spec(spec).trials]
    assert found == [("dae", ()), ("sparse", (("penalty", 1e-3),)), ("sparse", (("penalty", 2.0),))]


def test_without_the_file_its_trials_can_be_read_and_are_not_trained(sparse: TrialConfig) -> None:
    stored, key, known = sparse.to_json(), sparse.key, config_row(sparse)
    forget_files()
    read = TrialConfig(**stored)
    assert (read, read.key) == (sparse, key)
    assert config_row(read) == {n: v for n, v in known.items() if n not in ("beta_eff", *_OF_NETWORK)}
    with pytest.raises(PluginError, match="objective: 'sparse'"):
        train(read)
    with pytest.raises(InputError, match="model: 'sparse' cannot be used"):
        TrialConfig(model="sparse")


_OF_NETWORK = ("parameters_encoder", "parameters_decoder", "flops_per_image")


def test_another_version_keeps_what_was_stored_and_is_refused_by_number(sparse: TrialConfig, tmp_path: Path) -> None:
    stored = sparse.to_json()
    forget_files()
    newer = tmp_path / "sparse.py"
    text = (
        SPARSE.read_text(encoding="utf-8")
        .replace('version="1.0"', 'version="2.0"')
        .replace("default=1e-3", "default=5")
    )
    newer.write_text(text.replace('name="penalty"', 'name="strength"'), encoding="utf-8")
    load_files([newer])
    read = TrialConfig(**stored)
    assert read.parameters == (("penalty", 1e-3),) and read.key == sparse.key
    assert TrialConfig(model="sparse").parameters == (("strength", 5.0),)
    with pytest.raises(PluginError, match=r"Version 1\.0 was used, 2\.0 is here"):
        train(read)


def test_terms_without_weights_are_refused_by_name(tmp_path: Path, sparse: TrialConfig) -> None:
    forget_files()
    wrong = tmp_path / "sparse.py"
    wrong.write_text(
        SPARSE.read_text(encoding="utf-8").replace('{"absolute": batch', '{"other": batch'), encoding="utf-8"
    )
    load_files([wrong])
    with pytest.raises(ValueError, match="objective sparse: it gives the terms other, with weights for absolute"):
        train(TrialConfig(model="sparse", filters=2, latent_size=4, epochs=1, batch_size=8))
