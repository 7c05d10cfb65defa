"""How fast source code is indexed, and lines are linked to it.

    python benchmarks/bench_code.py                          this package, and lines of its simulated shop
    python benchmarks/bench_code.py --repository DIR         another checkout; --full repeats each part three times

Indexing: lines of source code a second of wall clock and of CPU (one process), for a new index and for one that is
renewed with one file changed. Linking: records a second, for lines whose shape is new and for lines whose shape was
seen (``cached``), by the linker alone. There is no peer beside it: log2src is not in the registry of Python packages.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import logradar
from logradar.core.memory import peak_mb
from logradar.core.progress import quiet
from logradar.retrieval.code_index import CodeIndex
from logradar.retrieval.indexing import index_code
from logradar.retrieval.linker import Linker
from logradar.simulation.simulate import simulate
from logradar.sources.opening.opening import open_input

HOME = Path(logradar.__file__).parent


def main() -> None:
    """Index, renew, load and link."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repository", type=Path, default=HOME)
    parser.add_argument("--full", action="store_true")
    given = parser.parse_args()
    quiet(True)
    for _ in range(3 if given.full else 1):
        indexing(given.repository)
    linking(2 if given.full else 1)


def indexing(repository: Path) -> None:
    """A new index, one that is renewed, and how long loading takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    index, _ = index_code(repository)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    figures = index.figures()
    print(
        f"{figures['files']:,} files, {figures['lines']:,} lines, {figures['statements']:,} statements: {wall:.1f} s, "
        f"{cpu:.1f} s of CPU; {figures['lines'] / cpu:,.0f} lines per second of CPU, peak {peak_mb():,.0f} MB"
    )
    digests = index.tables["files"]["digest"].to_pylist()
    column = index.tables["files"].schema.get_field_index("digest")
    changed = index.tables["files"].set_column(column, index.tables["files"].schema.field(column), [["", *digests[1:]]])
    cpu = time.process_time()
    index_code(repository, before=CodeIndex({**index.tables, "files": changed}, index.facts))
    print(f"renewed with one file changed: {time.process_time() - cpu:.1f} s of CPU")
    with tempfile.TemporaryDirectory() as scratch:
        index.save(Path(scratch, "index"))
        size = sum(one.stat().st_size for one in Path(scratch, "index").iterdir())
        wall = time.perf_counter()
        Linker(CodeIndex.load(Path(scratch, "index")))
        print(f"on disk {size / 1e6:.1f} MB, loaded in {time.perf_counter() - wall:.1f} s")


def linking(days: float) -> None:
    """Lines of the simulated shop, first time and again."""
    index, _ = index_code(HOME / "simulation")
    linker = Linker(index)
    with tempfile.TemporaryDirectory() as scratch:
        simulate(Path(scratch, "shop"), seed=7, days=0.1 * days)
        rows = []
        with open_input(scratch + "/shop") as opened:
            for batch in opened.batches(None):
                columns = (batch[name].to_pylist() for name in ("body", "level", "component", "service"))
                rows += list(zip(*columns, strict=True))
    for name in ("first time", "again"):
        cpu = time.process_time()
        linked = sum(linker.link(*row).row >= 0 for row in rows)
        took = time.process_time() - cpu
        print(f"{name}: {len(rows):,} records, {linked:,} linked, {len(rows) / took:,.0f} records per second of CPU")


if __name__ == "__main__":
    main()
