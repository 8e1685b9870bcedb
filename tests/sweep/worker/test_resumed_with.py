"""What the trials table says of a training whose parts ran with different settings."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.layout import START, training_name
from aesweep.sweep.store.records.attempts import StartRecord, TrainingPart, TrainingSettings
from aesweep.sweep.store.records.seal import sealed_json_bytes
from aesweep.sweep.store.removal.prune import prune
from aesweep.sweep.store.storage import to_json_bytes
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables.rows import joined_tables, read_results, trial_rows
from aesweep.sweep.worker.resumed_with import parts_before, resumed_with
from aesweep.sweep.worker.training_attempt import TrainingAttempt
from tests.records import RESULT, trained

TRIAL = TrialConfig(filters=2, latent_size=2, epochs=2, batch_size=512)
LONGER = replace(TRIAL, epochs=3)
NOW = TrainingSettings(
    device="AMD EPYC",
    threads=1,
    precision_used="bf16",
    torch_version="2.12.1",
    compile=False,
    deterministic=False,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "store", create=True)
    opened.trials.write_configs((TRIAL, LONGER))
    return opened


@pytest.fixture
def execution(data_dir: Path) -> ExecutionConfig:
    return ExecutionConfig(data_dir=str(data_dir), checkpoint_seconds=1000, device="cpu")


def one_epoch(store: Store, execution: ExecutionConfig, trial: TrialConfig = TRIAL) -> TrainingAttempt:
    """An attempt that trains an epoch, leaves its checkpoint, and dies unless that was the last one."""
    attempt = TrainingAttempt(store, trial, execution)
    attempt.start()
    attempt.run_epoch()
    attempt.commit() if attempt.finished else attempt.checkpoint()
    return attempt


def row(store: Store, trial: TrialConfig = TRIAL) -> dict[str, Any]:
    found = joined_tables(
        [trial_rows(read_results(store, trial.key), sweep="a", block="b", state="trained", evaluation="e")]
    )
    values: dict[str, Any] = found["trials"].to_pylist()[0]
    return values


def test_a_training_resumed_with_the_same_settings_says_none(store: Store, execution: ExecutionConfig) -> None:
    assert row(store)["resumed_with"] == "none", "not trained yet"
    for _ in range(TRIAL.epochs):
        one_epoch(store, replace(execution, checkpoint_seconds=7.0))
    assert (row(store)["resumed_with"], row(store)["threads"], row(store)["attempts"]) == ("none", 1, 2)


def test_a_training_resumed_with_other_threads_says_which_and_until_when_also_after_prune(
    store: Store, execution: ExecutionConfig
) -> None:
    one_epoch(store, replace(execution, threads=2), LONGER)
    second = one_epoch(store, execution, LONGER)
    prune(store)
    assert len(store.attempts.of(LONGER.key, "train")) == 1
    third = one_epoch(store, execution, LONGER)
    assert (row(store, LONGER)["resumed_with"], row(store, LONGER)["threads"]) == ("threads 2 until epoch 1", 1)
    for attempt in (second, third):
        log = store.storage.read(f"trials/{LONGER.key}/attempts/{attempt.attempt}/log.txt") or b""
        assert b"its bits are not those of an uninterrupted training" in log


def test_where_the_settings_of_an_attempt_are_lost_they_are_called_unknown(
    store: Store, execution: ExecutionConfig
) -> None:
    first = one_epoch(store, execution)
    store.storage.write(f"trials/{TRIAL.key}/attempts/{first.attempt}/{START}", b"{")
    one_epoch(store, execution)
    assert row(store)["resumed_with"] == "unknown settings until epoch 1"


def start(settings: TrainingSettings | None = NOW, parts: tuple[TrainingPart, ...] = ()) -> StartRecord:
    """What an attempt notes that trained with these settings."""
    return StartRecord(driver="none", node="here", settings=settings, parts=parts)


def changed(**changes: str | int | bool) -> TrainingSettings:
    return NOW.model_copy(update=changes)


@pytest.mark.parametrize("noted", [None, start(None)])
def test_a_note_that_lacks_settings_leaves_them_unknown(noted: StartRecord | None) -> None:
    assert resumed_with(parts_before(noted, 2, 0), NOW) == "unknown settings until epoch 2"


def test_a_training_of_an_older_version_has_null(store: Store) -> None:
    result = {name: value for name, value in RESULT.to_json().items() if name != "resumed_with"}
    commit = {**trained("train-0001-a").to_json(), "result": result}
    store.storage.write(training_name(TRIAL.key), sealed_json_bytes(commit))
    assert row(store)["resumed_with"] is None


def test_each_setting_that_differs_is_named_with_the_place_where_it_ended() -> None:
    other = changed(device="NVIDIA H200", torch_version="2.11.0", compile=True)
    parts = parts_before(start(other), 3, 0)
    assert resumed_with(parts, NOW) == "device NVIDIA H200, torch_version 2.11.0, compile true until epoch 3"
    parts = parts_before(start(changed(threads=4), parts), 8, 12)
    parts = parts_before(start(NOW, parts), 9, 0)
    earlier = "device NVIDIA H200, torch_version 2.11.0, compile true until epoch 3"
    assert resumed_with(parts, NOW) == f"{earlier}; threads 4 until step 12 of epoch 9"


def test_parts_in_a_row_with_the_same_settings_are_one() -> None:
    other = changed(threads=2)
    parts = parts_before(start(other, parts_before(start(other), 1, 0)), 2, 5)
    assert resumed_with(parts, NOW) == "threads 2 until step 5 of epoch 3"


@pytest.mark.parametrize("value", ["x" * 5000, "\ud800", "a\nb", 3, None, True, []])
@pytest.mark.parametrize("field", ["device", "parts", "part"])
def test_what_a_damaged_note_says_never_reaches_the_table(store: Store, field: str, value: object) -> None:
    attempt = store.attempts.new(TRIAL.key, "train")
    whole = start(NOW, parts_before(start(), 1, 0)).to_json()
    wrong: dict[str, dict[str, object]] = {
        "device": {"settings": {**NOW.to_json(), "device": value}},
        "parts": {"parts": value if value != [] else 3},
        "part": {"parts": [value]},
    }
    store.storage.write(f"trials/{TRIAL.key}/attempts/{attempt}/{START}", to_json_bytes({**whole, **wrong[field]}))
    found = store.attempts.read_start(TRIAL.key, attempt)
    assert resumed_with(parts_before(found, 1, 0), NOW) == "unknown settings until epoch 1"
