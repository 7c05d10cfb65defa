"""What `code index` and `code explain` print: figures of an index, and of a line its place and what is around it."""

from __future__ import annotations

from typing import Any

from logradar.cli.show.plain import clipped, in_plain_text

_WIDTH = 140
_LISTED = 8


@in_plain_text
def indexed(found: dict[str, Any]) -> None:
    """The figures of an index, in sentences."""
    languages = ", ".join(f"{name} {count:,}" for name, count in found["languages"].items())
    print(
        f"{found['index']}: {found['statements']:,} log statements, {found['functions']:,} functions and "
        f"{found['classes']:,} classes in {found['files']:,} files, {found['lines']:,} lines ({languages})."
    )
    if found["commit"]:
        state = "" if found["clean"] else ", with changes that are not committed"
        print(f"Commit {found['commit'][:12]}{state}.")
    if found["reused"]:
        print(f"{found['reused']:,} files had not changed and were taken from the index before.")
    if found["wrappers"]:
        print(f"{found['wrappers']:,} functions hand messages on to a logger; calls of them count as log statements.")
    if found["broken_files"]:
        print(f"{found['broken_files']:,} files have parts that the grammar does not understand; the rest was read.")
    for one in found["skipped"]:
        print(f"{one['files']:,} files were left out ({one['reason']}): {', '.join(one['examples'])}")


@in_plain_text
def explained(found: dict[str, Any]) -> None:
    """Each line with its place, the code around it, its callers and commits."""
    for number, one in enumerate(found["explained"]):
        if number:
            print()
        _explained(one)


def _explained(one: dict[str, Any]) -> None:
    print(clipped(one["line"], _WIDTH))
    place = one["place"]
    if place is not None:
        how = {"location": "the line names it", "message": "its message", "stack frame": "a frame of the stack trace"}
        inside = f" in {place['function']}" if place["function"] else ""
        print(f"   comes from {_where(place)}{inside} ({how[place['basis']]})")
        print(f"      {clipped(place['text'], _WIDTH)}")
        if place["url"]:
            print(f"      {place['url']}")
    if one["note"]:
        print(f"   {one['note']}")
    _list("may come from", one["ties"], lambda row: f"{row['level'] or 'no level'} {row['message']}")
    _list("frames of the stack trace", one["frames"], lambda row: row["text"])
    _list("inside of", one["around"], lambda row: row["text"])
    _list("logged before it in the same function", one["before"], lambda row: f"{row['level']} {row['message']}")
    _list("called before it", one["called_before"], lambda row: row["text"])
    _list("logged after it in the same function", one["after"], lambda row: f"{row['level']} {row['message']}")
    _list(
        "called from",
        one["callers"],
        lambda row: (
            f"{row['function'] or '(outside of functions)'}{'' if row['sure'] else ' (by its name)'}: {row['text']}"
        ),
    )
    for row in one["commits"]:
        print(f"   changed by {row['commit'][:12]} {row['date'][:10]} {clipped(row['subject'], 90)} (the {row['of']})")
    _list("a guess, by likeness of words", one["guesses"], lambda row: row["function"])


def _where(row: dict[str, Any]) -> str:
    return f"{row['path']}:{row['line']}"


def _list(title: str, rows: list[dict[str, Any]], said: Any) -> None:
    if not rows:
        return
    print(f"   {title}:")
    for row in rows[:_LISTED]:
        print(f"      {_where(row)}  {clipped(said(row), _WIDTH)}")
    if len(rows) > _LISTED:
        print(f"      … and {len(rows) - _LISTED} more")
