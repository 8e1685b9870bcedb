"""Freezes what a launch will be judged by, before it trains; reads that back for the report.

    claims.py of the user ─► OwnClaims ──┐
    aesweep.analysis: code, thresholds ──┼─► FrozenClaims ─► claims/<hash>.json ─► Frozen ─► the report
    spec, evaluation, what is scored ────┘

The one place of `sweep` besides the commands that knows `analysis`: only there is what judges, and `sweep/store` keeps it.
The path of a user's file comes from the user's own spec or command line. A record names that file too, for messages; no
path of a store is ever opened.
"""

import shlex
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aesweep.cluster.user import complete_environment
from aesweep.models.errors import InputError, one_line
from aesweep.sweep.spec.sweep_spec import SweepSpec
from aesweep.sweep.store.frozen_claims import (
    LONGEST_TEXT,
    FrozenClaims,
    Sentence,
    merged_keys,
    read_frozen,
    write_frozen,
)
from aesweep.sweep.store.store import Store
from aesweep.sweep.version import aesweep_version

if TYPE_CHECKING:
    from aesweep.analysis.claims.own import OwnClaims
    from aesweep.analysis.frozen import Frozen


def own_claims(path: str | Path | None, field: str = "claims") -> "OwnClaims | None":
    """The claims of the user's file, None without one. Raises `InputError` for a file that cannot be used."""
    if not path:
        return None
    complete_environment()  # the file may import anything
    from aesweep.analysis.claims.own import load_claims  # pandas and scipy from here on
    from aesweep.analysis.errors import ReportError

    try:
        return load_claims(path, field)
    except ReportError as error:
        raise InputError(error.field, error.value, error.remedy) from error


def freeze(store: Store, spec: SweepSpec, evaluation: str, own: "OwnClaims | None" = None) -> None:
    """Write what judges this spec under this evaluation, unless that is frozen already."""
    record = _record(store, spec, evaluation, own)
    if not any(found.freezes(record) for found in read_frozen(store.records)):
        write_frozen(store.records, record.model_copy(update={"sentences": _sentences(own)}))


def report_command(store: str, own: "OwnClaims | None" = None) -> str:
    """The command that draws the report and judges own claims, to be pasted into a shell."""
    return f"aesweep report {shlex.quote(store)}" + (f" --claims {shlex.quote(own.file)}" if own else "")


def frozen_in(store: Store) -> "list[Frozen]":
    """What was frozen in a store, oldest first; its texts are safe to print."""
    from aesweep.analysis.frozen import Frozen

    sets = ("keys", "seen", "seen_otherwise")
    merged, found = merged_keys(store.records), []
    for record in read_frozen(store.records):
        values = {field.name: getattr(record, field.name) for field in fields(Frozen)}
        values["seen_otherwise"] = {*record.seen_otherwise, *(merged & set(record.keys))}  # nobody here knows when
        values |= {name: frozenset(values[name]) for name in sets} | {"own_file": one_line(record.own_file)}
        found.append(Frozen(**values))
    return found


def _record(store: Store, spec: SweepSpec, evaluation: str, own: "OwnClaims | None") -> FrozenClaims:
    from aesweep.analysis.frozen import claims_sha256, threshold_values

    keys = [config.key for config, _ in spec.trials]
    listed = store.snapshot()
    scored = dict(zip(keys, listed.storage.map(listed.commits.scored, keys), strict=True))
    return FrozenClaims(
        claims=claims_sha256(),
        thresholds=threshold_values(),
        own=own.sha256 if own else "",
        own_file=_storable(own.file) if own else "",
        sentences=(),
        spec=spec.hash,
        evaluation=evaluation,
        keys=tuple(keys),
        seen=tuple(key for key, ids in scored.items() if evaluation in ids),
        seen_otherwise=tuple(key for key, ids in scored.items() if ids and evaluation not in ids),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        aesweep=aesweep_version(),
    )


def _sentences(own: "OwnClaims | None") -> tuple[Sentence, ...]:
    from aesweep.analysis.claims import CLAIMS  # pandas and scipy from here on

    every = (*CLAIMS, *(own.claims if own else ()))
    return tuple(Sentence(**{name: _storable(getattr(c, name)) for name in Sentence.model_fields}) for c in every)


def _storable(text: str) -> str:
    """Text that every JSON reader takes: no half of a surrogate pair, and of bounded length."""
    return text[:LONGEST_TEXT].encode(errors="replace").decode()
