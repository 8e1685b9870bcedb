"""A store names no code: whatever it says of claims, no file is run, and its words are only shown."""

import json
import shutil
from pathlib import Path

import pytest

from aesweep.sweep.store.frozen_claims import FrozenClaims
from aesweep.sweep.store.records.seal import sealed_json_bytes
from tests.in_process import run_aesweep
from tests.small_store import DONE, copy_at_rest
from tests.sweep.conftest import run_cli
from tests.sweep.store.mailed.verbs import NOBODY, require_harmless

BOMB = """\
from pathlib import Path
from aesweep.claims import claim, together

Path({crater!r}).touch()

@claim("Boom.")
def boom(results):
    Path({crater!r}).touch()
    return together([])
"""


@pytest.fixture
def crater(tmp_path: Path) -> Path:
    return tmp_path / "crater"


@pytest.fixture
def bomb(tmp_path: Path, crater: Path) -> Path:
    """A file of claims that leaves a trace when it is run."""
    path = tmp_path / "bomb.py"
    path.write_text(BOMB.format(crater=str(crater)))
    return path


@pytest.fixture
def mailed(small_store: Path, tmp_path: Path, bomb: Path) -> Path:
    """A store that names the bomb wherever it can, and holds it too."""
    store = copy_at_rest(small_store, tmp_path / "store")
    for name in ("claims.py", "claims/claims.py", "sweeps/claims.py"):
        shutil.copy(bomb, store / name)
    for path in store.glob("sweeps/[0-9a-f]*.json"):
        said = json.loads(path.read_text())
        said |= {"claims": str(bomb), "spec": {**said["spec"], "claims": str(bomb)}}
        path.write_bytes(sealed_json_bytes({name: value for name, value in said.items() if name != "seal"}))
    return store


def forge(store: Path, **changes: object) -> None:
    """Change the record under its own name, which only covers what decides: `own_file` and the time are free."""
    (path,) = store.glob("claims/*.json")
    said = {**json.loads(path.read_text()), **changes}
    path.write_bytes(sealed_json_bytes({name: value for name, value in said.items() if name != "seal"}))


def test_the_bomb_works(bomb: Path, mailed: Path, crater: Path, tmp_path: Path) -> None:
    assert run_aesweep("report", mailed, "--claims", bomb, "--out", tmp_path / "r").code == 0
    assert crater.exists()


def test_no_verb_runs_a_file_that_only_a_store_names(
    mailed: Path, bomb: Path, crater: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge(mailed, own_file=str(bomb))
    monkeypatch.chdir(mailed)
    for words in (
        ["status", mailed], ["status", mailed, "--json", "--all"], ["tables", mailed], ["verify", mailed],
        ["prune", mailed], ["sample", mailed, DONE.key, "-n", "2", "--out", tmp_path / "x.png"],
        ["report", mailed, "--out", tmp_path / "r"],
    ):  # fmt: skip
        run_aesweep(*words)
        assert not crater.exists(), words


def test_no_verb_that_launches_runs_it(mailed: Path, bomb: Path, crater: Path, data_dir: Path) -> None:
    """In processes of their own, which end where they look for a Ray: in this one Ray may run already."""
    forge(mailed, own_file=str(bomb))
    for words in (["resume"], ["resume", "--all", "--retry-failed"], ["evaluate", "--samples", "60"]):
        ended = run_cli(words[0], mailed, *words[1:], "--data", data_dir, "--address", NOBODY, cwd=mailed)
        assert ended.returncode == 2 and "--address" in ended.stderr, ended.stderr
        assert not crater.exists(), words


def test_the_report_shows_where_a_frozen_file_was_and_leaves_the_trust_to_you(
    mailed: Path, tmp_path: Path, crater: Path
) -> None:
    (path,) = mailed.glob("claims/*.json")
    own, hostile = "a" * 64, "/x/<script>alert(1)</script>; rm -rf ~ \x1b[2J'.py"
    forge(mailed, own=own, own_file=hostile)
    record = json.loads(path.read_text())
    path.rename(path.with_name(f"{FrozenClaims.model_validate_json(json.dumps(record)).hash}.json"))
    ended = run_aesweep("report", mailed, "--out", tmp_path / "r")
    assert ended.code == 0
    said = r"""--claims '/x/<script>alert(1)</script>; rm -rf ~ \x1b[2J'"'"'.py'"""
    assert "If you trust that file" in ended.err and ended.err.rstrip().endswith(said)
    for file in (tmp_path / "r").rglob("*.*"):
        require_harmless(file)
    page = (tmp_path / "r/index.html").read_text()
    assert "&lt;script&gt;alert(1)" in page and page.count("<script>") == 1  # the page's own, named by its hash
    assert not crater.exists()
