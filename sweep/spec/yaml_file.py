"""A sweep written as YAML (docs/specs.md) -> `SweepSpec`.

Every block is the product of its lists and ranges over the fields of `data` and `base`. The product is counted before
it is built. Each error names the block and the field as they stand in the file: `blocks[1] "width": latent_sizes`.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import fields as fields_of
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.models.config_checks import check_data_label
from aesweep.models.errors import InputError
from aesweep.models.plugins.files import load_files
from aesweep.sweep.spec.execution import ExecutionConfig, absolute
from aesweep.sweep.spec.fields import (
    ALIASES,
    FIELDS,
    at,
    check_known,
    parameter_fields,
    read_settings,
    read_value,
    read_values,
    unknown,
    with_parameters,
)
from aesweep.sweep.spec.images import OF_FOLDER, locate_folder, native_form
from aesweep.sweep.spec.ranges import MOST_TRIALS
from aesweep.sweep.spec.report_wishes import ReportWishes
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec, once_per_network
from aesweep.sweep.spec.yaml_text import read_yaml

Axes = dict[str, list[Any]]
"""Trial field -> the values that it takes, in order."""

REPLACED_IDENTITY = "0" * 64
"""Stands for the content of a folder that `--set path=FOLDER` is about to name."""


class SpecFile(BaseModel):
    """The sections of a spec file. The values inside are checked against the fields of the configurations."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = ""
    data: dict[str, Any] = {}
    base: dict[str, Any] = {}
    blocks: list[dict[str, Any]]
    evaluation: dict[str, Any] = {}
    execution: dict[str, Any] = {}
    report: dict[str, Any] = {}
    claims: str = ""
    plugins: list[str] = []


_EXPECTED = {
    "name": 'Give text, such as "width study"; numbers need quotes.',
    "data": "Give fields, such as {dataset: cifar10} or {dataset: folder, path: ./faces}, or leave it out.",
    "base": "Give fields, such as {epochs: 20, filters: 16}, or leave it out.",
    "blocks": "Give a list of blocks, each with its fields: [{name: width, model: dae, filters: [16, 32]}].",
    "evaluation": "Give fields, such as {samples: 2000}, or leave it out.",
    "execution": "Give fields, such as {threads: 2}, or leave it out.",
    "report": "Give fields, such as {x: beta, colour: model}, or leave it out.",
    "claims": "Give a Python file, such as ./claims.py (docs/claims.md), or leave it out.",
    "plugins": "Give a list of Python files, such as [./mine.py] (docs/extending.md), or leave it out.",
}


def read_spec(path: Path, data_dir: str | Path | None = None, *, path_is_replaced: bool = False) -> SweepSpec:
    """The sweep that the YAML file at `path` describes; its name is the file's where it has none of its own.

    Relative paths in the file are relative to the file. Otherwise as `spec_of`.
    """
    tree = read_yaml(path)
    if tree is not None and not isinstance(tree, dict):
        raise InputError("SPEC", str(path), f"A spec is made of fields: {', '.join(SpecFile.model_fields)}.")
    if not tree:
        raise InputError("SPEC", str(path), f"The spec is empty. {_EXPECTED['blocks']}")
    return spec_of({"name": path.stem, **tree}, path.absolute().parent, data_dir, path_is_replaced=path_is_replaced)


def spec_of(
    tree: Mapping[str, Any], folder: Path, data_dir: str | Path | None = None, *, path_is_replaced: bool = False
) -> SweepSpec:
    """The sweep that the sections of a spec describe. `data_dir` takes precedence over `execution: data_dir`.

    Relative paths are relative to `folder`. With `path_is_replaced` (by `--set path=FOLDER`) no folder of images is looked
    for: trials on one carry `REPLACED_IDENTITY`, which `apply_overrides` replaces. Raises `InputError` for everything that
    cannot be used.
    """
    try:
        file = SpecFile.model_validate(dict(tree))
    except ValidationError as error:
        raise _section_error(error) from None
    load_files(absolute(plugin, "plugins", folder) for plugin in file.plugins)
    with at("execution"):
        execution = _read_execution(file.execution, folder, data_dir)
    with at("data"):
        data_axes, folders = _read_data(file.data, folder, execution.data_dir, path_is_replaced)
    with at("base"):
        base = {**data_axes, **_read_axes(file.base, in_block=False)}
    blocks = _read_blocks(file.blocks, base, identity=next(iter(folders), ""))
    with at("evaluation"):
        evaluation = read_settings("evaluation", file.evaluation)
        extractor = evaluation.pop("extractor", "auto")
        EvaluationConfig(**evaluation)
    with at("report"):
        report = _read_report(file.report)
    return SweepSpec(
        name=file.name,
        blocks=blocks,
        extractor=extractor,
        evaluation=evaluation,
        execution=replace(execution, folders={} if path_is_replaced else folders),
        report=report,
        claims=absolute(file.claims, "claims", folder) if file.claims else "",
    )


def _section_error(error: ValidationError) -> InputError:
    # A misspelt section explains a missing one.
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    section, *rest = first["loc"]
    if first["type"] == "extra_forbidden":
        return unknown(str(section), first["input"], tuple(SpecFile.model_fields))
    place = f"{section}[{rest[0]}]" if rest else str(section)
    missing = first["type"] == "missing"
    return InputError(place, None if missing else first["input"], _EXPECTED[str(section)])


def _read_execution(given: Mapping[str, Any], folder: Path, data_dir: str | Path | None) -> ExecutionConfig:
    settings = read_settings("execution", given)
    if data_dir is not None:
        settings["data_dir"] = str(data_dir)
    elif settings.get("data_dir"):
        settings["data_dir"] = absolute(settings["data_dir"], "data_dir", folder)
    return ExecutionConfig(**settings)


def _read_report(given: Mapping[str, Any]) -> ReportWishes:
    names = tuple(field.name for field in fields_of(ReportWishes))
    for name, value in given.items():
        if name not in names:
            raise unknown(name, value, names)
    return ReportWishes(**given)


def _read_data(
    given: Mapping[str, Any], folder: Path, data_dir: str, path_is_replaced: bool
) -> tuple[Axes, dict[str, str]]:
    """Trial fields of the `data` section, and content identity -> path of the user's own images where there are any."""
    check_known(given, FIELDS["data"])
    dataset = given.get("dataset", "folder" if "path" in given else "digits")
    fields = {name: value for name, value in {"dataset": dataset, **given}.items() if name not in (*OF_FOLDER, "name")}
    axes = {name: [read_value(TrialConfig, name, value)] for name, value in fields.items()}
    if "name" in given:
        if axes["dataset"] != ["folder"]:
            raise InputError("name", given["name"], f"Leave it out: only your own images have one (this is {dataset}).")
        check_data_label("name", given["name"])
        axes["data_label"] = [given["name"]]
    if "path" in given and axes["dataset"] != ["folder"]:
        raise InputError("path", given["path"], f"Leave it out, or write dataset: folder (it is {dataset}).")
    if "test_fraction" in given and axes["dataset"] != ["folder"]:
        raise InputError("test_fraction", given["test_fraction"], f"Leave it out: {dataset} has a test split.")
    if path_is_replaced:
        return axes, {REPLACED_IDENTITY: ""}
    if "path" not in given:
        if axes["dataset"] == ["folder"]:
            raise InputError("path", None, "Give the folder that holds train/ and test/, such as path: ./faces.")
        return axes, {}
    identity, path = locate_folder(given["path"], folder, data_dir, given.get("test_fraction"))
    return axes, {identity: path}


def _read_axes(given: Mapping[str, Any], *, in_block: bool, besides: tuple[str, ...] = ()) -> Axes:
    """The values of each trial field in one mapping; `besides` are the fields of it that are not a trial's."""
    if "path" in given:
        raise InputError("path", given["path"], "There is no such field here; it belongs in data.")
    check_known(given, (*besides, *FIELDS["trial"], *ALIASES))
    axes: Axes = {}
    fields = {name: value for name, value in given.items() if name != "parameters"}
    if "parameters" in given:
        fields |= parameter_fields(given["parameters"])
    for written, value in fields.items():
        name = ALIASES.get(written, written)
        if name in axes:
            raise InputError(written, value, f"{name} is given twice, under both its names; keep one.")
        if written in besides:
            continue
        try:
            axes[name] = read_values(name, value, in_block=in_block)
        except InputError as error:  # speak of the field as it was written
            raise InputError(written, error.value, error.remedy) from None
    return axes


def _read_blocks(entries: list[dict[str, Any]], base: Axes, identity: str) -> tuple[Block, ...]:
    blocks: list[Block] = []
    wanted = 0
    for index, entry in enumerate(entries):
        name = entry.get("name", f"block {index + 1}")
        with at(f'blocks[{index}] "{name}"' if isinstance(name, str) else f"blocks[{index}]"):
            axes = {**base, **_read_axes(entry, in_block=True, besides=("name", "trials"))}
            explicit = _read_trials(entry)
            wanted += math.prod(len(values) for values in axes.values()) * len(explicit)
            if wanted > MOST_TRIALS:
                remedy = f"A spec holds at most {MOST_TRIALS:,}; take values out, or larger steps."
                raise InputError("number of trials up to here", wanted, remedy)
            blocks.append(Block(name, tuple(_trials(axes, explicit, identity))))
    return tuple(blocks)


def _read_trials(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The block's explicit `trials`; [{}] where it has none, so that the product alone remains."""
    if "trials" not in entry:
        return [{}]
    given = entry["trials"]
    if not isinstance(given, list) or not given:
        raise InputError("trials", given, "Give a list of trials, such as [{model: dae, latent_size: 12}].")
    trials = []
    for index, fields in enumerate(given):
        with at(f"trials[{index}]"):
            if not isinstance(fields, dict):
                raise InputError("fields", fields, "Give a trial's fields, such as {model: dae, latent_size: 12}.")
            axes = _read_axes(fields, in_block=False)
            for name, values in axes.items():
                if len(values) > 1:
                    raise InputError(name, values, "Give one value here; lists and ranges belong to the block.")
            trials.append({name: values[0] for name, values in axes.items()})
    return trials


def _trials(axes: Axes, explicit: list[dict[str, Any]], identity: str) -> Iterator[TrialConfig]:
    make = once_per_network(lambda fields: _make_trial(fields, identity))
    for values in product(*axes.values()):
        fields = dict(zip(axes, values, strict=True))
        for index, trial in enumerate(explicit):
            with at(f"trials[{index}]") if trial else nullcontext():
                yield make({**fields, **trial})


def _make_trial(fields: dict[str, Any], identity: str) -> TrialConfig:
    """One trial; its image size and channels by the data set where none are given, its identity that of the user's folder."""
    fields = {**native_form(fields["dataset"]), **fields}
    if fields["dataset"] == "folder":
        if not identity:
            raise InputError("dataset", "folder", "Give the folder in the section data, such as {path: ./faces}.")
        fields["data_identity"] = identity
    else:
        fields.pop("data_label", None)  # of the folder, in a block on another data set
    return TrialConfig(**with_parameters(fields))
