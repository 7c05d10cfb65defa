"""The error of all decoders: a body that cannot be read, with the status that HTTP has for the reason."""

from __future__ import annotations

from logradar.core.errors import LogRadarError


class BadBody(LogRadarError):
    """A request's body cannot be taken: the text says why and what to send instead.

    ``status`` is 400 for what cannot be read, 408 for a body that came too slowly, 413 for one that is too large and
    415 for an unknown Content-Encoding.
    """

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


def too_large(what: str, most: int, unit: str) -> BadBody:
    """Status 413 for what exceeds ``most`` units.

    >>> str(too_large("The body", 1000, "bytes"))
    'The body exceeds 1,000 bytes; send smaller batches.'
    """
    return BadBody(f"{what} exceeds {most:,} {unit}; send smaller batches.", 413)
