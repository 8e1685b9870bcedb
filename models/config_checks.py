"""What a `TrialConfig` may be: its plug-ins and parameters are settled, and what cannot be trained is refused.

Each refusal is an `InputError` that names the field, the value and what to give instead.
"""

import re
from numbers import Real
from typing import Any, Literal, TypeGuard, get_args, get_origin, get_type_hints

from aesweep.models.architectures.architecture import STAGES, Architecture
from aesweep.models.architectures.registry import ARCHITECTURES
from aesweep.models.datasets.dataset import CHANNELS, IMAGE_SIZES
from aesweep.models.datasets.registry import DATASETS
from aesweep.models.errors import InputError
from aesweep.models.objectives.objective import Objective, as_mapping
from aesweep.models.objectives.registry import OBJECTIVES
from aesweep.models.plugins.plugin import Settings
from aesweep.models.plugins.registry import Registry
from aesweep.models.trial_fields import TrialFields

LARGEST_COUNT = 1_000_000  # of filters, latents, epochs, images per batch: a typing error beyond it, not a wish

DATA_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,39}")
"""What a name for a folder's images may be."""
CHOICES = {name: get_args(kind) for name, kind in get_type_hints(TrialFields).items() if get_origin(kind) is Literal}
"""The words that a field may be, for each field of a few words."""
REGISTRIES: dict[str, Registry[Any]] = {"model": OBJECTIVES, "architecture": ARCHITECTURES, "dataset": DATASETS}
"""The fields whose value is the name of a description."""


def settle(config: TrialFields) -> None:
    """Bring the fields of a new trial into one form, complete its parameters, and refuse what cannot be trained."""
    if _is_int(config.depth):  # `depth=2` reads better than (2, 2, 2, 2) in specs and notebooks
        object.__setattr__(config, "depth", (config.depth,) * STAGES)
    for name in ("depth", "learning_rates", "learning_rate_drops", "plugin_versions"):
        _require(isinstance(getattr(config, name), list | tuple), config, name, "a list")
        object.__setattr__(config, name, tuple(getattr(config, name)))
    # 1 and 1.0, 0.0 and -0.0 are the same trial, so they must give the same canonical JSON.
    for name in ("noise_std", "bn_momentum", "beta", "warmup_learning_rate"):
        _require(_is_number(getattr(config, name)), config, name, "a number")
        object.__setattr__(config, name, float(getattr(config, name)) + 0.0)
    for name in ("learning_rates", "learning_rate_drops"):
        _require(all(_is_number(value) for value in getattr(config, name)), config, name, "a list of numbers")
        object.__setattr__(config, name, tuple(float(value) + 0.0 for value in getattr(config, name)))
    for name, words in CHOICES.items():
        if getattr(config, name) not in words:
            raise InputError(name, getattr(config, name), f"Choose one of: {', '.join(words)}.")
    objective = _settle_plugins(config)
    _check(config)
    if objective is not None:
        _check_objective(config, objective)


def _settle_plugins(config: TrialFields) -> Objective | None:
    """Give the trial the versions and the parameters of what it names; its model, None where something is not here."""
    for name, registry in REGISTRIES.items():
        if not isinstance(getattr(config, name), str):  # only then are the names of plug-ins searched for
            raise InputError(name, getattr(config, name), f"Choose one of: {', '.join(registry.names())}.")
    found: list[Any] = [registry.built_in.get(getattr(config, name)) for name, registry in REGISTRIES.items()]
    if None in found or config.plugin_versions:
        uses = {
            use
            for name, one in REGISTRIES.items()
            for use in one.uses([getattr(config, name)], config.plugin_versions, name)
        }
        object.__setattr__(config, "plugin_versions", tuple(sorted(uses)))
        found = [registry.find(getattr(config, name)) for name, registry in REGISTRIES.items()]
        if any(one is None or one.use not in ("", *uses) for one in found):
            object.__setattr__(config, "parameters", tuple(sorted(as_mapping(config.parameters).items())))
            return None
    objective: Objective = found[0]
    object.__setattr__(config, "parameters", _parameters(config, objective, found[1]))
    return objective


def _parameters(config: TrialFields, objective: Objective, network: Architecture) -> Settings:
    """All parameters of the model, and those of the architecture that are not their defaults.

    Raises `InputError` for one that neither has, that both have, or whose value does not fit.
    """
    if not network.parameters:  # nearly all trials, of which a plan has thousands
        return objective.complete(config.parameters, config.dataset)
    if twice := sorted(objective.defaults.keys() & network.defaults.keys()):
        remedy = f"{objective.name} and {network.name} both have a parameter of this name. Rename one of the two."
        raise InputError("parameters", twice[0], remedy)
    given = as_mapping(config.parameters)
    own = {name: given.pop(name) for name in network.defaults if name in given}
    return tuple(sorted((*objective.complete(given, config.dataset), *network.settings(own, "parameters"))))


def _check(config: TrialFields) -> None:
    """Refuse what cannot be trained, naming the field and the value."""
    for name in ("filters", "latent_size", "epochs", "batch_size"):
        count = getattr(config, name)
        fits = _is_int(count) and 1 <= count <= LARGEST_COUNT
        _require(fits, config, name, f"a whole number from 1 to {LARGEST_COUNT}")
    for name in ("freeze_latent", "conv_norm"):  # 1 and True would be two keys
        _require(isinstance(getattr(config, name), bool), config, name, "true or false")
    depth, rates, drops = config.depth, config.learning_rates, config.learning_rate_drops
    warmup = config.warmup_epochs
    depth_fits = len(depth) == STAGES and all(_is_int(d) and 1 <= d <= 100 for d in depth)
    rates_fit = bool(rates) and all(0 < rate < float("inf") for rate in rates)
    drops_fit = len(drops) == len(rates) - 1 and list(drops) == sorted(drops) and all(0 < d < 1 for d in drops)
    how_many = (
        f"{len(rates) - 1} rising fractions" if len(rates) > 2 else "one fraction" if rates[1:] else "[], no fraction"
    )
    fractions = f"{how_many} between 0 and 1: one fewer than learning_rates"
    four = "one whole number from 1 to 100, or four of them, one per encoder stage, such as [3, 3, 2, 1]"
    for name, fits, expected in (
        ("image_size", _is_int(config.image_size) and config.image_size in IMAGE_SIZES, "32 or 64"),
        ("channels", _is_int(config.channels) and config.channels in CHANNELS, "1 or 3"),
        ("depth", depth_fits, four),
        ("noise_std", 0 <= config.noise_std < float("inf"), "a standard deviation of 0 or more"),
        ("beta", 0 <= config.beta < float("inf"), "a weight of 0 or more"),
        ("bn_momentum", 0 < config.bn_momentum <= 1, "a weight above 0, at most 1"),
        ("warmup_epochs", _is_int(warmup) and 0 <= warmup <= LARGEST_COUNT, "a whole number from 0 up"),
        ("learning_rates", rates_fit, "a list of positive numbers, such as [1e-3, 1e-4, 1e-5]"),
        ("warmup_learning_rate", 0 < config.warmup_learning_rate < float("inf"), "a positive number"),
        ("learning_rate_drops", drops_fit, fractions),
    ):
        _require(fits, config, name, expected)
    check_seed(config)
    _check_combinations(config)


def check_seed(config: TrialFields) -> None:
    """Refuse what is no seed."""
    fits = _is_int(config.seed) and 0 <= config.seed < 2**32
    _require(fits, config, "seed", "a whole number from 0 to 4294967295")


def _check_objective(config: TrialFields, objective: Objective) -> None:
    """Refuse values that the trial's model does not take."""
    smallest = objective.smallest_batch
    if config.batch_size < smallest:
        needs = f"{smallest} or more: {objective.title} compares the images of a batch"
        raise _refused(config, "batch_size", needs)
    for name, neutral in _COMBINED.items():  # Section 3 normalises, perturbs and freezes the latent layer of DAEs only
        if name not in objective.combines and getattr(config, name) != neutral:
            others = ", ".join(one.name for one in OBJECTIVES.built_in.values() if name in one.combines)
            expected = f"{neutral!r} for {_with_article(objective.title)}; these models take another value: {others}"
            raise _refused(config, name, expected)


def _check_combinations(config: TrialFields) -> None:
    """Refuse values that are fine by themselves, but not together."""
    if config.latent_norm in ("batch", "batch_plain"):
        needs = f"2 or more: latent_norm `{config.latent_norm}` needs the variance of a batch"
        _require(config.batch_size > 1, config, "batch_size", needs)
    identity = config.data_identity
    if config.dataset == "folder":
        is_hash = isinstance(identity, str) and re.fullmatch("[0-9a-f]{64}", identity) is not None
        _require(is_hash, config, "data_identity", "the SHA-256 of the images")
    else:
        _require(identity == "", config, "data_identity", f'"" for {config.dataset}; only a folder has one')
    if config.data_label != "":
        _require(config.dataset == "folder", config, "data_label", f'"" for {config.dataset}; only a folder has one')
        check_data_label("data_label", config.data_label)


def check_data_label(where: str, label: object) -> None:
    """Raise `InputError` for a name of images that could not be part of a folder's name, or is another data set's."""
    if not isinstance(label, str) or DATA_LABEL.fullmatch(label) is None:
        remedy = "Give 1 to 40 letters, digits, dots, hyphens, underscores or plus signs, such as faces or faces-2026."
        raise InputError(where, label, remedy)
    if label.lower() in ("none", *DATASETS.names()):
        raise InputError(where, label, "A data set of aesweep, or none at all, is called so. Give another name.")


def _with_article(title: str) -> str:
    return f"{'an' if title[0] in 'AEIOR' else 'a'} {title}"


_COMBINED = {"latent_norm": "none", "noise_std": 0.0, "freeze_latent": False}
"""Fields that an objective may refuse, and their defaults."""


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    if type(value) is float:  # nearly all of them; to ask for `Real` takes ten times as long
        return True
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    return not isinstance(value, int) or abs(value) <= 2**53  # beyond a float's range it would be an OverflowError


def _require(holds: bool, config: TrialFields, name: str, expected: str) -> None:
    if not holds:
        raise _refused(config, name, expected)


def _refused(config: TrialFields, name: str, expected: str) -> InputError:
    return InputError(name, getattr(config, name), f"Give {expected}.")
