"""The rules of the house: floors, file sizes, no forbidden loaders, style and types, light start."""

from __future__ import annotations

import ast
import importlib
import inspect
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
    "torch.load": r"torch\.load\(",
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


SCRIPTS = sorted(SOURCE.rglob("*.js"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_of_a_page_runs_text(path):
    """Not a vendored one either, nor by the way over a constructor; nor is text ever read as HTML of the page."""
    runs = r"\beval\b|\bFunction\s*\(|=\s*Function\b|function\s*\*?\s*\(\)\s*\{\s*\}\s*\)?\.constructor"
    writes = r"insertAdjacentHTML|outerHTML\s*=|document\.write|createContextualFragment|innerHTML\s*=\s*(?![\"']{2})"
    text = path.read_text()
    assert re.findall(runs, text) == []
    if "vendor" not in path.parts:
        assert re.findall(writes, text) == []


def test_rooms_have_names():
    vague = {"utils", "util", "common", "helpers", "helper", "misc", "tools", "shared"}
    assert [str(path) for path in FILES if vague & set(path.relative_to(SOURCE).with_suffix("").parts)] == []


def library_calls() -> list[tuple[str, str]]:
    """Module and name of every function of the library that a command imports to do its work."""
    found = set()
    for path in (SOURCE / "cli").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("logradar.pipeline"):
                found |= {(node.module, alias.name) for alias in node.names if alias.name.islower()}
    return sorted(found)


@pytest.mark.parametrize(("module", "name"), library_calls())
def test_optional_arguments_of_the_library_are_keyword_only(module, name):
    parameters = inspect.signature(getattr(importlib.import_module(module), name)).parameters.values()
    optional = [one for one in parameters if one.default is not inspect.Parameter.empty]
    assert [one.name for one in optional if one.kind is not inspect.Parameter.KEYWORD_ONLY] == []


def test_levels_severities_and_no_service_are_defined_once():
    """In core/tables.py alone."""
    words, levels = {"SEVERITIES", "NO_SERVICE", "NAMELESS"}, {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}
    found = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                named = {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
                values = {one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant)}
                if named & words or ({name.lstrip("_") for name in named} & levels and values & {13, 17, 21}):
                    found.add(path.relative_to(SOURCE).as_posix())
    assert found == {"core/tables.py"}


def test_the_pipeline_holds_acts_and_little_else():
    """It had grown to 29 files and to 36; what several acts need has packages of its own."""
    assert len(list((SOURCE / "pipeline").glob("*.py"))) <= 20


def test_tests_mirror_the_source():
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and not path.name.startswith("_")}
    tested = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert rooms == tested - {"fuzzing"}  # which attacks all rooms together, from outside


PACKAGES = sorted({path.parent for path in FILES})


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: folder.relative_to(SOURCE.parent).as_posix())
def test_every_folder_with_code_is_a_package_that_opens_with_prose(folder):
    """Else import-linter is blind to it, and a reader does not know where to begin."""
    assert (folder / "__init__.py").is_file()
    prose = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    assert len(re.findall(r"[.!?](?=\s|$)", prose)) >= 2, "what comes in, what goes out"
    inside = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path in PACKAGES} - {"__init__"}
    first = re.search(r"\bRead\s+`+(\w+)`+", prose)
    assert first or not inside, "which file to read first"
    assert first is None or first[1] in inside
    code = [path.read_text() for path in FILES if path.is_relative_to(folder)]
    known = {path.stem for path in [*folder.iterdir(), *FILES]} | {path.name for path in PACKAGES}
    for name in re.findall(r"(?<!`)`+([a-z_0-9]+)`+(?!`)", prose):
        assert name in known or any(f"def {name}(" in text for text in code), f"there is no '{name}'"


FILLERS = (
    "a an and are as at be by for from get give gives has have holds if in into is it its of on one or return returns "
    "set sets settings that the them these this those to was what when where whether which with"
)


def words_of(text: str) -> set[str]:
    """The words of a name or a sentence, in lower case and without a plural's s, less those that say nothing."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    words = {word.lower().rstrip("s") for word in re.findall(r"[A-Za-z]+", split)}
    return words - {word.rstrip("s") for word in FILLERS.split()}


def says_something(docstring: str | None, name: str) -> bool:
    """Whether a docstring holds a word that is not in the name of the thing (or of the class it is in)."""
    joined = name.replace("_", "").lower()
    return docstring is not None and any(word not in joined for word in words_of(docstring) - words_of(name))


def public_things(path: Path) -> list[tuple[str, str | None, tuple[str, ...]]]:
    """Name, docstring and base classes (of a method: those of its class) of all that is public in a module."""
    module = ast.parse(path.read_text())
    found = [(path.relative_to(SOURCE).as_posix(), ast.get_docstring(module), ())] if module.body else []

    def visit(body: list[ast.stmt], inside: str, bases: tuple[str, ...]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_":
                own = tuple(ast.unparse(base).rpartition(".")[2] for base in getattr(node, "bases", ())) or bases
                found.append((f"{inside}{node.name}", ast.get_docstring(node), own))
                if isinstance(node, ast.ClassDef):
                    visit(node.body, f"{node.name}.", own)

    visit(module.body, "", ())
    return found


def test_public_things_have_docstrings():
    """Every module, class, function and method; a method may leave it to the one of our classes that it overrides."""
    things = {path: public_things(path) for path in FILES}
    known = {name: (docstring, bases) for found in things.values() for name, docstring, bases in found}

    def inherited(method: str, bases: tuple[str, ...]) -> bool:
        rows = [(f"{base}.{method}", known.get(base, (None, ()))[1]) for base in bases]
        return any(says_something(known.get(name, (None, ()))[0], name) or inherited(method, up) for name, up in rows)

    bare = [
        f"{path.relative_to(SOURCE)}: {name}"
        for path, found in things.items()
        for name, docstring, bases in found
        if not says_something(docstring, name)
        and not (docstring is None and "." in name and inherited(name.rpartition(".")[2], bases))
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("docstring", "name", "says"),
    [
        (None, "score", False),
        ("Score.", "score", False),
        ("The score of the session.", "Session.score", False),
        ("Returns the event scores.", "event_scores", False),
        ("Settings of ``loglstm``.", "LogLSTMSettings", False),
        ("Higher is more anomalous.", "score", True),
        ("Seconds since the event before.", "gap", True),
    ],
)
def test_a_docstring_that_repeats_the_name_says_nothing(docstring, name, says):
    assert says_something(docstring, name) is says


@pytest.mark.xdist_group("tools")
def test_groups_go_to_one_process(request):
    """Else what a file trains once is trained by every process, and nothing says so."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("tests are not distributed by groups here")
    assert request.node.nodeid.endswith("@tools")


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


@pytest.mark.slow  # a minute and a half of a CPU; `make check` does it too
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


def test_a_command_ends_without_a_search_for_garbage():
    code = (
        "import atexit, gc, sys\n"
        "from logradar.cli import main\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 1000))\n"  # runs after what is registered later
        "sys.argv = ['logradar', '--version']\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "True"


def test_listing_detectors_imports_no_torch():
    code = (
        "import sys\n"
        "from logradar.detectors.base import detectors\n"
        "assert [detectors.summary(name) for name in detectors.names()]\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
