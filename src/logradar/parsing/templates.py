"""Templates: the constant parts of log messages, learnt from bodies and recognised in new ones.

A miner learns from training bodies (`TemplateMiner.mine`) and is then frozen. From then on it only matches: a
body that matches no template gets the id `UNKNOWN`, which is a result that detectors use and not an error.

While it learns, Drain groups the lines and keeps examples of each group; from these the `refinement` decides which
words are constants. Without it (``refine: false``) templates are those of Drain.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import numpy as np
import polars as pl
import pyarrow as pa
from pydantic import Field

from logradar.core.columns import HIGHEST_ID, MOST
from logradar.core.config import Config, validated
from logradar.core.documents import UNREADABLE, Saved, read_document, reason_of
from logradar.core.errors import BundleError, ConfigError, DataError, TableError
from logradar.core.tables import FIRST_TEMPLATE, TEMPLATES, UNKNOWN, check, texts_by_id
from logradar.parsing.drain import Drain, DrainSettings
from logradar.parsing.examples import Examples
from logradar.parsing.interning import Ids, Texts
from logradar.parsing.keys import KeyMask
from logradar.parsing.masking import MaskingSettings
from logradar.parsing.matching import TemplateMatcher
from logradar.parsing.parameters import parameters
from logradar.parsing.patterns import PatternMatcher
from logradar.parsing.refined import REFINED, RefinedTemplates
from logradar.parsing.refinement import RefinementSettings
from logradar.parsing.shapes import Shapes
from logradar.parsing.template_source import TemplateSource
from logradar.parsing.tokens import first_lines

STATE: Final = "parsing.json"
CACHE_BYTES: Final = 32 << 20  # limit of the cache of lines; if exceeded, the least recently used half is removed
_ROWS, _BYTES = 1 << 15, 32 << 20  # limits of the pieces in which bodies are processed


class ParsingSettings(Config):
    """How templates are mined from bodies."""

    masking: MaskingSettings = MaskingSettings()
    drain: DrainSettings = DrainSettings()
    refine: bool = Field(True, description="decide over all lines which words are constants; false: Drain alone")
    refinement: RefinementSettings = RefinementSettings()
    first_line: bool = Field(
        True, description="use only the first line of a body with several lines (a stack trace) for its template"
    )


class _State(Saved):
    settings: dict[str, Any]
    frozen: bool
    created: int = Field(ge=0, le=HIGHEST_ID - FIRST_TEMPLATE)
    left_out: int = Field(0, ge=0, le=MOST)
    counts: dict[str, Annotated[int, Field(ge=0, le=MOST)]] = Field(default_factory=dict)  # by template id


class TemplateMiner:
    """Masks bodies and mines their templates with Drain (He et al., ICWS 2017) and a refinement.

    Template ids are given in order of discovery, from `FIRST_TEMPLATE` on. They do not depend on how the
    bodies are divided into batches. It is a `logradar.parsing.template_source.TemplateSource`.

    >>> miner = TemplateMiner()
    >>> _ = miner.mine(pl.Series(["sent 3 kB to 10.0.0.1", "sent 99 kB to 10.0.0.2", "ready"]))
    >>> miner.match(pl.Series(["sent 7 kB to 10.9.9.9", "lost 7 kB to 10.9.9.9", "ready"])).tolist()
    [3, 1, 4]
    >>> miner.templates()["template"].to_pylist()
    ['sent <SIZE> to <IP>', 'ready']
    """

    uses_event_ids: ClassVar[bool] = False

    def __init__(self, settings: ParsingSettings | None = None) -> None:
        self.settings = settings or ParsingSettings()
        self.frozen = False
        self._drain = Drain(self.settings.drain)
        self._keys = KeyMask(self.settings.masking)
        self._known = RefinedTemplates()  # of earlier trainings
        self._counts: Counter[int] = Counter()  # bodies that these got since, by id
        self._attach()

    def _attach(self, examples: Examples | None = None) -> None:
        self._examples = examples or Examples(self._drain)
        self._shapes = Shapes(self.settings.masking, self._drain)
        self._forget_matchers()
        self._refined: RefinedTemplates | None = None

    def _forget_matchers(self) -> None:
        self._matcher: TemplateMatcher | PatternMatcher | None = None
        self._known_matcher: PatternMatcher | None = None

    def mine(self, bodies: pl.Series | pa.Array | pa.ChunkedArray) -> Ids:
        """Learn templates from bodies, in order; returns the cluster of Drain of each, as an id, int32.

        The cluster of a body is final; its template is found when all bodies are known: `match` them after the last
        one. Bodies that have a template of an earlier training get its id, and nothing is learnt from them.
        Raises `DataError` when the miner is frozen.
        """
        if self.frozen:
            raise DataError("The templates are frozen: match bodies against them, or mine with a new miner.")
        self._matcher = self._refined = None
        found = [np.empty(0, np.int32), *map(self._learn, self._line_ids(bodies))]
        return np.concatenate(found)

    def masked(self, bodies: pl.Series | pa.Array | pa.ChunkedArray) -> pl.Series:
        """Each body as it is mined: its first line with variable parts masked. Nothing is learnt."""
        texts = [self._drain.lines.take(lines).to_series() for lines in self._line_ids(bodies)]
        return pl.concat([pl.Series("line", [], pl.String), *(text.alias("line") for text in texts)])

    def _learn(self, lines: Ids) -> Ids:
        """Learn from masked lines; returns the id of each."""
        ids = self._of_earlier(lines)
        new = ids == UNKNOWN
        lines = lines[new]
        clusters = self._drain.scan(lines)
        if self.settings.refine:
            self._examples.add(lines, clusters)
        ids[new] = clusters + np.int32(FIRST_TEMPLATE - 1)
        return ids

    def _of_earlier(self, lines: Ids) -> Ids:
        if not len(self._known):
            return np.full(len(lines), UNKNOWN, np.int32)
        if self._known_matcher is None:
            self._known_matcher = self._known.matcher(self._drain)
        ids = self._known_matcher.match(lines)
        numbers, counts = np.unique(ids[ids != UNKNOWN], return_counts=True)
        self._counts.update(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))
        return ids

    def without_keys(self, bodies: pa.Array | pa.ChunkedArray, keys: pa.Array | pa.ChunkedArray) -> pa.Array:
        """Bodies of records with the session key of each masked, to be mined, matched or asked for parameters.

        ``keys`` are null where a record has none.
        """
        bodies, keys = (
            column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column for column in (bodies, keys)
        )
        return self._keys.masked(bodies, keys)

    @property
    def evicted(self) -> int:
        """Number of templates removed because of ``drain.max_clusters``; their ids match nothing."""
        removed = self._drain.created - len(self._drain.tree.alive)
        return removed + (self._templates().left if self.settings.refine else 0)

    def freeze(self) -> None:
        """End learning: from now on `mine` raises an error."""
        if self.settings.refine and not self.frozen:
            self._known, self._counts = self._templates(), Counter()
            self._examples = Examples(self._drain)
            self._refined = self._known
        self.frozen = True

    def thaw(self) -> None:
        """Go on learning: templates keep their ids and what they match, and new ones join them."""
        self.frozen = False

    def _templates(self) -> RefinedTemplates:
        if self._refined is None:
            most = self.settings.drain.max_clusters
            examples = self._examples.table()
            self._refined = self._known.with_lines(examples, self.settings.refinement, most, self._counts)
        return self._refined

    def match(self, bodies: pl.Series | pa.Array | pa.ChunkedArray) -> Ids:
        """The template id of each body, int32; `UNKNOWN` where no template matches. Nothing is learnt."""
        ids = [np.empty(0, np.int32)]
        for lines in self._line_ids(bodies):
            if self._matcher is None:
                refined = self.settings.refine
                self._matcher = self._templates().matcher(self._drain) if refined else TemplateMatcher(self._drain)
            ids.append(self._matcher.match(lines))
        return np.concatenate(ids)

    def known_in(self, sessions: pa.Table) -> pa.Table:
        """SESSIONS unchanged: `match` has already given `UNKNOWN` to every event without a template."""
        return sessions

    def joined(self, more: TemplateSource) -> TemplateMiner:
        """This miner, if ``more`` is the same one after it has mined further bodies.

        Mined templates can only be extended by mining. Raises `DataError` for any other ``more``.
        """
        if more is not self:
            raise DataError("Templates of two miners cannot be joined; mine the new bodies with the first miner.")
        return self

    def _line_ids(self, bodies: pl.Series | pa.Array | pa.ChunkedArray) -> Iterator[Ids]:
        for texts in _pieces(bodies):
            if self._shapes.nbytes > CACHE_BYTES:
                self._examples.forget()
                self._shapes.forget(CACHE_BYTES // 2)
                if self._shapes.nbytes > CACHE_BYTES:  # words take the space
                    self._shapes.forget()
                self._forget_matchers()
            yield self._shapes.line_ids(first_lines(texts) if self.settings.first_line else texts)

    def templates(self) -> pa.Table:
        """TEMPLATES in order of their ids; ``count`` is the number of bodies that each was learnt from."""
        if self.settings.refine:
            table = self._templates().table
            prints = [fingerprint(text) for text in table["template"]]
            columns = [
                table["template_id"].to_arrow(),
                table["template"].to_arrow().cast(pa.string()),
                pa.array(prints, pa.uint64()),
                table["count"].to_arrow(),
            ]
            return check(pa.Table.from_arrays(columns, schema=TEMPLATES), TEMPLATES)
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
        """The values at the masks and wildcards of each body's template, as ``list<string>``.

        There is one value for each mask and each ``<*>``, in order. The list is null for `UNKNOWN` templates and
        where the template does not match the body. Raises `TableError` when the two arguments differ in length.
        """
        texts = [(first_lines(t) if self.settings.first_line else t).to_series() for t in _pieces(bodies)]
        lines = pl.concat([pl.Series("line", [], pl.String), *(t.alias("line") for t in texts)])
        if len(lines) != len(template_ids):
            raise TableError(f"There are {len(lines)} bodies but {len(template_ids)} template ids; give one id a body.")
        known = self.templates()
        named = texts_by_id(known)
        return parameters(lines, template_ids, named, self.settings.masking, self.settings.drain.extra_delimiters)

    def save(self, folder: Path) -> None:
        """Write the complete state as JSON and Parquet into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        self._drain.save(folder)
        settings = self.settings.model_dump(mode="json")
        state: dict[str, Any] = {"settings": settings, "frozen": self.frozen, "created": self._drain.created}
        if self.settings.refine:
            self._known.save(folder)
            self._examples.save(folder)
            state |= {"left_out": self._known.left, "counts": {str(key): n for key, n in self._counts.items()}}
        (folder / STATE).write_text(json.dumps(state, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> TemplateMiner:
        """Load what `save` wrote; the result mines and matches exactly as the saved miner would.

        Raises `BundleError` when a file is missing or damaged.
        """
        try:
            state = _State.of(read_document(folder / STATE), STATE)
            refined = (folder / REFINED).is_file()  # bundles of before had templates of Drain alone
            miner = cls(validated(ParsingSettings, {"refine": refined, **state.settings}))
            miner._drain = Drain.load(folder, miner.settings.drain, state.created)
            miner._attach(Examples.load(folder, miner._drain, state.created) if refined else None)
            miner.frozen = state.frozen
            if refined:
                miner._known = RefinedTemplates.load(folder, state.left_out)
                miner._counts = Counter({int(key): count for key, count in state.counts.items()})
        except (*UNREADABLE, ConfigError, pl.exceptions.PolarsError) as error:
            raise BundleError(
                f"The templates in '{folder}' cannot be read ({reason_of(error)}); train again."
            ) from None
        return miner


def fingerprint(template: str) -> int:
    """A 64-bit hash of the text of a template; it is the same on every machine."""
    return int.from_bytes(hashlib.blake2b(template.encode(), digest_size=8).digest(), "little")


def _pieces(bodies: pl.Series | pa.Array | pa.ChunkedArray) -> Iterator[Texts]:
    """The bodies in pieces of at most `_ROWS` rows and about `_BYTES` bytes."""
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
