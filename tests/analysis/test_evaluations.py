"""Which scores may stand side by side."""

import pytest

from analysis import load_tables
from analysis.evaluations import errors_by_trial, evaluations, scores_by_trial

FID = ("f" * 12, "fid", "inception-2015")
FD = ("e" * 12, "fd", "random-conv-64")


@pytest.fixture
def trials(grid):
    return grid(model=["dae"], filters=[16], latent_size=[4, 8], epochs=[2])


def test_fid_and_another_extractor_are_shown_separately_fid_first(make_store, trials):
    shown, aside = evaluations(load_tables(make_store(trials, evaluations=(FD, FID))))
    assert [(e.metric, e.extractor) for e in shown] == [("fid", "inception-2015"), ("fd", "random-conv-64")]
    assert aside == []


def test_only_the_2015_network_counts_as_fid(make_store, trials):
    shown, _ = evaluations(load_tables(make_store(trials, evaluations=(FID, FD))))
    assert [e.is_fid for e in shown] == [True, False]
    assert shown[0].notice == ""
    assert shown[1].notice == "fd on random-conv-64 features: not FID, not comparable with published values"


def test_the_evaluation_that_covers_most_trials_is_shown_and_the_other_named(make_store, trials):
    def only_first_trial_under_d(rows):
        first = rows["trials"][0]["key"]
        rows["scores"] = [r for r in rows["scores"] if r["evaluation"] != "d" * 12 or r["key"] == first]

    other = ("d" * 12, "fd", "random-conv-64")
    store = make_store(trials, evaluations=(FD, other), edit=only_first_trial_under_d)
    shown, aside = evaluations(load_tables(store))
    assert [e.id for e in shown] == ["e" * 12] and [e.id for e in aside] == ["d" * 12]


def test_scores_of_two_evaluations_never_meet_in_one_mean(make_store, trials):
    def shift_the_other(rows):
        for row in rows["scores"]:
            row["value"] = 1.0 if row["evaluation"] == "e" * 12 else 1000.0

    store = make_store(trials, evaluations=(FD, ("d" * 12, "fd", "random-conv-64")), edit=shift_the_other)
    tables = load_tables(store)
    ((shown,), _) = evaluations(tables)
    assert scores_by_trial(tables, shown).stack().nunique() == 1


def test_a_score_is_the_mean_over_sampling_seeds(make_store, trials):
    def known_values(rows):
        for row in rows["scores"]:
            row["value"] = 10.0 + row["seed"]

    tables = load_tables(make_store(trials, sampling_seeds=(0, 1, 2), edit=known_values))
    scores = scores_by_trial(tables, evaluations(tables)[0][0])
    assert scores["gmm"].tolist() == [11.0, 11.0]
    assert scores["reconstruction_train"].tolist() == [10.0, 10.0]


def test_the_error_of_a_mean_over_sampling_seeds_falls_with_their_number(make_store, trials):
    def known_errors(rows):
        for row in rows["scores"]:
            row["stderr"] = 3.0 if row["source"] == "gmm" else None
        next(row for row in rows["scores"] if row["source"] == "gmm")["stderr"] = 4.0

    tables = load_tables(make_store(trials, sampling_seeds=(0, 1), edit=known_errors))
    errors = errors_by_trial(tables, evaluations(tables)[0][0])
    assert sorted(errors["gmm_stderr"]) == pytest.approx([18**0.5 / 2, 5 / 2])
    assert errors["mvg_stderr"].isna().all()


def test_a_null_score_stays_null(make_store, trials):
    def no_gmm(rows):
        for row in rows["scores"]:
            if row["source"] == "gmm":
                row |= {"value": None, "note": "deadline"}

    tables = load_tables(make_store(trials, edit=no_gmm))
    scores = scores_by_trial(tables, evaluations(tables)[0][0])
    assert scores["gmm"].isna().all() and scores["mvg"].notna().all()


def test_a_store_without_scores_has_no_evaluation(make_store, trials):
    assert evaluations(load_tables(make_store(trials, evaluations=()))) == ([], [])
