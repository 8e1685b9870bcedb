"""What one trial trains: every field that decides the trained weights, and nothing else. Imports no torch.

A trial is a frozen dataclass; it changes only by `dataclasses.replace`, and its `key` is a hash of its content. Where it
runs, with how many threads and into which folder is not here (`aesweep.sweep.spec.execution.ExecutionConfig`): that never enters the key.
"""

import re
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from numbers import Real
from operator import attrgetter
from typing import Annotated, Any, Literal, TypeGuard, get_args, get_origin, get_type_hints

from aesweep.models.architectures.architecture import STAGES, Architecture
from aesweep.models.architectures.registry import ARCHITECTURES
from aesweep.models.datasets.dataset import CHANNELS, IMAGE_SIZES, DataSet
from aesweep.models.datasets.registry import DATASETS
from aesweep.models.errors import InputError
from aesweep.models.identity import identity_fields, text_around, text_hash
from aesweep.models.objectives.objective import Objective, as_mapping
from aesweep.models.objectives.registry import OBJECTIVES
from aesweep.models.plugins.plugin import Settings, Value
from aesweep.models.plugins.registry import Registry, require
from aesweep.models.trial_name import trial_name

LatentNorm = Literal["none", "batch", "spectral", "layer", "batch_plain"]
NoisePosition = Literal["decoder_input", "image"]
FirstMap = Literal["min(8f,1024)", "8f", "1024", "4f"]
FirstActivation = Literal["none", "relu"]
DecoderDepth = Literal["by_width", "mirrored", "in_order"]
Reduction = Literal["mean", "sum"]
Reconstruction = Literal["bce", "mse"]
Resize = Literal["bilinear", "lanczos"]
Precision = Literal["auto", "bf16", "fp16", "fp32"]

LARGEST_COUNT = 1_000_000  # of filters, latents, epochs, images per batch: a typing error beyond it, not a wish

DATA_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,39}")
"""What a name for a folder's images may be."""

KEY_VERSION = 1
# The fields of key_version 1. Never change this list: a field added later enters the key only when it is not its default.
KEY_FIELDS = (
    "dataset data_identity image_size resize model filters depth latent_size latent_norm noise_std noise_position "
    "freeze_latent conv_norm bn_momentum decoder_first_map decoder_first_activation beta reduction epochs batch_size "
    "learning_rates learning_rate_drops warmup_epochs warmup_learning_rate seed precision"
).split()


@dataclass(frozen=True, kw_only=True)
class TrialConfig:
    """One autoencoder of the sweep. Raises `InputError` at construction, naming the field and the value.

    Each field is a column of the table `trials`; the text in its type is the column's meaning (docs/tables.md).
    """

    # Data
    dataset: Annotated[str, "digits, cifar10, celeba, folder, or a plug-in"] = "digits"
    data_identity: Annotated[str, 'SHA-256 of a folder\'s images; "none" for the built-in data sets'] = ""
    """64 hex digits for a `folder` data set; "" for the built-in data sets."""
    image_size: Annotated[int, "pixels per side"] = 32
    """32 or 64."""
    resize: Annotated[Resize, "filter that brought images to image_size"] = "bilinear"
    """Antialiased."""

    # Network
    model: Annotated[str, "objective: dae, vae, another one of docs/rivals.md, or a plug-in"] = "dae"
    filters: Annotated[int, "filters of the first encoder stage"] = 128
    """Filters f of the first encoder stage; the stages have f, 2f, 4f, 8f."""
    depth: Annotated[
        tuple[int, ...], 'convolutions (or residual blocks) per encoder stage: "1", or "3-3-2-1" where stages differ'
    ] = (
        1,
        1,
        1,
        1,
    )
    """Convolutions per encoder stage, first stage first. A single number d means (d, d, d, d)."""
    latent_size: Annotated[int, "latent units"] = 128
    latent_norm: Annotated[LatentNorm, "none, batch, spectral, layer or batch_plain"] = "none"
    """`batch_plain` is batch normalisation without scale and shift. An objective may bring one of its own."""
    noise_std: Annotated[float, "standard deviation of the Gaussian noise in training"] = 0.0
    """0 adds none."""
    noise_position: Annotated[NoisePosition, "decoder_input or image"] = "decoder_input"
    """Section 4 adds the noise to the decoder's input, Section 3 says "the input" (`image`)."""
    freeze_latent: Annotated[bool, "the latent layer kept its random initialisation"] = False
    """The opposite of "trainable latent" in Table 1."""
    conv_norm: Annotated[bool, "batch normalisation after the convolutions"] = True
    """After every convolution except the last."""
    bn_momentum: Annotated[float, "weight of a new batch in the running statistics (PyTorch's sense)"] = 0.1
    """The paper's Keras default is 0.01 here."""
    decoder_first_map: Annotated[FirstMap, "channels of the decoder's first 8x8 map"] = "min(8f,1024)"
    """The paper is silent; the default fits its parameter ranges."""
    decoder_first_activation: Annotated[FirstActivation, "activation of the decoder's first map"] = "none"
    decoder_depth: Annotated[DecoderDepth, "how depth gives the decoder's convolutions per stage"] = "by_width"
    """`by_width`: as the encoder stage of the same width; `mirrored`: last stage of the encoder first; `in_order`: first stage
    first. The paper is silent, and it matters for [3, 3, 2, 1]."""

    # Objective
    beta: Annotated[float, "weight of the KL term (VAE)"] = 0.01
    """Section 3."""
    reduction: Annotated[Reduction, "mean or sum"] = "mean"
    """`mean`: cross-entropy averaged over pixels, KL over latents. `sum`: both summed per image."""

    # Schedule
    epochs: Annotated[int, "epochs asked for"] = 100
    batch_size: Annotated[int, "images per step"] = 128
    learning_rates: Annotated[tuple[float, ...], 'piecewise schedule, such as "0.001-0.0001-1e-05"'] = (
        1e-3,
        1e-4,
        1e-5,
    )
    learning_rate_drops: Annotated[
        tuple[float, ...], 'fractions of epochs where the next rate starts, such as "0.33-0.66"'
    ] = (0.33, 0.66)
    """Epochs 33 and 66 of 100 (Section 3)."""
    warmup_epochs: Annotated[int, "first epochs at warmup_learning_rate"] = 1
    warmup_learning_rate: Annotated[float, "learning rate of the warmup epochs"] = 1e-4
    seed: Annotated[int, "seed of initialisation, order and noise"] = 0
    precision: Annotated[Precision, "precision asked for"] = "auto"
    """The result of a training says which one was used."""

    # Fields that came later: part of the key only where they are not their defaults.
    reconstruction: Annotated[Reconstruction, "bce or mse; no effect on a sigma-vae"] = "bce"
    """Cross-entropy, or squared error."""
    architecture: Annotated[str, "conv (the paper's network), resnet, or a plug-in"] = "conv"
    channels: Annotated[int, "3 for colour images, 1 for grey ones"] = 3
    parameters: Annotated[
        tuple[tuple[str, Value], ...], 'parameters of model and architecture, such as "penalty 0.01"'
    ] = ()
    """Pairs, sorted by name: all parameters of the model, and those of the architecture that are not their defaults. Given as a
    mapping or as pairs."""
    plugin_versions: Annotated[tuple[str, ...], "plug-ins that are not part of aesweep, with their versions"] = ()
    """As `Registry.uses` gives them, such as "objective mine 1.0"; computed, so that a record names what it needs."""

    # Labels: they decide nothing. Trials that differ in them alone are the same trial.
    data_label: Annotated[str, 'your name for a folder\'s images; "none" without one'] = field(
        default="", compare=False
    )
    """Written as `data: {name: faces}`; "" without one."""

    def __post_init__(self) -> None:
        if _is_int(self.depth):  # `depth=2` reads better than (2, 2, 2, 2) in specs and notebooks
            object.__setattr__(self, "depth", (self.depth,) * STAGES)
        for name in ("depth", "learning_rates", "learning_rate_drops", "plugin_versions"):
            _require(isinstance(getattr(self, name), list | tuple), self, name, "a list")
            object.__setattr__(self, name, tuple(getattr(self, name)))
        # 1 and 1.0, 0.0 and -0.0 are the same trial, so they must give the same canonical JSON.
        for name in ("noise_std", "bn_momentum", "beta", "warmup_learning_rate"):
            _require(_is_number(getattr(self, name)), self, name, "a number")
            object.__setattr__(self, name, float(getattr(self, name)) + 0.0)
        for name in ("learning_rates", "learning_rate_drops"):
            _require(all(_is_number(value) for value in getattr(self, name)), self, name, "a list of numbers")
            object.__setattr__(self, name, tuple(float(value) + 0.0 for value in getattr(self, name)))
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise InputError(name, getattr(self, name), f"Choose one of: {', '.join(choices)}.")
        objective = _settle_plugins(self)
        _check(self)
        if objective is not None:
            _check_objective(self, objective)

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
        _check_seed(other)
        return other

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values; `TrialConfig(**data)` reads them back."""
        return asdict(self)


NETWORK_FIELDS = tuple(field.name for field in fields(TrialConfig) if field.name != "seed")
network_of = attrgetter(*NETWORK_FIELDS)
"""What a trial trains but for its seed: values that are equal for two seeds of one network."""
REGISTRIES: dict[str, Registry[Any]] = {"model": OBJECTIVES, "architecture": ARCHITECTURES, "dataset": DATASETS}
"""The fields whose value is the name of a description."""


def _settle_plugins(config: TrialConfig) -> Objective | None:
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


def _parameters(config: TrialConfig, objective: Objective, network: Architecture) -> Settings:
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


def _check(config: TrialConfig) -> None:
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
        ("learning_rate_drops", drops_fit, "rising fractions between 0 and 1, one fewer than learning_rates"),
    ):
        _require(fits, config, name, expected)
    _check_seed(config)
    _check_combinations(config)


def _check_seed(config: TrialConfig) -> None:
    fits = _is_int(config.seed) and 0 <= config.seed < 2**32
    _require(fits, config, "seed", "a whole number from 0 to 4294967295")


def _check_objective(config: TrialConfig, objective: Objective) -> None:
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


def _check_combinations(config: TrialConfig) -> None:
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
_CHOICES = {name: get_args(kind) for name, kind in get_type_hints(TrialConfig).items() if get_origin(kind) is Literal}
"""The words that each field of a few words takes, by field."""


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    if type(value) is float:  # nearly all of them; to ask for `Real` takes ten times as long
        return True
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    return not isinstance(value, int) or abs(value) <= 2**53  # beyond a float's range it would be an OverflowError


def _require(holds: bool, config: TrialConfig, name: str, expected: str) -> None:
    if not holds:
        raise _refused(config, name, expected)


def _refused(config: TrialConfig, name: str, expected: str) -> InputError:
    return InputError(name, getattr(config, name), f"Give {expected}.")
