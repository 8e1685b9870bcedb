"""Which rows of the scores table the measures of hypothesis 1 come from."""

from dataclasses import replace

import pandas as pd
import pytest

from aesweep.analysis import load_tables
from aesweep.analysis.data.evaluations import evaluations_of
from aesweep.analysis.data.results import all_results
from aesweep.analysis.data.smoothness import COLUMNS, smoothness_by_trial
from tests.analysis.invented import FID, trials
from tests.analysis.smooth import with_smoothness
from tests.analysis.typed import MakeStore, Rows

OTHER, FD = ("a" * 12, "fid", "inception-2015"), ("d" * 12, "fd", "random-conv-64")
ASKED = trials(filters=[32], latent_size=[64, 128], seed=[0])


def test_means_over_points_come_from_another_evaluation_and_distances_do_not(make_store: MakeStore) -> None:
    def edit(rows: Rows) -> None:
        with_smoothness(lambda *_: 2.0, ASKED[:1])(rows)
        with_smoothness(lambda *_: 3.0, ASKED, OTHER)(rows)
        with_smoothness(lambda *_: 9.0, ASKED, FD)(rows)
        rows["scores"] = [row for row in rows["scores"] if row["evaluation"] != FD[0] or row["extractor"] == FD[2]]

    tables = load_tables(make_store(ASKED, evaluations=(FID, OTHER, FD), pictures=False, latent_points=0, edit=edit))
    shown = next(one for one in evaluations_of(tables).shown if one.is_fid)
    found = smoothness_by_trial(tables, replace(shown, id=FID[0]))
    first, second = (found.loc[trial.key] for trial in ASKED)
    assert set(first[list(COLUMNS)]) == {2.0, 4.0}  # its own; the product of encoder and decoder is 4
    assert second["path_stretch_mvg"] == second["decoder_frobenius_scaled_mvg"] == 3.0
    assert second[["straight_mvg", "spherical_mvg", "straight_reconstruction"]].isna().all()
    assert second["lipschitz_reconstruction"] == 9.0
    assert second["lipschitz_reconstruction_stderr"] == pytest.approx(9 * 2**0.5 * 0.5 / 3)


@pytest.mark.parametrize(("samples", "straight"), [(2000, 3.0), (1000, None)])
def test_midpoints_of_a_later_evaluation_count_if_it_compares_as_many_images(
    make_store: MakeStore, samples: int, straight: float | None
) -> None:
    """`aesweep evaluate --metrics interpolation` on a store that a launch has scored without it."""
    settings = {
        "extractor": "inception-2015", "extractor_sha256": "0" * 64, "reference_split": "test", "reference_size": 2000,
        "reference_seed": 0, "sampling_seeds": "0", "vae_latents": "mean",
    }  # fmt: skip

    def edit(rows: Rows) -> None:
        with_smoothness(lambda *_: 3.0, ASKED, OTHER)(rows)
        rows["scores"] = [row for row in rows["scores"] if row["evaluation"] != OTHER[0] or "straight" in row["metric"]]
        for (name, *_), count in ((FID, 2000), (OTHER, samples)):
            rows["evaluations"].append({"evaluation": name, "name": name, "samples": count, **settings})

    tables = load_tables(make_store(ASKED, evaluations=(FID, OTHER), pictures=False, latent_points=0, edit=edit))
    shown = next(one for one in evaluations_of(tables).shown if one.is_fid)
    found = smoothness_by_trial(tables, shown)["straight_mvg"]
    assert [None if pd.isna(value) else value for value in found] == [straight] * len(found)


def test_under_the_kernel_distance_midpoints_have_kernel_distances(make_store: MakeStore) -> None:
    def edit(rows: Rows) -> None:
        with_smoothness(lambda *_: 2.0, ASKED)(rows)
        with_smoothness(lambda *_: 0.5, ASKED, metrics=["kid_straight"])(rows)

    tables = load_tables(make_store(ASKED, evaluations=(FID,), pictures=False, latent_points=0, edit=edit))
    (shown,) = evaluations_of(tables).shown
    assert set(smoothness_by_trial(tables, shown)["straight_mvg"]) == {2.0}
    assert set(smoothness_by_trial(tables, replace(shown, metric="kid"))["straight_mvg"]) == {0.5}


def test_a_store_without_such_rows_has_all_columns_and_no_values(make_store: MakeStore) -> None:
    (found,) = all_results(load_tables(make_store(ASKED, evaluations=(FID,), pictures=False, latent_points=0)))
    assert found.trials[list(COLUMNS)].isna().all(axis=None)
