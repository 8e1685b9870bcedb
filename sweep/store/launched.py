"""What was asked of a store: the specs that were launched into it, before the first of their trials starts."""

import shlex

from aesweep.models.errors import InputError
from aesweep.sweep.spec.sweep_spec import SweepSpec
from aesweep.sweep.store.store import Store


def record_spec(store: Store, spec: SweepSpec, evaluation: str, latest: bool) -> None:
    """The store knows the spec, its trials and the id of its evaluation; with `latest` it speaks of this one from now on."""
    store.trials.write_configs(config for config, _ in spec.trials)
    store.trials.write_spec(spec, evaluation, latest)


def stored_spec(store: Store, every: bool = False) -> list[SweepSpec]:
    """The spec launched last, or every one. Raises `InputError` for a store without any."""
    latest = None if every else store.trials.latest_spec()
    records = (
        store.trials.specs() if latest is None else [latest]
    )  # an older one that cannot be read is in nobody's way
    if len(records) > 1 and not every:
        remedy = "It does not say which spec was launched last. Launch that one again, or go on with --all."
        raise InputError("STORE", store.storage.place("sweeps/latest.json"), remedy)
    if not records:
        raise InputError(
            "STORE", store.root, "Nothing was launched here yet. `aesweep launch SPEC --store STORE` does."
        )
    return [SweepSpec.from_json(record.spec) for record in records]


def require_shared_trial(store: Store, spec: SweepSpec, add: bool) -> None:
    """A spec that has nothing in common with a store was probably meant for another one: `InputError`, unless told to `add` it."""
    known = set(store.trials.known_keys())
    if known and not add and not known & {config.key for config, _ in spec.trials}:
        raise InputError(
            "--store",
            store.root,
            f"It holds {len(known)} trials and none of them is in {spec.name!r}. Give another folder, or --add.",
        )


def resume_command(store: str, *options: str) -> str:
    """The command that goes on with a store, to be pasted into a shell."""
    return " ".join(("aesweep resume", shlex.quote(store), *options))


RETRY = "--retry-failed"
