"""The section `report` of a spec: where the report shows the fields that vary. It decides no work and enters no hash."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError, nearest

SCORES = ("gmm", "mvg", "standard_normal", "reconstruction_test", "reconstruction_train")
ROLES = ("x", "colour", "line", "panel")
_FIELDS = tuple(
    field.name for field in fields(TrialConfig) if field.name not in ("seed", "data_identity", "data_label")
)


@dataclass(frozen=True)
class ReportWishes:
    """What a spec asks of its report; "" and None leave the choice to the report. Raises `InputError` at construction."""

    x: str = ""
    """Trial field of the x axis."""
    colour: str = ""
    """Trial field that the colour shows."""
    line: str = ""
    """Trial field that the line style shows."""
    panel: str = ""
    """Trial field that has a panel for each value."""
    score: str = ""
    """Score that networks are ranked by, one of `SCORES`."""
    paper: bool | None = None
    """Whether the paper's figures, tables and claims appear; None: on the paper's data, and claims that can be decided."""

    def __post_init__(self) -> None:
        taken: dict[object, str] = {}
        for role in ROLES:
            field = getattr(self, role)
            if field != "":
                _check_field(role, field)
                if field in taken:
                    remedy = f"It is already used for {taken[field]}. Give another field, or leave one out."
                    raise InputError(role, field, remedy)
                taken[field] = role
        if self.score not in ("", *SCORES):
            raise InputError("score", self.score, f"Choose one of: {', '.join(SCORES)}.")
        if self.paper is not None and not isinstance(self.paper, bool):
            raise InputError("paper", self.paper, "Give true or false, or leave it out.")

    def to_json(self) -> dict[str, Any]:
        """The fields that are set."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None)}


def _check_field(role: str, field: object) -> None:
    """Raise `InputError` for what is no field of a trial, or one that the report averages over."""
    if field in ("seed", "seeds"):
        raise InputError(role, field, "The report averages over seeds. Give another field, such as latent_size.")
    if field not in _FIELDS:
        remedy = nearest(str(field), _FIELDS).rstrip() or f"Choose one of: {', '.join(_FIELDS)}."
        raise InputError(role, field, f"No trial has this field. {remedy}")
