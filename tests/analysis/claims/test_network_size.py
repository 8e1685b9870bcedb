"""Claims on the number of parameters, on invented results."""

from typing import Any

import pytest

from aesweep.analysis import load_tables
from aesweep.analysis.claims import network_size
from aesweep.analysis.claims.verdicts import Claim
from aesweep.analysis.data.results import Results, all_results
from aesweep.models.config import TrialConfig
from tests.analysis.invented import FID, trials
from tests.analysis.typed import MakeResults, MakeStore

SECTION_5 = {
    # At the comparison size; CelebA's networks have the printed numbers at 768 units only.
    network_size.networks_have_the_parameters_of_section_5: {"cifar10": "supported", "celeba": "contradicted"},
    # Short of the upper end of the bound's range, and beyond its lower end.
    network_size.the_largest_networks_approach_the_bound: {"cifar10": "not enough data", "celeba": "not enough data"},
    # Beyond both ends on CIFAR-10, beyond the lower one only on CelebA.
    network_size.ten_times_larger_networks_would_clear_the_bound: {
        "cifar10": "supported",
        "celeba": "not enough data",
    },
}


@pytest.mark.parametrize(("data", "widest"), [("cifar10", 256), ("celeba", 128)])
def test_what_section_5_says_of_the_papers_largest_networks_needs_them(
    make_store: MakeStore, data: str, widest: int
) -> None:
    def results_of(found: list[TrialConfig]) -> Results:
        store = make_store(found, evaluations=(FID,), pictures=False, latent_points=0, parameters=True)
        (results,) = all_results(load_tables(store))
        return results

    def outcome(claim: Claim, results: Results) -> str:
        verdict = claim(results)
        return "no network" if "no network" in verdict.findings[0].words else verdict.outcome

    fields: dict[str, Any] = {"dataset": [data], "image_size": [64 if data == "celeba" else 32]}
    fields["latent_size"] = [64 if data == "celeba" else 128, 768]  # that one size fits the print decides nothing
    asked = trials(**fields, filters=[32, 64, widest])
    few, whole, more = map(results_of, (asked[:2], asked, [*asked, *trials(**fields, filters=[16])]))
    for claim, expected in SECTION_5.items():
        assert outcome(claim, few) in ("no network", "not enough data"), claim.name
        assert outcome(claim, whole) == outcome(claim, more) == expected[data], claim.name


def test_larger_daes_are_larger_than_others(results: MakeResults) -> None:
    asked = trials(model=["dae", "vae"], filters=[32, 64], latent_size=[64, 128])

    def score(trial: TrialConfig, name: str) -> float:
        return 50 if trial.model == "dae" else 60

    one = [trial for trial in asked if trial.filters == 32]
    assert network_size.the_widest_daes_outperform_vaes(results(one, score)).outcome == "not enough data"
    assert network_size.the_widest_daes_outperform_vaes(results(asked, score)).outcome == "supported"
