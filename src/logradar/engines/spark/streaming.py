"""Streaming: segments of write-ahead logs, as they land in a folder, are scored on Spark without an end.

Spark keeps the states (open sessions, readers of formats, clocks) in its RocksDB store and writes down which files are
in which micro-batch, so that a driver or an executor that is killed changes no alert.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from logradar.alerting.incident_groups import IncidentSettings
from logradar.alerting.incidents import IncidentList
from logradar.alerting.threshold import Threshold
from logradar.core.errors import ConfigError, InputError
from logradar.core.files import require_writable
from logradar.engines.spark.cluster import Engine, connected
from logradar.engines.spark.messages import SCHEMA, Message
from logradar.engines.spark.results import Results
from logradar.model.bundle import Bundle
from logradar.pipeline.detected import Detected
from logradar.scoring.rates.changes import latest
from logradar.scoring.scorer import in_order_of_severity
from logradar.scoring.stream import Step

PARTS: Final = 8  # of the session keys; a state has as many for ever
FILES: Final = 32  # segments of a micro-batch
_STORE: Final = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
_FILES: Final = "path string, modificationTime timestamp, length long, content binary"


def follow_on_spark(
    engine: Engine,
    folder: Path,
    bundle: Bundle,
    limit: Threshold,
    landing: Path,
    state: Path | None,
    grouping: IncidentSettings,
    on_step: Callable[[Step], object],
) -> Detected:
    """ALERTS and INCIDENTS of what lands, until the user interrupts, or with ``once`` of what is there.

    ``folder`` is that of ``bundle``; it, ``landing`` and ``state`` have the same path on every node. ``on_step`` is
    called with what each micro-batch brought. Raises `ConfigError`, `StateError` and `EngineError`.
    """
    if state is None:
        raise ConfigError("Spark keeps what is open in a folder: --state DIR, on storage that every node sees.")
    if not landing.is_dir():
        raise InputError(f"'{landing}' is no folder; on Spark, --follow names the folder where segments land.")
    if bundle.miner.uses_event_ids:
        raise ConfigError(
            "The bundle was trained on day files, which hold whole sessions; they do not arrive as a stream."
        )
    require_writable(state, folder=True)
    results = Results(state / "results", bundle, limit, grouping)
    alerts: list[pa.Table] = []
    changes: list[pa.Table] = []
    incidents = IncidentList()

    def take(frame: Any, number: int) -> None:
        rows = frame.collect()
        messages = (Message(row.part, row.unit, row.seq, row.kind, bytes(row.payload)) for row in rows)
        step = results.take(number, messages)
        if step is not None:
            alerts.append(step.alerts)
            changes.append(step.rate_changes)
            incidents.add(step.incidents)
            on_step(step)

    with connected(engine) as session:
        query = _query(session, engine, folder.absolute(), limit, landing.absolute(), state.absolute(), take)
        try:
            while not query.awaitTermination(1):
                time.sleep(0)
        except KeyboardInterrupt:
            query.stop()
    found = Detected(in_order_of_severity(alerts), results.figures())
    found.incidents, found.rate_changes = incidents.table(), latest(changes)
    return found


def _query(
    session: Any,
    engine: Engine,
    bundle: Path,
    limit: Threshold,
    landing: Path,
    state: Path,
    take: Callable[[Any, int], None],
) -> Any:
    from pyspark.sql import functions

    from logradar.engines.spark.processors import LogProcessor, PartProcessor

    parts = engine.partitions or PARTS
    session.conf.set("spark.sql.streaming.stateStore.providerClass", _STORE)
    session.conf.set("spark.sql.shuffle.partitions", parts)
    files = session.readStream.format("binaryFile").schema(_FILES).option("pathGlobFilter", "[0-9]*.wal")
    files = files.option("recursiveFileLookup", "true").option("maxFilesPerTrigger", FILES).load(landing.as_uri())
    log = functions.regexp_extract("path", "([^/]*)/[^/]*$", 1)
    records = files.select(log.alias("log"), "path", "content").groupBy("log")
    messages = records.transformWithStateInPandas(LogProcessor(bundle, parts), SCHEMA, "Append", "None")
    found = messages.groupBy("part").transformWithStateInPandas(PartProcessor(bundle, limit), SCHEMA, "Append", "None")
    writer = found.writeStream.outputMode("append").option("checkpointLocation", (state / "checkpoint").as_uri())
    writer = writer.trigger(availableNow=True) if engine.once else writer.trigger(processingTime="0 seconds")
    return writer.foreachBatch(take).start()
