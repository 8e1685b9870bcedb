"""The order in which a trained trial is scored, and what each stage needs. Imports no torch: the sweep's driver reads it.

    encode  latents of all images                                        GPU
    fit     priors on the training latents, held-out likelihoods         CPU, or GPU where there is one
    sample  images of each prior, decoded and measured; the pictures     GPU
    score   Fréchet distances, Gaussianity; all rows                     CPU

`score.score_trial` runs the stages in one process. The driver submits them as Ray tasks
(`sweep/driver/evaluation_pool.py`), which run `sweep/worker/evaluation_stages.py`. Both follow `run_stages`.
"""

from collections.abc import Callable
from typing import Any


def run_stages(run: Callable[..., Any], references: Any, measured: Any) -> tuple[Any, Any, Any, Any]:
    """Call `run(stage, *inputs)` for each stage in order; what each gave.

    `references` are the real images that generated ones are compared with. `measured` is a token that exists once they
    have been measured: `encode` waits for it but does not need the images. Inputs are passed on as they are, so they may
    be values or references to values that do not exist yet.
    """
    latents = run("encode", measured)
    fitted = run("fit", latents)
    sampled = run("sample", latents, fitted, references)
    return latents, fitted, sampled, run("score", latents, fitted, sampled, references)
