"""Hypothesis 1: how smooth and how interpolatable latent spaces are, by model, width and depth (Sections 2.2, 5 and 6).

The paper measures neither, so here is what its words mean. *Interpolatable*: pictures halfway between two test images are close
to real ones. *Smooth*: a straight walk between two latents is straight in feature space too, and the decoder's picture changes
little when the latents move by their own standard deviation. Lower is smoother throughout.
"""

from collections.abc import Callable

from aesweep.analysis.claims.comparisons import (
    NetworkColumns,
    deeper,
    falls_more,
    falls_with_width,
    lower_at_comparison_size,
    plain,
    widths_with_both,
)
from aesweep.analysis.claims.verdicts import Finding, Verdict, claim, left_open, together
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.smoothness import COLUMNS

SMOOTH = ("path_stretch_reconstruction", "decoder_frobenius_scaled_reconstruction")
INTERPOLATABLE = "straight_reconstruction"
SPACE = (*SMOOTH, INTERPOLATABLE)
"""What makes a latent space smooth and interpolatable."""
DECODER = ("decoder_frobenius_scaled_reconstruction", "decoder_frobenius_scaled_mvg")
LIPSCHITZ = "lipschitz_reconstruction"
NEEDS = "--metrics interpolation,path_length,jacobian,lipschitz"


@claim(
    "2.2",
    "Variational inference is required to create smooth and interpolatable latent spaces with weak/shallow encoders and "
    "decoders through strong regularisation.",
)
def weak_networks_need_variational_inference(results: Results) -> Verdict:
    """At the comparison size, VAEs of the narrowest width have a smoother and more interpolatable space than DAEs of that width."""
    widths = widths_with_both(results.at_comparison_size())
    if len(widths) < 2:
        return _too_few_widths()
    return _judged(
        results,
        SPACE,
        lambda name: [_lower(results, name, plain("vae", widths[0]), plain("dae", widths[0]))],
    )


@claim(
    "2.2",
    "Powerful/deep encoders and decoders intrinsically produce smooth and interpolatable latent spaces",
    threshold="little",
)
def powerful_networks_are_smooth_without_variational_inference(results: Results) -> Verdict:
    """At the comparison size, DAEs of the widest width, and deeper ones, are as smooth and interpolatable as VAEs, or little less."""
    widths = widths_with_both(results.at_comparison_size())
    if len(widths) < 2:
        return _too_few_widths()
    daes = [plain("dae", widths[-1]), *(deep for _, _, deep in deeper(results) if deep["filters"] in widths)]
    allowed = 1 / (1 + results.thresholds.little)
    return _judged(
        results,
        SPACE,
        lambda name: [_lower(results, name, dae, {**dae, "model": "vae", "depth": "1"}, allowed) for dae in daes],
    )


@claim(
    "2.2",
    "this will dominate the behaviour of the autoencoder.",
)
def the_size_of_the_network_outweighs_variational_inference(results: Results) -> Verdict:
    """At the comparison size, the lead of VAEs over DAEs in smoothness and interpolation shrinks from the narrowest width to the widest."""
    widths = widths_with_both(results.at_comparison_size())
    if len(widths) < 2:
        return _too_few_widths()
    ends, models = (widths[0], widths[-1]), ("dae", "vae")
    return _judged(
        results,
        SPACE,
        lambda name: [
            falls_more(
                f"change from {ends[0]} to {ends[1]} filters, {COLUMNS[name]}",
                results,
                name,
                ends,
                results.comparison_size,
                models,
            )
        ],
    )


@claim(
    "5",
    "increasing network width produces a model that has greater smoothness and interpolatability",
)
def wider_daes_are_smoother_and_more_interpolatable(results: Results) -> Verdict:
    """At the comparison size, the latent space of DAEs becomes smoother and more interpolatable with every doubling of the width."""
    return _judged(results, SPACE, lambda name: [_falls(results, name)])


@claim(
    "5",
    "network depth has more of a regularising impact or encourages smoothness more strongly",
)
def depth_makes_daes_smoother_than_width_does(results: Results) -> Verdict:
    """At the comparison size, deeper DAEs are smoother than those of depth 1, of the same width and of the next wider one."""
    return _judged(
        results,
        SMOOTH,
        lambda name: [
            _lower(results, name, deep, other)
            for _, shallow, deep in deeper(results)
            for other in (shallow, _next_wider(results, shallow))
        ],
    )


@claim(
    "5",
    "the increasing size results in an encoder that produces a smoother and more interpolatable latent space and a "
    "decoder that can map the latent space back into a smoother image output space.",
)
def larger_encoders_and_decoders_are_smoother(results: Results) -> Verdict:
    """At the comparison size, walks, midpoints, and the decoder at test images and MVG samples become smoother with a DAE's width."""
    names = tuple(dict.fromkeys((*SPACE, *DECODER)))
    return _judged(results, names, lambda name: [_falls(results, name)])


@claim(
    "6",
    "large encoder and decoder networks implicitly gaining the properties of interpolatability and Lipschitz continuity",
)
def wider_daes_gain_interpolatability_and_lipschitz_continuity(results: Results) -> Verdict:
    """At the comparison size, midpoints, and the Lipschitz estimate of encoder and decoder together, fall with the width of a DAE."""
    return _judged(results, (INTERPOLATABLE, LIPSCHITZ), lambda name: [_falls(results, name)])


def _judged(results: Results, names: tuple[str, ...], compare: Callable[[str], list[Finding]]) -> Verdict:
    """What `compare` finds by each of these measures; those that no trial has are named."""
    measured = [name for name in names if results.trials[name].notna().any()]
    if not measured:
        return together([left_open(results.to_measure(NEEDS))])
    found = [
        finding
        for name in names
        for finding in (compare(name) if name in measured else [left_open(f"{COLUMNS[name]}: not measured")])
    ]
    return together(found)


def _lower(results: Results, name: str, first: NetworkColumns, second: NetworkColumns, factor: float = 1.0) -> Finding:
    """Whether `factor` times the first network's measure is lower than the second's."""
    a, b = ((_words(network), network) for network in (first, second))
    return lower_at_comparison_size(COLUMNS[name], results, name, a, b, factor)


def _falls(results: Results, name: str) -> Finding:
    rows = results.at_comparison_size("dae")
    return falls_with_width(COLUMNS[name], results, rows, rows[name])


def _next_wider(results: Results, network: NetworkColumns) -> NetworkColumns:
    """The DAE of depth 1 that is next in width, or of twice the width where there is none."""
    width = float(str(network["filters"]))
    wider = [w for w in sorted(results.at_comparison_size("dae")["filters"].unique()) if w > width]
    return plain("dae", wider[0] if wider else 2 * width)


def _words(network: NetworkColumns) -> str:
    depth = f", depth {network['depth']}" if network["depth"] != "1" else ""
    return f"{str(network['model']).upper()} of {network['filters']:.0f} filters{depth}"


def _too_few_widths() -> Verdict:
    return together([left_open("fewer than two widths with both models: none is the weak or the powerful one")])
