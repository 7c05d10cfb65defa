"""Log language models: sessions a second of `distilbert`, beside the loop that people write, on HDFS and one machine.

    python benchmarks/bench_language.py [--bundle DIR] [--sessions 60] [--json]

The loop pads every session to 512 tokens and runs the same torch network in fp32, 32 rows at a time, with the same
questions (each session several times, with other events hidden). LogRadar asks distinct sessions only, in batches of
like lengths, by ONNX Runtime. TorchScript and ONNX are also timed on the same padded batches, so that one sees what
the runtime alone brings. The scores of the loop are compared with those of the detector. Without ``--bundle`` a small
model is trained for a moment: what it has learnt does not change the times.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from logradar.core.session_view import SessionView
from logradar.detectors.neural.scorer import Scorer
from logradar.detectors.text.word_surprise import questions
from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.pipeline.detect import sessions_of
from logradar.pipeline.export import export
from logradar.pipeline.preparation.prepare_texts import INPUTS
from logradar.pipeline.train import train
from logradar.storage.records import collect, opening

PADDED, ROWS = 512, 32


def padded_rows(asked: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The questions as matrices of 512 columns."""
    lengths = np.diff(asked.offsets)
    inside = np.arange(PADDED) < lengths[:, None]
    found = []
    for values in (asked.shown, asked.targets, asked.hidden):
        matrix = np.zeros(inside.shape, values.dtype)
        matrix[inside] = values
        found.append(matrix)
    return found[0], found[1], found[2]


def timed(run: Callable[[np.ndarray, np.ndarray], np.ndarray], tokens: np.ndarray, targets: np.ndarray) -> Any:
    run(tokens[:ROWS], targets[:ROWS])
    began = time.perf_counter()
    outputs = [run(tokens[at : at + ROWS], targets[at : at + ROWS]) for at in range(0, len(tokens), ROWS)]
    return time.perf_counter() - began, np.concatenate(outputs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--sessions", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    import torch  # after logradar, which says how its threads wait for each other

    with tempfile.TemporaryDirectory() as scratch:
        folder = given.bundle or Path(scratch) / "bundle"
        if given.bundle is None:
            words = ["detector=distilbert", "beside=[]", "detectors.distilbert.updates=0"]
            train("hdfs", folder, run_settings(None, words, {}, {"epochs": 1, "epoch_steps": 10}))
        bundle = Bundle.load(folder)
        detector: Any = bundle.main
        with opening("hdfs", bundle.settings.input) as (opened, home):
            tables = list(sessions_of(collect(opened, home), bundle, home))
        sessions = pa.concat_tables(tables).unify_dictionaries()
        sessions = sessions.slice(len(sessions) // 2)
        began = time.perf_counter()
        scores = detector.score(sessions)
        ours = len(sessions) / (time.perf_counter() - began)

        some = sessions.take(np.linspace(0, len(sessions) - 1, given.sessions).astype(int))
        read = detector.known.of_view(SessionView.of_table(some, INPUTS))
        every = read.sequences.take(read.sequences.inverse)  # the loop knows of no distinct sessions
        frames = detector._frames_of(every, detector.model.tokenizer.encode(read.texts))
        marks, s = detector.model.tokenizer.marks, detector.settings
        tokens, targets, _ = padded_rows(next(questions(frames, marks, s.passes, bool(s.holes))))
        network = detector.network()
        script_file = Path(scratch) / "model.ts"
        export(folder, script_file)
        script, onnx = torch.jit.load(str(script_file)), Scorer(detector.onnx)

        def with_torch(module: Any) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
            def run(one: np.ndarray, other: np.ndarray) -> np.ndarray:
                with torch.no_grad():
                    return module(torch.from_numpy(one), torch.from_numpy(other)).numpy()

            return run

        runs = {
            "padded loop, torch": with_torch(network),
            "padded loop, TorchScript": with_torch(script),
            "padded loop, ONNX": lambda one, other: next(onnx({"tokens": one, "targets": other})),
        }
        figures: dict[str, Any] = {"logradar": round(ours, 1), "sessions": len(sessions), "looped": given.sessions}
        outputs = {}
        for name, run in runs.items():
            seconds, outputs[name] = timed(run, tokens, targets)
            figures[name] = round(given.sessions / seconds, 2)
        first = outputs["padded loop, torch"]
        inside = tokens > 0
        figures["largest difference"] = float(max(np.abs(one - first)[inside].max() for one in outputs.values()))
        figures["ratio to the loop"] = round(ours / figures["padded loop, torch"], 1)
        assert len(scores) == len(sessions)
    if given.json:
        print(json.dumps(figures, indent=1))
    else:
        for name, value in figures.items():
            print(f"{name:28} {value}")


if __name__ == "__main__":
    main()
