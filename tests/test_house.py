"""The rules of the house: floors, file sizes, no forbidden loaders, style and types, light start."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "logradar"
FILES = sorted(SOURCE.rglob("*.py"))
EVERY = [*FILES, *(p for room in ("tests", "benchmarks", "experiments") for p in sorted((ROOT / room).rglob("*.py")))]
FORBIDDEN = {
    "pickle": r"\bimport pickle|\bpickle\.load|from pickle",
    "torch.load": r"torch\.load\((?!.*weights_only=True)",
    "yaml.load": r"yaml\.load\(",
    "jsonpickle": r"jsonpickle",
    "eval": r"(?<![\w.])eval\(",
    "exec": r"(?<![\w.])exec\(",
    "joblib": r"\bjoblib\b",
}


def run(*command: str) -> str:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_no_file_is_long_and_most_are_short():
    lengths = {path: len(path.read_text().splitlines()) for path in EVERY}
    assert {str(p.relative_to(ROOT)): n for p, n in lengths.items() if n > 400} == {}
    assert statistics.median(lengths[path] for path in FILES) <= 150


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_nothing_loads_code_from_files(name):
    found = [p.name for p in FILES if re.search(FORBIDDEN[name], p.read_text())]
    assert found == []


def test_rooms_have_names():
    vague = {"utils", "util", "common", "helpers", "helper", "misc", "tools", "shared"}
    assert [str(path) for path in FILES if vague & set(path.relative_to(SOURCE).with_suffix("").parts)] == []


def test_tests_mirror_the_source():
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and not path.name.startswith("_")}
    tested = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert rooms == tested


def test_public_things_have_docstrings():
    bare = []
    for path in FILES:
        text = path.read_text()
        if text.strip() and not text.lstrip().startswith('"""'):
            bare.append(str(path.relative_to(SOURCE)))
    assert bare == []


@pytest.mark.xdist_group("tools")
def test_floors_hold():
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.xdist_group("tools")
def test_style():
    run("ruff", "check", ".")
    run("ruff", "format", "--check", ".")


@pytest.mark.xdist_group("tools")
def test_types():
    run("mypy", "src/logradar")


def test_help_starts_light():
    """What `logradar --help` imports decides how fast it answers."""
    code = (
        "import sys, logradar.cli as c\n"
        "c.build()\n"
        "heavy = {'torch', 'transformers', 'polars', 'pyarrow', 'numpy', 'matplotlib', 'sklearn', 'scipy', 'numba'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_listing_detectors_imports_no_torch():
    code = (
        "import sys\n"
        "from logradar.detectors.base import detectors\n"
        "assert [detectors.summary(name) for name in detectors.names()]\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
