"""`logradar detectors`: what there is."""

from __future__ import annotations


def command() -> None:
    """List the detectors, simple ones and neural ones."""
    from logradar.cli import show
    from logradar.detectors.base import detectors

    show.names([(name, detectors.summary(name)) for name in detectors.names()])
