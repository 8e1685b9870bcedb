"""README.md and docs/ hold what they show: links lead somewhere, commands and options exist, examples run.

docs/specs.md, docs/fidelity.md and docs/tables.md have tests of their own beside the code that they describe.
"""

import inspect
import re
import shlex
import textwrap
from pathlib import Path

import pandas as pd
import pytest
import typer

import aesweep
from aesweep.cluster.render import parse_values, render
from aesweep.sweep.cli import app
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.presets import quickstart
from tests.image_folder import write_image_folder
from tests.small_store import DONE, HALF

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
README = PAGES[0].read_text(encoding="utf-8")
COMMANDS = typer.main.get_group(app)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def code_spans(page: Path) -> list[str]:
    """What a page shows as code: `spans`, and the lines of indented and of fenced blocks."""
    text = page.read_text(encoding="utf-8")
    lines = [line.strip() for block in FENCED.findall(text) for line in block.splitlines()]
    text = FENCED.sub("", text)
    return lines + [a or b for a, b in re.findall(r"`([^`]+)`|^ {4,}(\S.*)$", text, re.MULTILINE)]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            dead.append(target)
    assert dead == []


def test_every_command_that_is_shown_is_understood() -> None:
    shown = [(page.name, span) for page in PAGES for span in code_spans(page) if span.startswith("aesweep ")]
    assert len(shown) > 30
    for page, span in shown:
        words = [word for word in shlex.split(re.split(r" # | > | \| ", span)[0])[1:] if word != "…"]
        verb = next(word for word in words if not word.startswith("-"))
        command, after = COMMANDS.commands[verb], words[words.index(verb) + 1 :]
        options = {name for param in command.params for name in param.opts}
        unknown = [word for word in after if word.startswith("-") and word.partition("=")[0] not in options]
        assert unknown == [], f"{page}: {span}"


def test_every_cluster_file_that_is_shown_is_rendered() -> None:
    shown = [span for page in PAGES for span in code_spans(page) if span.startswith("aesweep render ")]
    assert len(shown) >= 3
    for span in (span for span in shown if "KIND" not in span):
        kind, *words = shlex.split(re.split(r" [>|] ", span)[0])[2:]
        assert "<<" not in render(kind, **parse_values(words)), span


def indented(start: str) -> str:
    """The indented block of the README that begins with `start`."""
    found = re.search(rf"^    {re.escape(start)}.*\n(?:    .*\n|\n(?=    ))*", README, re.MULTILINE)
    assert found, start
    return textwrap.dedent(found[0])


def test_the_readmes_recipe_ranks_one_evaluation(
    small_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs/quickstart/tables").mkdir(parents=True)
    for table in ("trials", "scores"):
        frame = pd.read_parquet(small_store / f"tables/{table}.parquet")
        if table == "scores":
            other = frame.assign(evaluation="0" * 12, metric="fid", value=frame.value / 10)
            frame = pd.concat([frame, frame.assign(key=HALF.key), other])
        frame.to_parquet(tmp_path / f"runs/quickstart/tables/{table}.parquet")
    monkeypatch.chdir(tmp_path)
    names: dict[str, pd.DataFrame] = {}
    exec(indented("import pandas as pd"), names)
    assert names["best"].metric.tolist() == ["fd", "fd"]
    assert set(names["best"].name) == {DONE.name, HALF.name}


def test_the_readmes_python_runs(small_store: Path) -> None:
    code = indented("from aesweep import launch")
    launched = re.search(r"launch\((.*)\)", code)
    assert launched
    inspect.signature(aesweep.launch).bind(*eval(f"[{launched[1].partition(', callbacks')[0]}]"), callbacks=[])
    (key,) = re.findall(r'load_model\(.*"(\w+)"\)', code)
    assert [c.key for c, _ in quickstart().trials if c.key.startswith(key)], "no trial of the quickstart"
    lines = [line for line in code.splitlines() if "launch(" not in line]
    names: dict[str, object] = {}
    exec("\n".join(lines).replace("runs/quickstart", str(small_store)).replace(key, DONE.key), names)
    assert not getattr(names["model"], "training")  # noqa: B009 a torch module, imported late
    assert callable(names["open_store"])


def test_the_readmes_spec_is_one(tmp_path: Path) -> None:
    write_image_folder(tmp_path / "faces")
    (tmp_path / "faces.yaml").write_text(indented("name: faces"))
    assert len(load_spec(tmp_path / "faces.yaml", data_dir=tmp_path / "data").trials) == 2 * 5 * 3
