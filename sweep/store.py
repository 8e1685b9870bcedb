"""The record of a sweep: one folder, in which commits are the truth and everything else can be made again.

    STORE/store.json                      the format of the store
          sweeps/<spec hash>.json         every spec launched here; latest.json names the newest
          trials/<key>/config.json
                       attempts/<id>/     one try (`train-0001-…` or `score-0001-<evaluation>-…`): checkpoint, model,
                       log, priors, pictures train.json         THE COMMIT of training: its attempt, files with
                       SHA-256, history, cost scores/<id>.json   THE COMMIT of one evaluation
                       failures/<…>.json
          references/ progress/ tables/ report/

Readers follow only commits and check hashes, so files of two attempts never mix. A commit is read before it counts, and
read once: whoever folded it into the tables left its version there, and as long as the file is of that version (size
and time) a plan takes it for whole. One that was cut short or changed has another version, is read, set aside with a
warning, and its work is done again. Attempts are numbered, not dated: the
newest is the one with the highest number, whatever the clocks of the nodes say. A trial has failed when its newest
attempt has a failure record; starting another attempt makes it unfinished again.
"""

import hashlib
import logging
import re
import socket
import traceback
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from models.config import TrialConfig
from models.errors import InputError
from sweep.listed_storage import ListedStorage
from sweep.records import is_failure, is_latest, is_scores, is_spec, is_training, parse_record, sealed_json_bytes
from sweep.spec import SweepSpec
from sweep.storage import Storage, file_record, open_storage, to_json_bytes

STORE_FORMAT = 1
FOLDED = "tables/folded.json"
"""What the tables were made from; `commits` holds the version of every commit that was read and found whole."""
TRACEBACK_LINES = 20

Stage = Literal["train", "evaluate"]
_PREFIX: dict[Stage, str] = {"train": "train", "evaluate": "score"}
Check = Callable[[dict[str, Any]], bool]
_KEY = re.compile(r"[0-9a-f]{12}")
_ATTEMPT = re.compile(r"(?P<stage>train|score)-\d+(-(?P<evaluation>[0-9A-Za-z]+))?-[0-9a-f]{6}")
log = logging.getLogger(__name__)


class DamagedFileError(InputError):
    """A file is not the one that its commit names."""


class Store:
    """One store at a path or URI. `open_store` checks that it is one."""

    def __init__(self, root: str | Path, storage: Storage | None = None) -> None:
        self.storage = storage or open_storage(root)
        self.root = self.storage.root
        self._whole: dict[str, str] = {}
        """Versions of commits that were read and found whole."""

    def listed(self) -> "Store":
        """The store with its trials listed now, for many questions at once; not for longer than those take."""
        if isinstance(self.storage, ListedStorage):
            return self
        store = Store(self.root, ListedStorage(self.storage))
        store._whole = self._whole  # shared: what is known to be whole stays known
        known = (self.read_json(FOLDED) or {}).get("commits")
        for name, version in known.items() if isinstance(known, dict) else ():
            store._whole.setdefault(name, version)
        return store

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
            if self.storage.read(name) != sealed_json_bytes(value):
                self.storage.write(name, sealed_json_bytes(value))

    def latest_spec(self) -> dict[str, Any] | None:
        """The spec launched last, None in an empty store."""
        latest = self.read_json("sweeps/latest.json", is_latest)
        return self.read_json(f"sweeps/{latest['spec']}.json", is_spec) if latest else None

    def latest_evaluation(self) -> str:
        """Id of the evaluation that the latest launch asked for, "" in an empty store."""
        return (self.read_json("sweeps/latest.json", is_latest) or {}).get("evaluation", "")

    def specs(self) -> list[dict[str, Any]]:
        """Every spec launched here, the latest last."""
        latest = (self.read_json("sweeps/latest.json", is_latest) or {}).get("spec", "")
        names = [name for name in self.storage.names("sweeps") if name != "latest.json" and name.endswith(".json")]
        names.sort(key=lambda name: name == f"{latest}.json")
        return [spec for name in names if (spec := self.read_json(f"sweeps/{name}", is_spec))]

    # Trials

    def trial_keys(self) -> list[str]:
        """Keys of every trial that the store knows."""
        return [name for name in self.storage.names("trials") if _KEY.fullmatch(name)]

    def write_config(self, config: TrialConfig) -> None:
        """Make the trial known."""
        if not self.storage.exists(f"trials/{config.key}/config.json"):  # a key has one configuration: all write it
            self.storage.write(f"trials/{config.key}/config.json", to_json_bytes(config.to_json()))

    def write_configs(self, configs: Iterable[TrialConfig]) -> None:
        """Make many trials known, looking once at what is there."""
        self.storage.map(self.listed().write_config, configs)

    def config(self, key: str) -> TrialConfig:
        """The trial of a key, or of the one key that starts so. Raises `InputError` when the store does not hold it."""
        if _KEY.fullmatch(key):
            if (config := self._written_config(key) or self._launched_config(key)) is not None:
                return config
        elif key:
            near = [k for k in self.trial_keys() if k.startswith(key)]
            if len(near) == 1:
                return self.config(near[0])
        raise InputError("KEY", key, "This store holds no such trial; `aesweep status STORE --json` lists the keys.")

    def _written_config(self, key: str) -> TrialConfig | None:
        """What `config.json` says; one that is damaged or of another trial is set aside."""
        name = f"trials/{key}/config.json"
        data = self.storage.read(name)
        if data is None:
            return None
        try:
            config = TrialConfig(**(parse_record(data) or {}))
        except (TypeError, InputError):
            config = None
        if config is None or config.key != key:
            self._set_aside(name)
            return None
        return config

    def _launched_config(self, key: str) -> TrialConfig | None:
        """The trial as a spec asked for it, where `config.json` is lost; writes that again."""
        for about in self.specs():
            if key in about["keys"]:
                found = (config for config, _ in SweepSpec.from_json(about["spec"]).trials if config.key == key)
                if (config := next(found, None)) is not None:
                    with suppress(InputError, OSError):  # a store that may only be read
                        self.write_config(config)
                    return config
        return None

    def training(self, key: str) -> dict[str, Any] | None:
        """The commit of a trial's training, None while there is none."""
        return self._commit(_training_name(key), is_training)

    def has_training(self, key: str) -> bool:
        """Whether `training` gives a commit; reads it only while it is not known to be whole."""
        return self._is_whole(_training_name(key), is_training)

    def scored(self, key: str) -> list[str]:
        """Ids of the evaluations committed for a trial."""
        return [n.removesuffix(".json") for n in self.storage.names(f"trials/{key}/scores") if n.endswith(".json")]

    def scores(self, key: str, evaluation: str) -> dict[str, Any] | None:
        """The commit of one evaluation, None while there is none."""
        return self._commit(_scores_name(key, evaluation), is_scores)

    def has_scores(self, key: str, evaluation: str) -> bool:
        """Whether `scores` gives a commit; reads it only while it is not known to be whole."""
        return self._is_whole(_scores_name(key, evaluation), is_scores)

    def whole_commits(self) -> dict[str, str]:
        """Versions of all commits that are known to be whole and still there, for `FOLDED`."""
        return {name: version for name, version in self._whole.items() if self.storage.version(name) == version}

    def attempts(self, key: str, stage: Stage, evaluation: str = "") -> list[str]:
        """Attempts at training a trial, or at one evaluation of it, oldest first."""
        found = [_ATTEMPT.fullmatch(name) for name in self.storage.names(f"trials/{key}/attempts")]
        mine = [m for m in found if m and m["stage"] == _PREFIX[stage]]
        return [m[0] for m in mine if not evaluation or m["evaluation"] == evaluation]

    def new_attempt(self, key: str, stage: Stage, evaluation: str = "") -> str:
        """Start an attempt: make its folder and return its id, numbered after all attempts so far."""
        number = 1 + max((int(a.split("-")[1]) for a in self.attempts(key, stage)), default=0)
        words = [_PREFIX[stage], f"{number:04d}", *([evaluation] if evaluation else []), uuid.uuid4().hex[:6]]
        attempt = "-".join(words)
        self.storage.make_folder(f"trials/{key}/attempts/{attempt}")
        return attempt

    def commit_training(self, key: str, commit: dict[str, Any]) -> bool:
        """Commit a training; False where another attempt was first."""
        return self.storage.commit(_training_name(key), sealed_json_bytes(commit))

    def commit_scores(self, key: str, evaluation: str, commit: dict[str, Any]) -> bool:
        """Commit an evaluation; False where another attempt was first."""
        return self.storage.commit(_scores_name(key, evaluation), sealed_json_bytes(commit))

    def write_file(self, key: str, attempt: str, name: str, data: bytes) -> dict[str, Any]:
        """Write one file of an attempt; what its commit will say of it."""
        self.storage.write(f"trials/{key}/attempts/{attempt}/{name}", data)
        return file_record(data)

    def read_file(self, key: str, attempt: str, name: str, record: dict[str, Any]) -> bytes:
        """Read one file of an attempt and check it. Raises `DamagedFileError` when it is not the recorded one."""
        path = f"trials/{key}/attempts/{attempt}/{name}"
        data = self.storage.read(path)
        if data is None or len(data) != record["bytes"] or hashlib.sha256(data).hexdigest() != record["sha256"]:
            remedy = (
                "It is missing or damaged: its SHA-256 is not the committed one. `aesweep resume STORE` makes it anew."
            )
            raise DamagedFileError("file", self.storage.place(path), remedy)
        return data

    def model_bytes(self, key: str) -> bytes:
        """The committed weights of a trial (safetensors), checked. Raises `InputError` while it is not trained."""
        commit = self.training(key)
        if commit is None:
            raise InputError("KEY", key, "This trial is not trained yet; `aesweep launch` or `resume` trains it.")
        return self._committed_file(key, _training_name(key), commit, "model.safetensors")

    def has_model(self, key: str) -> bool:
        """Whether the committed weights are what the commit says; where not, the trial is not trained any more."""
        try:
            self.model_bytes(key)
        except DamagedFileError:
            return False
        return True

    def prior_bytes(self, key: str, evaluation: str, name: str) -> bytes | None:
        """A fitted prior of one evaluation, checked; None where that has none."""
        commit = self.scores(key, evaluation)
        if commit is None or name not in commit["files"]:
            return None
        return self._committed_file(key, _scores_name(key, evaluation), commit, name)

    def _committed_file(self, key: str, commit_name: str, commit: dict[str, Any], name: str) -> bytes:
        """A file that a commit names. Where it is damaged the commit is set aside: its work counts as not done."""
        try:
            return self.read_file(key, commit["attempt"], name, commit["files"].get(name, {"bytes": 0, "sha256": ""}))
        except DamagedFileError:
            self._set_aside(commit_name)
            raise

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
            "message": str(error).encode(errors="backslashreplace").decode(),  # file names may hold other bytes
            "traceback": "\n".join(lines[-TRACEBACK_LINES:]).encode(errors="backslashreplace").decode(),
            "node": node or socket.gethostname(),
            "time": now.isoformat(),
        }
        name = f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}.json"
        self.storage.write(f"trials/{key}/failures/{name}", to_json_bytes(failure))

    def failures(self, key: str) -> list[dict[str, Any]]:
        """Every recorded failure of a trial, oldest first."""
        names = [n for n in self.storage.names(f"trials/{key}/failures") if n.endswith(".json")]
        found = [self._commit(f"trials/{key}/failures/{name}", is_failure) for name in names]
        return sorted((f for f in found if f), key=lambda failure: (failure["time"], failure["attempt"]))

    def open_failure(self, key: str, stage: Stage, evaluation: str = "") -> dict[str, Any] | None:
        """The failure of the newest attempt at this stage, None when that attempt did not fail."""
        failures = [f for f in self.failures(key) if f["stage"] == stage and f["evaluation"] == evaluation]
        newest = (self.attempts(key, stage, evaluation) or ["none"])[-1]
        return failures[-1] if failures and failures[-1]["attempt"] in (newest, "none") else None

    # Reading

    def read_json(self, name: str, check: Check | None = None) -> dict[str, Any] | None:
        """A JSON object of the store, None where it is missing or damaged (not a record, or refused by `check`)."""
        data = self.storage.read(name)
        if data is None:
            return None
        value = parse_record(data)
        if value is None or (check is not None and not check(value)):
            log.warning("%s is damaged; it counts as missing", self.storage.place(name))
            return None
        return value

    def _commit(self, name: str, check: Check) -> dict[str, Any] | None:
        """A commit, or None; one that cannot be read is set aside, so that its work is done and committed anew."""
        data = self.storage.read(name)
        if data is None:
            return None
        value = parse_record(data)
        if value is None or not check(value):
            self._set_aside(name)
            return None
        return value

    def _is_whole(self, name: str, check: Check) -> bool:
        version = self.storage.version(name)
        if version is None:
            return False
        if self._whole.get(name) != version:
            if self._commit(name, check) is None:
                return False
            self._whole[name] = version
        return True

    def _set_aside(self, name: str) -> None:
        """Keep a damaged file under another name; another process may have been faster."""
        try:
            aside = self.storage.set_aside(name)
        except FileNotFoundError:
            return
        except OSError as error:  # a store that may only be read: said each time, and not counted
            log.warning("%s is damaged, and cannot be set aside: %s", self.storage.place(name), error)
            return
        log.warning("%s is damaged; kept as %s, its work will be done again", self.storage.place(name), aside)


def open_store(path: str | Path, create: bool = False) -> Store:
    """The store at a local path or a URI of an object store.

    With `create` an empty or missing folder becomes a store. Raises `InputError` for a place that is no store, a store
    of a newer format, and a place that cannot be written to.
    """
    store = Store(path)
    if not store.storage.exists("store.json"):
        _require_creatable(store.storage, create)
        created = {"format": STORE_FORMAT, "created": datetime.now(UTC).isoformat()}
        store.storage.commit("store.json", to_json_bytes(created))
    about = store.read_json("store.json")
    if about is None:
        remedy = f'Its store.json is damaged. Write {{"format": {STORE_FORMAT}}} into it; all else is found again.'
        raise InputError("--store", store.root, remedy)
    found = about.get("format")
    if found != STORE_FORMAT:
        remedy = f"Its format is {found!r:.40}; this aesweep reads format {STORE_FORMAT}. Use a newer aesweep."
        raise InputError("--store", store.root, remedy)
    return store


def store_exists(path: str | Path) -> bool:
    """Whether a store is there."""
    return open_storage(path).exists("store.json")


def _require_creatable(storage: Storage, create: bool) -> None:
    if not create:
        raise InputError("STORE", storage.root, "No store is there. `aesweep launch SPEC --store STORE` makes one.")
    if storage.names(""):
        remedy = "The folder holds other files and no store. Give a new or an empty folder."
        raise InputError("--store", storage.root, remedy)
    if storage.version("") is not None:
        raise InputError("--store", storage.root, "That is a file. Give a folder, new or empty.")


def _training_name(key: str) -> str:
    return f"trials/{key}/train.json"


def _scores_name(key: str, evaluation: str) -> str:
    return f"trials/{key}/scores/{evaluation}.json"
