"""Claims on how Gaussian latents are, on invented measures whose answer is known."""

import re
from collections.abc import Callable, Iterable

import pytest

from aesweep.analysis.claims import discussion, hypotheses
from aesweep.analysis.claims.verdicts import Verdict
from aesweep.models.config import TrialConfig
from tests.analysis.invented import trials
from tests.analysis.typed import Edit, MakeResults, Rows

Measures = dict[str, tuple[float, float | None]]
"""Metric -> value and standard error."""


def with_latent_rows(measures: Callable[[TrialConfig], Measures], asked: Iterable[TrialConfig]) -> Edit:
    """An edit that adds rows of source `latents`."""
    by_key = {trial.key: trial for trial in asked}

    def edit(rows: Rows) -> None:
        like = dict(rows["scores"][0])
        for key, trial in by_key.items():
            for metric, (value, stderr) in measures(trial).items():
                row = {"key": key, "source": "latents", "metric": metric, "value": value, "stderr": stderr}
                rows["scores"].append({**like, **row, "extractor": "none"})

    return edit


def old_gaussianity(kurtosis: float = 1.0, gap: float = 0.0, **others: float) -> Measures:
    """As an older version measured: Mardia's kurtosis against a null of 1 ± 0.01, two more against 0.02 ± 0.001."""
    measures: Measures = {"mardia_kurtosis": (kurtosis, None), "mardia_kurtosis_null": (1.0, 0.01)}
    for name in ("radius_ks", "marginal_kurtosis"):
        measures |= {name: (others.get(name, 0.02), None), f"{name}_null": (0.02, 0.001)}
    return measures | {"loglikelihood_gap": (gap, 0.001)}


def gaussianity(effect: float, p: float = 0.5, gap: float = 0.0, error: float = 0.001) -> Measures:
    """As this version measures; `p` is the p-value of the least Gaussian direction, the others have 0.5."""
    measures = old_gaussianity(gap=gap) | {"mardia_kurtosis_p": (0.5, None), "radius_ks_p": (0.5, None)}
    measures |= {"direction_negentropy": (effect, error), "direction_negentropy_null": (0.0, 0.0)}
    return measures | {"direction_negentropy_p": (p, None)}


def all_gaussian(results: MakeResults, measures: Callable[[TrialConfig], Measures], **fields: list[int]) -> Verdict:
    asked = trials(model=["dae", "vae"], filters=[32], latent_size=[128], **fields)
    found = results(asked, lambda *_: 1, edit=with_latent_rows(measures, asked))
    return discussion.all_latent_distributions_are_gaussian(found)


@pytest.mark.parametrize(
    ("effect", "p", "outcome"),
    [
        (0.001, 0.5, "supported"),  # nothing to see
        (0.001, 1e-12, "supported"),  # t(100) in many latents: significant, but negligible
        (0.1, 1e-12, "contradicted"),  # clusters
        (0.1, 0.5, "not enough data"),  # large, but so is that of a few Gaussian latents
        (0.01, 1e-12, "not enough data"),  # at the threshold
    ],
)
def test_latents_are_gaussian_where_what_sets_them_apart_is_negligible(
    results: MakeResults, effect: float, p: float, outcome: str
) -> None:
    def measures(trial: TrialConfig) -> Measures:
        return gaussianity(effect, p) if trial.model == "vae" else gaussianity(0.001)

    verdict = all_gaussian(results, measures)
    assert verdict.outcome == outcome
    far = 3 if outcome == "contradicted" else 0  # three seeds
    assert verdict.findings[0].words.startswith(
        f"{far} of 6 trials {'is' if far == 1 else 'are'} further from a Gaussian than negligible"
    )
    assert f"; {3 if p < 0.01 else 0} differ detectably" in verdict.findings[0].words


def test_among_many_trials_one_small_p_value_is_chance(results: MakeResults) -> None:
    def measures(trial: TrialConfig) -> Measures:
        return gaussianity(0.1, 1e-4 if (trial.model, trial.seed) == ("vae", 0) else 0.5)

    few, many = ([0, 1], list(range(100)))
    assert all_gaussian(results, measures, seed=few).outcome == "contradicted"
    verdict = all_gaussian(results, measures, seed=many)
    assert verdict.outcome == "not enough data" and "0 of 200 trials are further" in verdict.findings[0].words


@pytest.mark.parametrize(
    ("measures", "outcome"),
    [
        (old_gaussianity(), "not enough data"),  # it did not look for clusters
        (old_gaussianity(kurtosis=1.06), "not enough data"),  # six deviations of a null that 32 data sets know
        (old_gaussianity(kurtosis=2.0), "contradicted"),
        (old_gaussianity(kurtosis=0.2), "contradicted"),
        (old_gaussianity(marginal_kurtosis=1.5), "contradicted"),
        (old_gaussianity(marginal_kurtosis=0.001), "not enough data"),  # below its null, a distance says nothing
        (old_gaussianity(kurtosis=1.5, radius_ks=0.2), "contradicted"),
    ],
)
def test_rows_of_an_older_version_can_only_contradict(results: MakeResults, measures: Measures, outcome: str) -> None:
    verdict = all_gaussian(results, lambda _: measures)
    assert verdict.outcome == outcome
    if outcome == "not enough data":
        command = verdict.findings[0].words.rpartition(": ")[2]
        assert re.fullmatch(r"aesweep evaluate /\S+ --metrics gaussianity --sampling-seeds 1", command)


def test_one_seed_does_not_say_that_latents_are_not_gaussian(results: MakeResults) -> None:
    verdict = all_gaussian(results, lambda _: gaussianity(0.3, 1e-30), seed=[0])
    assert verdict.outcome == "not enough data"
    assert verdict.findings[0].words.startswith("2 of 2 trials are further")


def test_a_measure_that_is_missing_leaves_open_whether_latents_are_gaussian(results: MakeResults) -> None:
    def measures(trial: TrialConfig) -> Measures:
        return {name: row for name, row in gaussianity(0.001).items() if not name.startswith("direction")}

    assert all_gaussian(results, measures).outcome == "not enough data"
    assert (
        all_gaussian(results, lambda _: {"loglikelihood_gap": (0.1, 0.001)})
        .findings[0]
        .words.startswith("not measured")
    )


@pytest.mark.parametrize(("gap", "outcome"), [(lambda f: 1 / f, "supported"), (lambda f: f / 100, "contradicted")])
def test_wider_encoders_must_be_more_gaussian_by_both_measures(
    results: MakeResults, gap: Callable[[float], float], outcome: str
) -> None:
    asked = trials(filters=[32, 64, 128], latent_size=[128])
    edit = with_latent_rows(lambda trial: old_gaussianity(1 + 10 / trial.filters, gap(trial.filters)), asked)
    found = results(asked, lambda *_: 1, edit=edit)
    assert hypotheses.wider_encoders_give_more_gaussian_latents(found).outcome == outcome
    deeper = hypotheses.deeper_encoders_give_more_gaussian_latents(found)
    assert deeper.outcome == "not enough data" and not deeper.findings


def test_gaps_that_differ_by_less_than_their_standard_errors_decide_nothing(results: MakeResults) -> None:
    gaps = {16: 0.1001, 32: 0.1000, 64: 0.0999, 128: 0.0998}  # falling, and the same for every seed
    asked = trials(filters=[*gaps], latent_size=[128], depth=[1, 3])

    def measures(trial: TrialConfig) -> Measures:
        return gaussianity(0.02, gap=gaps[trial.filters] - 0.00001 * sum(trial.depth), error=0.002)

    found = results(asked, lambda *_: 1, edit=with_latent_rows(measures, asked))
    for claim in (
        hypotheses.wider_encoders_give_more_gaussian_latents,
        hypotheses.deeper_encoders_give_more_gaussian_latents,
    ):
        verdict = claim(found)
        assert verdict.outcome == "not enough data"
        assert len(verdict.findings) % 3 == 0 and len(verdict.findings)  # gap, kurtosis, least Gaussian direction


@pytest.mark.parametrize(
    ("effect", "seeds", "outcome"),
    [
        (lambda f: 1 / f, [0, 1, 2], "supported"),
        (lambda f: f / 1000, [0, 1, 2], "contradicted"),
        (lambda f: 1 / f, [0], "not enough data"),
    ],
)
def test_the_least_gaussian_direction_takes_part_in_hypothesis_2(
    results: MakeResults, effect: Callable[[float], float], seeds: list[int], outcome: str
) -> None:
    asked = trials(filters=[32, 64, 128], latent_size=[128], seed=seeds)

    def measures(trial: TrialConfig) -> Measures:
        falling = old_gaussianity(1 + 10 / trial.filters, 1 / trial.filters)
        return gaussianity(effect(trial.filters), 1e-9) | falling

    found = results(asked, lambda *_: 1, edit=with_latent_rows(measures, asked))
    assert hypotheses.wider_encoders_give_more_gaussian_latents(found).outcome == outcome
