"""The promises of docs/store.md, looked at after every step, as no process can."""

from collections.abc import Hashable
from functools import cache

from aesweep.sweep.store.drivers import STALE_SECONDS
from aesweep.sweep.store.layout import MODEL, PUBLISHER, attempt_folder
from aesweep.sweep.store.records.commits import ScoresRecord, TrainingRecord, file_record
from aesweep.sweep.store.records.launches import DriverRecord
from aesweep.sweep.store.records.record import parse_record
from tests.sweep.schedules.explorer import run_alone
from tests.sweep.schedules.processes import KEY, MARK_BYTES, PROCESSES, SCORED, TAKERS, TRAINED
from tests.sweep.schedules.world import Tree, World

Counting = tuple[bytes | None, bytes | None]
"""The bytes of a training and of its scores that count."""
Claims = tuple[tuple[str, ...], tuple[tuple[str, int], ...]]
"""Who published tables, in turn, and which of them wrote each file last."""
TABLES = "tables/"


@cache
def _training(data: bytes) -> TrainingRecord | None:
    return parse_record(TrainingRecord, data)


@cache
def _scores(data: bytes) -> ScoresRecord | None:
    return parse_record(ScoresRecord, data)


def look(before: World, after: World, who: str) -> Hashable:
    """What is to be remembered after a step. Raises AssertionError where it breaks a promise."""
    assert before.trees["other"] == after.trees["other"], f"{who} wrote into another store"
    was, now = before.trees["ours"], after.trees["ours"]
    if was.files is now.files:
        return after.memory
    if was.files.get(TRAINED) != now.files.get(TRAINED) or was.files.get(SCORED) != now.files.get(SCORED):
        _look_at_commits(counting(was), counting(now), who)
    _require_files(now)
    _look_at_drivers(before, after, who)
    return _claims(after.memory, was, now, who)


def _look_at_commits(was: Counting, now: Counting, who: str) -> None:
    if who in TAKERS:
        return
    assert was[0] in (None, now[0]), f"{who} took a training that counts"
    if was[1] is not None and was[0] == now[0]:
        assert was[1] == now[1], f"{who} took scores that count"


def counting(tree: Tree) -> Counting:
    """The commits that count."""
    first, second = tree.content(TRAINED), tree.content(SCORED)
    training = _training(first) if first else None
    scores = _scores(second) if second else None
    counts = training is not None and scores is not None and scores.model == training.files[MODEL].sha256
    return first if training else None, second if counts else None


def _require_files(tree: Tree) -> None:
    for name, parse in ((TRAINED, _training), (SCORED, _scores)):
        data = tree.content(name)
        commit = parse(data) if data else None
        for file, record in commit.files.items() if commit else ():
            found = tree.content(f"{attempt_folder(KEY, commit.attempt if commit else '')}/{file}")
            assert found is not None and file_record(found) == record, f"{file} of a commit is missing"


def _look_at_drivers(before: World, after: World, who: str) -> None:
    """Nothing is removed of a driver that began a moment ago."""
    for name in before.ours.files.keys() & after.ours.files.keys():
        if name.startswith("progress/") and after.ours.content(name) is None:
            data, number = before.ours.files[name]
            said = _driver(data) if data is not None else None
            if said is not None and number == 1 and said.host:
                fresh = before.clock - said.time <= STALE_SECONDS
                assert not fresh or _removes_its_own(who), f"{who} removed the progress file of a driver at work"


def _removes_its_own(who: str) -> bool:
    return who in ("launch", "evaluate")


@cache
def _driver(data: bytes) -> DriverRecord | None:
    return parse_record(DriverRecord, data)


def _claims(memory: Hashable, was: Tree, now: Tree, who: str) -> Hashable:
    """Tables are never replaced by those of an earlier publication."""
    if was.content(PUBLISHER) != now.content(PUBLISHER):
        claimed, wrote = memory if isinstance(memory, tuple) and memory else ((), ())
        memory = ((*claimed, who), wrote)
    for name in now.files:
        if name.startswith(TABLES) and name != PUBLISHER and was.files.get(name) != now.files[name]:
            if "/.tmp-" in name:
                continue
            claimed, wrote = memory if isinstance(memory, tuple) and memory else ((), ())
            mine = max((place for place, one in enumerate(claimed) if one == who), default=-1)
            last = dict(wrote).get(name, -1)
            assert mine >= last, f"{who} replaced a newer {name}"
            memory = (claimed, tuple(sorted({**dict(wrote), name: mine}.items())))
    return memory


def look_at_end(storage: str, world: World) -> None:
    """Whoever comes next can do the work that is left."""
    state = (world.ours.content(TRAINED), tuple(sorted(n for n, *_ in world.ours.there() if n.startswith("trials"))))
    if state not in _DONE:
        _DONE.add(state)
        after = run_alone(PROCESSES["train"], "next", storage, world, MARK_BYTES)
        assert counting(after.ours)[0] is not None, "nobody can train the trial any more"


_DONE: set[Hashable] = set()
