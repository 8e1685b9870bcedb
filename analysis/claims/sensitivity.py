"""How sensitive the verdicts are to what the paper leaves open: each claim under each reading that a store holds.

One thing is changed at a time (`aesweep.analysis.data.readings`): the distance, the way of scoring, or a reading of the paper that
is a field of the trials. A verdict that becomes its opposite is flagged.
"""

from pathlib import Path

import pandas as pd

from aesweep.analysis.claims.claims_table import Judged, Judgement, judge
from aesweep.analysis.claims.verdicts import OPEN
from aesweep.analysis.data.readings import Reading, readings
from aesweep.analysis.data.results import all_results, results_without_distances
from aesweep.analysis.data.tables import load_tables
from aesweep.analysis.errors import ReportError
from aesweep.analysis.text.text_tables import MISSING, Heading, TextTable

COLUMNS = dict.fromkeys("data evaluation claim section axis reading distance scoring outcome shown".split(), "str")
COLUMNS |= {"flips": "bool", "numbers": "str"}
"""Columns of the frame that `sensitivity` returns, with their types."""
NO_FOLDER = "There is no such folder. Give the folder of a store; for a store on S3, the folder `store` of its report."


def sensitivity(store: str | Path) -> pd.DataFrame:
    """One row per data set, claim and reading that it depends on, the shown one first.

    `outcome` is the verdict under the reading, `shown` that of the report, `flips` whether one is the opposite of the other;
    `evaluation` is the shown evaluation's id, `distance` and `scoring` are what the reading compares, `numbers` its comparisons.
    Raises `ReportError` where there is no folder, and for what `load_tables` refuses.
    """
    if not Path(store).expanduser().exists():
        raise ReportError("STORE", store, NO_FOLDER)
    tables = load_tables(store)
    every = [*all_results(tables), *results_without_distances(tables)]
    frames = [sensitivity_rows(judge(one, readings=readings(tables, one))) for one in every]
    return pd.concat([pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS), *frames], ignore_index=True)


def sensitivity_rows(judgement: Judgement) -> pd.DataFrame:
    """The rows of `sensitivity` for one judgement."""
    shown = Reading("shown", "shown", judgement.results)
    rows = []
    for one in judgement.judged:
        for reading, verdict in {shown: one.ours, **one.others}.items():
            scored = reading.results.evaluation
            row = {"data": judgement.results.data, "evaluation": judgement.results.evaluation.id}
            row |= {
                "claim": one.claim.name,
                "section": one.claim.section,
                "axis": reading.axis,
                "reading": reading.words,
            }
            row |= {
                "distance": scored.title,
                "scoring": scored.id,
                "outcome": verdict.outcome,
                "shown": one.ours.outcome,
            }
            rows.append({**row, "flips": one.flipped(reading), "numbers": verdict.numbers})
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def sensitivity_table(judgement: Judgement) -> TextTable | None:
    """A row per claim that is decided under some reading, a column per reading; None where the store holds one reading only."""
    results, asked = judgement.results, judgement.readings
    if not asked:
        return None
    decided = [one for one in judgement.judged if _decided(one)]
    names = {f"reading_{i}": reading for i, reading in enumerate(asked)}
    rows = [
        {"sentence": one.statement, "section": one.claim.section, "shown": one.ours.outcome}
        | {name: one.words(reading) for name, reading in names.items()}
        for one in decided
    ]
    frame = pd.DataFrame(rows, columns=["section", "sentence", "shown", *names])
    bold = pd.DataFrame([{n: one.flipped(r) for n, r in names.items()} for one in decided], columns=list(names))
    heads = {"section": "Section", "sentence": "Statement", "shown": f"Shown: {results.evaluation.title}"}
    heads |= {name: f"{_AXES.get(reading.axis, '')}{reading.words}" for name, reading in names.items()}
    return TextTable(
        f"sensitivity-{results.evaluation.slug}-{results.data}",
        f"Verdicts on {results.title} under other readings",
        _caption(judgement, len(decided)),
        {name: Heading(text) for name, text in heads.items()},
        frame,
        results.data_hash,
        bold,
        tidy=sensitivity_rows(judgement),
    )


_AXES = {"distance": "Distance: ", "scoring": "Scoring: "}


def _decided(one: Judged) -> bool:
    return any(verdict.outcome != OPEN for verdict in (one.ours, *one.others.values()))


def _caption(judgement: Judgement, decided: int) -> str:
    flipped = [one for one in judgement.judged if any(one.flipped(reading) for reading in judgement.readings)]
    left_out = len(judgement.judged) - decided
    words = [
        f"{len(flipped)} of {decided} decided verdicts flip under a reading (FLIPS, bold)." if decided else "",
        f"One thing is changed at a time. {MISSING}: the sentence does not depend on it.",
        "Thresholds such as “little” are shares of the distance in use, and kernel distances have another scale.",
        f"{left_out} sentences that no reading decides are in the CSV only." if left_out else "",
    ]
    return " ".join(filter(None, words))
