"""Figure 1 (plain DAEs and VAEs of depth 1 by width, sampled), and the same networks' reconstructions.

The paper does not draw the reconstructions, but speaks of them: at 256 filters on CIFAR-10 training images are
reconstructed far better than test images (Section 5).
"""

from aesweep.analysis.data.results import Results
from aesweep.analysis.data.trials import MODEL_NAMES
from aesweep.analysis.figures.curves import RECONSTRUCTIONS, SAMPLES, Chart, Line, draw, over
from aesweep.analysis.figures.printed import name_rivals, with_printed
from aesweep.analysis.figures.style import LINE_STYLES, MARKERS, Drawing, colours, look

_ENCODINGS = (
    "VAEs are solid with filled markers, DAEs dotted with open ones; the colour is the number of filters of the first "
    "encoder stage."
)


def figure_1(results: Results) -> Drawing | None:
    """MVG samples left, GMM samples right, by width and model."""
    return _with_rivals(results, figure_1_chart(results))


def reconstructions(results: Results) -> Drawing | None:
    """Reconstructions of training images left, of test images right."""
    return _with_rivals(results, _chart(results, "reconstruction", "", "reconstructions", RECONSTRUCTIONS))


def figure_1_chart(results: Results) -> Chart | None:
    """Every plain network; None where there is none with scored samples."""
    return _chart(results, "figure-1", "Figure 1. ", "samples", SAMPLES)


def _chart(results: Results, name: str, title: str, what: str, panels: dict[str, str]) -> Chart | None:
    widths = results.plain["filters"].nunique()
    columns = widths if widths > 2 else 0  # DAEs in one row, VAEs below them
    chart = Chart(name, title, what, over(panels, _plain_lines(results)), _ENCODINGS, columns=columns)
    return with_printed(results, chart, panels, rivals=True)


def _plain_lines(results: Results) -> list[Line]:
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


def _with_rivals(results: Results, chart: Chart | None) -> Drawing | None:
    drawing = draw(results, chart)
    if chart and drawing:
        for ax, lines in zip(drawing.figure.axes, chart.panels.values(), strict=True):
            name_rivals(ax, lines)
    return drawing
