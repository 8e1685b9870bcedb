"""Scales of the axes and symbols, on the page of `aesweep explore`: where the points of the chart are on the screen."""

from pathlib import Path

import numpy as np
import pytest

from tests.analysis.browser.browser import Browser
from tests.analysis.browser.explore_page import FIELDS, SERIES, choose, open_page, tick, written_page
from tests.analysis.conftest import Synthetic, grid
from tests.analysis.typed import Rows

pytestmark = pytest.mark.browser
# Of each scatter series, or of the lines where there is none: its symbol, and value and place of its points.
PLACES = """
const chart = echarts.getInstanceByDom(document.getElementById('chart')), series = chart.getOption().series;
const kind = series.some(one => one.type === 'scatter') ? 'scatter' : 'line';
return series.flatMap((one, seriesIndex) => one.type !== kind ? [] : [
  [one.name, one.symbol, one.data.map(value => [value, chart.convertToPixel({seriesIndex}, value)])]
]);
"""
# The places of the ends of all error bars, and those of the ends of the axis.
BARS = """
const chart = echarts.getInstanceByDom(document.getElementById('chart')), {series, grid: [grid]} = chart.getOption();
const bars = ({data}) => data.flatMap(([x, y], i) =>
  i && data[i - 1][1] === null && i + 1 < data.length && data[i + 1][0] === x ? [y, data[i + 1][1]] : []);
const ends = series.filter(one => one.type === 'line').flatMap(bars);
const places = ends.map(y => chart.convertToPixel({yAxisIndex: 0}, y));
return [places, [grid.top + grid.height, grid.top]];
"""
LOGARITHMIC_Y = "logarithmic Y axis"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen trials of two models, and latents of 4 to 32 units."""
    return written_page(tmp_path_factory.mktemp("axes"), Synthetic(grid(**FIELDS)))


def places(browser: Browser, axis: int) -> dict[float, float]:
    """Value -> place on the screen along an axis, of all points."""
    found = browser.wait_for(PLACES)
    return {value[axis]: place[axis] for _, _, points in found for value, place in points}


def is_logarithmic(places: dict[float, float]) -> bool:
    """Whether equal factors, or else equal steps, have equal places on the screen; it must be one of the two."""
    values, at = np.array(sorted(places.items())).T
    misses = [
        float(np.abs(np.polyval(np.polyfit(scale, at, 1), scale) - at).max()) for scale in (values, np.log(values))
    ]
    assert min(misses) < 0.5 < max(misses), misses
    assert np.ptp(at) > 100, "the points use the space"
    return misses[1] < misses[0]


def test_the_x_axis_is_logarithmic_where_values_span_a_factor_of_eight_and_where_that_is_chosen(
    browser: Browser, page: Path
) -> None:
    open_page(browser, page)
    assert is_logarithmic(places(browser, 0)), "latents of 4 to 32 units"
    choose(browser, "X scale", "linear")
    assert not is_logarithmic(places(browser, 0))
    browser.run("location.reload()")
    browser.wait_for("return document.body.dataset.ready === 'yes'")
    assert not is_logarithmic(places(browser, 0)), "the address keeps it"
    choose(browser, "X scale", "log")
    assert is_logarithmic(places(browser, 0))


def test_the_y_axis_is_logarithmic_if_that_is_chosen(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    assert not is_logarithmic(places(browser, 1))
    tick(browser, LOGARITHMIC_Y)
    assert is_logarithmic(places(browser, 1))
    tick(browser, LOGARITHMIC_Y)
    assert not is_logarithmic(places(browser, 1))


def test_on_a_logarithmic_axis_an_error_bar_is_whole_unless_it_comes_near_zero(
    browser: Browser, tmp_path: Path
) -> None:
    def errors(rows: Rows) -> None:
        for row in rows["scores"]:
            row |= {"stderr": (2.0 if row["key"] == large else 0.3) * row["value"], "stderr_of": "samples"}

    trials = grid(**FIELDS)
    large = trials[5].key
    open_page(browser, written_page(tmp_path, Synthetic(trials, edit=errors)))
    choose(browser, "Show", "trials")
    tick(browser, LOGARITHMIC_Y)
    ends, (bottom, top) = browser.wait_for(BARS)
    assert len(ends) == 2 * len(trials) and all(end is not None and end >= top - 1 for end in ends)
    assert sum(end > bottom + 1 for end in ends) == 1, "the one that would reach below zero goes beyond the axis"


def test_one_value_is_inside_a_logarithmic_axis(browser: Browser, tmp_path: Path) -> None:
    def fifty(rows: Rows) -> None:
        for row in rows["scores"]:
            row["value"] = 50.0

    open_page(browser, written_page(tmp_path, Synthetic(grid(**FIELDS)[:1], edit=fifty)))
    tick(browser, LOGARITHMIC_Y)
    (place,) = places(browser, 1).values()
    _, (bottom, top) = browser.run(BARS)
    assert top + 50 < place < bottom - 50


def test_learning_curves_have_both_scales(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    choose(browser, "Show", "curves")
    assert not is_logarithmic(places(browser, 0)) and not is_logarithmic(places(browser, 1))
    choose(browser, "X scale", "log")
    tick(browser, LOGARITHMIC_Y)
    assert is_logarithmic(places(browser, 0)) and is_logarithmic(places(browser, 1))


def test_a_symbol_distinguishes_the_values_of_a_field(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    choose(browser, "Colour", "")
    choose(browser, "Symbol", "model")
    found = browser.run(PLACES)
    assert {(name, symbol) for name, symbol, _ in found} == {("model DAE", "circle"), ("model VAE", "rect")}
    assert sum(len(points) for *_, points in found) == 8
    choose(browser, "Symbol", "")
    assert {symbol for _, symbol, _ in browser.run(PLACES)} == {"circle"}
    assert {kind for kind, *_ in browser.run(SERIES)} == {"line", "scatter"}
