"""The commits of a store: a trial's training, and each evaluation of it, with the files that they name."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aesweep.evaluation.prior_descriptions import PRIORS
from aesweep.models.errors import InputError
from aesweep.models.plugins.plugin import function
from aesweep.models.plugins.registry import recorded_version
from aesweep.sweep.store.attempts import Attempts, DamagedFileError
from aesweep.sweep.store.beneath import MOST_OTHER_BYTES
from aesweep.sweep.store.layout import (
    MODEL,
    PICTURES,
    Stage,
    attempt_folder,
    commit_name,
    is_evaluation,
    prior_file,
    scores_name,
    training_name,
)
from aesweep.sweep.store.reading import Records
from aesweep.sweep.store.records.commits import VACANCY_BYTES, ScoresRecord, TrainingRecord, Vacancy, vacancy
from aesweep.sweep.store.records.record import parse_record
from aesweep.sweep.store.storage import StorageError, is_folder, size_of

DEPTH = 8  # of folders below an attempt: more than there are
PRIOR_SLACK_BYTES = 2**20  # a note, and the names of the arrays
TRIES = 20  # of taking a name that others take and give back all the time
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Commits:
    """`train.json` and `scores/<id>.json`. The first commit of a name wins (docs/store.md)."""

    records: Records
    _weights: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the weights of trials that a snapshot has read."""

    def training(self, key: str) -> TrainingRecord | None:
        """The commit of a trial's training, None while there is none."""
        return self._read_training(key)

    def has_training(self, key: str) -> bool:
        """Whether `training` gives a commit; reads it only where it has to (reading.py)."""
        return self.records.has_commit(training_name(key), TrainingRecord)

    def scored(self, key: str) -> list[str]:
        """Ids of the evaluations committed for a trial; a copy under another kind of name is no evaluation."""
        storage, folder = self.records.storage, f"trials/{key}/scores"
        ids = [name.removesuffix(".json") for name in storage.names(folder) if name.endswith(".json")]
        versions = {e: storage.version(f"{folder}/{e}.json") for e in ids if is_evaluation(e)}
        return [e for e, version in versions.items() if version and size_of(version) >= VACANCY_BYTES]

    def scores(self, key: str, evaluation: str) -> ScoresRecord | None:
        """The commit of one evaluation; None while there is none for the weights that the trial has now."""
        name = scores_name(key, evaluation)
        scores = self.records.read_commit(name, ScoresRecord, partial(self._other_weights, key))
        if scores is not None:
            self._note_folder(key, name, scores)
        return scores

    def has_scores(self, key: str, evaluation: str) -> bool:
        """Whether `scores` gives a commit; reads it only where it has to (reading.py)."""
        return self.records.has_commit(scores_name(key, evaluation), ScoresRecord)

    def commit_training(self, key: str, commit: TrainingRecord) -> bool:
        """Commit a training; False where another attempt was first, or its files are not there (any more)."""
        committed = self._commit(key, "train", "", commit)
        if committed:  # scores of other weights, which were damaged or lost, count no more
            for evaluation in self.scored(key):
                self.scores(key, evaluation)
        return committed

    def commit_scores(self, key: str, evaluation: str, commit: ScoresRecord) -> bool:
        """Commit an evaluation; False where another attempt was first, or its files are not there (any more)."""
        return self._commit(key, "evaluate", evaluation, commit)

    def close(self, key: str, stage: Stage, evaluation: str = "", withdrawn: Collection[str] = ()) -> str:
        """From now on no attempt in `pruned.json` commits this. Gives the attempt that was committed, "" without one.

        The commit of an attempt in `withdrawn` becomes a vacancy.
        """
        name, storage = commit_name(key, stage, evaluation), self.records.storage
        for _ in range(TRIES):
            commit = self._read(key, stage, evaluation)
            if commit is not None and commit.attempt not in withdrawn:
                return commit.attempt
            found = storage.read(name)
            if found is None:
                closed = storage.commit(name, vacancy())
            elif commit is not None and parse_record(type(commit), found) == commit:
                closed = storage.replace(name, found, vacancy())
            else:
                closed = self._takes(name, found, vacancy())
            if closed:
                return ""
        raise StorageError(storage.root, f"Others write {storage.place(name)} all the time. Try again later.")

    def _commit(self, key: str, stage: Stage, evaluation: str, commit: TrainingRecord | ScoresRecord) -> bool:
        """Take the name of a commit: one that nobody had yet, or one that is vacant and not closed to this attempt."""
        name, storage, data = commit_name(key, stage, evaluation), self.records.storage, commit.to_bytes()
        if missing := self._missing_files(key, commit):
            log.warning("%s is not committed: it lacks %s", attempt_folder(key, commit.attempt), ", ".join(missing))
            return False
        for _ in range(TRIES):
            if storage.commit(name, data):
                return True
            if self._read(key, stage, evaluation) is not None:
                return False
            found = storage.read(name)
            if commit.attempt in Attempts(self.records).pruned(key):  # after the vacancy was read
                log.warning(
                    "%s is not committed: `prune` or `forget` removed its files", attempt_folder(key, commit.attempt)
                )
                return False
            if found is not None and self._takes(name, found, data):
                return True
        return False

    def _takes(self, name: str, found: bytes, data: bytes) -> bool:
        return parse_record(Vacancy, found) is not None and self.records.storage.replace(name, found, data)

    def _missing_files(self, key: str, commit: TrainingRecord | ScoresRecord) -> list[str]:
        """Files that a commit names and that are not there in their full length; one request."""
        if not commit.files:
            return []
        folder = attempt_folder(key, commit.attempt)
        versions = self.records.storage.listing(folder, DEPTH)
        sizes = {name: size_of(v) for name, v in versions.items() if not is_folder(v)}
        return [name for name, file in commit.files.items() if sizes.get(f"{folder}/{name}") != file.bytes]

    def _read(self, key: str, stage: Stage, evaluation: str) -> TrainingRecord | ScoresRecord | None:
        return self._read_training(key) if stage == "train" else self.scores(key, evaluation)

    def _read_training(self, key: str, flaw: Callable[[TrainingRecord], str] = lambda _: "") -> TrainingRecord | None:
        training = self.records.read_commit(training_name(key), TrainingRecord, flaw)
        if training is not None and self.records.snapshot is not None:
            self._weights[key] = training.weights
            self._note_folder(key, training_name(key), training)
        return training

    def _note_folder(self, key: str, name: str, commit: TrainingRecord | ScoresRecord) -> None:
        """Remember the version of the folder that holds the files of a commit: while it has that, none is missing.

        An object store is not asked for what a worker saw when it committed.
        """
        snapshot, folders = self.records.snapshot, self.records.folders
        version = snapshot.folder_version(attempt_folder(key, commit.attempt)) if snapshot else None
        if version is None or folders.get(name) == (noted := f"{commit.attempt}/{version}"):
            return
        trusted = self.records.storage.keeps_files_whole and name not in folders
        folders[name] = noted if trusted or not self._lost(key, commit) else f"{commit.attempt}/lost"

    def _other_weights(self, key: str, scores: ScoresRecord) -> str:
        """Why a commit does not count whose weights are not the committed ones: these are read after it."""
        if self._weights.get(key) == scores.model:
            return ""
        training = self._read_training(key)
        return "is of other weights" if training is not None and training.weights != scores.model else ""

    def model_bytes(self, key: str, most: int = MOST_OTHER_BYTES) -> bytes:
        """The committed weights of a trial (safetensors), checked. Raises `InputError` while it is not trained.

        A file of more bytes than `most` is a damaged one.
        """
        commit = self.training(key)
        if commit is None:
            raise InputError("KEY", key, "This trial is not trained yet; `aesweep launch` or `resume` trains it.")
        return self._committed_file(key, training_name(key), commit, MODEL, most)

    def has_model(self, key: str) -> bool:
        """Whether the committed weights are there in their full length; where not, the trial is not trained any more.

        Their bits are checked by whoever reads them: reading the weights of many trials would take a driver minutes.
        """

        def flaw(commit: TrainingRecord) -> str:
            name = f"{attempt_folder(key, commit.attempt)}/{MODEL}"
            is_there = self.records.has_full_length(name, commit.files.get(MODEL))
            return "" if is_there else "names weights that are missing or cut short"

        return self._read_training(key, flaw) is not None

    def lost_files(self, key: str, evaluation: str) -> dict[Stage, list[str]]:
        """What a finished trial has lost of the weights, latents and priors that its commits name, by the stage that made it.

        Empty where nothing is missing, as far as can be said without reading a commit or listing a folder that is as it was
        at the last fold. Lost pictures are left to `verify`: nothing is computed from them.
        """
        works: tuple[tuple[Stage, str], ...] = (("train", ""), ("evaluate", evaluation))
        found: dict[Stage, list[str]] = {}
        for stage, which in works:
            noted = self.records.folders.get(commit_name(key, stage, which))
            if noted is None or self.records.snapshot is None:
                continue
            attempt, _, version = noted.rpartition("/")
            if self.records.snapshot.folder_version(attempt_folder(key, attempt)) != version:
                commit = self._read(key, stage, which)
                if commit is not None and (lost := self._lost(key, commit)):
                    found[stage] = lost
        return found

    def set_lost_aside(self, key: str, evaluation: str) -> bool:
        """Set commits aside whose files `lost_files` misses, so that their work is done again; whether there were any."""

        def flaw(commit: TrainingRecord | ScoresRecord) -> str:
            return "names files that are missing" if self._lost(key, commit) else ""

        lost = self.lost_files(key, evaluation)
        if "train" in lost:
            self._read_training(key, flaw)
        if "evaluate" in lost:
            self.records.read_commit(scores_name(key, evaluation), ScoresRecord, flaw)
        return bool(lost)

    def _lost(self, key: str, commit: TrainingRecord | ScoresRecord) -> list[str]:
        """Files but pictures that a commit names and that are not there in their full length."""
        return [name for name in self._missing_files(key, commit) if not name.startswith(f"{PICTURES}/")]

    def prior_bytes(self, key: str, evaluation: str, name: str, latent_size: int) -> bytes | None:
        """A fitted prior of one evaluation, checked; None where that has none."""
        commit = self.scores(key, evaluation)
        if commit is None or name not in commit.files:
            return None
        most = _most_prior_bytes(commit, name, latent_size)
        return self._committed_file(key, scores_name(key, evaluation), commit, name, most)

    def _committed_file(
        self, key: str, commit_name: str, commit: TrainingRecord | ScoresRecord, name: str, most: int
    ) -> bytes:
        """A file that a commit names. Where it is damaged the commit is set aside: its work counts as not done."""
        try:
            return Attempts(self.records).read_file(key, commit.attempt, name, commit.files.get(name), most)
        except DamagedFileError as error:
            if not self.records.only_looks:
                flaw = f"names a damaged file ({name})"
                self.records.read_commit(commit_name, type(commit), lambda found: flaw if found == commit else "")
                raise
            remedy = "It is missing, or its SHA-256 is not the committed one. `aesweep verify STORE --repair`, then "
            remedy += "`aesweep resume STORE`, make it again."
            raise DamagedFileError(error.field, error.value, remedy) from error


def _most_prior_bytes(commit: ScoresRecord, name: str, latent_size: int) -> int:
    """Upper bound on the file of a prior.

    Of a mixture of float64: a weight, a mean and a factor of the covariance for each component; of another prior what its
    description says.
    """
    prior = next((one for one in PRIORS.names() if prior_file(one) == name), "")
    described = PRIORS.find(prior)
    recorded: Any = commit.evaluation.get("plugin_versions", ())
    version = recorded_version(recorded, "prior", prior)
    if version and (described is None or described.version != version):
        return MOST_OTHER_BYTES
    if described is not None and described.most_bytes is not None:
        given: Any = commit.evaluation.get("options", ())
        values = described.values(described.settings(dict(given).get(prior, ())))
        return int(function(described.most_bytes)(latent_size, values)) + PRIOR_SLACK_BYTES
    if described is not None and described.use:
        return MOST_OTHER_BYTES
    asked = commit.evaluation.get("gmm_components")
    components = asked if isinstance(asked, int) and asked > 0 else 1
    return 8 * components * (latent_size + 1) ** 2 + PRIOR_SLACK_BYTES
