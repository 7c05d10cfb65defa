"""The canvas that all plots are drawn on: one style, no global state, SVG or PNG bytes.

An SVG has its greys as CSS variables with a default value, so that the same picture fits a light
and a dark page. The colours are those of Okabe and Ito, which people with any colour vision can
distinguish. They mean the same in every plot: blue normal, vermilion anomalous or missed, green
found, amber false alarm. A detector has its own colour, see `logradar.reporting.detector_colours`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, Literal

from logradar.core.errors import ConfigError
from logradar.core.formatting import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Kind = Literal["svg", "png"]

NORMAL: Final = "#0072b2"
ANOMALOUS: Final = "#d55e00"
FOUND: Final = "#009e73"
FALSE_ALARM: Final = "#e69f00"
MAIN: Final = "#0072b2"
OTHERS: Final = ("#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c7ae6", "#a6761d")

# Greys that a page may replace; the SVG contains exactly these values, the colours on a white page.
INK: Final = "#1f2933"
SOFT: Final = "#5f6b7a"
LINE: Final = "#d5dae1"
PAPER: Final = "#fefefe"
_VARIABLES: Final = {INK: "--ink", SOFT: "--soft", LINE: "--line", PAPER: "--paper"}

_STYLE: Final[Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.titlecolor": INK,
    "axes.labelcolor": SOFT,
    "axes.labelsize": 10,
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "text.color": INK,
    "text.parse_math": False,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.4,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "path",
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
}


def require_drawing() -> None:
    """Raise `ConfigError` unless the library that draws is installed; a long command asks before its work."""
    if find_spec("matplotlib") is None:
        raise ConfigError("Pictures need matplotlib, which is not installed here: pip install 'matplotlib>=3.8'.")


@contextmanager
def canvas(name: str, kind: Kind, width: float = 5.6, height: float = 3.9) -> Iterator[tuple[Figure, list[bytes]]]:
    """A figure to draw on and a list that contains the picture's bytes after the context is left.

    ``name`` makes the ids unique within a page and the SVG the same on each run. Sizes are in inches.
    """
    require_drawing()
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as _Figure

    out: list[bytes] = []
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        # A name in a script that the font does not have is drawn as boxes; that must not stop a report.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        figure = _Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, out
        buffer = BytesIO()
        if kind == "svg":
            figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
            out.append(_themed(buffer.getvalue().decode(), name).encode())
        else:
            figure.savefig(buffer, format="png", dpi=160)
            out.append(buffer.getvalue())


def _themed(svg: str, name: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\b(id="|xlink:href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r'(<svg [^>]*?)width="[^"]*"( [^>]*?)?height="[^"]*"', r"\1\2", svg, count=1)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable}, {colour})")
    return svg


def fractions(axes: Axes, x: str, y: str) -> None:
    """Both axes from 0 % to 100 %, with a small margin."""
    from matplotlib.ticker import PercentFormatter

    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04), xlabel=x, ylabel=y)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
        axis.set_ticks([0, 0.25, 0.5, 0.75, 1])


def key_below(figure: Figure, axes: Axes, columns: int = 2, first: str = "") -> None:
    """Put the legend of ``axes`` under the figure, where it hides nothing, with the label ``first`` at its start."""
    handles, labels = axes.get_legend_handles_labels()
    if first in labels:
        handles.insert(0, handles.pop(labels.index(first)))
        labels.insert(0, labels.pop(labels.index(first)))
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, handlelength=2.2, columnspacing=1.6)


def date_ticks(axis: Axis, most: int = 12, offset: bool = False) -> None:
    """At most ``most`` dates along an axis of days since 1970; ``offset`` adds their common part at its end."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=4, maxticks=most)
    axis.set_major_locator(locator)
    axis.set_major_formatter(ConciseDateFormatter(locator, show_offset=offset))


def shortened(name: str, length: int = 22) -> str:
    """A name of at most ``length`` characters, cut in the middle, because names differ at their ends."""
    shown = " ".join(visible(name).split())
    return shown if len(shown) <= length else f"{shown[: length // 2]}…{shown[1 - (length + 1) // 2 :]}"
