"""What one trial trains, and the key that names it. Imports no torch.

A trial is a frozen dataclass whose fields (trial_fields.py) decide its trained weights. They are checked when it is made
(config_checks.py); it changes only by `dataclasses.replace`, and its `key` is a hash of its content. Where it runs, with how many
threads and into which folder is not here (`aesweep.sweep.spec.execution.ExecutionConfig`): that never enters the key.
"""

from dataclasses import asdict, dataclass, fields
from functools import cached_property
from operator import attrgetter
from typing import Any

from aesweep.models.architectures.architecture import Architecture
from aesweep.models.architectures.registry import ARCHITECTURES
from aesweep.models.config_checks import check_seed, settle
from aesweep.models.datasets.dataset import DataSet
from aesweep.models.datasets.registry import DATASETS
from aesweep.models.identity import identity_fields, text_around, text_hash
from aesweep.models.objectives.objective import Objective
from aesweep.models.objectives.registry import OBJECTIVES
from aesweep.models.plugins.plugin import Value
from aesweep.models.plugins.registry import require
from aesweep.models.trial_fields import TrialFields
from aesweep.models.trial_name import trial_name

KEY_VERSION = 1
# The fields of key_version 1. Never change this list: a field added later enters the key only when it is not its default.
KEY_FIELDS = (
    "dataset data_identity image_size resize model filters depth latent_size latent_norm noise_std noise_position "
    "freeze_latent conv_norm bn_momentum decoder_first_map decoder_first_activation beta reduction epochs batch_size "
    "learning_rates learning_rate_drops warmup_epochs warmup_learning_rate seed precision"
).split()


@dataclass(frozen=True, kw_only=True)
class TrialConfig(TrialFields):
    """One autoencoder of the sweep. Raises `InputError` at construction, naming the field and the value."""

    def __post_init__(self) -> None:
        settle(self)

    @cached_property
    def objective(self) -> Objective:
        """What the trial minimises. Raises `PluginError` where that is a plug-in that is not here in the trial's version."""
        require(self.plugin_versions)
        found: Objective = OBJECTIVES.get(self.model, "model")
        return found

    @cached_property
    def network(self) -> Architecture:
        """Its encoder and decoder. Raises `PluginError` as `objective`."""
        require(self.plugin_versions)
        found: Architecture = ARCHITECTURES.get(self.architecture, "architecture")
        return found

    @cached_property
    def data(self) -> DataSet:
        """Its data set. Raises `PluginError` as `objective`."""
        require(self.plugin_versions)
        found: DataSet = DATASETS.get(self.dataset, "dataset")
        return found

    def parameter(self, name: str) -> Any:
        """The value of a parameter of the model or the architecture."""
        found = dict(self.parameters)
        return found[name] if name in found else self.parameter_defaults[name]

    @property
    def parameter_defaults(self) -> dict[str, Value]:
        """Every parameter that the trial can have, with its default."""
        return {**self.network.defaults, **self.objective.defaults_on(self.dataset)}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of its images."""
        return self.image_size, self.image_size, self.channels

    @property
    def depth_text(self) -> str:
        """`depth` as one word: "1" when all stages agree, else "3-3-2-1"."""
        return str(self.depth[0]) if len(set(self.depth)) == 1 else "-".join(map(str, self.depth))

    @cached_property
    def key(self) -> str:
        """12 hex digits that name this trial in every store."""
        before, after = self._text_around_seed
        return text_hash(f"{before}{self.seed}{after}")

    @cached_property
    def _text_around_seed(self) -> tuple[str, str]:
        """What the key is a hash of, but for the seed: written once for all seeds of a network (`with_seed`)."""
        return text_around({"key_version": KEY_VERSION, **identity_fields(self, KEY_FIELDS)}, "seed")

    @property
    def name(self) -> str:
        """Readable words and the key, for instance `cifar10-dae-f128-d1-z128-s0-3fa9c2e1b0d4` (trial_name.py)."""
        return trial_name(self)

    def with_seed(self, seed: int) -> "TrialConfig":
        """The same network with another seed: `replace`, without checking the other fields again. `InputError` for a wrong seed."""
        other = object.__new__(TrialConfig)
        vars(other).update(vars(self), seed=seed, _text_around_seed=self._text_around_seed)
        vars(other).pop("key", None)
        check_seed(other)
        return other

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values; `TrialConfig(**data)` reads them back."""
        return asdict(self)


NETWORK_FIELDS = tuple(field.name for field in fields(TrialConfig) if field.name != "seed")
network_of = attrgetter(*NETWORK_FIELDS)
"""What a trial trains but for its seed: values that are equal for two seeds of one network."""
