"""Which scores may stand side by side."""

from typing import Any

import pytest

from aesweep.analysis import load_tables
from aesweep.analysis.data.evaluations import errors_by_trial, evaluation_order, evaluations_of, scores_by_trial
from aesweep.analysis.data.gaussianity import gaussianity_by_trial
from aesweep.analysis.data.provenance import provenance
from aesweep.analysis.data.results import all_results
from aesweep.models.config import TrialConfig
from tests.analysis.typed import Edit, Grid, MakeStore, Rows

FID = ("f" * 12, "fid", "inception-2015")
FD = ("e" * 12, "fd", "random-conv-64")


@pytest.fixture
def trials(grid: Grid) -> list[TrialConfig]:
    return grid(model=["dae"], filters=[16], latent_size=[4, 8], epochs=[2])


def test_fid_and_another_extractor_are_shown_separately_fid_first(
    make_store: MakeStore, trials: list[TrialConfig]
) -> None:
    shown, aside = evaluations_of(load_tables(make_store(trials, evaluations=(FD, FID))))
    assert [(e.metric, e.extractor) for e in shown] == [("fid", "inception-2015"), ("fd", "random-conv-64")]
    assert aside == []


def test_only_the_2015_network_counts_as_fid(make_store: MakeStore, trials: list[TrialConfig]) -> None:
    shown, _ = evaluations_of(load_tables(make_store(trials, evaluations=(FID, FD))))
    assert [e.is_fid for e in shown] == [True, False]
    assert shown[0].notice == ""
    assert shown[1].notice == "fd on random-conv-64 features: not FID, not comparable with published values"


def test_the_evaluation_that_covers_most_trials_is_shown_and_the_other_named(
    make_store: MakeStore, trials: list[TrialConfig]
) -> None:
    def only_first_trial_under_d(rows: Rows) -> None:
        first = rows["trials"][0]["key"]
        rows["scores"] = [r for r in rows["scores"] if r["evaluation"] != "d" * 12 or r["key"] == first]

    other = ("d" * 12, "fd", "random-conv-64")
    store = make_store(trials, evaluations=(FD, other), edit=only_first_trial_under_d)
    shown, aside = evaluations_of(load_tables(store))
    assert [e.id for e in shown] == ["e" * 12] and [e.id for e in aside] == ["d" * 12]


def _sampled(evaluation: str, n: int, n_reference: int, split: str = "test") -> Edit:
    """An edit: the images of one evaluation's samples."""

    def edit(rows: Rows) -> None:
        for row in rows["scores"]:
            if row["evaluation"] == evaluation and row["source"] != "reconstruction":
                row |= {"n": n, "n_reference": n_reference, "reference_split": split, "split": split}

    return edit


def _both(*edits: Edit) -> Edit:
    def edit(rows: Rows) -> None:
        for one in edits:
            one(rows)

    return edit


SMALL, LARGE = "9" * 12, "a" * 12
"""Two ways of scoring; the rows of a trial come in the order of these."""


@pytest.mark.parametrize(("papers", "other"), [(SMALL, LARGE), (LARGE, SMALL)])
@pytest.mark.parametrize("others", [(2_000, 10_000, "test"), (50_000, 10_000, "test"), (10_000, 10_000, "train")])
def test_of_two_ways_of_scoring_the_same_trials_the_papers_is_shown(
    make_store: MakeStore, trials: list[TrialConfig], papers: str, other: str, others: tuple[int, int, str]
) -> None:
    edit = _both(_sampled(papers, 10_000, 10_000), _sampled(other, *others))
    both = tuple((name, "fid", "inception-2015") for name in (SMALL, LARGE))
    shown, aside = evaluations_of(load_tables(make_store(trials, evaluations=both, edit=edit)))
    assert [e.id for e in shown] == [papers] and [e.id for e in aside] == [other]


@pytest.mark.parametrize(("more", "fewer"), [(SMALL, LARGE), (LARGE, SMALL)])
def test_of_two_ways_that_are_not_the_papers_the_one_with_more_samples_is_shown(
    make_store: MakeStore, trials: list[TrialConfig], more: str, fewer: str
) -> None:
    both = tuple((name, "fd", "random-conv-64") for name in (SMALL, LARGE))
    edit = _both(_sampled(more, 5_000, 297), _sampled(fewer, 2_000, 297))
    shown, _ = evaluations_of(load_tables(make_store(trials, evaluations=both, edit=edit)))
    assert [(e.id, e.samples, e.references) for e in shown] == [(more, 5_000, 297)]
    even, _ = evaluations_of(load_tables(make_store(trials, evaluations=both)))
    assert [e.id for e in even] == [SMALL]  # equal in everything: the first id


def _set(evaluation: str, sources: tuple[str, ...], **columns: Any) -> Edit:
    """An edit: columns of one evaluation's rows."""

    def edit(rows: Rows) -> None:
        for row in rows["scores"]:
            if row["evaluation"] == evaluation and row["source"] in sources:
                row |= columns

    return edit


@pytest.mark.parametrize(("ten", "hundred"), [(SMALL, LARGE), (LARGE, SMALL)])
def test_of_two_mixtures_the_papers_is_shown_and_the_other_named_in_words(
    make_store: MakeStore, trials: list[TrialConfig], ten: str, hundred: str
) -> None:
    more = _set(hundred, ("gmm",), gmm_components=100)
    both = tuple((name, "fd", "random-conv-64") for name in (SMALL, LARGE))
    store = make_store(trials, evaluations=both, edit=more)
    tables = load_tables(store)
    shown, aside = evaluations_of(tables)
    assert [e.name for e in shown] == [f"{ten} (10 components)"]
    assert [e.name for e in aside] == [f"{hundred} (100 components)"]
    (results,) = all_results(tables)
    assert results.aside_notice == "Not shown: scores with 100 components."
    lines = dict(provenance(tables))
    assert "2 trials, 10 components, sampling seeds 0" in lines["Shown evaluations"]
    assert "2 trials, 100 components, sampling seeds 0" in lines["Evaluations not shown"]


def test_a_mixture_that_is_not_the_papers_is_said_beside_published_numbers(make_store: MakeStore, grid: Grid) -> None:
    trials = grid(dataset=["cifar10"], filters=[128], latent_size=[128], epochs=[100])
    (results,) = all_results(
        load_tables(make_store(trials, evaluations=(FID,), edit=_set(FID[0], ("gmm",), gmm_components=100)))
    )
    assert "components 100 (paper: 10)" in results.scoring_notice


def test_every_setting_that_sets_evaluations_apart_is_in_their_words(make_store: MakeStore, grid: Grid) -> None:
    trials = grid(model=["dae", "vae"], filters=[16], latent_size=[4], epochs=[2])

    def other(rows: Rows) -> None:
        for row in rows["scores"]:
            if row["evaluation"] == LARGE:
                row["vae_latents"] = row["vae_latents"].replace("mean", "sample")
                row["changed_settings"] = {"gmm": "gmm_tol 1e-05, bootstrap 100", "mvg": "bootstrap 100"}.get(
                    row["source"], "none"
                )

    both = tuple((name, "fd", "random-conv-64") for name in (SMALL, LARGE))
    (shown,), (aside,) = evaluations_of(load_tables(make_store(trials, evaluations=both, edit=other)))
    assert shown.settings == ("10 components", "VAE priors fitted on means")
    assert aside.unlike(shown) == "VAE priors fitted on samples, bootstrap 100, gmm_tol 1e-05"


def test_evaluations_that_differ_in_nothing_that_decides_a_distance_are_told_apart_by_their_ids(
    make_store: MakeStore, trials: list[TrialConfig]
) -> None:
    both = tuple((name, "fd", "random-conv-64") for name in (SMALL, LARGE))
    (shown,), (aside,) = evaluations_of(load_tables(make_store(trials, evaluations=both)))
    assert aside.unlike(shown) == f"evaluation {LARGE}"


@pytest.mark.parametrize(("shown", "other"), [(SMALL, LARGE), (LARGE, SMALL)])
def test_gaussianity_comes_from_the_evaluation_that_is_shown_and_a_null_hides_no_value(
    make_store: MakeStore, trials: list[TrialConfig], shown: str, other: str
) -> None:
    def measures(rows: Rows) -> None:
        like = rows["scores"][0] | {"source": "latents", "extractor": "none", "stderr": None}
        for key in dict.fromkeys(row["key"] for row in rows["trials"]):
            for name, gap, kurtosis in ((shown, 0.5, None), (other, 0.9, 1.2)):
                row = like | {"key": key, "evaluation": name}
                rows["scores"].append(row | {"metric": "loglikelihood_gap", "value": gap})
                rows["scores"].append(row | {"metric": "mardia_kurtosis", "value": kurtosis})
        rows["scores"].sort(key=lambda row: (row["key"], row["evaluation"]))  # as the fold writes them

    both = tuple((name, "fd", "random-conv-64") for name in (SMALL, LARGE))
    edit = _both(_sampled(shown, 10_000, 10_000), measures)
    tables = load_tables(make_store(trials, evaluations=both, edit=edit))
    assert evaluation_order(tables) == [shown, other]
    found = gaussianity_by_trial(tables)
    assert set(found["loglikelihood_gap"]) == {0.5} and set(found["mardia_kurtosis"]) == {1.2}


def test_what_mixtures_of_other_sizes_gain_does_not_stand_beside_the_shown_ones(
    make_store: MakeStore, trials: list[TrialConfig]
) -> None:
    def gaps(rows: Rows) -> None:
        like = rows["scores"][0] | {"source": "latents", "extractor": "none", "stderr": None}
        first, second = dict.fromkeys(row["key"] for row in rows["trials"])
        for key, name, components, gap in (
            (first, SMALL, 10, 0.5),
            (first, LARGE, 100, 0.7),
            (second, LARGE, 100, 0.9),
        ):
            row = like | {"key": key, "evaluation": name, "gmm_components": components}
            rows["scores"].append(row | {"metric": "loglikelihood_gap", "value": gap})
            rows["scores"].append(row | {"metric": "mardia_kurtosis", "value": gap, "gmm_components": None})

    both = tuple((name, "fd", "random-conv-64") for name in (SMALL, LARGE))
    tables = load_tables(make_store(trials, evaluations=both, edit=_both(_sampled(SMALL, 10_000, 10_000), gaps)))
    found = gaussianity_by_trial(tables)
    assert found["loglikelihood_gap"].dropna().tolist() == [0.5]
    assert sorted(found["mardia_kurtosis"]) == [0.5, 0.9]


def test_scores_of_two_evaluations_never_meet_in_one_mean(make_store: MakeStore, trials: list[TrialConfig]) -> None:
    def shift_the_other(rows: Rows) -> None:
        for row in rows["scores"]:
            row["value"] = 1.0 if row["evaluation"] == "e" * 12 else 1000.0

    store = make_store(trials, evaluations=(FD, ("d" * 12, "fd", "random-conv-64")), edit=shift_the_other)
    tables = load_tables(store)
    ((shown,), _) = evaluations_of(tables)
    assert scores_by_trial(tables, shown).stack().nunique() == 1


def test_a_score_is_the_mean_over_sampling_seeds(make_store: MakeStore, trials: list[TrialConfig]) -> None:
    def known_values(rows: Rows) -> None:
        for row in rows["scores"]:
            row["value"] = 10.0 + row["seed"]

    tables = load_tables(make_store(trials, sampling_seeds=(0, 1, 2), edit=known_values))
    scores = scores_by_trial(tables, evaluations_of(tables).shown[0])
    assert scores["gmm"].tolist() == [11.0, 11.0]
    assert scores["reconstruction_train"].tolist() == [10.0, 10.0]


def test_the_error_of_a_mean_over_sampling_seeds_falls_with_their_number(
    make_store: MakeStore, trials: list[TrialConfig]
) -> None:
    def known_errors(rows: Rows) -> None:
        for row in rows["scores"]:
            row["stderr"] = 3.0 if row["source"] == "gmm" else None
        next(row for row in rows["scores"] if row["source"] == "gmm")["stderr"] = 4.0

    tables = load_tables(make_store(trials, sampling_seeds=(0, 1), edit=known_errors))
    errors = errors_by_trial(tables, evaluations_of(tables).shown[0])
    assert sorted(errors["gmm_stderr"]) == pytest.approx([18**0.5 / 2, 5 / 2])
    assert errors["mvg_stderr"].isna().all()


def test_a_null_score_stays_null(make_store: MakeStore, trials: list[TrialConfig]) -> None:
    def no_gmm(rows: Rows) -> None:
        for row in rows["scores"]:
            if row["source"] == "gmm":
                row |= {"value": None, "note": "deadline"}

    tables = load_tables(make_store(trials, edit=no_gmm))
    scores = scores_by_trial(tables, evaluations_of(tables).shown[0])
    assert scores["gmm"].isna().all() and scores["mvg"].notna().all()


def test_a_store_without_scores_has_no_evaluation(make_store: MakeStore, trials: list[TrialConfig]) -> None:
    assert evaluations_of(load_tables(make_store(trials, evaluations=()))) == ([], [])
