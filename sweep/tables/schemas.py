"""The columns of the seven tables: names, types and meaning.

A column that shows a field of a record is defined at that field: `filters: Annotated[int, "filters of the first encoder
stage"]`. The other columns are defined here. `docs/tables.md` repeats `COLUMNS` (a test compares them).

Every Parquet file is written with one of these explicit schemas: an inferred all-null column would take type null and
break later reads. `analysis` reads them too, so this module imports neither torch nor Ray.
"""

from dataclasses import fields
from types import NoneType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import pyarrow as pa

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.descriptions import METRICS, MIXTURE_ROWS, ROWS, SAMPLES_AND_REFERENCE
from aesweep.evaluation.rows import LatentRow, ScoreRow
from aesweep.models.architectures.architecture import FIELDS
from aesweep.models.architectures.registry import ARCHITECTURES
from aesweep.models.config import KEY_FIELDS, TrialConfig
from aesweep.models.objectives.registry import OBJECTIVES
from aesweep.models.training.epoch_record import EpochRecord, TermRecord

SCHEMA_VERSION = 11
STILL_IMPROVING = 0.05
"""`late_improvement` of a loss that falls half as fast at its end as in a straight line."""
TRAINED, UNFINISHED = "trained", "unfinished"
"""Values of `state` in `epochs`."""
MODEL_TITLES = {name: one.title for name, one in OBJECTIVES.built_in.items()}
"""How a report calls the models of aesweep."""
MODEL_READS = {name: one.reads for name, one in OBJECTIVES.built_in.items()}
"""Fields of a trial, such as `beta`, that only some models read."""
OWN_RECONSTRUCTION = frozenset(name for name, one in OBJECTIVES.built_in.items() if one.reconstruction is not None)
"""Models whose reconstruction is a likelihood of their own, whatever the field `reconstruction` says."""
ARCHITECTURE_FIELDS = FIELDS
"""Fields of a trial that only some architectures read."""
ARCHITECTURE_READS = {name: one.reads for name, one in ARCHITECTURES.built_in.items()}
"""Which of them each architecture of aesweep reads."""
METRIC_ROWS = ROWS
"""Name of a metric in the table `scores` -> how a report shows it."""
METRIC_OF_ROW = {row.name: one.name for one in METRICS.built_in.values() for row in one.rows}
"""The metric of an evaluation that gives each of them."""
BY_COMPONENTS = tuple(row.name for row in MIXTURE_ROWS)
"""Those of which a trial has several, one per number of components."""
SHARED_ERROR = SAMPLES_AND_REFERENCE
"""Value of `stderr_of` where an error counts the real images too, which all sampling seeds of a trial share."""


class Column(NamedTuple):
    """One column: its name, Arrow type and meaning with unit."""

    name: str
    type: pa.DataType
    meaning: str


_S, _I, _F, _B = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_T = pa.timestamp("us", tz="UTC")
_ARROW: dict[object, pa.DataType] = {str: _S, Literal: _S, tuple: _S, int: _I, float: _F, bool: _B}
"""Python's type of a field, without what it holds -> the type of its column. A tuple is shown as text."""


def columns_of(record: type, *others: str) -> tuple[Column, ...]:
    """One column per field of a dataclass, in its order, but for `others`, which are shown in tables of their own.

    Raises `TypeError` for a field without a meaning or type of a column.
    """
    hints, names = get_type_hints(record, include_extras=True), [field.name for field in fields(record)]
    return tuple(_column(f"{record.__name__}.{name}", hints[name]) for name in names if name not in others)


def _column(field: str, hint: object) -> Column:
    kind, *meanings = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    options = [option for option in get_args(kind) if option is not NoneType] if NoneType in get_args(kind) else [kind]
    arrow = _ARROW.get(get_origin(options[0]) or options[0])
    if len(meanings) != 1 or arrow is None:
        raise TypeError(f'{field}: {hint}\nWrite its type and meaning as a column: Annotated[int, "pixels per side"].')
    return Column(field.partition(".")[2], arrow, meanings[0])


def _with(columns: tuple[Column, ...], **followers: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns, each followed by those that `followers` gives under its name."""
    return tuple(column for one in columns for column in (one, *followers.get(one.name, ())))


CONFIG_FIELDS = tuple(field.name for field in fields(TrialConfig))
"""Columns of `trials` that decide what a trial trains."""

ADDED: dict[str, dict[str, Any]] = {
    "trials": {
        **{
            f.name: "none" if f.default in ("", ()) else f.default
            for f in fields(TrialConfig)
            if f.name not in KEY_FIELDS
        },
        "late_improvement": None,
        "latest": None,
    },
    "epochs": {"state": TRAINED, "test_sample_bce": None},
    "scores": {
        **{field.name: field.default for field in fields(ScoreRow) if field.name in ("stderr_of", "stderr_shared")},
        "scored": None,
    },
}
"""Columns that the first tables did not have, by table, with what they would have held (None: unknown): such tables can be
read."""

RENAMED = {"scores": {"sampling_seed": "seed"}}
"""Columns that had another name in older tables, by table: the name -> the old one."""

_BETA_EFF = Column(
    "beta_eff", _F, "weight of the summed KL against the summed cross-entropy; null where there is not both"
)
_PRECISION_USED = Column("precision_used", _S, "precision trained in: bf16, fp16 or fp32")
_EXTRACTOR_SHA256 = Column("extractor_sha256", _S, 'SHA-256 of its weights; "none" for scores that use none')
_PREPARATION = Column(
    "preparation", _S, 'what the network sees of a picture: size, filter, scale, type; "none" without one'
)
_REFERENCE_SEED = Column(
    "reference_seed", _I, "seed of that draw, where the split has more images; null where there is no reference"
)
_SCORED = Column("scored", _T, "when the evaluation of the trial was committed; null for one of aesweep 0.1")
_SEED = Column("seed", _I, "the same as sampling_seed, whose name it was; goes in aesweep 0.3")
_VAE_LATENTS = Column(
    "vae_latents",
    _S,
    "mean or sample: what of each image's distribution a VAE's priors are fitted on; "
    '"none" for a DAE, and for scores that do not depend on it',
)
_CHANGED_SETTINGS = Column(
    "changed_settings",
    _S,
    "further settings of the evaluation that decide this score, where they are not the default, such as "
    '"kid_subsets 10, kid_subset_size 50"; "none" where all are',
)

RESULT_COLUMNS = (
    Column("final_loss", _F, "training loss of the last epoch"),
    Column("final_reconstruction", _F, "its reconstruction part, per pixel value (mean) or per image (sum)"),
    Column("final_kl", _F, "its KL part before weighting; null where the model has none"),
    Column("test_bce", _F, "mean cross-entropy of the test images in eval mode, nats per pixel value"),
    Column("mean_image_bce", _F, "the same for the mean training image: what a model that learnt nothing scores"),
    Column("images_train", _I, "training images"),
    Column("images_test", _I, "test images"),
    Column(
        "late_improvement",
        _F,
        "part of the whole fall of the training loss that came in the last tenth of the epochs, at least one; above 0.05 it was still "
        "improving fast; null where it did not fall",
    ),
    Column("train_seconds", _F, "wall-clock seconds of training, all attempts that fed the committed one"),
    Column("gpu_seconds", _F, "train_seconds times the share of a GPU held; 0 on a CPU"),
    Column("images_per_second", _F, "training images per wall-clock second"),
    Column("device", _S, "device name"),
    Column("threads", _I, "CPU threads of the trial"),
    Column("torch_version", _S, "version of torch"),
    Column("aesweep_version", _S, "version of aesweep"),
    Column(
        "resumed_with",
        _S,
        "settings of the attempts that it went on from, where they differ from this row's device, threads, "
        'precision_used or torch_version, or in other switches that change bits, such as "threads 2 until epoch 3"; '
        '"none" where one setting trained it all; null for a training of an older aesweep',
    ),
    Column("started", _T, "start of the committed attempt's training"),
    Column("ended", _T, "commit of the training"),
)
"""What `trials` shows of the `result` of a training's commit; `precision_used` follows `precision`."""

COLUMNS: dict[str, tuple[Column, ...]] = {
    "trials": (
        Column("key", _S, "12 hex digits; the same configuration has the same key in every store"),
        Column("name", _S, "readable words and the key"),
        Column("sweep", _S, "name of the latest spec where that asks for the trial, else of another that does"),
        Column("latest", _B, "whether the latest spec asks for it; `resume` and `evaluate` need --all for the others"),
        Column("block", _S, "the spec's block that the trial comes from"),
        Column("state", _S, "pending, running, trained (not yet scored), done, failed (also a trial that lost files)"),
        *_with(columns_of(TrialConfig), beta=(_BETA_EFF,), precision=(_PRECISION_USED,)),
        Column("attempts", _I, "training attempts started so far, those that were pruned included"),
        Column("attempt", _S, "the attempt that was committed; its folder is trials/<key>/attempts/<attempt>"),
        Column(
            "parameters_encoder",
            _I,
            "trained and frozen parameters of the encoder with its latent layer; null, as the next two, where a plug-in was missing",
        ),
        Column("parameters_decoder", _I, "parameters of the decoder"),
        Column("flops_per_image", _I, "floating point operations of one forward pass of one image"),
        *RESULT_COLUMNS,
        Column("pictures", _S, 'folder of sample grids under the store; "none" until scored'),
    ),
    "epochs": (
        Column("key", _S, "the trial"),
        Column(
            "state",
            _S,
            "trained; or unfinished: of a training that has no result yet (it runs, was stopped or failed), as of the last "
            "half minute",
        ),
        *columns_of(EpochRecord, "terms"),
    ),
    "terms": (
        Column("key", _S, "the trial"),
        Column("epoch", _I, "1 for the first"),
        *columns_of(TermRecord),
    ),
    "scores": (
        Column("key", _S, "the trial"),
        Column("evaluation", _S, "12 hex digits that name the way of scoring"),
        *_with(
            columns_of(ScoreRow),
            extractor=(_EXTRACTOR_SHA256, _PREPARATION),
            reference_split=(_REFERENCE_SEED,),
            sampling_seed=(_SEED,),
            gmm_components=(_VAE_LATENTS, _CHANGED_SETTINGS),
            seconds=(_SCORED,),
        ),
    ),
    "evaluations": (
        Column("evaluation", _S, "12 hex digits that name the way of scoring"),
        Column("name", _S, "readable words and the id"),
        Column("latest", _B, "whether the latest launch asked for it"),
        Column("trials", _I, "trials that were scored in this way"),
        Column("scores", _I, "rows of the table scores"),
        Column("sweeps", _S, "names of the sweeps whose trials were scored"),
        Column("first_scored", _T, "when the first of these trials was; null where all were scored by aesweep 0.1"),
        Column("last_scored", _T, "when the last one was"),
        *columns_of(EvaluationConfig),
    ),
    "latents": (Column("key", _S, "the trial"), *columns_of(LatentRow)),
    "failures": (
        Column("key", _S, "the trial"),
        Column("attempt", _S, "the attempt that failed"),
        Column("stage", _S, "train or evaluate"),
        Column("type", _S, "exception type"),
        Column("message", _S, "what went wrong"),
        Column("traceback", _S, "last lines of the traceback"),
        Column("node", _S, "host name"),
        Column("time", _T, "when"),
    ),
}


KEYED = tuple(name for name in COLUMNS if name != "evaluations")
"""Tables whose rows belong to one trial each."""


def schema(table: str, publication: str = "") -> pa.Schema:
    """The Arrow schema of one table, with its version in the metadata, and the word of a publication."""
    metadata = {"aesweep_table": table, "aesweep_schema": str(SCHEMA_VERSION)}
    if publication:
        metadata["aesweep_publication"] = publication
    return pa.schema([(column.name, column.type) for column in COLUMNS[table]], metadata=metadata)
