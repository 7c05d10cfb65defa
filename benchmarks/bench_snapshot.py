"""The snapshot of a detection service: seconds to bring open sessions and their lines into tables, and to write them.

    python benchmarks/bench_snapshot.py [--sessions 100000] [--json]

Sessions of five lines each are sent into a stream, 5,000 lines at a time, and none of them is over. The first snapshot
after that is timed: it gathers what came in many pieces. An older version runs it too: PYTHONPATH=CHECKOUT/src.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench_service import trained
from logradar.core.tables import LOG_RECORDS, conform
from logradar.model.bundle import Bundle
from logradar.scoring.stream import Stream
from service_load import sessions

AT_ONCE = 1_000  # sessions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bundle = Bundle.load(trained(Path(name)))
        stream = Stream(bundle, bundle.thresholds[bundle.settings.detector], several=True)
        source, sent = sessions(7), 0
        while sent < given.sessions:
            lines = [line for one in itertools.islice(source, AT_ONCE) for line in one]
            moments = 1_800_000_000_000_000 + 100 * (5 * sent + np.arange(len(lines)))
            columns = {
                "record_id": np.arange(len(lines)),
                "timestamp": pa.array(moments).cast(LOG_RECORDS.field("timestamp").type),
                "source": ["load"] * len(lines),
                "line": np.arange(len(lines)),
                "service": [line.service for line in lines],
                "body": [line.text for line in lines],
                "session_key": [line.trace for line in lines],
            }
            stream.step(conform(pa.table(columns), LOG_RECORDS))
            sent += AT_ONCE
        began = time.perf_counter()
        tables = stream.tables()
        gathered = time.perf_counter() - began
        for number, table in enumerate(tables.values()):
            pq.write_table(table, Path(name) / f"{number}.parquet", compression="zstd")
        written = time.perf_counter() - began - gathered
    figures = {"open_lines": tables["lines"].num_rows, "gather_s": round(gathered, 2), "write_s": round(written, 2)}
    print(json.dumps(figures) if given.json else "  ".join(f"{key} {value}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
