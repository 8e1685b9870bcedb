"""Claims on trainings that fail: how many are too many, and which failures say something of the training."""

from collections.abc import Callable

import pytest

from aesweep.analysis.claims import dae_against_vae
from aesweep.analysis.claims.claims_table import claims_table, judge
from tests.analysis.conftest import START
from tests.analysis.invented import trials
from tests.analysis.typed import Edit, MakeResults, Rows


def fails_where(fails: Callable[[dict[str, object]], bool]) -> Edit:
    """An edit: these trainings learn no more than the mean image."""

    def edit(rows: Rows) -> None:
        for row in rows["trials"]:
            if fails(row):
                row["test_bce"] = row["mean_image_bce"]

    return edit


MANY_SIZES = list(range(8, 208, 8))


@pytest.mark.parametrize(
    ("failing", "sizes", "outcome"),
    [
        (0, MANY_SIZES, "supported"),  # of 75: a rate above 5 % would have shown
        (0, MANY_SIZES[:5], "not enough data"),  # of 15
        (2, MANY_SIZES, "not enough data"),  # 6 of 75
        (5, MANY_SIZES, "contradicted"),  # 15 of 75
    ],
)
def test_training_is_robust_where_at_most_one_in_twenty_fails(
    results: MakeResults, failing: int, sizes: list[int], outcome: str
) -> None:
    asked = trials(model=["dae"], filters=[32], latent_size=sizes)
    edit = fails_where(lambda row: row["latent_size"] in sizes[:failing])
    verdict = dae_against_vae.dae_training_is_robust_at_all_latent_sizes(results(asked, lambda *_: 1, edit=edit))
    assert verdict.outcome == outcome


@pytest.mark.parametrize(
    ("above", "below", "outcome"),
    [(True, False, "supported"), (False, False, "not enough data"), (True, True, "not enough data")],
)
def test_vaes_are_unstable_above_512_units_where_more_of_them_fail_than_below(
    results: MakeResults, above: bool, below: bool, outcome: str
) -> None:
    vaes = trials(model=["vae"], filters=[32, 64], latent_size=[256, 512, 768])
    edit = fails_where(lambda row: above if int(str(row["latent_size"])) > 512 else below)
    found = results(vaes, lambda *_: 1, edit=edit)
    assert dae_against_vae.vaes_become_unstable_above_512_units(found).outcome == outcome


def ends_early(kind: str, stage: str = "train") -> Edit:
    """An edit: the last trial failed for good; where in training, it has no final loss."""

    def edit(rows: Rows) -> None:
        last = rows["trials"][-1]
        last |= {"state": "failed"} | ({"test_bce": None} if stage == "train" else {})
        rows["scores"] = [row for row in rows["scores"] if row["key"] != last["key"]]
        row = {"key": last["key"], "attempt": "train-0001-aaaaaa", "stage": stage, "type": kind, "message": "so it is"}
        rows["failures"].append({**row, "traceback": "", "node": "node", "time": START})

    return edit


@pytest.mark.parametrize("edit", [ends_early("NonFiniteError", "evaluate"), ends_early("OutOfMemoryError")])
def test_a_failure_that_says_nothing_of_the_training_is_no_instability(results: MakeResults, edit: Edit) -> None:
    asked = trials(model=["dae"], filters=[32], latent_size=[64, 128, 256])
    verdict = dae_against_vae.dae_training_is_robust_at_all_latent_sizes(results(asked, lambda *_: 1, edit=edit))
    assert verdict.findings[0].words.startswith("0 of ")
    vaes = trials(model=["vae"], filters=[32], latent_size=[256, 768, 1024])
    verdict = dae_against_vae.vaes_become_unstable_above_512_units(results(vaes, lambda *_: 1, edit=edit))
    assert verdict.findings[0].words.startswith("0 of ")


def test_trainings_of_another_schedule_or_beta_say_nothing_of_robustness(results: MakeResults) -> None:
    def learnt_nothing(rows: Rows) -> None:
        for row in rows["trials"]:
            if row["epochs"] == 3 or row["beta"] == 1.0:
                row["test_bce"] = row["mean_image_bce"]

    asked = [*trials(filters=[32], latent_size=[64, 128]), *trials(filters=[32], latent_size=[64], epochs=[3])]
    found = results(asked, lambda *_: 1, edit=learnt_nothing)
    verdict = dae_against_vae.dae_training_is_robust_at_all_latent_sizes(found)
    assert verdict.findings[0].words.startswith("0 of 6 DAEs")
    assert "Not shown: trials with epochs 3." in claims_table(judge(found)).caption
    vaes = trials(model=["vae"], filters=[32], latent_size=[512, 768], beta=[0.01, 1.0])
    verdict = dae_against_vae.vaes_become_unstable_above_512_units(results(vaes, lambda *_: 1, edit=learnt_nothing))
    assert verdict.findings[0].words.startswith("0 of 3 VAEs above 512 units")
