"""Templates: what is constant in log messages, learnt from bodies and found again in others.

A miner learns from training bodies (`TemplateMiner.mine`), is frozen, and from then on only matches:
a body that fits no template is `UNKNOWN`, a finding of its own and never an error.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
from pydantic import Field

from logradar.core.config import Config, validated
from logradar.core.errors import BundleError, ConfigError, DataError, TableError
from logradar.core.tables import FIRST_TEMPLATE, TEMPLATES, check
from logradar.parsing.drain import Drain, DrainSettings
from logradar.parsing.interning import Ids, Texts
from logradar.parsing.masking import MaskingSettings
from logradar.parsing.matching import TemplateMatcher
from logradar.parsing.parameters import parameters
from logradar.parsing.shapes import Shapes
from logradar.parsing.tokens import first_lines

STATE: Final = "parsing.json"
MEMORY: Final = 256 << 20  # bytes of remembered lines; beyond that the half used longest ago is forgotten
_ROWS, _BYTES = 1 << 16, 64 << 20  # of one piece of work


class ParsingSettings(Config):
    """How bodies become templates."""

    masking: MaskingSettings = MaskingSettings()
    drain: DrainSettings = DrainSettings()
    first_line: bool = Field(
        True, description="of a body with several lines (a stack trace) only the first makes the template"
    )


class TemplateMiner:
    """Masks bodies and mines their templates by Drain (He et al., ICWS 2017).

    Template ids are the order of discovery, from `FIRST_TEMPLATE` on. Bodies may come in any number
    of batches: the ids are the same.

    >>> miner = TemplateMiner()
    >>> miner.mine(pl.Series(["sent 3 bytes to 10.0.0.1", "sent 99 bytes to 10.0.0.2", "ready"])).tolist()
    [3, 3, 4]
    >>> miner.match(pl.Series(["sent 7 bytes to 10.9.9.9", "lost 7 bytes to 10.9.9.9"])).tolist()
    [3, 1]
    >>> miner.templates()["template"].to_pylist()
    ['sent <NUM> bytes to <IP>', 'ready']
    """

    def __init__(self, settings: ParsingSettings | None = None) -> None:
        self.settings = settings or ParsingSettings()
        self.frozen = False
        self._drain = Drain(self.settings.drain)
        self._attach()

    def _attach(self) -> None:
        self._shapes = Shapes(self.settings.masking, self._drain)
        self._fits: TemplateMatcher | None = None

    def mine(self, bodies: pl.Series | pa.Array | pa.ChunkedArray) -> Ids:
        """Learn templates from bodies, in order; the template id of each, int32.

        An id is final, but the template's text may still become more general. `match` them again
        after the last body to have every body with the template that fits it best in the end.
        Raises `DataError` when the miner is frozen.
        """
        if self.frozen:
            raise DataError("The templates are frozen; mine new ones with a new miner, or match against these.")
        self._fits = None
        numbers = [self._drain.scan(lines) for lines in self._line_ids(bodies)]
        return np.concatenate([np.empty(0, np.int32), *numbers]) + np.int32(FIRST_TEMPLATE - 1)

    @property
    def evicted(self) -> int:
        """How many templates had to make room for others (``drain.max_clusters``); their ids match nothing."""
        return self._drain.created - len(self._drain.tree.alive)

    def freeze(self) -> None:
        """Learn no more."""
        self.frozen = True

    def match(self, bodies: pl.Series | pa.Array | pa.ChunkedArray) -> Ids:
        """The template id of each body, int32; `UNKNOWN` for what fits none. Nothing is learnt."""
        found = [np.empty(0, np.int32)]
        for lines in self._line_ids(bodies):
            if self._fits is None:
                self._fits = TemplateMatcher(self._drain)
            found.append(self._fits.of(lines))
        return np.concatenate(found)

    def _line_ids(self, bodies: pl.Series | pa.Array | pa.ChunkedArray) -> Iterator[Ids]:
        for texts in _pieces(bodies):
            if self._shapes.nbytes > MEMORY:
                self._shapes.forget(MEMORY // 2)
                if self._shapes.nbytes > MEMORY:  # because of words
                    self._shapes.forget()
                self._fits = None
            yield self._shapes.line_ids(first_lines(texts) if self.settings.first_line else texts)

    def templates(self) -> pa.Table:
        """TEMPLATES in order of their ids; ``count`` is how many bodies were learnt from."""
        clusters = self._drain.clusters()
        prints = [fingerprint(text) for text in clusters["template"]]
        columns = [
            pa.array(clusters["number"].to_numpy() + np.int32(FIRST_TEMPLATE - 1)),
            clusters["template"].to_arrow().cast(pa.string()),
            pa.array(prints, pa.uint64()),
            pa.array(clusters["size"].to_numpy()),
        ]
        return check(pa.Table.from_arrays(columns, schema=TEMPLATES), TEMPLATES)

    def parameters(self, bodies: pl.Series | pa.Array | pa.ChunkedArray, template_ids: Ids) -> pa.Array:
        """What stood at the masks and wildcards of each body's template, as ``list<string>``.

        One value for each mask and each ``<*>``, in order; null for `UNKNOWN` templates and where
        body and template do not belong together.
        """
        texts = [(first_lines(t) if self.settings.first_line else t).to_series() for t in _pieces(bodies)]
        lines = pl.concat([pl.Series("line", [], pl.String), *(t.alias("line") for t in texts)])
        if len(lines) != len(template_ids):
            raise TableError(f"There are {len(lines)} bodies but {len(template_ids)} template ids; give one for each.")
        known = self.templates()
        named = dict(zip(known["template_id"].to_pylist(), known["template"].to_pylist(), strict=True))
        return parameters(lines, template_ids, named, self.settings.masking, self.settings.drain.extra_delimiters)

    def save(self, folder: Path) -> None:
        """Write the exact state as JSON and Parquet into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        self._drain.save(folder)
        settings = self.settings.model_dump(mode="json")
        state = {"settings": settings, "frozen": self.frozen, "created": self._drain.created}
        (folder / STATE).write_text(json.dumps(state, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> TemplateMiner:
        """What `save` wrote: it mines and matches on as if it had never been away.

        Raises `BundleError` when a file is missing or is not what `save` wrote.
        """
        try:
            state: dict[str, Any] = json.loads((folder / STATE).read_text(encoding="utf-8"))
            miner = cls(validated(ParsingSettings, state["settings"]))
            miner._drain = Drain.load(folder, miner.settings.drain, int(state["created"]))
            miner._attach()
            miner.frozen = bool(state["frozen"])
        except (OSError, KeyError, ValueError, TypeError, ConfigError, pl.exceptions.PolarsError) as error:
            raise BundleError(f"The templates in '{folder}' cannot be read ({error}); train again.") from None
        return miner


def fingerprint(template: str) -> int:
    """A 64-bit name of a template's text, equal wherever the text is equal."""
    return int.from_bytes(hashlib.blake2b(template.encode(), digest_size=8).digest(), "little")


def _pieces(bodies: pl.Series | pa.Array | pa.ChunkedArray) -> Iterator[Texts]:
    """The bodies in pieces of bounded rows and bytes."""
    if isinstance(bodies, pl.Series):
        bodies = bodies.to_arrow()
    for chunk in bodies.chunks if isinstance(bodies, pa.ChunkedArray) else [bodies]:
        if not len(chunk):
            continue
        begin = 0
        chunk = chunk.cast(pa.large_string())
        offsets = np.frombuffer(chunk.buffers()[1], np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
        while begin < len(chunk):
            full = int(np.searchsorted(offsets, offsets[begin] + _BYTES)) - 1
            end = min(begin + _ROWS, max(full, begin + 1), len(chunk))
            yield Texts.of(chunk.slice(begin, end - begin))
            begin = end
