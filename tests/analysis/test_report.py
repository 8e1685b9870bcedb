"""The page and the files beside it."""

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from aesweep.analysis import ReportError, load_tables, write_report
from aesweep.analysis.axes.layout import Wishes
from tests.analysis.conftest import Synthetic, grid, write_store
from tests.analysis.typed import MakeStore, Rows, present

FID = ("f" * 12, "fid", "inception-2015")
FD = ("e" * 12, "fd", "random-conv-64")
STATES = ("done", "failed", "pending", "trained", "running")


class _Page(HTMLParser):
    """Collects what the tests look at, and checks that tags close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[str] = []
        self.links: list[str] = []
        self.headings: list[str] = []
        self.scripts: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("img", "meta", "br", "link"):
            self._open.append(tag)
        if tag == "img":
            self.images.append(present(dict(attrs)["src"]))
        if tag == "a":
            self.links.append(present(dict(attrs)["href"]))
        if tag == "script":
            self.scripts.append(dict(attrs).get("type") or "")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            return
        self.text += data
        if self._open and self._open[-1] in ("h2",):
            self.headings.append(data)


def _page(index: Path) -> _Page:
    return _Page(index.read_text())


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small complete store, inside it: for tests that only look."""
    trials = grid(model=["dae", "vae"], filters=[16], latent_size=[4, 8, 16, 32], epochs=[6])
    store = write_store(tmp_path_factory.mktemp("reported"), Synthetic(trials))
    return Path(write_report(store, store / "report"))


@pytest.fixture
def bare(make_store: MakeStore) -> Callable[..., Path]:
    """`bare(trials, …)`: a store with pictures and training curves, and nothing else that takes long to draw."""
    return partial(make_store, evaluations=(), latent_points=0)


def test_the_page_holds_everything_in_order_and_loads_nothing(report: Path) -> None:
    page = _page(report)
    assert report.name == "index.html"
    assert page.headings == [
        "Results over the fields that vary", "Latents and smoothness", "Samples and reconstructions", "Trials",
        "Training", "Failures", "What is missing", "Provenance",
    ]  # fmt: skip
    beside = [image for image in page.images if not image.startswith("data:image/png;base64,")]
    assert len(page.images) - len(beside) == 2  # the recommended network, and the scores over latent sizes and models
    assert beside and all((report.parent / image).is_file() for image in beside)
    assert load_tables(report.parent.parent).data_hash in page.text
    assert "http" not in re.sub(r"base64,[^\"]*", "", report.read_text()).replace("http-equiv", "")


def test_the_first_screen_answers_in_order_without_a_hash_or_a_count_twice(report: Path) -> None:
    text = _page(report).text
    first = text[: text.index("Results over the fields that vary")]
    questions = [
        "Which network?",
        "DAE or VAE?",
        "How many latent units?",
        "How sure is that?",
        "What would settle the rest?",
        "What failed?",
    ]
    places = [first.index(question) for question in questions]
    assert places == sorted(places)
    assert load_tables(report.parent.parent).data_hash not in first
    assert first.count("8 of 8") == 1 and "0 failed" not in first
    assert (report.parent / "figures" / "winner-digits-32.png").is_file()


def test_the_one_script_of_the_page_is_the_one_that_its_policy_names(report: Path) -> None:
    text = report.read_text()
    policy = present(re.search(r"Content-Security-Policy\" content=\"([^\"]*)\"", text)).group(1)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    )


PAPER = "What the paper says, and what these data say"


def test_the_paper_comes_last_on_other_data_and_only_where_the_spec_asks(
    report: Path, make_store: MakeStore, tmp_path: Path
) -> None:
    assert PAPER not in _page(report).headings, "these are digits"
    fields: dict[str, Any] = {"model": ["dae", "vae"], "filters": [16], "latent_size": [4, 8], "epochs": [6]}
    digits = make_store(grid(**fields), pictures=False, latent_points=0)
    asked = write_report(digits, tmp_path / "asked", wishes=Wishes(paper=True))
    assert _page(asked).headings[-2:] == [PAPER, "Provenance"]
    assert (asked.parent / "figures" / "figure-1-fd-random-conv-64-digits-32.png").is_file()
    cifar = make_store(grid(dataset=["cifar10"], **fields), pictures=False, latent_points=0)
    assert _page(write_report(cifar, tmp_path / "cifar")).headings[:2] == ["Results over the fields that vary", PAPER]
    assert PAPER not in _page(write_report(cifar, tmp_path / "without", wishes=Wishes(paper=False))).headings


@pytest.mark.slow
def test_a_page_stays_small_whatever_the_size_of_the_sweep(make_store: MakeStore, tmp_path: Path) -> None:
    """Many large figures and pictures, and more rows than a table shows."""
    trials = grid(latent_size=[4, 8], filters=[8, 16], batch_size=list(range(1, 40)), epochs=[1], seed=range(6))
    index = write_report(make_store(trials, latent_points=0), tmp_path / "report", wishes=Wishes(panel="batch_size"))
    assert sum(path.stat().st_size for path in (tmp_path / "report" / "figures").glob("*.png")) > 2_000_000
    assert index.stat().st_size < 5_000_000
    assert "application/json" in _page(index).scripts  # the rows that the table does not show


def test_figures_and_tables_lie_beside_the_page(report: Path) -> None:
    out = report.parent
    figures = {path.name for path in (out / "figures").iterdir()}
    slug = "fd-random-conv-64-digits-32"
    names = [f"axes-{slug}", "winner-digits-32", "latents-digits-32", "training-digits-32"]
    assert {f"{name}.{form}" for name in names for form in ("png", "pdf")} <= figures
    tables = {path.name for path in (out / "tables").iterdir()}
    names = [f"fields-{slug}", f"networks-{slug}", "summary-fd-random-conv-64", "failures", "missing"]
    assert tables == {f"{name}.{form}" for name in names for form in ("md", "tex", "csv")}
    listed = json.loads((out / "files.json").read_text())["files"]
    pictures = {path.name for path in (out / "pictures").iterdir()}
    beside = {"figures": figures, "tables": tables, "pictures": pictures}
    assert sorted(listed) == sorted(f"{part}/{name}" for part, names in beside.items() for name in names)
    assert len(pd.read_csv(out / "tables" / "summary-fd-random-conv-64.csv")) == 8


def test_every_link_of_the_page_leads_to_a_file_or_a_section(report: Path) -> None:
    sections = set(re.findall(r'<section id="(\w+)"', report.read_text()))
    for link in _page(report).links:
        assert (link[1:] in sections) if link.startswith("#") else (report.parent / link).is_file(), link


def test_sample_grids_are_shown_unchanged_row_by_row(report: Path) -> None:
    page, store = _page(report), report.parent.parent
    trials = load_tables(store).described
    first = (store / trials["pictures"].iloc[0] / "gmm.png").read_bytes()
    shown = [image for image in page.images if image.startswith("pictures/") and image.endswith("-gmm.png")]
    assert [(report.parent / image).read_bytes() for image in shown] == [first] * 8
    labels = re.findall(r"[DV]AE, 16 filters, \d+ latent units, seed 0", page.text)
    assert labels[:8] == [
        f"{model}, 16 filters, {size} latent units, seed 0" for model in ("DAE", "VAE") for size in (4, 8, 16, 32)
    ]


def test_of_many_trials_the_best_and_worst_are_shown_and_the_others_linked(bare: MakeStore) -> None:
    store = bare(grid(filters=[16], latent_size=range(2, 32), epochs=[1]))
    page = _page(write_report(store, store / "report"))
    assert len(page.images) == 1 + 2 * 4  # the training curves; four grids of the best and of the worst
    assert "Pictures of 28 further trials" in page.text
    assert sum(link.endswith("gmm.png") for link in page.links) == 30


def test_a_missing_picture_is_said_to_be_missing(bare: MakeStore, tmp_path: Path) -> None:
    store = bare(grid(latent_size=[4], epochs=[1]))
    pictures = load_tables(store).trials["pictures"].iloc[0]
    (store / pictures / "mvg.png").unlink()
    (store / pictures / "gmm.png").write_bytes(b"<svg onload=alert(1)>")
    assert _page(write_report(store, tmp_path / "report")).text.count("no picture") == 2


def test_a_picture_folder_outside_the_store_is_not_followed(bare: MakeStore, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "gmm.png").write_bytes(b"\x89PNG\r\n\x1a\n secret")

    def outside(rows: Rows) -> None:
        rows["trials"][0]["pictures"] = "../secret"

    store = bare(grid(latent_size=[4], epochs=[1]), edit=outside)
    page = _page(write_report(store, tmp_path / "report"))
    assert "No sample pictures yet." in page.text
    assert not any("secret" in link for link in page.links)


def test_text_from_the_tables_is_escaped(bare: MakeStore, tmp_path: Path) -> None:
    evil = "<script>alert('x')</script> & <b>bold</b>"

    def inject(rows: Rows) -> None:
        rows["failures"][0]["message"] = evil
        for row in rows["trials"]:
            row |= {"sweep": evil, "name": evil, "device": evil}

    store = bare(grid(latent_size=[4, 8], epochs=[1]), states={1: "failed"}, edit=inject)
    index = write_report(store, tmp_path / "report")
    assert "<script>alert" not in index.read_text() and _page(index).scripts == [""]
    assert evil in _page(index).text


def test_a_partial_store_gives_a_partial_report(make_store: MakeStore, tmp_path: Path) -> None:
    states = {0: "failed", 1: "pending", 2: "running", 3: "trained"}
    store = make_store(grid(latent_size=[2, 4, 8, 16], epochs=[3]), states=states)
    page = _page(write_report(store, tmp_path / "report"))
    assert "1 trial failed: NonFiniteLossError" in page.text
    assert "0 of 4 trials done, 1 running, 1 trained, 1 pending." in page.text
    assert "No trial is scored yet" in page.text and "NonFiniteLossError" in page.text
    assert len(page.images) == 1  # the training curve of the trained one


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_whatever_a_store_lacks_it_gives_a_report(make_store: MakeStore, tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    axes: list[dict[str, Any]] = [
        {"model": ["dae", "vae"]},
        {"depth": [1, 2]},
        {"latent_norm": ["none", "batch", "spectral", "layer"]},
        {"noise_std": [0.0, 0.1, 0.5, 1.0]},
        {"freeze_latent": [False, True]},
    ]
    dataset = str(random.choice(["cifar10", "celeba", "digits"]))
    base: dict[str, Any] = {"dataset": [dataset], "image_size": [64 if dataset == "celeba" else 32], "epochs": [2]}
    base |= {"filters": [32, 128], "latent_size": [64, 128, 256], "seed": [0, 1]}
    trials = [trial for axis in axes for trial in grid(**base, **axis) if random.random() < 0.3]
    trials = list(dict.fromkeys(trials))
    states = {i: str(random.choice(STATES, p=[0.7, 0.1, 0.1, 0.05, 0.05])) for i in range(len(trials))}

    def drop(rows: Rows) -> None:
        for row in rows["scores"]:
            row |= {"value": None, "note": "lost"} if random.random() < 0.2 else {}
        for table in ("scores", "epochs", "latents", "failures"):
            rows[table] = [row for row in rows[table] if random.random() < random.choice([0.0, 0.6, 1.0])]

    metric = FID if random.random() < 0.5 else FD
    store = make_store(
        trials, states=states, evaluations=(metric,), gaussianity=True, parameters=True, pictures=False, edit=drop
    )
    page = _page(write_report(store, tmp_path / "report"))
    assert page.headings[-1] == "Provenance" and "Trials" in page.headings


def test_latex_files_hold_only_what_every_latex_knows(report: Path) -> None:
    for path in (report.parent / "tables").glob("*.tex"):
        assert path.read_text().isascii(), path.name


def test_the_provenance_names_the_extractors_weights_and_how_to_get_the_data_hash(report: Path) -> None:
    text = _page(report).text
    assert "random-conv-64 (weights " + "5" * 64 + ")" in text
    assert "N(0, I), MVG, GMM: 2,000 images against 297 real ones" in text
    assert "Train R: 1,500 images against 1,500 real ones" in text
    assert "sha256sum *.parquet | sha256sum" in text


@pytest.mark.parametrize("missing", ["epochs", "scores", "latents", "failures"])
def test_one_missing_table_still_gives_a_report(make_store: MakeStore, tmp_path: Path, missing: str) -> None:
    store = make_store(grid(latent_size=[4], epochs=[2]), pictures=False, latent_points=2)
    (store / "tables" / f"{missing}.parquet").unlink()
    assert "1 of 1 trial done" in _page(write_report(store, tmp_path / "report")).text


def test_a_trial_whose_scores_are_all_null_gives_a_report(make_store: MakeStore, tmp_path: Path) -> None:
    def nulls(rows: Rows) -> None:
        for row in rows["scores"]:
            row |= {"value": None, "note": "no images"}

    store = make_store(grid(latent_size=[4], epochs=[2]), edit=nulls)
    assert "no images" in _page(write_report(store, tmp_path / "report")).text


@pytest.mark.parametrize("distances", ["none", "null"])
def test_what_needs_no_distance_is_drawn_and_judged_without_one(
    make_store: MakeStore, tmp_path: Path, distances: str
) -> None:
    def without(rows: Rows) -> None:
        if distances == "none":
            rows["scores"] = [row for row in rows["scores"] if row["source"] == "latents"]
        for row in rows["scores"]:
            row |= {} if row["source"] == "latents" else {"value": None, "note": "no images"}

    trials = grid(model=["dae", "vae"], filters=[16, 32], latent_size=[4, 8], seed=[0, 1], epochs=[2])
    store = make_store(trials, gaussianity=True, parameters=True, edit=without)
    out = write_report(store, tmp_path / "report").parent
    text = _page(out / "index.html").text
    assert "No trial is scored yet" not in text
    assert "digits-32, no distances: " in text and "no distance is scored" in text
    figures = {path.stem for path in (out / "figures").glob("*.png")}
    names = ("gaussianity-latent-size", "gaussianity-capacity", "parameters", "latents", "training")
    assert {f"{name}-digits-32" for name in names} <= figures
    claims = pd.read_csv(out / "tables" / "claims-no-distances-digits-32.csv").set_index("claim")["verdict"]
    assert claims["all_latent_distributions_are_gaussian"] == "contradicted"
    assert claims["daes_always_outperform_vaes_at_the_comparison_point"] == "not enough data"


@pytest.mark.parametrize("prepare", ["missing", "folder", "tables"])
def test_an_empty_store_gives_a_page_that_says_so(tmp_path: Path, make_store: MakeStore, prepare: str) -> None:
    store = make_store([]) if prepare == "tables" else tmp_path / "store"
    if prepare == "folder":
        store.mkdir()
    page = _page(write_report(store, tmp_path / "report"))
    assert "no results yet" in page.text or "There is no store here yet" in page.text
    assert page.headings == ["Provenance"] and page.images == []


def test_a_folder_that_is_no_store_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "holiday.txt").write_text("sun")
    with pytest.raises(ReportError):
        write_report(tmp_path / "store", tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_the_stores_own_folders_are_no_place_for_a_report(small_store: Path, tmp_path: Path) -> None:
    for out in (small_store, small_store / "tables"):
        with pytest.raises(ReportError, match="Give another folder"):
            write_report(small_store, out)
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="cannot be made"):
        write_report(small_store, tmp_path / "file")


def test_a_second_run_replaces_the_first_and_leaves_other_files_alone(bare: MakeStore, tmp_path: Path) -> None:
    out = write_report(bare(grid(latent_size=[4], epochs=[1])), tmp_path / "report").parent
    (out / "figures" / "mine.png").write_bytes(b"mine")
    other = bare(grid(dataset=["cifar10"], latent_size=[4], epochs=[1]))
    write_report(other, out)
    names = {path.name for path in (out / "figures").iterdir()}
    assert "mine.png" in names and "training-cifar10-32.png" in names
    assert not any("digits" in name for name in names)
    listed = json.loads((out / "files.json").read_text())["files"]
    assert all((out / name).is_file() for name in listed)
    assert not list(out.rglob(".tmp-*"))


def test_a_report_inside_the_store_does_not_change_the_next_one(bare: MakeStore) -> None:
    store = bare(grid(latent_size=[4], epochs=[3]))
    first = write_report(store, store / "report")
    figure = (first.parent / "figures" / "training-digits-32.png").read_bytes()
    write_report(store, store / "report")
    assert (first.parent / "figures" / "training-digits-32.png").read_bytes() == figure


def test_a_store_that_was_moved_is_still_read(bare: MakeStore, tmp_path: Path) -> None:
    moved = shutil.move(bare(grid(latent_size=[4], epochs=[1])), tmp_path / "moved")
    assert "1 of 1 trial done" in _page(write_report(moved, tmp_path / "report")).text


def test_two_extractors_are_never_in_one_table(make_store: MakeStore, tmp_path: Path) -> None:
    both = (("f" * 12, "fid", "inception-2015"), ("e" * 12, "fd", "random-conv-64"))
    store = make_store(grid(latent_size=[4, 8], epochs=[1]), evaluations=both, pictures=False, latent_points=0)
    out = write_report(store, tmp_path / "report").parent
    for slug, extractor in (("fid-inception-2015", "inception-2015"), ("fd-random-conv-64", "random-conv-64")):
        table = pd.read_csv(out / "tables" / f"summary-{slug}.csv")
        assert set(table["extractor"]) == {extractor}
    assert "not comparable with published values" not in (out / "tables" / "summary-fid-inception-2015.md").read_text()
    assert "not comparable with published values" in (out / "tables" / "summary-fd-random-conv-64.md").read_text()


def test_a_copy_without_pictures_fetches_those_that_are_shown_and_names_the_store_that_it_is_of(
    make_store: MakeStore, tmp_path: Path
) -> None:
    """Many trials: a page of the best and the worst, and not one picture of the others."""
    trials = grid(filters=[16], latent_size=[4, 8, 16], seed=range(10), epochs=[6])
    store = make_store(trials, latent_points=0)
    copy, asked = tmp_path / "copy", []
    shutil.copytree(store, copy, ignore=shutil.ignore_patterns("*.png"))

    def fetch(names: set[str]) -> None:
        asked.extend(sorted(names))
        for name in (name for name in asked if (store / name).is_file()):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(store / name, copy / name)

    whole = _page(write_report(store, tmp_path / "whole"))
    page = _page(write_report(copy, tmp_path / "report", address="s3://bucket/runs/x", fetch=fetch))
    assert page.images == whole.images
    assert 0 < len({name.rpartition("/")[0] for name in asked}) <= 4 < len(trials)
    assert "s3://bucket/runs/x" in page.text and str(copy) not in page.text
