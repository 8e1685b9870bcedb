"""Fields that have no effect, given the others of their trial, such as `beta` on a DAE. Imports no torch.

Two trials that differ in such a field alone train to the same weights, under two keys: a grid over `beta` would train each
of its DAEs once per value, and `--set beta=0.1` would find none of the DAEs that a store holds. Where a spec is read, such
a field therefore gets its default. A `TrialConfig` itself keeps whatever it is given, so a stored spec stays as it is.
"""

from dataclasses import fields, replace
from typing import Any

from aesweep.models.config import TrialConfig
from aesweep.models.networks.latent_layer import latent_norm

_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(TrialConfig)}


def without_idle_fields(config: TrialConfig) -> TrialConfig:
    """The trial with the same weights whose fields without effect are the defaults."""
    idle = config.network.without_effect(config)
    if latent_norm(config) in ("batch", "batch_plain"):
        idle.discard("bn_momentum")
    if "beta" not in config.objective.reads:
        idle.add("beta")
    if config.objective.reconstruction is not None:
        idle.add("reconstruction")
    if config.noise_std == 0:
        idle.add("noise_position")
    if config.data.side == config.image_size:
        idle.add("resize")  # its images are of that size
    if config.warmup_epochs == 0:
        idle.add("warmup_learning_rate")
    if config.warmup_epochs >= config.epochs:
        idle |= {"learning_rates", "learning_rate_drops"}  # the warmup never ends
    settled = {name: _DEFAULTS[name] for name in idle} | {"warmup_epochs": min(config.warmup_epochs, config.epochs)}
    changed = {name: value for name, value in settled.items() if getattr(config, name) != value}
    return replace(config, **changed) if changed else config  # nearly all trials stay as they are
