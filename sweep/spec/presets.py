"""Sweeps that have a name: the paper's (Table 1), its two parts, its rivals, and one that shows everything within minutes.

The paper prints the networks (Table 1) and the best latent sizes (Tables 2 and 3); the sizes between are drawn in its
figures without numbers. The grids below hold every size that the paper names and fill the rest so that each curve has a
minimum to show: densely around 144, where Table 3 finds the best CIFAR-10 DAEs, sparsely above, and beyond 768, where it finds
the best CelebA VAEs. DAEs and VAEs are compared at their best sizes, so both have the same ones. The paper trained one seed,
which decides nothing: three are trained here, the first one of every network before the second (`aesweep.sweep.driver.plan`).
`--set seeds=0` is the paper's protocol. 372 networks, 1,116 trials.

The rivals of its Table 2 were trained by others, on other networks. Here every objective has the paper's network and schedule.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from aesweep.models.config import TrialConfig
from aesweep.models.objectives.registry import OBJECTIVES
from aesweep.models.trial_fields import LatentNorm
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec

# Section 3: 100 epochs, batch 128, fixed seeds. 0.01 is Keras' default batch normalisation momentum as PyTorch counts.
CIFAR10 = TrialConfig(dataset="cifar10", image_size=32, epochs=100, batch_size=128, bn_momentum=0.01, seed=0)
CELEBA = replace(CIFAR10, dataset="celeba", image_size=64)

SEEDS = (0, 1, 2)  # they tell two networks apart that differ by 3.5 standard deviations over seeds
VARIANT_LATENTS = (32, 64, 80, 96, 112, 128, 144, 160, 192, 256, 384, 512)  # whatever is not a plain network of depth 1
LARGE_LATENTS = (320, 448, 640, 768, 1024)  # Section 4: VAEs are hard to train above 512; Table 3 has 768
CIFAR10_LATENTS = tuple(sorted(VARIANT_LATENTS + LARGE_LATENTS))
CELEBA_LATENTS = (32, 48, 64, 80, 96, 128, 192, 256, 320, 384, 448, 512, 640, 768, 1024)
RIVALS_LATENTS = (32, 64, 128, 256)
EXTRA_LATENTS = {("cifar10", 64): (152,)}  # Table 3: the best CIFAR-10 DAE of 64 filters
PAPER_MODELS = ("dae", "vae")
NOISE_STDS = (0.1, 0.5, 1.0)  # Section 4
DEEPER = tuple(  # Table 1, beside depth 1
    replace(CIFAR10, filters=f, depth=depth)
    for f, depth in ((64, (2, 2, 2, 2)), (64, (3, 3, 3, 3)), (128, (2, 2, 2, 2)), (128, (3, 3, 2, 1)))
)
ONE_AND_TWO = ((1, 1, 1, 1), (2, 2, 2, 2))
LATENT_NORMS: dict[str, LatentNorm] = {"BN": "batch", "SN": "spectral", "LN": "layer"}  # Table 1 -> `latent_norm`


def cifar10_blocks() -> tuple[Block, ...]:
    """The CIFAR-10 lines of Table 1 (846 trials)."""
    return (
        *_width_blocks("cifar10", CIFAR10, (32, 64, 128, 256), CIFAR10_LATENTS),
        *(_block(f"cifar10 f={deep.filters} depth={deep.depth_text}", deep) for deep in DEEPER),
        *(
            _block(f"cifar10 f=128 {word}", replace(CIFAR10, filters=128, latent_norm=norm))
            for word, norm in LATENT_NORMS.items()
        ),
        _block("cifar10 f=128 noise", *(replace(CIFAR10, filters=128, noise_std=std) for std in NOISE_STDS)),
        # Section 3: frozen at its random initialisation for 128 filters and depths of 1 and 2.
        _block(
            "cifar10 f=128 frozen", *(replace(CIFAR10, filters=128, depth=d, freeze_latent=True) for d in ONE_AND_TWO)
        ),
    )


def celeba_blocks() -> tuple[Block, ...]:
    """The CelebA lines of Table 1 (270 trials)."""
    return tuple(_width_blocks("celeba", CELEBA, (32, 64, 128), CELEBA_LATENTS))


def _width_blocks(name: str, base: TrialConfig, widths: Iterable[int], latents: tuple[int, ...]) -> Iterable[Block]:
    """Figure 1: DAE and VAE of depth 1, one block per width and model, on the same sizes."""
    for f in widths:
        sizes = sorted({*latents, *EXTRA_LATENTS.get((name, f), ())})
        for model in PAPER_MODELS:
            yield _block(f"{name} f={f} {model.upper()}", replace(base, filters=f, model=model), latents=sizes)


def rivals_blocks() -> tuple[Block, ...]:
    """Every objective at the comparison sizes of Table 2 in three widths, and over latent sizes at 128 filters (366 trials).

    DAEs and VAEs are those of the paper's presets. EAE normalises its latents, so a DAE that does so too is its counterpart.
    """
    blocks = []
    for name, base, size in (("cifar10", CIFAR10, 128), ("celeba", CELEBA, 64)):
        for f in (32, 64, 128):
            networks = (replace(base, filters=f, model=model) for model in OBJECTIVES.built_in)
            blocks.append(_block(f"{name} f={f} rivals", *networks, latents=RIVALS_LATENTS if f == 128 else (size,)))
        normalised = replace(base, filters=128, latent_norm="batch_plain")
        blocks.append(_block(f"{name} f=128 normalised", normalised, latents=(size,)))
    return tuple(blocks)


def _block(name: str, *networks: TrialConfig, latents: Iterable[int] = VARIANT_LATENTS) -> Block:
    sizes = tuple(latents)
    every = (replace(n, latent_size=size, seed=seed) for seed in SEEDS for n in networks for size in sizes)
    return Block(name, tuple(every))


MEASURED = ("frechet", "gaussianity")  # the paper's FID, and its hypothesis 2 (Section 2.2)
QUICKSTART_LATENTS = (4, 8, 16, 32)
# A batch of 32, since 1,500 images give few steps and steps are what counts: 15 epochs of 47 steps make digits legible and
# come close to the entropy of the images themselves. What it takes and reaches is said once, in README.md.
QUICKSTART = TrialConfig(dataset="digits", filters=8, batch_size=32, epochs=15)


def quickstart(**execution: Any) -> SweepSpec:
    """Eight small autoencoders on scikit-learn's digits: no download, no GPU."""
    dae, vae = (tuple(replace(QUICKSTART, model=m, latent_size=z) for z in QUICKSTART_LATENTS) for m in PAPER_MODELS)
    return SweepSpec(
        name="quickstart",
        blocks=(Block("digits DAE", dae), Block("digits VAE", vae)),
        evaluation={"samples": 2000, "metrics": MEASURED},
        execution=ExecutionConfig(
            checkpoint_seconds=10, **execution
        ),  # so that a killed demo visibly goes on where it was
    )


def _paper(name: str, *blocks: Block, **execution: Any) -> SweepSpec:
    """Networks of the paper, or with its schedule.

    Not `auto`: only the 2015 Inception network gives numbers to compare with the paper's.
    """
    measured, how = {"metrics": MEASURED}, ExecutionConfig(**execution)
    return SweepSpec(name=name, blocks=blocks, extractor="inception-2015", evaluation=measured, execution=how)


PRESETS: dict[str, Callable[..., SweepSpec]] = {
    "quickstart": quickstart,
    "paper": lambda **execution: _paper("paper", *cifar10_blocks(), *celeba_blocks(), **execution),
    "paper-cifar10": lambda **execution: _paper("paper-cifar10", *cifar10_blocks(), **execution),
    "paper-celeba": lambda **execution: _paper("paper-celeba", *celeba_blocks(), **execution),
    "rivals": lambda **execution: _paper("rivals", *rivals_blocks(), **execution),
}
"""Name -> function that makes the spec; it takes the fields of `ExecutionConfig` that are not to have their defaults."""
