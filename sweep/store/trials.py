"""What was asked of a store: the specs that were launched into it, and the configuration of every trial."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import fields as fields_of

from aesweep.models.config import KEY_FIELDS, TrialConfig
from aesweep.models.errors import InputError
from aesweep.sweep.spec.sweep_spec import SPEC_FORMAT, SweepSpec
from aesweep.sweep.store.layout import LATEST, config_name, is_key, spec_name
from aesweep.sweep.store.reading import Records
from aesweep.sweep.store.records import LatestSpec, LaunchedSpec, SealedRecord, parse_fields
from aesweep.sweep.store.storage import to_json_bytes

NO_SUCH_TRIAL = "This store holds no such trial; `aesweep list STORE` shows names and keys."
KEY_DIGITS = 12
_FIELDS = {field.name for field in fields_of(TrialConfig)}


@dataclass(frozen=True)
class Trials:
    """`sweeps/` and `trials/<key>/config.json`; the latter can be made again from the specs."""

    records: Records

    def write_spec(self, spec: SweepSpec, evaluation: str, latest: bool = True) -> None:
        """Record a launched spec; with `latest` make it that, and remember the evaluation id that it resolved to.

        A spec with the same hash asks for the same results; only where and how it runs may have changed, and the
        newest is kept.
        """
        keys = {config.key: block for config, block in spec.trials}
        launched = LaunchedSpec(format=SPEC_FORMAT, name=spec.name, keys=keys, spec=spec.to_json())
        files: dict[str, SealedRecord] = {spec_name(spec.hash): launched}
        if latest:
            files[LATEST] = LatestSpec(spec=spec.hash, evaluation=evaluation)
        for name, record in files.items():
            if self.records.storage.read(name) != record.to_bytes():
                self.records.write(name, record)

    def record(self, spec: SweepSpec, evaluation: str, latest: bool) -> None:
        """A spec is launched: make all its trials known before the first of them starts, then the spec."""
        self.write_configs(config for config, _ in spec.trials)
        self.write_spec(spec, evaluation, latest)

    def latest_spec(self) -> LaunchedSpec | None:
        """The spec launched last, None in an empty store."""
        latest = self._latest()
        return self.records.read(spec_name(latest.spec), LaunchedSpec) if latest else None

    def latest_evaluation(self) -> str:
        """Id of the evaluation that the latest launch asked for, "" in an empty store."""
        latest = self._latest()
        return latest.evaluation if latest else ""

    def specs(self) -> list[LaunchedSpec]:
        """Every spec launched here, the latest last."""
        latest = self._latest()
        names = [f"sweeps/{name}" for name in self.records.storage.names("sweeps") if name.endswith(".json")]
        names = sorted(set(names) - {LATEST}, key=lambda name: (latest and name == spec_name(latest.spec), name))
        return [spec for name in names if (spec := self.records.read(name, LaunchedSpec))]

    def stored_specs(self, every: bool = False) -> list[SweepSpec]:
        """The spec launched last, or every one. Raises `InputError` for a store without any."""
        latest = None if every else self.latest_spec()
        records = [latest] if latest else self.specs()  # an older one that cannot be read is in nobody's way
        if len(records) > 1 and not every:
            remedy = "It does not say which spec was launched last. Launch that one again, or continue with --all."
            raise InputError("STORE", self.records.storage.place(LATEST), remedy)
        if not records:
            remedy = "Nothing was launched here yet. `aesweep launch SPEC --store STORE` does."
            raise InputError("STORE", self.records.storage.root, remedy)
        return [SweepSpec.from_json(record.spec) for record in records]

    def require_shared(self, spec: SweepSpec) -> None:
        """Raise `InputError` for a spec that has no trial in common with those here: it was meant for another store."""
        known = set(self.known_keys())
        if known and not known & {config.key for config, _ in spec.trials}:
            remedy = (
                f"It holds {len(known)} trials and none of them is in {spec.name!r}. Give another folder, or --add."
            )
            raise InputError("--store", self.records.storage.root, remedy)

    def _latest(self) -> LatestSpec | None:
        return self.records.read(LATEST, LatestSpec)

    def known_keys(self) -> list[str]:
        """Keys of every trial that the store knows."""
        return [name for name in self.records.storage.names("trials") if is_key(name)]

    def write_config(self, config: TrialConfig) -> None:
        """Make the trial known."""
        if not self.records.storage.exists(config_name(config.key)):  # a key has one configuration: all write it
            self.records.storage.write(config_name(config.key), to_json_bytes(config.to_json()))

    def write_configs(self, configs: Iterable[TrialConfig]) -> None:
        """Make many trials known, looking once at what is there."""
        self.records.storage.map(Trials(self.records.with_snapshot()).write_config, configs)

    def config(self, key: str) -> TrialConfig:
        """The trial of a key. Raises `InputError` when the store does not hold it."""
        if is_key(key) and (config := self._written_config(key) or self._launched_config(key)) is not None:
            return config
        raise InputError("KEY", key, NO_SUCH_TRIAL)

    def find(self, word: str) -> TrialConfig:
        """The trial of a key or a name, or the one whose key or name starts so. Raises `InputError` where there is none.

        A name that an older aesweep wrote ends with the same key, and names the same trial.
        """
        keys = self.known_keys()
        if is_key(word[-KEY_DIGITS:]) and (word[-KEY_DIGITS:] in keys or len(word) == KEY_DIGITS):
            return self.config(word[-KEY_DIGITS:])
        near = {key for key in keys if key.startswith(word)} if word else set()
        if word and not near:
            near = {key for key in keys if self._is_named(key, word)}
        if len(near) == 1:
            return self.config(near.pop())
        raise InputError(
            "KEY", word, f"{len(near)} trials of this store begin so; give more." if near else NO_SUCH_TRIAL
        )

    def _is_named(self, key: str, beginning: str) -> bool:
        with suppress(InputError):  # lost, or a newer aesweep's: another trial may be meant
            return self.config(key).name.startswith(beginning)
        return False

    def _written_config(self, key: str) -> TrialConfig | None:
        """What `config.json` says; one that is damaged or of another trial is set aside. Raises as `parse_config` does."""
        data = self.records.storage.read(config_name(key))
        if data is None:
            return None
        config = self.parse_config(key, data)
        if config is None:
            self.records.set_aside(config_name(key), data)
        return config

    def parse_config(self, key: str, data: bytes) -> TrialConfig | None:
        """The trial in the bytes of a `config.json`; None where that is damaged or of another trial.

        One of a newer aesweep is neither: it has all fields of this one's keys, and others. Raises `InputError` for it.
        """
        fields = parse_fields(data)
        unknown = [field for field in fields if field not in _FIELDS]
        if unknown and fields.keys() >= set(KEY_FIELDS):
            remedy = "A newer aesweep wrote it; this one does not know what it stands for. Use that one."
            raise InputError(self.records.storage.place(config_name(key)), ", ".join(unknown), remedy)
        with suppress(TypeError, InputError):
            config = TrialConfig(**fields)
            if config.key == key:
                return config
        return None

    def _launched_config(self, key: str) -> TrialConfig | None:
        """The trial as a spec asked for it, where `config.json` is lost; writes that again."""
        for about in self.specs():
            if key in about.keys:
                found = (config for config, _ in SweepSpec.from_json(about.spec).trials if config.key == key)
                if (config := next(found, None)) is not None:
                    if not self.records.only_looks:
                        with suppress(InputError, OSError):  # a store that may only be read
                            self.write_config(config)
                    return config
        return None
