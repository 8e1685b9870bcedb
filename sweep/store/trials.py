"""What was asked of a store: the specs that were launched into it, and the configuration of every trial."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from dataclasses import fields as fields_of

from aesweep.models.config import KEY_FIELDS, TrialConfig
from aesweep.models.errors import InputError
from aesweep.sweep.spec.sweep_spec import SPEC_FORMAT, SweepSpec
from aesweep.sweep.store.layout import LATEST, config_name, is_key, spec_name, training_name
from aesweep.sweep.store.reading import Records
from aesweep.sweep.store.records.commits import VACANCY_BYTES
from aesweep.sweep.store.records.launches import LatestSpec, LaunchedSpec
from aesweep.sweep.store.records.record import SealedRecord, parse_fields
from aesweep.sweep.store.storage import Storage, size_of, to_json_bytes

NO_SUCH_TRIAL = "This store holds no such trial; `aesweep list STORE` shows names and keys."
KEY_DIGITS = 12
_FIELDS = {field.name for field in fields_of(TrialConfig)}
_LEFT = {"train.json", "scores", "pruned.json"}


@dataclass(frozen=True)
class Trials:
    """`sweeps/` and `trials/<key>/config.json`; the latter can be made again from the specs."""

    records: Records
    _labels: list[dict[str, str]] = field(default_factory=list)
    """What `data_labels` gave; a snapshot asks once."""

    def write_spec(self, spec: SweepSpec, evaluation: str, latest: bool = True) -> None:
        """Record a launched spec; with `latest` make it that, and remember the evaluation id that it resolved to.

        A spec with the same hash asks for the same results; only where and how it runs may have changed, and the
        newest is kept.
        """
        keys = {config.key: block for config, block in spec.trials}
        launched = LaunchedSpec(format=SPEC_FORMAT, name=spec.name, keys=keys, spec=spec.to_json())
        files: dict[str, SealedRecord] = {spec_name(spec.hash): launched}
        if latest:
            given = {config.data_identity: config.data_label for config, _ in spec.trials if config.data_label}
            labels = {**self.data_labels(), **given}
            files[LATEST] = LatestSpec(spec=spec.hash, evaluation=evaluation, data_labels=labels)
        for name, record in files.items():
            if self.records.storage.read(name) != record.to_bytes():
                self.records.write(name, record)

    def record(self, spec: SweepSpec, evaluation: str, latest: bool) -> None:
        """A spec is launched: make all its trials known before the first of them starts, then the spec."""
        self.write_configs(config for config, _ in spec.trials)
        self.write_spec(spec, evaluation, latest)

    def latest_spec(self) -> LaunchedSpec | None:
        """The spec launched last, None in an empty store."""
        latest = self.latest()
        return self.records.read(spec_name(latest.spec), LaunchedSpec) if latest else None

    def data_labels(self) -> dict[str, str]:
        """Identity of a folder's images -> their name: of several, the one that a launch gave last."""
        latest = self.latest()
        return latest.data_labels if latest else {}

    def latest_evaluation(self) -> str:
        """Id of the evaluation that the latest launch asked for, "" in an empty store."""
        latest = self.latest()
        return latest.evaluation if latest else ""

    def specs(self) -> list[LaunchedSpec]:
        """Every spec launched here, the latest last."""
        return list(self.launched().values())

    def launched(self) -> dict[str, LaunchedSpec]:
        """Every spec launched here by its hash, the latest last."""
        latest = self.latest()
        files = {f"sweeps/{name}" for name in self.records.storage.names("sweeps") if name.endswith(".json")} - {LATEST}
        names = [name.removeprefix("sweeps/").removesuffix(".json") for name in sorted(files)]
        names.sort(key=lambda name: bool(latest and name == latest.spec))
        return {name: spec for name in names if (spec := self.records.read(spec_name(name), LaunchedSpec))}

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

    def latest(self) -> LatestSpec | None:
        """Which spec was launched last, and its evaluation; None where the store does not say."""
        return self.records.read(LATEST, LatestSpec)

    def known_keys(self) -> list[str]:
        """Keys of every trial that the store knows; of those that were forgotten, it knows only what may not be committed."""
        storage = self.records.with_snapshot().storage
        return [key for key in storage.names("trials") if is_key(key) and not _is_forgotten(storage, key)]

    def write_config(self, config: TrialConfig) -> None:
        """Make the trial known, without its label: that of its data may change."""
        if not self.records.storage.exists(config_name(config.key)):  # a key has one configuration: all write it
            about = to_json_bytes(replace(config, data_label="").to_json())
            self.records.storage.write(config_name(config.key), about)

    def write_configs(self, configs: Iterable[TrialConfig]) -> None:
        """Make many trials known, looking once at what is there."""
        self.records.storage.map(Trials(self.records.with_snapshot()).write_config, configs)

    def config(self, key: str) -> TrialConfig:
        """The trial of a key. Raises `InputError` when the store does not hold it."""
        if is_key(key) and (config := self._written_config(key) or self._launched_config(key)) is not None:
            return self._labelled(config)
        raise InputError("KEY", key, NO_SUCH_TRIAL)

    def _labelled(self, config: TrialConfig) -> TrialConfig:
        """With the name that its images have now."""
        if config.dataset != "folder":
            return config
        if self.records.snapshot is None or not self._labels:
            self._labels[:] = [self.data_labels()]
        return replace(config, data_label=self._labels[0].get(config.data_identity, config.data_label))

    def find(self, word: str) -> TrialConfig:
        """The trial of a key or a name, or the one whose key or name starts so. Raises `InputError` where there is none.

        A name that an older aesweep wrote ends with the same key, and names the same trial.
        """
        keys = [name for name in self.records.storage.names("trials") if is_key(name)]
        if is_key(word[-KEY_DIGITS:]) and (word[-KEY_DIGITS:] in keys or len(word) == KEY_DIGITS):
            return self.config(word[-KEY_DIGITS:])
        near = {key for key in keys if key.startswith(word)} if word else set()
        if word and not near:
            near = {key for key in keys if self._is_named(key, word)}
        if len(near) > 1:
            near = near & set(self.known_keys()) or near  # of forgotten trials nothing is there
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


def _is_forgotten(storage: Storage, key: str) -> bool:
    """Whether nothing is left of a trial but what `aesweep forget` leaves: vacancies and `pruned.json`."""
    if set(storage.names(f"trials/{key}")) - _LEFT:
        return False
    commits = [training_name(key), *(f"trials/{key}/scores/{name}" for name in storage.names(f"trials/{key}/scores"))]
    versions = map(storage.version, commits)
    return all(version is None or size_of(version) < VACANCY_BYTES for version in versions)
