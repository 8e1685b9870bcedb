"""The commits of a store: a trial's training, and each evaluation of it, with the files that they name."""

import logging
from contextlib import suppress
from typing import Any

from aesweep.models.errors import InputError
from aesweep.sweep.store.attempts import DamagedFileError, StoredAttempts
from aesweep.sweep.store.layout import MODEL, attempt_folder, scores_name, training_name
from aesweep.sweep.store.records import is_scores, is_training, sealed_json_bytes
from aesweep.sweep.store.storage import size_of

log = logging.getLogger(__name__)


class StoredCommits(StoredAttempts):
    """`train.json` and `scores/<id>.json`. The first commit of a name wins."""

    def training(self, key: str) -> dict[str, Any] | None:
        """The commit of a trial's training, None while there is none."""
        return self.read_commit(training_name(key), is_training)

    def has_training(self, key: str) -> bool:
        """Whether `training` gives a commit; reads it only where it has to (stored_records.py)."""
        return self.has_commit(training_name(key), is_training)

    def scored(self, key: str) -> list[str]:
        """Ids of the evaluations committed for a trial."""
        return [n.removesuffix(".json") for n in self.storage.names(f"trials/{key}/scores") if n.endswith(".json")]

    def scores(self, key: str, evaluation: str) -> dict[str, Any] | None:
        """The commit of one evaluation, None while there is none."""
        return self.read_commit(scores_name(key, evaluation), is_scores)

    def has_scores(self, key: str, evaluation: str) -> bool:
        """Whether `scores` gives a commit; reads it only where it has to (stored_records.py)."""
        return self.has_commit(scores_name(key, evaluation), is_scores)

    def commit_training(self, key: str, commit: dict[str, Any]) -> bool:
        """Commit a training; False where another attempt was first. Scores of other weights are set aside before that."""
        if self.storage.exists(training_name(key)):
            return False
        self._set_aside_other_scores(key, commit["files"].get(MODEL, {}).get("sha256", ""))
        return self.storage.commit(training_name(key), sealed_json_bytes(commit))

    def _set_aside_other_scores(self, key: str, weights: str) -> None:
        """A trial is trained again when its commit was damaged, maybe with other bits, and may have been scored before.

        Before the new commit: whoever is killed between the two leaves a trial to train, and never weights beside scores
        that are not theirs.
        """
        for evaluation in self.scored(key):
            scores = self.scores(key, evaluation)
            if scores is None or scores.get("model", "") == weights:
                continue
            name = scores_name(key, evaluation)
            with suppress(FileNotFoundError):  # another driver was faster
                aside = self.storage.set_aside(name)
                log.warning("%s is of other weights; kept as %s, it is scored again", self.storage.place(name), aside)

    def commit_scores(self, key: str, evaluation: str, commit: dict[str, Any]) -> bool:
        """Commit an evaluation; False where another attempt was first."""
        return self.storage.commit(scores_name(key, evaluation), sealed_json_bytes(commit))

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
        record = commit["files"].get(MODEL, {"bytes": 0})
        version = self.storage.version(f"{attempt_folder(key, commit['attempt'])}/{MODEL}")
        if version is None or size_of(version) != record["bytes"]:
            self.set_aside(training_name(key))
            return False
        return True

    def prior_bytes(self, key: str, evaluation: str, name: str) -> bytes | None:
        """A fitted prior of one evaluation, checked; None where that has none."""
        commit = self.scores(key, evaluation)
        if commit is None or name not in commit["files"]:
            return None
        return self._committed_file(key, scores_name(key, evaluation), commit, name)

    def _committed_file(self, key: str, commit_name: str, commit: dict[str, Any], name: str) -> bytes:
        """A file that a commit names. Where it is damaged the commit is set aside: its work counts as not done."""
        try:
            return self.read_file(key, commit["attempt"], name, commit["files"].get(name, {"bytes": 0, "sha256": ""}))
        except DamagedFileError:
            self.set_aside(commit_name)
            raise
