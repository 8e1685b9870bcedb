"""The five tables of a store as pandas frames, with the hash of the bytes they were read from.

A sweep may be running while its report is drawn, so each Parquet file is read once: the frame and the hash come from
the same bytes. A store without tables is a store without results (empty frames); a folder that is no store is an
error. The columns below are those that `analysis` reads; a test holds them against `sweep/schemas.py`, where all
columns are explained.
"""

import hashlib
import io
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from analysis.errors import ReportError
from analysis.trials import describe

STORE_MARKER = "store.json"  # the file that makes a folder a store
HASH_DIGITS = 12

_S, _F, _T = "str", "float64", "datetime64[us, UTC]"
COLUMNS: dict[str, dict[str, str]] = {
    "trials": {
        **dict.fromkeys(
            "key name sweep state dataset data_identity resize model depth latent_norm noise_position".split(), _S
        ),
        **dict.fromkeys("image_size filters latent_size noise_std bn_momentum beta epochs batch_size".split(), _F),
        **dict.fromkeys("freeze_latent conv_norm".split(), "bool"),
        **dict.fromkeys("decoder_first_map decoder_first_activation reduction learning_rates".split(), _S),
        **dict.fromkeys("learning_rate_drops precision precision_used device torch_version".split(), _S),
        **dict.fromkeys("aesweep_version pictures".split(), _S),
        **dict.fromkeys("warmup_epochs warmup_learning_rate seed test_bce mean_image_bce attempts threads".split(), _F),
        **dict.fromkeys("train_seconds gpu_seconds".split(), _F),
        **dict.fromkeys("started ended".split(), _T),
    },
    "epochs": {"key": _S, "epoch": _F, "loss": _F},
    "scores": {
        **dict.fromkeys("key evaluation source split metric extractor note".split(), _S),
        **dict.fromkeys("value n n_reference seed".split(), _F),
    },
    "latents": {"key": _S, "split": _S, **dict.fromkeys("index dimension_a dimension_b z_a z_b".split(), _F)},
    "failures": {**dict.fromkeys("key attempt stage type message traceback node".split(), _S), "time": _T},
}


def _empty(table: str) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in COLUMNS[table].items()})


@dataclass(frozen=True)
class Tables:
    """The tables of one store. Each frame has at least the columns of `COLUMNS`; missing tables are empty frames."""

    root: Path
    trials: pd.DataFrame = field(default_factory=lambda: _empty("trials"))
    epochs: pd.DataFrame = field(default_factory=lambda: _empty("epochs"))
    scores: pd.DataFrame = field(default_factory=lambda: _empty("scores"))
    latents: pd.DataFrame = field(default_factory=lambda: _empty("latents"))
    failures: pd.DataFrame = field(default_factory=lambda: _empty("failures"))
    data_hash: str = "none"
    """12 hex digits of the SHA-256 of the Parquet files; "none" where there are none."""

    @cached_property
    def described(self) -> pd.DataFrame:
        """The trials with the columns `data` and `variant` (`analysis.trials.describe`); copy before you change it."""
        return describe(self.trials)


def load_tables(store: str | Path) -> Tables:
    """Read `STORE/tables/*.parquet`.

    A store that does not exist yet, or has no tables, gives empty frames. Raises `ReportError` for a folder that is no
    store, a file, and a table that cannot be read or lacks a column.
    """
    root = Path(store).expanduser().absolute()
    _check_is_store(root)
    digest, frames = hashlib.sha256(), {}
    for table in sorted(COLUMNS):
        path = root / "tables" / f"{table}.parquet"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue
        digest.update(f"{table} {len(data)}\n".encode())
        digest.update(data)
        frames[table] = _read(path, table, data)
    return Tables(root, **frames, data_hash=digest.hexdigest()[:HASH_DIGITS] if frames else "none")


def _read(path: Path, table: str, data: bytes) -> pd.DataFrame:
    rebuild = "Make the tables again with `aesweep tables STORE`."
    try:
        frame = pd.read_parquet(io.BytesIO(data))
    except (OSError, ValueError) as error:  # pyarrow's ArrowInvalid is a ValueError
        raise ReportError("table", path, f"It is damaged ({str(error).splitlines()[0]}). {rebuild}") from error
    lacking = [name for name in COLUMNS[table] if name not in frame]
    if lacking:
        raise ReportError("table", path, f"It lacks the column {lacking[0]!r}. {rebuild}")
    return frame


def _check_is_store(root: Path) -> None:
    if root.is_file():
        raise ReportError("STORE", root, "That is a file. Give the folder that `aesweep launch --store` wrote to.")
    if not root.is_dir() or (root / STORE_MARKER).is_file() or (root / "tables").is_dir():
        return
    if any(not entry.name.startswith(".") for entry in root.iterdir() if entry.name != "report"):
        raise ReportError(
            "STORE", root, "The folder holds other files and no store. Give the folder that `aesweep launch` wrote."
        )
