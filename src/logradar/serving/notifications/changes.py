"""Changes: what a notification tells of an incident, as the words in its document."""

from __future__ import annotations

from typing import Final

OPENED: Final = "opened"
RAISED: Final = "raised"  # its band rose
AGAIN: Final = "again"  # it was over and goes on
RELABELLED: Final = "relabelled"  # Alertmanager knows it by other labels
RESOLVED: Final = "resolved"
MERGED: Final = "merged"  # it is part of another incident, or nothing is unusual about it any more
OVER: Final = frozenset({RESOLVED, MERGED})
TEST: Final = "test"  # a person tries out a receiver
