"""The trials of a store: their keys and configurations."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import fields as fields_of

from aesweep.models.config import KEY_FIELDS, TrialConfig
from aesweep.models.errors import InputError
from aesweep.sweep.spec.sweep_spec import SweepSpec
from aesweep.sweep.store.layout import config_name, is_key
from aesweep.sweep.store.records import parse_record
from aesweep.sweep.store.specs import StoredSpecs
from aesweep.sweep.store.storage import to_json_bytes

_FIELDS = {field.name for field in fields_of(TrialConfig)}


class StoredTrials(StoredSpecs):
    """`trials/<key>/config.json`, which can be made again from the specs."""

    def trial_keys(self) -> list[str]:
        """Keys of every trial that the store knows."""
        return [name for name in self.storage.names("trials") if is_key(name)]

    def write_config(self, config: TrialConfig) -> None:
        """Make the trial known."""
        if not self.storage.exists(config_name(config.key)):  # a key has one configuration: all write it
            self.storage.write(config_name(config.key), to_json_bytes(config.to_json()))

    def write_configs(self, configs: Iterable[TrialConfig]) -> None:
        """Make many trials known, looking once at what is there."""
        self.storage.map(self.listed().write_config, configs)

    def config(self, key: str) -> TrialConfig:
        """The trial of a key, or of the one key that starts so. Raises `InputError` when the store does not hold it."""
        if is_key(key):
            if (config := self._written_config(key) or self._launched_config(key)) is not None:
                return config
        elif key:
            near = [k for k in self.trial_keys() if k.startswith(key)]
            if len(near) == 1:
                return self.config(near[0])
            if near:
                raise InputError("KEY", key, f"{len(near)} trials of this store begin so; give more of the key.")
        raise InputError("KEY", key, "This store holds no such trial; `aesweep status STORE --json` lists the keys.")

    def _written_config(self, key: str) -> TrialConfig | None:
        """What `config.json` says; one that is damaged or of another trial is set aside.

        One of a newer aesweep is neither: it has all fields of this one's keys, and others. Raises `InputError` for it.
        """
        name = config_name(key)
        data = self.storage.read(name)
        if data is None:
            return None
        fields = parse_record(data) or {}
        unknown = [field for field in fields if field not in _FIELDS]
        if unknown and fields.keys() >= set(KEY_FIELDS):
            remedy = "A newer aesweep wrote it; this one does not know what it stands for. Use that one."
            raise InputError(self.storage.place(name), ", ".join(unknown), remedy)
        try:
            config = TrialConfig(**fields)
        except (TypeError, InputError):
            config = None
        if config is None or config.key != key:
            self.set_aside(name)
            return None
        return config

    def _launched_config(self, key: str) -> TrialConfig | None:
        """The trial as a spec asked for it, where `config.json` is lost; writes that again."""
        for about in self.specs():
            if key in about["keys"]:
                found = (config for config, _ in SweepSpec.from_json(about["spec"]).trials if config.key == key)
                if (config := next(found, None)) is not None:
                    with suppress(InputError, OSError):  # a store that may only be read
                        self.write_config(config)
                    return config
        return None
