"""What the JSON files of a store must hold, checked once, where they are read.

A file can be torn, hit by a bad disk, edited by hand or made by somebody else; what follows trusts its shape, and some
of its words become parts of paths. So each kind of file has one check here, and a file that fails it is damaged: it is
set aside or left out, and its work is done again.

The commits carry a `seal`, the SHA-256 of their own bytes with zeros in its place: a flipped bit in a number is still
JSON of the right shape. A file without one (of an older version) is judged by its shape alone.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aesweep.evaluation.deciding_fields import NUMBERS
from aesweep.sweep.store.storage import to_json_bytes

ZEROS = "0" * 64
_SEAL = re.compile(rb'\n "seal": "([0-9a-f]{64})"')  # one space of indent: top level only
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_FAILURE = ("attempt", "stage", "evaluation", "type", "message", "traceback", "node", "time")
_EPOCH_NUMBERS = "learning_rate loss reconstruction seconds images_per_second".split()
_SCORE_TEXT = "source split metric extractor reference_split note".split()


def sealed_json_bytes(value: Mapping[str, Any]) -> bytes:
    """A record as JSON with its seal."""
    data = to_json_bytes({**value, "seal": ZEROS})
    place = _seal_place(data)
    assert place is not None
    return data[:place] + hashlib.sha256(data).hexdigest().encode() + data[place + len(ZEROS) :]


def parse_record(data: bytes) -> dict[str, Any] | None:
    """The JSON object in `data`; None where there is none, or where its seal is broken."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    return value if _seal_place(data) is None or has_sound_seal(data) else None


def has_sound_seal(data: bytes) -> bool:
    """Whether the bytes are those that were sealed; far faster than reading them as JSON. False without a seal."""
    place = _seal_place(data)
    if place is None:
        return False
    end = place + len(ZEROS)
    unsealed = hashlib.sha256(data[:place])
    unsealed.update(ZEROS.encode())
    unsealed.update(data[end:])
    return unsealed.hexdigest().encode() == data[place:end]


def _seal_place(data: bytes) -> int | None:
    found = _SEAL.search(data)
    return found.start(1) if found else None


def is_name(value: object) -> bool:
    """Whether a word of a file may be one part of a path: letters, digits, `_`, `.` and `-`, and no dot in front."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def is_latest(value: Mapping[str, Any]) -> bool:
    """`sweeps/latest.json`."""
    return is_name(value.get("spec")) and is_name(value.get("evaluation"))


def is_spec(value: Mapping[str, Any]) -> bool:
    """`sweeps/<spec hash>.json`; the spec inside is read by `SweepSpec.from_json`, where it is needed."""
    keys = value.get("keys")
    return (
        _is_text(value.get("name"))
        and isinstance(keys, dict)
        and all(is_name(key) and _is_text(block) for key, block in keys.items())
        and isinstance(value.get("spec"), dict)
    )


def is_training(value: Mapping[str, Any]) -> bool:
    """`train.json`."""
    result, history = value.get("result"), value.get("history")
    return (
        _is_attempt(value)
        and isinstance(history, list)
        and all(map(_is_epoch, history))
        and isinstance(result, dict)
        and all(fits(result[name]) for name, fits in _RESULT.items() if name in result)
    )


def is_scores(value: Mapping[str, Any]) -> bool:
    """`scores/<evaluation id>.json`."""
    rows, latents = value.get("rows"), value.get("latents")
    return (
        _is_attempt(value)
        and _is_evaluation(value.get("evaluation", {}))
        and isinstance(rows, list)
        and all(map(_is_score, rows))
        and isinstance(latents, list)
        and all(map(_is_latent, latents))
    )


def is_failure(value: Mapping[str, Any]) -> bool:
    """`failures/*.json`."""
    return all(_is_text(value.get(name)) for name in _FAILURE) and _is_time(value["time"])


def is_pruned(value: Mapping[str, Any]) -> bool:
    """`pruned.json`."""
    attempts = value.get("attempts")
    return isinstance(attempts, list) and all(map(is_name, attempts))


def is_progress(value: Mapping[str, Any]) -> bool:
    """`progress/*.json`."""
    pid, running = value.get("pid"), value.get("running")
    return (
        _is_text(value.get("host"))
        and isinstance(pid, int)
        and 0 < pid < 2**31
        and _is_finite(value.get("time"))
        and (value.get("eta_seconds") is None or _is_finite(value["eta_seconds"]))
        and isinstance(running, dict)
        and all(map(_is_running, running.values()))
    )


def _is_attempt(value: Mapping[str, Any]) -> bool:
    """What both commits have: the attempt, and its files with their SHA-256 and length."""
    files = value.get("files")
    return is_name(value.get("attempt")) and isinstance(files, dict) and all(map(_is_file, files.values()))


def _is_file(value: object) -> bool:
    return isinstance(value, dict) and _is_text(value.get("sha256")) and _is_count(value.get("bytes"))


def _is_epoch(row: object) -> bool:
    return (
        isinstance(row, dict)
        and all(_is_count(row.get(name)) for name in ("epoch", "skipped_steps"))
        and all(_is_number(row.get(name)) for name in _EPOCH_NUMBERS)
        and _is_number_or_none(row.get("kl"))
    )


def _is_score(row: object) -> bool:
    return (
        isinstance(row, dict)
        and all(_is_text(row.get(name)) for name in _SCORE_TEXT)
        and all(_is_count(row.get(name)) for name in ("n", "n_reference", "seed"))
        and all(_is_number_or_none(row.get(name)) for name in ("value", "stderr", "seconds"))
        and all(_is_text(row.get(name, "")) for name in ("evaluation", "extractor_sha256", "preparation"))
        and _is_count_or_none(row.get("reference_seed"))
    )


def _is_evaluation(value: object) -> bool:
    """What a commit says of its evaluation, as far as it goes into the tables."""
    return isinstance(value, dict) and all(fits(value[name]) for name, fits in _EVALUATION.items() if name in value)


def _is_latent(row: object) -> bool:
    return (
        isinstance(row, dict)
        and _is_text(row.get("split"))
        and all(_is_count(row.get(name)) for name in ("index", "dimension_a", "dimension_b"))
        and all(_is_number(row.get(name)) for name in ("z_a", "z_b"))
    )


def _is_running(trial: object) -> bool:
    return (
        isinstance(trial, dict)
        and _is_text(trial.get("name"))
        and all(_is_count(trial.get(name)) for name in ("epoch", "epochs"))
        and _is_finite(trial.get("images_per_second"))
    )


def _is_text(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: JSON has it, no file and no table does
        return False
    return True


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_count_or_none(value: object) -> bool:
    return value is None or _is_count(value)


def _is_number(value: object) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63)


def _is_number_or_none(value: object) -> bool:
    return value is None or _is_number(value)


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and _is_number(value) and math.isfinite(value)


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value) is not None
    except ValueError:
        return False


_EVALUATION = {
    "extractor_sha256": lambda value: _is_text(value or ""),
    "reference_seed": _is_count_or_none,
    "vae_latents": _is_text,
    **dict.fromkeys(NUMBERS, _is_number),
    "gmm_components": _is_count,
}
# Fields of a training's `result`; one that is absent is null in the tables.
_RESULT = {
    **dict.fromkeys("device precision_used torch_version aesweep_version resumed_with".split(), _is_text),
    **dict.fromkeys("images_train images_test threads".split(), _is_count),
    **dict.fromkeys("final_loss final_reconstruction test_bce mean_image_bce".split(), _is_number),
    **dict.fromkeys("train_seconds gpu_seconds images_per_second".split(), _is_number),
    "final_kl": _is_number_or_none,
    **dict.fromkeys(("started", "ended"), _is_time),
}
