"""The simulated shop: equal seeds give equal bytes, labels and origins are true, faults can be found."""

from __future__ import annotations

import ast
import csv
import logging
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from shop_days import LINE, Day, Seen, counts, grams

import logradar
from logradar.core.errors import ConfigError, InputError
from logradar.simulation.faults import FAULTS
from logradar.simulation.journal import get_logger
from logradar.simulation.scheduler import Scheduler, Steps
from logradar.simulation.simulate import simulate
from logradar.simulation.trace import Trace
from logradar.simulation.traffic import DAY, HOUR, PEAK, load
from logradar.sources.simulated import FILES, read_mark

PACKAGE = Path(logradar.__file__).parent
SILENT = {"missing_step", "wrong_order", "silent_drop", "clock_skew", "retry_storm"}  # add no new messages
LOUD = {"bad_deploy", "pool_exhausted", "disk_full"}  # do
SAME = {"wrong_value", "wrong_delay"}  # leave the sequence as it is


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Day:
    folder = tmp_path_factory.mktemp("faulty")
    simulate(folder, lines_per_day=280_000, faults="all", seed=3)
    return Day(folder)


def test_what_is_written(faulty: Day) -> None:
    mark = read_mark(faulty.folder)
    assert mark is not None and mark["complete"]
    assert abs(mark["records"] / 280_000 - 1) < 0.15
    assert mark["sessions"] == len(faulty.sessions) == len(faulty.faults)
    assert faulty.sessions.keys() == faulty.faults.keys()
    assert mark["faults"] == {name: count for name, count in sorted(Counter(faulty.faults.values()).items()) if name}
    assert set(mark["faults"]) == set(FAULTS) and len(FAULTS) >= 12
    with (faulty.folder / "labels.csv").open() as file:
        assert all(row["label"] == str(int(row["fault"] != "")) for row in csv.DictReader(file))
    for name, lines in mark["lines"].items():
        texts = (faulty.folder / name).read_text().splitlines()
        assert len(texts) == lines
        times = [found[1] for text in texts if (found := LINE.match(text))]
        assert min(times) > "2026-03-02 00:0" and max(times) < "2026-03-03 00:10"
    assert 0.005 < mark["anomalies"] / mark["sessions"] < 0.1


def test_levels_and_components_are_varied(faulty: Day) -> None:
    found = [LINE.match(text) for name in FILES.values() for text in (faulty.folder / name).read_text().splitlines()]
    assert {m[2] for m in found if m} == {"DEBUG", "INFO", "WARNING", "ERROR"}
    assert len({m[3] for m in found if m}) >= 15


def test_many_requests_are_open_at_once(normal: Day) -> None:
    assert normal.open_at_once > 5


def test_a_fault_free_day_has_no_labels(normal: Day) -> None:
    assert set(normal.faults.values()) == {""}


@pytest.mark.slow
def test_normal_is_varied_but_can_be_learned(normal: Day, seen: Seen, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert 100 < len(seen.sequences) < 1000
    for seed in (2, 11):
        folder = tmp_path_factory.mktemp(f"seed{seed}")
        simulate(folder, lines_per_day=280_000, faults="none", seed=seed, start="2026-03-04")
        other = list(Day(folder).sessions.values())
        assert len(other) > 20_000
        assert {origin for sequence in other for origin in sequence} <= seen.templates
        assert sum(sequence not in seen.sequences for sequence in other) / len(other) < 0.005
        assert sum(seen.differs(sequence) for sequence in other) / len(other) < 0.003


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in SAME])
def test_every_session_of_a_fault_differs_from_normal(faulty: Day, seen: Seen, fault: str) -> None:
    sessions = faulty.of(fault)
    assert len(sessions) >= 10
    assert all(sequence not in seen.sequences for sequence in sessions)
    assert all(seen.differs(sequence) for sequence in sessions)
    new = sum(not seen.templates.issuperset(sequence) for sequence in sessions) / len(sessions)
    if fault in SILENT:
        assert new < 0.1  # a few are hit by a second fault
    if fault in LOUD:
        assert new > 0.9


def test_faults_change_what_their_name_says(faulty: Day, seen: Seen) -> None:
    starts = {sequence[:n] for sequence in seen.sequences for n in range(1, len(sequence))}
    assert all(sequence in starts for sequence in faulty.of("silent_drop"))  # a normal beginning, then nothing
    pairs = {gram for sequence in seen.sequences for gram in grams(sequence, 2)}
    for fault in ("clock_skew", "wrong_order"):
        assert all(not grams(sequence, 2) <= pairs for sequence in faulty.of(fault))
    skewed = faulty.of("clock_skew")
    assert sum(counts(sequence) in seen.counts for sequence in skewed) > 0.9 * len(skewed)
    source = (PACKAGE / "simulation/client.py").read_text().splitlines()
    reset = next(i for i, text in enumerate(source) if "connection reset" in text)
    resets = {f"simulation/client.py:{line}" for line in (reset, reset + 1)}
    assert max(sum(text in resets for text in sequence) for sequence in seen.sequences) == 1
    assert min(sum(text in resets for text in sequence) for sequence in faulty.of("retry_storm")) >= 4


def test_sessions_that_no_fault_changed_are_normal(faulty: Day, seen: Seen) -> None:
    sessions = faulty.of("")
    assert sum(sequence not in seen.sequences for sequence in sessions) / len(sessions) < 0.005


def test_only_the_faults_asked_for(tmp_path: Path) -> None:
    simulate(tmp_path, lines_per_day=200_000, faults="disk_full, wrong_order", seed=5)
    mark = read_mark(tmp_path)
    assert mark is not None
    assert mark["settings"]["faults"] == ["wrong_order", "disk_full"]
    assert set(mark["faults"]) == {"wrong_order", "disk_full"} == {episode["fault"] for episode in mark["episodes"]}


def test_disk_full_writes_stack_traces(faulty: Day) -> None:
    text = "".join((faulty.folder / name).read_text() for name in FILES.values())
    assert text.count("\nOSError: [Errno 28] No space left on device") == len(faulty.of("disk_full"))
    assert str(PACKAGE) not in text


def test_same_seed_same_bytes_in_any_process(tmp_path: Path) -> None:
    code = "import sys, pathlib; from logradar.simulation.simulate import simulate; "
    code += "simulate(pathlib.Path(sys.argv[1]), days=1.1, lines_per_day=20_000, seed=9)"
    for name, salt in (("a", "0"), ("b", "12345")):
        environment = {**os.environ, "PYTHONHASHSEED": salt}
        subprocess.run([sys.executable, "-c", code, tmp_path / name], check=True, env=environment)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["gateway.log", "labels.csv", "manager.log", "origins.parquet", "research.log", "simulation.json"]
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)
    simulate(tmp_path / "c", days=1.1, lines_per_day=20_000, seed=10)
    assert (tmp_path / "a/gateway.log").read_bytes() != (tmp_path / "c/gateway.log").read_bytes()


def test_origins_name_the_log_call_of_every_record(faulty: Day) -> None:
    texts = {name: (faulty.folder / name).read_text().splitlines() for name in FILES.values()}
    assert len(faulty.origins) == sum(bool(LINE.match(text)) for lines in texts.values() for text in lines)
    patterns = {origin: logged_at(*origin.split(":")) for origin in set(faulty.origins.values())}
    assert len(patterns) > 80
    for (source, number), origin in faulty.origins.items():
        found = LINE.match(texts[source][number - 1])
        assert found and patterns[origin].fullmatch(found[5]), (source, number, origin)
    assert {origin.split(":")[0] for origin in patterns} == {f"simulation/{name}.py" for name in (*FILES, "client")}


def logged_at(path: str, line: str) -> re.Pattern[str]:
    """What the log call that begins at this line of the source can write."""
    calls = [node for node in ast.walk(ast.parse((PACKAGE / path).read_text())) if isinstance(node, ast.Call)]
    logged = [call.args[0] for call in calls if call.lineno == int(line) and call.args]
    messages = [argument.value for argument in logged if isinstance(argument, ast.Constant)]
    assert len(messages) == 1, (path, line)
    parts = re.split(r"%(?:\.\d)?[dfs]", messages[0])
    return re.compile("(.+?)".join(re.escape(part) for part in parts))


def test_the_programs_own_logging_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = logging.getLogger()
    before = (dict(root.manager.loggerDict), list(root.handlers), root.level, logging.getLoggerClass())
    simulate(tmp_path / "a", days=0.2, lines_per_day=20_000)
    assert before == (dict(root.manager.loggerDict), list(root.handlers), root.level, logging.getLoggerClass())
    assert not caplog.records
    logging.disable(logging.CRITICAL)
    logging.addLevelName(logging.INFO, "NEWS")
    try:
        simulate(tmp_path / "b", days=0.2, lines_per_day=20_000)
        get_logger("gateway.access").info("without a simulation this goes nowhere")
    finally:
        logging.disable(logging.NOTSET)
        logging.addLevelName(logging.INFO, "INFO")
    assert (tmp_path / "a/gateway.log").read_bytes() == (tmp_path / "b/gateway.log").read_bytes()


def test_two_simulations_at_once_do_not_mix(tmp_path: Path) -> None:
    def run(name: str, seed: int) -> None:
        simulate(tmp_path / name, days=0.3, lines_per_day=40_000, seed=seed)

    threads = [threading.Thread(target=run, args=(f"thread{seed}", seed)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in (1, 2):
        run(f"alone{seed}", seed)
        for name in (*FILES.values(), "labels.csv"):
            assert (tmp_path / f"thread{seed}" / name).read_bytes() == (tmp_path / f"alone{seed}" / name).read_bytes()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"faults": "disk_ful"}, "did you mean 'disk_full'"),
        ({"faults": ["none", "disk_full"]}, "cannot be combined"),
        ({"faults": 3}, "'faults' is 3"),
        ({"days": 0}, "greater than 0"),
        ({"lines_per_day": 5}, "greater than or equal to 1000"),
        ({"sed": 5}, "did you mean 'seed'"),
        ({"start": "1900-01-01"}, "1970"),
    ],
)
def test_wrong_settings_are_errors(tmp_path: Path, given: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        simulate(tmp_path / "x", **given)
    assert not (tmp_path / "x").exists()


def test_foreign_files_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "gateway.log").write_text("mine")
    with pytest.raises(InputError, match=r"gateway\.log"):
        simulate(tmp_path, days=0.1, lines_per_day=1000)
    assert (tmp_path / "gateway.log").read_text() == "mine"
    with pytest.raises(InputError, match="is a file"):
        simulate(tmp_path / "gateway.log", days=0.1)


def test_a_full_disk_is_told_and_leaves_no_whole_simulation(tmp_path: Path) -> None:
    code = "import resource, sys, pathlib; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
    code += "from logradar.simulation.simulate import simulate; simulate(pathlib.Path(sys.argv[1]), days=0.5)"
    ended = subprocess.run([sys.executable, "-W", "error", "-c", code, tmp_path], capture_output=True, text=True)
    assert ended.returncode == 1 and "InputError: The simulation stopped" in ended.stderr.splitlines()[-1]
    mark = read_mark(tmp_path)
    assert mark is not None and not mark["complete"]


def test_a_simulation_may_be_written_again(tmp_path: Path) -> None:
    first = simulate(tmp_path, days=0.4, lines_per_day=20_000, seed=1)
    (tmp_path / "simulation.json").write_text('{"format": 1, "logradar": "0", "settings": {}, "complete": false}')
    assert simulate(tmp_path, days=0.4, lines_per_day=20_000, seed=1) == first
    assert "sessions" in first.sentence() and first.to_json()["records"] == first.records


def test_load_follows_the_day_and_the_week() -> None:
    monday = [load(hour * HOUR, 0) for hour in range(24)]
    assert sum(monday) / 24 == pytest.approx(1, abs=0.01)
    assert min(monday) == monday[2] > 0 and 12 <= monday.index(max(monday)) <= 18
    assert max(load(ms, 0) for ms in range(0, DAY, 60_000)) < PEAK
    assert load(12 * HOUR, 6) < 0.7 * load(12 * HOUR, 0)


def test_scheduler_runs_branches_side_by_side_and_drops_traces_whole() -> None:
    ended: list[Trace] = []
    closed: list[str] = []
    scheduler = Scheduler(ended.append)

    def wait(name: str, ms: int, error: bool = False) -> Steps[str]:
        try:
            yield ms
            if error:
                raise ValueError(name)
            return f"{name} at {scheduler.now}"
        finally:
            closed.append(name)

    results: list[object] = []

    def both() -> Steps[None]:
        results.extend((yield from scheduler.together(wait("slow", 30), wait("fast", 10))))
        try:
            yield from scheduler.together(wait("bad", 5, error=True), wait("good", 7))
        except ValueError as error:
            results.append(f"{error} at {scheduler.now}")

    def dropped() -> Steps[None]:
        try:
            yield from scheduler.together(wait("left", 10), wait("right", 20))
        finally:
            closed.append("parent")

    scheduler.start(both(), Trace("1", "both"))
    scheduler.run()
    assert results == ["slow at 30", "fast at 10", "bad at 37"]
    assert [trace.struck for trace in ended] == [""]

    closed.clear()
    victim = Trace("2", "dropped")
    victim.life = 3  # the parent begins, both branches begin, then nothing more
    scheduler.start(dropped(), victim)
    scheduler.run()
    assert sorted(closed) == ["left", "parent", "right"]
    assert [trace.key for trace in ended] == ["1", "2"]


@pytest.mark.slow
def test_half_a_million_lines_take_seconds(tmp_path: Path) -> None:
    import time

    began = time.process_time()
    summary = simulate(tmp_path)
    assert summary.records > 400_000 and time.process_time() - began < 20
