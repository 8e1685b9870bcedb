"""The record of a sweep: one folder, in which commits are the truth and everything else can be made again.

    STORE/store.json                      the format of the store
          sweeps/<spec hash>.json         every spec launched here; latest.json names the newest
          trials/<key>/config.json
                       attempts/<id>/     one try (`train-0001-…` or `score-0001-<evaluation>-…`): checkpoint, model,
                       log, priors, pictures train.json         THE COMMIT of training: its attempt, files with
                       SHA-256, history, cost scores/<id>.json   THE COMMIT of one evaluation
                       failures/<…>.json
          references/ progress/ tables/ report/

Readers follow only commits and check hashes, so files of two attempts never mix. Attempts are numbered, not dated: the
newest is the one with the highest number, whatever the clocks of the nodes say. A trial has failed when its newest
attempt has a failure record; starting another attempt makes it unfinished again.
"""

import hashlib
import json
import logging
import socket
import traceback
import uuid
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from models.config import TrialConfig
from models.errors import InputError
from sweep.storage import Storage, file_record, to_json_bytes

STORE_FORMAT = 1
TRACEBACK_LINES = 20

Stage = Literal["train", "evaluate"]
_PREFIX: dict[Stage, str] = {"train": "train", "evaluate": "score"}
log = logging.getLogger(__name__)


class DamagedFileError(RuntimeError):
    """A file is not the one that its commit names."""


class Store:
    """One store on a local path. `open_store` checks that it is one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.storage = Storage(root)

    # Specs

    def write_spec(self, spec_hash: str, spec: dict[str, Any], evaluation: str) -> None:
        """Record a launched spec, make it the latest, and remember the evaluation id that it resolved to.

        A spec with the same hash asks for the same results; only where and how it runs may have changed, and the
        newest is kept.
        """
        for name, value in (
            (f"sweeps/{spec_hash}.json", spec),
            ("sweeps/latest.json", {"spec": spec_hash, "evaluation": evaluation}),
        ):
            if self.storage.read(name) != to_json_bytes(value):
                self.storage.write(name, to_json_bytes(value))

    def latest_spec(self) -> dict[str, Any] | None:
        """The spec launched last, None in an empty store."""
        latest = self.read_json("sweeps/latest.json")
        return self.read_json(f"sweeps/{latest['spec']}.json") if latest else None

    def latest_evaluation(self) -> str:
        """Id of the evaluation that the latest launch asked for, "" in an empty store."""
        return (self.read_json("sweeps/latest.json") or {}).get("evaluation", "")

    def specs(self) -> list[dict[str, Any]]:
        """Every spec launched here, the latest last."""
        latest = (self.read_json("sweeps/latest.json") or {}).get("spec", "")
        names = [name for name in self.storage.names("sweeps") if name != "latest.json" and name.endswith(".json")]
        names.sort(key=lambda name: name == f"{latest}.json")
        return [spec for name in names if (spec := self.read_json(f"sweeps/{name}"))]

    # Trials

    def trial_keys(self) -> list[str]:
        """Keys of every trial that the store knows."""
        return self.storage.names("trials")

    def write_config(self, config: TrialConfig) -> None:
        """Make the trial known."""
        if not self.storage.exists(f"trials/{config.key}/config.json"):
            self.storage.commit(f"trials/{config.key}/config.json", to_json_bytes(config.to_json()))

    def config(self, key: str) -> TrialConfig:
        """The trial of a key. Raises `InputError` when the store does not hold it."""
        data = self.read_json(f"trials/{key}/config.json") if key in self.trial_keys() else None
        if data is None:
            near = [k for k in self.trial_keys() if k.startswith(key)] if key else []
            if len(near) == 1:
                return self.config(near[0])
            raise InputError(
                "KEY", key, "This store holds no such trial; `aesweep status STORE --json` lists the keys."
            )
        return TrialConfig(**data)

    def training(self, key: str) -> dict[str, Any] | None:
        """The commit of a trial's training, None while there is none."""
        return self._commit(f"trials/{key}/train.json", ("attempt", "files", "history", "result"))

    def scored(self, key: str) -> list[str]:
        """Ids of the evaluations committed for a trial."""
        return [n.removesuffix(".json") for n in self.storage.names(f"trials/{key}/scores") if n.endswith(".json")]

    def scores(self, key: str, evaluation: str) -> dict[str, Any] | None:
        """The commit of one evaluation, None while there is none."""
        return self._commit(f"trials/{key}/scores/{evaluation}.json", ("attempt", "files", "rows", "latents"))

    def attempts(self, key: str, stage: Stage, evaluation: str = "") -> list[str]:
        """Attempts at training a trial, or at one evaluation of it, oldest first."""
        names = [a for a in self.storage.names(f"trials/{key}/attempts") if a.startswith(f"{_PREFIX[stage]}-")]
        return [a for a in names if not evaluation or a.split("-")[2] == evaluation]

    def new_attempt(self, key: str, stage: Stage, evaluation: str = "") -> str:
        """Start an attempt: make its folder and return its id, numbered after all attempts so far."""
        number = 1 + max((int(a.split("-")[1]) for a in self.attempts(key, stage)), default=0)
        words = [_PREFIX[stage], f"{number:04d}", *([evaluation] if evaluation else []), uuid.uuid4().hex[:6]]
        attempt = "-".join(words)
        self.storage.path(f"trials/{key}/attempts/{attempt}").mkdir(parents=True)
        return attempt

    def commit_training(self, key: str, commit: dict[str, Any]) -> bool:
        """Commit a training; False where another attempt was first."""
        return self.storage.commit(f"trials/{key}/train.json", to_json_bytes(commit))

    def commit_scores(self, key: str, evaluation: str, commit: dict[str, Any]) -> bool:
        """Commit an evaluation; False where another attempt was first."""
        return self.storage.commit(f"trials/{key}/scores/{evaluation}.json", to_json_bytes(commit))

    def write_file(self, key: str, attempt: str, name: str, data: bytes) -> dict[str, Any]:
        """Write one file of an attempt; what its commit will say of it."""
        self.storage.write(f"trials/{key}/attempts/{attempt}/{name}", data)
        return file_record(data)

    def read_file(self, key: str, attempt: str, name: str, record: dict[str, Any]) -> bytes:
        """Read one file of an attempt and check it. Raises `DamagedFileError` when it is not the recorded one."""
        path = f"trials/{key}/attempts/{attempt}/{name}"
        data = self.storage.read(path)
        if data is None or len(data) != record["bytes"] or hashlib.sha256(data).hexdigest() != record["sha256"]:
            raise DamagedFileError(
                f"{self.storage.path(path)} is missing or damaged: its SHA-256 is not the committed one"
            )
        return data

    def model_bytes(self, key: str) -> bytes:
        """The committed weights of a trial (safetensors), checked. Raises `InputError` while it is not trained."""
        commit = self.training(key)
        if commit is None:
            raise InputError("KEY", key, "This trial is not trained yet; `aesweep launch` or `resume` trains it.")
        return self.read_file(key, commit["attempt"], "model.safetensors", commit["files"]["model.safetensors"])

    # Failures

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
            "message": str(error),
            "traceback": "\n".join(lines[-TRACEBACK_LINES:]),
            "node": node or socket.gethostname(),
            "time": now.isoformat(),
        }
        name = f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}.json"
        self.storage.write(f"trials/{key}/failures/{name}", to_json_bytes(failure))

    def failures(self, key: str) -> list[dict[str, Any]]:
        """Every recorded failure of a trial, oldest first."""
        names = [n for n in self.storage.names(f"trials/{key}/failures") if n.endswith(".json")]
        found = [_frozen_json(str(self.storage.path(f"trials/{key}/failures/{name}"))) for name in names]
        return sorted((f for f in found if f), key=lambda failure: (failure["time"], failure["attempt"]))

    def open_failure(self, key: str, stage: Stage, evaluation: str = "") -> dict[str, Any] | None:
        """The failure of the newest attempt at this stage, None when that attempt did not fail."""
        failures = [f for f in self.failures(key) if f["stage"] == stage and f["evaluation"] == evaluation]
        newest = (self.attempts(key, stage, evaluation) or ["none"])[-1]
        return failures[-1] if failures and failures[-1]["attempt"] in (newest, "none") else None

    # Reading

    def read_json(self, name: str) -> dict[str, Any] | None:
        """A JSON object of the store, None where it is missing or damaged."""
        data = self.storage.read(name)
        if data is None:
            return None
        try:
            return json.loads(data)
        except ValueError:
            log.warning("%s is damaged (no JSON); it counts as missing", self.storage.path(name))
            return None

    def _commit(self, name: str, needed: tuple[str, ...]) -> dict[str, Any] | None:
        """A commit, or None; one that cannot be read is set aside, so that its work is done and committed anew."""
        value = _frozen_json(str(self.storage.path(name)))
        if value is not None and all(part in value for part in needed):
            return value
        if self.storage.exists(name):
            aside = self.storage.set_aside(name)
            log.warning("%s is damaged; kept as %s, its work will be done again", self.storage.path(name), aside)
        return None


@lru_cache(maxsize=100_000)
def _cached_json(path: str, size: int, mtime_ns: int) -> dict[str, Any] | None:
    try:
        value = json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _frozen_json(path: str) -> dict[str, Any] | None:
    """A JSON object that is never changed once written: parsed once per process."""
    try:
        stat = Path(path).stat()
    except OSError:
        return None
    return _cached_json(path, stat.st_size, stat.st_mtime_ns)


def open_store(path: str | Path, create: bool = False) -> Store:
    """The store at a local path.

    With `create` an empty or missing folder becomes a store. Raises `InputError` for a URI (object stores are not
    supported yet), a folder that is no store, a store of a newer format, or a place that cannot be written to.
    """
    text = str(path)
    if "://" in text:
        raise InputError(
            "--store", text, "Object stores are not supported yet; give a folder on a local or shared disk."
        )
    root = Path(text).expanduser().absolute()
    store = Store(root)
    if not store.storage.exists("store.json"):
        _require_creatable(root, create)
        created = {"format": STORE_FORMAT, "created": datetime.now(UTC).isoformat()}
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                "--store", text, f"It cannot be made ({error.strerror}). Give a folder you may write to."
            ) from error
        store.storage.commit("store.json", to_json_bytes(created))
    found = (store.read_json("store.json") or {}).get("format")
    if found != STORE_FORMAT:
        raise InputError(
            "--store", text, f"Its format is {found!r}; this aesweep reads format {STORE_FORMAT}. Use a newer aesweep."
        )
    return store


def _require_creatable(root: Path, create: bool) -> None:
    if not create:
        raise InputError("STORE", str(root), "No store is there. `aesweep launch SPEC --store STORE` makes one.")
    if root.exists() and not root.is_dir():
        raise InputError("--store", str(root), "That is a file. Give a folder, new or empty.")
    if root.is_dir() and any(not n.name.startswith(".tmp-") for n in root.iterdir()):
        raise InputError(
            "--store", str(root), "The folder holds other files and no store. Give a new or an empty folder."
        )
