"""The records of a store: one model for each kind of JSON file, checked once, where the file is read.

A file can be torn, hit by a bad disk, edited by hand or made by somebody else; what follows trusts its fields, and some
of its words become parts of paths. A file that its model refuses is damaged: it is set aside or left out, and its work
is done again. Fields that a model does not know are ignored, since a newer aesweep may have written them.

Commits carry a `seal`, the SHA-256 of their own bytes with zeros in its place: a flipped bit in a number is still
JSON of the right shape. A file without a seal is judged by its fields alone.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    Strict,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import core_schema

from aesweep.evaluation.deciding_fields import NUMBERS
from aesweep.evaluation.rows import ScoreRow
from aesweep.models.config import DATA_LABEL
from aesweep.models.training.epoch_record import EpochRecord
from aesweep.sweep.store.latent_columns import LARGEST, WORD, LatentColumns
from aesweep.sweep.store.layout import MODEL
from aesweep.sweep.store.storage import to_json_bytes

_FIELDS = TypeAdapter(dict[str, Any])
_UNCHECKED = {"config", "execution", "spec"}
"""Fields that hold any JSON object."""
ZEROS = "0" * 64
MOST_VALUES = 5_000_000
"""Commas of one file: JSON takes some twenty times its length in memory. A spec of 100,000 trials has some two million."""
MOST_FIELD_BYTES = 1_000_000
VACANCY_BYTES = 200
"""A vacancy is shorter than this, and a commit is longer."""
_SEAL = re.compile(rb'\n "seal": "([0-9a-f]{64})"')  # one space of indent: top level only
_SEAL_FIELD = b'\n "seal": "'  # found a hundred times as fast as the expression
_SEAL_LINE = re.compile(rb'\n "(?:seal": "[^\n]*|[^\n]{4}": "[0-9a-f]{64}")')  # also one in which a bit flipped


class _AnyVersion:
    """A row as a commit holds it: a word may be another version's, such as a new source; counts fit into 64 bits."""

    @classmethod
    def __get_pydantic_core_schema__(cls, row: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        schema = handler(row)
        resolved: Any = handler.resolve_ref_schema(schema)
        for field in resolved["schema"]["fields"]:
            kind = field["schema"].get("schema", field["schema"])  # what is behind a default
            kind = kind["schema"] if kind["type"] == "nullable" else kind
            if field["name"] == "sampling_seed":  # its name in the files of a store
                field.update(validation_alias="seed", serialization_alias="seed")
            if field["name"] == "source":
                kind.update(core_schema.str_schema(pattern=WORD))
            elif kind["type"] == "int":
                kind.update(ge=0, le=LARGEST)
            elif kind["type"] == "literal":
                kind.clear()
                kind.update(core_schema.str_schema(pattern=WORD))
        return schema


def _or_else(value: object) -> WrapValidator:
    """Take this value in place of one that does not fit."""

    def validate(given: object, handler: ValidatorFunctionWrapHandler) -> object:
        try:
            return handler(given)
        except ValidationError:
            return value

    return WrapValidator(validate)


def _cut_to(most: int) -> AfterValidator:
    """Keep so many characters. What aesweep writes is short; in a store from somebody else it may be anything."""
    return AfterValidator(lambda text: text[:most])


def _require_time(value: str) -> str:
    datetime.fromisoformat(value)
    return value


def _require_settings(value: dict[str, object]) -> dict[str, object]:
    for name in _SETTINGS.keys() & value.keys():
        _SETTINGS[name].validate_python(value[name])
    return value


Name = Annotated[str, StringConstraints(pattern=WORD)]
"""A word that may be one part of a path: letters, digits, `_`, `.` and `-`, and no dot in front."""
Version = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,19}--?[0-9]{1,20}$")]
"""Length and time of a file, as `version_of` writes them."""
Key = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
"""A trial's key."""
Identity = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 of the images of a folder."""
Label = Annotated[str, StringConstraints(pattern=rf"^({DATA_LABEL.pattern})$")]
CutLine = Annotated[str, _cut_to(200)]
CutText = Annotated[str, _cut_to(20_000)]
ShortLine = Annotated[str, StringConstraints(max_length=200)]
ShortText = Annotated[str, StringConstraints(pattern=r"^[ -~]{0,100}$")]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Time = Annotated[str, AfterValidator(_require_time)]
"""ISO 8601, as `datetime.isoformat` writes it."""
Share = Annotated[float, Field(ge=0, le=1)]
Settings = Annotated[dict[str, object], AfterValidator(_require_settings)]
"""The fields of an `EvaluationConfig`, perhaps of another version; those that go into the tables are checked."""
How = Literal["died", "killed", "machine died", "preempted", "stopped", "out of memory"]
"""How an attempt ended without a commit or a failure of its own. A process that `died` crashed; others were `killed`."""

_STRICT = ConfigDict(strict=True)
_Use = Annotated[str, StringConstraints(pattern=r"^[a-z]+ [a-z0-9_-]{1,40} [0-9A-Za-z.+_-]{1,40}$")]
_SETTINGS: dict[str, TypeAdapter[Any]] = {
    "extractor_sha256": TypeAdapter(str | None, config=_STRICT),
    "reference_seed": TypeAdapter(Count | None, config=_STRICT),
    "vae_latents": TypeAdapter(str, config=_STRICT),
    **dict.fromkeys(NUMBERS, TypeAdapter(Annotated[float, Field(ge=-LARGEST, le=LARGEST)], config=_STRICT)),
    "gmm_components": TypeAdapter(Count, config=_STRICT),
    "options": TypeAdapter(tuple[tuple[Name, tuple[tuple[Name, bool | int | float | str], ...]], ...]),
    "metrics": TypeAdapter(tuple[str, ...]),
    "plugin_versions": TypeAdapter(tuple[_Use, ...]),
}


class Record(BaseModel):
    """One JSON object of a store."""

    model_config = ConfigDict(strict=True, frozen=True)
    most_values: ClassVar[int] = 1_000_000
    """Commas and lists of its file. The scores of 65,536 latent units have some 800,000."""

    def to_json(self) -> Mapping[str, object]:
        """The fields as plain JSON values."""
        return self.model_dump(by_alias=True)

    def to_bytes(self) -> bytes:
        """The content of its file."""
        return to_json_bytes(self.to_json())


class SealedRecord(Record):
    """A record whose file carries the SHA-256 of its own bytes."""

    def to_bytes(self) -> bytes:
        """The content of its file, with the seal."""
        return sealed_json_bytes(self.to_json())


class StoreMark(Record):
    """`store.json`: the format of the store, and which one it is."""

    format: object = None
    id: str = ""
    created: str = ""


class LatestSpec(SealedRecord):
    """`sweeps/latest.json`: which spec was launched last, the id of its evaluation, and the names of data sets."""

    spec: Name
    evaluation: Name
    data_labels: Annotated[dict[Identity, Label], _or_else({})] = {}
    """Identity of a folder's images -> the name that a launch gave them last."""


class LaunchedSpec(SealedRecord):
    """`sweeps/<spec hash>.json`; the spec inside is read by `SweepSpec.from_json`, where it is needed."""

    most_values: ClassVar[int] = MOST_VALUES
    format: int
    name: str
    keys: dict[Key, ShortLine]
    """Key of each trial -> the block that it comes from."""
    spec: dict[str, object]


class Vacancy(SealedRecord):
    """Stands at the name of a commit that counts no more, or that some attempts must not take (docs/store.md)."""

    vacant: Name
    """Another word each time, so that nobody takes one vacancy for another."""


class FileRecord(Record):
    """One file of an attempt, as its commit names it."""

    sha256: str
    bytes: Count


class TrainingResult(Record):
    """How a training ended. The columns of the `trials` table explain the fields."""

    final_loss: float
    final_reconstruction: float
    final_kl: float | None
    test_bce: float
    mean_image_bce: float
    images_train: Count
    images_test: Count
    train_seconds: float
    gpu_seconds: float
    images_per_second: float
    device: str
    threads: Count
    precision_used: str
    torch_version: str
    aesweep_version: str
    node: str
    resumed_from: str
    resumed_with: str | None = None
    started: Time
    ended: Time


class TrainingRecord(SealedRecord):
    """`train.json`, the commit of a trial's training."""

    attempt: Name
    config: dict[str, object]
    execution: dict[str, object]
    files: dict[str, FileRecord]
    history: tuple[Annotated[EpochRecord, _AnyVersion], ...]
    result: TrainingResult
    launch: CutLine = ""
    """Name of its `LaunchRecord`; "" without one."""

    @property
    def weights(self) -> str:
        """SHA-256 of the trained weights; "" where it names none."""
        model = self.files.get(MODEL)
        return model.sha256 if model else ""


class EpochsRecord(SealedRecord):
    """`epochs.json`: the epochs of a training that has not been committed, for people to look at. It is no result."""

    attempt: Name
    history: tuple[Annotated[EpochRecord, _AnyVersion], ...]


class ScoresRecord(SealedRecord):
    """`scores/<evaluation id>.json`, the commit of one evaluation."""

    id: str
    attempt: Name
    evaluation: Settings
    model: str
    """SHA-256 of the weights that were scored."""
    files: dict[str, FileRecord]
    rows: tuple[Annotated[ScoreRow, _AnyVersion], ...]
    latents: LatentColumns
    aesweep_version: str
    extractor_weights: str = ""
    """SHA-256 of a feature network that was trained for the evaluation; "" where `extractor_sha256` says it all."""
    time: Annotated[Time, _or_else("")] = ""
    """When it was committed; "" for an older version's."""
    launch: CutLine = ""
    """Name of its `LaunchRecord`; "" without one."""


class MachineRecord(Record):
    """What a machine of a launch runs on. A text is "" where nobody knows."""

    host: CutLine
    system: CutLine
    python: CutLine
    ray: CutLine
    torch: CutLine
    cuda: CutLine
    """The version that torch was built for."""
    cudnn: CutLine
    gpus: CutLine
    """Names and number of its GPUs."""
    gpu_driver: CutLine
    container: CutLine
    """Digest or name of the image, as far as the container can tell."""


class LaunchRecord(SealedRecord):
    """`launches/<driver>.json`: the code and the environment of one launch."""

    time: Time
    aesweep: CutLine
    command: tuple[CutLine, ...]
    """The command line, without what may be secret."""
    spec: Name
    evaluation: Name
    commit: CutLine
    """Of the source tree that the code ran from; "" where it is no tree of git."""
    changed: bool | None
    """Whether that tree had changes which are not committed; None where it is no tree of git."""
    code_sha256: CutLine
    """Of all files of the package, by their names."""
    plugins: dict[CutLine, CutLine]
    """The user's files of plug-ins -> their SHA-256."""
    packages: tuple[CutLine, ...]
    """Installed distributions of the driver's machine, as `name==version`."""
    machines: tuple[MachineRecord, ...]
    """Those that were there at the start, each kind once."""


class MergeRecord(SealedRecord):
    """`merges/<driver>.json`: trials whose results were copied from another store, written before they are."""

    most_values: ClassVar[int] = MOST_VALUES
    time: Time
    source: CutLine
    """Name of the other store."""
    keys: tuple[Key, ...]


class FailureRecord(Record):
    """`failures/*.json`: why an attempt failed."""

    key: CutLine
    attempt: CutLine
    stage: CutLine
    evaluation: CutLine
    type: CutLine
    message: CutText
    traceback: CutText
    node: CutText
    time: Time

    @property
    def reason(self) -> str:
        """The error in one text."""
        return f"{self.type}: {self.message}"


class TrainingSettings(Record):
    """What decides the bits of a training in addition to the trial's configuration."""

    device: ShortText
    threads: int
    precision_used: ShortText
    torch_version: ShortText
    compile: bool
    deterministic: bool


class TrainingPart(Record):
    """A part of a training that ended at this place, and the settings it ran with (None where they are unknown)."""

    settings: Annotated[TrainingSettings | None, _or_else(None)]
    epoch: Count
    """Whole epochs."""
    step: Count
    """Steps of the next epoch."""


class StartRecord(Record):
    """`start.json`: who began an attempt and, once it is known, where it resumed training.

    A value that does not fit counts as unknown: without the rest, an attempt of a living driver would count as dead.
    """

    driver: str
    node: Annotated[str, _or_else("")]
    pid: Annotated[int, _or_else(0)] = 0
    time: Annotated[str, _or_else("")] = ""
    epoch: Annotated[Count, _or_else(0)] = 0
    step: Annotated[Count, _or_else(0)] = 0
    resumed_from: Annotated[str, _or_else("none")] = "none"
    settings: Annotated[TrainingSettings | None, _or_else(None)] = None
    parts: Annotated[Annotated[tuple[TrainingPart, ...], Strict(False)] | None, _or_else(None)] = ()
    """The parts before this one; None where that cannot be read."""

    def to_json(self) -> Mapping[str, object]:
        """The fields that were given: an evaluation has no place."""
        return self.model_dump(exclude_unset=True)


class EndRecord(Record):
    """`end.json`: how an attempt ended that left neither a commit nor a failure."""

    how: How
    reason: CutText
    share: Share
    """The part of a GPU that it held."""
    time: str = ""


class PrunedAttempts(SealedRecord):
    """`pruned.json`: attempts that lost files, so that they still count and never commit (docs/store.md)."""

    attempts: tuple[Name, ...]


class BeatRecord(Record):
    """`progress/*.alive`: the Ray node and the process that work on an attempt."""

    node: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{0,100}$")]
    pid: Annotated[int, Field(gt=0, lt=2**31)]


class RunningTrial(Record):
    """A trial in training, as of its last report."""

    epoch: Count = 0
    epochs: Count
    images_per_second: Finite = 0.0
    loss: Finite | None = None
    """Mean training loss of the last epoch."""
    test_loss: Finite | None = None
    """Cross-entropy of a sample of the test images after that epoch, nats per pixel value."""
    name: str
    silent_seconds: Finite = 0.0
    """Since its last sign of life; 0 while it is not remarkable."""


class LaunchProgress(Record):
    """Where a launch is."""

    counts: dict[str, Count] = {}
    """Trials by state."""
    running: dict[Key, RunningTrial]
    scoring: Count = 0
    eta_seconds: Finite | None = None


class DriverRecord(LaunchProgress):
    """`progress/*.json`: a running driver and where its launch is."""

    host: str
    pid: Annotated[int, Field(gt=0, lt=2**31)]
    time: Finite
    boot: str
    pid_namespace: str


class Publication(SealedRecord):
    """`tables/publisher.json`: who publishes tables, or did last."""

    publication: Name
    """Another word each time."""


class FoldedTables(SealedRecord):
    """`tables/folded.json`: what the tables were made from."""

    most_values: ClassVar[int] = MOST_VALUES
    version: int
    """Version of the tables' columns."""
    aesweep: str
    files: dict[str, FileRecord]
    commits: dict[str, Version]
    """Version of every commit that was read and found whole."""
    signatures: dict[str, str]
    """Signature of each trial."""
    signature: str
    """One signature for all trials."""
    rows: dict[str, Count] = {}
    """Number of rows of each table."""
    folders: dict[str, str] = {}
    """Name of a commit -> its attempt and the version of that one's folder while it held the files of the commit."""
    publication: str = ""
    """The word of `publisher.json`, which all files of one publication carry."""
    poor: dict[Key, tuple[CutLine, CutLine]] | None = None
    """Key of a trial whose training should be looked at -> its name and the warning; None if the fold did not note them."""


class FindingRecord(Record):
    """One file that is missing or damaged."""

    name: str
    trouble: str


class VerifiedRecord(SealedRecord):
    """`verified.json`: when `aesweep verify` read the store last, and what it found."""

    time: Time
    aesweep: ShortLine
    seconds: Annotated[Finite, Field(ge=0)]
    trials: Count
    files: Count
    bytes: Count
    """Total size of the files that were read."""
    missing: Count
    damaged: Count
    repaired: bool
    """Whether what was found was set aside."""
    findings: tuple[FindingRecord, ...]
    """The first of them."""


AnyRecord = TypeVar("AnyRecord", bound=Record)


def parse_record(kind: type[AnyRecord], data: bytes) -> AnyRecord | None:
    """The record in `data`; None where there is none of this kind, or where its seal is broken."""
    if (
        not data.lstrip().startswith(b"{")
        or (len(data) > kind.most_values and data.count(b",") + data.count(b"[") > kind.most_values)
        or not (has_sound_seal(data) or _SEAL_LINE.search(data) is None)
    ):
        return None
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        return _parse_odd_text(kind, data) if error.errors()[0]["type"] == "json_invalid" else None


def _parse_odd_text(kind: type[AnyRecord], data: bytes) -> AnyRecord | None:
    """The record, where pydantic refuses the text alone: a path that is no UTF-8 is half of a surrogate pair in JSON.

    Such a path may stand in the fields that are not checked: a sweep's data folder. None where it stands in others.
    """
    try:
        value = json.loads(data)
        known = {name: value[name] for name in kind.model_fields if name in value}
        unchecked = {name: known[name] for name in _UNCHECKED & known.keys() if isinstance(known[name], dict)}
        record = kind.model_validate_json(json.dumps({**known, **{name: {} for name in unchecked}}))
    except (ValueError, TypeError, RecursionError):  # no JSON, no object, or refused
        return None
    return record.model_copy(update=unchecked)


def vacancy() -> bytes:
    """A new vacancy, as its file holds it."""
    return Vacancy(vacant=uuid.uuid4().hex).to_bytes()


def parse_fields(data: bytes) -> Mapping[str, Any]:
    """The JSON object in `data`, whatever it holds; empty where there is none."""
    try:
        return _FIELDS.validate_json(data) if len(data) <= MOST_FIELD_BYTES else {}
    except ValidationError:
        return {}


def file_record(data: bytes) -> FileRecord:
    """What a commit says of a file: its SHA-256 and length in bytes."""
    return FileRecord(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))


def sealed_json_bytes(value: Mapping[str, object]) -> bytes:
    """A JSON object with its seal."""
    data = to_json_bytes({**value, "seal": ZEROS})
    place = _seal_place(data)
    assert place is not None
    return data[:place] + hashlib.sha256(data).hexdigest().encode() + data[place + len(ZEROS) :]


def has_sound_seal(data: bytes) -> bool:
    """Whether the bytes are those that were sealed; far faster than reading them as JSON. False without a seal."""
    place = _seal_place(data)
    if place is None:
        return False
    end = place + len(ZEROS)
    unsealed = hashlib.sha256(data[:place])
    unsealed.update(ZEROS.encode())
    unsealed.update(data[end:])
    return unsealed.hexdigest().encode() == data[place:end]


def _seal_place(data: bytes) -> int | None:
    found = _SEAL.search(data, max(0, data.find(_SEAL_FIELD)))
    return found.start(1) if found else None
