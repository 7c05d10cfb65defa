"""The simulated services really log; the statement that wrote each of their lines is known."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

import logradar.simulation
from logradar.retrieval.indexing import index_code
from logradar.retrieval.linker import Linker
from logradar.simulation.simulate import simulate
from logradar.sources.opening.opening import open_input

pytest.importorskip("tree_sitter")


def test_nearly_every_line_leads_to_the_statement_that_wrote_it(tmp_path):
    simulate(tmp_path / "shop", seed=5, days=0.01)
    index, _ = index_code(Path(logradar.simulation.__file__).parent)
    linker = Linker(index)
    rows = pq.read_table(tmp_path / "shop" / "origins.parquet").to_pylist()
    answers = {
        (row["source"], row["line"]): (row["path"].removeprefix("simulation/"), row["code_line"]) for row in rows
    }
    right = wrong = 0
    with open_input(str(tmp_path / "shop")) as opened:
        for batch in opened.batches(None):
            for record in batch.to_pylist():
                link = linker.link(record["body"], record["level"], record["component"], record["service"])
                if link.row < 0:
                    continue
                one = linker.statements[link.row]
                path, line = answers[Path(record["source"]).name, record["line"]]
                good = index.paths[one["file"]] == path and one["first_line"] <= line <= one["last_line"]
                right, wrong = right + good, wrong + (not good)
    assert right > 300
    assert right / len(answers) >= 0.975
    assert right / (right + wrong) >= 0.99
