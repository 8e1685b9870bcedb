"""The section `report` of a spec: where the report shows the fields that vary. It decides no work and enters no hash."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from aesweep.models.errors import InputError

SCORES = ("gmm", "mvg", "standard_normal", "reconstruction_test", "reconstruction_train")
ROLES = ("x", "colour", "line", "panel")


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
        from aesweep.sweep.spec.fields import FIELDS, unknown

        known = tuple(name for name in FIELDS["trial"] if name != "seed")
        taken: dict[str, str] = {}
        for role in ROLES:
            field = getattr(self, role)
            if field == "":
                continue
            if field in ("seed", "seeds"):
                raise InputError(
                    role, field, "The report averages over seeds. Give another field, such as latent_size."
                )
            if not isinstance(field, str) or field not in known:
                remedy = unknown(str(field), field, known).remedy.replace(
                    "There is no such field.", "No trial has this field."
                )
                raise InputError(role, field, remedy)
            if field in taken:
                raise InputError(
                    role, field, f"It is already used for {taken[field]}. Give another field, or leave one out."
                )
            taken[field] = role
        if self.score not in ("", *SCORES):
            raise InputError("score", self.score, f"Choose one of: {', '.join(SCORES)}.")
        if self.paper is not None and not isinstance(self.paper, bool):
            raise InputError("paper", self.paper, "Give true or false, or leave it out.")

    def to_json(self) -> dict[str, Any]:
        """The fields that are set."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None)}


def read_wishes(given: Mapping[str, Any]) -> ReportWishes:
    """The section as it stands in a spec."""
    from aesweep.sweep.spec.fields import unknown

    names = tuple(field.name for field in fields(ReportWishes))
    for name, value in given.items():
        if name not in names:
            raise unknown(name, value, names)
    return ReportWishes(**given)
