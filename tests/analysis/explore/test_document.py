"""The data of the page: means with the project's statistics, every field, and nothing that a page takes for markup."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from aesweep.analysis import load_tables, write_report
from aesweep.analysis.explore.curves import curves, points_per_curve
from aesweep.analysis.explore.document import document, to_json
from aesweep.analysis.explore.page import HERE, SCRIPTS, policy, static_page
from tests.analysis.conftest import grid
from tests.analysis.typed import Rows

FIELDS: dict[str, Any] = {"model": ["dae", "vae"], "latent_size": [4, 8, 16], "filters": [16]}
VENDOR = HERE / "vendor"
Make = Callable[..., Path]


def _document(store: Path) -> dict[str, Any]:
    found = document(load_tables(store))
    json.loads(to_json(found), parse_constant=pytest.fail)
    return found


def test_every_field_has_its_values_and_the_one_of_each_trial(make_store: Make) -> None:
    found = _document(make_store(grid(**FIELDS, seed=[0])))
    fields = {one["name"]: one for one in found["fields"]}
    assert fields["latent_size"]["values"] == [4, 8, 16] and fields["model"]["values"] == ["DAE", "VAE"]
    sizes = [fields["latent_size"]["values"][code] for code in fields["latent_size"]["codes"]]
    assert [f"z{size}" in name for size, name in zip(sizes, found["names"], strict=True)] == [True] * 6
    assert fields["filters"]["codes"] is None and fields["filters"]["values"] == [16]
    assert {-1} < set(fields["beta"]["codes"]), "a DAE has no beta"
    assert found["first"]["x"] == "latent_size" and found["first"]["colour"] == "model"


def test_the_first_score_is_the_distance_of_the_report(make_store: Make) -> None:
    found = _document(make_store(grid(**FIELDS)))
    first = next(one for one in found["measures"] if one["name"] == found["first"]["y"])
    assert first["title"] == "FD, GMM samples · random-conv-64" and first["lower"] is True
    assert _document(make_store(grid(**FIELDS), states=dict.fromkeys(range(6), "pending")))["first"]["y"] == ""


def test_a_field_that_only_failed_trials_vary_colours_nothing(make_store: Make) -> None:
    trials = [*grid(latent_size=[4, 8, 16]), *grid(latent_size=[4, 8], model=["vae"])]
    assert _document(make_store(trials))["first"]["colour"] == "model"
    assert _document(make_store(trials, states={3: "failed", 4: "failed"}))["first"]["colour"] == ""


def test_scores_of_two_evaluations_are_two_measures(make_store: Make) -> None:
    both = (("e" * 12, "fd", "random-conv-64"), ("f" * 12, "fd", "random-conv-64"))
    titles = [one["title"] for one in _document(make_store(grid(**FIELDS), evaluations=both))["measures"]]
    assert len([title for title in titles if title.startswith("FD, GMM samples")]) == 2
    assert len(set(titles)) == len(titles)


def test_the_first_score_is_of_the_evaluation_that_the_report_shows(make_store: Make) -> None:
    """The one that scored most trials, whatever its id."""

    def edit(rows: Rows) -> None:
        few = rows["trials"][0]["key"]
        rows["scores"] = [row for row in rows["scores"] if row["evaluation"] == "f" * 12 or row["key"] == few]

    both = (("e" * 12, "fd", "random-conv-64"), ("f" * 12, "fd", "random-conv-64"))
    first = _document(make_store(grid(**FIELDS), evaluations=both, edit=edit))["first"]["y"]
    assert first.startswith("fd gmm ") and first.endswith("f" * 12)


def test_what_failed_is_told_with_its_reason(make_store: Make) -> None:
    found = _document(make_store(grid(**FIELDS), states={0: "failed"}))
    (failure,) = found["failures"]
    assert failure["key"] in found["keys"] and failure["message"] and failure["time"].endswith("UTC")
    state = next(one for one in found["fields"] if one["name"] == "state")
    assert state["values"][state["codes"][found["keys"].index(failure["key"])]] == "failed"


def test_a_store_without_trials_gives_a_page(tmp_path: Path) -> None:
    found = _document(tmp_path)
    assert found["keys"] == [] and "<script" in static_page(found, {}, {})


def test_the_report_links_to_the_page_where_that_exists(tmp_path: Path) -> None:
    link = 'href="explore.html"'
    assert link not in Path(write_report(tmp_path / "store", tmp_path / "report")).read_text()
    (tmp_path / "report" / "explore.html").write_text("the page")
    page = Path(write_report(tmp_path / "store", tmp_path / "report")).read_text()
    assert link in page and "script-src 'sha256-" in page
    assert (tmp_path / "report" / "explore.html").read_text() == "the page"


def _hostile(rows: Rows) -> None:
    for row in rows["trials"]:
        row["name"] = "</script><script>pwned()</script>"
        row["block"] = "<!--<script>"


def test_markup_in_a_store_ends_no_block_of_the_page(make_store: Make) -> None:
    page = static_page(_document(make_store(grid(**FIELDS), edit=_hostile)), {}, {})
    assert "pwned()" in page and "<script>pwned" not in page and page.count("</script>") == len(SCRIPTS) + 1


def test_the_page_asks_no_network_and_runs_no_other_script() -> None:
    rules = policy(live=False)
    assert "connect-src 'none'" in rules and "unsafe" not in rules and "http" not in rules
    assert rules.count("sha256-") == len(SCRIPTS) + 1


def test_the_chart_library_is_the_published_one_with_its_licence() -> None:
    library = (VENDOR / "echarts.min.js").read_bytes()
    assert hashlib.sha256(library).hexdigest() == "b66b25aeb4df84e33199dc21694014d336d222cbd9deb0e5a7c14bd6aa0d0fd0"
    assert b'version="6.1.0"' in library and "Apache License" in (VENDOR / "LICENSE").read_text()


def test_curves_are_thinned_to_their_ends_and_running_trials_have_one(make_store: Make) -> None:
    def run(rows: Rows) -> None:
        for row in rows["epochs"]:
            if row["key"] == trials[0].key:
                row["state"] = "unfinished"

    trials = grid(**FIELDS, epochs=[50])
    store = make_store(trials, edit=run)
    whole, thin = curves(store), curves(store, points=5)
    assert whole[trials[0].key]["state"] == "unfinished" and whole[trials[1].key]["state"] == "trained"
    assert whole[trials[0].key]["epoch"] == list(range(1, 51))
    few = thin[trials[0].key]["epoch"]
    assert len(few) == 5 and (few[0], few[-1]) == (1, 50)
    assert thin[trials[0].key]["loss"][0] == whole[trials[0].key]["loss"][0]
    assert curves(store, [trials[2].key]) == {trials[2].key: whole[trials[2].key]}
    assert points_per_curve(10_000) < 100 < points_per_curve(100)


def test_tables_of_an_older_aesweep_have_curves(make_store: Make) -> None:
    trials = grid(**FIELDS)
    store = make_store(trials)
    path = store / "tables" / "epochs.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["state", "test_sample_bce"]), path)
    found = curves(store)[trials[0].key]
    assert found["state"] == "trained" and "test" not in found
