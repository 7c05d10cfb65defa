"""`logradar sources`: what there is."""

from __future__ import annotations


def command() -> None:
    """List the kinds of log that can be read; they are recognised by content."""
    from logradar.cli import show
    from logradar.sources.base import sources

    show.names([(name, sources.summary(name)) for name in sources.names()])
