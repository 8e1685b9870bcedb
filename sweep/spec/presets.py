"""Sweeps that have a name: the paper's, its two parts, and one that shows everything within minutes on a laptop."""

from collections.abc import Callable
from dataclasses import replace

from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.paper import celeba_blocks, cifar10_blocks
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec

MEASURED = ("frechet", "gaussianity")  # the paper's FID, and its hypothesis 2 (Section 2.2)
QUICKSTART_LATENTS = (4, 8, 16, 32)
# A batch of 32, since 1,500 images give few steps and steps are what counts: 15 epochs of 47 steps make digits legible and
# come close to the entropy of the images themselves. What it takes and reaches is said once, in README.md.
QUICKSTART = TrialConfig(dataset="digits", filters=8, batch_size=32, epochs=15)


def quickstart() -> SweepSpec:
    """Eight small autoencoders on scikit-learn's digits: no download, no GPU."""
    dae, vae = (tuple(replace(QUICKSTART, model=m, latent_size=z) for z in QUICKSTART_LATENTS) for m in ("dae", "vae"))
    execution = ExecutionConfig(checkpoint_seconds=10)  # so that a killed demo visibly goes on where it was
    return SweepSpec(
        name="quickstart",
        blocks=(Block("digits DAE", dae), Block("digits VAE", vae)),
        evaluation={"samples": 2000, "metrics": MEASURED},
        execution=execution,
    )


def _paper(name: str, *blocks: Block) -> SweepSpec:
    """A part of Table 1. Not `auto`: only the 2015 Inception network gives numbers to compare with the paper's."""
    return SweepSpec(name=name, blocks=blocks, extractor="inception-2015", evaluation={"metrics": MEASURED})


PRESETS: dict[str, Callable[[], SweepSpec]] = {
    "quickstart": quickstart,
    "paper": lambda: _paper("paper", *cifar10_blocks(), *celeba_blocks()),
    "paper-cifar10": lambda: _paper("paper-cifar10", *cifar10_blocks()),
    "paper-celeba": lambda: _paper("paper-celeba", *celeba_blocks()),
}
