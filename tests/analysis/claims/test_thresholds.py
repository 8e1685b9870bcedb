"""Verdicts that depend on what "little" or "much" means say where they flip."""

import inspect
from dataclasses import fields

import pytest

from aesweep.analysis.claims import CLAIMS
from aesweep.analysis.claims.claims_table import claims_table, judge
from aesweep.analysis.thresholds import SHARES, SWEPT, Thresholds
from tests.analysis.invented import trials
from tests.analysis.typed import MakeResults


def test_every_threshold_is_swept_on_both_sides_of_its_value() -> None:
    for field in fields(Thresholds):
        smaller, larger = SWEPT[field.name]
        assert smaller < getattr(Thresholds(), field.name) < larger
    assert {claim.threshold for claim in CLAIMS} == {"", *SWEPT}


def test_a_claim_names_the_threshold_that_it_reads() -> None:
    for claim in CLAIMS:
        read = {name for name in SWEPT if f"results.thresholds.{name}" in inspect.getsource(claim.judge)}
        read -= {short for short in read for long in read if long != short and long.startswith(f"{short}_")}
        assert read == ({claim.threshold} if claim.threshold else set()), claim.name


def test_a_threshold_is_shown_in_percent_only_where_it_is_a_share(results: MakeResults) -> None:
    judged = judge(results(trials(filters=[32], latent_size=[128]), lambda *_: 80)).judged
    sweeps = {one.claim.name: one.sweep for one in judged}
    assert "“away” at 0.1" in sweeps["dae_latents_are_not_centred_and_scaled"]
    swept = {name for name, values in SWEPT.items() if max(values) < 1}
    assert swept - SHARES == {"practically_gaussian", "away"}, "in nats, and in units of N(0, I)"


@pytest.mark.parametrize(
    ("change", "said", "on_page"),
    [
        (1.04, "contradicted with “little” at 2%", "Depends on the threshold: contradicted with “little” at 2%."),
        (1.07, "supported with “little” at 10%", "Depends on the threshold: supported with “little” at 10%."),
        (1.01, "", "The same with “little” at 2% and at 10%."),
        (1.2, "", "The same with “little” at 2% and at 10%."),
    ],
)
def test_the_table_says_where_a_verdict_flips(results: MakeResults, change: float, said: str, on_page: str) -> None:
    asked = trials(filters=[128], freeze_latent=[False, True], latent_size=[64, 128])
    judged = judge(results(asked, lambda trial, name: 80 * (change if trial.freeze_latent else 1)))
    rows = claims_table(judged).frame.set_index("claim")
    assert rows.loc["freezing_the_latent_layer_hardly_matters", "flips"] == said
    sweeps = {one.claim.name: one.sweep for one in judged.judged}
    assert sweeps["freezing_the_latent_layer_hardly_matters"] == on_page
    assert sweeps["dae_latents_vary_across_dimensions"] == "", "not decided at any value"
