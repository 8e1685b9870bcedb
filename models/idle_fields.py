"""Fields that have no effect beside the others of their trial, such as `beta` on a DAE. Imports no torch.

Two trials that differ in such a field alone train to the same weights, under two keys: a grid over `beta` would train each
of its DAEs once per value, and `--set beta=0.1` would find none of the DAEs that a store holds. Where a spec is read, such
a field therefore gets its default. A `TrialConfig` itself keeps whatever it is given, so a stored spec stays as it is.
"""

from dataclasses import fields, replace
from typing import Any

from aesweep.models.config import TrialConfig
from aesweep.models.networks.architecture import decoder_depths, first_map_channels, latent_norm

_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(TrialConfig)}


def without_idle_fields(config: TrialConfig) -> TrialConfig:
    """The trial with the same weights whose fields without effect are the defaults."""
    idle = []
    if "beta" not in config.objective.reads:
        idle.append("beta")
    if config.objective.reconstruction is not None:
        idle.append("reconstruction")
    if config.noise_std == 0:
        idle.append("noise_position")
    if not config.conv_norm and latent_norm(config) not in ("batch", "batch_plain"):
        idle.append("bn_momentum")
    if config.dataset == "cifar10" and config.image_size == 32:
        idle.append("resize")  # its images are of that size
    if config.warmup_epochs == 0:
        idle.append("warmup_learning_rate")
    if config.warmup_epochs >= config.epochs:
        idle += ["learning_rates", "learning_rate_drops"]  # the warmup never ends
    usual = replace(config, decoder_first_map=_DEFAULTS["decoder_first_map"])
    if first_map_channels(config) == first_map_channels(usual):  # `8f` up to 128 filters, `1024` from there
        idle.append("decoder_first_map")
    if decoder_depths(config) == decoder_depths(replace(config, decoder_depth=_DEFAULTS["decoder_depth"])):
        idle.append("decoder_depth")  # wherever all stages are equally deep
    warmup_epochs = min(config.warmup_epochs, config.epochs)
    return replace(config, warmup_epochs=warmup_epochs, **{name: _DEFAULTS[name] for name in idle})
