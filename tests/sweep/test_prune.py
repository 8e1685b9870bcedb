"""What `prune` removes, and what it must never touch."""

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from models.config import TrialConfig
from sweep.attempts import CHECKPOINT, write_end, write_start
from sweep.progress_file import ProgressFile
from sweep.store import Stage, Store, open_store
from tests.sweep.conftest import run_main

DONE = TrialConfig(filters=2, latent_size=2, epochs=1)
UNFINISHED = TrialConfig(filters=4, latent_size=2, epochs=1)
EVALUATION = "0123456789ab"


def attempt(store: Store, key: str, files: dict[str, bytes], stage: Stage = "train") -> str:
    name = store.new_attempt(key, stage, EVALUATION if stage == "evaluate" else "")
    write_start(store, key, name, "a-driver.json")
    for file, data in files.items():
        store.write_file(key, name, file, data)
    return name


def checkpoint(size: int) -> bytes:
    """An archive with checksums, as torch writes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("state", bytes(size))
    return file.getvalue()


def commit(store: Store, key: str, name: str, files: dict[str, bytes], stage: Stage = "train") -> None:
    records = {file: store.write_file(key, name, file, data) for file, data in files.items()}
    if stage == "train":
        store.commit_training(key, {"attempt": name, "files": records, "history": [], "result": {}})
    else:
        store.commit_scores(key, EVALUATION, {"attempt": name, "files": records, "rows": [], "latents": []})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A done and an unfinished trial with everything that killed processes leave behind."""
    opened = open_store(tmp_path / "store", create=True)
    for config in (DONE, UNFINISHED):
        opened.write_config(config)
    attempt(opened, DONE.key, {CHECKPOINT: checkpoint(5000)})
    commit(opened, DONE.key, attempt(opened, DONE.key, {CHECKPOINT: b"x"}), {"model.safetensors": b"weights"})
    attempt(opened, DONE.key, {"latents.npz": bytes(3000)}, "evaluate")
    scoring = attempt(opened, DONE.key, {}, "evaluate")
    commit(opened, DONE.key, scoring, {"latents.npz": b"latents", "samples/mvg.png": b"picture"}, "evaluate")

    attempt(opened, UNFINISHED.key, {CHECKPOINT: checkpoint(10)})
    attempt(opened, UNFINISHED.key, {CHECKPOINT: checkpoint(20)})
    attempt(opened, UNFINISHED.key, {CHECKPOINT: checkpoint(30)[:-30]})
    write_end(opened, UNFINISHED.key, attempt(opened, UNFINISHED.key, {}), "died")
    (tmp_path / "store" / "trials" / DONE.key / ".tmp-0123456789ab").write_bytes(bytes(100))
    opened.storage.write("progress/gone.stop", b"")
    opened.storage.write(f"trials/{DONE.key}/train.json.damaged-abcdef", b"{")
    return opened


def hashes(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_prune_removes_what_nobody_needs_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: Store
) -> None:
    root = Path(store.storage.root)
    before = hashes(root)
    assert run_main(monkeypatch, "prune", root, "--dry-run") == 0
    would = capsys.readouterr().out
    assert hashes(root) == before, "a dry run removes nothing"

    assert run_main(monkeypatch, "prune", root) == 0
    said = capsys.readouterr().out
    assert said == would.replace("Would free", "Freed")
    for words in ("abandoned attempts", "leftover checkpoints: 1 file", "temporary files: 1 file", "progress files"):
        assert words in said
    after = hashes(root)
    assert after.items() <= before.items()
    gone = {name.partition("attempts/")[2] or name for name in before.keys() - after.keys()}
    trained, scored = store.training(DONE.key), store.scores(DONE.key, EVALUATION)
    assert trained is not None and scored is not None
    for done in (trained, scored):
        for name in done["files"]:
            assert f"trials/{DONE.key}/attempts/{done['attempt']}/{name}" in after
    assert store.attempts(DONE.key, "train") == [trained["attempt"]]
    assert store.attempts(DONE.key, "evaluate") == [scored["attempt"]]
    assert not any("gone.stop" in name or ".tmp-" in name for name in after)
    assert any(name.endswith(CHECKPOINT) for name in gone)

    assert run_main(monkeypatch, "prune", root) == 0
    assert capsys.readouterr().out == "Freed 0.0 MB.\n", "a second time there is nothing"


def test_an_unfinished_trial_keeps_its_newest_sound_checkpoint_and_the_attempts_after_it(store: Store) -> None:
    from sweep.prune import prune

    first, second, damaged, dead = store.attempts(UNFINISHED.key, "train")
    prune(store)
    assert store.attempts(UNFINISHED.key, "train") == [second, damaged, dead]
    for kept in (second, damaged):
        assert store.storage.exists(f"trials/{UNFINISHED.key}/attempts/{kept}/{CHECKPOINT}")
    assert not store.storage.exists(f"trials/{UNFINISHED.key}/attempts/{first}")


def test_a_failed_trial_is_still_failed_after_prune(store: Store) -> None:
    from sweep.prune import prune

    newest = attempt(store, UNFINISHED.key, {CHECKPOINT: checkpoint(40)})
    store.record_failure(UNFINISHED.key, newest, "train", ValueError("diverged"))
    prune(store)
    assert store.open_failure(UNFINISHED.key, "train") is not None


def test_damaged_files_go_only_when_asked(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    name = f"trials/{DONE.key}/train.json.damaged-abcdef"
    assert run_main(monkeypatch, "prune", store.storage.root) == 0
    assert store.storage.exists(name)
    assert run_main(monkeypatch, "prune", store.storage.root, "--damaged") == 0
    assert not store.storage.exists(name)


def test_prune_is_refused_while_a_driver_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: Store
) -> None:
    before = hashes(Path(store.storage.root))
    file = ProgressFile(store)
    file.write({"running": {}, "eta_seconds": None}, force=True)
    assert run_main(monkeypatch, "prune", store.storage.root) == 2
    assert "aesweep stop STORE --wait" in capsys.readouterr().err
    file.remove()
    assert hashes(Path(store.storage.root)) == before
