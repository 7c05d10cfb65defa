"""The first training after an installation waits for the kernels to be compiled: few of them, each for one type."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CODE = """
import gc, json, sys
from numba.core.dispatcher import Dispatcher
from logradar.cli import main
try:
    main()
finally:
    ours = [d for d in gc.get_objects() if isinstance(d, Dispatcher) and d.__module__.startswith("logradar.")]
    print(json.dumps({f"{d.__module__}.{d.__name__}": len(d.overloads) for d in ours if d.overloads}), file=sys.stderr)
"""


def test_a_training_needs_few_kernels_and_each_for_one_type_of_arguments(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(
        "".join(
            f"2024-01-01 {i // 3600:02}:{i // 60 % 60:02}:{i % 60:02} INFO part {i} of blk_{i % 97}: {i % 7} kept\n"
            for i in range(2000)
        )
    )
    command = [sys.executable, "-c", CODE, "train", str(log), "-o", str(tmp_path / "bundle")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    compiled = json.loads(done.stderr.splitlines()[-1])
    assert compiled, "no kernel was used: the test looks at nothing"
    assert {name: types for name, types in compiled.items() if types > 1} == {}
    assert len(compiled) <= 36, sorted(compiled)
