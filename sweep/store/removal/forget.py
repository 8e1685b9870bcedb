"""Removes results for good: trials, evaluations of trials, specs.

A commit must never name files that have gone, and an attempt that slept must not commit what was removed under it. So of
each trial, in this order (docs/store.md): its attempts are barred from committing, its commits become vacancies, scores
before the training, and only then files go, the configuration last. Whoever is killed in between leaves a trial that
counts as not scored or not trained, and the same command goes on from there. The vacancies and `pruned.json` stay.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from aesweep.sweep.store.drivers import require_no_driver
from aesweep.sweep.store.frozen_claims import read_frozen
from aesweep.sweep.store.layout import (
    LATEST,
    Stage,
    attempt_folder,
    attempts_of,
    config_name,
    pruned_name,
    scores_name,
    spec_name,
    stage_of,
    training_name,
)
from aesweep.sweep.store.records.attempts import FailureRecord
from aesweep.sweep.store.records.commits import VACANCY_BYTES
from aesweep.sweep.store.removal.sizes import sizes_below
from aesweep.sweep.store.store import Store


@dataclass(frozen=True)
class Removal:
    """What goes of one trial."""

    key: str
    evaluation: str
    """Id of the evaluation whose scores go; "" for the whole trial."""
    attempts: tuple[str, ...]
    files: dict[str, int]
    """Length in bytes of every file that goes, by name; commits become vacancies."""

    @property
    def bytes(self) -> int:
        """What it frees."""
        return sum(self.files.values())


def trial_removal(store: Store, key: str) -> Removal:
    """What forgetting a trial removes."""
    there = store.storage.names(f"trials/{key}/attempts")
    attempts = {*attempts_of(there, "train"), *attempts_of(there, "evaluate"), *_committed(store, key, "train")}
    for evaluation in store.commits.scored(key):
        attempts |= _committed(store, key, "evaluate", evaluation)
    folders = tuple(f"{attempt_folder(key, attempt)}/" for attempt in attempts)

    def goes(name: str) -> bool:  # an attempt may have begun since the names were listed
        return not name.startswith(f"trials/{key}/attempts/") or name.startswith(folders)

    return Removal(key, "", tuple(sorted(attempts)), {n: size for n, size in _sizes(store, key).items() if goes(n)})


def scores_removal(store: Store, key: str, evaluation: str) -> Removal:
    """What forgetting one evaluation removes of a trial: its scores, pictures, latents, priors and failures."""
    attempts = {*store.attempts.of(key, "evaluate", evaluation), *_committed(store, key, "evaluate", evaluation)}
    folders = tuple(f"{attempt_folder(key, attempt)}/" for attempt in attempts)

    def goes(name: str) -> bool:
        if name.startswith(f"trials/{key}/failures/"):
            failure = store.records.read(name, FailureRecord)
            return failure is not None and failure.evaluation == evaluation
        return name.startswith((*folders, scores_name(key, evaluation)))

    files = {name: size for name, size in _sizes(store, key).items() if goes(name)}
    return Removal(key, evaluation, tuple(sorted(attempts)), files)


def spec_removals(store: Store, spec: str) -> list[Removal]:
    """What forgetting a spec (its hash) removes: trials that only this one asks for, and of others such scores.

    Scores count as asked for by others where that is not certain, such as those of `aesweep evaluate`.
    """
    specs, known, asked = store.trials.launched(), set(store.trials.known_keys()), _evaluations_of_specs(store)
    of_others = {key for name, one in specs.items() if name != spec for key in one.keys}
    only_mine = asked.pop(spec, set()).difference(*asked.values())
    mine = [key for key in specs[spec].keys if key in known]
    shared = [(key, e) for key in mine if key in of_others for e in store.commits.scored(key) if e in only_mine]
    whole = store.storage.map(lambda key: trial_removal(store, key), [key for key in mine if key not in of_others])
    return [*whole, *store.storage.map(lambda one: scores_removal(store, *one), shared)]


def remove(store: Store, removals: Sequence[Removal]) -> list[Removal]:
    """Remove all this; gives those of which a new attempt was committed meanwhile, which stay.

    Raises `InputError` while a driver works on the store. It is looked for after `removals` were found: an attempt that
    is not among them may begin at any time, and loses nothing.
    """
    require_no_driver(store)
    gone = store.storage.map(lambda one: _remove(store, one), removals)
    return [one for one, is_gone in zip(removals, gone, strict=True) if not is_gone]


def remove_spec(store: Store, spec: str) -> str:
    """Remove a spec (its hash) after its trials; gives the name of the one that is the latest now, "" where it stays the same.

    The one with the newest frozen claims takes its place (`frozen_claims.py`). Without any, the store no longer says which is
    the latest. One that was launched again meanwhile stays.
    """
    storage, latest, found = store.storage, store.trials.latest(), store.storage.read(spec_name(spec))
    others, now = store.trials.launched().keys() - {spec}, ""
    if latest is not None and latest.spec == spec:
        frozen = [one for one in read_frozen(store.records) if one.spec in others]
        if frozen:
            place = {"spec": frozen[-1].spec, "evaluation": frozen[-1].evaluation}
            store.records.write(LATEST, latest.model_copy(update=place))
            now = store.trials.launched()[frozen[-1].spec].name
        else:
            storage.remove(LATEST)
    if found is not None:
        storage.replace(spec_name(spec), found, None)
    return now


def _remove(store: Store, one: Removal) -> bool:
    """Whether it is gone: nothing newer was committed."""
    key, storage, works = one.key, store.storage, _works(store, one)
    store.attempts.note_pruned(key, one.attempts)
    if any(store.commits.close(key, stage, evaluation, one.attempts) for stage, evaluation in works):
        return False
    for attempt in one.attempts:
        storage.remove_folder(attempt_folder(key, attempt))
    folders = tuple(f"{attempt_folder(key, attempt)}/" for attempt in one.attempts)
    rest = [name for name in one.files if not _is_commit(key, name) and not name.startswith(folders)]
    for name in sorted(rest, key=lambda name: name == config_name(key)):
        storage.remove(name)
    return True


def _works(store: Store, one: Removal) -> list[tuple[Stage, str]]:
    """What the attempts tried or committed: evaluations first, the training last."""
    if one.evaluation:
        return [("evaluate", one.evaluation)]
    tried = {stage_of(attempt)[1] for attempt in attempts_of(one.attempts, "evaluate")}
    evaluations = sorted({*tried, *store.commits.scored(one.key)})
    return [*(("evaluate", evaluation) for evaluation in evaluations), ("train", "")]


def _committed(store: Store, key: str, stage: Stage, evaluation: str = "") -> set[str]:
    """The attempt that was committed."""
    commit = store.commits.training(key) if stage == "train" else store.commits.scores(key, evaluation)
    return {commit.attempt} if commit is not None else set()


def _sizes(store: Store, key: str) -> dict[str, int]:
    """Every file of a trial with its length, except what always stays: `pruned.json` and vacancies."""
    sizes = sizes_below(store, f"trials/{key}")
    sizes.pop(pruned_name(key), None)
    return {name: size for name, size in sizes.items() if size >= VACANCY_BYTES or not _is_commit(key, name)}


def _is_commit(key: str, name: str) -> bool:
    """Whether a file has the name of a commit, which is never free again."""
    is_scores = name.startswith(f"trials/{key}/scores/") and name.endswith(".json")
    return is_scores or name == training_name(key)


def _evaluations_of_specs(store: Store) -> dict[str, set[str]]:
    """The evaluations that each spec was launched with, by its hash, as far as the store says."""
    asked: dict[str, set[str]] = defaultdict(set)
    for frozen in read_frozen(store.records):
        asked[frozen.spec].add(frozen.evaluation)
    if latest := store.trials.latest():
        asked[latest.spec].add(latest.evaluation)
    return asked
