"""Which settings of an evaluation decide a score, and how its row of the scores table says so. Imports no torch.

Every score has an extractor, images and seeds, and columns for them. Other settings decide some scores only: the mixture's
those of samples of the GMM, the subsets' those of kernel distances. A row names the ones that decide it and no others, so
that scores of two evaluations differ in what their rows say, or in nothing.
"""

from collections.abc import Mapping
from typing import Any

from aesweep.evaluation.config import ID_FIELDS, EvaluationConfig
from aesweep.evaluation.descriptions import KERNEL, METRICS, ROWS, metric_of_row
from aesweep.evaluation.prior_descriptions import MIXTURE, PRIORS
from aesweep.models.objectives.registry import OBJECTIVES
from aesweep.models.plugins.registry import recorded_version

_OF_METRIC = {name: row.deciding for name, row in ROWS.items()}
_METRIC_OF_ROW = {row.name: one.name for one in METRICS.built_in.values() for row in one.rows}
NUMBERS = (*MIXTURE, "bootstrap", *KERNEL, "prdc_neighbours", "iwae_samples")
"""Every field that may decide a score and is a number; `vae_latents` is the one that is a word."""
_SCALED = ("decoder_frobenius_scaled", "decoder_lipschitz")
"""Measures in units of the training latents, at whatever place they are taken."""
_DEFAULTS = EvaluationConfig().to_json()


def deciding_numbers(source: str, metric: str) -> tuple[str, ...]:
    """Those of `NUMBERS` that decide the value or the standard error of a score."""
    if metric == "loglikelihood_gap_null":
        return ("gmm_components",)
    of_mixture = _of_prior(source) or (MIXTURE if metric in ("loglikelihood_gap", "loglikelihood_gap_p") else ())
    of_metric = _OF_METRIC.get(metric, ())
    if source == "reconstruction" and of_metric == ("bootstrap",):  # its error is always the jackknife's
        of_metric = ()
    return (*of_mixture, *of_metric)


def _of_prior(source: str) -> tuple[str, ...]:
    prior = PRIORS.built_in.get(source)  # a plug-in's is decided by its parameters, and by the seed
    return prior.deciding if prior else ()


def deciding_columns(
    evaluation: Mapping[str, Any], model: str, source: str, metric: str, extractor: str = "none"
) -> dict[str, Any]:
    """The columns `gmm_components`, `vae_latents` and `changed_settings` of one score, measured by this network if any.

    `evaluation` is what a commit says of it. Fields that came later have their defaults where an older commit lacks them,
    since a default never changes; where it says nothing at all they are unknown.
    """
    known = {name: value for name, value in _DEFAULTS.items() if name not in ID_FIELDS} if evaluation else {}
    known |= evaluation
    decide = deciding_numbers(source, metric)
    names = [name for name in decide if name != "gmm_components"]
    return {
        "gmm_components": known.get("gmm_components") if "gmm_components" in decide else None,
        "vae_latents": _vae_latents(known, model) if _of_latents(source, metric) else "none",
        "changed_settings": _changed(known, names, source, metric, extractor),
    }


def _of_latents(source: str, metric: str) -> bool:
    """Whether a score depends on the latents that priors are fitted on."""
    if source == "reconstruction" and metric.endswith("_spherical"):  # around the mean of these latents
        return True
    # Reconstructions decode means, samples of N(0, I) no latents of images at all.
    return metric in _SCALED or source not in ("standard_normal", "reconstruction", "images")


def _vae_latents(known: Mapping[str, Any], model: str) -> str:
    """What of each image's distribution was taken; "none" for a model without one, "unknown" if the model is not here."""
    objective = OBJECTIVES.find(model)
    if objective is None:
        return "unknown"
    return str(known.get("vae_latents", "unknown")) if objective.variational else "none"


def _changed(known: Mapping[str, Any], names: list[str], source: str, metric: str, extractor: str) -> str:
    """Such as `kid_subsets 10, kid_subset_size 50`, `options.second_vae.steps 2000` or `version of my_prior 1.0`."""
    if not all(name in known for name in names):
        return "unknown"
    changed = [f"{name} {known[name]}" for name in names if known[name] != _DEFAULTS[name]]
    options = dict(known.get("options", ()))
    measured = _METRIC_OF_ROW.get(metric) or metric_of_row(metric, known.get("metrics", ()))
    for kind, one in (("prior", source), ("metric", measured), ("extractor", extractor)):
        version = recorded_version(known.get("plugin_versions", ()), kind, str(one))
        changed += [f"version of {one} {version}"] if version else []
        if kind != "extractor":
            changed += [f"options.{one}.{name} {value}" for name, value in options.get(one, ())]
    return ", ".join(changed) or "none"
