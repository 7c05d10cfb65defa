"""Code index: the act that reads a repository and writes, or renews, its index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from logradar.core.errors import InputError
from logradar.core.progress import say
from logradar.retrieval.code_index import CodeIndex, is_index
from logradar.retrieval.indexing import index_code
from logradar.retrieval.places import require_pattern


def index_repository(repository: Path, output: Path, *, url: str | None = None) -> dict[str, Any]:
    """Index ``repository`` into the folder ``output``; the figures of the index as JSON values.

    An index that is there is the start: files whose bytes are the same are not read again. ``url`` is a pattern of
    links; None keeps that of the index before. Raises `InputError` and `ConfigError`.
    """
    pattern = None if url is None else require_pattern(url)
    before = None
    if is_index(output):
        try:
            before = CodeIndex.load(output)
        except InputError as error:
            say(f"The index that is there is not used: {error}")
    index, skipped = index_code(repository, before=before)
    index.facts["url"] = pattern or (before.facts.get("url") if before else None)
    index.save(output)
    shown = {name: index.facts[name] for name in ("commit", "clean", "reused", "url")}
    left = [
        {"reason": reason, "files": count, "examples": skipped.examples[reason]}
        for reason, count in skipped.counts.items()
    ]
    return {"index": str(output), **index.figures(), **shown, "skipped": left}
