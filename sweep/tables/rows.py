"""The rows of one trial in the tables, read from its commits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from aesweep.evaluation.deciding_fields import deciding_columns
from aesweep.evaluation.extractor_descriptions import EXTRACTORS
from aesweep.evaluation.rows import ScoreRow
from aesweep.models.config import TrialConfig
from aesweep.models.cost import beta_eff, flops_per_image, parameter_counts
from aesweep.models.plugins.plugin import BUILT_IN, PluginError
from aesweep.models.plugins.registry import recorded_version
from aesweep.models.training.epoch_record import EpochRecord, TermRecord
from aesweep.sweep.store.latent_columns import LatentColumns
from aesweep.sweep.store.layout import PICTURES, attempt_folder
from aesweep.sweep.store.records.attempts import FailureRecord
from aesweep.sweep.store.records.commits import ScoresRecord, TrainingRecord
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.learning import late_improvement
from aesweep.sweep.tables.schemas import COLUMNS, KEYED, TRAINED, UNFINISHED, schema

_OF_ROWS = tuple(name for name in KEYED if name != "latents")
_NAMES = {kind: tuple(field.name for field in fields(kind)) for kind in (EpochRecord, TermRecord, ScoreRow)}
Row = Mapping[str, object]
"""One row of a table, by column; columns of other tables are left out."""


class TrialResults(NamedTuple):
    """What a store holds of one trial."""

    key: str
    config: TrialConfig
    training: TrainingRecord | None
    scores: Mapping[str, ScoresRecord]
    """By evaluation."""
    epochs: Sequence[EpochRecord]
    """Epochs of an unfinished training; empty once it is committed."""
    failures: Sequence[FailureRecord]
    attempts: int
    """At training it."""


def read_results(store: Store, key: str) -> TrialResults:
    """Read a trial's commits; those that are damaged are set aside. Raises `InputError` without its configuration."""
    config, training = store.trials.config(key), store.commits.training(key)
    scores = {e: commit for e in store.commits.scored(key) if (commit := store.commits.scores(key, e)) is not None}
    epochs = () if training else store.attempts.read_epochs(key)
    failures, attempts = store.attempts.failures(key), store.attempts.count(key, "train")
    return TrialResults(key, config, training, scores, epochs, failures, attempts)


class TrialRows(NamedTuple):
    """The rows of one trial, by table."""

    rows: Mapping[str, Sequence[Row]]
    """By table, without `latents`."""
    latents: pa.Table


def joined_tables(trials: Sequence[TrialRows]) -> dict[str, pa.Table]:
    """One table per name of `COLUMNS`, for some trials: a table for each of them would take several times as long."""
    tables = {name: table_of(name, [row for trial in trials for row in trial.rows[name]]) for name in _OF_ROWS}
    return {**tables, "latents": pa.concat_tables([schema("latents").empty_table(), *(t.latents for t in trials)])}


def trial_rows(
    results: TrialResults, *, sweep: str, block: str, state: str, evaluation: str, latest: bool = True
) -> TrialRows:
    """The rows of one trial.

    `evaluation` is the id whose pictures the `trials` row names, where the trial holds it.
    """
    key, config, training, commits, unfinished, failures, attempts = results
    shown = commits.get(evaluation) or next(reversed(list(commits.values())), None)
    trial = {
        **config_row(config),
        **_training_row(training),
        "sweep": sweep,
        "latest": latest,
        "block": block,
        "state": state,
        "attempts": attempts,
        "pictures": f"{attempt_folder(key, shown.attempt)}/{PICTURES}" if shown else "none",
    }
    rows: dict[str, list[Row]] = {
        "trials": [trial],
        "epochs": _epoch_rows(training.history, TRAINED) if training else _epoch_rows(unfinished, UNFINISHED),
        "terms": [row for epoch in training.history for row in _term_rows(epoch)] if training else [],
        "scores": [_score_row(config, e, commit, row) for e, commit in commits.items() for row in commit.rows],
        "failures": [failure.to_json() for failure in failures],
    }
    keyed = {name: [{**row, "key": key} for row in table_rows] for name, table_rows in rows.items()}
    return TrialRows(keyed, _latent_table(key, shown.latents if shown else LatentColumns.of(())))


def config_row(config: TrialConfig) -> dict[str, object]:
    """The columns of `trials` that follow from the configuration alone."""
    return {
        **{name: cell(value) for name, value in config.to_json().items()},
        "name": config.name,
        "depth": config.depth_text,
        **_network_row(config),
    }


def _network_row(config: TrialConfig) -> Row:
    """What follows from the network; nothing where that is a plug-in's and the plug-in is not here."""
    try:
        parameters = parameter_counts(config)
        return {
            "beta_eff": beta_eff(config),
            "parameters_encoder": parameters.encoder,
            "parameters_decoder": parameters.decoder,
            "flops_per_image": flops_per_image(config),
        }
    except PluginError:
        return {}


def cell(value: object) -> object:
    """A field as a table shows it: numbers as one word, "0.001-0.0001", texts with commas, and "none" for what is empty.

    Names with values are texts such as "penalty 0.01", those within others such as "second_vae.steps 2000".
    """
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        value = tuple(_pairs(value))
    if isinstance(value, tuple) and value and all(isinstance(part, str) for part in value):
        value = ", ".join(value)
    elif isinstance(value, tuple):
        value = "-".join(f"{part:g}" if isinstance(part, float) else str(part) for part in value)
    return "none" if value == "" else value


def _pairs(values: tuple[tuple[str, object], ...], within: str = "") -> Iterator[str]:
    for name, value in values:
        if isinstance(value, tuple):
            yield from _pairs(value, f"{name}.")
        else:
            yield f"{within}{name} {_word(value)}"


def _epoch_rows(history: Sequence[EpochRecord], state: str) -> list[Row]:
    return [{**_fields(epoch), "state": state} for epoch in history]


def _word(value: object) -> str:
    """A parameter as a spec gives it."""
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def _score_row(config: TrialConfig, evaluation: str, commit: ScoresRecord, row: ScoreRow) -> Row:
    """A committed row with what the evaluation says of it."""
    asked = commit.evaluation
    recorded: Any = asked.get("plugin_versions", ())
    shared: dict[str, object] = {"evaluation": evaluation, "extractor_sha256": "none", "preparation": "none"}
    shared["scored"] = commit.time or None
    if row.extractor != "none":
        shared["extractor_sha256"] = commit.extractor_weights or asked.get("extractor_sha256") or "none"
        shared["preparation"] = _preparation(row.extractor, recorded_version(recorded, "extractor", row.extractor))
    if row.n_reference:
        shared["reference_seed"] = asked.get("reference_seed")
    decided = deciding_columns(asked, config.model, row.source, row.metric, row.extractor)
    if row.gmm_components is not None:
        decided["gmm_components"] = row.gmm_components
    return {**shared, **_fields(row), "seed": row.sampling_seed, **decided}


@cache
def _preparation(extractor: str, version: str) -> str:
    """What a network sees of a picture; "unknown" for one of another aesweep, or a plug-in that is not here in its version."""
    found = EXTRACTORS.find(extractor)
    return found.preparation if found and found.version == (version or BUILT_IN) else "unknown"


def _term_rows(epoch: EpochRecord) -> list[Row]:
    return [{"epoch": epoch.epoch, **_fields(term)} for term in epoch.terms]


def _fields(row: EpochRecord | TermRecord | ScoreRow) -> Row:
    """The fields by name; faster than `dataclasses.asdict`, and there may be thousands of rows."""
    return {name: getattr(row, name) for name in _NAMES[type(row)]}


def _latent_table(key: str, columns: LatentColumns) -> pa.Table:
    """The rows of `latents`, by way of numpy: Arrow takes ten times as long to read a list."""
    rows = len(columns.index)
    made = {"key": pa.repeat(key, rows)}
    for column in COLUMNS["latents"][1:]:
        values = getattr(columns, column.name)
        if pa.types.is_string(column.type):
            words = {word: place for place, word in enumerate(dict.fromkeys(values))}
            places = np.fromiter(map(words.__getitem__, values), np.int32, rows)
            made[column.name] = pa.DictionaryArray.from_arrays(places, pa.array(words, pa.string())).cast(pa.string())
        else:
            made[column.name] = pa.array(np.array(values, column.type.to_pandas_dtype()))
    return pa.table(made, schema=schema("latents"))


def _training_row(training: TrainingRecord | None) -> Row:
    if training is None:
        unknown = ("attempt", "device", "precision_used", "torch_version", "aesweep_version", "resumed_with")
        return dict.fromkeys(unknown, "none")
    late = late_improvement([epoch.loss for epoch in training.history])
    return {"attempt": training.attempt, "late_improvement": late, **training.result.to_json()}


def table_of(name: str, rows: Sequence[Row]) -> pa.Table:
    """Rows with exactly the columns of the schema; a missing value is null, a missing column an error of ours."""
    columns: dict[str, list[Any]] = {}
    for column in COLUMNS[name]:
        values = [row.get(column.name) for row in rows]
        if pa.types.is_timestamp(column.type):
            values = [datetime.fromisoformat(v) if isinstance(v, str) else v for v in values]
        columns[column.name] = values
    return pa.table(columns, schema=schema(name))
