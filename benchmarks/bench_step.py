"""A step of the stream: milliseconds for a batch that brings one session, on the HDFS sample.

    python benchmarks/bench_step.py

Each batch holds all lines of one session, as a service gets them when a request ends; the one before is then over.
Printed are median, 90 % and 99 % of the time of a step, with alerts of unfinished sessions and without, and how much
of it each part takes. There is no peer: no other tool scores session by session. Members are the simple detectors.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from logradar.core.progress import quiet
from logradar.core.tables import LOG_RECORDS
from logradar.model.bundle import Bundle, input_settings
from logradar.model.settings import run_settings
from logradar.pipeline.train import train
from logradar.scoring.stream import Stream
from logradar.scoring.thresholds import plan_threshold
from logradar.storage.records import reading

DATA = Path(os.environ.get("LOGRADAR_DATA", "../shared/data"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="all 4,313 sessions of the later half instead of 1,500")
    sessions = 10**9 if parser.parse_args().full else 1_500
    quiet()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        # The block of a line ends as soon as the next one begins: each step then judges exactly one session.
        train("hdfs", home / "bundle", run_settings(None, [f"input.data_dir={DATA}"]))
        bundle = Bundle.load(home / "bundle")
        batches = _sessions(bundle, sessions)
        lines = sum(map(len, batches)) / len(batches)
        print(f"{len(batches):,} sessions of HDFS, {lines:.1f} lines each; milliseconds a step")
        for early in (False, True):
            times, scored = _timed(bundle, batches, early)
            middle, most, worst = np.quantile(times, (0.5, 0.9, 0.99)) * 1e3
            name = "with alerts of unfinished sessions" if early else "finished sessions only"
            print(f"  {name:35} median {middle:.2f}  90 % {most:.2f}  99 % {worst:.2f}  ({scored:,} judged)")


def _sessions(bundle: Bundle, most: int) -> list[pa.Table]:
    settings = input_settings(bundle, {"input.data_dir": DATA, "input.use_labels": False})
    with reading("hdfs", settings) as corpus:
        records = pa.concat_tables(list(corpus.scan(LOG_RECORDS.names))).unify_dictionaries().combine_chunks()
    keys = records["session_key"].combine_chunks().dictionary_encode().indices.to_numpy()
    order = np.argsort(keys, kind="stable")
    bounds = np.flatnonzero(np.diff(keys[order], prepend=-1, append=-1))
    later = [order[start:end] for start, end in pairwise(bounds)][-4_313:][:most]
    return [records.take(pa.array(rows)) for rows in later]


def _timed(bundle: Bundle, batches: list[pa.Table], early: bool) -> tuple[list[float], int]:
    settings = bundle.settings.model_copy(
        update={"sessions": bundle.settings.sessions.model_copy(update={"idle_seconds": 1e-3, "by": "key"})}
    )
    stream = Stream(replace(bundle, settings=settings), plan_threshold(bundle), early=early)
    times = []
    for number, batch in enumerate(batches):
        batch = _moved(batch, number)
        began = time.perf_counter()
        stream.step(batch)
        times.append(time.perf_counter() - began)
    stream.close()
    return times[50:], stream.sessions


def _moved(batch: pa.Table, number: int) -> pa.Table:
    """The same session at one moment of its own, so that it is over when the next one comes."""
    moment = pa.scalar(1_700_000_000_000_000 + number * 1_000_000, pa.int64())
    column = pa.array([moment.as_py()] * len(batch), pa.int64()).cast(LOG_RECORDS.field("timestamp").type)
    return batch.set_column(LOG_RECORDS.get_field_index("timestamp"), LOG_RECORDS.field("timestamp"), column)


if __name__ == "__main__":
    main()
