"""The settings that decide the bits of a training beside its configuration, and what is said of one that ran with several.

A resumed training equals an uninterrupted one bit for bit as long as device, threads, precision, torch and the switches
stay the same; on a GPU only with `deterministic: true`, for cuDNN may choose other kernels else. Where a relaunch changes
them it goes on all the same, and `resumed_with` in the trials table says so. Each attempt notes its own settings and those of
the attempts that it goes on from in its `start.json`: what is known travels with the checkpoint's folder, and `aesweep prune`
may remove older ones.
"""

from collections.abc import Mapping
from typing import Any

Settings = dict[str, str | int | bool]
NAMES: dict[str, type] = {
    "device": str,
    "threads": int,
    "precision_used": str,
    "torch_version": str,
    "compile": bool,
    "deterministic": bool,
}
LONGEST = 100  # characters of one value
UNKNOWN = "unknown settings"


def parts_before(start: Mapping[str, Any], epoch: int, step: int) -> list[dict[str, Any]]:
    """The parts of a training that goes on from an attempt at this place; `start` is what that attempt noted of itself."""
    known = start.get("parts")
    earlier = [part for part in known if _is_part(part)] if isinstance(known, list) else []
    own = start.get("settings")
    return [*earlier, {"settings": own if _are_settings(own) else None, "epoch": epoch, "step": step}]


def resumed_with(parts: list[dict[str, Any]], settings: Settings) -> str:
    """For instance `threads 2, torch_version 2.11.0 until epoch 3; device NVIDIA A100 until step 12 of epoch 9`.

    Names what differs from `settings`, those of the last part; "none" where nothing does.
    """
    texts: list[tuple[str, str]] = []
    for part in parts:
        what = _difference(part["settings"], settings)
        if texts and texts[-1][0] == what:
            texts.pop()  # two parts with the same settings are one, until the end of the second
        texts.append((what, _place(part)))
    return "; ".join(f"{what} until {until}" for what, until in texts if what) or "none"


def _difference(earlier: Settings | None, settings: Settings) -> str:
    if earlier is None:
        return UNKNOWN
    return ", ".join(f"{name} {_text(earlier[name])}" for name in NAMES if earlier[name] != settings[name])


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _place(part: Mapping[str, Any]) -> str:
    """`epoch` counts whole epochs, `step` the steps of the next one."""
    return f"step {part['step']} of epoch {part['epoch'] + 1}" if part["step"] else f"epoch {part['epoch']}"


def _is_part(part: object) -> bool:
    return (
        isinstance(part, dict)
        and all(type(part.get(name)) is int for name in ("epoch", "step"))
        and (part.get("settings") is None or _are_settings(part["settings"]))
    )


def _are_settings(value: object) -> bool:
    """Whether a value from a file is what an attempt notes; one that is damaged or of an older aesweep is unknown."""
    return isinstance(value, dict) and all(_fits(value.get(name), kind) for name, kind in NAMES.items())


def _fits(value: object, kind: type) -> bool:
    if type(value) is not kind:
        return False
    return not isinstance(value, str) or (len(value) <= LONGEST and value.isascii() and value.isprintable())
