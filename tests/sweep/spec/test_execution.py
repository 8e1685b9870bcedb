"""Where and how a sweep runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from aesweep.models.errors import InputError
from aesweep.sweep.spec.execution import ExecutionConfig


def test_paths_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    execution = ExecutionConfig(data_dir="data", folders={"f" * 64: "faces"})
    assert execution.data_dir == str(tmp_path / "data")
    assert execution.folders == {"f" * 64: str(tmp_path / "faces")}
    assert ExecutionConfig(data_dir="~/x").data_dir == str(Path.home() / "x")


def test_the_data_folder_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AESWEEP_DATA", str(tmp_path))
    assert ExecutionConfig().data_dir == str(tmp_path)
    monkeypatch.delenv("AESWEEP_DATA")
    assert ExecutionConfig().data_dir == str(Path.home() / ".cache" / "aesweep")


def test_it_survives_its_json(tmp_path: Path) -> None:
    execution = ExecutionConfig(data_dir=str(tmp_path), threads=3, gpu_share=0.36, folders={"a" * 64: "/faces"})
    assert ExecutionConfig(**json.loads(json.dumps(execution.to_json()))) == execution


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("data_dir", ""),
        ("data_dir", None),
        ("data_dir", "a\0b"),
        ("data_dir", "~nobody-has-this-name/x"),
        ("data_dir", "~a\0b"),
        ("data_dir", "\ud800"),
        ("data_dir", "x" * 300),
        ("data_dir", "/x" * 2000),
        ("folders", []),
        ("device", "tpu"),
        ("threads", 0),
        ("threads", True),
        ("threads", 1.5),
        ("compile", 1),
        ("deterministic", "yes"),
        ("checkpoint_seconds", 0),
        ("checkpoint_seconds", float("nan")),
        ("checkpoint_seconds", "60"),
        ("prior_deadline_seconds", float("inf")),
        ("gpu_share", 0),
        ("gpu_share", 1.1),
        ("max_concurrent", 0),
        ("max_concurrent", 10**400),
    ],
)
def test_what_cannot_run_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(InputError) as caught:
        ExecutionConfig(**{field: value})
    assert caught.value.field == field
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("field", ["checkpoint_seconds", "prior_deadline_seconds"])
def test_too_many_seconds_are_refused_by_their_limit(field: str) -> None:
    with pytest.raises(InputError, match="at most 1e9"):
        ExecutionConfig(**dict[str, Any]({field: 1e10}))
