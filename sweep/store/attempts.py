"""The attempts at a trial and the files that each one writes into its own folder.

Attempts are numbered, not dated: the newest is the one with the highest number, whatever the clocks of the nodes say.
"""

import hashlib
import uuid
from collections.abc import Iterable
from typing import Any

from aesweep.models.errors import InputError
from aesweep.sweep.store.layout import PREFIX, Stage, attempt_folder, attempt_number, attempts_of, pruned_name
from aesweep.sweep.store.reading import StoredRecords
from aesweep.sweep.store.records import is_pruned, sealed_json_bytes
from aesweep.sweep.store.storage import file_record


class DamagedFileError(InputError):
    """A file is not the one that its commit names."""


class StoredAttempts(StoredRecords):
    """`trials/<key>/attempts/<id>/`."""

    def attempts(self, key: str, stage: Stage, evaluation: str = "") -> list[str]:
        """Attempts at training a trial, or at one evaluation of it, oldest first; without those that were pruned."""
        return attempts_of(self.storage.names(f"trials/{key}/attempts"), stage, evaluation)

    def new_attempt(self, key: str, stage: Stage, evaluation: str = "") -> str:
        """Start an attempt: make its folder and return its id, numbered after all attempts so far, pruned ones too."""
        number = 1 + max(map(attempt_number, self._all_attempts(key, stage)), default=0)
        words = [PREFIX[stage], f"{number:04d}", *([evaluation] if evaluation else []), uuid.uuid4().hex[:6]]
        attempt = "-".join(words)
        self.storage.make_folder(attempt_folder(key, attempt))
        return attempt

    def count_attempts(self, key: str, stage: Stage) -> int:
        """How often this stage was begun, attempts that were pruned included."""
        return len(self._all_attempts(key, stage))

    def note_pruned(self, key: str, attempts: Iterable[str]) -> None:
        """Remember that these attempts were made; called before their folders are removed."""
        before = self._pruned(key)
        if added := set(attempts).difference(before):
            self.storage.write(pruned_name(key), sealed_json_bytes({"attempts": sorted({*before, *added})}))

    def _all_attempts(self, key: str, stage: Stage) -> set[str]:
        return {*self.attempts(key, stage), *attempts_of(self._pruned(key), stage)}

    def _pruned(self, key: str) -> list[str]:
        if not self.storage.exists(pruned_name(key)):
            return []
        names: list[str] = (self.read_json(pruned_name(key), is_pruned) or {"attempts": []})["attempts"]
        return names

    def write_file(self, key: str, attempt: str, name: str, data: bytes) -> dict[str, Any]:
        """Write one file of an attempt; what its commit will say of it."""
        self.storage.write(f"{attempt_folder(key, attempt)}/{name}", data)
        return file_record(data)

    def read_file(self, key: str, attempt: str, name: str, record: dict[str, Any]) -> bytes:
        """Read one file of an attempt and check it. Raises `DamagedFileError` when it is not the recorded one."""
        path = f"{attempt_folder(key, attempt)}/{name}"
        data = self.storage.read(path)
        if data is None or len(data) != record["bytes"] or hashlib.sha256(data).hexdigest() != record["sha256"]:
            remedy = (
                "It is missing or damaged: its SHA-256 is not the committed one. `aesweep resume STORE` makes it anew."
            )
            raise DamagedFileError("file", self.storage.place(path), remedy)
        return data
