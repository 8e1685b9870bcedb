"""Which trials stand side by side: one way of training, the paper's where there is a choice."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from aesweep.analysis import load_tables
from aesweep.analysis.data.results import Results, all_results
from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.presets import CIFAR10
from tests.analysis.typed import Edit, Grid, MakeStore, Rows

FID = ("f" * 12, "fid", "inception-2015")
FD = ("e" * 12, "fd", "random-conv-64")


@pytest.fixture
def results(make_store: MakeStore) -> Callable[..., list[Results]]:
    return lambda trials, **more: all_results(load_tables(make_store(trials, pictures=False, latent_points=0, **more)))


def test_fid_and_another_extractor_are_never_in_one(results: Callable[..., list[Results]]) -> None:
    found = results([TrialConfig(latent_size=8, epochs=2)], evaluations=(FD, FID))
    assert [one.evaluation.metric for one in found] == ["fid", "fd"]
    assert all(len(one.trials) == 1 for one in found)


def test_of_two_schedules_the_papers_is_taken_and_the_other_named(results: Callable[..., list[Results]]) -> None:
    papers = replace(CIFAR10, latent_size=128)
    shorter = [replace(CIFAR10, latent_size=size, epochs=5) for size in (64, 128)]
    (found,) = results([papers, *shorter], evaluations=(FID,))
    assert found.trials["key"].tolist() == [papers.key]
    assert found.left_aside == ("epochs 5",) and found.deviations == ()


def test_on_other_data_the_schedule_with_most_trials_is_taken(results: Callable[..., list[Results]]) -> None:
    trials = [TrialConfig(latent_size=4, epochs=100), *(TrialConfig(latent_size=z, epochs=5) for z in (4, 8))]
    (found,) = results(trials)
    assert found.trials["epochs"].tolist() == [5, 5] and found.left_aside == ("epochs 100",)


def test_one_beta_is_chosen_for_the_vaes_and_the_daes_stay(results: Callable[..., list[Results]]) -> None:
    betas = [replace(CIFAR10, model="vae", latent_size=128, beta=beta) for beta in (0.01, 1.0)]
    (found,) = results([replace(CIFAR10, latent_size=128), *betas], evaluations=(FID,))
    assert sorted(found.trials["model"]) == ["dae", "vae"]
    assert found.of(model="vae")["beta"].tolist() == [0.01] and found.left_aside == ("beta 1",)


def test_what_differs_from_the_paper_is_said(results: Callable[..., list[Results]]) -> None:
    (found,) = results([replace(CIFAR10, latent_size=128, epochs=5, bn_momentum=0.1)], evaluations=(FID,))
    assert found.deviations == ("epochs 5 (paper: 100)", "bn momentum 0.1 (paper: 0.01)")
    assert "not trained as in the paper: epochs 5 (paper: 100)" in found.notice


def _images(n: int, n_reference: int, split: str = "test") -> Edit:
    def edit(rows: Rows) -> None:
        for row in rows["scores"]:
            row |= {"n": n, "n_reference": n_reference, "reference_split": split}

    return edit


def test_what_differs_from_the_papers_scoring_is_said_beside_published_numbers(
    results: Callable[..., list[Results]],
) -> None:
    papers = [replace(CIFAR10, latent_size=128)]
    (found,) = results(papers, evaluations=(FID,), edit=_images(10_000, 10_000))
    assert found.notice == ""
    (found,) = results(papers, evaluations=(FID,), edit=_images(2_000, 297))
    assert found.notice == "not scored as in the paper: samples 2,000 (paper: 10,000), real images 297 (paper: 10,000)"
    assert found.training_notice == ""
    (found,) = results(papers, evaluations=(FID,), edit=_images(10_000, 10_000, "train"))
    assert found.notice == "not scored as in the paper: reference split train (paper: test)"
    (other,) = results(papers, evaluations=(FD,), edit=_images(2_000, 297))
    assert "not scored" not in other.notice  # nothing published stands beside it


def test_reconstructed_training_images_have_a_reference_of_their_own(results: Callable[..., list[Results]]) -> None:
    def edit(rows: Rows) -> None:
        for row in rows["scores"]:
            row |= {"n": 10_000, "n_reference": 10_000, "reference_split": row["split"]}

    (found,) = results([replace(CIFAR10, latent_size=128)], evaluations=(FID,), edit=edit)
    assert found.notice == ""


@pytest.mark.parametrize(
    ("dataset", "evaluation", "beside"), [("cifar10", FID, True), ("cifar10", FD, False), ("digits", FID, False)]
)
def test_published_numbers_stand_beside_fids_of_the_papers_data_only(
    results: Callable[..., list[Results]], dataset: str, evaluation: tuple[str, str, str], beside: bool
) -> None:
    (found,) = results([TrialConfig(dataset=dataset, latent_size=8, epochs=2)], evaluations=(evaluation,))
    assert found.beside_published is beside


def test_networks_are_compared_at_the_papers_size_or_at_the_middle_of_the_grid(
    results: Callable[..., list[Results]], grid: Grid
) -> None:
    (digits,) = results(grid(model=["dae", "vae"], latent_size=[4, 8, 16, 32], epochs=[2]))
    assert digits.comparison_size == 16
    (cifar,) = results([replace(CIFAR10, latent_size=32)])
    assert cifar.comparison_size == 128


def test_failed_trials_are_known_though_they_have_no_score(results: Callable[..., list[Results]], grid: Grid) -> None:
    (found,) = results(grid(latent_size=[4, 8], epochs=[2]), states={1: "failed"})
    assert len(found.trials) == 1 and found.trained["state"].tolist() == ["done", "failed"]
