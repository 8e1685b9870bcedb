"""From what a person writes (a preset's name, a YAML file, its sections as a dict, `--set`) to a checked `SweepSpec`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from aesweep.models.config import TrialConfig, network_of
from aesweep.models.errors import InputError, nearest
from aesweep.models.idle_fields import without_idle_fields
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec

DICT_NAME = "sweep"
"""Name of a spec that is given as a dict without one."""


def load_spec(
    source: str | Path | Mapping[str, Any], overrides: Sequence[str] = (), data_dir: str | Path | None = None
) -> SweepSpec:
    """The spec of a preset's name, a YAML file or a dict of a YAML file's sections, with `overrides` applied to all blocks.

    Each override is `FIELD=VALUE`. Relative paths in a dict are relative to the working directory.
    `data_dir` (default: the spec's, else `AESWEEP_DATA`, else `~/.cache/aesweep`) is where data sets and weights are.
    Fields without effect, such as `beta` on a DAE, get their defaults, so that each network is asked for once. Raises
    `InputError` for everything that cannot be used.
    """
    from aesweep.sweep.spec.presets import PRESETS

    text = str(source)
    known = data_dir if data_dir is not None else overridden_data_dir(overrides)  # the default may not be usable here
    replaced = bool(overrides) and _replaces_path(overrides)
    fraction = None
    if isinstance(source, Mapping):
        from aesweep.sweep.spec.yaml_file import spec_of

        spec = spec_of({"name": DICT_NAME, **source}, Path.cwd(), known, path_is_replaced=replaced)
        fraction = _test_fraction(source) if replaced else None
    elif text in PRESETS:
        spec = PRESETS[text](**({} if known is None else {"data_dir": str(known)}))
    elif _looks_like_a_path(text):
        from aesweep.sweep.spec.yaml_file import read_spec
        from aesweep.sweep.spec.yaml_text import read_yaml

        spec = read_spec(Path(text), known, path_is_replaced=replaced)
        fraction = _test_fraction(read_yaml(Path(text))) if replaced else None
    else:
        remedy = f"{nearest(text, PRESETS)}Give a preset ({', '.join(PRESETS)}) or a YAML file."
        raise InputError("SPEC", text, f"There is no such preset. {remedy}")
    return _without_idle_fields(_changed(spec, overrides, data_dir, fraction))


def change_spec(spec: SweepSpec, overrides: Sequence[str] = (), data_dir: str | Path | None = None) -> SweepSpec:
    """`spec` with another data folder and with every `FIELD=VALUE` applied. Raises `InputError` as `load_spec`."""
    changed = _changed(spec, overrides, data_dir)
    return _without_idle_fields(changed) if overrides else changed  # a stored one keeps its keys


def _changed(
    spec: SweepSpec, overrides: Sequence[str], data_dir: str | Path | None, test_fraction: object = None
) -> SweepSpec:
    if data_dir is not None:
        spec = replace(spec, execution=replace(spec.execution, data_dir=str(data_dir)))
    if not overrides:
        return spec
    from aesweep.sweep.spec.overrides import apply_overrides, refuse_given

    if data_dir is not None:
        refuse_given(overrides, {"data_dir": "--data"})
    return apply_overrides(spec, overrides, test_fraction)


def _test_fraction(tree: Mapping[str, Any]) -> object:
    """The share of test images that the sections of a spec ask for, which have been checked."""
    return tree["data"].get("test_fraction") if "data" in tree else None


def overridden_data_dir(overrides: Sequence[str]) -> str | None:
    """The data folder that the overrides name, absolute; None if they name none."""
    if not overrides:
        return None
    from aesweep.sweep.spec import overrides as reading

    return reading.overridden_data_dir(overrides)


def _replaces_path(overrides: Sequence[str]) -> bool:
    from aesweep.sweep.spec.overrides import replaces_path

    return replaces_path(overrides)


def _without_idle_fields(spec: SweepSpec) -> SweepSpec:
    trials = (trial for block in spec.blocks for trial in block.trials)
    networks = {network_of(trial): trial for trial in trials}  # a large sweep is many seeds of few of them
    settled = {network: without_idle_fields(trial) for network, trial in networks.items()}
    if all(settled[network] is trial for network, trial in networks.items()):
        return spec

    def of_block(trials: Iterable[TrialConfig]) -> tuple[TrialConfig, ...]:
        return tuple(settled[network_of(trial)].with_seed(trial.seed) for trial in trials)

    return replace(spec, blocks=tuple(Block(block.name, of_block(block.trials)) for block in spec.blocks))


def _looks_like_a_path(text: str) -> bool:
    try:
        return bool(re.search(r"[/\\]|\.ya?ml\Z", text)) or (text != "" and Path(text).exists())
    except (OSError, ValueError):  # too long, or with a NUL
        return False
