"""What a launch will be judged by is written once, before it trains, and says what had been seen by then."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from aesweep.analysis import frozen as described
from aesweep.analysis.claims import CLAIMS
from aesweep.sweep.freezing import freeze, frozen_in, own_claims
from aesweep.sweep.spec.sweep_spec import SweepSpec
from aesweep.sweep.store.frozen_claims import read_frozen
from aesweep.sweep.store.store import Store, open_store
from tests.in_process import run_aesweep
from tests.small_store import DONE, copy_at_rest, small_spec

OWN = """
from aesweep.claims import claim, together

@claim("{sentence}")
def mine(results):
    return together([])
"""


@pytest.fixture
def spec(data_dir: Path) -> SweepSpec:
    return small_spec(data_dir)


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    return open_store(tmp_path / "empty", create=True)


@pytest.fixture
def scored(small_store: Path, tmp_path: Path) -> Store:
    """One trial is scored, and nothing is frozen."""
    store = open_store(copy_at_rest(small_store, tmp_path / "scored"))
    for path in Path(store.root).glob("claims/*"):
        path.unlink()
    return store


def write_own(folder: Path, sentence: str = "Mine.") -> Path:
    path = folder / "claims.py"
    path.write_text(OWN.format(sentence=sentence))
    return path


def files(store: Store) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(store.root).glob("claims/*")}


def test_a_record_holds_what_judges_and_names_every_sentence(empty: Store, spec: SweepSpec, tmp_path: Path) -> None:
    freeze(empty, spec, "a" * 12, own_claims(write_own(tmp_path)))
    (data,) = files(empty).values()
    said = json.loads(data)
    assert [(s["name"], s["quote"]) for s in said["sentences"]] == [
        *((c.name, c.quote) for c in CLAIMS),
        ("mine", "Mine."),
    ]
    assert (said["spec"], said["evaluation"], said["own_file"]) == (spec.hash, "a" * 12, str(tmp_path / "claims.py"))
    assert said["thresholds"]["much"] == 1.5 and said["thresholds"]["nominal_spread"] == 0.015
    assert said["keys"] == [config.key for config, _ in spec.trials] and said["seen"] == said["seen_otherwise"] == []


def test_launching_the_same_again_writes_nothing_and_the_first_time_counts(scored: Store, spec: SweepSpec) -> None:
    evaluation = spec.evaluation_config().id
    fresh = open_store(Path(scored.root).parent / "fresh", create=True)
    freeze(fresh, spec, evaluation)
    before = files(fresh)
    (Path(scored.root) / "trials").rename(Path(fresh.root) / "trials")  # all that was scored since
    freeze(fresh, spec, evaluation)
    assert files(fresh) == before
    assert frozen_in(fresh)[0].seen == frozenset()


def test_what_was_scored_before_is_seen(scored: Store, spec: SweepSpec) -> None:
    freeze(scored, spec, spec.evaluation_config().id)
    freeze(scored, spec, "a" * 12)
    found = {one.evaluation: one for one in frozen_in(scored)}
    first, other = found[spec.evaluation_config().id], found["a" * 12]
    assert (set(first.seen), set(first.seen_otherwise)) == ({DONE.key}, set())
    assert (set(other.seen), set(other.seen_otherwise)) == (set(), {DONE.key})


def test_another_file_other_thresholds_and_another_grid_are_frozen_anew(
    empty: Store, spec: SweepSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze(empty, spec, "a" * 12, own_claims(write_own(tmp_path)))
    freeze(empty, spec, "a" * 12, own_claims(write_own(tmp_path, "Another.")))
    freeze(empty, replace(spec, blocks=spec.blocks[:1]), "a" * 12)
    monkeypatch.setattr(described.thresholds, "MUCH", 1.6)
    freeze(empty, spec, "a" * 12)
    assert len(files(empty)) == 4


def test_resume_which_knows_no_file_of_yours_freezes_nothing_new(empty: Store, spec: SweepSpec, tmp_path: Path) -> None:
    freeze(empty, spec, "a" * 12, own_claims(write_own(tmp_path)))
    before = files(empty)
    freeze(empty, SweepSpec.from_json(spec.to_json()), "a" * 12)
    assert files(empty) == before


def test_a_damaged_record_counts_for_nothing_until_a_launch_writes_it_again(
    scored: Store, empty: Store, spec: SweepSpec
) -> None:
    freeze(empty, spec, "a" * 12)
    (path,) = Path(empty.root).glob("claims/*")
    path.with_name("0" * 12 + ".json").write_bytes(path.read_bytes())  # under the name of another content
    path.write_bytes(path.read_bytes().replace(b'"time": "2', b'"time": "1'))
    assert frozen_in(empty) == []
    ended = run_aesweep("verify", empty.root)
    assert (
        ended.code == 1 and ended.out.count("is damaged; verdicts that it made confirmatory are exploratory now") == 2
    )
    freeze(empty, spec, "a" * 12)
    assert [one.evaluation for one in frozen_in(empty)] == ["a" * 12]
    assert any(".damaged-" in name for name in files(empty))


def test_verify_prune_and_tables_keep_what_was_frozen(scored: Store, spec: SweepSpec) -> None:
    freeze(scored, spec, spec.evaluation_config().id)
    before = files(scored)
    for words in (["verify"], ["verify", "--repair"], ["prune", "--damaged"], ["tables"]):
        assert run_aesweep(words[0], scored.root, *words[1:]).code == 0, words
    assert files(scored) == before and len(read_frozen(scored.records)) == 1
