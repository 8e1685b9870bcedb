"""The page: its markup, style and scripts in one file, with the data of a store or without.

The page's content security policy lets no other script run and allows no requests, except to its own server if it is served.
Whatever comes from a store is JSON without markup, and the scripts show it as text.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from aesweep.analysis.explore.document import to_json

HERE = Path(__file__).parent
STYLE = "page.css"
SCRIPTS = (
    "vendor/echarts.min.js", "words.js", "data.js", "points.js", "look.js", "chart.js", "table.js", "sections.js", "details.js",
    "controls.js", "news.js", "main.js",
)  # fmt: skip
"""In the order in which they run."""
CHUNK = 50
"""Trials per block: the page parses the curves, or the pictures and logs, of one block at once."""


def live_page() -> str:
    """The page without data, which it requests from its server."""
    return _render(live=True, blocks={})


def static_page(
    document: Mapping[str, Any], curves: Mapping[str, Any], trials: Mapping[str, Any], report: str = ""
) -> str:
    """The page of a store, complete in one file.

    `curves` and `trials` (pictures and logs) are by key. `report` is the path from the page to the report, if there is one.
    """
    keys = document["keys"]
    blocks = {"data": {**document, "report": report}}
    blocks |= {f"curves-{i}": chunk for i, chunk in _chunks(keys, curves)}
    blocks |= {f"trials-{i}": chunk for i, chunk in _chunks(keys, trials)}
    return _render(live=False, blocks=blocks)


def policy(live: bool) -> str:
    """The content security policy of the page."""
    scripts = " ".join(_hash(_text(name)) for name in SCRIPTS)
    asks = "'self'" if live else "'none'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src {_hash(_text(STYLE))}; img-src 'self' data:; "
        f"connect-src {asks}; base-uri 'none'; form-action 'none'"
    )


def _chunks(keys: Sequence[str], of_key: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    for start in range(0, len(keys), CHUNK):
        found = {key: of_key[key] for key in keys[start : start + CHUNK] if key in of_key}
        if found:
            yield start // CHUNK, found


def _render(live: bool, blocks: Mapping[str, object]) -> str:
    loader = FileSystemLoader(HERE)
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return made.get_template("page.html.j2").render(
        live=live,
        chunk=CHUNK,
        policy=Markup(policy(live)),
        style=Markup(_text(STYLE)),
        scripts=[Markup(_text(name)) for name in SCRIPTS],
        blocks={name: Markup(to_json(value)) for name, value in blocks.items()},
    )


@cache
def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


@cache
def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
