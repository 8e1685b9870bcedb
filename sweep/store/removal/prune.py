"""What a store holds that nobody needs any more, and its removal.

Readers follow commits alone, so every other file of an attempt could go; but two things must stay. An unfinished trial
goes on from its newest checkpoint, and the attempts after that one tell how often it died or that it failed
(attempts.py). So an attempt goes whole when its work was committed by another or was taken further, and the newest ones
of unfinished work lose at most what cannot be resumed: the latents, priors and pictures of an evaluation.

An attempt may still be at work although nobody sees its driver: that one slept, and will wake. So what is removed is
decided first; then no driver may be seen, since each shows itself before it makes an attempt; then the attempts that
lose files are barred from ever committing (`Commits.close`); and only then files go (docs/store.md).
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from aesweep.models.archive import require_sound_zip
from aesweep.sweep.store.drivers import require_no_driver
from aesweep.sweep.store.layout import CHECKPOINT, END, START, attempt_folder, epochs_name, stage_of
from aesweep.sweep.store.removal.sizes import sizes_below
from aesweep.sweep.store.storage import size_of
from aesweep.sweep.store.store import Store

Kind = Literal["abandoned attempts", "leftover checkpoints", "temporary files", "progress files", "damaged files"]


@dataclass(frozen=True)
class Leftover:
    """One file, or a whole folder of an attempt, that nobody needs."""

    kind: Kind
    name: str
    files: int
    bytes: int
    is_folder: bool = False

    @property
    def attempt(self) -> tuple[str, str] | None:
        """Key and name of the attempt that can no longer be committed without it."""
        words = self.name.split("/")
        return (words[1], words[3]) if self.kind == "abandoned attempts" else None


def prune(store: Store, *, damaged: bool = False, dry_run: bool = False) -> list[Leftover]:
    """Remove what nobody needs, or with `dry_run` only find it; with `damaged` also files that were set aside.

    Raises `InputError` while a driver works on the store: it may be writing just these files.
    """
    require_no_driver(store)
    found = list(leftovers(store.only_looking() if dry_run else store, damaged))
    require_no_driver(store)
    if not dry_run:
        committed = _close(store, {one.attempt for one in found if one.attempt})
        found = [one for one in found if one.attempt not in committed]
        storage = store.storage
        storage.map(lambda one: (storage.remove_folder if one.is_folder else storage.remove)(one.name), found)
    return found


def _close(store: Store, attempts: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Bar attempts from committing; those that have committed by now, whose files stay."""
    by_key: dict[str, list[str]] = defaultdict(list)
    for key, attempt in sorted(attempts):
        by_key[key].append(attempt)

    def close(key: str) -> set[tuple[str, str]]:
        store.attempts.note_pruned(key, by_key[key])
        works = {stage_of(attempt) for attempt in by_key[key]}
        return {(key, store.commits.close(key, stage, evaluation)) for stage, evaluation in works}

    return set().union(*store.storage.map(close, list(by_key)))


def leftovers(store: Store, damaged: bool = False) -> Iterator[Leftover]:
    """Everything that `prune` removes."""
    store = store.snapshot()

    def of_trial(key: str) -> list[Leftover]:
        return [*_of_training(store, key), *_of_evaluations(store, key)]

    for found in store.storage.map(of_trial, store.trials.known_keys()):
        yield from found
    for name in store.storage.temporary():
        yield _file(store, "temporary files", name)
    for name in store.storage.names("progress"):
        yield _file(store, "progress files", f"progress/{name}")
    if damaged:
        for folder in store.storage.names(""):
            for name, size in sizes_below(store, folder).items():
                if ".damaged-" in name.rpartition("/")[2]:
                    yield Leftover("damaged files", name, 1, size)


def _of_training(store: Store, key: str) -> Iterator[Leftover]:
    """Attempts that another one finished or took further. Reads what there is a choice between, and no more."""
    attempts = store.attempts.of(key, "train")
    if store.commits.has_training(key):
        commit = store.commits.training(key) if len(attempts) > 1 else None
        for attempt in attempts:
            name = attempt_folder(key, attempt)
            if commit is not None and attempt != commit.attempt:
                yield _folder(store, name)
            elif CHECKPOINT in store.storage.names(name):
                yield _file(store, "leftover checkpoints", f"{name}/{CHECKPOINT}")
        if store.storage.exists(epochs_name(key)):
            yield _file(store, "leftover checkpoints", epochs_name(key))
        return
    for place in reversed(range(1, len(attempts))):
        if _has_sound_checkpoint(store, f"{attempt_folder(key, attempts[place])}/{CHECKPOINT}"):
            yield from (_folder(store, attempt_folder(key, older)) for older in attempts[:place])
            return


def _of_evaluations(store: Store, key: str) -> Iterator[Leftover]:
    """Attempts that are not the committed ones; of evaluations without a commit, their files alone."""
    attempts: dict[str, list[str]] = defaultdict(list)
    for attempt in store.attempts.of(key, "evaluate"):
        attempts[attempt.split("-")[2]].append(attempt)
    for evaluation, mine in attempts.items():
        if not store.commits.has_scores(key, evaluation):
            yield from (file for attempt in mine for file in _files_but_notes(store, attempt_folder(key, attempt)))
        elif len(mine) > 1 and (commit := store.commits.scores(key, evaluation)) is not None:
            yield from (_folder(store, attempt_folder(key, a)) for a in mine if a != commit.attempt)


def _files_but_notes(store: Store, folder: str) -> Iterator[Leftover]:
    for name, size in sizes_below(store, folder).items():
        if name.rpartition("/")[2] not in (START, END):
            yield Leftover("abandoned attempts", name, 1, size)


def _has_sound_checkpoint(store: Store, name: str) -> bool:
    """Whether a trial can go on from this file, as far as its checksums tell: an older one must stay otherwise."""
    file = store.storage.open(name)
    if file is None:
        return False
    try:
        with file:
            require_sound_zip(file)
    except ValueError:
        return False
    return True


def _folder(store: Store, name: str) -> Leftover:
    sizes = sizes_below(store, name)
    return Leftover("abandoned attempts", name, len(sizes), sum(sizes.values()), is_folder=True)


def _file(store: Store, kind: Kind, name: str) -> Leftover:
    version = store.storage.version(name)
    return Leftover(kind, name, 1, size_of(version) if version else 0)  # without one it has gone meanwhile
