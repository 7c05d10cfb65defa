"""Processors: what Spark calls with the rows of a key, and keeps the state of, in its own store.

Spark starts a process for each micro-batch that only asks which states there are, so what is heavy is imported late.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle

if TYPE_CHECKING:
    from logradar.alerting.threshold import Threshold
    from logradar.engines.spark.messages import Message
    from logradar.engines.spark.sealed_bundle import SealedBundle

_COLUMNS: Final = ["part", "unit", "seq", "kind", "payload"]
_TOGETHER: Final = 64  # messages of one frame


class _Processor(StatefulProcessor):
    """Keeps one state, as bytes."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        """Called once for each task."""
        self._state = handle.getValueState("state", "state binary")

    def close(self) -> None:
        """Nothing is held between calls."""

    def _restore(self, one: Any) -> None:
        from logradar.engines.spark.messages import restored

        if (before := self._state.get()) is not None:
            one.restore(*restored(bytes(before[0])))

    def _keep(self, one: Any) -> None:
        from logradar.engines.spark.messages import state_of

        self._state.update((state_of(*one.state()),))


class LogProcessor(_Processor):
    """Segments of the write-ahead logs go in, messages for the parts come out; the key is the log."""

    def __init__(self, bundle: SealedBundle, parts: int) -> None:
        self._bundle, self._parts = bundle, parts

    def handleInputRows(self, key: Any, rows: Iterable[pd.DataFrame], timerValues: Any) -> Iterator[pd.DataFrame]:  # noqa: N802, N803
        """The files of a micro-batch, columns path and content."""
        from logradar.engines.spark.log_reader import LogReader

        reader = LogReader(self._bundle.load(), self._parts)
        self._restore(reader)
        files = [
            (path, bytes(data)) for frame in rows for path, data in zip(frame["path"], frame["content"], strict=True)
        ]
        yield from _frames(reader.read(files, str(key[0])))
        self._keep(reader)


class PartProcessor(_Processor):
    """Messages for a part go in, alerts and figures come out; the key is log and part, and part -1 is handed on."""

    def __init__(self, bundle: SealedBundle, limit: Threshold) -> None:
        self._bundle, self._limit = bundle, astuple(limit)

    def handleInputRows(self, key: Any, rows: Iterable[pd.DataFrame], timerValues: Any) -> Iterator[pd.DataFrame]:  # noqa: N802, N803
        """The messages of a micro-batch, in any order."""
        from logradar.alerting.threshold import Threshold
        from logradar.engines.spark.messages import Message
        from logradar.engines.spark.part_stream import PartStream

        messages = [Message(*row) for frame in rows for row in frame[_COLUMNS].itertuples(index=False)]
        messages = [one._replace(payload=bytes(one.payload)) for one in messages]
        if key[1] < 0:
            yield from _frames(messages)
            return
        stream = PartStream(self._bundle.load(), Threshold(*self._limit), int(key[1]), int(key[0]))
        self._restore(stream)
        yield from _frames(stream.read(messages))
        self._keep(stream)


def _frames(messages: Iterable[Message]) -> Iterator[pd.DataFrame]:
    found = list(messages)
    for start in range(0, len(found), _TOGETHER):
        yield pd.DataFrame(found[start : start + _TOGETHER], columns=_COLUMNS)
