"""The priors that samples are drawn from, one description each: the one place that registers them. Imports no torch.

Most are mixtures of Gaussians: `fit` returns a `fitted_prior.FittedPrior`, which knows how to draw and has a density. Any other
gives `fit` -> arrays by name and `sample`, which draws from them. Their order here is the order of the rows of a trial.
"""

from dataclasses import dataclass
from typing import ClassVar

from aesweep.models.plugins.plugin import BUILT_IN, Code, Parameter, Plugin
from aesweep.models.plugins.registry import Registry

MIXTURE = ("gmm_components", "gmm_tol", "gmm_reg_covar", "gmm_max_iter", "prior_seed")
"""Fields of an evaluation that decide a mixture, in addition to the latents that it is fitted on."""


@dataclass(frozen=True, kw_only=True)
class Prior(Plugin):
    """A distribution of latents that images are drawn from."""

    kind: ClassVar[str] = "prior"

    title: str
    """Column head in the report."""
    fit: Code
    """(latents float64 (N, Z), `priors.fit.Fit`) -> a `FittedPrior`, or arrays by name. Raises `PriorError` where there is none."""
    sample: Code | None = None
    """(arrays by name, n, seed) -> latents (n, Z), decided by these alone. None for mixtures of Gaussians, which know how."""
    log_density: Code | None = None
    """(arrays by name, latents (N, Z)) -> log p(z), nats, (N,). None for a prior without, and for mixtures."""
    needs_latents: bool = True
    """Whether its fit depends on the latents; N(0, I) does not."""
    applies: Code | None = None
    """(`TrialConfig`) -> whether a trial is scored with it; None for all trials."""
    deciding: tuple[str, ...] = ()
    """Fields of an evaluation that decide it, in addition to its parameters and the latents."""
    flops: Code | None = None
    """(training images, latent size, evaluation, values) -> operations of one iteration of its fit, of which there are about as
    many as EM takes (`cost.EM_ITERATIONS`); None for a fit that costs next to nothing."""
    torch_sample: Code | None = None
    """(tensors by name, n, `torch.Generator`) -> latents (n, Z), in torch alone: `aesweep export` copies its source, so it imports
    what it needs. None: for a mixture of Gaussians, and for a prior that exports leave out."""
    most_bytes: Code | None = None
    """(latent size, values) -> the most bytes that its file may have; None for a mixture of Gaussians."""
    on_gpu: bool = False
    """Whether its fit gains from a GPU."""


_FITTING, _SECOND = "aesweep.evaluation.priors.fitting", "aesweep.evaluation.priors.second_vae"
_COSTS = "aesweep.evaluation.priors.costs"
STANDARD_NORMAL = Prior(
    name="standard_normal",
    version=BUILT_IN,
    title="N(0, I)",
    meaning="N(0, I), for which nothing is fitted",
    fit=f"{_FITTING}:fit_standard_normal",
    needs_latents=False,
)
MVG = Prior(
    name="mvg",
    version=BUILT_IN,
    title="MVG",
    meaning="one Gaussian: mean and full covariance of the training latents (Section 3)",
    fit=f"{_FITTING}:fit_mvg",
)
GMM = Prior(
    name="gmm",
    version=BUILT_IN,
    title="GMM",
    meaning="a mixture of `gmm_components` Gaussians with full covariances (Section 3)",
    fit=f"{_FITTING}:fit_gmm",
    deciding=MIXTURE,
    flops=f"{_COSTS}:flops_of_mixture",
    on_gpu=True,
)
ZERO_MEAN = Prior(
    name="gaussian_zero_mean",
    version=BUILT_IN,
    title="N(0, Σ̂)",
    meaning="one Gaussian of full covariance whose mean is dropped, as the code of RAE draws (Ghosh et al. 2020)",
    fit=f"{_FITTING}:fit_zero_mean",
)
SECOND_VAE = Prior(
    name="second_vae",
    version=BUILT_IN,
    title="2nd VAE",
    meaning="a second VAE, trained on the latents (Dai and Wipf 2019)",
    fit=f"{_SECOND}:fit_second_vae",
    sample=f"{_SECOND}:sample_second_vae",
    torch_sample="aesweep.evaluation.priors.torch_code:sample_second_vae",
    deciding=("prior_seed",),
    flops=f"{_COSTS}:flops_of_second_vae",
    most_bytes=f"{_COSTS}:bytes_of_second_vae",
    parameters=(
        Parameter(name="steps", default=5000, meaning="steps of Adam", least=1, most=10_000_000),
        Parameter(name="batch_size", default=128, meaning="latents per step", least=2, most=1_000_000),
        Parameter(
            name="width", default=256, meaning="units of a hidden layer; the source has 1024", least=1, most=8192
        ),
        Parameter(
            name="layers", default=3, meaning="hidden layers of the encoder, and of the decoder", least=1, most=16
        ),
        Parameter(
            name="learning_rate",
            default=1e-3,
            meaning="of Adam; it falls to 0 along half a cosine",
            least=1e-8,
            most=1.0,
        ),
    ),
)

OWN = Prior(
    name="own",
    version=BUILT_IN,
    title="own prior",
    meaning="the prior of the trial's objective, where that has one other than N(0, I) (GMM-DAE)",
    fit="aesweep.evaluation.priors.own:fit_own",
    applies="aesweep.evaluation.priors.own:has_own_prior",
    needs_latents=False,
)

PRIORS = Registry(Prior, (STANDARD_NORMAL, MVG, GMM, ZERO_MEAN, SECOND_VAE, OWN))
USUAL = ("standard_normal", "mvg", "gmm")
"""Those of the paper, which an evaluation draws from unless it says otherwise."""
