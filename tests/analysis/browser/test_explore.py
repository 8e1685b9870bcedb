"""The page of `aesweep explore` in a real browser, as a file."""

from pathlib import Path
from typing import Any

import pytest

from aesweep.analysis.pictures import png_uri
from tests.analysis.browser.browser import CONTRAST, Browser, View
from tests.analysis.browser.explore_page import (
    FIELDS,
    LATENTS,
    MARKUP,
    POINT,
    READY,
    SERIES,
    TEN_THOUSAND,
    choose,
    open_page,
    opened,
    tick,
    written_page,
)
from tests.analysis.conftest import Synthetic, grid
from tests.analysis.typed import Rows

pytestmark = pytest.mark.browser
DETAILS = "const e = document.getElementById('details'); return e.hidden ? '' : e.textContent"


def _with_parts(found: dict[str, Any]) -> dict[str, Any]:
    picture = Path(__file__).parents[3] / "docs" / "pictures" / "quickstart.png"
    shown = [{"title": "GMM", "source": png_uri(picture.read_bytes())}]
    points = [[x / 10, -x / 10] for x in range(-30, 31)]
    latents = {"units": [1, 3], "train": points, "test": points[:5]}
    return {key: {"pictures": shown, "log": f"epoch 6/6\n{MARKUP}", "latents": latents} for key in found["keys"]}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of sixteen trials, one of which failed."""
    return written_page(
        tmp_path_factory.mktemp("explore"), Synthetic(grid(**FIELDS), states={3: "failed"}), _with_parts
    )


def test_the_page_is_complete_and_fits_every_screen(browser: Browser, page: Path, view: View) -> None:
    open_page(browser, page, view)
    browser.run("document.querySelector('#points tbody button').click()")
    opened(browser, "Continue with")
    assert browser.complaints() == [] and browser.missing_images() == []
    assert browser.overflow(view) == []
    contrasts = browser.contrasts()
    assert len(contrasts) > 10 and [text for ratio, text in contrasts if ratio < CONTRAST] == []


def test_means_over_seeds_have_lines_and_error_bars_and_a_click_opens_a_trial(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    series = browser.run(SERIES)
    assert sorted({kind for kind, _, _ in series}) == ["line", "scatter"]
    assert sum(count for kind, _, count in series if kind == "scatter") == 8
    assert "8 settings; bars are 95 % intervals" in browser.run("return document.getElementById('said').textContent")
    browser.run(POINT)
    text = opened(browser, "Continue with")
    assert "Seeds:" in text and "FD, GMM samples" in text and "±" in text and "Neighbours" in text and "GMM" in text
    assert "aesweep sample" in text
    assert browser.focus()[0].startswith("digits-")


def test_what_is_chosen_is_drawn_and_kept_in_the_address(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    for label, value in (
        ("Show", "trials"),
        ("Colour", "model"),
        ("Panels", "seed"),
        ("X axis", "train_seconds"),
        ("Top", "4"),
    ):
        choose(browser, label, value)
    scatter = [(name, count) for kind, name, count in browser.run(SERIES) if kind == "scatter"]
    assert sum(count for _, count in scatter) == 4 and {name for name, _ in scatter} <= {"model DAE", "model VAE"}
    browser.run("location.reload()")
    browser.wait_for(READY)
    assert [(name, count) for kind, name, count in browser.run(SERIES) if kind == "scatter"] == scatter
    rows = browser.run("return document.querySelectorAll('#points tbody tr').length")
    assert rows == 4


def test_a_filter_leaves_trials_out(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    tick(browser, "VAE")
    assert sum(count for kind, _, count in browser.run(SERIES) if kind == "scatter") == 4
    assert "1 set" in browser.run("return document.querySelector('#controls summary').textContent")
    browser.run(
        "[...document.querySelectorAll('#controls button')].find(e => e.textContent === 'Clear filters').click()"
    )
    assert sum(count for kind, _, count in browser.run(SERIES) if kind == "scatter") == 8


def test_a_mean_of_filtered_seeds_is_said_to_be_that_of_all(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    drawn, said = browser.run(SERIES), "return document.getElementById('said').textContent"
    assert "with or without the filters" not in browser.run(said)
    tick(browser, "1")
    assert browser.run(SERIES) == drawn and "means are those of all seeds, with or without the filters" in browser.run(
        said
    )
    choose(browser, "Show", "trials")
    assert "with or without the filters" not in browser.run(said)


def test_learning_curves_are_drawn(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    choose(browser, "Show", "curves")
    series = browser.wait_for(f"{SERIES.replace('return', 'const found =')}; return found.length > 10 && found")
    assert len(series) == 15 and {(kind, count) for kind, _, count in series} == {("line", 6)}


def test_the_curve_of_a_failed_trial_is_not_one_that_grows(browser: Browser, tmp_path: Path) -> None:
    def unfinished(rows: Rows) -> None:
        kept = {row["key"] for row in rows["trials"][:2]}
        rows["trials"][0]["state"], rows["trials"][1]["state"] = "failed", "running"
        rows["epochs"] = [{**row, "state": "unfinished"} for row in rows["epochs"] if row["key"] in kept]

    open_page(browser, written_page(tmp_path, Synthetic(grid(**FIELDS), edit=unfinished)))
    choose(browser, "Show", "curves")
    lines = browser.wait_for(f"{SERIES.replace('one.type', 'one.lineStyle.type')[:-1]}")
    assert sorted(kind for kind, _, _ in lines) == ["dashed", "solid"]


def test_curves_that_cannot_be_loaded_are_said_to_be_missing(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    browser.run("document.getElementById('curves-0').textContent = '{'")
    choose(browser, "Show", "curves")
    said = "return document.getElementById('said').textContent"
    assert "the curves could not be loaded" in browser.wait_for(f"{said}.startsWith('0 trials') && {said[7:]}")


def test_two_trials_stand_side_by_side(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    browser.run("document.querySelector('#points tbody button').click()")
    opened(browser, "Continue with")
    browser.run(
        "[...document.querySelectorAll('#details button')].find(e => e.textContent.startsWith('Compare with')).click()"
    )
    browser.run("window.before = document.querySelector('#details .losses')")
    assert "Choose the trial" in browser.run("return document.getElementById('now').textContent")
    browser.run("[...document.querySelectorAll('#points tbody button')][3].click()")
    text = opened(browser, "Continue with")
    assert text.startswith("Two trials") and browser.run("return document.querySelectorAll('#details img').length") == 2
    assert browser.run("return document.querySelectorAll('#details .differs').length") > 0
    charts = (
        "return [window.before, document.querySelector('#details .losses')].map(e => !!echarts.getInstanceByDom(e))"
    )
    assert browser.run(charts) == [False, True], "a chart that is no longer shown takes no memory"
    clouds = browser.run(LATENTS)
    assert [kind for kind, _ in clouds] == ["scatter", "scatter", "line"] * 2, "a panel per trial"


def test_a_neighbour_is_named_by_every_field_in_which_it_differs(browser: Browser, tmp_path: Path) -> None:
    """Fields that always change together are one step. One that has no effect on one of the two is shown, but is none."""
    here, changed = {"epochs": [6], "batch_size": [128]}, {"epochs": [3], "batch_size": [64]}
    trials = [*grid(**here, seed=[0, 1]), *grid(**changed, seed=[0, 1]), *grid(**here, model=["vae"], seed=[0, 1])]
    open_page(browser, written_page(tmp_path, Synthetic(trials)))
    browser.run(
        "[...document.querySelectorAll('#points tbody button')].find(e => /dae.*-e6/.test(e.textContent)).click()"
    )
    text = opened(browser, "Neighbours")
    assert "epochs 3; batch size 64" in text and "instead of 6; 128" in text
    assert "model VAE; beta 0.01" in text and "instead of DAE" in text


def test_latents_of_a_trial_are_drawn_within_square_limits(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    browser.run("document.querySelector('#points tbody button').click()")
    assert "Two latent units" in opened(browser, "Continue with")
    assert [tuple(one) for one in browser.run(LATENTS)] == [("scatter", 61), ("scatter", 5), ("line", 73)]
    limits = (
        "const o = echarts.getInstanceByDom(document.querySelector('#details .latents')).getOption();"
        "return [o.xAxis[0], o.yAxis[0]].map(a => [a.name, a.min, a.max]).concat([[o.grid[0].width, o.grid[0].height]])"
    )
    assert browser.run(limits)[:2] == [["unit 1", -4, 4], ["unit 3", -4, 4]]
    width, height = browser.run(limits)[2]
    assert width == height


def test_the_keyboard_reaches_a_trial_and_closes_it(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    browser.run("document.querySelector('#points thead button').focus()")
    for _ in range(30):
        browser.press("\ue004")  # Tab
        if browser.run("return document.activeElement.matches('#points tbody button')"):
            break
    name, outline, press = browser.focus()
    assert name.startswith("digits-") and outline != "none"
    press("\ue007")  # Enter
    opened(browser, "Continue with")
    assert browser.run("return document.activeElement.id") == "details-title"
    browser.press("\ue00c")  # Escape
    assert browser.run(DETAILS) == ""
    unnamed = "return [...document.querySelectorAll('select, input, button')].filter(e => !e.textContent && !e.closest('label')).length"
    assert browser.run(unnamed) == 0
    assert "Chart: FD, GMM samples" in browser.run("return document.getElementById('chart').getAttribute('aria-label')")


def test_markup_of_a_store_is_text(browser: Browser, tmp_path: Path) -> None:
    def hostile(rows: Rows) -> None:
        for row in rows["trials"]:
            row |= {
                "name": f"{MARKUP}{row['key']}",
                "block": MARKUP + row["key"][:1],
                "device": MARKUP,
                "sweep": MARKUP,
            }
        for row in rows["failures"]:
            row |= {"type": MARKUP, "message": MARKUP, "traceback": MARKUP, "node": MARKUP}
        for row in rows["scores"]:
            row["metric"] = MARKUP if row["metric"] == "fd" and row["source"] == "mvg" else row["metric"]

    synthetic = Synthetic(grid(**FIELDS), states={0: "failed"}, edit=hostile)
    open_page(browser, written_page(tmp_path, synthetic, _with_parts))
    assert MARKUP in browser.run("return document.getElementById('failed').textContent")
    choose(browser, "Panels", "block")
    choose(browser, "Colour", "block")
    browser.run(POINT)
    assert MARKUP in opened(browser, "Continue with")
    browser.run("document.querySelector('#failed button').click()")
    assert MARKUP in opened(browser, "Failures")
    assert browser.run("return window.pwned === undefined && !document.querySelector('img[src=x]')")
    assert browser.complaints() == []


@pytest.mark.parametrize("states", [{}, dict.fromkeys(range(16), "pending")], ids=["empty", "pending"])
def test_a_store_without_scores_gives_a_page(browser: Browser, tmp_path: Path, states: dict[int, str]) -> None:
    open_page(browser, written_page(tmp_path, Synthetic(grid(**FIELDS) if states else [], states)))
    assert browser.complaints() == []
    assert browser.run("return document.querySelectorAll('#points tbody tr').length") == len(states)


@pytest.mark.slow
def test_ten_thousand_trials_load_in_three_seconds_and_answer_in_a_tenth(browser: Browser, tmp_path: Path) -> None:
    """In CPU time of the page's thread."""
    page = written_page(tmp_path, Synthetic(grid(**TEN_THOUSAND), pictures=False, latent_points=2))
    started = browser.processor_seconds()
    open_page(browser, page)
    assert browser.processor_seconds() - started < 3
    steps = [
        ("Colour", "batch_size"),
        ("Show", "trials"),
        ("Panels", "model"),
        ("X axis", "train_seconds"),
        ("Top", "50"),
    ]
    spent: list[float] = []
    for label, value in [*steps, ("Top", ""), ("X axis", "latent_size"), ("Panels", ""), *steps]:
        before = browser.processor_seconds()
        choose(browser, label, value)
        spent.append(browser.processor_seconds() - before)
    assert sorted(spent)[len(spent) // 2] < 0.1, spent
    before = browser.processor_seconds()
    browser.run("document.querySelector('#points tbody button').click()")
    opened(browser, "Continue with")
    assert browser.processor_seconds() - before < 0.5
