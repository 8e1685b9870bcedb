"""What mixtures of more components gain: distance of samples and held-out likelihood against the number of components.

If the likelihood rises and the distance does not fall, the latents are described better but the samples do not improve. Then the
decoder is the limit: its distance on reconstructed test images is drawn too.
"""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from aesweep.analysis.data.evaluations import in_order, of_first_evaluation
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.figures.curves import ERRORS
from aesweep.analysis.figures.networks import PlainNetwork, curve_looks, plain_networks
from aesweep.analysis.figures.style import GREY, Drawing, draw_curve, finish, new_figure, plain_style
from aesweep.sweep.tables.schemas import BY_COMPONENTS

LIKELIHOOD = "mixture_loglikelihood"
_MOST_NETWORKS = 12


@plain_style()
def mixtures(tables: Tables, results: Results) -> Drawing | None:
    """Distance, kernel distance and likelihood, a curve per plain network at the comparison size; None without two sizes."""
    size = results.comparison_size
    trials = results.of(network="", latent_size=size)
    rows = mixture_scores(tables, results).merge(trials, on="key")
    panels = _panels(results, rows)
    if not panels:
        return None
    networks = plain_networks(rows)
    shown = networks[:_MOST_NETWORKS]
    looks = curve_looks(shown)
    figure, axes = new_figure(4 + 3 * len(panels), 4.2, 1, len(panels))
    for ax, (metric, (heading, label)) in zip(axes[0], panels.items(), strict=True):
        ax.set_title(heading, fontsize=11)
        ax.set_ylabel(label, fontsize=9)
        _component_axis(ax, rows["components"])
        for network in shown:
            part = network.of(rows)
            draw_curve(ax, _points(part[part["metric"] == metric]), looks[network])
            if metric == f"{results.evaluation.metric}_mixture":
                _draw_limit(ax, network, trials, looks[network])
    title = f"{results.title}: mixtures of more components on {size} latents"
    handles = [Line2D([], [], label=network.label, **looks[network]) for network in shown]
    handles.append(Line2D([], [], color=GREY, linewidth=1, label="thin, level: reconstructed test images"))
    finish(figure, title, handles, results.data_hash, results.notice)
    left_out = len(networks) - len(shown)
    caption = (
        "Each mixture is fitted on nine tenths of the training latents; the likelihood is that of the other tenth. Mean over "
        f"training seeds, band from lowest to highest; with one seed {ERRORS:g} standard errors of its images or latents. "
        "Where the likelihood rises and the distance does not fall, a better prior does not help. Thin level lines: "
        "reconstructions of test images, which use no prior."
    )
    caption += f" {left_out} further networks are not drawn." if left_out else ""
    caption = " ".join(filter(None, [caption, results.aside_notice]))
    return Drawing(f"mixtures-{results.evaluation.slug}-{results.data}", title, caption, figure)


def mixture_scores(tables: Tables, results: Results) -> pd.DataFrame:
    """`key`, `metric`, `components`, `value` and `stderr` of the trials of `results`, each metric of one evaluation."""
    rows = tables.scores[tables.scores["metric"].isin(BY_COMPONENTS) & tables.scores["key"].isin(results.trials["key"])]
    rows = in_order(tables, rows[rows["extractor"].isin(["none", results.evaluation.extractor])])
    rows = of_first_evaluation(rows, ["key", "metric"])
    rows = rows.rename(columns={"gmm_components": "components"})[["key", "metric", "components", "value", "stderr"]]
    return rows.drop_duplicates(["key", "metric", "components"])


def _panels(results: Results, rows: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Heading and label of each metric that has two numbers of components."""
    name, lower = results.evaluation.metric, "(lower is better)"
    kernel = {"fid": "kid", "fd": "kd"}.get(name, "")
    every = {
        f"{name}_mixture": ("Distance of samples", f"{results.evaluation.title}\n{lower}"),
        f"{kernel}_mixture": ("Kernel distance of samples", f"{kernel.upper()}\n{lower}"),
        LIKELIHOOD: ("Held-out latents", "log-likelihood, nats per dimension\n(higher is better)"),
    }
    counts = rows.groupby("metric")["components"].nunique()
    return {metric: words for metric, words in every.items() if counts.get(metric, 0) > 1}


def _points(rows: pd.DataFrame) -> pd.DataFrame:
    """Index: components; mean and both ends of the band."""
    points = rows.groupby("components")["value"].agg(["mean", "min", "max", "count"])
    half = (ERRORS * rows.groupby("components")["stderr"].mean()).where(points["count"] == 1).fillna(0.0)
    return points.assign(min=points["min"] - half, max=points["max"] + half)


def _draw_limit(ax: Axes, network: PlainNetwork, trials: pd.DataFrame, look: dict[str, Any]) -> None:
    limit = network.of(trials)["reconstruction_test"].mean()
    if pd.notna(limit):
        ax.axhline(limit, color=look["color"], linestyle=look["linestyle"], linewidth=1, zorder=1)


def _component_axis(ax: Axes, components: pd.Series) -> None:
    found = sorted(components.astype(int).unique().tolist())
    ax.set_xscale("log")
    ax.set_xlabel("components of the mixture", fontsize=10)
    ax.xaxis.set_major_locator(FixedLocator(found))
    ax.set_xticklabels([str(count) for count in found])
    ax.xaxis.set_minor_locator(NullLocator())
