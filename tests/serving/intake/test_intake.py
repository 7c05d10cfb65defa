"""Lines that senders deliver become the records that the same lines of a file become, wherever batches end."""

import json
import random
from datetime import datetime, timedelta

import polars as pl
import pyarrow as pa
import pytest

from logradar.core.quarantine import Quarantine
from logradar.serving.arrivals import Arrival, arrivals_table
from logradar.serving.intake.intake import Intake
from logradar.serving.intake.rows import log_records
from logradar.sources.base import Hints
from logradar.sources.lines import Lines
from logradar.sources.opening.opening import InputSettings

TRACE = """2024-05-01 12:00:00,000 INFO [main] shop.Cart - item 7 added
2024-05-01 12:00:01,000 ERROR [main] shop.Cart - failed
java.lang.IllegalStateException: no stock
\tat shop.Cart.add(Cart.java:10)
Caused by: java.io.IOException: broken pipe
\tat shop.Db.get(Db.java:7)
2024-05-01 12:00:02,000 WARN [main] shop.Cart - retried
"""
COLUMNS = ["timestamp", "service", "level", "component", "body", "session_key", "line"]


def read_file(path, key=None):
    (table,) = [pa.concat_tables(Lines().read([path], Hints(session_key=key), Quarantine()))]
    return table.select(COLUMNS).to_pylist()


def drive(intake, lines, sizes, stream="tail:app.log", restart=None):
    """All lines in batches of these sizes, each before a tick; then ticks until nothing is held."""
    rows, place = [], 0
    sizes = iter(sizes)
    while place < len(lines):
        size = next(sizes)
        part = [Arrival(stream, line) for line in lines[place : place + size]]
        rows.append(intake.push([(1_714_565_000_000_000, arrivals_table(part))]))
        place += size
        if restart is not None:
            intake = restart(intake)
    rows += [intake.push([]) for _ in range(8)]
    return pl.concat(rows)


def of(rows, key=None):
    return log_records(rows, key).select(COLUMNS).to_pylist()


def intake(lateness=4):
    return Intake(InputSettings(), None, lateness)


def restarted(old):
    values, tables = old.state()
    new = intake()
    new.restore(json.loads(json.dumps(values)), tables)
    return new


@pytest.mark.parametrize("seed", range(6))
def test_a_log_with_stack_traces_is_read_as_its_file(tmp_path, seed):
    lines = (TRACE * 20).splitlines()
    path = tmp_path / "app.log"
    path.write_text("\n".join(lines) + "\n")
    chance = random.Random(seed)
    sizes = iter(lambda: chance.choice([1, 2, 3, 17, 40]), None)
    found = drive(intake(), lines, sizes, restart=restarted if seed % 2 else None)
    assert of(found) == read_file(path)


@pytest.mark.parametrize("seed", range(2))
def test_hdfs_lines_are_read_as_their_file(hdfs_lines, tmp_path, seed):
    path = tmp_path / "hdfs.log"
    path.write_text("\n".join(hdfs_lines) + "\n")
    chance = random.Random(seed)
    sizes = iter(lambda: chance.choice([1, 200, 1000]), None)
    found = drive(intake(), hdfs_lines, sizes, restart=restarted if seed else None)
    key = r"(blk_-?\d+)"
    assert of(found, key) == read_file(path, key)


@pytest.fixture(scope="module")
def hdfs_lines():
    chance = random.Random(3)
    return [
        f"081109 2035{second:02d} {chance.randint(1, 99)} INFO dfs.DataNode$PacketResponder: "
        f"PacketResponder {chance.randint(0, 2)} for block blk_{chance.randint(-9, 9)}{chance.randint(1, 10**6)} ends"
        for second in range(60)
        for _ in range(100)
    ]


def test_what_the_sender_says_fills_what_the_line_does_not_say():
    said = [
        Arrival("otlp:pay", "card refused", 1_714_565_000_000_000, "pay", 17, "shop.Pay", "abc", '{"code": 51}'),
        Arrival("otlp:pay", "2024-05-01 12:00:00,000 INFO shop.Cart - added", 5, "pay", 17, "x", None, None),
    ]
    one = intake()
    rows = [one.push([(7, arrivals_table(said))]), *(one.push([]) for _ in range(8))]
    first, second = log_records(pl.concat(rows), None).to_pylist()
    assert (first["service"], first["level"], first["component"], first["session_key"]) == (
        "pay",
        17,
        "shop.Pay",
        "abc",
    )
    assert first["timestamp"].timestamp() == 1_714_565_000
    assert (second["body"], second["level"], second["service"]) == ("added", 9, "pay"), "the line itself says it"
    assert second["timestamp"].hour == 12


def test_a_key_is_looked_for_in_the_line_then_in_the_attributes():
    said = [
        Arrival("otlp:a", "order=17 paid", session_key="t1", attributes='{"order":"18"}'),
        Arrival("otlp:a", "paid", session_key="t1", attributes='{"x":"order=18"}'),
        Arrival("otlp:a", "paid", session_key="t1"),
    ]
    one = intake()
    rows = pl.concat([one.push([(7, arrivals_table(said))]), *(one.push([]) for _ in range(8))])
    assert log_records(rows, r"order=(\d+)")["session_key"].to_pylist() == ["17", "18", "t1"]


def test_records_of_two_senders_are_merged_by_their_clocks_within_the_lateness():
    def line(second, what):
        return f"2024-05-01 12:00:{second:02d},000 INFO shop - {what}"

    one = intake(lateness=3)
    early = [Arrival("tail:a", line(second, f"a{second}")) for second in range(0, 20, 2)]
    late = [Arrival("tail:b", line(second, f"b{second}")) for second in range(1, 20, 2)]
    rows = [
        one.push([(1, arrivals_table([early[0], late[0]]))]),
        *(one.push([]) for _ in range(2)),
        one.push([(1, arrivals_table(early[1:]))]),
        one.push([(1, arrivals_table(late[1:]))]),
        *(one.push([]) for _ in range(8)),
    ]
    bodies = pl.concat(rows)["body"].to_list()
    assert bodies == [f"{'ab'[second % 2]}{second}" for second in range(20)]


def test_a_message_of_several_lines_is_one_record():
    said = [
        Arrival("otlp:a", "cannot pay\nTraceback:\n  File x"),
        Arrival("otlp:a", '{\n "level": "info",\n "msg": "hi"\n}'),
    ]
    one = intake()
    rows = pl.concat([one.push([(7, arrivals_table(said))]), *(one.push([]) for _ in range(8))])
    assert len(rows) == 2
    assert rows["body"][0] == "cannot pay\nTraceback:\n  File x"


def test_a_day_of_eight_senders_at_once_comes_out_in_order_of_time():
    """Some have so many lines that their format is known at once, of others the first lines are waited for."""
    one, said = intake(), []
    for number in range(8):
        count = 5_000 if number % 2 else 2_000
        said += [
            Arrival(
                f"otlp:{number}",
                f"{datetime(2024, 5, 1) + timedelta(seconds=at * 86_400 / count + number)} INFO a - {at}",
            )
            for at in range(count)
        ]
    rows = pl.concat([one.push([(1, arrivals_table(said))]), *(one.push([]) for _ in range(8))])
    assert len(rows) == len(said)
    times = rows["timestamp"].dt.epoch("ms").to_list()
    assert times == sorted(times)


def test_senders_that_deliver_in_turn_are_in_order_of_time():
    one, rows, chance = intake(), [], random.Random(2)
    names = [f"otlp:{number}" for number in range(5)]
    for tick in range(40):
        said = []
        for place, name in enumerate(chance.sample(names, 5)):
            said += [
                Arrival(name, f"{datetime(2024, 5, 1) + timedelta(seconds=tick + (at * 5 + place) / 500)} INFO a - x")
                for at in range(100)
            ]
        rows.append(one.push([(1, arrivals_table(said))]))
    found = pl.concat([*rows, *(one.push([]) for _ in range(8))])
    assert len(found) == 40 * 500
    times = found["timestamp"].dt.epoch("ms").to_list()
    assert times == sorted(times)


def test_a_sender_that_was_silent_for_long_is_at_once_where_its_time_is():
    one, rows = intake(), []
    for minute in range(30):
        when = datetime(2024, 5, 1) + timedelta(minutes=minute)
        said = [Arrival("otlp:busy", f"{when + timedelta(seconds=second)} INFO a - busy") for second in range(60)]
        if minute % 10 == 9:
            said.insert(0, Arrival("otlp:rare", f"{when + timedelta(seconds=30)} INFO a - rare"))
        rows.append(one.push([(1, arrivals_table(said))]))
    found = pl.concat([*rows, *(one.push([]) for _ in range(8))])
    assert len(found) == 30 * 60 + 3
    times = found["timestamp"].dt.epoch("ms").to_list()
    assert times == sorted(times)


def test_lines_without_times_and_wrong_dates_hold_nobody_up_for_long():
    one, bodies = intake(lateness=4), []
    for tick in range(40):
        when = datetime(2024, 5, 1) + timedelta(seconds=tick)
        year = 2031 if tick == 10 else 2024
        said = [
            Arrival("otlp:timed", f"{when.replace(year=year)} INFO a - timed {tick}"),
            Arrival("otlp:plain", f"no time {tick}"),
        ]
        bodies += one.push([(round(when.timestamp() * 1e6), arrivals_table(said))])["body"].to_list()
        assert len(bodies) >= 2 * (tick - 6)
    bodies += [body for _ in range(8) for body in one.push([])["body"].to_list()]
    for name in ("timed", "no time"):
        assert [body for body in bodies if body.startswith(name)] == [f"{name} {tick}" for tick in range(40)]
