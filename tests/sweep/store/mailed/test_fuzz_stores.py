"""Two thousand stores of strangers: every kind of file, damaged in every way, and everything that one may do with a store.

What must hold of each action: nothing is executed, nothing outside the store is touched or read, no traceback, exit code
0, 1 or 2, no control characters in the terminal, at most 10 s of the processor and 2,000 MB. `benchmarks/trust.py` counts the
same on a page.
"""

from pathlib import Path

import pytest

from tests.sweep.store.mailed import sandbox
from tests.sweep.store.mailed.damage import KINDS, all_damages, kind_of
from tests.sweep.store.mailed.fuzz import Case, Workshop, run_cases
from tests.sweep.store.mailed.sandbox import make_bait, run_limited
from tests.sweep.store.mailed.verbs import ACTIONS, verbs

SOME, ALL = 12, 2_000


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory, small_store: Path, data_dir: Path) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("mailed"), small_store, data_dir, report=False)


def told(cases: list[Case]) -> list[str]:
    return [
        f"store {case.seed} ({case.done}), {one.action}: {one.trouble}"
        for case in cases
        for one in case.found
        if one.trouble
    ]


@pytest.mark.slow
def test_every_kind_of_file_is_in_the_store_that_is_damaged(workshop: Workshop) -> None:
    names = [path.relative_to(workshop.pristine).as_posix() for path in workshop.pristine.rglob("*") if path.is_file()]
    assert set(map(kind_of, names)) == set(KINDS.values()), "a kind without a file, or a file without a kind"
    assert len(all_damages()) > 400


def test_every_verb_that_takes_a_store_is_tried() -> None:
    assert verbs() == {name.split()[0] for name in ACTIONS} & verbs(), "a new verb needs an action in verbs.py"


@pytest.mark.slow
def test_some_stores_are_looked_at_or_refused(workshop: Workshop) -> None:
    cases = run_cases(workshop, range(0, ALL, ALL // SOME), jobs=1, slow=False)
    assert len(cases) >= SOME
    assert not (trouble := told(cases)), "\n".join(trouble)[:9000]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_thousand_stores_are_looked_at_or_refused(tmp_path: Path, small_store: Path, data_dir: Path) -> None:
    workshop = Workshop(tmp_path, small_store, data_dir)
    cases = run_cases(workshop, range(ALL), jobs=2)
    assert len(cases) == ALL
    assert not (trouble := told(cases)), f"{len(trouble)}:\n" + "\n".join(trouble)[:20_000]


# The watches see what they are for


@pytest.fixture
def bait(tmp_path: Path) -> Path:
    return make_bait(tmp_path / "bait")


def test_limits_end_what_takes_too_much(bait: Path) -> None:
    large, small = run_limited([lambda: len(bytes(3 * 2**30)), lambda: 7], bait)
    assert "MemoryError" in large.trouble and small.result == 7


def test_the_peak_of_one_action_is_not_that_of_the_next(bait: Path) -> None:
    large, small = run_limited([lambda: len(b"x" * 500_000_000), lambda: 7], bait)
    assert large.megabytes > 400 and small.megabytes < 100


def test_a_child_that_is_ended_is_told(bait: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 1)
    monkeypatch.setattr(sandbox, "CLOCK_SECONDS", 2_000)  # on a busy machine a second of the processor may take long

    def endless() -> None:
        while True:
            pass

    assert [one.trouble for one in run_limited([lambda: 7, endless, lambda: 7], bait)] == ["", "ended by signal 24"]


def test_the_watches_see_what_leads_outside(bait: Path, tmp_path: Path) -> None:
    import os
    import socket
    import subprocess

    def by_descriptor() -> None:
        folder = os.open(tmp_path, os.O_RDONLY)
        os.close(os.open("bait/home/thesis.tex", os.O_RDONLY, dir_fd=folder))

    (tmp_path / "link").symlink_to(bait / "outside/file")
    for action in (
        by_descriptor,
        (bait / "outside/file").read_bytes,
        (tmp_path / "link").read_bytes,
    ):
        assert "AssertionError" in run_limited([action], bait, tmp_path)[0].trouble
    for other in (
        lambda: Path("/var/tmp/x").touch(), lambda: list(Path("/root").iterdir()), lambda: subprocess.run(["true"], check=True),
        lambda: socket.create_connection(("192.0.2.1", 9), timeout=0.01), lambda: Path(f"{tmp_path}/../y").unlink(missing_ok=True),
        lambda: Path("/var/tmp/no/x").mkdir(parents=True),
    ):  # fmt: skip
        assert run_limited([other], bait, tmp_path)[0].touched


def test_a_file_without_rights_is_refused_to_a_child(bait: Path, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    (tmp_path / "x").chmod(0)
    assert "PermissionError" in run_limited([(tmp_path / "x").read_text], bait, tmp_path)[0].trouble
