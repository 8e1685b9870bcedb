"""docs/specs.md says what the code does."""

import re
import shlex
from collections.abc import Iterable
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from aesweep.evaluation.config import METRICS, EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.fields import FIELDS
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.presets import PRESETS
from tests.fresh_process import REPOSITORY
from tests.image_folder import write_image_folder

SPECS_MD = REPOSITORY / "docs" / "specs.md"


def documented(heading: str) -> dict[str, str]:
    """Field -> default (metric -> what it measures) of the table under `heading` in docs/specs.md."""
    text = SPECS_MD.read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| `(\w+)` \| (.*?) \| .* \|$", re.split(r"\n###? ", text.split(f"\n{heading}\n")[1])[0], re.MULTILINE
    )
    return {name: default.strip("`") for name, default in rows}


def printed(value: object) -> str:
    """A default as the documentation writes it."""
    if isinstance(value, bool | None):
        return {True: "true", False: "false", None: "null"}[value]
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize(
    ("heading", "owner", "names", "special"),
    [
        ("## Trial fields", TrialConfig, FIELDS["trial"], {"depth": "1", "parameters": "{}"}),
        ("## Evaluation fields", EvaluationConfig, FIELDS["evaluation"], {"extractor": "auto"}),
        ("## Execution fields", ExecutionConfig, FIELDS["execution"], {"data_dir": "~/.cache/aesweep"}),
    ],
)
def test_the_documentation_lists_every_field_with_its_default(
    heading: str,
    owner: type[TrialConfig | EvaluationConfig | ExecutionConfig],
    names: Iterable[str],
    special: dict[str, Any],
) -> None:
    defaults = {field.name: printed(field.default) for field in fields(owner) if field.name in names}
    assert documented(heading) == {**defaults, **special}


def test_the_documentation_says_what_each_metric_measures() -> None:
    assert documented("### Metrics") == METRICS


def test_the_documentation_lists_every_field_of_data() -> None:
    assert tuple(documented("### Your own images")) == FIELDS["data"]


def test_the_documentation_counts_the_trials_of_the_presets() -> None:
    text = SPECS_MD.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| (\d+) \|", text.split("## Presets")[1].split("\n## ")[0], re.MULTILINE)
    assert {name: int(trials) for name, trials in rows} == {name: len(load_spec(name).trials) for name in PRESETS}


def test_every_yaml_in_the_documentation_is_a_spec(tmp_path: Path) -> None:
    text = SPECS_MD.read_text(encoding="utf-8")
    write_image_folder(tmp_path / "faces")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    trials = []
    for block in blocks:
        (tmp_path / "spec.yaml").write_text(block)
        trials.append(len(load_spec(tmp_path / "spec.yaml", data_dir=tmp_path / "data").trials))
    assert trials == [2, 290, 10]


def test_every_example_command_in_the_documentation_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_image_folder(tmp_path / "faces")
    (tmp_path / "my-sweep.yaml").write_text("blocks: [{model: [dae, vae]}]")
    text = SPECS_MD.read_text(encoding="utf-8")
    commands = [shlex.split(line) for line in re.findall(r"^    (aesweep .*)$", text, re.MULTILINE)]
    assert len(commands) == 5
    for command in commands:
        overrides = [value for flag, value in pairwise(command) if flag == "--set"]
        assert load_spec(command[2], overrides, tmp_path / "data").trials
