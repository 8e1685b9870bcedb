"""Weights & Biases without internet, with its own library: `pip install wandb` (100 MB) to run this test."""

import io
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from aesweep import launch
from tests.sweep.driver.aftermath import read
from tests.sweep.test_callbacks import expected_curves

pytest.importorskip("wandb", reason="no wandb here: pip install wandb")
pytestmark = pytest.mark.slow

HEADER, BLOCK = 7, 32768  # bytes
PART = struct.Struct("<IHB")  # checksum, size, kind
WHOLE_OR_LAST = (1, 4)


def records(file: Path) -> list[Any]:
    """What W&B wrote for a run. Its files are logs in LevelDB's format, for which its Python code no longer has a reader."""
    from wandb.proto import wandb_internal_pb2

    record: Any = vars(wandb_internal_pb2)["Record"]

    data, found, parts = file.read_bytes(), [], b""
    place = HEADER
    while place + PART.size <= len(data):
        if (left := BLOCK - place % BLOCK) < PART.size:  # the end of a block is empty
            place += left
            continue
        _, size, kind = PART.unpack_from(data, place)
        place += PART.size
        parts += data[place : place + size]
        place += size
        if kind in WHOLE_OR_LAST:
            found.append(record.FromString(parts))
            parts = b""
    return found


def test_offline_runs_are_in_the_store_with_settings_and_curves_and_the_launch_says_where(
    tiny_spec: Path, tmp_path: Path, ray_cluster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    store, printed = tmp_path / "store", io.StringIO()
    outcome = launch(str(tiny_spec), store, track=["wandb"], console=Console(file=printed, width=300))
    assert outcome.exit_code == 0
    assert f"wandb: wandb sync {store}/trackers/*/wandb/offline-run-*" in printed.getvalue().splitlines()
    assert "callback WandbLoggerCallback raised" not in printed.getvalue()

    found: dict[str, list[Any]] = {}
    for name in read(store, "trials").name:
        (file,) = (store / "trackers" / name).glob("wandb/offline-run-*/*.wandb")
        found[name] = records(file)
    for name, of_run in found.items():
        (run,) = [record.run for record in of_run if record.HasField("run")][:1]
        assert (run.display_name, run.project) == (name, "tiny")
        settings = {item.key: json.loads(item.value_json) for item in run.config.update}
        assert settings["latent_size"] == 3 and settings["model"] in name
    for name, column, values in expected_curves(store):
        rows = [
            {item.key or item.nested_key[0]: item.value_json for item in record.history.item}
            for record in found[name]
            if record.HasField("history")
        ]
        shown = [(int(row["epoch"]), float(row[column])) for row in rows if column in row]
        assert [epoch for epoch, _ in shown] == [epoch for epoch, _ in values]
        assert [value for _, value in shown] == pytest.approx([value for _, value in values])
