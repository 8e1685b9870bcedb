"""Verdicts under other distances, scorings and readings of the paper: what flips is said, and nothing else changes."""

import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from aesweep.analysis import ReportError, load_tables, sensitivity, write_report
from aesweep.analysis.claims.claims_table import Judgement, claims_table, judge
from aesweep.analysis.claims.readings import the_objective_of_vaes_is_the_papers
from aesweep.analysis.claims.sensitivity import sensitivity_table
from aesweep.analysis.data.readings import readings
from aesweep.analysis.data.results import all_results
from aesweep.models.config import TrialConfig
from tests.analysis.invented import FID, trials
from tests.analysis.typed import MakeResults, MakeStore, Rows, present

SHOWN, SAMPLED = ("a" * 12, "fid", FID[2]), FID  # of two that are equal in all else the first id is shown
KID = (SHOWN[0], "kid", SHOWN[2])
ALWAYS = "daes_always_outperform_vaes_at_the_comparison_point"
BOTH = trials(model=["dae", "vae"], filters=[32, 64], latent_size=[128])
Score = Callable[[TrialConfig, str, str], float]
"""(trial, metric, evaluation) -> every distance."""


def dae_wins(trial: TrialConfig, metric: str = "fid", evaluation: str = SHOWN[0]) -> float:
    """80 against 90, with a little noise of seeds."""
    return (80 if trial.model == "dae" else 90) + 0.1 * trial.seed


@pytest.fixture
def store(make_store: MakeStore) -> Callable[..., Path]:
    """`store(trials, score, *evaluations)`: a store in which each distance is what `score` says."""

    def make(asked: list[TrialConfig], score: Score, *evaluations: tuple[str, str, str]) -> Path:
        by_key = {trial.key: trial for trial in asked}

        def known(rows: Rows) -> None:
            for row in rows["scores"]:
                row["value"] = float(score(by_key[row["key"]], row["metric"], row["evaluation"]))
                if row["evaluation"] == SAMPLED[0] and row["vae_latents"] == "mean":
                    row["vae_latents"] = "sample"

        more = {"evaluations": (SHOWN, *evaluations), "pictures": False, "latent_points": 0}
        return make_store(asked, **more, edit=known)

    return make


def judged(store: Path) -> Judgement:
    tables = load_tables(store)
    (results,) = all_results(tables)
    return judge(results, readings=readings(tables, results))


def kid_says_otherwise(trial: TrialConfig, metric: str, evaluation: str) -> float:
    return dae_wins(trial) if metric == "fid" else 1 / dae_wins(trial)


def test_a_verdict_that_the_kernel_distance_turns_round_is_flagged_in_words(store: Callable[..., Path]) -> None:
    judgement = judged(store(BOTH, kid_says_otherwise, KID))
    table = claims_table(judgement)
    assert table.headings["kernel"].text == "Under KID"
    rows = table.frame.set_index("claim")
    assert rows.loc[ALWAYS, "verdict"] == "supported"
    assert rows.loc[ALWAYS, "kernel"] == "FLIPS: contradicted"
    assert rows.loc["networks_have_the_parameters_of_section_5", "kernel"] == "–"  # compares no distances
    assert rows.loc["rivals_and_unaltered_daes_differ_marginally", "kernel"] == "not enough data"  # theirs are FIDs
    agreed = judged(store(BOTH, lambda t, metric, _: dae_wins(t) / (1 if metric == "fid" else 1000), KID))
    assert claims_table(agreed).frame.set_index("claim").loc[ALWAYS, "kernel"] == "supported"


def test_a_kernel_distance_below_zero_has_no_share(store: Callable[..., Path]) -> None:
    asked = trials(filters=[128], freeze_latent=[False, True], latent_size=[64, 128, 256])
    judgement = judged(store(asked, lambda t, metric, _: dae_wins(t) - (0 if metric == "fid" else 90), KID))
    (one,) = [one for one in judgement.judged if one.claim.name == "freezing_the_latent_layer_hardly_matters"]
    assert one.ours.outcome == "supported" and one.kernel == "not enough data"
    assert "shares of a distance of 0 or below mean nothing" in next(iter(one.others.values())).findings[0].words


def test_without_another_reading_nothing_is_added(store: Callable[..., Path]) -> None:
    judgement = judged(store(BOTH, dae_wins))
    assert judgement.readings == () and "kernel" not in claims_table(judgement).headings
    assert sensitivity_table(judgement) is None


def test_one_seed_decides_nothing_under_any_reading(store: Callable[..., Path]) -> None:
    judgement = judged(store([t for t in BOTH if t.seed == 0], kid_says_otherwise, KID, SAMPLED))
    table = present(sensitivity_table(judgement))
    assert not table.bold.any(axis=None)
    assert "FLIPS" not in "".join(table.cells().to_numpy().ravel().tolist())


def test_priors_fitted_on_samples_are_a_reading_of_their_own(store: Callable[..., Path]) -> None:
    def score(trial: TrialConfig, metric: str, evaluation: str) -> float:
        gain = 20 if evaluation == SAMPLED[0] and trial.model == "vae" else 0
        return dae_wins(trial) - gain

    judgement = judged(store(BOTH, score, SAMPLED))
    assert [(one.axis, one.words) for one in judgement.readings] == [("scoring", "VAE priors fitted on samples")]
    table = present(sensitivity_table(judgement))
    (row,) = [i for i, name in enumerate(table.frame["sentence"]) if name.startswith("In both cases DAEs always")]
    assert table.frame.loc[row, "shown"] == "supported"
    assert table.frame.loc[row, "reading_0"] == "FLIPS: contradicted"
    assert bool(table.bold.loc[row, "reading_0"])
    assert table.headings["reading_0"].text == "Scoring: VAE priors fitted on samples"
    assert "decided verdicts flip under a reading" in table.caption


def test_on_other_data_the_matrix_says_what_was_tested_not_what_the_paper_says(store: Callable[..., Path]) -> None:
    asked = trials(dataset=["digits"], model=["dae", "vae"], filters=[32, 64], latent_size=[16])
    table = present(sensitivity_table(judged(store(asked, kid_says_otherwise, KID))))
    assert "At 16 latent units, DAEs score lower than VAEs of the same width (MVG and GMM)." in set(
        table.frame["sentence"]
    )
    assert not table.frame["sentence"].str.contains("In both cases DAEs always").any()
    assert set(present(table.tidy)["claim"]) >= {ALWAYS}


def test_vaes_of_another_objective_meet_the_same_daes(store: Callable[..., Path]) -> None:
    summed = trials(model=["vae"], filters=[32, 64], latent_size=[128], reduction=["sum"])
    judgement = judged(store([*BOTH, *summed], lambda t, *_: dae_wins(t) - 20 * (t.reduction == "sum")))
    (reading,) = judgement.readings
    assert (reading.axis, reading.words) == ("objective of VAEs", "reduction sum")
    assert set(reading.results.of(model="vae")["key"]) == {trial.key for trial in summed}
    daes = judgement.results.of(model="dae")["key"].tolist()
    assert reading.results.of(model="dae")["key"].tolist() == daes
    (one,) = [one for one in judgement.judged if one.claim.name == ALWAYS]
    assert one.ours.outcome == "supported" and one.words(reading) == "FLIPS: contradicted"
    assert "reduction mean, beta 0.01" in judgement.condition
    # Another schedule is another experiment, no reading of the paper.
    longer = trials(model=["vae"], filters=[32], latent_size=[128], epochs=[3])
    assert judged(store([*BOTH, *longer], dae_wins)).readings == ()


def test_a_decoder_that_is_mirrored_replaces_only_the_networks_that_it_changes(store: Callable[..., Path]) -> None:
    deep = {"filters": [128], "depth": [(3, 3, 2, 1)], "latent_size": [64, 128]}
    flat = trials(filters=[128], latent_size=[64, 128])
    mirrored = trials(**deep, decoder_depth=["mirrored"])
    judgement = judged(
        store([*flat, *trials(**deep), *mirrored], lambda t, *_: 80 - 5 * (t.depth[0] > 1) + 9 * (t in mirrored))
    )
    (reading,) = judgement.readings
    assert reading.words == "decoder depth mirrored"
    assert set(reading.results.trials["key"]) == {t.key for t in [*flat, *mirrored]}
    (one,) = [o for o in judgement.judged if o.claim.name == "at_128_filters_deeper_networks_do_better_at_best"]
    assert one.ours.outcome == "supported" and one.words(reading) == "FLIPS: contradicted"


@pytest.mark.parametrize(("gap", "outcome"), [(2.5, "supported"), (40.0, "contradicted"), (3.0, "not enough data")])
def test_the_objective_is_the_papers_where_n01_and_mvg_hardly_differ(
    results: MakeResults, gap: float, outcome: str
) -> None:
    asked = trials(model=["dae", "vae"], filters=[32, 64], latent_size=[64, 128])

    def score(trial: TrialConfig, name: str) -> float:
        away = 300 if trial.model == "dae" else gap + 0.1 * (trial.seed - 1)
        return 80 + trial.seed + (away if name == "standard_normal" else 0)

    found = results(asked, score)
    assert the_objective_of_vaes_is_the_papers(found).outcome == outcome
    said = judge(found).condition
    assert said.endswith(f"(N(0, I) and MVG hardly differ): {outcome}.")
    assert said in claims_table(judge(found)).caption


def test_the_matrix_is_a_frame_of_plain_columns(store: Callable[..., Path], tmp_path: Path) -> None:
    folder = store(BOTH, kid_says_otherwise, KID)
    frame = sensitivity(folder)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(frame.to_parquet())), frame, check_dtype=False)
    found = frame[frame["claim"] == ALWAYS].set_index("reading")
    assert found["outcome"].to_dict() == {"shown": "supported", "KID": "contradicted"}
    assert found["flips"].to_dict() == {"shown": False, "KID": True}
    assert found["distance"].to_dict() == {"shown": "FID", "KID": "KID"}
    assert found["axis"].to_dict() == {"shown": "shown", "KID": "distance"}
    (tmp_path / "empty").mkdir()
    assert sensitivity(tmp_path / "empty").columns.tolist() == frame.columns.tolist()
    with pytest.raises(ReportError, match="no such folder"):
        sensitivity(tmp_path / "nothing")


def test_the_page_shows_flips_at_the_claim_and_in_the_matrix(store: Callable[..., Path], tmp_path: Path) -> None:
    write_report(store(BOTH, kid_says_otherwise, KID), tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "under KID: FLIPS: contradicted" in page and "Verdicts on CIFAR-10 under other readings" in page
    rows = pd.read_csv(tmp_path / "report" / "tables" / "sensitivity-fid-inception-2015-cifar10-32.csv")
    assert rows.loc[rows["flips"], "reading"].unique().tolist() == ["KID"]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="There is no such folder"):
        sensitivity(tmp_path / "typo")
