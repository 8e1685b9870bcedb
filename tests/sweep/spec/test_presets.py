"""Sweeps that have a name."""

import hashlib

import pytest

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.sweep.driver.plan import make_plan
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.presets import PRESETS

OLD_KEYS = "bdcd9b2b63cf152dfe3dae006738a5f43c08b579b526f5b96e3cb2a644c43b62"


def test_the_names_of_the_presets_are_fixed() -> None:
    assert list(PRESETS) == ["quickstart", "paper", "paper-cifar10", "paper-celeba", "rivals"]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_named_as_it_is_asked_for(name: str) -> None:
    assert load_spec(name).name == name


def test_the_paper_is_its_two_parts() -> None:
    whole, cifar10, celeba = (load_spec(name) for name in ("paper", "paper-cifar10", "paper-celeba"))
    assert whole.blocks == (*cifar10.blocks, *celeba.blocks)
    assert (len(whole.trials), len(cifar10.trials), len(celeba.trials)) == (1116, 846, 270)
    assert {trial.dataset for trial, _ in celeba.trials} == {"celeba"}


def test_the_paper_is_scored_as_in_the_paper() -> None:
    spec = load_spec("paper")
    assert spec.extractor == "inception-2015"
    # The defaults: 10,000 samples against 10,000 test images, three priors. Hypothesis 2 is measured beside the FID.
    assert spec.evaluation == {"metrics": ("frechet", "gaussianity")}


def test_the_paper_is_trained_with_three_seeds_and_its_own_protocol_is_the_first_of_them() -> None:
    three, once = load_spec("paper"), load_spec("paper", ["seeds=0"])
    assert {trial.seed for trial, _ in once.trials} == {0}
    assert len(three.trials) == 3 * len(once.trials)
    assert set(once.trials) < set(three.trials)
    assert set(load_spec("paper", ["seeds=0..4"]).trials) > set(three.trials)


def test_both_models_have_the_same_latent_sizes() -> None:
    sizes: dict[tuple[object, ...], set[int]] = {}
    for trial, _ in load_spec("paper").trials:
        sizes.setdefault((trial.dataset, trial.filters, trial.depth, trial.model), set()).add(trial.latent_size)
    vaes = [network for network in sizes if network[-1] == "vae"]
    assert len(vaes) == 7 and all(sizes[network] == sizes[(*network[:-1], "dae")] for network in vaes)


def test_the_trials_of_stores_of_the_first_grid_are_still_asked_for() -> None:
    """Keys of the 270 trials that the preset had before it had three seeds and equal grids."""
    dae = (32, 64, 96, 112, 128, 144, 160, 192, 256, 384, 512)
    vae = (32, 64, 96, 128, 192, 256, 384, 512, 768)
    celeba_dae = (32, 48, 64, 80, 96, 128, 192, 256, 384, 512)

    def was_there(trial: TrialConfig) -> bool:
        sizes = vae if trial.model == "vae" else celeba_dae if trial.dataset == "celeba" else dae
        best = trial.latent_size == 152 and trial.model == "dae"
        return trial.seed == 0 and (trial.latent_size in sizes or best)

    keys = sorted(trial.key for trial, _ in load_spec("paper").trials if was_there(trial))
    assert len(keys) == 270
    assert hashlib.sha256("".join(keys).encode()).hexdigest() == OLD_KEYS


def test_the_first_seed_of_every_network_is_trained_before_the_second() -> None:
    spec = load_spec("paper")
    plan = make_plan(spec, None, EvaluationConfig())
    assert [trial.config.seed for trial in plan.to_train] == [0] * 372 + [1] * 372 + [2] * 372
    costs = [trial.gpu_hours for trial in plan.to_train]
    assert costs[:372] == costs[372:744] == sorted(costs[:372], reverse=True)  # within a round the dearest first


def test_quickstart_needs_no_download_and_compares_both_models() -> None:
    spec = load_spec("quickstart")
    assert {trial.dataset for trial, _ in spec.trials} == {"digits"}
    assert {trial.model for trial, _ in spec.trials} == {"dae", "vae"}
    assert spec.extractor == "auto"


def test_a_misspelt_preset_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        load_spec("paper-cifar")
    assert "Did you mean paper-cifar10?" in str(caught.value)
    with pytest.raises(InputError) as caught:
        load_spec("xyz")
    assert "quickstart, paper, paper-cifar10, paper-celeba" in str(caught.value)
