"""`logradar sources`: the list of readable logs."""

from __future__ import annotations


def command() -> None:
    """List the kinds of logs that can be read; they are recognised by their content."""
    from logradar.cli import show
    from logradar.sources.base import sources

    show.names([(name, sources.summary(name)) for name in sources.names()])
