"""Tables that a reader sorts and filters, in a real browser (`test_page.py` says what that needs)."""

from pathlib import Path
from typing import Any

import pytest

from aesweep.analysis import write_report
from tests.analysis.browser.browser import CONTRAST, VIEWS, Browser, View
from tests.analysis.conftest import Synthetic, grid, write_store

pytestmark = pytest.mark.browser

TAB, ENTER = "\ue004", "\ue007"
"""As selenium types them."""


def _many() -> Synthetic:
    """More trials than the markup of a table holds."""
    fields: dict[str, Any] = {"filters": [8, 16], "latent_size": [4, 8, 16], "seed": list(range(70)), "epochs": [1]}
    return Synthetic(grid(model=["dae"], **fields), pictures=False, latent_points=0)


@pytest.fixture(scope="module")
def sortable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a sweep of 420 trials."""
    store = write_store(tmp_path_factory.mktemp("many"), _many())
    return Path(write_report(store, store / "report"))


class Table:
    """The table of trials on a page, used as a reader uses it."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._box = "document.querySelector('#trials [data-sortable]')"

    def run(self, script: str, *arguments: Any) -> Any:
        return self._browser.run(f"const box = {self._box}; {script}", *arguments)

    def column(self, head: str) -> list[str]:
        """The cells of a column as shown."""
        script = "const at = [...box.querySelectorAll('th')].findIndex(e => e.textContent === arguments[0]); "
        return list(
            self.run(script + "return [...box.querySelectorAll('tbody tr')].map(r => r.cells[at].textContent)", head)
        )

    @property
    def count(self) -> str:
        return str(self.run("return box.querySelector('output').textContent"))

    def order(self, head: str) -> str:
        """`aria-sort` of a column, which is what a screen reader says."""
        script = (
            "return [...box.querySelectorAll('th')].find(e => e.textContent === arguments[0]).getAttribute('aria-sort')"
        )
        return str(self.run(script, head))

    def element(self, script: str, *arguments: Any) -> Any:
        return self.run(f"return {script}", *arguments)

    def head(self, head: str) -> Any:
        return self.element("[...box.querySelectorAll('th button')].find(e => e.textContent === arguments[0])", head)

    def choice(self, label: str) -> Any:
        return self.element(
            "[...box.querySelectorAll('label')].find(e => e.textContent.startsWith(arguments[0])).control", label
        )


def numbers(cells: list[str]) -> list[float]:
    return [float(cell) for cell in cells]


def test_a_click_on_a_head_sorts_all_rows_by_number(browser: Browser, sortable: Path) -> None:
    browser.open(sortable, VIEWS["desktop-light"])
    table = Table(browser)
    assert table.count == "420 rows, the first 200 shown"
    before = table.column("GMM")
    table.head("GMM").click()
    lowest = numbers(table.column("GMM"))
    assert table.order("GMM") == "ascending" and len(lowest) == 200 and lowest == sorted(lowest)
    table.head("GMM").click()
    highest = numbers(table.column("GMM"))
    assert table.order("GMM") == "descending" and highest == sorted(highest, reverse=True)
    assert highest[0] > lowest[-1]  # rows that were not shown before
    table.head("GMM").click()
    assert table.order("GMM") == "none" and table.column("GMM") == before


def test_a_filter_leaves_the_rows_that_hold_all_its_words_and_says_how_many(browser: Browser, sortable: Path) -> None:
    browser.open(sortable, VIEWS["desktop-light"])
    table = Table(browser)
    table.element("box.querySelector('input')").send_keys("dae done")
    assert table.count.startswith("420 rows")
    table.choice("Latent units").send_keys("16")
    assert table.count == "140 of 420 rows" and set(table.column("Latent units")) == {"16"}
    table.choice("Filters").send_keys("8")
    assert table.count == "70 of 420 rows" and set(table.column("Filters")) == {"8"}
    table.element("box.querySelector('input')").send_keys(" nothing-holds-this")
    assert table.count == "0 of 420 rows" and table.column("Filters") == []


def test_the_other_rows_are_a_click_away(browser: Browser, sortable: Path) -> None:
    browser.open(sortable, VIEWS["desktop-light"])
    table = Table(browser)
    for shown in (400, 420):
        table.element("box.querySelector('.more')").click()
        assert len(table.column("Seed")) == shown
    assert not table.element("box.querySelector('.more')").is_displayed()
    assert browser.complaints() == []


def test_a_table_is_sorted_and_filtered_without_a_mouse(browser: Browser, sortable: Path, view: View) -> None:
    """Tab goes from the filter through the choices to the heads, each shows that it has the focus, Space and Enter press."""
    browser.open(sortable, view)
    table = Table(browser)
    press = table.element("box.querySelector('input')").send_keys
    press("dae")
    reached = []
    for _ in range(24):
        press(TAB)
        name, outline, press = browser.focus()
        reached.append(name)
        assert outline != "none", name
        if name == "GMM":
            break
    assert reached[-1] == "GMM" and "Latent units" in reached
    press(" ")
    assert table.order("GMM") == "ascending"
    press(ENTER)
    assert table.order("GMM") == "descending"


def test_the_tools_of_a_table_fit_and_stand_out(browser: Browser, sortable: Path, view: View) -> None:
    browser.open(sortable, view)
    assert browser.overflow(view) == []
    assert [text for ratio, text in browser.contrasts() if ratio < CONTRAST] == []


def test_without_its_script_the_page_shows_the_same_tables(browser: Browser, sortable: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.html"
    bare.write_text(sortable.read_text().replace("<script>'use strict'", "<script>'no'"))  # the policy refuses it
    browser.open(bare, VIEWS["desktop-light"])
    assert any("Content Security Policy" in message for message in browser.complaints())
    assert browser.run("return document.querySelectorAll('#trials tbody tr').length") >= 400
    assert browser.run("return document.querySelectorAll('.tools').length") == 0
