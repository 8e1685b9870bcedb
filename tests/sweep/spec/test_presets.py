"""Sweeps that have a name."""

import pytest

from aesweep.models.errors import InputError
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.presets import PRESETS


def test_the_names_of_the_presets_are_fixed() -> None:
    assert list(PRESETS) == ["quickstart", "paper", "paper-cifar10", "paper-celeba"]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_named_as_it_is_asked_for(name: str) -> None:
    assert load_spec(name).name == name


def test_the_paper_is_its_two_parts() -> None:
    whole, cifar10, celeba = (load_spec(name) for name in ("paper", "paper-cifar10", "paper-celeba"))
    assert whole.blocks == (*cifar10.blocks, *celeba.blocks)
    assert (len(whole.trials), len(cifar10.trials), len(celeba.trials)) == (270, 213, 57)
    assert {trial.dataset for trial, _ in celeba.trials} == {"celeba"}


def test_the_paper_is_scored_as_in_the_paper() -> None:
    spec = load_spec("paper")
    assert spec.extractor == "inception-2015"
    # The defaults: 10,000 samples against 10,000 test images, three priors. Hypothesis 2 is measured beside the FID.
    assert spec.evaluation == {"metrics": ("frechet", "gaussianity")}


def test_three_seeds_triple_the_paper() -> None:
    once, thrice = load_spec("paper"), load_spec("paper", ["seeds=0..2"])
    assert len(thrice.trials) == 3 * len(once.trials)
    assert {trial for trial, _ in once.trials} < {trial for trial, _ in thrice.trials}


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
