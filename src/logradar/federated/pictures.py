"""Pictures of a federation: bytes over rounds, who took part, and what was measured in each round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from logradar.federated.server import Round
from logradar.reporting import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def pictures_of(rounds: Sequence[Round]) -> dict[str, bytes]:
    """PNG files by name: `bytes.png` and `clients.png`; none where there was no round."""
    if not rounds:
        return {}
    return {"bytes.png": _bytes(rounds), "clients.png": _clients(rounds)}


def _whole_rounds(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _bytes(rounds: Sequence[Round]) -> bytes:
    with canvas.canvas("bytes", "png", 7.5, 3.4) as (figure, out):
        axes = figure.subplots()
        numbers, up, down = [0], [0.0], [0.0]
        for one in rounds:
            numbers.append(one.number)
            up.append(up[-1] + one.up / 1e3)
            down.append(down[-1] + one.down / 1e3)
        axes.plot(numbers, up, color=canvas.NORMAL, label="from clients")
        axes.plot(numbers, down, "--", color=canvas.FALSE_ALARM, label="to clients")
        axes.set(title="Bytes of messages, all rounds so far", xlabel="round", ylabel="kB")
        _whole_rounds(axes)
        canvas.key_below(figure, axes)
    return out[0]


def _clients(rounds: Sequence[Round]) -> bytes:
    with canvas.canvas("clients", "png", 7.5, 3.6) as (figure, out):
        axes = figure.subplots()
        for answered, colour, label in ((True, canvas.FOUND, "answered"), (False, canvas.ANOMALOUS, "no answer")):
            points = [
                (one.number, client) for one in rounds for client in one.chosen if (client in one.answered) is answered
            ]
            if points:
                numbers, asked = zip(*points, strict=True)
                axes.scatter(numbers, asked, s=9, color=colour, label=label)
        axes.set(title="Clients that were asked", xlabel="round", ylabel="client")
        _whole_rounds(axes)
        canvas.key_below(figure, axes)
    return out[0]


def scores_picture(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """F1 over rounds, one line for each way to measure; ``rows`` are those of the table of rounds."""
    with canvas.canvas("scores", "png", 7.5, 3.8) as (figure, out):
        axes = figure.subplots()
        ways = list(dict.fromkeys((str(row["protocol"]), str(row["score"])) for row in rows))
        for number, way in enumerate(ways):
            own = [row for row in rows if (row["protocol"], row["score"]) == way and row["f1"] is not None]
            colour = canvas.MAIN if not number else canvas.OTHERS[(number - 1) % len(canvas.OTHERS)]
            style = "-" if way[0] == "natural" else ":"
            axes.plot(
                [row["round"] for row in own],
                [row["f1"] for row in own],
                style,
                color=colour,
                label=f"{way[1]}, {way[0]}",
            )
        axes.set(title="F1 over rounds", xlabel="round", ylabel="F1", ylim=(-0.02, 1.02))
        _whole_rounds(axes)
        canvas.key_below(figure, axes, columns=3)
    return out[0]
