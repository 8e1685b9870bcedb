"""The types of the fields of a store's records: what a text, a number or a name may be before it is trusted."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import core_schema

from aesweep.evaluation.deciding_fields import NUMBERS
from aesweep.models.config_checks import DATA_LABEL
from aesweep.sweep.store.latent_columns import LARGEST, WORD


class AnyVersion:
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


def or_else(value: object) -> WrapValidator:
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
