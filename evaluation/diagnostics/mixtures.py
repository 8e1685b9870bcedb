"""Mixtures of several numbers of components as one evaluation: does a richer prior help, or does the decoder set the limit?

For each of `mixture_sizes` one Gaussian mixture is fitted on nine tenths of the training latents, like `heldout_likelihood` does:

* `mixture_loglikelihood`: mean log p(z) of the other tenth, in nats per latent dimension.
* `fd_mixture`, `kd_mixture` (`fid_…`, `kid_…` with Inception): distances of its samples from the real images.

Where the likelihood still rises and the distance does not fall, latents no longer limit the samples. The column `gmm_components`
says each row's number of components. Each fit gets the full deadline of a prior; together they take as long as one fit with as
many components as all sizes add up to.
"""

import time
from dataclasses import replace

from threadpoolctl import threadpool_limits

from aesweep.evaluation.metrics.heldout import heldout_split, mean_likelihood
from aesweep.evaluation.priors.fitted_prior import FittedPrior, PriorError
from aesweep.evaluation.priors.fitting import fit_prior
from aesweep.evaluation.rows import ScoreRow
from aesweep.evaluation.subject import Subject, Values, prior_rows


def measure(subject: Subject) -> list[ScoreRow]:
    """Three rows per number of components."""
    rows: list[ScoreRow] = []
    for components in subject.evaluation.mixture_sizes:
        rows += _rows(subject, components)
    return rows


def _rows(subject: Subject, components: int) -> list[ScoreRow]:
    asked, started = subject.evaluation, time.perf_counter()
    fitted_on, held_out = heldout_split(len(subject.train_NZ), asked.prior_seed)
    prior: FittedPrior | str
    try:
        sized = replace(asked, gmm_components=components)
        prior = fit_prior("gmm", subject.train_NZ[fitted_on], sized, subject.fits)
    except PriorError as error:
        prior = str(error)
    latents = subject.row("gmm", "train", sampling_seed=asked.prior_seed, seconds=time.perf_counter() - started)
    images = subject.row("gmm", asked.reference_split, extractor=asked.extractor, n_reference=subject.reference().n)

    def likelihood(prior: FittedPrior) -> Values:
        with threadpool_limits(subject.fits.threads):  # as `heldout_likelihood` does: thread counts change bits
            found = mean_likelihood(prior, subject.train_NZ[held_out])
        return {"mixture_loglikelihood": (*found, len(held_out))}

    def distances(prior: FittedPrior) -> Values:
        seed = asked.sampling_seeds[0]
        found = subject.distances(subject.features(prior.sample(asked.samples, seed)), seed)
        return {f"{metric}_mixture": value for metric, value in found.items()}

    names = tuple(f"{name}_mixture" for name in (asked.frechet_name, asked.kernel_name))
    rows = prior_rows(latents, ("mixture_loglikelihood",), prior, likelihood)
    rows += prior_rows(images, names, prior, distances)
    return [replace(row, gmm_components=components) for row in rows]
