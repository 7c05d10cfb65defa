"""Telling words: how much the words of a line say that something failed, whatever its level.

Build logs have no levels, and programs log failures as INFO. The lists are general English of compilers, test runners,
shells and package managers, written with the four ``dev`` logs of LogDx in view
and none of its others (docs/studies.md).
"""

from __future__ import annotations

from typing import Final

import polars as pl

STRONG: Final = 6.0  # says that something failed
MEDIUM: Final = 2.5  # says that something is not as wanted
WEAK: Final = 0.7  # warns
READ: Final = 2000  # characters of a message that callers need to pass
CALM: Final = 0.25  # factor where the line also says that all is well, or only names a thing so
_STRONG: Final = (
    r"(?i)##\[error\]|^error(?:\[\w+\])?\b:?|\berror:"
    r"|\b(?:fatal|panic|panicked|traceback|segmentation fault|segfault|aborted|core dumped|out of memory|oomkilled"
    r"|unhandled|uncaught)\b"
    r"|\w(?:Error|Exception)\b"
    r"|\bexit(?:ed|ing)?(?: with)? (?:code|status)\b:? ?[1-9]|\bexit (?:code|status):? [1-9]"
    r"|(?:^|\s)FAIL(?:ED|URE)?\b|\b[1-9]\d* (?:\w+ )?(?:failed|failures?|errors?)\b"
    r"|^(?:E|✗|✘|×|✕|●)\s+|[✗✘✕×●]|\bnpm err!|\berr!|\bELIFECYCLE\b|-->"
)
_MEDIUM: Final = (
    r"(?i)\b(?:failed|failing|fails|failure|failures|errors?|exception|assert(?:ion)?|cannot|can't|could not"
    r"|couldn't|unable|not found|no such|denied|refused|unauthori[sz]ed|forbidden|invalid|unexpected|undefined"
    r"|unresolved|missing|mismatch(?:ed)?|timed out|timeout|killed|conflicts?|violation|vulnerabilit\w+|expected"
    r"|actual|unsupported|deprecated|unrecognized|unknown|required|must|reject\w*|crash\w*|dubious|no tests?)\b"
)
_WEAK: Final = r"(?i)\bwarn(?:ing)?\b|\bskipp?ed\b|\bretry"
_CALM: Final = (
    r"(?i)\b(?:0|no) (?:\w+ )?(?:errors?|failures?|failed|warnings?|vulnerabilities)\b"
    r"|\b(?:passed|ok|success(?:ful(?:ly)?)?|PASS)\b"
    r"|continue-on-error|fail-fast|error-\w+\.|if-no-files-found|set -e|--fail|\|\| true|^\s*(?:\[command\]|\+ )"
    r"|--?\w*error\w*=|(?:errors?|fail\w*)\.(?:rs|ts|js|py|go|tsx|java|o|h)\b"
)


def weights(lines: pl.Series) -> pl.Series:
    """A weight for each line: 0 (nothing tells), up to `STRONG`.

    >>> weights(pl.Series(["listening on 80", "error: no such file", "12 passed, 0 failed"])).to_list()
    [0.0, 6.0, 1.5]
    """
    found = (
        pl.when(lines.str.contains(_STRONG)).then(STRONG)
        .when(lines.str.contains(_MEDIUM)).then(MEDIUM)
        .when(lines.str.contains(_WEAK)).then(WEAK)
        .otherwise(0.0)
    )  # fmt: skip
    calm = pl.when(lines.str.contains(_CALM)).then(CALM).otherwise(1.0)
    return pl.select((found * calm).alias("weight")).to_series()
