"""Which parts of the paper a report shows, in addition to figures and tables over the fields of any sweep.

On the paper's data it appears as a whole. On other data it appears where the spec asks for it (`report: {paper: true}`); the
claims also where one of them can be decided, or where the user has claims.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from aesweep.analysis.axes.layout import Wishes
from aesweep.analysis.claims.claims_table import Judgement
from aesweep.analysis.claims.own import OwnClaims
from aesweep.analysis.claims.verdicts import OPEN
from aesweep.analysis.data.results import Results


class OfData(Protocol):
    """What is known of one data set."""

    @property
    def data(self) -> str:
        """Its name."""
        ...


Found = TypeVar("Found", bound=OfData)


def draws_paper(results: Results, wishes: Wishes) -> bool:
    """Whether the paper's figures and tables are shown for these data."""
    return results.of_paper if wishes.paper is None else wishes.paper


def is_asked_for(judgement: Judgement, wishes: Wishes, own: OwnClaims | None) -> bool:
    """Whether the verdicts on these data are shown."""
    if own is not None or draws_paper(judgement.results, wishes):
        return True
    return wishes.paper is None and any(one.ours.outcome != OPEN for one in judgement.judged)


def first_of_each(found: Iterable[Found]) -> list[Found]:
    """The first of each data set (FID where there is one), for what is shown once per data set."""
    first = {one.data: one for one in reversed(list(found))}
    return [first[data] for data in sorted(first)]
