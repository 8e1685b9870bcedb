"""Copies results of a store that another store lacks.

The other store is read and never written, and nothing in it is trusted: what it names is read with the checks that any reader
makes (seals, SHA-256s, lengths, names), and only files that an attempt of ours could have written are taken. Here, each copy is
an attempt of its own that ends with a commit like any worker's (docs/store.md): the first commit of a name wins, and one that
was committed before stays.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.models.cost import most_model_bytes
from aesweep.models.errors import InputError
from aesweep.sweep.spec.sweep_spec import SweepSpec
from aesweep.sweep.store.attempts import DamagedFileError, new_start
from aesweep.sweep.store.layout import LATENTS, MERGES, MODEL, PICTURE_NAME, Stage, launch_name, spec_name
from aesweep.sweep.store.records.commits import FileRecord, ScoresRecord, TrainingRecord
from aesweep.sweep.store.records.launches import LaunchRecord, MergeRecord
from aesweep.sweep.store.store import Store

MOST_BYTES = 2**32
"""Length up to which a file is copied: it is held in memory. Latents of CelebA with 4,096 units take 3 GB."""
OTHER_WEIGHTS = "its scores there are of other weights than it has here"
_EVALUATION = re.compile(r"[0-9a-f]{12}")
_FILE = re.compile(rf"{re.escape(LATENTS)}|priors-[a-z0-9_-]{{1,40}}\.npz|{PICTURE_NAME}")


@dataclass(frozen=True)
class Work:
    """One commit to copy."""

    config: TrialConfig
    evaluation: str = ""
    """Id of an evaluation; "" for the training."""

    @property
    def stage(self) -> Stage:
        """What its attempt tries."""
        return "evaluate" if self.evaluation else "train"


@dataclass
class Merged:
    """What was copied, and what was not."""

    trainings: list[str] = field(default_factory=list)
    """Names of trials."""
    evaluations: list[str] = field(default_factory=list)
    """Names of trials, once for each of their evaluations."""
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """What the other store has and this one still lacks -> why."""


def missing_work(store: Store, other: Store, merged: Merged) -> list[Work]:
    """The commits of `other` that `store` lacks, trainings first within each trial; `merged` records what cannot be copied."""
    store, other, found = store.snapshot(), other.snapshot(), list[Work]()
    for key in other.trials.known_keys():
        theirs = other.commits.training(key)
        if theirs is None:
            continue
        try:
            config = other.trials.config(key)
        except InputError as error:
            merged.left_out.append((key, error.remedy))
            continue
        ours = store.commits.training(key)
        found += [Work(config)] if ours is None else []
        lacking = set(other.commits.scored(key)) - {
            e for e in store.commits.scored(key) if store.commits.scores(key, e)
        }
        if lacking and ours is not None and ours.weights != theirs.weights:
            merged.left_out.append((config.name, OTHER_WEIGHTS))
            continue
        found += [Work(config, evaluation) for evaluation in sorted(lacking)]
    return found


def merge(
    store: Store, other: Store, works: list[Work], driver: str, merged: Merged, told: Callable[[Work], bool]
) -> bool:
    """Copy these commits into `store`, as attempts of `driver`; whether each of them had its turn.

    `told` is called with each one first; where it returns False, copying ends.
    Raises `StorageError` for a store that cannot be written to.
    """
    record = MergeRecord(
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        source=other.name,
        keys=tuple(sorted({w.config.key for w in works})),
    )
    store.records.write(f"{MERGES}/{driver}", record)  # before anybody here can see a score
    store.trials.write_configs({work.config.key: work.config for work in works}.values())
    _copy_specs(store, other, {work.config.key for work in works})
    for work in works:
        if not told(work):
            return False
        try:
            _copy(store, other, work, driver)
        except DamagedFileError:
            merged.left_out.append((_title(work), "a file that it names is missing or damaged there"))
        except (InputError, _LeftOutError) as error:  # an `InputError` of a plug-in that is not here
            merged.left_out.append((_title(work), error.remedy if isinstance(error, InputError) else str(error)))
        else:
            (merged.evaluations if work.evaluation else merged.trainings).append(work.config.name)
    return True


class _LeftOutError(Exception):
    """A commit that is not copied, and why."""


def _title(work: Work) -> str:
    return f"{work.config.name}, evaluation {work.evaluation}" if work.evaluation else work.config.name


def _copy(store: Store, other: Store, work: Work, driver: str) -> None:
    """Copy one commit with its files. Raises `DamagedFileError` or `_LeftOutError` where it cannot be copied."""
    commit = _sound(other, work)
    key = work.config.key
    most = most_model_bytes(work.config) if work.stage == "train" else MOST_BYTES
    if isinstance(commit, ScoresRecord):
        ours = store.commits.training(key)
        if ours is None or ours.weights != commit.model:
            raise _LeftOutError(OTHER_WEIGHTS if ours else "its training is not here")
    attempt = store.attempts.new(key, work.stage, work.evaluation)
    store.attempts.write_start(key, attempt, new_start(driver))
    files = {}
    try:
        for name, record in commit.files.items():
            data = other.attempts.read_file(key, commit.attempt, name, record, most)
            files[name] = store.attempts.write_file(key, attempt, name, data)
        changed = commit.model_copy(
            update={"attempt": attempt, "files": files, "launch": _copy_launch(store, other, commit.launch)}
        )
        if not _committed(store, key, changed):
            raise _LeftOutError("it was committed here meanwhile")
    except (DamagedFileError, _LeftOutError):
        store.attempts.write_end(key, attempt, "stopped", "not copied from another store")
        raise


def _committed(store: Store, key: str, commit: TrainingRecord | ScoresRecord) -> bool:
    if isinstance(commit, TrainingRecord):
        return store.commits.commit_training(key, commit)
    return store.commits.commit_scores(key, commit.id, commit)


def _sound(other: Store, work: Work) -> TrainingRecord | ScoresRecord:
    """The commit to copy, with the files that attempts have and no others. Raises `_LeftOutError` where it is not as ours are."""
    key = work.config.key
    commit = other.commits.scores(key, work.evaluation) if work.evaluation else other.commits.training(key)
    if commit is None:
        raise _LeftOutError("it is damaged there")
    if isinstance(commit, TrainingRecord):
        if MODEL not in commit.files or not _is_of(commit, key):
            raise _LeftOutError("its commit is of another trial, or names no weights")
        return commit.model_copy(update={"files": {MODEL: commit.files[MODEL]}})
    if commit.id != work.evaluation or not _EVALUATION.fullmatch(commit.id) or not _has_id(commit):
        raise _LeftOutError("its settings are not those of its id, or are of another version of aesweep")
    files: dict[str, FileRecord] = {name: one for name, one in commit.files.items() if _FILE.fullmatch(name)}
    return commit.model_copy(update={"files": files})


def _is_of(commit: TrainingRecord, key: str) -> bool:
    """Whether the configuration in a commit is that of the trial."""
    settings: dict[str, Any] = dict(commit.config)
    with suppress(InputError, TypeError):
        return TrialConfig(**settings).key == key
    return False


def _has_id(commit: ScoresRecord) -> bool:
    settings: dict[str, Any] = dict(commit.evaluation)
    with suppress(InputError, TypeError):
        return EvaluationConfig(**settings).id == commit.id
    return False


def _copy_specs(store: Store, other: Store, keys: set[str]) -> None:
    """The specs that ask for what is copied, so that tables name their sweeps; one that is here already stays."""
    for about in other.trials.specs():
        with suppress(InputError):  # of another version
            spec = SweepSpec.from_json(about.spec)
            if keys & {config.key for config, _ in spec.trials} and not store.storage.exists(spec_name(spec.hash)):
                store.trials.write_spec(spec, "", latest=False)


def _copy_launch(store: Store, other: Store, launch: str) -> str:
    """Copy the record of a launch; its name, or "" where there is none, or this store has another one of that name."""
    with suppress(ValueError):  # a name that leads out of the store
        found = other.records.read(launch_name(launch), LaunchRecord) if launch else None
        if found is not None:
            store.storage.commit(launch_name(launch), found.to_bytes())
            return launch if store.storage.read(launch_name(launch)) == found.to_bytes() else ""
    return ""
