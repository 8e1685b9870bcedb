"""What is measured on every trained trial: every field that decides the scores. Imports no torch.

`EvaluationConfig.id` names one way of scoring; scores of two ids never share a row, a figure or a ranking.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, get_args

from aesweep.evaluation.descriptions import METRICS as KNOWN_METRICS
from aesweep.evaluation.evaluation_name import evaluation_name
from aesweep.evaluation.extractor_descriptions import EXTRACTORS
from aesweep.evaluation.prior_descriptions import PRIORS, USUAL
from aesweep.models.data.datasets import SPLITS, Split
from aesweep.models.errors import InputError, nearest
from aesweep.models.identity import content_hash, identity_fields
from aesweep.models.plugins.plugin import Plugin, PluginError, Settings, Value
from aesweep.models.plugins.registry import Registry, parsed, recorded_version
from aesweep.models.renamed import takes_old_names

VaeLatents = Literal["mean", "sample"]

INCEPTION_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
"""SHA-256 of the weights that define FID; `weights.py` checks a file against it."""

EVALUATION_VERSION = 1
# The fields of version 1; see models/identity.py for why this list never changes.
ID_FIELDS = (
    "extractor extractor_sha256 samples reference_split reference_size reference_seed seeds priors metrics "
    "prior_seed gmm_components gmm_tol gmm_reg_covar gmm_max_iter vae_latents"
).split()


OLD_NAMES = {"seeds": "sampling_seeds"}
"""Old name of a field -> the name. A constructor, a spec and `--set` take the old one until aesweep 0.3.

The files of a store keep the old one, and so do ids: an older aesweep would take another for damage.
"""
_STORED = {new: old for old, new in OLD_NAMES.items()}


@takes_old_names(**OLD_NAMES)
@dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """One way of scoring. Raises `InputError` at construction, naming the field and the value."""

    extractor: Annotated[str, "feature network"] = "random-conv-64"
    extractor_sha256: Annotated[str, 'SHA-256 of its weights; "none" where they are trained for the evaluation'] = ""
    """So that a score says which network measured it."""
    samples: Annotated[int, "images drawn from each prior"] = 10_000
    """Section 3."""
    reference_split: Annotated[Split, "split of the real images that samples are compared with"] = "test"
    reference_size: Annotated[int, "real images in the reference; a split with fewer gives all it has"] = 10_000
    reference_seed: Annotated[int, "seed of the draw where the split has more"] = 0
    sampling_seeds: Annotated[tuple[int, ...], 'seeds of the samples, such as "0-1-2"'] = (0,)
    """One sampling run per seed and prior."""
    priors: Annotated[tuple[str, ...], 'priors, such as "standard_normal, mvg, gmm"'] = USUAL
    metrics: Annotated[tuple[str, ...], 'what is measured, such as "frechet, kid"'] = ("frechet",)
    """`METRICS` says what each one is."""
    prior_seed: Annotated[int, "seed of the mixture's initialisation"] = 0
    gmm_components: Annotated[int, "components of the mixture"] = 10
    """Section 3: a 10 component Gaussian mixture."""
    gmm_tol: Annotated[float, "gain of the likelihood at which its fit ends"] = 1e-3
    gmm_reg_covar: Annotated[float, "added to the diagonal of its covariances"] = 1e-6
    gmm_max_iter: Annotated[int, "most iterations of its fit"] = 2000
    vae_latents: Annotated[
        VaeLatents, "mean or sample: what of each image's distribution a VAE's priors are fitted on"
    ] = "mean"
    """Priors of a VAE are fitted on the means of q(z|x), or on one `sample` of each."""
    bootstrap: Annotated[int, "replicates behind the error of a Fréchet distance; 0 for the jackknife"] = 0
    """Replicates behind the standard error of each Fréchet distance; 0 takes the infinitesimal jackknife instead."""
    kid_subsets: Annotated[int, "random subsets that a kernel distance is averaged over"] = 100
    """As torch-fidelity and torchmetrics do."""
    kid_subset_size: Annotated[int, "images in each of them"] = 1000
    prdc_neighbours: Annotated[int, "neighbours that bound the ball around an image"] = 5
    """Naeem et al. 2020 take 5."""
    iwae_samples: Annotated[int, "draws behind the bounds of a VAE's likelihood"] = 64
    mixture_sizes: Annotated[tuple[int, ...], "numbers of components that `mixtures` compares"] = (
        1,
        2,
        5,
        10,
        20,
        50,
        100,
    )
    options: Annotated[
        tuple[tuple[str, Settings], ...], 'parameters of priors and metrics, such as "second_vae.steps 2000"'
    ] = ()
    """Those that are not their defaults, by name: written as {second_vae: {steps: 2000}}."""
    plugin_versions: Annotated[tuple[str, ...], "plug-ins that are not part of aesweep, with their versions"] = ()
    """As `Registry.uses` gives them; computed."""

    def __post_init__(self) -> None:
        self._check_words()
        self._check_plugins()
        self._check_numbers()
        if not _are_different_ints_between(self.sampling_seeds, 0, 2**32 - 1):
            raise InputError(
                "sampling_seeds",
                list(self.sampling_seeds),
                "Give different whole numbers from 0 up, such as [0, 1, 2].",
            )

    def _check_words(self) -> None:
        for name in ("sampling_seeds", "priors", "metrics", "mixture_sizes", "plugin_versions"):
            if not isinstance(getattr(self, name), list | tuple):
                raise InputError(name, getattr(self, name), "Give a list.")
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name, kind in (("reference_split", Split), ("vae_latents", VaeLatents)):
            if getattr(self, name) not in get_args(kind):
                raise InputError(name, getattr(self, name), f"Choose one of: {', '.join(get_args(kind))}.")

    def _check_plugins(self) -> None:
        """Priors, metrics and extractor by their registries; `options` by the parameters that these have."""
        uses: set[str] = set()
        for name, registry in (("priors", PRIORS), ("metrics", KNOWN_METRICS)):
            values = getattr(self, name)
            for value in values:
                uses |= _uses(registry, name, value, self.plugin_versions, "Choose from")
            # The order in which they are asked for changes no score.
            others = sorted(set(values) - registry.built_in.keys())
            known = tuple(value for value in registry.built_in if value in values)
            object.__setattr__(self, name, (*known, *others))
        uses |= _uses(EXTRACTORS, "extractor", self.extractor, self.plugin_versions, "Choose one of")
        object.__setattr__(self, "plugin_versions", tuple(sorted(uses)))
        object.__setattr__(self, "options", self._read_options())

    def _read_options(self) -> tuple[tuple[str, Settings], ...]:
        try:
            given = {str(name): dict(values) for name, values in dict(self.options).items()}
        except (TypeError, ValueError):
            remedy = "Give parameters by the name of their prior or metric, such as {second_vae: {steps: 2000}}."
            raise InputError("options", self.options, remedy) from None
        recorded = {use.name for use in parsed(self.plugin_versions)}
        found = {}
        for name, values in sorted(given.items()):
            if name in self.priors and name in self.metrics:
                raise InputError("options", name, "A prior and a metric have this name. Rename one of the two.")
            one = self._described(name)
            if one is None and name in recorded:  # of a plug-in that is not here
                found[name] = tuple(sorted(values.items()))
            elif one is None:
                remedy = f"Give parameters of one of: {', '.join((*self.priors, *self.metrics))}."
                raise InputError("options", name, remedy)
            else:
                found[name] = one.settings(values, f"options.{name}")
        return tuple((name, values) for name, values in found.items() if values)

    def _described(self, name: str) -> Plugin | None:
        """The prior or metric of this name among those that are asked for, where it is here."""
        asked: tuple[tuple[tuple[str, ...], Registry[Any]], ...] = (
            (self.priors, PRIORS),
            (self.metrics, KNOWN_METRICS),
        )
        found = (registry.find(name) for names, registry in asked if name in names)
        return next(filter(None, found), None)

    def option_values(self, one: Plugin) -> dict[str, Value]:
        """All parameters of a prior or a metric."""
        return one.values(dict(self.options).get(one.name, ()))

    def _check_numbers(self) -> None:
        for name, (least, most) in _COUNTS.items():
            if not _is_int_between(getattr(self, name), least, most):
                raise InputError(name, getattr(self, name), f"Give a whole number from {least} to {most}.")
        least, most = _COUNTS["gmm_components"]
        if not _are_different_ints_between(self.mixture_sizes, least, most):
            remedy = f"Give different whole numbers from {least} to {most}, such as [1, 10, 100]."
            raise InputError("mixture_sizes", list(self.mixture_sizes), remedy)
        object.__setattr__(self, "mixture_sizes", tuple(sorted(self.mixture_sizes)))
        for name in ("gmm_tol", "gmm_reg_covar"):  # 1 and 1.0 are the same evaluation
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e6:
                raise InputError(name, value, "Give a number from 0 to 1e6.")
            object.__setattr__(self, name, float(value) + 0.0)
        if self.bootstrap == 1:
            remedy = "Give 0 for the infinitesimal jackknife, or at least 2 replicates; 100 is usual."
            raise InputError("bootstrap", 1, remedy)

    @property
    def id(self) -> str:
        """12 hex digits that name this way of scoring."""
        decide = identity_fields(self, {OLD_NAMES.get(name, name) for name in ID_FIELDS})
        return content_hash({"evaluation_version": EVALUATION_VERSION, **with_stored_names(decide)})

    @property
    def name(self) -> str:
        """Readable words and the id, for instance `random-conv-64-n2000-3fa9c2e1b0d4` (evaluation_name.py)."""
        return evaluation_name(self)

    @property
    def seeds(self) -> tuple[int, ...]:
        """`sampling_seeds` by its old name, until aesweep 0.3."""
        return self.sampling_seeds

    @property
    def extractor_label(self) -> str:
        """The feature network in names of files: `classifier`, or with its version where it is a plug-in's."""
        version = recorded_version(self.plugin_versions, "extractor", self.extractor)
        return f"{self.extractor}-{version}" if version else self.extractor

    @property
    def frechet_name(self) -> str:
        """`fid` for the 2015 Inception network alone; the same distance on other features or weights is called `fd`."""
        official = self.extractor == "inception-2015" and self.extractor_sha256 in ("", INCEPTION_SHA256)
        return "fid" if official else "fd"

    @property
    def kernel_name(self) -> str:
        """`kid` where the distance is a FID, else `kd`."""
        return "kid" if self.frechet_name == "fid" else "kd"

    @property
    def needs_features(self) -> bool:
        """Whether a feature network is needed."""
        return any((one := KNOWN_METRICS.find(name)) is not None and one.needs_features for name in self.metrics)

    @property
    def compares_reconstructions(self) -> bool:
        """Whether reconstructions are compared with real images by their features."""
        return bool({"frechet", "kid"}.intersection(self.metrics))

    @property
    def reference_splits(self) -> tuple[Split, ...]:
        """Splits whose real images generated ones are compared with."""
        if not self.needs_features:
            return ()
        return SPLITS if self.compares_reconstructions else (self.reference_split,)

    def require_metrics_of(self, extractor: str) -> None:
        """Raise `InputError` where the network `extractor` cannot give what is measured.

        A check of its own: a sweep may ask for metrics before the weights at hand settle its extractor.
        """
        if "inception_score" in self.metrics and extractor != "inception-2015":
            remedy = "The Inception score needs `extractor: inception-2015`; see `aesweep fetch inception`."
            raise InputError("metrics", f"inception_score with {extractor}", remedy)

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values; `EvaluationConfig(**data)` reads them back."""
        return with_stored_names(asdict(self))


def with_stored_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of an `EvaluationConfig` by the names that they have in the files of a store."""
    return {_STORED.get(name, name): value for name, value in fields.items()}


def with_new_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of an `EvaluationConfig` by their names, where some may have old ones."""
    return {OLD_NAMES.get(name, name): value for name, value in fields.items()}


METRICS = {name: one.meaning for name, one in KNOWN_METRICS.built_in.items()}
"""Name -> what it measures, of the metrics of aesweep."""

# Smallest and largest whole numbers of each field; a value beyond the largest is a typing error.
_COUNTS = {
    "samples": (2, 10_000_000),
    "reference_size": (2, 10_000_000),
    "reference_seed": (0, 2**32 - 1),
    "prior_seed": (0, 2**32 - 1),
    "gmm_components": (1, 10_000),
    "gmm_max_iter": (1, 1_000_000),
    "bootstrap": (0, 10_000),
    "kid_subsets": (1, 100_000),
    "kid_subset_size": (2, 1_000_000),
    "prdc_neighbours": (1, 1000),
    "iwae_samples": (1, 100_000),
}


def _uses(registry: Registry[Any], field: str, name: object, recorded: tuple[str, ...], choose: str) -> set[str]:
    """The plug-in of this name, as `Registry.uses`. Raises `InputError`, which lists the names to choose from."""
    try:
        if not isinstance(name, str):
            raise InputError(field, name, "")
        return set(registry.uses([name], recorded, field))
    except PluginError:
        raise
    except InputError:
        names = registry.names()
        hint = nearest(name, names) if isinstance(name, str) and name else ""
        raise InputError(field, name, f"{hint}{choose}: {', '.join(names)}.") from None


def _is_int_between(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _are_different_ints_between(values: tuple[object, ...], least: int, most: int) -> bool:
    """Whether there are any, and all fit."""
    fit = all(_is_int_between(value, least, most) for value in values)
    return bool(values) and fit and len(set(values)) == len(values)
