"""Where the numbers come from: evaluations, versions, devices, precision, seeds, time and the hash of the data."""

from datetime import UTC, datetime
from importlib.metadata import version
from platform import python_version

import pandas as pd

from aesweep.analysis.data.evaluations import Evaluation, evaluations_of, frechet_rows
from aesweep.analysis.data.scores import compared, image_words
from aesweep.analysis.data.tables import Tables

WHY_ASIDE = (
    "shown: the one of most trials; of equals the nearest to the paper's, then that of most images, then the first id"
)


def provenance(tables: Tables, now: datetime | None = None, price: float | None = None) -> list[tuple[str, str]]:
    """Label and text of each line; lines without a value are left out. `price` is that of one GPU-hour."""
    shown, aside = evaluations_of(tables)
    trials = tables.trials
    trained = trials[trials["ended"].notna()]
    libraries = ", ".join(f"{name} {version(name)}" for name in ("pandas", "matplotlib", "pyarrow"))
    drawn = f"{now or datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC with Python {python_version()}, {libraries}"
    why = f" ({WHY_ASIDE})" if aside else ""
    lines = [
        ("Store", tables.store),
        ("Data hash", f"{tables.data_hash} (cd tables; sha256sum *.parquet | sha256sum; first 12 digits)"),
        ("Shown evaluations", ". ".join(_evaluation(tables, one) for one in shown)),
        ("Evaluations not shown", ". ".join(_evaluation(tables, one) for one in aside) + why),
        ("aesweep", _counted(trained["aesweep_version"])),
        ("torch", _counted(trained["torch_version"])),
        ("Devices", _counted(trained["device"])),
        ("Precision used", _counted(trained["precision_used"])),
        ("CPU threads per trial", _counted(trained["threads"])),
        ("Training seeds", ", ".join(f"{seed:.0f}" for seed in sorted(trials["seed"].dropna().unique()))),
        ("Trained", _span(trained)),
        ("Training time", _hours(trained)),
        ("Training cost", _cost(trained, price)),
        ("Report drawn", drawn),
    ]
    return [(label, text) for label, text in lines if text]


def _evaluation(tables: Tables, evaluation: Evaluation) -> str:
    rows = frechet_rows(tables, evaluation)
    images = compared(image_words(rows[rows["value"].notna()])) or "no distance"
    seeds = ", ".join(map(str, evaluation.seeds))
    return (
        f"{evaluation.readable or evaluation.id}: {evaluation.metric} with extractor {evaluation.extractor} (weights {evaluation.sha256}), "
        f"{', '.join([f'{evaluation.trials:,} trials', *evaluation.settings])}, sampling seeds {seeds}; {images}"
    )


def _counted(column: pd.Series) -> str:
    """Every value with its number of trials where there are several values."""
    counts = column.dropna().map(lambda value: f"{value:g}" if isinstance(value, float) else str(value)).value_counts()
    if len(counts) == 1:
        return str(counts.index[0])
    return ", ".join(f"{value} ({count:,} trials)" for value, count in counts.items())


def _span(trained: pd.DataFrame) -> str:
    if trained.empty:
        return ""
    return f"{trained['started'].min():%Y-%m-%d %H:%M} to {trained['ended'].max():%Y-%m-%d %H:%M} UTC"


def _hours(trained: pd.DataFrame) -> str:
    if trained.empty:
        return ""
    hours, gpu = trained["train_seconds"].sum() / 3600, trained["gpu_seconds"].sum() / 3600
    return f"{hours:.2f} hours over all trials" + (f", {gpu:.2f} GPU-hours" if gpu else ", no GPU")


def _cost(trained: pd.DataFrame, price: float | None) -> str:
    """Cost of the GPU-hours of all trials; "" without a price. Evaluation and training without a result are not counted."""
    if trained.empty or price is None:
        return ""
    hours = trained["gpu_seconds"].sum() / 3600
    return f"{hours * price:,.2f} ({hours:.2f} GPU-hours at {price:g} each)" if hours else "no GPU was used"
