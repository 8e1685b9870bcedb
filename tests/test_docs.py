"""README.md, CONTRIBUTING.md and docs/ hold what they show: links lead somewhere, commands, files and functions exist.

docs/specs.md, docs/fidelity.md and docs/tables.md have tests of their own beside the code that they describe.
"""

import ast
import inspect
import re
import shlex
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import typer

import aesweep
from aesweep.cluster.render import parse_values, render
from aesweep.sweep.cli import app
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.presets import quickstart
from tests.documents import README, indented_block
from tests.image_folder import write_image_folder
from tests.small_store import DONE, HALF
from tests.test_imports import MODULES, ROOMS_OF_SWEEP

REPOSITORY = Path(__file__).resolve().parents[1]
CONTRIBUTING = REPOSITORY / "CONTRIBUTING.md"
ARCHITECTURE = REPOSITORY / "docs" / "architecture.md"
PAGES = [
    REPOSITORY / "README.md",
    CONTRIBUTING,
    REPOSITORY / "SECURITY.md",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]
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
        words = [word for word in shlex.split(re.split(r" (?:#|>|\||&&) ", span)[0])[1:] if word != "…"]
        verb = next((word for word in words if not word.startswith("-")), "")
        command, after = (
            (COMMANDS.commands[verb], words[words.index(verb) + 1 :]) if verb else (typer.main.get_command(app), words)
        )
        options = {name for param in command.params for name in param.opts}
        unknown = [word for word in after if word.startswith("-") and word.partition("=")[0] not in options]
        assert unknown == [], f"{page}: {span}"


def test_every_cluster_file_that_is_shown_is_rendered() -> None:
    shown = [span for page in PAGES for span in code_spans(page) if span.startswith("aesweep render ")]
    assert len(shown) >= 3
    for span in (span for span in shown if "KIND" not in span):
        kind, *words = shlex.split(re.split(r" [>|] ", span)[0])[2:]
        assert "<<" not in render(kind, **parse_values(words)), span


IN_REPOSITORY = re.compile(r"(?:analysis|benchmarks|cluster|docs|evaluation|models|sweep|tests)/[\w./-]*")
CODE_NAME = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")
FILE_NAME = re.compile(
    r".*\.(?:py|json|jsonl|npz|npy|png|pdf|pt|safetensors|txt|md|csv|html|parquet|yaml|toml|stop|lock)"
)


@pytest.mark.parametrize("page", [p for p in PAGES if p.parent.name != "benchmarks"], ids=lambda page: page.name)
def test_every_file_of_the_repository_that_is_named_exists(page: Path) -> None:
    named = [span for span in code_spans(page) if IN_REPOSITORY.fullmatch(span)]
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def defines(body: list[ast.stmt], names: list[str]) -> bool:
    """Whether a module's or a class's body defines `names[0]`, that one `names[1]`, and so on."""
    for node in body:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef() if node.name == names[0]:
                return len(names) == 1 or defines(node.body, names[1:])
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if name == names[0]:
                return len(names) == 1
    return False


@cache
def parsed(module: str) -> list[ast.stmt]:
    return ast.parse(MODULES[module].read_text(encoding="utf-8")).body


def homes(name: str) -> list[str]:
    """Modules that define a dotted name: `fold.TableWriter.publish`, or `TableWriter.publish` of whatever module."""
    parts = name.removeprefix("aesweep.").split(".")
    found = []
    for module in MODULES:
        body = parsed(module)
        ends = [n for n in range(len(parts)) if f".{module}".endswith("." + ".".join(parts[:n])) or n == 0]
        if any(defines(body, parts[n:]) for n in ends if n or parts[0][0].isupper()):
            found.append(module)
    return found


@pytest.mark.parametrize("page", [ARCHITECTURE, CONTRIBUTING], ids=lambda page: page.name)
def test_every_function_that_is_named_exists_once(page: Path) -> None:
    named = {s for s in code_spans(page) if CODE_NAME.fullmatch(s) and not FILE_NAME.fullmatch(s)}
    assert len(named) > 3
    assert {name: found for name in named if len(found := homes(name)) != 1} == {}


def test_the_search_for_functions_finds_what_is_there_and_nothing_more() -> None:
    assert homes("fold.TableWriter.publish") == homes("TableWriter.publish") == ["sweep.tables.fold"]
    assert homes("tables.fold.TableWriter") == homes("aesweep.sweep.tables.fold.TableWriter") == ["sweep.tables.fold"]
    assert homes("config.KEY_FIELDS") == ["models.config"]
    assert homes("fold.TableWriter.burn") == homes("store.TableWriter") == homes("publish.it") == []


def test_the_architecture_names_every_folder_of_code_and_what_it_may_import() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w/]+/)` \|.*\| (.*) \|$", text, re.MULTILINE))
    folders = {path.relative_to(REPOSITORY).parent for path in MODULES.values()} - {Path("sweep")}
    assert [f for f in folders if f"{f}/" not in rows and f"`{f.name}/`" not in text] == []
    for room, others in ROOMS_OF_SWEEP.items():
        said = rows[f"{room.replace('.', '/')}/"].partition(";")[0]
        stated = set(re.findall(r"`(sweep/\w+)/`", said))
        assert stated == {other.replace(".", "/") for other in others}, room


def test_every_make_target_that_is_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = [span.split()[1] for page in PAGES for span in code_spans(page) if re.match(r"make [a-z]", span)]
    assert len(shown) > 5
    assert set(shown) - targets == set()


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
    exec(indented_block(README, "import pandas as pd"), names)
    assert names["best"].metric.tolist() == ["fd", "fd"]
    assert set(names["best"].name) == {DONE.name, HALF.name}


def test_the_readmes_python_runs(small_store: Path) -> None:
    code = indented_block(README, "from aesweep import launch")
    launched = re.search(r"launch\((.*)\)", code)
    assert launched
    eval(f"bind({launched[1]})", {"bind": inspect.signature(aesweep.launch).bind})  # a launch would start Ray
    key, *others = re.findall(r'load_\w+\(store, "(\w+)"', code)
    assert set(others) == {key}
    assert [c.key for c, _ in quickstart().trials if c.key.startswith(key)], "no trial of the quickstart"
    lines = [line for line in code.splitlines() if "launch(" not in line]
    names: dict[str, object] = {}
    exec("\n".join(lines).replace("runs/quickstart", str(small_store)).replace(key, DONE.key), names)
    assert not getattr(names["model"], "training")  # noqa: B009 a torch module, imported late
    assert getattr(names["images"], "test").shape[1:] == (32, 32, 3)  # noqa: B009 the same
    assert getattr(names["latents"], "shape") == (64, DONE.latent_size)  # noqa: B009


def test_the_readmes_spec_is_one(tmp_path: Path) -> None:
    write_image_folder(tmp_path / "faces")
    (tmp_path / "faces.yaml").write_text(indented_block(README, "name: faces"))
    assert len(load_spec(tmp_path / "faces.yaml", data_dir=tmp_path / "data").trials) == 2 * 5 * 3
