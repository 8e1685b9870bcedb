"""The failures that attempts recorded, with their reasons.

A trial has failed when its newest attempt has a failure record; starting another attempt makes it unfinished again.
"""

import socket
import traceback
import uuid
from datetime import UTC, datetime
from typing import Any

from aesweep.sweep.store.attempts import StoredAttempts
from aesweep.sweep.store.layout import Stage, attempt_number, attempts_of
from aesweep.sweep.store.records import is_failure
from aesweep.sweep.store.storage import to_json_bytes

TRACEBACK_LINES = 20


class StoredFailures(StoredAttempts):
    """`trials/<key>/failures/`."""

    def record_failure(
        self, key: str, attempt: str, stage: Stage, error: BaseException, evaluation: str = "", node: str = ""
    ) -> None:
        """Record that an attempt failed, with the reason."""
        lines = "".join(traceback.format_exception(error)).splitlines()
        now = datetime.now(UTC)
        failure = {
            "key": key,
            "attempt": attempt,
            "stage": stage,
            "evaluation": evaluation,
            "type": type(error).__name__,
            "message": str(error).encode(errors="backslashreplace").decode(),  # file names may hold other bytes
            "traceback": "\n".join(lines[-TRACEBACK_LINES:]).encode(errors="backslashreplace").decode(),
            "node": node or socket.gethostname(),
            "time": now.isoformat(),
        }
        name = f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}.json"
        self.storage.write(f"trials/{key}/failures/{name}", to_json_bytes(failure))

    def failures(self, key: str) -> list[dict[str, Any]]:
        """Every recorded failure of a trial, oldest first within each stage."""
        names = [n for n in self.storage.names(f"trials/{key}/failures") if n.endswith(".json")]
        found = [self.read_commit(f"trials/{key}/failures/{name}", is_failure) for name in names]
        return sorted((f for f in found if f), key=_order)

    def open_failure(self, key: str, stage: Stage, evaluation: str = "") -> dict[str, Any] | None:
        """The failure of the newest attempt at this stage, None when that attempt did not fail."""
        newest = self.attempts(key, stage, evaluation)[-1:]
        return next((f for f in reversed(self.failures(key)) if [f["attempt"]] == newest), None)


def _order(failure: dict[str, Any]) -> tuple[bool, int, str]:
    """By stage and number of the attempt: clocks jump, and differ between machines."""
    attempt = failure["attempt"]
    number = attempt_number(attempt) if attempts_of([attempt], "train") or attempts_of([attempt], "evaluate") else 0
    return failure["stage"] != "train", number, failure["time"]
