"""Every way to damage a store, for each kind of file in it.

A mailer writes what he likes, so after most damages the hashes that other files hold are made to agree again, and records
are sealed anew: what is behind the first check is reached too.
"""

import json
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aesweep.sweep.store.records.commits import file_record
from aesweep.sweep.store.records.seal import sealed_json_bytes
from tests.sweep.store.mailed.formats import BINARY
from tests.sweep.store.mailed.places import PLACES
from tests.sweep.store.mailed.values import VALUES

KINDS = {
    "store.json": "mark",
    "verified.json": "verification", "claims/*.json": "frozen claims",
    "sweeps/latest.json": "latest spec", "sweeps/*.json": "spec", "trials/*/config.json": "configuration",
    "trials/*/train.json": "training commit", "trials/*/scores/*.json": "scores commit", "trials/*/failures/*.json": "failure",
    "trials/*/pruned.json": "pruned attempts", "trials/*/epochs.json": "epochs of an unfinished training",
    "*/start.json": "start of an attempt", "*/end.json": "end of an attempt",
    "*/log.txt": "log", "*/model.safetensors": "weights", "*/checkpoint.pt": "checkpoint", "*/latents.npz": "latents",
    "*/priors-*.npz": "prior", "references/*.npz": "reference", "*/samples/*.png": "picture", "tables/folded.json": "folded tables",
    "tables/publisher.json": "publisher", "tables/*.parquet": "table", "progress/*.json": "driver", "progress/*.alive": "sign of life",
    "progress/*.stop": "request to stop", "report/*": "report",
    "launches/*.json": "launch", "merges/*.json": "merge",
}  # fmt: skip
"""Pattern of a path in a store -> the kind of file; the first that matches."""


@dataclass(frozen=True)
class Context:
    """What a damage may use."""

    rng: random.Random
    store: Path
    bait: Path


Damage = Callable[[Context, Path], None]


def kind_of(name: str) -> str:
    """The kind of a file, by its path in the store; "" for one that no store of ours holds."""
    if name.startswith("report/"):
        return "report"
    return next((kind for pattern, kind in KINDS.items() if Path(name).match(pattern)), "")


def all_damages() -> list[tuple[str, str]]:
    """Every kind of file with every damage that can be done to it."""
    found = []
    for pattern, kind in KINDS.items():
        ending = Path(pattern).suffix
        names = [
            *BYTES,
            *PLACES,
            *BINARY.get(ending, {}),
            *(VALUES if ending == ".json" or kind == "sign of life" else ()),
        ]
        found += [(kind, name) for name in names if not (kind == "mark" and name in LEAVES_NO_STORE)]
    return found


LEAVES_NO_STORE = ("a link to a folder of the reader",)  # the reader named the folder, whatever is in it


def damage(context: Context, kind: str, name: str) -> str:
    """Damage one file of this kind; what was done."""
    files = sorted(path for path in context.store.rglob("*") if path.is_file() and not path.is_symlink())
    mine = [path for path in files if kind_of(path.relative_to(context.store).as_posix()) == kind]
    path = context.rng.choice(mine)
    where = path.relative_to(context.store).as_posix()
    if name in PLACES:
        PLACES[name](context, path)
    elif name in BYTES:
        path.write_bytes(BYTES[name](context.rng, path.read_bytes()))
    elif name in VALUES:
        write_changed(context, path, lambda tree: VALUES[name](context, tree))
    else:
        BINARY[path.suffix][name](context, path)
    if path.is_file() and not path.is_symlink() and path.stat().st_size < 2**27 and context.rng.random() < 0.8:
        with suppress(PermissionError, ValueError, KeyError, TypeError):  # what names it is damaged too
            make_hashes_agree(context.store, path)
    return f"{name}: {where}"


def write_changed(context: Context, path: Path, change: Callable[[Any], Any]) -> None:
    """JSON with a change; with its old seal, without one, or sealed anew."""
    tree = change(json.loads(path.read_bytes()))
    way = context.rng.randrange(4)
    if isinstance(tree, dict) and "seal" in tree and way:
        tree.pop("seal")
        if way > 1:
            with suppress(ValueError):
                path.write_bytes(sealed_json_bytes(tree))
                return
    path.write_text(json.dumps(tree, indent=1))


def make_hashes_agree(store: Path, path: Path) -> None:
    """Let the commit or the note that names a file name its bytes as they are now."""
    record = file_record(path.read_bytes()).to_json()
    for commit in (
        *store.glob("trials/*/train.json"),
        *store.glob("trials/*/scores/*.json"),
        store / "tables/folded.json",
    ):
        if commit == path or not commit.is_file() or commit.is_symlink():
            continue
        tree = json.loads(commit.read_bytes())
        folder = store / "tables" if commit.name == "folded.json" else _folder_of(commit, tree)
        name = path.relative_to(folder).as_posix().removesuffix(".parquet") if path.is_relative_to(folder) else ""
        if name in tree["files"]:
            tree["files"][name] = record
            if path.name == "model.safetensors":
                _name_weights(commit.parent, str(record["sha256"]))
            tree.pop("seal", None)
            commit.write_bytes(sealed_json_bytes(tree))


def _folder_of(commit: Path, tree: dict[str, Any]) -> Path:
    trial = commit.parent if commit.name == "train.json" else commit.parent.parent
    return trial / "attempts" / str(tree["attempt"])


def _name_weights(trial: Path, sha256: str) -> None:
    """Scores count for the weights that they name."""
    for commit in trial.glob("scores/*.json"):
        tree = json.loads(commit.read_bytes())
        tree.pop("seal", None)
        commit.write_bytes(sealed_json_bytes({**tree, "model": sha256}))


# Damages of bytes, whatever they are


def _truncated(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _flipped(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 8, 100])):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _garbage(rng: random.Random, data: bytes) -> bytes:
    return rng.choice([b"\0" * len(data), rng.randbytes(len(data)), b"\xff\xfe" + data, data + data, b"\x1b[2J" + data])


def _of_another_kind(rng: random.Random, data: bytes) -> bytes:
    return rng.choice(
        [b"null", b"[]", b"{}", b"7", b'"text"', b"NaN", b"1e999", b"9" * 5000, b"{" + b'"a":1,' * 3 + b'"a":2}', b"\x80\x04.",
         b"PK\x05\x06" + b"\0" * 18, b"PAR1", b"PAR1" + b"\0" * 30 + b"PAR1", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n",
         b"\x93NUMPY\x01\x00v\x00{'descr'", b"\xff" * 8 + b"{}", b"!!python/object/apply:os.mkdir [x]"]
    )  # fmt: skip


def _deep(rng: random.Random, data: bytes) -> bytes:
    return rng.choice([b"[", b'{"a":', b'[{"a":']) * rng.choice([50, 1_000, 100_000, 3_000_000])


def _many(rng: random.Random, data: bytes) -> bytes:
    return b"[" + b",".join([rng.choice([b"0", b"[]", b'""'])] * 2_000_000) + b"]"


BYTES: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "empty": lambda rng, data: b"",
    "cut short": _truncated,
    "flipped bits": _flipped,
    "garbage": _garbage,
    "another format": _of_another_kind,
    "deep nesting": _deep,
    "millions of values": _many,
}
