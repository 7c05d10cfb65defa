"""Outputs: what is written never takes the place of what is read, nor of a part of a bundle."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from logradar.core.bundle import bundle_around
from logradar.core.errors import InputError
from logradar.core.files import require_writable

PAGES: Final = (".html", ".htm")


def require_apart(outputs: Iterable[Path | None], used: Iterable[Path]) -> None:
    """`InputError` where writing to one of ``outputs`` could change one of the files ``used``.

    An output is a file, or a folder to which files are written; None is no output. It may be neither a file that is
    read (under any name: links are followed) nor a folder that holds one. It is asked before the work.
    """
    wanted = [(output, output.resolve()) for output in outputs if output is not None]
    for file in used if wanted else ():
        read = file.resolve()
        for output, place in wanted:
            if place == read or (place.is_file() and read.exists() and place.samefile(read)):
                raise InputError(f"'{output}' is read as input, so nothing is written to it; name another file.")
            if place in read.parents and place.is_dir():
                raise InputError(f"'{output}' holds the input '{file}'; name another folder for what is written.")


def require_outside(*outputs: Path | None) -> None:
    """`InputError` where an output lies in a bundle, whose files are sealed, or is the root of all folders."""
    for output in filter(None, outputs):
        place = output.resolve()
        if place == Path(place.anchor):
            raise InputError(f"'{output}' is the root of all folders; name a folder of its own for what is written.")
        if (bundle := bundle_around(place)) is not None:
            raise InputError(f"'{output}' lies in the bundle '{bundle}', which must not change; name another place.")


def require_output(*outputs: Path | None, pages: tuple[str, ...] = ()) -> None:
    """`InputError` where nothing can be written to an output: a folder, or a file where its name ends with ``pages``.

    None is no output. Whether an output is read as input, too, `require_apart` says.
    """
    require_outside(*outputs)
    for output in filter(None, outputs):
        page = output.suffix.lower() in pages
        if not page and output.exists() and not output.is_dir():
            wish = f"a page that ends with {pages[0]}, or a folder" if pages else "a folder"
            raise InputError(f"'{output}' is a file; name {wish}.")
        require_writable(output, folder=not page)
