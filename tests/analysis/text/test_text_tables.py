"""The text forms of a table."""

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aesweep.analysis.text.other_scores import METRICS
from aesweep.analysis.text.text_tables import (
    Heading,
    TextTable,
    format_score,
    to_csv,
    to_latex,
    to_markdown,
    with_error,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (85.384, "85.38"),
        (372.3, "372.3"),
        (12345.6, "12346"),
        (1.0, "1.000"),
        (0.0123456, "0.01235"),
        (0.0, "0.000"),
        (3.2e-7, "3.20e-07"),
        (float("nan"), "–"),
        (float("inf"), "inf"),
    ],
)
def test_scores_have_four_significant_digits(value: float, text: str) -> None:
    assert format_score(value) == text


@pytest.mark.parametrize(
    ("value", "half_width", "text"),
    [
        (85.384, 1.23, "85.4 ± 1.2"),
        (0.93214, 0.0257, "0.932 ± 0.026"),
        (85.384, float("nan"), "85.38"),
        (float("nan"), float("nan"), "–"),
    ],
)
def test_an_error_has_two_digits_and_one_that_is_unknown_is_not_written(
    value: float, half_width: float, text: str
) -> None:
    assert with_error(value, half_width) == text


@pytest.fixture
def table() -> TextTable:
    frame = pd.DataFrame({"name": ["a|b_c", "50% & <i>"], "score": [1.23456, np.nan], "hidden": [1, 2]})
    bold = pd.DataFrame({"score": [True, False]})
    headings = {"name": Heading("Name"), "score": Heading("MVG", "score")}
    return TextTable("t", "Title", "Caption.", headings, frame, "abc123abc123", bold)


def test_markdown_escapes_bolds_and_names_the_data(table: TextTable) -> None:
    lines = to_markdown(table).splitlines()
    assert lines[2:6] == ["| Name | MVG |", "| --- | ---: |", r"| a\|b\_c | **1.235** |", r"| 50% & \<i> | – |"]
    assert "abc123abc123" in lines[-1]


def test_latex_escapes_bolds_and_names_the_data(table: TextTable) -> None:
    text = to_latex(table)
    assert r"a|b\_c & \bfseries 1.235 \\" in text
    assert r"50\% \& \textless{}i\textgreater{} & {--} \\" in text
    assert "abc123abc123" in text and r"\begin{tabular}{lS[table-format=1.3," in text
    assert text.startswith(r"% preamble: \usepackage{booktabs,siunitx}")


def test_a_number_has_as_many_digits_in_latex_as_its_error(table: TextTable) -> None:
    frame = pd.DataFrame({"value": ["54.10 ± 0.13", "683 ± 27", "−0.932 ± 0.026", "–", "1,234.5"]})
    text = to_latex(TextTable("t", "T", "C", {"value": Heading("Mean", "number")}, frame, "hash"))
    assert "S[table-format=-4.3(2)," in text
    assert [line for line in text.splitlines() if line.endswith(r" \\")] == [
        r"{Mean} \\", r"54.10(13) \\", r"683(27) \\", r"-0.932(26) \\", r"{--} \\", r"1234.5 \\",
    ]  # fmt: skip


def test_a_long_table_may_break_over_pages(table: TextTable) -> None:
    frame = pd.DataFrame({"name": ["a"] * 60, "score": np.arange(60.0)})
    text = to_latex(TextTable("t", "T", "C", {"name": Heading("N"), "score": Heading("S", "score")}, frame, "hash"))
    assert text.count(r"\toprule") == 2 and r"\begin{longtable}" in text and "longtable" in text.splitlines()[0]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here: apt-get install -y texlive-science")
def test_latex_compiles_in_a_plain_article(table: TextTable, tmp_path: Path) -> None:
    words = ["FD∞ ± “x” – β ≤ ∞ ‖J‖ Σ½ 10⁻³ é # $ _ { } ~ ^ \\ …".replace("⁻", ""), "w " * 60]
    frame = pd.DataFrame({"name": words, "value": ["54.10 ± 0.13", "–"], "score": [-1.5, 1e-7]})
    headings = {"name": Heading("Name [a]"), "value": Heading("Mean & more", "number"), "score": Heading("S", "score")}
    bold = pd.DataFrame({"value": [True, False], "name": [True, False]})
    many = TextTable("t2", "Title_2", "C", headings, pd.concat([frame] * 30, ignore_index=True), "hash")
    tables = [
        table,
        TextTable("t1", "Title", "50 %", headings, frame, "hash", bold),
        many,
        table.only(table.frame.index[:0]),
    ]
    for i, one in enumerate(tables):
        (tmp_path / f"table{i}.tex").write_text(to_latex(one))
    inputs = "\n".join(rf"\input{{table{i}.tex}}" for i in range(len(tables)))
    packages = r"\usepackage{booktabs,longtable,siunitx}"
    (tmp_path / "article.tex").write_text(
        rf"\documentclass{{article}}{packages}\begin{{document}}{inputs}\end{{document}}"
    )
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "article.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "article.pdf").is_file()


def test_every_head_of_a_score_is_what_latex_knows(table: TextTable) -> None:
    heads = {name: Heading(head) for name, head in METRICS.items()}
    frame = pd.DataFrame({name: ["0.1 ± 0.2 in [−1, ∞)"] for name in METRICS})
    text = to_latex(TextTable("t", "Other scores", "Caption.", heads, frame, "abc123abc123"))
    assert text.isascii() and r"FD$\infty$" in text and r"$\pm$" in text


def test_csv_reads_back_at_full_precision_with_the_hash(table: TextTable) -> None:
    frame = pd.read_csv(io.StringIO(to_csv(table)))
    assert frame["score"].iloc[0] == 1.23456 and np.isnan(frame["score"].iloc[1])
    assert set(frame["data_hash"]) == {"abc123abc123"}
    assert list(frame["hidden"]) == [1, 2]


def test_an_empty_table_has_its_heads_only(table: TextTable) -> None:
    empty = table.only(table.frame.index[:0])
    assert "| Name | MVG |" in to_markdown(empty) and r"\midrule" in to_latex(empty)
    assert pd.read_csv(io.StringIO(to_csv(empty))).empty


def test_a_csv_cell_is_no_formula_of_a_spreadsheet() -> None:
    frame = pd.DataFrame({"name": ["=cmd()", "+1", "@a", "-x", "plain"], "value": [-1.5, 2.0, 3.0, 4.0, 5.0]})
    lines = to_csv(TextTable("t", "T", "", {}, frame, "hash")).splitlines()
    assert lines[1:] == ["'=cmd(),-1.5,hash", "'+1,2.0,hash", "'@a,3.0,hash", "'-x,4.0,hash", "plain,5.0,hash"]
