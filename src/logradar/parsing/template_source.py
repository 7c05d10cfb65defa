"""The interface of templates, whether they were mined from messages or given by the input.

Logs without event ids get their templates from `logradar.parsing.templates.TemplateMiner`. Day files contain event
ids, so their templates are `logradar.parsing.given_templates.GivenTemplates`. A bundle holds one of the two, and code
that uses a bundle needs only this interface. `logradar.parsing.given_templates.load_templates` reads either kind.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import polars as pl
import pyarrow as pa

from logradar.parsing.interning import Ids


class TemplateSource(Protocol):
    """Templates of a bundle, each with its id."""

    @property
    def uses_event_ids(self) -> bool:
        """Whether a template is an event id that the input states, so that bodies are not parsed."""

    @property
    def evicted(self) -> int:
        """Number of templates that were removed because there were too many."""

    def templates(self) -> pa.Table:
        """TEMPLATES in order of their ids."""

    def match(self, bodies: pl.Series | pa.Array | pa.ChunkedArray) -> Ids:
        """The template id of each body, int32; `UNKNOWN` where no template matches. Nothing is learnt."""

    def known_in(self, sessions: pa.Table) -> pa.Table:
        """SESSIONS, or some of its columns, with `UNKNOWN` for every template id that is not one of these templates."""

    def joined(self, more: TemplateSource) -> TemplateSource:
        """These templates with their ids, and those of ``more`` that are new, as training goes on with new logs.

        Raises `DataError` where the two cannot be joined.
        """

    def save(self, folder: Path) -> None:
        """Write the templates as JSON and Parquet into ``folder``."""
