"""The latent rows of a commit of scores, column by column.

A commit has two thousand of them and a large store forty million. Objects of their own take ten times as long to make and
to check as one list of numbers per column, and three times as long to read from JSON; the tables want columns anyway.
"""

from collections.abc import Iterable
from dataclasses import asdict, fields
from operator import itemgetter
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from aesweep.evaluation.rows import LatentRow

WORD = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
LARGEST = 2**63 - 1
NAMES = tuple(field.name for field in fields(LatentRow))

Words = list[Annotated[str, StringConstraints(pattern=WORD)]]
Counts = list[Annotated[int, Field(ge=0, le=LARGEST)]]
Numbers = list[float]


class LatentColumns(BaseModel):
    """The fields of `LatentRow`, all rows of one field together. Commits of 0.1.0 have an object for each row instead."""

    model_config = ConfigDict(strict=True, frozen=True)

    split: Words
    index: Counts
    dimension_a: Counts
    dimension_b: Counts
    z_a: Numbers
    z_b: Numbers

    @model_validator(mode="before")
    @classmethod
    def _from_rows(cls, rows: object) -> object:
        if not isinstance(rows, list | tuple):
            return rows
        if rows and isinstance(rows[0], LatentRow):
            rows = [asdict(row) for row in rows]
        try:
            return {name: list(map(itemgetter(name), rows)) for name in NAMES}
        except (TypeError, KeyError, IndexError) as error:
            raise ValueError("a row lacks a field") from error

    @model_validator(mode="after")
    def _are_as_long(self) -> "LatentColumns":
        if len({len(getattr(self, name)) for name in NAMES}) > 1:
            raise ValueError("the columns differ in length")
        return self

    @classmethod
    def of(cls, rows: Iterable[LatentRow]) -> "LatentColumns":
        """The columns of rows that were just made."""
        return cls.model_validate(tuple(rows))
