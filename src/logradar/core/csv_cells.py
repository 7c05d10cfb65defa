"""Cells of CSV files that a spreadsheet cannot take for a formula.

A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return is a formula for spreadsheets, and logs
are written by strangers. Such a cell gets an apostrophe in front, which spreadsheets do not show (OWASP, "CSV
Injection"); a number stays as it is.
"""

from __future__ import annotations

import re
from typing import Final

_FORMULA: Final = re.compile(r"[=+\-@\t\r＝＋－＠]")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]+)?")


def harmless(cell: str | None) -> str | None:
    """The text of a cell as it can be written.

    >>> harmless("=HYPERLINK(1)"), harmless("-12"), harmless("cart")
    ("'=HYPERLINK(1)", '-12', 'cart')
    """
    if cell is None or not _FORMULA.match(cell) or _NUMBER.fullmatch(cell):
        return cell
    return "'" + cell
