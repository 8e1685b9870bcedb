"""What `prune` removes, and what it must never touch."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.store import storage as any_storage
from aesweep.sweep.store.attempts import new_start
from aesweep.sweep.store.drivers import ProgressFile
from aesweep.sweep.store.layout import CHECKPOINT
from aesweep.sweep.store.on_disk import LocalStorage
from aesweep.sweep.store.records.commits import vacancy
from aesweep.sweep.store.records.launches import LaunchProgress
from aesweep.sweep.store.removal.prune import prune
from aesweep.sweep.store.storage import FOLDER
from aesweep.sweep.store.store import Stage, Store, open_store
from aesweep.sweep.tables.fold import TableWriter, tables_are_current
from aesweep.sweep.tables.rows import joined_tables, read_results, trial_rows
from tests.records import scored, trained
from tests.sweep.conftest import run_main

DONE = TrialConfig(filters=2, latent_size=2, epochs=1)
UNFINISHED = TrialConfig(filters=4, latent_size=2, epochs=1)
EVALUATION = "0123456789ab"


def attempt(store: Store, key: str, files: dict[str, bytes], stage: Stage = "train") -> str:
    name = store.attempts.new(key, stage, EVALUATION if stage == "evaluate" else "")
    store.attempts.write_start(key, name, new_start("a-driver.json"))
    for file, data in files.items():
        store.attempts.write_file(key, name, file, data)
    return name


def checkpoint(size: int) -> bytes:
    """An archive with checksums, as torch writes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("state", bytes(size))
    return file.getvalue()


def commit(store: Store, key: str, name: str, files: dict[str, bytes], stage: Stage = "train") -> None:
    records = {file: store.attempts.write_file(key, name, file, data) for file, data in files.items()}
    if stage == "train":
        store.commits.commit_training(key, trained(name, records))
    else:
        weights = hashlib.sha256(store.commits.model_bytes(key)).hexdigest()
        store.commits.commit_scores(key, EVALUATION, scored(name, model=weights, files=records))


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.slow)])
def either_store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """`store` on both kinds of storage."""
    monkeypatch.setattr(any_storage, "SETTLE_SECONDS", 0.0)  # nobody else commits here
    return filled(open_store(tmp_path if request.param == "local" else request.getfixturevalue("uri"), create=True))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return filled(open_store(tmp_path / "store", create=True))


def filled(opened: Store) -> Store:
    """A done and an unfinished trial with everything that killed processes leave behind."""
    for config in (DONE, UNFINISHED):
        opened.trials.write_config(config)
    attempt(opened, DONE.key, {CHECKPOINT: checkpoint(5000)})
    commit(opened, DONE.key, attempt(opened, DONE.key, {CHECKPOINT: b"x"}), {"model.safetensors": b"weights"})
    attempt(opened, DONE.key, {"latents.npz": bytes(3000)}, "evaluate")
    scoring = attempt(opened, DONE.key, {}, "evaluate")
    commit(opened, DONE.key, scoring, {"latents.npz": b"latents", "samples/mvg.png": b"picture"}, "evaluate")

    attempt(opened, UNFINISHED.key, {CHECKPOINT: checkpoint(10)})
    attempt(opened, UNFINISHED.key, {CHECKPOINT: checkpoint(20)})
    attempt(opened, UNFINISHED.key, {CHECKPOINT: checkpoint(30)[:-30]})
    opened.attempts.write_end(UNFINISHED.key, attempt(opened, UNFINISHED.key, {}), "died")
    if opened.storage.folder is not None:  # no object is ever half written
        (opened.storage.folder / "trials" / DONE.key / ".tmp-0123456789ab").write_bytes(bytes(100))
    opened.storage.write("progress/gone.stop", b"")
    opened.storage.write(f"trials/{DONE.key}/train.json.damaged-abcdef", b"{")
    return opened


def hashes(store: Store) -> dict[str, str]:
    """SHA-256 of every file of the store."""
    names = [name for name, version in store.storage.listing("", 9).items() if version != FOLDER]
    files = {name: store.storage.read(name) or b"" for name in names + store.storage.temporary()}
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def trial_row(store: Store, key: str) -> dict[str, Any]:
    """The trial's row of the trials table."""
    tables = joined_tables(
        [trial_rows(read_results(store.snapshot(), key), sweep="a", block="b", state="pending", evaluation=EVALUATION)]
    )
    row: dict[str, Any] = tables["trials"].to_pylist()[0]
    return row


def test_prune_removes_what_nobody_needs_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], either_store: Store
) -> None:
    store, root, is_local = either_store, either_store.root, either_store.storage.folder is not None
    before = hashes(store)
    assert run_main(monkeypatch, "prune", root, "--dry-run") == 0
    would = capsys.readouterr().out
    assert hashes(store) == before, "a dry run removes nothing"

    assert run_main(monkeypatch, "prune", root) == 0
    said = capsys.readouterr().out
    assert said == would.replace("Would free", "Freed")
    kinds = ["abandoned attempts: 6 files", "leftover checkpoints: 1 file", "progress files: 1 file"]
    for words in kinds + ["temporary files: 1 file"] * is_local:
        assert words in said
    notes = {
        f"trials/{DONE.key}/pruned.json",
        f"trials/{UNFINISHED.key}/pruned.json",
        f"trials/{UNFINISHED.key}/train.json",
    }
    after = {name: found for name, found in hashes(store).items() if name not in notes}
    assert after.items() <= before.items()
    gone = {name.partition("attempts/")[2] or name for name in before.keys() - after.keys()}
    training, scores = store.commits.training(DONE.key), store.commits.scores(DONE.key, EVALUATION)
    assert training is not None and scores is not None
    for done in (training, scores):
        for name in done.files:
            assert f"trials/{DONE.key}/attempts/{done.attempt}/{name}" in after
    assert store.attempts.of(DONE.key, "train") == [training.attempt]
    assert store.attempts.of(DONE.key, "evaluate") == [scores.attempt]
    assert not any("gone.stop" in name or ".tmp-" in name for name in after)
    assert any(name.endswith(CHECKPOINT) for name in gone)

    assert run_main(monkeypatch, "prune", root) == 0
    assert capsys.readouterr().out == "Freed 0.0 MB.\n", "a second time there is nothing"


def test_an_unfinished_trial_keeps_its_newest_sound_checkpoint_and_the_attempts_after_it(store: Store) -> None:
    first, second, damaged, dead = store.attempts.of(UNFINISHED.key, "train")
    prune(store)
    assert store.attempts.of(UNFINISHED.key, "train") == [second, damaged, dead]
    for kept in (second, damaged):
        assert store.storage.exists(f"trials/{UNFINISHED.key}/attempts/{kept}/{CHECKPOINT}")
    assert not store.storage.exists(f"trials/{UNFINISHED.key}/attempts/{first}")


def test_a_failed_trial_is_still_failed_after_prune(store: Store) -> None:
    newest = attempt(store, UNFINISHED.key, {CHECKPOINT: checkpoint(40)})
    store.attempts.record_failure(UNFINISHED.key, newest, "train", ValueError("diverged"))
    prune(store)
    assert store.attempts.open_failure(UNFINISHED.key, "train") is not None


def test_the_trials_table_counts_pruned_attempts_too(store: Store) -> None:
    attempt(store, DONE.key, {})  # lost the race against the one that was committed
    trials = {config.key: trial_row(store, config.key) for config in (DONE, UNFINISHED)}
    assert [trials[config.key]["attempts"] for config in (DONE, UNFINISHED)] == [3, 4]
    for _ in range(2):
        prune(store)
        assert len(store.attempts.of(DONE.key, "train")) == 1
        assert {key: trial_row(store, key) for key in trials} == trials
    attempt(store, UNFINISHED.key, {})
    assert trial_row(store, UNFINISHED.key)["attempts"] == 5
    store.storage.write(f"trials/{DONE.key}/pruned.json", b"[")
    assert trial_row(store, DONE.key)["attempts"] == 1, "a damaged note is none"


def test_the_tables_of_a_pruned_store_are_folded_anew_and_stay_the_same(store: Store) -> None:
    blocks = (Block("b", (DONE, UNFINISHED)),)
    store.trials.write_spec(SweepSpec(name="a", blocks=blocks, execution=ExecutionConfig(data_dir="/x")), EVALUATION)
    TableWriter(store).publish(force=True)
    before = pd.read_parquet(Path(store.root) / "tables/trials.parquet")
    prune(store)
    TableWriter(store).publish(force=True)
    pd.testing.assert_frame_equal(pd.read_parquet(Path(store.root) / "tables/trials.parquet"), before)
    assert tables_are_current(store)


def test_damaged_files_go_only_when_asked(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    name = f"trials/{DONE.key}/train.json.damaged-abcdef"
    assert run_main(monkeypatch, "prune", store.root) == 0
    assert store.storage.exists(name)
    assert run_main(monkeypatch, "prune", store.root, "--damaged") == 0
    assert not store.storage.exists(name)


def test_prune_is_refused_while_a_driver_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: Store
) -> None:
    before = hashes(store)
    file = ProgressFile(store)
    file.write(LaunchProgress(running={}), force=True)
    assert run_main(monkeypatch, "prune", store.root) == 2
    assert "aesweep stop STORE --wait" in capsys.readouterr().err
    file.remove()
    assert hashes(store) == before


def test_the_number_of_a_pruned_attempt_is_not_given_again(store: Store) -> None:
    """Else an older failure would count as the newer one, and a trial that failed for good as pending."""
    lost = attempt(store, DONE.key, {})
    store.attempts.record_failure(
        DONE.key, lost, "train", ValueError("diverged, but another driver's training was committed")
    )
    prune(store)
    commit_name = f"trials/{DONE.key}/train.json"
    store.records.set_aside(commit_name, store.storage.read(commit_name) or b"", vacancy())
    assert store.attempts.open_failure(DONE.key, "train") is None
    again = attempt(store, DONE.key, {})
    assert again.startswith("train-0004-")
    store.attempts.record_failure(DONE.key, again, "train", ValueError("diverged again"))
    failure = store.attempts.open_failure(DONE.key, "train")
    assert failure is not None and failure.message == "diverged again"


def test_a_trial_whose_attempts_were_numbered_twice_by_an_older_aesweep_is_failed_too(store: Store) -> None:
    store.storage.make_folder(f"trials/{DONE.key}/attempts/train-0003-aaaaaa")
    for attempt_of, message in (("train-0004-000000", "older"), ("train-0003-aaaaaa", "newer")):
        store.attempts.record_failure(DONE.key, attempt_of, "train", ValueError(message))
    failure = store.attempts.open_failure(DONE.key, "train")
    assert failure is not None and failure.message == "newer"


def test_a_dry_run_changes_nothing_also_where_files_are_damaged(store: Store) -> None:
    for damaged in (f"trials/{DONE.key}/train.json", f"trials/{DONE.key}/scores/{EVALUATION}.json"):
        store.storage.write(damaged, b"{")
    before = hashes(store)
    would = {found.name for found in prune(store, dry_run=True)}
    assert hashes(store) == before
    assert {found.name for found in prune(store)} == would
    assert not store.commits.has_training(DONE.key)


def test_what_is_read_is_what_there_is_a_choice_between(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint may have gigabytes, and a sweep ten thousand trials with one attempt each."""
    prune(store)
    TableWriter(store).publish(force=True)
    first, *rest = store.attempts.of(UNFINISHED.key, "train")
    for attempt_of in rest:
        store.storage.remove_folder(f"trials/{UNFINISHED.key}/attempts/{attempt_of}")
    unreadable = Store(store.root)
    for name in ("train.json", f"scores/{EVALUATION}.json"):
        refuse_to_read(monkeypatch, f"{DONE.key}/{name}")
    refuse_to_read(monkeypatch, f"{first}/{CHECKPOINT}")
    assert prune(unreadable) == []


def refuse_to_read(monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    def refusing(real: Callable[[LocalStorage, str], Any]) -> Callable[[LocalStorage, str], Any]:
        def look(storage: LocalStorage, name: str) -> Any:
            if name.endswith(ending):
                raise OSError(5, "Input/output error")
            return real(storage, name)

        return look

    for call in ("read", "open"):
        monkeypatch.setattr(LocalStorage, call, refusing(getattr(LocalStorage, call)))
