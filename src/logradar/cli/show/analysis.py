"""What ``analyze`` prints for people."""

from __future__ import annotations

from typing import Any

from logradar.cli.show.plain import in_plain_text

_SERVICES = 20  # rows; the others are counted


def few(name: str, group: dict[str, Any]) -> str:
    """Which percentiles of a group of scores are left out because there are too few values; empty for none."""
    from logradar.core.formatting import counted, joined
    from logradar.evaluation.result_analysis import FEWEST

    missing = [key for key in FEWEST if group[key] is None]
    if not missing:
        return ""
    needed = joined(f"{FEWEST[key]} values for {key}" for key in missing)
    rest = f"The figures of '{name}' rest on {counted(group['values'], 'value')} only"
    return f"{rest}: too few for {joined(missing)} ({needed} are needed)."


@in_plain_text
def analysis(facts: dict[str, Any]) -> None:
    """A sentence, the scores, and the services, as tables."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from logradar.core.formatting import counted, minute, number, percent, visible

    console = Console(soft_wrap=True, highlight=False)
    known = facts["share"] is not None
    of = f"of {counted(facts['sessions'], 'session')} ({percent(facts['share'])})" if known else "sessions"
    limit = f", above {number(facts['threshold'])}" if facts["threshold"] is not None else ""
    verb = "is" if facts["anomalies"] == 1 else "are"
    console.print(f"{number(facts['anomalies'])} {of} {verb} anomalous{limit}.", markup=False)
    if facts["listed"] < facts["anomalies"]:
        count = counted(facts["listed"], "alert")
        console.print(f"The file lists {count}; the figures below are about these.", markup=False)
    if facts["from"]:
        console.print(f"Raised from {minute(facts['from'])} to {minute(facts['until'])}.", markup=False)
    for name, key in (("severity", "severities"), ("detector", "detectors")):
        if facts[key]:
            parts = ", ".join(f"{count:,} {visible(what)}" for what, count in facts[key].items())
            console.print(f"By {name}: {parts}.", markup=False)
    for key, text in (("has_error", "with an error"), ("has_warn", "with a warning")):
        if facts["levels"]:
            some = facts["levels"][key]
            console.print(f"Sessions {text}: {some['sessions']:,}, {some['anomalies']:,} of them anomalous.")
    if facts["without_score"]:
        console.print(f"{counted(facts['without_score'], 'session')} without a score are left out of the figures.")

    groups = {facts["scores_of"]: facts["score"], "normal": facts["score_of_normal"]}
    groups |= {"anomalous": facts["score_of_anomalies"]} if facts["score_of_normal"] else {}
    columns = ("mean", "deviation", "min", "median", "p90", "p95", "p99", "max")
    scores = Table(title="Scores", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    scores.add_column("of", no_wrap=True)
    for column in columns:
        scores.add_column(column, justify="right", no_wrap=True)
    for name, group in groups.items():
        if group:
            scores.add_row(name, *[number(group[column]) for column in columns])
    if scores.row_count:
        Console().print(scores)
        for name, group in groups.items():
            if group and (note := few(name, group)):
                console.print(note, markup=False)

    every = facts["scores_of"] == "all sessions"
    services = Table(title="By service", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    services.add_column("service", overflow="fold", min_width=12)
    heads = ["sessions", "anomalies", "share"] if every else ["anomalies"]
    for head in (*heads, "score mean", "min", "max"):
        services.add_column(head, justify="right", no_wrap=True)
    for row in facts["services"][:_SERVICES]:
        first = [number(row["sessions"])] if every else []
        share = [percent(row["share"])] if every else []
        figures = [number(row[key]) for key in ("score_mean", "score_min", "score_max")]
        services.add_row(escape(visible(row["service"])), *first, number(row["anomalies"]), *share, *figures)
    if services.row_count:
        Console().print(services)
    more = len(facts["services"]) - _SERVICES
    if more > 0:
        console.print(f"… and {more:,} more services (--json has all).")
