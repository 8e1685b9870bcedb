"""docs/tables.md says what the tables hold, and its recipes run."""

import re
from pathlib import Path

import pytest

from sweep.schemas import COLUMNS

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"


@pytest.mark.parametrize("table", COLUMNS)
def test_every_column_is_documented_as_the_schema_has_it(table):
    section = re.search(rf"^## {table}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert section, f"docs/tables.md has no section {table}"
    rows = [line for line in section[1].splitlines() if line.startswith("| `")]
    assert rows == [f"| `{column.name}` | {column.type} | {column.meaning} |" for column in COLUMNS[table]]


@pytest.mark.parametrize("states", [{}, {0: "failed", 1: "pending"}])
def test_the_recipes_run_from_first_to_last(make_store, grid, states, capsys):
    store = make_store(grid(model=["dae", "vae"], filters=[16], latent_size=[4, 8], epochs=[3]), states=states)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    code = "\n".join(blocks)
    assert code.count('STORE = "runs/quickstart"') == 1
    exec(code.replace('STORE = "runs/quickstart"', f"STORE = {str(store)!r}"), {})
    printed = capsys.readouterr().out
    best_picture = Path(printed.splitlines()[-1])
    assert best_picture.is_file() and store in best_picture.parents
