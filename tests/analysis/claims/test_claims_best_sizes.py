"""The claims on the latent size at which networks are best, and how sharply, on invented curves whose minimum is known."""

import pytest

from aesweep.analysis.claims import dae_against_vae, discussion, variants
from aesweep.models.config import TrialConfig
from tests.analysis.invented import bowl, trials
from tests.analysis.typed import MakeResults


@pytest.mark.parametrize(("steep", "outcome"), [(1, "contradicted"), (50, "supported")])
def test_the_dae_is_more_sensitive_where_its_curve_is_steeper(results: MakeResults, steep: int, outcome: str) -> None:
    both = trials(model=["dae", "vae"], filters=[64], latent_size=[32, 64, 128, 256])
    curves = {"dae": bowl(64, steep), "vae": bowl(128, 10)}
    found = results(both, lambda trial, name: curves[trial.model](trial))
    assert dae_against_vae.daes_are_more_sensitive_to_the_latent_size(found).outcome == outcome


def test_sensitivity_is_compared_on_common_sizes_only(results: MakeResults) -> None:
    daes = trials(model=["dae"], filters=[64], latent_size=[64, 128, 256])
    vaes = trials(model=["vae"], filters=[64], latent_size=[64, 128, 256, 4096])
    curves = {"dae": bowl(128, 20), "vae": bowl(128, 10)}
    found = results([*daes, *vaes], lambda trial, name: curves[trial.model](trial))
    assert dae_against_vae.daes_are_more_sensitive_to_the_latent_size(found).outcome == "supported"


@pytest.mark.parametrize(
    ("wide", "outcome"),
    [(90.0, "supported"), (80.0, "supported"), (79.0, "supported"), (76.0, "not enough data"), (70.0, "contradicted")],
)
def test_daes_stall_where_twice_the_width_makes_them_little_better(
    results: MakeResults, wide: float, outcome: str
) -> None:
    """128 filters score 80, of which 5 % are little: a tie is a stall, and so is a worse score."""
    asked = trials(filters=[128, 256], latent_size=[64, 128, 256])
    found = results(
        asked, lambda t, name: (80 if t.filters == 128 else wide) + bowl(128, 5)(t) - 50 + 0.1 * (t.seed - 1)
    )
    assert discussion.daes_stall_at_256_filters(found).outcome == outcome


def test_a_minimum_at_the_end_of_the_grid_is_open_unless_the_grid_goes_as_far_as_the_papers(
    results: MakeResults,
) -> None:
    def falling(trial: TrialConfig, name: str) -> float:
        return 1000 / trial.latent_size

    asked = trials(filters=[64], latent_size=[32, 64, 128, 256, 512])
    assert (
        dae_against_vae.both_models_have_a_best_number_of_latent_units(results(asked, falling)).outcome
        == "contradicted"
    )
    shorter = dae_against_vae.both_models_have_a_best_number_of_latent_units(
        results([t for t in asked if t.latent_size < 512], falling)
    )
    assert shorter.outcome == "not enough data" and "may be at a larger one" in shorter.findings[0].words
    inside = results(asked, lambda trial, name: bowl(64, 5)(trial))
    assert dae_against_vae.both_models_have_a_best_number_of_latent_units(inside).outcome == "supported"


@pytest.mark.parametrize(("best", "outcome"), [(64, "supported"), (128, "contradicted"), (256, "not enough data")])
def test_deeper_networks_must_be_best_at_fewer_units(results: MakeResults, best: int, outcome: str) -> None:
    asked = trials(filters=[64], depth=[1, 2], latent_size=[32, 64, 128, 256])
    found = results(asked, lambda trial, name: bowl(128 if trial.depth_text == "1" else best, 5)(trial))
    assert variants.deeper_networks_have_a_smaller_best_latent_size(found).outcome == outcome


@pytest.mark.parametrize(
    ("deep", "shallow", "error", "outcome"),
    [
        (64, 128, 0.5, "supported"),  # 64 alone, and 128 alone
        (64, 128, 1.5, "not enough data"),  # 32 or 64 against 64 or 128, and 64 may be the best of both
        (128, 64, 0.5, "contradicted"),
        (128, 64, 1.5, "not enough data"),
        (64, 64, 0.5, "contradicted"),
        (64, 64, 1.5, "not enough data"),
    ],
)
def test_best_sizes_are_compared_with_all_that_the_seeds_leave_open(
    results: MakeResults, deep: int, shallow: int, error: float, outcome: str
) -> None:
    asked = trials(filters=[64], depth=[1, 2], latent_size=[16, 32, 64, 128, 256])
    curves = {"1": bowl(shallow, 5), "2": bowl(deep, 5)}
    found = results(asked, lambda trial, name: curves[trial.depth_text](trial) + error * trial.seed)
    verdict = variants.deeper_networks_have_a_smaller_best_latent_size(found)
    assert verdict.outcome == outcome


def test_seeds_that_scatter_leave_the_best_size_open(results: MakeResults) -> None:
    asked = trials(filters=[64], depth=[1, 2], latent_size=[16, 32, 64, 128, 256], seed=[0, 1, 2])

    def verdict(noise: float) -> str:
        curves = {"1": bowl(128, 5), "2": bowl(64, 5)}
        found = results(asked, lambda trial, name: curves[trial.depth_text](trial) + noise * trial.seed)
        return variants.deeper_networks_have_a_smaller_best_latent_size(found).outcome

    assert (verdict(0.1), verdict(2.0)) == ("supported", "not enough data")


def test_a_deep_network_that_may_be_best_at_the_end_of_the_grid_is_left_open(results: MakeResults) -> None:
    asked = trials(filters=[64], depth=[1, 2], latent_size=[16, 32, 64, 128, 256])
    flat = results(
        asked,
        lambda trial, name: 0.1 * trial.seed + (50 if trial.depth_text == "2" else bowl(256, 5)(trial)),
    )
    verdict = variants.deeper_networks_have_a_smaller_best_latent_size(flat)
    assert verdict.outcome == "not enough data"


@pytest.mark.parametrize(("error", "outcome"), [(0.5, "supported"), (1.5, "not enough data")])
def test_a_minimum_that_the_end_of_the_grid_equals_within_the_noise_is_open(
    results: MakeResults, error: float, outcome: str
) -> None:
    """Beside 50 at 64 units stands 52.5 at 32, the smallest size."""
    asked = trials(filters=[64], latent_size=[32, 64, 128, 256, 512])
    found = results(asked, lambda trial, name: bowl(64, 5)(trial) + error * trial.seed)
    verdict = dae_against_vae.both_models_have_a_best_number_of_latent_units(found)
    assert verdict.outcome == outcome


@pytest.mark.parametrize(("error", "outcome"), [(0.1, "contradicted"), (1.0, "not enough data")])
def test_a_curve_that_falls_to_the_end_of_the_grid_by_less_than_its_noise_is_open(
    results: MakeResults, error: float, outcome: str
) -> None:
    asked = trials(filters=[64], latent_size=[32, 64, 128, 256, 512])
    found = results(asked, lambda trial, name: 1000 / trial.latent_size + error * trial.seed)  # 3.91, then 1.95
    assert dae_against_vae.both_models_have_a_best_number_of_latent_units(found).outcome == outcome


def test_the_best_overall_is_judged_against_the_shallow_network_of_its_width(results: MakeResults) -> None:
    deep = trials(filters=[128], depth=[(3, 3, 2, 1)], latent_size=[64, 96, 128])
    shallow = trials(filters=[128], latent_size=[64, 96, 128])

    def score(trial: TrialConfig, name: str) -> float:
        return bowl(96, 5)(trial) + (trial.depth_text == "1")

    judged = variants.the_best_overall_has_128_filters_depths_3321_and_96_units
    assert judged(results(deep, score)).outcome == "not enough data"
    assert judged(results([*deep, *shallow], score)).outcome == "supported"
    assert judged(results([*deep[:1], *shallow], score)).outcome == "not enough data"  # 96 units were not tried


@pytest.mark.parametrize(
    ("best", "ahead", "error", "outcome"),
    [
        (96, 1, 0.1, "supported"),
        (96, 1, 0.5, "not enough data"),  # depth 1 is as good
        (96, -1, 0.1, "contradicted"),
        (96, -1, 0.5, "not enough data"),
        (64, 1, 0.1, "contradicted"),  # the best of that network is not at 96 units
        (96, 9, 1.0, "not enough data"),  # 64 and 128 units are as good
    ],
)
def test_the_best_overall_must_be_told_from_every_other(
    results: MakeResults, best: int, ahead: int, error: float, outcome: str
) -> None:
    asked = [
        *trials(filters=[128], depth=[(3, 3, 2, 1)], latent_size=[64, 96, 128]),
        *trials(filters=[128], latent_size=[64, 96, 128]),
    ]

    def score(trial: TrialConfig, name: str) -> float:
        return bowl(best, 5)(trial) + ahead * (trial.depth_text == "1") + error * trial.seed

    found = results(asked, score)
    assert variants.the_best_overall_has_128_filters_depths_3321_and_96_units(found).outcome == outcome


def test_where_96_units_were_not_tried_the_sizes_beside_it_stand_for_it(results: MakeResults) -> None:
    deep = trials(filters=[128], depth=[(3, 3, 2, 1)], latent_size=[32, 64, 128])
    shallow = trials(filters=[128], latent_size=[64, 128])
    judged = variants.the_best_overall_has_128_filters_depths_3321_and_96_units
    for best, outcome in ((64, "supported"), (128, "supported"), (32, "contradicted")):
        found = results([*deep, *shallow], lambda t, name, b=best: bowl(b, 5)(t) + (t.depth_text == "1"))
        assert judged(found).outcome == outcome
