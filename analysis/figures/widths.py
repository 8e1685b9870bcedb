"""Figure 1 (plain DAEs and VAEs of depth 1 by width, sampled), and the same networks' reconstructions.

The paper does not draw the reconstructions, but speaks of them: at 256 filters on CIFAR-10 training images are
reconstructed far better than test images (Section 5).
"""

from aesweep.analysis.data.results import Results
from aesweep.analysis.data.trials import MODEL_NAMES
from aesweep.analysis.figures.curves import RECONSTRUCTIONS, SAMPLES, Chart, Line, draw, over
from aesweep.analysis.figures.printed import name_rivals, printed_caption, printed_legend, printed_lines, rival_lines
from aesweep.analysis.figures.style import LINE_STYLES, MARKERS, Drawing, colours, look

_ENCODINGS = (
    "VAEs are solid with filled markers, DAEs dotted with open ones; the colour is the number of filters of the first "
    "encoder stage."
)


def figure_1(results: Results) -> Drawing | None:
    """MVG samples left, GMM samples right, by width and model."""
    chart = figure_1_chart(results)
    return _with_rivals(draw(results, chart), chart) if chart else None


def reconstructions(results: Results) -> Drawing | None:
    """Reconstructions of training images left, of test images right."""
    chart = reconstructions_chart(results)
    return _with_rivals(draw(results, chart), chart) if chart else None


def figure_1_chart(results: Results) -> Chart | None:
    """Every plain network; None where there is none with scored samples."""
    return _chart(results, "figure-1", "Figure 1. ", "samples", SAMPLES)


def reconstructions_chart(results: Results) -> Chart | None:
    """Every plain network; None where there is none with scored reconstructions."""
    return _chart(results, "reconstruction", "", "reconstructions", RECONSTRUCTIONS)


def plain_lines(results: Results) -> list[Line]:
    """DAEs by width, then VAEs: one marker and colour per width, open for DAEs and filled for VAEs."""
    plain = results.plain
    palette = colours(plain["filters"])
    markers = {width: MARKERS[i % len(MARKERS)] for i, width in enumerate(palette)}
    fills = {"dae": "none", "vae": "full"}
    return [
        Line(
            f"{MODEL_NAMES[model]}, {width} filters",
            look(palette[width], LINE_STYLES[model], markers[width], fills[model]),
            plain[(plain["model"] == model) & (plain["filters"] == width)],
        )
        for model in MODEL_NAMES
        for width in palette
    ]


def _chart(results: Results, name: str, title: str, what: str, panels: dict[str, str]) -> Chart | None:
    drawn = over(panels, plain_lines(results))
    if not any(drawn.values()):
        return None
    shown = {line.label: line for lines in drawn.values() for line in lines}
    crosses = over(panels, [*printed_lines(results, shown.values()), *rival_lines(results)])
    all_crosses = [cross for lines in crosses.values() for cross in lines]
    caption = " ".join([_ENCODINGS, *printed_caption(results, all_crosses)])
    widths = results.plain["filters"].nunique()
    columns = widths if widths > 2 else 0  # DAEs in one row, VAEs below them
    both = {heading: [*lines, *crosses[heading]] for heading, lines in drawn.items()}
    return Chart(name, title, what, both, caption, printed_legend(all_crosses), columns=columns)


def _with_rivals(drawing: Drawing | None, chart: Chart) -> Drawing | None:
    for ax, lines in zip(drawing.figure.axes if drawing else (), chart.panels.values(), strict=False):
        name_rivals(ax, lines)
    return drawing
