"""Schedule: which faults begin when, as texts such as ``disk_full@30`` or ``disk_full@30+60``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from logradar.core.errors import ConfigError, did_you_mean
from logradar.simulation.faults import FAULTS

LENGTH: Final = 60.0  # seconds that a fault lasts where nothing else is said
_FORM: Final = re.compile(r"([a-z_]+)@([0-9]+(?:\.[0-9]+)?)(?:\+([0-9]+(?:\.[0-9]+)?))?")


class Planned(NamedTuple):
    """A fault that begins ``at`` and lasts for ``length``, both in seconds of the wall clock."""

    name: str
    at: float
    length: float


def planned_of(texts: Iterable[str]) -> list[Planned]:
    """The faults that are named, in the order in which they begin. Raises `ConfigError` that names the wrong one.

    >>> planned_of(["disk_full@30", "retry_storm@5+20"])[0]
    Planned(name='retry_storm', at=5.0, length=20.0)
    """
    found = []
    for text in texts:
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise ConfigError(f"--fault {text}: a fault is given as NAME@SECONDS or NAME@SECONDS+LENGTH.")
        if match[1] not in FAULTS:
            raise ConfigError(f"--fault {text}: there is no fault '{match[1]}', {did_you_mean(match[1], FAULTS)}")
        length = float(match[3]) if match[3] else LENGTH
        if length <= 0:
            raise ConfigError(f"--fault {text}: its length must be more than 0 seconds.")
        found.append(Planned(match[1], float(match[2]), length))
    return sorted(found, key=lambda one: one.at)
