"""`logradar detectors`: the list of detectors."""

from __future__ import annotations


def command() -> None:
    """List all detectors with a sentence on each."""
    from logradar.cli import show
    from logradar.detectors.base import detectors

    show.names([(name, detectors.summary(name)) for name in detectors.names()])
