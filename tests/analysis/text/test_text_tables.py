"""The text forms of a table."""

import io

import numpy as np
import pandas as pd
import pytest

from aesweep.analysis.text.other_scores import METRICS
from aesweep.analysis.text.text_tables import Heading, TextTable, format_score, to_csv, to_latex, to_markdown


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
    assert r"a|b\_c & \textbf{1.235} \\" in text
    assert r"50\% \& \textless{}i\textgreater{} & -- \\" in text
    assert "abc123abc123" in text and r"\begin{tabular}{lr}" in text


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
