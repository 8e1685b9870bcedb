"""A `$` in a word of a store is drawn as it is: matplotlib's mathematics could fail on it, or take minutes."""

import pytest

from aesweep.analysis.figures.style import Drawing, finish, new_figure


@pytest.mark.parametrize(
    "text", ["$", "a$b$c", "$\\frac{1}{$", "$\\undefined$", "$" + "\\sqrt{" * 200 + "}" * 200 + "$"]
)
def test_a_dollar_is_no_mathematics(text: str) -> None:
    figure, axes = new_figure(4, 3, 1, 1)
    ax = axes[0, 0]
    ax.set_xscale("log")
    (line,) = ax.plot([1, 1000], [1, 2], label=text)
    ax.set_title(text)
    ax.set_ylabel(text)
    ax.text(1, 1, text)
    finish(figure, text, [line], "0" * 12, text)
    drawing = Drawing("x", text, "", figure)
    assert drawing.to_bytes("png") and drawing.to_bytes("pdf")
    assert "mathdefault" in ax.get_xticklabels()[1].get_text() and ax.get_xticklabels()[1].get_parse_math()
