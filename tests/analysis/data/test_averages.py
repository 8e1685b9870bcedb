"""Scores averaged for a notebook, against textbook sums over the rows of one network."""

from math import sqrt
from pathlib import Path
from statistics import fmean, stdev

import pandas as pd
import pytest
from scipy import stats

from aesweep.analysis.data.averages import per_network, per_trial
from tests.analysis.typed import Grid, MakeStore, Rows


@pytest.fixture
def frames(make_store: MakeStore, grid: Grid) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and trials: two models, three training and two sampling seeds, two evaluations, one unscored row."""
    trials = grid(model=["dae", "vae"], filters=[16], latent_size=[4, 8], seed=[0, 1, 2], epochs=[3])

    def edit(rows: Rows) -> None:
        for number, row in enumerate(rows["scores"]):
            row |= {"value": float((number * 37) % 101), "stderr": 0.5, "stderr_of": "samples"}
        rows["scores"][0] |= {"value": None, "note": "the fit failed"}

    ways = tuple((name * 12, "fd", "random-conv-64") for name in "ab")
    store: Path = make_store(trials, evaluations=ways, sampling_seeds=(0, 1), edit=edit)
    scores, found = (pd.read_parquet(store / f"tables/{name}.parquet") for name in ("scores", "trials"))
    return scores, found


def test_a_trial_has_one_value_per_score_with_the_error_of_its_mean(frames: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    scores, trials = frames
    found = per_trial(scores, trials)
    assert not found.duplicated(["key", "evaluation", "source", "split", "metric"]).any()
    one = found[(found.source == "gmm") & (found.metric == "fd")].iloc[3]
    rows = scores[(scores.key == one.key) & (scores.evaluation == one.evaluation)]
    rows = rows[(rows.source == "gmm") & (rows.metric == "fd")]
    assert one.draws == len(rows) == 2
    assert one.value == pytest.approx(fmean(rows.value))
    assert one.stderr == pytest.approx(0.5 / sqrt(2)), "two independent draws"
    assert found.value.notna().all(), "rows without a value do not count"


def test_a_networks_error_is_the_spread_over_training_seeds_pooled_over_the_networks_of_its_model(
    frames: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    scores, trials = frames
    wide = trials[trials.model == "dae"].key
    scores = scores.assign(value=scores.value.where(~scores.key.isin(wide), 100 * scores.value))
    found = per_network(scores, trials)
    assert [*found.columns[:2]] == ["model", "latent_size"], "the fields that vary, without the seed"
    chosen = found[(found.evaluation == "a" * 12) & (found.source == "gmm") & (found.metric == "fd")]
    assert len(chosen) == 4
    rows = scores[(scores.evaluation == "a" * 12) & (scores.source == "gmm") & (scores.metric == "fd")].merge(
        trials, on="key"
    )
    values = {
        network: [fmean(seed.value) for _, seed in part.groupby("key")]
        for network, part in rows.groupby(["model", "latent_size"])
    }
    for row in chosen.itertuples():
        pooled = sqrt(fmean(stdev(seeds) ** 2 for (model, _), seeds in values.items() if model == row.model))
        half = stats.t.ppf(0.975, 2 * 2) * pooled / sqrt(3)
        mean = fmean(values[row.model, row.latent_size])
        assert row.seeds == 3
        assert row.stderr == pytest.approx(pooled / sqrt(3))
        assert (row.mean, row.low, row.high) == pytest.approx((mean, mean - half, mean + half))


def test_the_spread_over_seeds_is_that_of_one_data_set(frames: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Grey images are other data than colour ones, and so are those of another version of a plug-in."""
    scores, trials = frames
    alone = per_network(scores, trials[trials.model == "dae"])
    for field, value in (("channels", 1), ("plugin_versions", "dataset digits 2.0"), ("image_size", 64)):
        values = trials[field].where(trials.model == "dae", value)
        found = per_network(scores, trials.assign(**{field: values}))
        assert found[found.model == "dae"].stderr.tolist() == alone.stderr.tolist(), field


def test_one_seed_each_has_no_error_and_nothing_scored_gives_an_empty_frame(
    frames: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    scores, trials = frames
    lone = trials[trials.seed == 0]
    found = per_network(scores[scores.key.isin(lone.key)], lone)
    assert found.seeds.eq(1).all() and found[["stderr", "low", "high"]].isna().all(axis=None)
    assert per_network(scores[:0], trials).empty and per_trial(scores[:0], trials).empty
