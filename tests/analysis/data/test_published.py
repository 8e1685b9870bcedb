"""The paper's numbers, and that reading them as a store gives the paper back: Tables 2 and 3 and the verdicts."""

import re
from collections.abc import Callable
from typing import Any, cast

import pandas as pd
import pytest

from aesweep.analysis.claims.claims_table import published_verdicts
from aesweep.analysis.data.published import published_scores, published_tables, published_values, section_5
from aesweep.analysis.data.results import all_results
from aesweep.analysis.data.scores import SCORES
from aesweep.analysis.text.paper_tables import TABLE_3_SCORES, table_2, table_3
from aesweep.analysis.text.printed_scores import printed_in_the_text
from aesweep.analysis.text.text_tables import TextTable
from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.deciding_fields import deciding_columns
from tests.analysis.typed import present
from tests.conftest import REPOSITORY

PAPER = REPOSITORY.parent / "shared" / "paper" / "paper.md"
# Table 3 prints 39.13 in bold though 39.10 stands below it; ours bolds the lowest value.
BOLD_EXCEPTION = {("3", "39.13"), ("3", "39.10")}
PRINTED_AS_RAE = {"cifar10-32": "rae-l2", "celeba-64": "rae-sn"}  # the variants that the numbers in RAE's paper are of
RESULTS = {results.data: results for results in all_results(published_tables())}


def _cells(table: str, data: str) -> pd.DataFrame:
    scores = published_scores(table)
    scores = scores.assign(model=scores["model"].replace("rae", PRINTED_AS_RAE[data]))
    return scores[scores["data"] == data].set_index(["filters", "model", "network", "latent_size", "column"])


@pytest.mark.parametrize("data", RESULTS)
@pytest.mark.parametrize(("number", "make"), [("2", table_2), ("3", table_3)])
def test_the_report_of_the_papers_numbers_prints_its_tables_digit_for_digit(
    number: str, make: Callable[..., TextTable], data: str
) -> None:
    printed, table = _cells(number, data), make(RESULTS[data])
    tidy = present(table.tidy).set_index(["filters", "model", "network", "latent_size", "score"])
    assert set(printed.index) == set(tidy.index[tidy["printed"].notna()])
    shown = _shown(table, PRINTED_AS_RAE[data])
    for label, cell in printed.iterrows():
        index = cast(tuple[Any, ...], label)
        whose = "ours" if index[1] in ("dae", "vae") else "paper"
        text, bold = shown[index[0], index[1], index[2], index[3], whose][index[4]]
        assert text == cell["printed"], index
        assert bold == cell["paper_bold"] or (number, text) in BOLD_EXCEPTION, index


def _shown(table: TextTable, rae: str) -> dict[tuple[Any, ...], dict[str, tuple[str, bool]]]:
    """(filters, model, network, latent size, whose) -> column -> (text, bold), from the cells as they are shown."""
    found: dict[tuple[Any, ...], dict[str, tuple[str, bool]]] = {}
    name: tuple[Any, ...] = ()
    models = {"DAE (BN)": ("dae", "batch latent norm"), "DAE": ("dae", ""), "VAE": ("vae", ""), "RAE": (rae, "")}
    bold = table.bold_cells()
    for place, (_, row) in enumerate(table.cells().iterrows()):
        if row["model"]:
            model, network = models.get(row["model"], (row["model"].lower(), ""))
            name = (int(row["filters"]), model, network, int(row["latent_size"]))
        columns = [column for column in SCORES if column in row]
        found[*name, row["whose"]] = {column: (row[column], bool(bold[column].iloc[place])) for column in columns}
    return found


def test_the_one_bold_cell_that_is_not_the_lowest_is_not_bold_here() -> None:
    shown = _shown(present(table_3(RESULTS["celeba-64"])), "rae-sn")
    assert shown[128, "dae", "", 96, "ours"]["gmm"] == ("39.13", False)
    assert shown[128, "dae", "", 96, "paper"]["gmm"] == ("39.13", True)
    assert shown[128, "dae", "", 128, "ours"]["gmm"] == ("39.10", True)


def test_ours_and_the_papers_differ_by_nothing_when_ours_is_the_papers() -> None:
    for results in RESULTS.values():
        for table in (table_2(results), table_3(results)):
            assert (present(present(table).tidy)["difference"].dropna() == 0).all()


def test_the_rule_for_best_sizes_gives_every_row_of_table_3_but_one() -> None:
    for data, results in RESULTS.items():
        table = present(present(table_3(results)).tidy)
        off = table[table["best_in"].isna()][["filters", "model", "latent_size"]].drop_duplicates()
        assert off.to_numpy().tolist() == ([[64.0, "vae", 128.0]] if data == "cifar10-32" else [])
        assert set(table["score"]) == set(TABLE_3_SCORES)


VERDICTS = {
    "cifar10-32": {
        "at_128_filters_deeper_networks_do_better_at_best": "supported",
        "batch_normalisation_rescues_the_standard_normal": "supported",
        "daes_scale_more_strongly_with_width": "supported",
        "daes_of_256_filters_overfit": "supported",
        "daes_stall_at_256_filters": "supported",
        "unaltered_daes_perform_like_novel_daes": "supported",
        "batch_normalisation_agrees_with_ghose": "supported",
    },
    "celeba-64": {
        "the_widest_daes_outperform_vaes": "supported",
        "vaes_are_best_with_large_numbers_of_latent_units_on_celeba": "supported",
    },
}
"""With a nominal spread of 1.5 % over training seeds, which the paper does not give. What is left open and was decided by the
sign before: one width at the comparison point differs by less than that (MVG at 32 filters, on both data sets); rivals
differ by no more than the margin allows at one seed; best sizes at 32, 64 and 256 filters; the gap of MVG and GMM, whose
growth is less than its noise; and, as circular, the bound and the best network overall, whose sentences state their numbers.
On CelebA no score of 128 filters at 64 units is printed (Table 2 puts the row of 128 units there), so neither the scaling to 128
filters is judged, nor whether it is better than on CIFAR-10. GMM-DAE is behind the DAE on CelebA by more than "similar" allows
to be sure of. That DAEs stall needs 256 filters to be little better than 128, not to be worse: so GMM, 75.67 against 72.82,
decides as well. That BN agrees with Ghose et al. is decided against the VAE and the printed WAE."""


@pytest.mark.parametrize("data", VERDICTS)
def test_the_claims_give_the_verdict_that_the_printed_numbers_support(data: str) -> None:
    found = {name: verdict.outcome for name, verdict in published_verdicts()[data].items()}
    assert {name: outcome for name, outcome in found.items() if outcome != "not enough data"} == VERDICTS[data]


def test_the_papers_scores_say_what_decided_them_as_those_of_a_store_scored_in_its_way_do() -> None:
    tables = published_tables()
    models = tables.trials.set_index("key")["model"]
    for row in tables.scores.to_dict("records"):
        said = deciding_columns(EvaluationConfig().to_json(), models[row["key"]], row["source"], row["metric"])
        found = {name: None if pd.isna(row[name]) else row[name] for name in said}
        assert found == said


def test_a_verdict_gives_the_printed_numbers() -> None:
    verdict = published_verdicts()["cifar10-32"]["daes_always_outperform_vaes_at_the_comparison_point"]
    assert (
        verdict.findings[3].words
        == "64 filters, 128 units, GMM: DAE 77.36, VAE 93.60 (-16.24 ± 3.570, 95 % with the nominal error)"
    )
    gap = published_verdicts()["cifar10-32"]["the_gap_between_mvg_and_gmm_shrinks_with_width"]
    assert gap.findings[0].words.startswith(
        "DAE, MVG − GMM: 9.050 at 32, 8.020 at 64, 8.710 at 128, 10.62 at 256 filters"
    )


def test_slips_are_noted_beside_the_numbers() -> None:
    values = published_values()
    assert values.loc[values["printed"] == "39.13", "note"].item().startswith("slip: bold, though 39.10")
    slip = values[(values["table"] == "2") & (values["dataset"] == "celeba") & (values["filters"] == 128)]
    assert slip[slip["model"] == "dae"]["note"].str.contains("128 latent units").all()


def test_section_5_is_there_for_the_papers_data_only() -> None:
    assert section_5("cifar10-32")["parameters_required_most"] == 1e8
    assert section_5("digits-32") == {}


@pytest.mark.skipif(
    not PAPER.is_file(), reason="the paper's text is not beside this checkout (../shared/paper/paper.md)"
)
def test_every_number_of_tables_2_and_3_is_in_the_file_as_it_is_printed() -> None:
    text = PAPER.read_text(encoding="utf-8")
    second = text.split("Table 2: FID Scores")[1].split("\n\nFilters\tModel")[1].split("\n\nVAEs we have")[0]
    third = text.split("Table 3: FID Scores")[1].split("\n\nCIFAR-10\t")[1].split("\n\nand A.2")[0]
    for number, part in (("2", second), ("3", third)):
        cells = [cell for line in part.splitlines() for cell in line.split("\t")[2 if number == "2" else 3 :]]
        cells = [cell for cell in cells if re.search(r"\d", cell) and "mathcal" not in cell and "CIFAR" not in cell]
        printed = published_scores(number)
        ours = [f"<b>{p}</b>" if bold else p for p, bold in zip(printed["printed"], printed["paper_bold"], strict=True)]
        assert sorted(cells) == sorted(ours)


def test_printed_numbers_that_a_sentence_states_itself_do_not_test_it() -> None:
    verdicts = published_verdicts()["cifar10-32"]
    for name in (
        "the_largest_networks_approach_the_bound",
        "ten_times_larger_networks_would_clear_the_bound",
        "the_best_overall_has_128_filters_depths_3321_and_96_units",
        "the_best_network_scores_as_printed",
    ):
        assert (verdicts[name].outcome, verdicts[name].words) == ("not enough data", "circular")
        assert all("circular" in finding.words for finding in verdicts[name].findings)


def test_the_misplaced_row_is_judged_at_the_latent_size_that_it_belongs_to() -> None:
    """Table 2 prints CelebA's DAE of 128 filters and 128 units under 64 units; 46.96 against RAE's 44.74 would be 4.96 %."""
    (results,) = (one for one in all_results(published_tables(corrected=True)) if one.data == "celeba-64")
    network = {"model": "dae", "filters": 128, "depth": "1", "network": ""}
    assert results.by_seed("mvg", **network)[0].to_dict() == {96: 44.98, 128: 46.96}
    verdict = published_verdicts()["celeba-64"]["rivals_and_unaltered_daes_differ_marginally"]
    assert verdict.findings[0].words.startswith("MVG at 96 units: DAE 44.98, RAE 44.74 ")
    assert not any(
        "46.96" in finding.words for found in published_verdicts()["celeba-64"].values() for finding in found.findings
    )


def test_the_scores_printed_in_the_text_stand_beside_ours() -> None:
    table = present(printed_in_the_text(RESULTS["cifar10-32"]))
    cells = table.cells()
    assert cells["printed"].tolist() == ["77.10", "67.32"]
    assert cells["ours"].tolist() == ["77.10", "67.32"] and cells["difference"].str.startswith("+0.00").all()
    assert "depths [3,3,2,1], 96 latent units" in cells["network"][0]
    assert printed_in_the_text(RESULTS["celeba-64"]) is None
