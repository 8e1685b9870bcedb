"""A spec that asks for one trial and one evaluation again, as YAML that can be read on any machine.

Only values that are not defaults are written. What was written is read back and compared: the trial's key and the
evaluation's id are hashes of what is asked for, so a spec that gives the same two gives the same work.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import yaml

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.sweep_spec import SweepSpec
from aesweep.sweep.spec.yaml_file import read_spec

IMAGES = "./images"
"""Stands for the user's folder of images where nobody here knows it."""
DATA_FIELDS = ("dataset", "image_size", "resize")
BITS = ("threads", "compile", "deterministic")
"""Fields of an execution that the last bits of the weights depend on."""


def spec_again(
    config: TrialConfig, evaluation: EvaluationConfig, execution: Mapping[str, Any], images: str = IMAGES
) -> str:
    """The YAML of the spec. `execution` are fields of the one that trained; `images` is the folder of the trial's images.

    Raises `InputError` for what this version of aesweep would train or score in another way.
    """
    data = {name: getattr(config, name) for name in DATA_FIELDS}
    if config.dataset == "folder":
        data["path"] = images if images.isprintable() else IMAGES
        data |= {"name": config.data_label} if config.data_label else {}
    base = _changed(config, TrialConfig(), (*DATA_FIELDS, "data_identity", "data_label", "plugin_versions"))
    if config.parameters:
        base["parameters"] = dict(config.parameters)
    scoring = _changed(evaluation, EvaluationConfig(), ("extractor", "extractor_sha256", "plugin_versions"))
    if evaluation.options:
        scoring["options"] = {name: dict(values) for name, values in evaluation.options}
    tree = {
        "name": f"again {config.key}",
        "data": data,
        "base": base,
        "blocks": [{"name": "again"}],
        "evaluation": {"extractor": evaluation.extractor, **scoring},
        "execution": {name: execution[name] for name in BITS if name in execution},
    }
    text = yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)
    _require_same(_read(text, config), config, evaluation)
    return text


def _changed(given: Any, usual: Any, without: tuple[str, ...]) -> dict[str, Any]:
    """The fields that differ from the defaults, as YAML has them."""
    others = {one.name: getattr(given, one.name) for one in fields(given) if one.name not in without}
    found = {name: value for name, value in others.items() if value != getattr(usual, name)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


def _read(text: str, config: TrialConfig) -> SweepSpec:
    with tempfile.TemporaryDirectory(prefix="aesweep-again-") as folder:
        file = Path(folder, "again.yaml")
        file.write_text(text)
        spec = read_spec(file, path_is_replaced=config.dataset == "folder")
    own = (replace(trial, data_identity=config.data_identity) for trial, _ in spec.trials)
    return replace(spec, blocks=(replace(spec.blocks[0], trials=tuple(own)),))


def _require_same(spec: SweepSpec, config: TrialConfig, evaluation: EvaluationConfig) -> None:
    scoring = EvaluationConfig(
        **{**spec.evaluation, "extractor": spec.extractor, "extractor_sha256": evaluation.extractor_sha256}
    )
    if [trial.key for trial, _ in spec.trials] != [config.key] or scoring.id != evaluation.id:
        remedy = "A spec of this version gives another trial or evaluation. Use the version of aesweep that made it."
        raise InputError("KEY", config.key, remedy)


def own_settings(execution: Mapping[str, object]) -> dict[str, Any]:
    """The fields of a recorded execution that a spec names; raises `InputError` for values that cannot be used."""
    checked = ExecutionConfig(**{name: value for name, value in execution.items() if name in BITS})  # type: ignore[arg-type]
    return {name: getattr(checked, name) for name in BITS}
