"""Section 2.2: the hypotheses that have a sentence of their own; the others are judged where the paper returns to them."""

from aesweep.analysis.claims.comparisons import deeper, falls_with_width, mean_noise, not_gaussian, plain_networks
from aesweep.analysis.claims.latent_sizes import falls_with_size, has_minimum
from aesweep.analysis.claims.verdicts import Verdict, claim, lower, together
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.scores import PRIORS
from aesweep.analysis.statistics import Sample


@claim(
    "2.2",
    "Powerful/deep encoders produce outputs that tend towards smooth Gaussians as they increase in depth and "
    "complexity",
)
def wider_encoders_give_more_gaussian_latents(results: Results) -> Verdict:
    """At the comparison size, latents of DAEs come closer to a Gaussian with every doubling of the width, by every measure."""
    rows = results.at_comparison_size("dae")
    return together(
        falls_with_width(what, results, rows, values, noise=noise)
        for what, values, noise in not_gaussian(results, rows)
    )


@claim(
    "2.2",
    "Powerful/deep encoders produce outputs that tend towards smooth Gaussians as they increase in depth and "
    "complexity",
)
def deeper_encoders_give_more_gaussian_latents(results: Results) -> Verdict:
    """At the comparison size, latents of deeper DAEs are closer to a Gaussian than those of depth 1, by every measure."""
    found = []
    for where, shallow, deep in deeper(results):
        first, second = (results.of(**network, latent_size=results.comparison_size) for network in (deep, shallow))
        names = (f"depth {deep['depth']}", "depth 1")
        for one, other in zip(not_gaussian(results, first), not_gaussian(results, second), strict=True):
            a, b = (Sample(v.dropna().to_numpy(), noise=mean_noise(e.to_numpy())) for _, v, e in (one, other))
            found.append(lower(f"{where}, {one[0]}", names, a, b))
    return together(found)


@claim(
    "2.2",
    "there is an optimum size of the bottleneck layer that balances quality of reconstruction and generative samples",
)
def reconstruction_improves_with_size_while_samples_have_a_minimum(results: Results) -> Verdict:
    """For every plain network Test R falls with the latent size, while MVG and GMM are lowest inside the sizes tried."""
    found = []
    for network in plain_networks(results):
        found.append(falls_with_size(results, "reconstruction_test", network))
        found += [has_minimum(results, prior, network) for prior in PRIORS]
    return together(found)
