"""IoTDB by rates: in which of the 36 logs (six faults, six nodes) the phase under the fault shows as changes of rates.

python experiments/rates_iotdb.py   (needs LOGRADAR_DATA)

The normal lines of all logs but those of one fault train; the logs of that fault are judged. A log lasts less than a
minute, so buckets are one second. A phase is found where a change overlaps it; a change that does not is false.
"""

from __future__ import annotations

import lzma
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect
from logradar.pipeline.train import train

FAULTS = ("compaction", "cpu", "import", "memory", "network2", "shutdown_leader")
SETTINGS = ("detector=new_template", "beside=[]", "rates.bucket_seconds=1", "rates.any_hour=true")


def read(path: Path) -> tuple[list[str], datetime | None, datetime | None, datetime]:
    """Its normal lines, begin and end of the phase under the fault, and the first time."""
    lines = lzma.decompress(path.read_bytes()).decode(errors="replace").splitlines()
    marked = [line for line in lines if line[:4].isdigit() and line[4:5] == "-"]
    times = [datetime.fromisoformat(line[:23].replace(",", ".")) for line in (marked[:1] + marked[-1:])]
    first = datetime.fromisoformat(lines[0].removeprefix("- ")[:23].replace(",", "."))
    return lines, *((times[0], times[-1]) if times else (None, None)), first


def main() -> None:
    folder = Path(os.environ["LOGRADAR_DATA"]) / "iotdb_multilog"
    found = phases = false = 0
    seconds = 0.0
    for fault in FAULTS:
        with tempfile.TemporaryDirectory() as scratch:
            home = Path(scratch)
            (home / "train").mkdir()
            for other in FAULTS:
                for node in range(1, 7):
                    lines = read(folder / other / f"node{node}.log.xz")[0]
                    normal = [line[2:] for line in lines if line.startswith("- ")]
                    if other != fault:
                        (home / "train" / f"{other}-node{node}.log").write_text("\n".join(normal) + "\n")
            train(str(home / "train"), home / "bundle", run_settings(None, [*SETTINGS, "split.valid=0"]))
            rates = Bundle.load(home / "bundle").rates
            hit = wrong = 0
            for node in range(1, 7):
                lines, begin, end, first = read(folder / fault / f"node{node}.log.xz")
                log = home / "new.log"
                log.write_text("\n".join(line.removeprefix("- ") for line in lines) + "\n")
                rows: list[dict[str, Any]] = detect(home / "bundle", str(log)).rate_changes.to_pylist() if rates else []
                inside = [row for row in rows if begin and end and _overlaps(row, begin, end)]
                phases += begin is not None
                hit += bool(inside)
                wrong += len(rows) - len(inside)
                seconds += ((begin or first) - first).total_seconds()
            learnt = f"{rates.buckets:,.0f} s learnt" if rates else "no rates learnt"
            print(f"{fault}: {hit} of 6 nodes found, {wrong} false changes ({learnt})", flush=True)
            found, false = found + hit, false + wrong
    print(f"{found} of {phases} phases found; {false} false changes in {seconds:,.0f} seconds before the faults")


def _overlaps(row: dict[str, Any], begin: datetime, end: datetime) -> bool:
    zone = UTC
    return bool(row["started_at"] <= end.replace(tzinfo=zone) and row["last_at"] >= begin.replace(tzinfo=zone))


if __name__ == "__main__":
    main()
