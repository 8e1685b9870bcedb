"""The table `evaluations`: one row per way of scoring, made from the scores and from one commit of each."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

import pyarrow as pa

from aesweep.evaluation.config import with_new_names
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.evaluation_names import evaluation_config
from aesweep.sweep.tables.reading import TableInParts
from aesweep.sweep.tables.row_groups import groups_of
from aesweep.sweep.tables.rows import Row, cell, table_of

_ROWS, _FIRST, _LAST = ("key", "count"), ("scored", "min"), ("scored", "max")


@dataclass
class _Scored:
    """What the scores of one evaluation say of it."""

    keys: list[str] = field(default_factory=list)
    rows: int = 0
    times: list[datetime] = field(default_factory=list)


def evaluations_table(store: Store, trials: BinaryIO, scores: BinaryIO, before: BinaryIO | None) -> pa.Table:
    """The rows of all evaluations that the files of these two tables hold scores of.

    Settings are those of the table of `before`, where that knows them: no commit is read for it then.
    """
    sweeps = TableInParts("trials", trials).read(["key", "sweep"])
    names = dict(zip(sweeps["key"].to_pylist(), sweeps["sweep"].to_pylist(), strict=True))
    latest = store.trials.latest_evaluation()
    known = {row["evaluation"]: row for part in groups_of("evaluations", before) for row in part.to_pylist()}
    rows = []
    for evaluation, one in sorted(_scored(scores).items()):
        settings = known.get(evaluation) or {}
        if settings.get("name", evaluation) == evaluation:  # not known, or not here then
            settings = _settings(store, min(one.keys), evaluation)
        rows.append({**settings, **_counts(evaluation, one, names), "latest": evaluation == latest})
    return table_of("evaluations", rows)


def _scored(scores: BinaryIO) -> dict[str, _Scored]:
    found: dict[str, _Scored] = defaultdict(_Scored)
    for group in TableInParts("scores", scores).groups(["key", "evaluation", "scored"]):  # holds whole trials
        for pair in group.group_by(["evaluation", "key"]).aggregate([]).to_pylist():
            found[pair["evaluation"]].keys.append(pair["key"])
        for part in group.group_by("evaluation").aggregate([_ROWS, _FIRST, _LAST]).to_pylist():
            one = found[part["evaluation"]]
            one.rows += part["key_count"]
            one.times += filter(None, (part["scored_min"], part["scored_max"]))
    return found


def _settings(store: Store, key: str, evaluation: str) -> Row:
    config = evaluation_config(store, key, evaluation)
    if config is None:
        return {"name": evaluation}
    return {"name": config.name, **{name: cell(value) for name, value in with_new_names(config.to_json()).items()}}


def _counts(evaluation: str, scored: _Scored, sweeps: dict[str, str]) -> Row:
    return {
        "evaluation": evaluation,
        "trials": len(scored.keys),
        "scores": scored.rows,
        "sweeps": ", ".join(sorted({sweeps[key] for key in scored.keys})),
        "first_scored": min(scored.times, default=None),
        "last_scored": max(scored.times, default=None),
    }
