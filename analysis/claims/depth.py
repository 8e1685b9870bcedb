"""Section 5: what depth does to the scores, and that it regularises more than width."""

from typing import cast

from aesweep.analysis.claims.comparisons import deeper, plain, worse_on_average
from aesweep.analysis.claims.latent_sizes import more_sensitive
from aesweep.analysis.claims.verdicts import Verdict, claim, left_open, together
from aesweep.analysis.data.paper import CIFAR10
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.scores import PRIORS


@claim(
    "5",
    "Deeper networks trained on CIFAR-10 also showed improvements in overall generative performance",
    CIFAR10,
)
def deeper_networks_improve_overall(results: Results) -> Verdict:
    """Over all latent sizes, every deeper DAE scores lower than depth 1 of its width (MVG and GMM)."""
    return together(
        worse_on_average(
            f"{where}, depth {deep['depth']} against 1", results, prior, deep, shallow, ("deeper", "depth 1")
        )
        for where, shallow, deep in deeper(results)
        for prior in PRIORS
    )


@claim(
    "5",
    "network depth has more of a regularising impact or encourages smoothness more strongly",
    threshold="about",
)
def depth_regularises_more_than_width(results: Results) -> Verdict:
    """Scores of a deeper DAE vary less with the latent size than those of a wider one with about as many parameters."""
    found = []
    for where, _, deep in deeper(results):
        name = f"{where}, depth {deep['depth']}"
        width = _as_large(results, deep, results.thresholds.about)
        if width is None:
            found.append(left_open(f"{name}: no wider DAE of depth 1 has about as many parameters"))
            continue
        wide = plain("dae", width)
        words = f"{name} and {width} filters, depth 1"
        found += [
            more_sensitive(words, results, prior, (f"{width} filters", wide), (f"depth {deep['depth']}", deep))
            for prior in PRIORS
        ]
    return together(found)


def _as_large(results: Results, deep: dict[str, object], about: float) -> int | None:
    """Width of the wider DAE of depth 1 with about as many parameters as `deep`; None if all differ by more than the factor `about`.

    Of several latent sizes the median counts, among those that both have.
    """
    rows = results.of(model="dae", network="")
    rows = rows.assign(parameters=rows["parameters_encoder"] + rows["parameters_decoder"])
    counts = rows.pivot_table(index="latent_size", columns=["filters", "depth"], values="parameters")
    names = [cast(tuple[float, str], name) for name in counts.columns]
    own = cast(tuple[float, str], (deep["filters"], deep["depth"]))
    if own not in names:
        return None
    wider = [name for name in names if name[1] == "1" and name[0] > own[0]]
    ratios = {int(name[0]): float((counts[name] / counts[own]).median()) for name in wider}
    near = {width: max(ratio, 1 / ratio) for width, ratio in ratios.items() if ratio > 0}
    best = min(near, key=lambda width: near[width], default=None)
    return best if best is not None and near[best] <= about else None
