"""A spec that asks for one trial and its scores again: what `aesweep why` prints, for every kind of data set."""

from pathlib import Path

import pytest
import yaml

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.again import spec_again
from aesweep.sweep.spec.load import load_spec
from tests.image_folder import write_image_folder

SPEC = """\
name: faces
data: {{path: {path}{name}}}
base: {{epochs: 2}}
blocks: [{{name: only, model: vae, latent_size: 8, beta: 0.5, seeds: 3}}]
evaluation: {{extractor: random-conv-64, samples: 50}}
"""


@pytest.mark.parametrize("name", ["", ", name: faces"])
def test_own_images_are_asked_for_by_their_folder_and_name(name: str, tmp_path: Path) -> None:
    write_image_folder(tmp_path / "images")
    (tmp_path / "own.yaml").write_text(SPEC.format(path=tmp_path / "images", name=name))
    spec = load_spec(tmp_path / "own.yaml", data_dir=tmp_path)
    (config, _), evaluation = spec.trials[0], spec.evaluation_config()
    (tmp_path / "again.yaml").write_text(spec_again(config, evaluation, {}, str(tmp_path / "images")))
    again = load_spec(tmp_path / "again.yaml", data_dir=tmp_path)
    assert [trial.key for trial, _ in again.trials] == [config.key]
    assert again.trials[0][0].data_label == config.data_label == name.removeprefix(", name: ")
    assert again.evaluation_config().id == evaluation.id


def test_only_what_is_not_the_default_is_written() -> None:
    config = TrialConfig(dataset="digits", latent_size=4)
    tree = yaml.safe_load(spec_again(config, EvaluationConfig(extractor="random-conv-64"), {"threads": 2}))
    assert tree["base"] == {"latent_size": 4} and tree["execution"] == {"threads": 2}
