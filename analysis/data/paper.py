"""What the paper did, as far as a report needs it: its data sets, its settings, and the lines of its Table 1.

`analysis` imports nothing of ours, so this repeats what `sweep/spec/presets.py` launches; a test holds the two together.
"""

from typing import NamedTuple

CIFAR10, CELEBA = "cifar10-32", "celeba-64"
"""`data` of a trial on the paper's data sets."""
COMPARISON_SIZES = {CIFAR10: 128, CELEBA: 64}
"""Section 4 compares DAEs and VAEs at 128 latent units on CIFAR-10, at 64 on CelebA."""
DATA_NAMES = {CIFAR10: "CIFAR-10", CELEBA: "CelebA"}

SETTINGS: dict[str, object] = {
    "epochs": 100,
    "batch_size": 128,
    "learning_rates": "0.001-0.0001-1e-05",
    "learning_rate_drops": "0.33-0.66",
    "warmup_epochs": 1,
    "warmup_learning_rate": 1e-4,
    "bn_momentum": 0.01,
    "reduction": "mean",
    "decoder_first_map": "min(8f,1024)",
    "decoder_first_activation": "none",
    "decoder_depth": "by_width",
}
"""Section 3 and our readings of it (docs/fidelity.md): what the paper presets train with."""
VAE_SETTINGS: dict[str, object] = {"beta": 0.01}
SCORING: dict[str, int | str] = {"n": 10_000, "n_reference": 10_000, "reference_split": "test", "gmm_components": 10}
"""Section 3: FIDs of 10,000 samples against 10,000 test images, a mixture of 10 Gaussians. Keys: columns of the scores
table, which may be null where they decide nothing."""


class Experiment(NamedTuple):
    """One network of Table 1 on one data set; its latent sizes are the sweep's choice."""

    block: str  # the block of the paper presets that trains it
    data: str
    model: str
    filters: int
    depth: str
    network: str  # words as in `aesweep.analysis.data.trials.describe`; "" for the plain network

    @property
    def preset(self) -> str:
        """The smallest preset that holds the block."""
        return "paper-celeba" if self.data == "celeba-64" else "paper-cifar10"


def _widths(name: str, data: str, widths: tuple[int, ...]) -> list[Experiment]:
    return [
        Experiment(f"{name} f={f} {model.upper()}", data, model, f, "1", "") for f in widths for model in ("dae", "vae")
    ]


_DEEPER = ((64, "2"), (64, "3"), (128, "2"), (128, "3-3-2-1"))
_NORMS = {"BN": "batch", "SN": "spectral", "LN": "layer"}
NOISES = ("0.1", "0.5", "1")
EXPERIMENTS: tuple[Experiment, ...] = (
    *_widths("cifar10", "cifar10-32", (32, 64, 128, 256)),
    *(Experiment(f"cifar10 f={f} depth={d}", "cifar10-32", "dae", f, d, "") for f, d in _DEEPER),
    *(
        Experiment(f"cifar10 f=128 {short}", "cifar10-32", "dae", 128, "1", f"{norm} latent norm")
        for short, norm in _NORMS.items()
    ),
    *(Experiment("cifar10 f=128 noise", "cifar10-32", "dae", 128, "1", f"noise {std}") for std in NOISES),
    *(Experiment("cifar10 f=128 frozen", "cifar10-32", "dae", 128, d, "frozen latent") for d in ("1", "2")),
    *_widths("celeba", "celeba-64", (32, 64, 128)),
)


def end_widths(data: str) -> tuple[int, int]:
    """Filters of the narrowest and the widest network that the paper trained on one of its data sets."""
    widths = [experiment.filters for experiment in EXPERIMENTS if experiment.data == data]
    return min(widths), max(widths)
