"""The settings that decide the bits of a training beside its configuration, and what is said of one that ran with several.

A resumed training equals an uninterrupted one bit for bit as long as device, threads, precision, torch and the switches
stay the same; on a GPU only with `deterministic: true`, for cuDNN may choose other kernels else. Where a relaunch changes
them it goes on all the same, and `resumed_with` in the trials table says so. Each attempt notes its own settings and those of
the attempts that it goes on from in its `start.json`: what is known travels with the checkpoint's folder, and `aesweep prune`
may remove older ones.
"""

from collections.abc import Sequence

from aesweep.sweep.store.records.attempts import StartRecord, TrainingPart, TrainingSettings

UNKNOWN = "unknown settings"


def parts_before(start: StartRecord | None, epoch: int, step: int) -> tuple[TrainingPart, ...]:
    """The parts of a training that resumes an attempt at this place; `start` is what that attempt noted of itself."""
    if start is None or start.parts is None:
        return (TrainingPart(settings=None, epoch=epoch, step=step),)
    return (*start.parts, TrainingPart(settings=start.settings, epoch=epoch, step=step))


def resumed_with(parts: Sequence[TrainingPart], settings: TrainingSettings) -> str:
    """For instance `threads 2, torch_version 2.11.0 until epoch 3; device NVIDIA A100 until step 12 of epoch 9`.

    Names what differs from `settings`, those of the last part; "none" where nothing does.
    """
    texts: list[tuple[str, str]] = []
    for part in parts:
        what = _difference(part.settings, settings)
        if texts and texts[-1][0] == what:
            texts.pop()  # two parts with the same settings are one, until the end of the second
        texts.append((what, f"step {part.step} of epoch {part.epoch + 1}" if part.step else f"epoch {part.epoch}"))
    return "; ".join(f"{what} until {until}" for what, until in texts if what) or "none"


def _difference(earlier: TrainingSettings | None, settings: TrainingSettings) -> str:
    if earlier is None:
        return UNKNOWN
    now = dict(settings)
    changed = {name: value for name, value in earlier if value != now[name]}
    return ", ".join(f"{name} {str(v).lower() if isinstance(v, bool) else v}" for name, v in changed.items())
