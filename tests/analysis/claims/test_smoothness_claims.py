"""Hypothesis 1 on invented measures whose answer is known."""

from collections.abc import Callable

import pytest

from aesweep.analysis.claims import smoothness
from aesweep.analysis.claims.verdicts import Claim
from aesweep.analysis.data.results import Results
from aesweep.models.config import TrialConfig
from tests.analysis.invented import trials
from tests.analysis.smooth import LATENTS_ALONE, with_smoothness
from tests.analysis.typed import MakeResults

Measure = Callable[[TrialConfig], float]
BY_WIDTH = [
    smoothness.wider_daes_are_smoother_and_more_interpolatable,
    smoothness.larger_encoders_and_decoders_are_smoother,
    smoothness.wider_daes_gain_interpolatability_and_lipschitz_continuity,
]
BY_MODEL = [
    smoothness.weak_networks_need_variational_inference,
    smoothness.powerful_networks_are_smooth_without_variational_inference,
    smoothness.the_size_of_the_network_outweighs_variational_inference,
]


@pytest.fixture
def measured(results: MakeResults) -> Callable[..., Results]:
    """`measured(trials, measure)`: every measure of smoothness of a trial is `measure(trial)`, with a little noise of seeds."""

    def make(asked: list[TrialConfig], measure: Measure, **more: object) -> Results:
        edit = with_smoothness(lambda t, metric, source: measure(t) + 0.01 * t.seed, asked, **more)  # type: ignore[arg-type]
        return results(asked, lambda *_: 80, edit=edit)

    return make


def outcomes(claims: list[Claim], found: Results) -> list[str]:
    return [claim(found).outcome for claim in claims]


def test_wider_daes_must_be_smoother_by_every_measure(measured: Callable[..., Results]) -> None:
    asked = trials(filters=[32, 64, 128], latent_size=[128])
    assert outcomes(BY_WIDTH, measured(asked, lambda t: 100 / t.filters)) == ["supported"] * 3
    assert outcomes(BY_WIDTH, measured(asked, lambda t: 1 + t.filters / 100)) == ["contradicted"] * 3
    found = measured(asked, lambda t: 100 / t.filters, metrics=LATENTS_ALONE)
    assert outcomes(BY_WIDTH, found) == ["not enough data"] * 3
    words = [finding.words for finding in BY_WIDTH[0](found).findings]
    assert words[0] == "stretch of walks, test images: not measured"
    assert words[1].startswith("decoder ‖JΣ½‖F, test images: 3.135 at 32, 1.572 at 64, 0.7913 at 128 filters")


def test_one_seed_and_no_measure_decide_nothing(measured: Callable[..., Results], results: MakeResults) -> None:
    asked = trials(model=["dae", "vae"], filters=[32, 128], latent_size=[128], seed=[0])
    claims = [*BY_MODEL, *BY_WIDTH]
    assert outcomes(claims, measured(asked, lambda t: 100 / t.filters)) == ["not enough data"] * 6
    bare = results(asked, lambda *_: 80)
    assert outcomes(claims, bare) == ["not enough data"] * 6
    assert "--metrics interpolation,path_length,jacobian,lipschitz" in claims[0](bare).findings[0].words


@pytest.mark.parametrize(
    ("dae", "expected"),
    [
        ({32: 9.0, 128: 4.0}, ["supported", "supported", "supported"]),  # the paper's hypothesis; VAEs have 5 and 4
        ({32: 9.0, 128: 8.0}, ["supported", "contradicted", "not enough data"]),  # variational inference always helps
        ({32: 4.0, 128: 3.0}, ["contradicted", "supported", "not enough data"]),  # it never does
    ],
)
def test_a_weak_network_needs_variational_inference_and_a_powerful_one_does_not(
    measured: Callable[..., Results], dae: dict[int, float], expected: list[str]
) -> None:
    asked = trials(model=["dae", "vae"], filters=[32, 128], latent_size=[128])
    found = measured(asked, lambda t: dae[t.filters] if t.model == "dae" else {32: 5.0, 128: 4.0}[t.filters])
    assert outcomes(BY_MODEL, found) == expected
    one = measured([t for t in asked if t.filters == 32], lambda t: 1)
    assert all(claim(one).findings[0].words.startswith("fewer than two widths") for claim in BY_MODEL)


@pytest.mark.parametrize(
    ("deep", "outcome"),
    [(3.0, "supported"), (5.0, "contradicted"), (7.0, "contradicted")],  # depth 1: 6 at 64 filters, 4 at 128
)
def test_depth_must_smooth_more_than_twice_the_width_does(
    measured: Callable[..., Results], deep: float, outcome: str
) -> None:
    asked = trials(filters=[64, 128], latent_size=[128]) + trials(filters=[64], depth=[(2,) * 4], latent_size=[128])
    found = measured(asked, lambda t: deep if sum(t.depth) > 4 else {64: 6.0, 128: 4.0}[t.filters])
    assert smoothness.depth_makes_daes_smoother_than_width_does(found).outcome == outcome
