"""The measurements of the other tests: a page with every fault shows every one, and contrast is that of the standard."""

from pathlib import Path

import pytest

from tests.analysis.browser.browser import CONTRAST, VIEWS, Browser, View

pytestmark = pytest.mark.browser


def test_every_fault_of_a_bad_page_is_found(browser: Browser, view: View, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(BAD_PAGE)
    browser.open(bad, view)
    assert any("Content Security Policy" in message for message in browser.complaints())
    assert browser.missing_images() == ["gone.png", "data:image/png;base64,AAAA"]
    assert [where.split()[0] for where in browser.overflow(view)] == ["html", "div#wide", "div#cut"]
    faint = {text.split()[0] for ratio, text in browser.contrasts() if ratio < CONTRAST}
    assert faint == {"p.faint", "p.see-through", "td.striped", "p.gradient"}
    assert browser.dead_anchors() == ["#nowhere", "#hidden"]
    assert browser.dead_files(bad) == ["tables/none.csv", "/etc/hostname", "figures"]


@pytest.mark.parametrize(
    ("text", "ground", "expected"),
    [
        ("#000", "#fff", 21.0),
        ("#767676", "#fff", 4.54),  # the lightest grey on white that passes, and the next one
        ("#777", "#fff", 4.48),
        ("rgb(0 0 0 / 60%)", "#fff", 5.74),  # painted, this is #666
        ("oklch(1 0 0)", "#00f", 8.59),
    ],
)
def test_contrast_is_that_of_the_standard(
    browser: Browser, tmp_path: Path, text: str, ground: str, expected: float
) -> None:
    swatch = tmp_path / "swatch.html"
    swatch.write_text(f"<!doctype html><p style='color: {text}; background: {ground}'>Text</p>")
    browser.open(swatch, VIEWS["desktop-light"])
    [(ratio, _)] = browser.contrasts()
    assert round(ratio, 2) == expected


BAD_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: file:; style-src 'unsafe-inline'">
<style>
  body { background: #fff; color: #000; }
  #wide { width: 1600px; } #cut { width: 1700px; } .clip { overflow: hidden; } .scroll { overflow-x: auto; }
  .scroll div { width: 1800px; } .faint { color: #777; } .enough { color: #767676; } .see-through { opacity: 0.4; }
  tr { background: #555; } .gradient { background: linear-gradient(90deg, #fff, #333); } #hidden { display: none; }
  #far { margin-top: 3000px; } .card { background: rgb(0 0 0 / 90%); } .card b { color: #fff; }
</style>
<script>refused()</script>
<img src="gone.png" alt=""> <img src="data:image/png;base64,AAAA" alt="">
<div id="wide">1</div> <div class="clip"><div id="cut">2</div></div> <div class="scroll"><div>3</div></div>
<p class="faint">777 on white is 4.48:1.</p> <p class="enough">767676 on white is 4.54:1.</p>
<p class="see-through">Black, but pale.</p> <div class="card"><b>White on nearly black.</b></div>
<table><tr><td class="striped">Black on the row's grey.</td></tr></table> <p class="gradient">Black on black at last.</p>
<details><summary>More</summary><p class="enough">Folded.</p></details>
<a href="#far">a</a> <a href="#nowhere">b</a> <a href="#hidden">c</a> <a href="#">d</a> <a href="bad.html#far">e</a>
<a href="tables/none.csv">f</a> <a href="/etc/hostname">g</a> <a href="figures">h</a> <a href="https://example.org">i</a>
<p id="hidden">Not shown.</p> <p id="far">Below.</p>
</html>"""
