"""The five tables of a store as pandas frames, with the hash of the bytes they were read from.

A sweep may be running while its report is drawn, so each Parquet file is opened once: the frame and the hash come from
the same bytes, also where the driver replaces the file meanwhile. A store without tables is a store without results
(empty frames); a folder that is no store is an error. The columns below are those that `analysis` reads; a test holds
them against `sweep/tables/schemas.py`, where all columns are explained.

The latents of ten thousand trials are twenty million rows and a figure shows some thousands of them: `LatentPoints`
leaves them in the file until a few trials are asked for.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from aesweep.analysis.data.trials import describe
from aesweep.analysis.errors import ReportError

STORE_MARKER = "store.json"  # the file that makes a folder a store
HASH_DIGITS = 12

_S, _F, _T = "str", "float64", "datetime64[us, UTC]"
COLUMNS: dict[str, dict[str, str]] = {
    "trials": {
        **dict.fromkeys(
            "key name sweep state dataset data_identity resize model depth latent_norm noise_position".split(), _S
        ),
        **dict.fromkeys("image_size filters latent_size noise_std bn_momentum beta epochs batch_size".split(), _F),
        **dict.fromkeys("parameters_encoder parameters_decoder images_train".split(), _F),
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
        **dict.fromkeys(
            "key evaluation source split metric extractor extractor_sha256 reference_split note".split(), _S
        ),
        **dict.fromkeys("vae_latents changed_settings".split(), _S),
        **dict.fromkeys("value stderr n n_reference seed gmm_components".split(), _F),
    },
    "latents": {"key": _S, "split": _S, **dict.fromkeys("index dimension_a dimension_b z_a z_b".split(), _F)},
    "failures": {**dict.fromkeys("key attempt stage type message traceback node".split(), _S), "time": _T},
}


def _empty(table: str) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in COLUMNS[table].items()})


class LatentPoints:
    """The latents table, read trial by trial from the file that was opened when the tables were loaded."""

    def __init__(self, file: BinaryIO | None = None) -> None:
        self._file = file

    def of(self, keys: Iterable[str]) -> pd.DataFrame:
        """The rows of these trials, in the order of the file."""
        wanted = sorted(set(keys))
        if self._file is None or not wanted:
            return _empty("latents")
        self._file.seek(0)
        return _frame(pq.read_table(self._file, columns=list(COLUMNS["latents"]), filters=[("key", "in", wanted)]))


@dataclass(frozen=True, eq=False)  # one object per store that was read: functions may remember what they made of it
class Tables:
    """The tables of one store. Each frame has at least the columns of `COLUMNS`; missing tables are empty frames."""

    root: Path
    trials: pd.DataFrame = field(default_factory=lambda: _empty("trials"))
    epochs: pd.DataFrame = field(default_factory=lambda: _empty("epochs"))
    scores: pd.DataFrame = field(default_factory=lambda: _empty("scores"))
    latents: LatentPoints = field(default_factory=LatentPoints)
    failures: pd.DataFrame = field(default_factory=lambda: _empty("failures"))
    data_hash: str = "none"
    """The first 12 digits that `cd STORE/tables; sha256sum *.parquet | sha256sum` prints; "none" without tables."""
    address: str = ""
    """What a person calls the store, where `root` is a copy of one: its URI."""

    @property
    def store(self) -> str:
        r"""The store's name in texts and commands; a byte that is not UTF-8 is written as `\xe9`."""
        return self.address or os.fsencode(self.root).decode(errors="backslashreplace")

    @cached_property
    def described(self) -> pd.DataFrame:
        """The trials with the columns of `aesweep.analysis.data.trials.describe`; copy before you change it."""
        return describe(self.trials)


def load_tables(store: str | Path, address: str = "") -> Tables:
    """Read `STORE/tables/*.parquet`; `address` is the URI of the store that `store` is a copy of.

    A store that does not exist yet, or has no tables, gives empty frames. Raises `ReportError` for a folder that is no
    store, a file, and a table that cannot be read or lacks a column.
    """
    root = Path(store).expanduser().absolute()
    _check_is_store(root)
    digest, read = hashlib.sha256(), {}
    for table in sorted(COLUMNS):
        path = root / "tables" / f"{table}.parquet"
        try:
            file = path.open("rb")
        except FileNotFoundError:
            continue
        digest.update(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {table}.parquet\n".encode())
        read[table] = _read(path, table, file)
    return Tables(root, **read, data_hash=digest.hexdigest()[:HASH_DIGITS] if read else "none", address=address)


def _read(path: Path, table: str, file: BinaryIO) -> Any:
    """The frame of a table, or for the latents the open file."""
    rebuild = "Make the tables again with `aesweep tables STORE`."
    try:
        names = pq.read_schema(file).names
        lacking = [name for name in COLUMNS[table] if name not in names]
        if lacking:
            raise ReportError("table", path, f"It lacks the column {lacking[0]!r}. {rebuild}")
        if table == "latents":
            return LatentPoints(file)
        with file:
            return _frame(pq.read_table(file, columns=list(COLUMNS[table])))
    except (OSError, pa.ArrowInvalid) as error:
        raise ReportError("table", path, f"It is damaged ({str(error).splitlines()[0]}). {rebuild}") from error


def _frame(table: pa.Table) -> pd.DataFrame:
    """What `pd.read_parquet` gives, from a file that is already open."""
    return table.to_pandas(self_destruct=True, split_blocks=True)


def _check_is_store(root: Path) -> None:
    if root.is_file():
        raise ReportError("STORE", root, "That is a file. Give the folder that `aesweep launch --store` wrote to.")
    if not root.is_dir() or (root / STORE_MARKER).is_file() or (root / "tables").is_dir():
        return
    if any(not entry.name.startswith(".") for entry in root.iterdir() if entry.name != "report"):
        raise ReportError(
            "STORE", root, "The folder holds other files and no store. Give the folder that `aesweep launch` wrote."
        )
