"""Notes: sentences for people about what was found in an input and how it is read."""

from __future__ import annotations

from collections import Counter

from logradar.core.filenames import readable
from logradar.sources.base import SessionSource
from logradar.sources.opening import session_keys
from logradar.sources.opening.files import SIMULATED, InputFiles
from logradar.sources.opening.headers import HEADERS
from logradar.sources.opening.recognising import Part, Sample
from logradar.sources.radar.dated import day_of


def about_files(inputs: InputFiles) -> list[str]:
    """A note that names files which are left out by their names."""
    if not inputs.skipped or inputs.labels or any(file.name == SIMULATED for file in inputs.skipped):
        return []
    named = _listed([f"'{file.name}'" for file in inputs.skipped])
    return [f"Left out, because their names are not those of logs: {named}."]


def about_days(parts: list[Part]) -> list[str]:
    """A note if sessions of several files have the same keys, because the files have the same date."""
    days = Counter(
        day_of(file.name)
        for part in parts
        if issubclass(part.kind, SessionSource)
        for file in part.files
        if file.suffix != ".parquet"
    )
    twice = [f"{day} ({count} files)" for day, count in days.items() if count > 1]
    if not twice:
        return []
    return [f"Several files are of the same day: {_listed(twice)}; sessions with equal numbers have the same key."]


def about_mixture(parts: list[Part]) -> list[str]:
    """A note if day files are read line by line because there are other logs in the input."""
    whole, lines = (
        [file for part in parts if issubclass(part.kind, SessionSource) is groups for file in part.files]
        for groups in (True, False)
    )
    if not whole or not lines:
        return []
    named = _listed([f"'{readable(file.name)}'" for file in lines])
    return [
        f"{len(whole):,} day files are mixed with other logs ({named}), so all are read line by line; to use the "
        "event ids of day files, give only day files."
    ]


def about_formats(sampled: list[Sample], inputs: InputFiles, given: str | None, labels_taken: bool) -> list[str]:
    """Notes if the format that was ``given`` fits few lines, and if a column is taken as labels."""
    mismatched, marked = [], []
    for sample in sampled:
        name = f"'{inputs.names.get(sample.file, readable(str(sample.file)))}'"
        if given and sample.format.share < 0.5:
            mismatched.append(f"only {sample.format.share:.0%} of the lines of {name}")
        if any("alert" in HEADERS[body].groups for body in sample.format.bodies if body in HEADERS):
            marked.append(name)
    notes = [f"The format '{given}' matches {_listed(mismatched)}."] if mismatched else []
    if marked and labels_taken:
        notes.append(
            f"The first column of {_listed(marked)} marks alerts; it is used as the label of each line "
            "(--no-labels ignores it)."
        )
    return notes


def _listed(things: list[str]) -> str:
    more = f" and {len(things) - 3} more" if len(things) > 3 else ""
    return ", ".join(things[:3]) + more


def about_key(regex: str, sampled: list[Sample]) -> list[str]:
    """A note if the session key that was given is in few of the first lines: what they have instead."""
    texts = [sample.texts for sample in sampled if len(sample.texts)]
    lines = sum(map(len, texts))
    having = sum(len(text) - session_keys.extract(text, text, regex).null_count() for text in texts)
    if not lines or having >= session_keys.COVERAGE * lines:
        return []
    better = session_keys.discover(texts)
    other = "; no other field connects more of them."
    if better is not None and better.coverage * lines > having:
        other = f"; better is {better.what}, in {better.coverage:.0%}: --session-key '{better.regex}'."
    return [
        f"The session key '{regex}' is in only {having / lines:.0%} of the first lines, the others form windows{other}"
    ]
