"""Changes of Parquet, safetensors, npz, checkpoints and PNG that leave a file of that format."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from tests.sweep.store.mailed.values import TEXTS

if TYPE_CHECKING:
    from tests.sweep.store.mailed.damage import Context

Change = Callable[["Context", Path], None]

# Parquet


def _table(change: Callable[["Context", pa.Table], pa.Table], **how: Any) -> Change:
    def write(context: "Context", path: Path) -> None:
        pq.write_table(change(context, pq.read_table(path)), path, **how)

    return write


def _column(context: "Context", table: pa.Table, make: Callable[[pa.Field], pa.Array | None]) -> pa.Table:
    """Some columns replaced by what `make` gives for them."""
    for place in context.rng.sample(range(table.num_columns), min(3, table.num_columns)):
        if (made := make(table.schema.field(place))) is not None:
            table = table.set_column(place, table.schema.field(place).name, made)
    return table


def _hostile_texts(context: "Context", table: pa.Table) -> pa.Table:
    texts = context.rng.choice([t for name, t in TEXTS.items() if name != "direction and odd letters"])
    rows = table.num_rows
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) and context.rng.random() < 0.5:
            chosen = [context.rng.choice(texts)[:20_000] for _ in range(rows)]
            table = table.set_column(place, field.name, pa.array(chosen, pa.string()))
    return table


def _odd_numbers(context: "Context", table: pa.Table) -> pa.Table:
    def make(field: pa.Field) -> pa.Array | None:
        if pa.types.is_floating(field.type):
            values = [
                context.rng.choice([float("nan"), float("inf"), -1e308, 0.0, 5e-324]) for _ in range(table.num_rows)
            ]
            return pa.array(values, field.type)
        if pa.types.is_integer(field.type):
            return pa.array([context.rng.choice([-1, 0, 2**62, -(2**62)]) for _ in range(table.num_rows)], field.type)
        return None

    return _column(context, table, make)


def _other_types(context: "Context", table: pa.Table) -> pa.Table:
    def make(field: pa.Field) -> pa.Array:
        kinds = [
            pa.array([None] * table.num_rows, pa.null()), pa.array(["x"] * table.num_rows), pa.array([[1]] * table.num_rows),
            pa.array([{"a": 1}] * table.num_rows), pa.array([b"\xff"] * table.num_rows, pa.binary()), pa.array([True] * table.num_rows),
            pa.array(["x"] * table.num_rows).dictionary_encode(), pa.array([10**17] * table.num_rows, pa.timestamp("us")),
        ]  # fmt: skip
        return context.rng.choice(kinds)

    return _column(context, table, make)


def _fewer_columns(context: "Context", table: pa.Table) -> pa.Table:
    return table.drop_columns([context.rng.choice(table.column_names)])


def _more_columns(context: "Context", table: pa.Table) -> pa.Table:
    for i in range(context.rng.choice([1, 500])):
        table = table.append_column(f"x{i}", pa.array([0] * table.num_rows))
    return table.append_column(table.column_names[0], table.column(0)) if context.rng.random() < 0.3 else table


def _many_rows(context: "Context", path: Path) -> None:
    """Hundreds of millions of equal rows: some megabytes of runs."""
    table = pq.read_table(path)
    rows = context.rng.choice([2_000_000, 20_000_000])
    first = {field.name: pa.repeat(pa.scalar(_some(field, table), field.type), rows) for field in table.schema}
    slim = pa.table(first, schema=table.schema) if rows < 10**7 else None
    if slim is None:  # all columns of so many rows would not fit into the memory of the test either
        kept = dict(list(first.items())[:3])
        slim = pa.table(
            {n: kept.get(n, pa.nulls(rows, f.type)) for n, f in zip(table.column_names, table.schema, strict=True)}
        )
    pq.write_table(slim, path, compression="zstd", row_group_size=rows)


def _some(field: pa.Field, table: pa.Table) -> Any:
    values = table.column(field.name).drop_null()
    return values[0].as_py() if len(values) else None


def _long_cell(context: "Context", table: pa.Table) -> pa.Table:
    def make(field: pa.Field) -> pa.Array | None:
        rows = ["x" * 50_000_000, *["x"] * (table.num_rows - 1)][: table.num_rows]
        return pa.array(rows) if pa.types.is_string(field.type) else None

    return _column(context, table, make)


def _text_bomb(context: "Context", table: pa.Table) -> pa.Table:
    """One long text a hundred thousand times, by its number."""
    rows = 100_000
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    bomb = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, "int32")), pa.array(["x" * 1_000_000]))
    chosen = context.rng.choice(texts)
    columns = {f.name: bomb if f.name == chosen else pa.nulls(rows, f.type) for f in table.schema}
    return pa.table(columns)


# safetensors


def _tensors(change: Callable[["Context", dict[str, Any]], Any]) -> Change:
    """Another header before the same bytes."""

    def write(context: "Context", path: Path) -> None:
        data = path.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        text = json.dumps(change(context, header)).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])

    return write


def _one(context: "Context", header: dict[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = header[context.rng.choice([name for name in header if name != "__metadata__"])]
    return about


def _huge_shapes(context: "Context", header: dict[str, Any]) -> Any:
    _one(context, header)["shape"] = context.rng.choice(
        [[2**40], [2**32, 2**32], [2**63], [0], [], [10**9, 0], [-1], [1] * 1000]
    )
    return header


def _odd_offsets(context: "Context", header: dict[str, Any]) -> Any:
    _one(context, header)["data_offsets"] = context.rng.choice(
        [[0, 2**40], [2**40, 0], [0, 0], [-1, 4], [0], [4, 0], "x", [0, 2**64]]
    )
    return header


def _odd_kinds(context: "Context", header: dict[str, Any]) -> Any:
    _one(context, header)["dtype"] = context.rng.choice(["F64", "I8", "BF16", "C64", "F8_E4M3", "x", None, "BOOL"])
    return header


def _many_tensors(context: "Context", header: dict[str, Any]) -> Any:
    about = dict(_one(context, header), shape=[0], data_offsets=[0, 0])
    return {**header, **{f"x{i}": about for i in range(context.rng.choice([10, 100_000]))}}


# npz and checkpoints


def _arrays(change: Callable[["Context", dict[str, np.ndarray]], dict[str, Any]], compress: bool = False) -> Change:
    def write(context: "Context", path: Path) -> None:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        buffer = io.BytesIO()
        (np.savez_compressed if compress else np.savez)(buffer, **change(context, arrays))
        path.write_bytes(buffer.getvalue())

    return write


def _odd_arrays(context: "Context", arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    name = context.rng.choice(list(arrays))
    kinds: list[Any] = [
        np.array(np.nan), np.full(arrays[name].shape, np.inf), np.zeros((0, 5)), np.zeros((*arrays[name].shape, 1)), np.array("x" * 1000),
        np.array([1 + 2j]), np.array(["2020-01-01"], dtype="datetime64[D]"), np.zeros(3, dtype=[("a", "f4")]), np.array([True]),
        np.full(max(1, arrays[name].size), -1e308), np.array([b"\xff"]), np.zeros((1,) * 30), np.array([None], dtype=object),
    ]  # fmt: skip
    return {**arrays, name: context.rng.choice(kinds)}


def _huge_array(context: "Context", path: Path) -> None:
    """A header that promises terabytes, or a shape that no array has."""
    shape = context.rng.choice([(2**40,), (2**20, 2**20), (2**63,), (-1,), (0, 2**60), (1,) * 100])
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with np.load(path) as file:
        names = file.files
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(f"{name}.npy", header.getvalue() + b"\0" * 64)


def _bomb(context: "Context", path: Path) -> None:
    """A gigabyte of zeros in a megabyte, under the first name of the archive."""
    with zipfile.ZipFile(path) as archive:
        first = archive.namelist()[0]
    with (
        zipfile.ZipFile(path, "w", context.rng.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])) as archive,
        archive.open(first, "w") as part,
    ):
        for _ in range(200):
            part.write(b"\0" * 1_000_000)


def _many_parts(context: "Context", path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        for i in range(context.rng.choice([100, 30_000])):
            archive.writestr(f"x{i}.npy", b"")


def _checkpoint(change: Callable[["Context", dict[str, Any]], Any]) -> Change:
    def write(context: "Context", path: Path) -> None:
        found = torch.load(path, weights_only=True)
        torch.save(change(context, found), path)

    return write


def _odd_state(context: "Context", found: dict[str, Any]) -> Any:
    """Tensors of other shapes, views of one number as large as a disk, and values of other types."""
    waiting, owners = [found["state"]], []
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            owners += [(value, key) for key in value]
            waiting += value.values()
    container, key = context.rng.choice(owners)
    container[key] = context.rng.choice(
        [torch.zeros(1).expand(10**9), torch.zeros(()), torch.zeros(0, 5), torch.full((3,), float("nan")), torch.zeros(2**20), None, -1,
         10**30, "x", [], {}, float("nan"), torch.zeros(4, dtype=torch.int64), torch.zeros(1).as_strided((2**31,), (0,)), "x" * 10**6]
    )  # fmt: skip
    return found


# PNG


def _png(width: int, height: int, rows: bytes, *further: tuple[bytes, bytes], depth: int = 8, colour: int = 2) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + b"".join(chunk(*one) for one in further)
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


def _huge_picture(context: "Context", path: Path) -> None:
    """A picture of gigabytes in kilobytes, or one that says so."""
    side = context.rng.choice([7_900, 30_000, 65_535, 2**31 - 1])
    pixels = min(200_000_000, side * (side // 8 + 1))
    path.write_bytes(_png(side, side, zlib.compress(b"\0" * pixels, 1), depth=1, colour=0))


def _odd_picture(context: "Context", path: Path) -> None:
    text = b"aesweep image side\0" + context.rng.choice([b"0", b"-1", b"1", b"99999999", b"x", b"1e9", b"9" * 5000])
    width, height = context.rng.choice([(1, 1), (0, 5), (5, 0), (3, 200_000), (40, 40)])
    rows = zlib.compress(b"\0" * ((width * 3 + 1) * height))
    bomb = b"aesweep image side\0\0" + zlib.compress(b"1" * 50_000_000)
    more = context.rng.choice(
        [(b"tEXt", text), (b"zTXt", bomb), (b"acTL", b"\0" * 8), (b"iCCP", b"x\0\0" + zlib.compress(b"\0" * 10**7))]
    )
    path.write_bytes(_png(width, height, rows, (b"tEXt", text), more))


_ZIPPED: dict[str, Change] = {"a compressed bomb": _bomb, "thousands of parts": _many_parts}
BINARY: dict[str, dict[str, Change]] = {
    ".parquet": {
        "hostile texts": _table(_hostile_texts), "odd numbers": _table(_odd_numbers), "other column types": _table(_other_types),
        "fewer columns": _table(_fewer_columns), "more columns": _table(_more_columns), "millions of rows": _many_rows,
        "long cells": _table(_long_cell, compression="zstd"), "a long text many times": _table(_text_bomb, compression="zstd"),
    },
    ".safetensors": {
        "huge shapes": _tensors(_huge_shapes), "odd offsets": _tensors(_odd_offsets), "odd kinds": _tensors(_odd_kinds),
        "thousands of tensors": _tensors(_many_tensors),
    },
    ".npz": {
        "odd arrays": _arrays(_odd_arrays), "compressed": _arrays(lambda _, a: a, compress=True), "huge arrays": _huge_array, **_ZIPPED,
    },
    ".pt": {"an odd state": _checkpoint(_odd_state), **_ZIPPED},
    ".png": {"a huge picture": _huge_picture, "an odd picture": _odd_picture},
}  # fmt: skip
