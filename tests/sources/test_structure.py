"""Entries of several lines, traces of all languages, and formats that change inside a file."""

from __future__ import annotations

import gzip
import json
import lzma
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from reading_lines import read, write

from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits

ERROR, WARN, INFO, DEBUG = 17, 13, 9, 5
START = datetime(2024, 5, 3, 10, tzinfo=UTC)


def in_all_ways(tmp_path, lines, blocks=(1 << 10, 8 << 20)) -> pl.DataFrame:
    """The records of a log; the same whatever the size of blocks, and nothing of it is quarantined."""
    file = write(tmp_path / "app.log", "\n".join(lines) + "\n")
    found = []
    for block in blocks:
        quarantine = Quarantine()
        found.append(read(file, quarantine=quarantine, limits=ReadLimits(block=block)))
        assert not quarantine.count
    assert all(other.equals(found[0]) for other in found[1:])
    return found[0]


def stamp(second: int, layout: str = "%Y-%m-%d %H:%M:%S") -> str:
    return (START + timedelta(seconds=second)).strftime(layout)


# ---- a label, and what belongs to it below


@pytest.mark.parametrize("time", ["", "[{}] ", "{} "])
@pytest.mark.parametrize(
    "body", [["      Request finished"], ["      Request finished", "      => scope", "      => more"]]
)
def test_the_console_of_dotnet(tmp_path, time, body):
    levels = {"info": INFO, "warn": WARN, "fail": ERROR, "dbug": DEBUG, "crit": 18, "trce": 1}
    names = list(levels)
    lines = []
    for number in range(300):
        lines += [f"{time.format(stamp(number))}{names[number % 6]}: Shop.Orders.Handler[{number % 7}]", *body]
    found = in_all_ways(tmp_path, lines)
    assert found["level"].to_list() == [levels[names[number % 6]] for number in range(300)]
    assert set(found["component"]) == {"Shop.Orders.Handler"}
    assert found["body"][0].splitlines()[0] == "Request finished"
    assert found["timestamp"].null_count() == (300 if not time else 0)


def test_an_exception_below_the_console_of_dotnet(tmp_path):
    entry = [
        "fail: Shop.Orders[1]",
        "      Order failed",
        "      System.InvalidOperationException: no stock",
        "       ---> System.TimeoutException: db",
        "         at Shop.Db.Query() in /src/Db.cs:line 12",
        "         --- End of inner exception stack trace ---",
        "         at Shop.Orders.Place() in /src/Orders.cs:line 7",
    ]
    found = in_all_ways(tmp_path, [*entry, "info: Shop.Orders[0]", "      Order placed"] * 20)
    assert found["body"].str.split("\n").list.first().to_list() == ["Order failed", "Order placed"] * 20


def test_the_console_of_puppet(tmp_path):
    lines = [
        "Info: Applying configuration version '1714730400'",
        "Notice: /Stage[main]/Ntp/Service[ntp]/ensure: ensure changed 'stopped' to 'running'",
        "Warning: Unknown variable: 'foo'.",
        "   (location: /etc/puppetlabs/code/manifests/site.pp, line: 12)",
        "Error: Could not retrieve catalog from remote server",
        "Notice: Applied catalog in 0.42 seconds",
    ]
    found = in_all_ways(tmp_path, lines * 60)
    assert found["level"].to_list() == [INFO, 10, WARN, ERROR, 10] * 60
    assert (
        found["body"][2] == "Unknown variable: 'foo'.\n   (location: /etc/puppetlabs/code/manifests/site.pp, line: 12)"
    )


def test_labels_that_nobody_knows(tmp_path):
    lines = ["[unit-a] starting:", "    loading modules", "    ready", "unit-b: done"] * 50
    assert (
        in_all_ways(tmp_path, lines)["body"].to_list()
        == [
            "[unit-a] starting:\n    loading modules\n    ready",
            "unit-b: done",
        ]
        * 50
    )


# ---- few lines with a header


SQL = ["select", "o.id, o.total", "from orders o", "where o.customer_id=?", "order by o.id limit 7"]


@pytest.mark.parametrize("below", [1, 2, 5, 11, 29])
@pytest.mark.parametrize(
    "head",
    [
        "{} {} [main] org.hibernate.SQL - ",
        "{} {} [main] org.hibernate.SQL - statement:",
        "{} - sqlalchemy.engine - {} - ",
        "{} [{}] query",
    ],
)
def test_few_lines_have_a_header(tmp_path, below, head):
    if below == 1 and not head.endswith(" - "):
        pytest.skip("every second line has a header with a message: the others may be records of their own")
    lines = []
    for number in range(150):
        lines += [head.format(stamp(number), "ERROR" if number % 10 == 0 else "INFO"), *(SQL * 6)[:below]]
    found = in_all_ways(tmp_path, lines)
    assert len(found) == 150
    assert found["timestamp"].null_count() == 0
    assert found["level"].to_list().count(ERROR) == 15
    assert found["body"].str.contains("select").all()


def test_output_without_headers_between_lines_with_one_is_not_swallowed(tmp_path):
    """A build prints thousands of lines; a few of them begin with a time."""
    lines = [f"compiling unit {number}" for number in range(3_000)]
    for place in range(0, 3_000, 600):
        lines.insert(place, f"{stamp(place)} INFO stage {place}")
    assert len(in_all_ways(tmp_path, lines)) == len(lines)


def test_a_record_of_few_headers_does_not_grow_without_end(tmp_path):
    lines = []
    for number in range(600):
        lines += [f"{stamp(number)} DEBUG [main] org.hibernate.SQL - ", *SQL]
    lines += [f"row {number}" for number in range(3_000)]
    found = in_all_ways(tmp_path, lines)
    assert len(found) == 600 + 3_000 - 195  # 5 and 195 lines below the last header
    assert found["timestamp"].null_count() == 0


# ---- two lines


@pytest.mark.parametrize("layout", ["%b %d, %Y %I:%M:%S %p", "%Y-%m-%d %H:%M:%S"])
@pytest.mark.parametrize("method", [" startInternal", " <init>", " lambda$main$0", ""])
def test_entries_of_two_lines(tmp_path, layout, method):
    words = ["INFO", "WARNING", "SEVERE", "FINE"]
    lines = []
    for number in range(90):
        lines += [
            f"{stamp(number, layout)} org.apache.catalina.core.StandardService{method}",
            f"{words[number % 4]}: Starting service Catalina-{number}",
            *["java.lang.IllegalStateException: bad", "\tat org.apache.Foo.bar(Foo.java:3)"] * (number % 4 == 2),
        ]
    found = in_all_ways(tmp_path, lines)
    assert found["level"].to_list() == [[INFO, WARN, ERROR, DEBUG][number % 4] for number in range(90)]
    assert found["timestamp"].to_list() == [START + timedelta(seconds=number) for number in range(90)]
    assert set(found["component"]) == {"org.apache.catalina.core.StandardService"}
    assert found["body"][0] == "Starting service Catalina-0"
    assert found["body"][2].splitlines()[1] == "java.lang.IllegalStateException: bad"
    assert found["line"].to_list()[:4] == [1, 3, 5, 9]


# ---- traces


GO = """\
goroutine 18 [running]:
net/http.(*conn).serve.func1(0xc0000a0000)
	/usr/local/go/src/net/http/server.go:1801 +0x147
panic({0x1234560, 0xc000010000})
	/usr/local/go/src/runtime/panic.go:975 +0x3e9
main.(*Store[...]).Get(...)
	/app/store.go:40
net/http.HandlerFunc.ServeHTTP(0x13c4f20?, {0x1, 0x2}, 0xc0000e8000)
	/usr/local/go/src/net/http/server.go:2042 +0x44
created by net/http.(*Server).Serve in goroutine 1
	/usr/local/go/src/net/http/server.go:2969 +0x36c

goroutine 1 [IO wait, 5 minutes]:
internal/poll.runtime_pollWait(0x7f, 0x72)
	/usr/local/go/src/runtime/netpoll.go:305 +0x89"""
PYTHON = """\
Traceback (most recent call last):
  File "/app/db.py", line 3, in get
    return rows[key]
           ~~~~^^^^^
KeyError: 'cart'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/web.py", line 9, in view
    get("cart")
shop.errors.NotFound: cart

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/main.py", line 20, in run
    view()
RuntimeError: request failed"""
PHP = """\
Stack trace:
#0 /var/www/index.php(7): Shop\\Cart->total()
#1 {main}

Next Shop\\CartException: no total in /var/www/cart.php:12
Stack trace:
#0 /var/www/index.php(9): Shop\\Cart->show(Array)
#1 {main}
  thrown in /var/www/cart.php on line 12"""
MONOLOG = """\
[stacktrace]
#0 /var/www/vendor/laravel/framework/src/Illuminate/Routing/Router.php(680): run()
#1 {main}

[previous exception] [object] (PDOException(code: 0): gone at /var/www/db.php:3)
[stacktrace]
#0 {main}
"} """
JAVA = """\
java.lang.RuntimeException: outer
	at com.shop.Cart.total(Cart.java:3)
	Suppressed: java.io.IOException: closed
		at com.shop.Cart.close(Cart.java:9)
Caused by: java.sql.SQLException: gone
	... 12 more"""
RUST = """\
stack backtrace:
   0: rust_begin_unwind
             at /rustc/abc/library/std/src/panicking.rs:647:5
   1: shop::main
             at ./src/main.rs:4:5
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace."""
NODE = """\
TypeError: no stock
    at Cart.total (/app/cart.js:3:9)
    at async /app/index.js:10:3"""
TRACES = {"go": GO, "python": PYTHON, "php": PHP, "monolog": MONOLOG, "java": JAVA, "rust": RUST, "node": NODE}


@pytest.mark.parametrize("kind", TRACES)
@pytest.mark.parametrize("head", ["{} ERROR [main] shop.Cart - ", "{} ", '{{"x"'])
def test_a_trace_belongs_to_its_message(tmp_path, kind, head):
    if head.startswith("{{"):
        pytest.skip("JSON holds its traces inside")
    lines = []
    for number in range(40):
        lines += [f"{head.format(stamp(number))}request {number} served"]
        if number % 4 == 1:
            lines += [f"{head.format(stamp(number))}request {number} failed", *TRACES[kind].splitlines()]
    found = in_all_ways(tmp_path, lines, (1 << 9, 1 << 11, 8 << 20))
    assert len(found) == 50
    failed = found.filter(pl.col("body").str.contains("failed"))["body"]
    assert all(
        body.split("\n", 1)[1].splitlines() == [x for x in TRACES[kind].splitlines() if x.strip()] for body in failed
    )


@pytest.mark.parametrize("kind", ["go", "python", "rust", "php"])
def test_a_trace_in_a_log_without_headers(tmp_path, kind):
    first = {"go": "panic: runtime error: index out of range", "rust": "thread 'main' panicked at src/main.rs:4:5:"}
    lines = []
    for number in range(40):
        lines += [f"request {number} served"]
        if number % 4 == 1:
            lines += [first.get(kind, "request failed"), *TRACES[kind].splitlines()]
    found = in_all_ways(tmp_path, lines, (1 << 9, 1 << 11, 8 << 20))
    assert len(found) == 50


def test_words_with_a_colon_below_indented_lines_are_no_exception(tmp_path):
    lines = ["step one:", "    detail", "result: fine", "step two:", "    detail", "Done:"] * 30
    assert (
        in_all_ways(tmp_path, lines)["body"].to_list()
        == [
            "step one:\n    detail",
            "result: fine",
            "step two:\n    detail",
            "Done:",
        ]
        * 30
    )


# ---- formats that change


def log4j(number: int) -> str:
    return f"{stamp(number)},123 {'ERROR' if number % 20 == 0 else 'INFO'} [main] com.shop.Orders - order {number}"


def as_json(number: int) -> str:
    level = "error" if number % 20 == 0 else "info"
    return json.dumps({"time": stamp(number, "%Y-%m-%dT%H:%M:%SZ"), "level": level, "msg": f"order {number}"})


def python(number: int) -> str:
    return f"{stamp(number)},123 - shop.orders - {'ERROR' if number % 20 == 0 else 'INFO'} - order {number}"


def bracketed(number: int) -> str:
    return f"[{stamp(number)}] {'ERROR' if number % 20 == 0 else 'INFO'}: order {number}"


def plain(number: int) -> str:
    return f"order {number}"


@pytest.mark.parametrize(
    ("before", "after"),
    [(log4j, as_json), (as_json, log4j), (log4j, python), (python, log4j), (as_json, bracketed), (log4j, bracketed)],
)
@pytest.mark.parametrize("place", [200, 4_500])
def test_a_format_that_changes(tmp_path, before, after, place):
    lines = [(before if number < place else after)(number) for number in range(place + 1_500)]
    found = in_all_ways(tmp_path, lines)
    assert len(found) == len(lines)
    assert found["timestamp"].null_count() == 0
    levels = [ERROR if number % 20 == 0 else INFO for number in range(len(lines))]
    assert [pair for pair in zip(found["level"].to_list(), levels, strict=True) if pair[0] != pair[1]] in (
        [],
        [(None, x) for x in levels[place : place + 10]],
    )
    assert (
        found["body"].tail(1_000) == pl.Series([f"order {number}" for number in range(place + 500, len(lines))])
    ).all()


def test_a_format_that_begins_late(tmp_path):
    """A log without headers for its first lines; the headers are found a little later."""
    lines = [plain(number) if number < 5_000 else log4j(number) for number in range(8_000)]
    found = in_all_ways(tmp_path, lines)
    assert found["timestamp"].null_count() < 5_000 + 1_000
    assert found["level"].tail(2_000).to_list() == [ERROR if n % 20 == 0 else INFO for n in range(6_000, 8_000)]


def test_a_format_that_changes_after_the_first_megabytes(tmp_path):
    lines = [log4j(number) + " " + "x" * 400 for number in range(12_000)]
    lines += [as_json(number) for number in range(12_000, 13_000)]
    found = in_all_ways(tmp_path, lines, (1 << 20, 8 << 20))
    assert found["timestamp"].null_count() == found["level"].null_count() == 0


def test_one_line_of_json_below_a_header_is_no_record(tmp_path):
    lines = [log4j(number) for number in range(100)]
    lines.insert(50, '{"items": [1, 2], "total": 3}')
    found = in_all_ways(tmp_path, lines)
    assert found["body"][50] == '{"items": [1, 2], "total": 3}'
    assert found["timestamp"][50] == found["timestamp"][49]


# ---- the small cases


@pytest.mark.parametrize(
    ("path", "records", "levels"),
    [
        ("03-dotnet-console-one-record/web.log.xz", 903, {INFO: 671, WARN: 229, ERROR: 3}),
        ("21-format-change-in-file/app.log.gz", 8_500, {ERROR: 350, INFO: 8_150}),
        ("23-few-headed-lines/hibernate.log", 150, {ERROR: 15, DEBUG: 135}),
        ("25-nul-bytes/copytruncate.log", 200, None),
        ("27-traces-not-joined/go.log", 66, None),
        ("27-traces-not-joined/catalina.out", 60, {INFO: 20, WARN: 20, ERROR: 20}),
    ],
)
@pytest.mark.parametrize("block", [1 << 10, 8 << 20])
def test_small_cases(cases_dir, tmp_path, path, records, levels, block):
    data = (cases_dir / path).read_bytes()
    data = lzma.decompress(data) if path.endswith(".xz") else gzip.decompress(data) if path.endswith(".gz") else data
    found = read(write(tmp_path / "app.log", data), limits=ReadLimits(block=block))
    assert len(found) == records
    if levels:
        assert dict(found["level"].value_counts().rows()) == levels
    assert found["timestamp"].null_count() == (records if "dotnet" in path else 0)
