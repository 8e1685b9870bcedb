"""`aesweep diff` and `merge`: what two stores say of the same trials, and results that one lacks, on paths and on S3."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from aesweep.sweep.freezing import freeze, frozen_in
from aesweep.sweep.load import load_model, load_prior
from aesweep.sweep.pair.merging import Merged, merge, missing_work
from aesweep.sweep.store.layout import MERGES, MODEL, attempt_folder, scores_name, training_name
from aesweep.sweep.store.records.commits import ScoresRecord, TrainingRecord, file_record
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.store.verify import verify
from tests.in_process import run_aesweep
from tests.small_store import DONE, FAILED, HALF, small_spec


@pytest.fixture(params=["paths", "s3"])
def two(request: pytest.FixtureRequest, tmp_path: Path, small_store: Path) -> tuple[str, str]:
    """Addresses of an empty store and of a copy of the small one, both on a path or both on S3."""
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    if request.param == "s3":
        uri = request.getfixturevalue("uri")
        a, b = f"{uri}/a", f"{uri}/b"
    open_store(a, create=True)
    copy = Store(b).storage
    for path in small_store.rglob("*"):
        name = path.relative_to(small_store).as_posix()
        if path.is_file() and not name.startswith(("progress/", "report/")):
            copy.write(name, path.read_bytes())
    return a, b


def contents(address: str) -> dict[str, str]:
    """Version of every file."""
    return open_store(address).storage.listing("", 9)


def commit_of(store: Store) -> tuple[TrainingRecord, ScoresRecord]:
    """Both commits of the trial that is done."""
    training = store.commits.training(DONE.key)
    scores = store.commits.scores(DONE.key, store.trials.latest_evaluation())
    assert training is not None and scores is not None
    return training, scores


def test_what_a_store_lacks_is_copied_once_and_counts_there(two: tuple[str, str]) -> None:
    a, b = two
    before = contents(b)
    would = run_aesweep("merge", a, b, "--dry-run")
    assert (would.code, would.out) == (0, "Would copy 1 trained model and 1 evaluation.\n")
    assert open_store(a).trials.known_keys() == []
    done = run_aesweep("merge", a, b)
    assert (done.code, done.err, done.out) == (0, "", "Copied 1 trained model and 1 evaluation.\n")
    assert contents(b) == before, "the other store is only read"
    store, evaluation = open_store(a), open_store(b).trials.latest_evaluation()
    ours, theirs = store.commits.scores(DONE.key, evaluation), open_store(b).commits.scores(DONE.key, evaluation)
    assert ours is not None and theirs is not None and ours.rows == theirs.rows and ours.files == theirs.files
    assert not verify(store).findings and not store.storage.names("progress")
    assert load_model(store, DONE.key).config == DONE and load_prior(store, DONE.key, "gmm").means.shape == (2, 2)
    assert json.loads(run_aesweep("list", a, "--json").out)[0]["sweep"] == "small"
    again = run_aesweep("merge", a, b)
    assert (again.code, again.out) == (0, "Copied 0 trained models and 0 evaluations.\n")
    same = run_aesweep("diff", a, b)
    assert same.code == 0 and "1 trials in both, 1 with the same weights" in same.out and "equal" in same.out


def test_what_was_committed_before_stays_and_scores_of_other_weights_are_left_out(
    small_store: Path, tmp_path: Path
) -> None:
    shutil.copytree(small_store, tmp_path / "a")
    store = open_store(tmp_path / "a")
    training, scores = commit_of(store)
    weights = store.commits.model_bytes(DONE.key)
    weights = weights[:-1] + bytes([weights[-1] ^ 1])
    store.attempts.write_file(DONE.key, training.attempt, MODEL, weights)
    changed = training.model_copy(update={"files": {MODEL: file_record(weights)}})
    (tmp_path / "a" / training_name(DONE.key)).write_bytes(changed.to_bytes())
    (tmp_path / "a" / scores_name(DONE.key, scores.id)).unlink()
    done = run_aesweep("merge", tmp_path / "a", small_store, "--also")
    assert done.code == 1 and "of other weights than it has here" in done.err
    assert open_store(tmp_path / "a").commits.training(DONE.key) == changed
    compared = run_aesweep("diff", tmp_path / "a", small_store)
    assert "other weights" in compared.out and compared.code == 0


def test_a_merge_that_was_stopped_says_so_although_other_results_are_left_out(
    small_store: Path, tmp_path: Path
) -> None:
    """One of two commits was copied, and one that cannot be was named before: two, but not these two."""
    store, other = open_store(tmp_path / "a", create=True), open_store(small_store).only_looking()
    merged = Merged(left_out=[("another trial", "its scores there are of other weights")])
    works = missing_work(store, other, merged)
    turns = iter([True, False])
    assert not merge(store, other, works, "driver.json", merged, lambda _: next(turns))
    assert (len(works), merged.trainings, merged.evaluations) == (2, [DONE.name], [])
    works = missing_work(store, other, merged)
    assert merge(store, other, works, "driver.json", merged, lambda _: True) and merged.evaluations == [DONE.name]


def test_nothing_damaged_or_invented_is_copied(small_store: Path, tmp_path: Path) -> None:
    """Weights that are not the committed ones, settings of another id, names that lead out, and a link."""
    shutil.copytree(small_store, tmp_path / "b")
    shutil.rmtree(tmp_path / "b" / "progress")
    store = open_store(tmp_path / "b")
    training, scores = commit_of(store)
    odd = {f"{'../' * 5}out.txt": scores.files["samples/gmm.png"], "checkpoint.pt": scores.files["latents.npz"]}
    changed = scores.model_copy(update={"files": {**scores.files, **odd}, "launch": "../../../secret"})
    (tmp_path / "b" / scores_name(DONE.key, scores.id)).write_bytes(changed.to_bytes())
    other = changed.model_copy(update={"id": "a" * 12})
    (tmp_path / "b" / scores_name(DONE.key, "a" * 12)).write_bytes(other.to_bytes())
    open_store(tmp_path / "a", create=True)
    done = run_aesweep("merge", tmp_path / "a", tmp_path / "b")
    assert done.code == 1 and "evaluation aaaaaaaaaaaa: its settings are not those of its id" in done.err
    assert done.out == "Copied 1 trained model and 1 evaluation.\n"
    names = {path.name for path in (tmp_path / "a" / "trials" / DONE.key / "attempts").rglob("*")}
    assert "gmm.png" in names and not names & {"out.txt", "checkpoint.pt"}
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}
    file = tmp_path / "b" / attempt_folder(DONE.key, training.attempt) / MODEL
    for damage in (lambda: file.write_bytes(file.read_bytes()[:-1] + b"x"), lambda: _make_link(file)):
        damage()
        open_store(tmp_path / "new", create=True)
        refused = run_aesweep("merge", tmp_path / "new", tmp_path / "b")
        assert refused.code == 1 and refused.out == "Copied 0 trained models and 0 evaluations.\n"
        assert "missing or damaged" in refused.err and "its training is not here" in refused.err
        assert open_store(tmp_path / "new").commits.training(DONE.key) is None
        shutil.rmtree(tmp_path / "new")


def _make_link(file: Path) -> None:
    outside = file.parents[5] / "outside"
    shutil.move(file, outside)
    file.symlink_to(outside)


def test_results_from_elsewhere_make_no_verdict_confirmatory(small_store: Path, tmp_path: Path, data_dir: Path) -> None:
    store, spec = open_store(tmp_path / "a", create=True), small_spec(data_dir)
    freeze(store, spec, spec.evaluation_config().id)
    (frozen,) = frozen_in(store)
    assert frozen.keys == {DONE.key, HALF.key, FAILED.key} and not frozen.seen_otherwise
    assert run_aesweep("merge", tmp_path / "a", small_store).code == 0
    (frozen,) = frozen_in(store)
    assert frozen.seen_otherwise == {DONE.key} and len(store.storage.names(MERGES)) == 1


@pytest.mark.parametrize(("errors", "code", "verdict"), [(0.5, 0, "1 within errors"), (10.0, 1, "1 beyond errors")])
def test_scores_differ_when_they_differ_by_more_than_their_errors(
    small_store: Path, tmp_path: Path, errors: float, code: int, verdict: str
) -> None:
    shutil.copytree(small_store, tmp_path / "a")
    store = open_store(tmp_path / "a")
    _, scores = commit_of(store)
    place, row = next((i, r) for i, r in enumerate(scores.rows) if r.stderr and r.value is not None)
    assert row.value is not None and row.stderr is not None
    moved = replace(row, value=row.value + errors * 2**0.5 * row.stderr)
    rows = (*scores.rows[:place], moved, *scores.rows[place + 1 :])
    changed = scores.model_copy(update={"rows": rows})
    (tmp_path / "a" / scores_name(DONE.key, scores.id)).write_bytes(changed.to_bytes())
    done = run_aesweep("diff", tmp_path / "a", small_store)
    assert done.code == code and verdict in done.out
    told = json.loads(run_aesweep("diff", tmp_path / "a", small_store, "--json").out)
    (trial,) = told["trials"]
    assert trial["verdicts"][verdict[2:]] == 1 and trial["same_weights"]


def test_one_store_twice_and_a_place_that_is_none_are_refused(small_store: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(small_store)
    for verb in ("diff", "merge", "report"):
        for other in (small_store, tmp_path / "link", tmp_path / "none"):
            assert run_aesweep(verb, small_store, other).is_refused_clearly
