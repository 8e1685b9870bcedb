"""What must be the same after a fault, the results, and what must not be left: processes of a Ray, temporary files,
progress files."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from aesweep.cluster.local.guard import left_of
from tests.waiting import wait_until

SETTLE_SECONDS = 60.0
THEIRS = ("ray", "torchinductor_", "pymp-")
"""Folders that a Ray of the test's own and torch leave there: logs, and empty ones (`pymp-…` of an agent that died)."""


def read(store: Path, table: str) -> pd.DataFrame:
    return pd.read_parquet(store / "tables" / f"{table}.parquet")


def measured(store: Path) -> dict[str, pd.DataFrame]:
    """What must not depend on when and in how many attempts a sweep ran: losses, scores, latents, trials' results."""
    trials = read(store, "trials").set_index("key").sort_index()
    scores = read(store, "scores").sort_values(["key", "source", "split", "seed"]).reset_index(drop=True)
    return {
        "trials": trials[
            ["name", "state", "final_loss", "final_reconstruction", "final_kl", "test_bce", "mean_image_bce"]
        ],
        "epochs": read(store, "epochs")[["key", "epoch", "learning_rate", "loss", "reconstruction", "kl"]],
        "scores": scores[["key", "evaluation", "source", "split", "metric", "value", "n", "n_reference", "seed"]],
        "latents": read(store, "latents"),
    }


def assert_same_results(store: Path, undisturbed: Path) -> None:
    """Both hold the same numbers, to the last bit."""
    found = measured(store)
    for table, frame in measured(undisturbed).items():
        pd.testing.assert_frame_equal(found[table], frame, check_exact=True, obj=table)


@contextmanager
def own_temporary_folder() -> Iterator[dict[str, str]]:
    """An environment whose commands keep their temporary files, Ray's sessions among them, in a folder of their own.

    After the block no process of these Rays runs any more, and there are no files of ours (the last command has removed
    what killed ones left). The folder's name is short: a long one would be passed over (cluster/temporary.py).
    """
    folder = Path(tempfile.mkdtemp(prefix="aes-"))
    try:
        yield {"TMPDIR": str(folder)}
        _assert_no_process_remains(folder)
        left = [path.name for path in folder.iterdir() if not path.name.startswith(THEIRS)]
        assert left == [], left
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def assert_nothing_left_in(store: Path) -> None:
    """No half-written file, and no driver or request to one."""
    assert list(store.rglob(".tmp-*")) == []
    assert list(store.glob("progress/*")) == []


def _assert_no_process_remains(sessions: Path) -> None:
    def nothing_left() -> bool:
        names[:] = [_title(pid) for pid in left_of(str(sessions))]
        return not names

    names: list[str] = []
    wait_until(nothing_left, SETTLE_SECONDS, "every process of its Ray has ended", lambda: names)


def _title(pid: int) -> str:
    try:
        return f"{pid} {os.fsdecode(Path(f'/proc/{pid}/cmdline').read_bytes()[:120])}"
    except OSError:
        return str(pid)
