"""What ``evaluate`` prints of services and of delay: the main detector's."""

from __future__ import annotations

from typing import Any

_ROWS = 12


def services(result: dict[str, Any]) -> None:
    """Precision, recall and F1 of the main detector by service, where there are several."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from logradar.core.formatting import figure, number, visible

    found = result["services"]
    if len(found) < 2:
        return
    table = Table(title=f"{result['main']} by service", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("service", overflow="fold", min_width=12)
    for head in ("sessions", "anomalies", "alerts", "precision", "recall", "F1"):
        table.add_column(head, justify="right", no_wrap=True)
    for name, one in list(found.items())[:_ROWS]:
        own = one["detectors"][result["main"]]
        counts = [number(one["sessions"]), number(one["anomalies"]), number(own["alerts"])]
        table.add_row(escape(visible(name)), *counts, *[figure(own[key]) for key in ("precision", "recall", "f1")])
    Console().print(table)
    if len(found) > _ROWS:
        print(f"… and {len(found) - _ROWS:,} more services (--json has them).")


def delay(result: dict[str, Any]) -> None:
    """How early the main detector detects an anomaly, in one or two sentences."""
    from logradar.core.formatting import duration, number

    own = result["delay"]["detectors"][result["main"]]
    if not own["found"]:
        return
    seconds = f", {duration(own['seconds']['median'])}" if own["seconds"] else ""
    events = f"{number(own['events']['median'])} events{seconds}"
    print(f"- Half of the anomalies found are detected at most {events} after the {result['delay']['from']}.")
    if own["fault_episodes"] and own["fault_episodes"]["detected"]:
        facts = own["fault_episodes"]
        after = duration(facts["seconds"]["median"])
        print(
            f"- {facts['detected']} of {facts['episodes']} fault episodes (anomalies of one kind, an hour apart at "
            f"most) detected, half of them within {after}."
        )
