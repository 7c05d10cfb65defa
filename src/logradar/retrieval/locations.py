"""Locations: the places in source code that a log record names itself, its own and those of a stack trace."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_FILE: Final = r"[\w.$+-]{1,120}\.(?:py|java|kt|go|js|jsx|mjs|cjs|ts|tsx|c|cc|cpp|cxx|h|hpp|cs|rs|scala)"
_PATH: Final = rf"(?:[A-Za-z]:)?[\w./\\$@+~-]{{0,300}}?{_FILE}"
# In the order of trial. A class with a line (log4j's %C{{1}}@%L, %c{{1}}:%L) has no file.
_OWN: Final = (
    re.compile(
        rf"code\.(?:file\.?path|file\.path)[\"']?\s*[=:]\s*[\"']?(?P<path>{_PATH})[\"']?.{{0,200}}?"
        r"code\.(?:lineno|line\.number)[\"']?\s*[=:]\s*[\"']?(?P<line>[0-9]{1,7})",
        re.DOTALL,
    ),
    re.compile(rf"(?<![\w/.])(?P<path>{_PATH})(?::|\(|, line |@)(?P<line>[0-9]{{1,7}})\b"),
    re.compile(  # a name with a small letter is more likely a host with its port
        r"[\[:( ](?P<class>[A-Za-z_$][\w$.]{1,120}(?=@)|(?:[a-z][\w]{0,60}\.){0,20}[A-Z_$][\w$]{0,120})(?:@|:)"
        r"(?P<line>[0-9]{1,6})[\]) ]"
    ),
)
_BRACKETS: Final = re.compile(r"[\[(<{][^\[\](){}<>]{0,200}[\])>}]")
_WORD: Final = re.compile(r"[A-Za-z]*[a-z][A-Za-z]*[,.]?")
_WORDS: Final = 1  # of a sentence that may stand before the place of a record
_HINT: Final = re.compile(r"[:(@][0-9]|, line [0-9]|code\.")  # without one of these there is no place
_FRAMES: Final = (
    re.compile(r"\s*File \"(?P<path>[^\"]{1,400})\", line (?P<line>[0-9]{1,7})(?:, in (?P<function>.{1,120}))?"),
    re.compile(rf"\s*at (?:[\w.-]+/{{1,2}})*(?P<function>[\w.$<>]+)\((?P<path>{_FILE}):(?P<line>[0-9]{{1,7}})\)"),
    re.compile(
        rf"\s*at (?:(?P<function>.{{1,200}}?) \()?(?:file://)?(?P<path>{_PATH}):(?P<line>[0-9]{{1,7}}):[0-9]+\)?"
    ),
    re.compile(rf"\s*at (?P<function>.{{1,300}}?) in (?P<path>{_PATH}):line (?P<line>[0-9]{{1,7}})"),
    re.compile(rf"\s*(?P<path>/{_PATH}):(?P<line>[0-9]{{1,7}})(?: \+0x[0-9a-f]+)?$"),
)
_OPENING: Final = ("[", "(", "<", "{")
_FOREIGN: Final = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages|node_modules|lib/python3[^/]*|pkg/mod|\.cargo|rustlib)/"
)
_MOST: Final = 200  # lines of a record that are looked at
_FIRST: Final = 400  # characters of a first line


@dataclass(frozen=True)
class Location:
    """A place as it was written: a path (or a part of one), or the name of a class; ``function`` where it is said."""

    path: str
    line: int
    function: str = ""
    class_name: str = ""


def own_locations(body: str, component: str = "") -> list[Location]:
    """Where a record says that it was written; it may be where something else is that it speaks of."""
    if not _HINT.search(component) and not _HINT.search(body[: 2 * _FIRST]):
        return []
    found = []
    for text in (component[:_FIRST], body.lstrip("\n").partition("\n")[0][:_FIRST]):
        padded = f" {text} "
        for number, form in enumerate(_OWN):
            found += [
                Location(
                    match.groupdict().get("path") or "", int(match["line"]), "", match.groupdict().get("class") or ""
                )
                for match in form.finditer(padded)
                if number == 0 or _may_be_own(padded, match.start())
            ][:4]
    return found


def _may_be_own(text: str, place: int) -> bool:
    """Whether a name with a number is where the record was written: in brackets, or before the sentence begins."""
    if any(letter in _OPENING for letter in text[place - 1 : place + 1]):
        return True
    before = _BRACKETS.sub(" ", text[:place]).split()
    return sum(_WORD.fullmatch(one) is not None for one in before) <= _WORDS


def frames(body: str) -> list[Location]:
    """The frames of a stack trace in a record, innermost first (Python writes that one last)."""
    lines = body.split("\n", _MOST)[1 : _MOST + 1] if "\n" in body else [body]
    found: list[Location] = []
    python = False
    for line in lines:
        for number, form in enumerate(_FRAMES):
            match = form.match(line[:600])
            if match:
                python = python or number == 0
                function = (match.groupdict().get("function") or "").strip()
                found.append(Location(match["path"].replace("\\", "/"), int(match["line"]), function))
                break
    return found[::-1] if python else found


def best_path(location: Location, paths: Sequence[str], by_name: dict[str, list[int]]) -> list[int]:
    """The numbers of the files that a location may mean: those that share most of the end of its path."""
    wanted = [part for part in location.path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    if location.class_name:
        outer = location.class_name.partition("$")[0].rpartition(".")[2]
        return list(by_name.get(outer, ()))
    if not wanted:
        return []
    of_jvm = location.path.endswith((".java", ".kt", ".scala"))
    package = location.function.split("$")[0].split(".")[:-2] if of_jvm else []
    wanted = [*package, *wanted] if len(wanted) == 1 else wanted
    found = list(by_name.get(wanted[-1], ()))
    if len(found) < 2:
        return found
    shared = {one: _shared(paths[one].split("/"), wanted) for one in found}
    most = max(shared.values())
    return [one for one in found if shared[one] == most]


def is_own(location: Location, path: str) -> bool:
    """Whether a frame may be of the indexed file ``path``, which has its name: not where it is of a library.

    A frame in a folder of libraries must have the folder of the file too, and one of the JVM its package.
    """
    folder = path.split("/")[-2:-1]
    if _FOREIGN.search(location.path):
        return folder == location.path.split("/")[-2:-1] and bool(folder)
    package = location.function.split("$")[0].split(".")[:-2] if "/" not in location.path else []
    return not package or not folder or not location.path.endswith((".java", ".kt", ".scala")) or folder == package[-1:]


def _shared(path: list[str], wanted: list[str]) -> int:
    count = 0
    for one, other in zip(reversed(path), reversed(wanted), strict=False):
        if one != other:
            break
        count += 1
    return count
