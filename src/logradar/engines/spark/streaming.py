"""Streaming: segments of write-ahead logs, as they land in a folder, are scored on Spark without an end.

Spark keeps the states (open sessions, readers of formats, clocks) in its RocksDB store and writes down which files are
in which micro-batch, so that a driver or an executor that is killed changes no alert.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from logradar.alerting.incident_groups import IncidentSettings
from logradar.alerting.incidents import IncidentList
from logradar.alerting.threshold import Threshold
from logradar.core.errors import ConfigError, InputError, StateError
from logradar.core.files import require_writable
from logradar.engines.spark.cluster import Engine, connected
from logradar.engines.spark.messages import SCHEMA, Message
from logradar.engines.spark.results import Results
from logradar.engines.spark.sealed_bundle import SealedBundle
from logradar.model.bundle import Bundle
from logradar.pipeline.detection.detected import Detected
from logradar.scoring.rates.changes import latest
from logradar.scoring.scorer import in_order_of_severity
from logradar.scoring.stream import Step

PARTS: Final = 8  # of the session keys; a state has as many for ever
FILES: Final = 4  # segments of a micro-batch, of 32 MB each
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

    ``folder`` is that of ``bundle``, of which ``state`` gets a copy: what is said of it meanwhile counts from the next
    start. ``landing`` and ``state`` have the same path on every node. ``on_step`` is called with what each micro-batch
    brought. Raises `ConfigError`, `StateError` and `EngineError`.
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
    parts = engine.partitions or PARTS
    results = Results(state / "results", bundle, limit, grouping, parts)
    _require_whole(state, results.last)
    sealed = SealedBundle.of(_copied(folder, state / "bundle"))
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
        query = _query(session, engine, sealed, limit, landing.absolute(), state.absolute(), parts, take)
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
    bundle: SealedBundle,
    limit: Threshold,
    landing: Path,
    state: Path,
    parts: int,
    take: Callable[[Any, int], None],
) -> Any:
    from pyspark.sql import functions

    from logradar.engines.spark.processors import LogProcessor, PartProcessor

    session.conf.set("spark.sql.streaming.stateStore.providerClass", _STORE)
    session.conf.set("spark.sql.shuffle.partitions", parts)
    files = session.readStream.format("binaryFile").schema(_FILES).option("pathGlobFilter", "[0-9]*.wal")
    files = files.option("recursiveFileLookup", "true").option("maxFilesPerTrigger", FILES).load(landing.as_uri())
    log = functions.regexp_extract("path", "([^/]*)/[^/]*$", 1)
    records = files.select(log.alias("log"), "path", "content").groupBy("log")
    messages = records.transformWithStateInPandas(LogProcessor(bundle, parts), SCHEMA, "Append", "None")
    found = messages.groupBy("unit", "part").transformWithStateInPandas(
        PartProcessor(bundle, limit), SCHEMA, "Append", "None"
    )
    writer = found.writeStream.outputMode("append").option("checkpointLocation", (state / "checkpoint").as_uri())
    writer = writer.trigger(availableNow=True) if engine.once else writer.trigger(processingTime="0 seconds")
    return writer.foreachBatch(take).start()


def _copied(bundle: Path, to: Path) -> Path:
    """A copy of the bundle as it is now, in place of an earlier one."""
    draft = to.with_name(f".{to.name}")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(bundle, draft)
    shutil.rmtree(to, ignore_errors=True)
    return draft.replace(to)


def _require_whole(state: Path, last: int) -> None:
    """`StateError` where results and checkpoint are not of one run: then micro-batches would be lost or done twice."""
    numbers = {
        name: [int(path.name) for path in (state / "checkpoint" / name).glob("*") if path.name.isdecimal()]
        for name in ("offsets", "commits")
    }
    if last > max(numbers["offsets"], default=-1) or last < max(numbers["commits"], default=-1):
        raise StateError(
            f"In '{state}' the results and Spark's checkpoint do not belong together; name another folder."
        )
