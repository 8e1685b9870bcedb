"""What is kept between questions gives the answers that pandas gives."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from aesweep.analysis.data.lookup import Lookup
from aesweep.analysis.data.tables import LatentPoints, frame_of
from aesweep.sweep.tables.reading import TableInParts
from tests.analysis.invented import trials
from tests.analysis.typed import MakeResults


def frame(seed: int) -> pd.DataFrame:
    """Trials of two models in no order, some twice, some without a score."""
    random = np.random.default_rng(seed)
    columns: dict[str, list[object]] = {
        "model": ["dae", "vae"],
        "latent_size": [16.0, 32.0, 64.0],
        "seed": [0.0, 1.0, 2.0],
    }
    rows = {name: [values[i] for i in random.integers(len(values), size=25)] for name, values in columns.items()}
    scores = np.where(random.random(25) < 0.3, np.nan, random.normal(size=25))
    return pd.DataFrame({**rows, "mvg": scores}).astype({"model": "str"})


def test_tables_by_seed_are_those_of_pandas() -> None:
    for seed in range(20):
        rows = frame(seed)
        lookup = Lookup(rows)
        for model in ("dae", "vae"):
            found = lookup.by_seed("mvg", lookup.rows({"model": model}))
            chosen = rows[rows["model"] == model].dropna(subset="mvg")
            pd.testing.assert_frame_equal(found, chosen.pivot_table(index="latent_size", columns="seed", values="mvg"))


def test_nothing_is_found_of_a_network_that_is_not_there() -> None:
    lookup = Lookup(frame(0))
    assert lookup.rows({"model": "gan"}).size == 0
    assert lookup.by_seed("mvg", lookup.rows({"model": "gan"})).empty


def test_moments_of_latents_are_those_of_the_points_whatever_was_asked_before() -> None:
    random = np.random.default_rng(0)
    keys = random.choice(["aa", "bb", "cc"], 300)
    points = pd.DataFrame({"key": keys, "z_a": random.normal(size=300), "z_b": random.normal(size=300)})
    file = io.BytesIO()
    frame_of("latents", points).to_parquet(file)
    assert pq.read_metadata(file).num_rows == 300
    latents = LatentPoints(TableInParts("latents", file))
    groups = points.groupby(points["key"].astype("str"))[["z_a", "z_b"]]
    for asked in (["cc"], ["bb", "cc", "not there"], ["aa", "bb", "cc"]):
        means, deviations = latents.moments(asked)
        known = [key for key in asked if key != "not there"]
        pd.testing.assert_frame_equal(means, groups.mean().loc[known])
        pd.testing.assert_frame_equal(deviations, groups.std().loc[known])
    assert all(part.empty for part in latents.moments(["not there"]))


def test_other_thresholds_leave_the_results_as_they_are(results: MakeResults) -> None:
    found = results(trials(filters=[32], latent_size=[16]), lambda *_: 1)
    other = found.under(replace(found.thresholds, little=0.5))
    assert (found.thresholds.little, other.thresholds.little) == (0.05, 0.5)
    assert other.trials is found.trials and other.comparison_size == found.comparison_size
