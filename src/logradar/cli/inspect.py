"""`logradar inspect`: what a bundle is, and how it came about."""

from __future__ import annotations

from logradar.cli import options


def command(bundle: options.Bundle, json: options.Json = False) -> None:
    """Verify a bundle; print what it was trained on, by which command and settings, from which files."""
    from logradar.cli import show
    from logradar.pipeline.inspect import inspect

    found = inspect(bundle)
    show.document(found) if json else show.inspected(bundle, found)
