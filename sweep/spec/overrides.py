"""`--set FIELD=VALUE`: change a preset or a YAML spec from the command line, in every block.

A trial field takes what a block takes (`latent_size=32,64`, `seeds=0..2`, `depth=2,[3,3,2,1]`) and replaces the field's
values in every block: the block then holds the product of its other fields and the new values. Fields of `evaluation`
and `execution` go by their own names; `seeds` are those of trials, `sampling_seeds` those of
the scores.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from aesweep.models.config import TrialConfig
from aesweep.models.config_checks import REGISTRIES, check_data_label
from aesweep.models.errors import InputError
from aesweep.models.objectives.objective import as_mapping
from aesweep.sweep.spec.execution import ExecutionConfig, absolute
from aesweep.sweep.spec.fields import (
    ALIASES,
    EVALUATION_ALIASES,
    FIELDS,
    LIST_FIELDS,
    PARAMETER,
    at,
    parameter_fields,
    read_settings,
    read_values,
    unknown,
    with_parameters,
)
from aesweep.sweep.spec.images import OF_FOLDER, locate_folder, native_form
from aesweep.sweep.spec.ranges import MOST_TRIALS
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.spec.yaml_text import parse_yaml

_SECTIONS = {
    section: FIELDS.get(section, ("name", *OF_FOLDER, "claims"))
    for section in ("trial", "sweep", "evaluation", "execution")
}
_SECTIONS["evaluation"] += tuple(EVALUATION_ALIASES)
_PLAIN_TEXT = ("name", "path", "claims", "data_dir")  # taken as they stand, commas and all


def apply_overrides(spec: SweepSpec, overrides: Sequence[str], test_fraction: object = None) -> SweepSpec:
    """`spec` with every `FIELD=VALUE` applied; a later one wins. Raises `InputError` whose field is `--set FIELD`.

    `test_fraction` is that of the file: it splits a folder that `path` names if no override gives another and the folder
    has no train/ and test/.
    """
    given: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
    for override in overrides:
        section, name, value = _read_override(override)
        if name == "options" and isinstance(value, dict) and isinstance(before := given[section].get(name), dict):
            value = {**before, **{key: {**before.get(key, {}), **values} for key, values in value.items()}}
        with at("--set", " "):
            given[section] |= parameter_fields(value) if name == "parameters" else {name: value}
    with at("--set", " "):
        settings = read_settings("execution", given["execution"])
        execution = ExecutionConfig(**{**spec.execution.to_json(), **settings})
        evaluation = {**spec.evaluation, **read_settings("evaluation", given["evaluation"])}
        extractor = evaluation.pop("extractor", spec.extractor)
        axes = {name: read_values(name, value, in_block=True) for name, value in given["trial"].items()}
        if "path" in given["sweep"]:
            axes.setdefault("dataset", ["folder"])
            fraction = given["sweep"].get("test_fraction", test_fraction)
            identity, path = locate_folder(
                given["sweep"]["path"],
                Path.cwd(),
                execution.data_dir,
                fraction,
                unless_split="test_fraction" not in given["sweep"],
            )
            execution = replace(execution, folders={identity: path})
        elif "test_fraction" in given["sweep"]:
            remedy = "Give the folder too: --set path=./faces."
            raise InputError("test_fraction", given["sweep"]["test_fraction"], remedy)
        identity = next(iter(execution.folders), "")
        wanted = sum(len(block.trials) for block in spec.blocks) * math.prod(len(values) for values in axes.values())
        if wanted > MOST_TRIALS:
            raise InputError("number of trials", wanted, f"A spec holds at most {MOST_TRIALS:,}.")
        blocks = tuple(_with_axes(block, axes, identity) for block in spec.blocks)
        changes = {name: value for name, value in given["sweep"].items() if name not in OF_FOLDER}
        if "claims" in changes:
            changes["claims"] = absolute(changes["claims"], "claims")
        return replace(spec, blocks=blocks, extractor=extractor, evaluation=evaluation, execution=execution, **changes)


def replaces_path(overrides: Sequence[str]) -> bool:
    """Whether an override names the folder of images, so that the one in the spec need not be on this machine."""
    return any(_read_override(override)[:2] == ("sweep", "path") for override in overrides)


def overridden_data_dir(overrides: Sequence[str]) -> str | None:
    """The data folder that the overrides name, absolute; None if they name none."""
    given = {name: value for _, name, value in map(_read_override, overrides)}
    return absolute(given["data_dir"], "--set data_dir") if "data_dir" in given else None


def refuse_given(overrides: Sequence[str], options: Mapping[str, str]) -> None:
    """Raises `InputError` for an override of a field that an option gave: `options`, field to option."""
    for override in overrides:
        _, written, value = _read_override(override)
        name = EVALUATION_ALIASES.get(written, written)
        if name in options:
            raise InputError(f"--set {written}", value, f"It is already given by {options[name]}; leave one out.")


def require_scoring(overrides: Sequence[str]) -> None:
    """Raises `InputError` for an override of what trials are."""
    for override in overrides:
        section, name, value = _read_override(override)
        if name == "claims":
            raise InputError(
                "--set claims", value, "Give your claims to the report: aesweep report STORE --claims FILE."
            )
        if section in ("trial", "sweep"):
            remedy = "That makes other trials, and `evaluate` trains none: launch a spec with it."
            raise InputError(f"--set {name}", value, remedy)


def _read_override(text: str) -> tuple[str, str, Any]:
    """Section, field and value of one `FIELD=VALUE`."""
    written, equals, value = text.partition("=")
    written, value = written.strip(), value.strip()
    if not equals or not written or not value:
        raise InputError("--set", text, "Write FIELD=VALUE, such as epochs=5 or latent_size=32,64.")
    section, dot, name = written.removeprefix("base.").partition(PARAMETER)
    if dot and name and not section:
        return "trial", f"{PARAMETER}{name}", _read_text(f"--set {written}", name, value)
    section, dot, name = written.rpartition(".")
    if section.startswith(("options.", "evaluation.options.")):  # options.second_vae.steps=2000
        one = section.partition("options.")[2]
        return "evaluation", "options", {one: {name: _read_text(f"--set {written}", name, value)}}
    if section == "data" and name == "name":
        check_data_label("--set data.name", value)
        return "trial", "data_label", value
    if dot and section in ("base", "data"):
        section = "sweep" if name in OF_FOLDER else "trial"
    name = ALIASES.get(name, name) if section in ("", "trial") else name
    found = [known for known, names in _SECTIONS.items() if name in names and section in ("", known)]
    if not found:
        every = tuple(dict.fromkeys((*ALIASES, *(known for names in _SECTIONS.values() for known in names))))
        error = unknown(name, value, _SECTIONS[section]) if section in _SECTIONS else unknown(written, value, every)
        raise InputError(f"--set {written}", value, error.remedy)
    return found[0], name, value if name in _PLAIN_TEXT else _read_text(f"--set {written}", name, value)


def _read_text(field: str, name: str, text: str) -> Any:
    """The value as a block of a YAML spec would give it: `2,[3,3,2,1]` is the list [2, [3, 3, 2, 1]]."""
    if "(" in text:  # min(8f,1024): its comma separates nothing
        return text
    with at(field, " "):
        items = parse_yaml(f"[{text}]", "VALUE")
    if not isinstance(items, list) or not items:
        raise InputError(field, text, "Give values separated by commas, such as 32,64.")
    if len(items) > 1:
        return items
    only = items[0]
    # `depth=[3,3,2,1]` is one network, as it reads; `latent_size=[32,64]` and `depth=[[3,3,2,1]]` are already lists.
    is_one_value = name in LIST_FIELDS and isinstance(only, list) and not any(isinstance(part, list) for part in only)
    return items if is_one_value else only


def _with_axes(block: Block, axes: dict[str, list[Any]], identity: str) -> Block:
    if not axes:
        return block
    changes = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    with at(f'block "{block.name}"'):
        swept = _swept_parameters(block)
        trials = (_changed(trial, change, identity, swept) for trial in block.trials for change in changes)
        return Block(block.name, tuple(trials))


def _swept_parameters(block: Block) -> set[tuple[str, str]]:
    """Model and name of the parameters of which the block holds several values: somebody chose them."""
    held = {(trial.model, name, value) for trial in block.trials for name, value in trial.parameters}
    several = Counter((model, name) for model, name, _ in held)
    return {place for place, count in several.items() if count > 1}


def _changed(
    trial: TrialConfig, change: dict[str, Any], identity: str, swept: Collection[tuple[str, str]]
) -> TrialConfig:
    if "dataset" in change:
        dataset = change["dataset"]
        if dataset == "folder" and not identity:
            raise InputError("dataset", dataset, "Give the folder too: --set path=./faces.")
        if dataset != trial.dataset:
            change = {**native_form(dataset), **change}
        change = {"data_label": trial.data_label, **change} if dataset == "folder" else {**change, "data_label": ""}
        change = {**change, "data_identity": identity if dataset == "folder" else ""}
    change = with_parameters(change)
    if not change.keys() & {*REGISTRIES, "parameters"}:
        return replace(trial, **change)
    # Parameters that were left to the trial's model, architecture and data set are left to the new ones.
    usual = trial.parameter_defaults
    chosen = {name: v for name, v in trial.parameters if v != usual[name] or (trial.model, name) in swept}
    new = (registry.get(change.get(field, getattr(trial, field)), field) for field, registry in REGISTRIES.items())
    known = {name for one in new for name in one.defaults}
    kept = {name: value for name, value in chosen.items() if name in known}
    return replace(trial, **{**change, "parameters": {**kept, **as_mapping(change.get("parameters", ()))}})
