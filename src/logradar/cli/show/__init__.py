"""What commands print for people: tables and sentences on stdout.

What comes in are the JSON documents of the pipeline; nothing goes out but print. This file prints the results of
training, detection and evaluation, the others one result each. Read ``analysis`` first, it is the shortest.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logradar.cli.show.evidence import alerts
from logradar.cli.show.plain import clipped, in_plain_text

_KINDS = 10  # that are listed of many alerts accepted at once

if TYPE_CHECKING:
    from logradar.pipeline.demo import Demo


def document(value: dict[str, Any]) -> None:
    """One JSON document on stdout."""
    import orjson

    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n")


def pieces(document: Iterable[bytes]) -> None:
    """One JSON document on stdout that is made piece by piece."""
    sys.stdout.buffer.writelines(document)
    sys.stdout.buffer.write(b"\n")


@in_plain_text
def facts(title: str, pairs: dict[str, Any]) -> None:
    """Names and values, one a line."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, show_header=False, box=None, title_justify="left", title_style="bold")
    table.add_column()
    table.add_column(overflow="fold")  # a checksum is never cut
    for name, value in _flat(pairs):
        table.add_row(escape(name if "." in name else name.replace("_", " ")), escape(_text(value)))
    Console().print(table)


@in_plain_text
def downloads(result: dict[str, Any]) -> None:
    """What became of each archive, in sentences."""
    for archive in result["archives"]:
        print(f"{archive['name']}: {' '.join(archive['notes'])}")


@in_plain_text
def trained(bundle: Path, figures: dict[str, Any]) -> None:
    """The figures of a training, and how well its detectors predict events."""
    from logradar.pipeline.measuring.next_event_metrics import readable

    shown = {name: value for name, value in figures.items() if name not in ("next_events", "provenance")}
    if "from" in shown:
        shown["from"] = {name: value for name, value in shown["from"].items() if name != "provenance"}
    facts(f"Trained {bundle}", shown)
    print(readable(figures.get("next_events", {})), end="")


@in_plain_text
def inspected(bundle: Path, found: dict[str, Any], most: int = 10) -> None:
    """What a bundle is and how it came about; of the files it was trained on, the first ones."""
    shown = {**found, "provenance": _without_rest(found["provenance"], most)}
    if "from" in shown:
        shown["from"] = {**shown["from"], "provenance": _without_rest(shown["from"].get("provenance"), most)}
    facts(f"Bundle {bundle}", shown)


def _without_rest(provenance: dict[str, Any] | None, most: int) -> dict[str, Any] | None:
    if provenance is None:
        return None
    files = provenance["files"]
    listed = files["names"][:most]
    named, more = ", ".join(listed), files["count"] - len(listed)
    return {**provenance, "files": {**files, "names": f"{named} and {more:,} more" if more > 0 else named}}


@in_plain_text
def names(rows: list[tuple[str, str]]) -> None:
    """Names, each with a line that explains it."""
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None)
    for name, summary in rows:
        table.add_row(f"[bold]{name}[/bold]", summary)
    Console().print(table)


@in_plain_text
def detectors(evaluation: dict[str, Any]) -> None:
    """All detectors side by side, best F1 first."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    heads = {
        "f1": "F1",
        "precision": "precision",
        "recall": "recall",
        "fpr": "FPR",
        "pr_auc": "PR-AUC",
        "roc_auc": "ROC-AUC",
        "false_alarms_per_day": "false/day",
    }
    table = Table(title=evaluation["title"], title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("detector", no_wrap=True)
    for head in heads.values():
        table.add_column(head, justify="right", no_wrap=True)
    rows = sorted(evaluation["detectors"].items(), key=lambda item: -(item[1]["f1"] or 0))
    for name, figures in rows:
        style = "bold" if name == evaluation["main"] else ""
        table.add_row(name, *[_short(figures[column]) for column in heads], style=style)
    Console().print(table)


@in_plain_text
def alarms(evaluation: dict[str, Any]) -> None:
    """All detectors side by side where there are no labels: how the scores lie, and how many alarms they raise."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=evaluation["title"], title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("detector", no_wrap=True)
    for head in ("mean score", "deviation", "threshold", "alarms", "share"):
        table.add_column(head, justify="right", no_wrap=True)
    for name, figures in evaluation["detectors"].items():
        style, score = "bold" if name == evaluation["main"] else "", figures["scores"]
        columns = [score["mean"], score["deviation"], figures["threshold"]]
        row = [*map(_short, columns), f"{figures['alerts']:,}", f"{figures['alert_rate']:.2%}"]
        table.add_row(name, *row, style=style)
    Console().print(table)


def _flat(pairs: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and values; the values below a name follow it, indented."""
    for name, value in pairs.items():
        if isinstance(value, dict) and value:
            yield name, ""
            yield from ((f"  {inner}", below) for inner, below in _flat(value))
        else:
            yield name, value


def _clip(text: str, width: int = 160) -> str:
    return clipped(text.partition("\n")[0], width)


def _short(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.0f}"


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, dict):
        return "none"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


@in_plain_text
def detection(result: dict[str, Any], count: int) -> None:
    """The result of ``detect``: those of its ``count`` alerts that are to be printed, then one line of figures."""
    from logradar.cli.show.incidents import incidents

    incidents(result["incidents"], result["rate_changes"], count)
    alerts(result["alerts"], count)
    print(
        f"{count:,} alert{'s' * (count != 1)} in {result['sessions']:,} session{'s' * (result['sessions'] != 1)} "
        f"({result['records']:,} record{'s' * (result['records'] != 1)}, "
        f"{result['quarantined']:,} quarantined, {result['unknown_templates']:,} with a message that is not in the "
        f"training data)."
    )
    print(
        f"A session is reported when the detector {result['detector']} gives it a score above "
        f"{result['threshold']:.4g}: the higher a score, the less the session is like the training data."
    )
    if (still := result.get("open_sessions")) is not None:
        print(f"These are the figures of all calls with this state; {still:,} sessions are not over and kept in it.")
    if silenced := result["silenced"]:
        print(
            f"{silenced:,} session{'s' * (silenced != 1)} suppressed by feedback (`logradar feedback BUNDLE --list`)."
        )
    warnings(result)


def warnings(result: dict[str, Any]) -> None:
    """Notes on the threshold, and a warning where it can no longer be trusted."""
    for sentence in result["notes"]:
        print(f"Note: {sentence}")
    if result["drift"] and not result["drift"]["trusted"]:
        print("Warning: this input is not like the validation part, so the threshold cannot be trusted.")
        for sentence in result["drift"]["warnings"]:
            print(f"- {sentence}")
        print("  If the new behaviour is normal, use `logradar feedback` on false alarms, or `logradar train --from`.")


@in_plain_text
def evaluation(result: dict[str, Any], folder: Path | None, pictures: Sequence[Path] = ()) -> None:
    """What ``evaluate`` measured: the table, what the audit says, next events, and where the report is."""
    from logradar.cli.show.services import delay, services
    from logradar.pipeline.measuring.next_event_metrics import readable

    if result["anomalies"] is None:
        alarms(result)
    else:
        detectors(result)
        services(result)
        delay(result)
    if measured := result["with_feedback"]:
        f1, precision, recall = (_short(measured[name]) for name in ("f1", "precision", "recall"))
        print(
            f"With feedback ({measured['given']:,} given, {measured['silenced']:,} sessions suppressed, "
            f"{measured['silenced_anomalies']:,} of them anomalous): {result['main']} F1 {f1}, "
            f"precision {precision}, recall {recall}; "
            f"without it F1 {_short(result['f1'])}."
        )
    warnings(result)
    for sentence in result["caveats"]:
        print(f"Caveat: {sentence}")
    for sentence in result["audit"]["notes"]:
        print(f"- {sentence}")
    print(readable(result["next_events"]), end="")
    if folder:
        print(f"Report: {folder / 'report.html'}")
    if pictures:
        print(f"Pictures in {pictures[0].parent}: {', '.join(path.name for path in pictures)}")


@in_plain_text
def demo(result: Demo) -> None:
    """The first alerts, the table and the report of a demo."""
    found = result.alerts["alerts"]
    alerts(found[:3], len(found))
    evaluation(result.document, None)
    print(f"Done in {result.seconds:.0f} s. Score your own logs: logradar detect {result.bundle} FILE")
    print(f"Report: {result.report}")


@in_plain_text
def feedback(result: dict[str, Any]) -> None:
    """What this call was about, then the alerts that a bundle accepts as harmless, and those that are real."""
    from logradar.core.formatting import counted

    for bulk in result["given"]:
        kinds = bulk["kinds"]
        print(f"{counted(bulk['alerts'], 'alert')} of {counted(len(kinds), 'kind')} accepted; --undo {bulk['undo']}")
        for kind in kinds[:_KINDS]:
            before = " (there were such alerts before that time too)" if kind["before"] else ""
            print(f"   {kind['alerts']:,} like {kind['example']}: {_clip(kind['finding'])}{before}")
        if len(kinds) > _KINDS:
            print(f"   … and {counted(len(kinds) - _KINDS, 'kind')} more.")
        for one in bulk["refused"][:_KINDS]:
            print(f"   not accepted: {one['alert']} {one['why']}.")
        if len(bulk["refused"]) > _KINDS:
            print(f"   … and {len(bulk['refused']) - _KINDS:,} more that were not accepted.")
    for title, entries in (("", result["accepted"]), (" · anomaly", result["confirmed"])):
        for entry in entries:
            many = f" · {entry['alerts']:,} alerts, {entry['by']}" if entry["by"] else ""
            print(
                f"{entry['id']} · {entry['session_id']} · {entry['given']}{title}{many}\n   {_clip(entry['finding'])}"
            )
    count = sum(entry["alerts"] for entry in result["accepted"])
    print(f"{result['bundle']} accepts {counted(count, 'alert')} as harmless.")
    if result["confirmed"]:
        print(f"It knows {counted(len(result['confirmed']), 'alert')} as real; nothing like them is suppressed.")
