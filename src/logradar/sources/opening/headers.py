"""The headers of log lines (what precedes the message) in the known formats, by name, in the order of trial."""

from __future__ import annotations

from typing import Final

from logradar.sources.opening.header_table import general, java, languages, servers, systems
from logradar.sources.opening.header_table.row import Header

HEADERS: Final[dict[str, Header]] = {
    header.name: header for part in (systems, java, languages, servers, general) for header in part.ROWS
}
