"""The rows of one trial in the five tables, read from its commits."""

from datetime import datetime
from typing import Any

import pyarrow as pa

from aesweep.evaluation.deciding_fields import deciding_columns
from aesweep.evaluation.networks.weights import PREPARATION
from aesweep.models.config import TrialConfig
from aesweep.models.cost import beta_eff, flops_per_image, parameter_counts
from aesweep.sweep.store.layout import PICTURES, attempt_folder
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.schemas import COLUMNS, RESULT_COLUMNS, schema

_RESULTS = ("precision_used", *(column.name for column in RESULT_COLUMNS))
_NONE_YET = dict.fromkeys(
    ("attempt", "device", "precision_used", "torch_version", "aesweep_version", "resumed_with"), "none"
)


def trial_tables(store: Store, key: str, *, sweep: str, block: str, state: str, evaluation: str) -> dict[str, pa.Table]:
    """One small table per name of `COLUMNS`, for one trial.

    `evaluation` is the id whose pictures the `trials` row names, where the trial holds it.
    """
    config = store.config(key)
    training = store.training(key)
    commits = {e: commit for e in store.scored(key) if (commit := store.scores(key, e)) is not None}
    shown = commits.get(evaluation) or next(iter(reversed(commits.values())), None)
    pictures = f"{attempt_folder(key, shown['attempt'])}/{PICTURES}" if shown else "none"
    rows: dict[str, list[dict[str, Any]]] = {
        "trials": [
            {
                **config_row(config),
                **_training_row(training),
                "sweep": sweep,
                "block": block,
                "state": state,
                "attempts": store.count_attempts(key, "train"),
                "pictures": pictures,
            }
        ],
        "epochs": training["history"] if training else [],
        "scores": [_score_row(config, e, commit, row) for e, commit in commits.items() for row in commit["rows"]],
        "latents": shown["latents"] if shown else [],
        "failures": store.failures(key),
    }
    return {name: _table(name, key, table_rows) for name, table_rows in rows.items()}


def config_row(config: TrialConfig) -> dict[str, Any]:
    """The columns of `trials` that follow from the configuration alone."""
    parameters = parameter_counts(config)
    return {
        **{name: _cell(value) for name, value in config.to_json().items()},
        "name": config.name,
        "depth": config.depth_text,
        "beta_eff": beta_eff(config),
        "parameters_encoder": parameters.encoder,
        "parameters_decoder": parameters.decoder,
        "flops_per_image": flops_per_image(config),
    }


def _cell(value: Any) -> Any:
    """A field as a table shows it: a list as one word, "0.001-0.0001", and "none" for what is empty."""
    if isinstance(value, tuple):
        value = "-".join(f"{part:g}" if isinstance(part, float) else str(part) for part in value)
    return "none" if value == "" else value


def _score_row(config: TrialConfig, evaluation: str, commit: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """A committed row with what the evaluation says of it."""
    extractor, asked = row["extractor"], commit.get("evaluation", {})
    shared: dict[str, Any] = {"evaluation": evaluation, "extractor_sha256": "none", "preparation": "none"}
    if extractor != "none":
        shared["extractor_sha256"] = asked.get("extractor_sha256") or "none"
        shared["preparation"] = PREPARATION.get(extractor, "unknown")
    if row["n_reference"]:
        shared["reference_seed"] = asked.get("reference_seed")
    return {**shared, **row, **deciding_columns(asked, config.model, row["source"], row["metric"])}


def _training_row(training: dict[str, Any] | None) -> dict[str, Any]:
    if training is None:
        return _NONE_YET
    return {"attempt": training["attempt"], **{name: training["result"].get(name) for name in _RESULTS}}


def _table(name: str, key: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows with exactly the columns of the schema; a missing value is null, a missing column an error of ours."""
    columns: dict[str, list[Any]] = {}
    for column in COLUMNS[name]:
        values = [key if column.name == "key" else row.get(column.name) for row in rows]
        if pa.types.is_timestamp(column.type):
            values = [datetime.fromisoformat(v) if isinstance(v, str) else v for v in values]
        columns[column.name] = values
    return pa.table(columns, schema=schema(name))
