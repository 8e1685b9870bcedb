"""The commits of a store: a trial's training, and each evaluation of it, with the files that they name."""

import logging
from contextlib import suppress
from dataclasses import dataclass

from aesweep.models.errors import InputError
from aesweep.sweep.store.attempts import Attempts, DamagedFileError
from aesweep.sweep.store.layout import MODEL, attempt_folder, scores_name, training_name
from aesweep.sweep.store.reading import Records
from aesweep.sweep.store.records import ScoresRecord, TrainingRecord
from aesweep.sweep.store.storage import size_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Commits:
    """`train.json` and `scores/<id>.json`. The first commit of a name wins."""

    records: Records

    def training(self, key: str) -> TrainingRecord | None:
        """The commit of a trial's training, None while there is none."""
        return self.records.read_commit(training_name(key), TrainingRecord)

    def has_training(self, key: str) -> bool:
        """Whether `training` gives a commit; reads it only where it has to (reading.py)."""
        return self.records.has_commit(training_name(key), TrainingRecord)

    def scored(self, key: str) -> list[str]:
        """Ids of the evaluations committed for a trial."""
        names = self.records.storage.names(f"trials/{key}/scores")
        return [name.removesuffix(".json") for name in names if name.endswith(".json")]

    def scores(self, key: str, evaluation: str) -> ScoresRecord | None:
        """The commit of one evaluation, None while there is none."""
        return self.records.read_commit(scores_name(key, evaluation), ScoresRecord)

    def has_scores(self, key: str, evaluation: str) -> bool:
        """Whether `scores` gives a commit; reads it only where it has to (reading.py)."""
        return self.records.has_commit(scores_name(key, evaluation), ScoresRecord)

    def commit_training(self, key: str, commit: TrainingRecord) -> bool:
        """Commit a training; False where another attempt was first. Scores of other weights are set aside before that."""
        if self.records.storage.exists(training_name(key)):
            return False
        model = commit.files.get(MODEL)
        self._set_aside_other_scores(key, model.sha256 if model else "")
        return self.records.storage.commit(training_name(key), commit.to_bytes())

    def _set_aside_other_scores(self, key: str, weights: str) -> None:
        """Set aside what other weights scored: a trial is trained again when its commit was damaged, maybe to other bits.

        Before the new commit: whoever is killed between the two leaves a trial to train, and never weights with scores
        that are not theirs.
        """
        storage = self.records.storage
        for evaluation in self.scored(key):
            scores = self.scores(key, evaluation)
            if scores is None or scores.model == weights:
                continue
            name = scores_name(key, evaluation)
            with suppress(FileNotFoundError):  # another driver was faster
                aside = storage.set_aside(name)
                log.warning("%s is of other weights; kept as %s, it is scored again", storage.place(name), aside)

    def commit_scores(self, key: str, evaluation: str, commit: ScoresRecord) -> bool:
        """Commit an evaluation; False where another attempt was first."""
        return self.records.storage.commit(scores_name(key, evaluation), commit.to_bytes())

    def model_bytes(self, key: str) -> bytes:
        """The committed weights of a trial (safetensors), checked. Raises `InputError` while it is not trained."""
        commit = self.training(key)
        if commit is None:
            raise InputError("KEY", key, "This trial is not trained yet; `aesweep launch` or `resume` trains it.")
        return self._committed_file(key, training_name(key), commit, MODEL)

    def has_model(self, key: str) -> bool:
        """Whether the committed weights are there in their full length; where not, the trial is not trained any more.

        Their bits are checked by whoever reads them: reading the weights of many trials would take a driver minutes.
        """
        commit = self.training(key)
        if commit is None:
            return False
        model = commit.files.get(MODEL)
        version = self.records.storage.version(f"{attempt_folder(key, commit.attempt)}/{MODEL}")
        if version is None or size_of(version) != (model.bytes if model else 0):
            self.records.set_aside(training_name(key))
            return False
        return True

    def prior_bytes(self, key: str, evaluation: str, name: str) -> bytes | None:
        """A fitted prior of one evaluation, checked; None where that has none."""
        commit = self.scores(key, evaluation)
        if commit is None or name not in commit.files:
            return None
        return self._committed_file(key, scores_name(key, evaluation), commit, name)

    def _committed_file(self, key: str, commit_name: str, commit: TrainingRecord | ScoresRecord, name: str) -> bytes:
        """A file that a commit names. Where it is damaged the commit is set aside: its work counts as not done."""
        try:
            return Attempts(self.records).read_file(key, commit.attempt, name, commit.files.get(name))
        except DamagedFileError as error:
            if not self.records.only_looks:
                self.records.set_aside(commit_name)
                raise
            place = self.records.storage.place(commit_name)
            remedy = (
                f"Its SHA-256 is not the committed one. Remove {place}, and `aesweep resume STORE` makes both again."
            )
            raise DamagedFileError(error.field, error.value, remedy) from error
