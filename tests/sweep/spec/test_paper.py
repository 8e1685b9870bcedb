"""Table 1, and every latent size that the paper names."""

from collections import Counter
from dataclasses import replace

import pytest

from aesweep.models.architectures.conv import KERNEL_SIZES
from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.presets import CELEBA, CIFAR10, celeba_blocks, cifar10_blocks

# Tables 2 and 3 and Section 4: data set, model, filters, depth -> latent sizes.
NAMED = {
    ("cifar10", "dae", 32, "1"): (128, 160, 192),
    ("cifar10", "dae", 64, "1"): (128, 152),
    ("cifar10", "dae", 128, "1"): (128, 144),
    ("cifar10", "dae", 128, "3-3-2-1"): (96,),
    ("cifar10", "dae", 256, "1"): (128, 160),
    ("cifar10", "vae", 32, "1"): (128, 256, 384, 512),
    ("cifar10", "vae", 64, "1"): (128, 384, 512),
    ("cifar10", "vae", 128, "1"): (128, 384),
    ("cifar10", "vae", 256, "1"): (128, 512, 768),
    ("celeba", "dae", 32, "1"): (64, 384),
    ("celeba", "dae", 64, "1"): (64, 80, 384),
    ("celeba", "dae", 128, "1"): (64, 96, 128),
    ("celeba", "vae", 32, "1"): (64, 768),
    ("celeba", "vae", 64, "1"): (64, 768),
    ("celeba", "vae", 128, "1"): (64, 384, 768),
}
# Table 1, with the networks that each line gives, three seeds each.
BLOCKS = {
    "cifar10 f=32 DAE": 17,
    "cifar10 f=32 VAE": 17,
    "cifar10 f=64 DAE": 18,
    "cifar10 f=64 VAE": 18,
    "cifar10 f=128 DAE": 17,
    "cifar10 f=128 VAE": 17,
    "cifar10 f=256 DAE": 17,
    "cifar10 f=256 VAE": 17,
    "cifar10 f=64 depth=2": 12,
    "cifar10 f=64 depth=3": 12,
    "cifar10 f=128 depth=2": 12,
    "cifar10 f=128 depth=3-3-2-1": 12,
    "cifar10 f=128 BN": 12,
    "cifar10 f=128 SN": 12,
    "cifar10 f=128 LN": 12,
    "cifar10 f=128 noise": 36,
    "cifar10 f=128 frozen": 24,
    "celeba f=32 DAE": 15,
    "celeba f=32 VAE": 15,
    "celeba f=64 DAE": 15,
    "celeba f=64 VAE": 15,
    "celeba f=128 DAE": 15,
    "celeba f=128 VAE": 15,
}

ALL_BLOCKS = (*cifar10_blocks(), *celeba_blocks())
TRIALS = [trial for block in ALL_BLOCKS for trial in block.trials]
VARIED = (
    "dataset",
    "image_size",
    "model",
    "filters",
    "depth",
    "latent_size",
    "latent_norm",
    "noise_std",
    "freeze_latent",
    "seed",
)


def plain(trial: TrialConfig) -> bool:
    return trial.latent_norm == "none" and not trial.noise_std and not trial.freeze_latent


@pytest.mark.parametrize(("network", "sizes"), NAMED.items(), ids=str)
def test_every_latent_size_that_the_paper_names_is_there(
    network: tuple[str, str, int, str], sizes: tuple[int, ...]
) -> None:
    found = {t.latent_size for t in TRIALS if (t.dataset, t.model, t.filters, t.depth_text) == network and plain(t)}
    assert set(sizes) <= found


def test_every_line_of_table_1_is_a_block() -> None:
    assert {block.name: len(block.trials) for block in ALL_BLOCKS} == {name: 3 * n for name, n in BLOCKS.items()}


def test_the_sweep_has_1116_different_trials() -> None:
    assert len(TRIALS) == len({trial.key for trial in TRIALS}) == 1116


def test_table_1_is_complete_and_holds_nothing_else() -> None:
    networks = Counter(
        (t.dataset, t.model, t.filters, t.depth_text, t.latent_norm, t.noise_std, t.freeze_latent) for t in TRIALS
    )
    expected = {("cifar10", m, f, "1", "none", 0.0, False) for m in ("dae", "vae") for f in (32, 64, 128, 256)}
    expected |= {("celeba", m, f, "1", "none", 0.0, False) for m in ("dae", "vae") for f in (32, 64, 128)}
    expected |= {("cifar10", "dae", 64, d, "none", 0.0, False) for d in ("2", "3")}
    expected |= {("cifar10", "dae", 128, d, "none", 0.0, False) for d in ("2", "3-3-2-1")}
    expected |= {("cifar10", "dae", 128, "1", norm, 0.0, False) for norm in ("batch", "spectral", "layer")}
    expected |= {("cifar10", "dae", 128, "1", "none", std, False) for std in (0.1, 0.5, 1.0)}
    expected |= {("cifar10", "dae", 128, d, "none", 0.0, True) for d in ("1", "2")}
    assert set(networks) == expected
    assert min(networks.values()) >= 3 * 12  # enough sizes for a curve


def test_every_trial_keeps_the_settings_of_the_paper() -> None:
    for trial in TRIALS:
        assert (trial.epochs, trial.batch_size, trial.bn_momentum) == (100, 128, 0.01)
        assert trial.seed in (0, 1, 2)
        assert (trial.learning_rates, trial.learning_rate_drops) == ((1e-3, 1e-4, 1e-5), (0.33, 0.66))
        assert (trial.warmup_epochs, trial.warmup_learning_rate, trial.beta) == (1, 1e-4, 0.01)
        assert (trial.image_size, KERNEL_SIZES[trial.image_size]) == (
            (32, 4) if trial.dataset == "cifar10" else (64, 5)
        )
        base = CIFAR10 if trial.dataset == "cifar10" else CELEBA
        assert replace(trial, **{name: getattr(base, name) for name in VARIED}) == base


def test_blocks_do_not_overlap() -> None:
    assert sum(len(block.trials) for block in ALL_BLOCKS) == len(set(TRIALS))
