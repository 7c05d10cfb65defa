"""A line is linked to the statement that wrote it, or to none where that is not certain."""

from __future__ import annotations

import random

import pytest

from logradar.core.tables import ERROR, INFO, WARN
from logradar.retrieval.indexing import index_code
from logradar.retrieval.linker import BY_FRAME, BY_LOCATION, BY_MESSAGE, Linker
from logradar.retrieval.places import frame_places, place_of

pytest.importorskip("tree_sitter")

PAY = """\
import logging
log = logging.getLogger("pay")


def pay(order):
    log.info("payment of order %d begins", order)
    try:
        charge(order)
    except OSError:
        log.exception("payment of order %d failed", order)
    log.info("connected to %s", host)
    log.info("connected to %s as %s", host, user)
    log.info("done")


def charge(order):
    log.warning("bank is slow for order %d", order)
    log.info("twice the same")
    log.info("twice the same")
"""


@pytest.fixture(scope="module")
def linker(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop").mkdir()
    (folder / "shop" / "pay.py").write_text(PAY)
    (folder / "shop" / "Cart.java").write_text(
        'package shop;\nclass Cart {\n  void f() {\n    LOG.warn("bank is slow for order {}", n);\n  }\n}\n'
    )
    return Linker(index_code(folder)[0])


def place(linker, *words, **known):
    found = place_of(linker, linker.link(*words, **known))
    return found and (found["path"], found["line"], found["basis"])


@pytest.mark.parametrize(
    "context",
    [
        "[start] 2026/12/01 15:16:15.439259 INFO: ",
        "2026-12-01T15:13:25.750Z VERBOSE cli ",
        "19107 0x5592412ff400 DEBUG               GST_POLL ",
        "traffic_server WARNING: (http) ",
        "basesrc.c:2584:get_range:<filesrc0> ",
        "[db/db_impl.cc:490] [default] ",
    ],
)
def test_context_before_the_message_is_no_part_of_it(linker, context):
    assert place(linker, f"{context}payment of order 7 begins") == ("shop/pay.py", 6, BY_MESSAGE)


def test_a_pair_of_logfmt_is_the_message(linker):
    line = 'shop=12 group=g msg="payment of order 7 begins" rule="up == \\"x\\"" err="broken"'
    assert place(linker, line) == ("shop/pay.py", 6, BY_MESSAGE)
    assert place(linker, 'msg="nothing that is known" err="payment of order 7 begins now"') is None


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("payment of order 7 begins", 6),
        ('payment of order 7 failed\nTraceback (most recent call last):\n  File "/x/shop/pay.py", line 8, in pay', 10),
        ("connected to db1", 11),
        ("connected to db1 as root", 12),
        ("[trace=ab12] payment of order 7 begins", 6),
        ("[myid:] - INFO  [main] - payment of order 7 begins", 6),
    ],
)
def test_the_message_says_it(linker, body, line):
    assert place(linker, body) == ("shop/pay.py", line, BY_MESSAGE)


def test_level_component_and_service_decide_between_equal_messages(linker):
    body = "bank is slow for order 3"
    assert len(linker.link(body, WARN).ties) == 2
    assert place(linker, body, WARN, "shop.Cart") == ("shop/Cart.java", 4, BY_MESSAGE)
    assert place(linker, body, WARN, None, "pay") == ("shop/pay.py", 17, BY_MESSAGE)


def test_equal_ones_are_a_tie_and_no_link(linker):
    link = linker.link("twice the same", INFO)
    assert (link.row, link.place) == (-1, None)
    assert [linker.statements[row]["line"] for row in link.ties] == [18, 19]
    assert "2 statements" in link.note


@pytest.mark.parametrize("body", ["", "\n", "done", "nothing like it", "x" * 100_000, "\x00\x01", "a b c d"])
def test_what_is_not_certain_has_no_link(linker, body):
    assert linker.link(body).place is None


def test_a_location_in_the_line_decides(linker):
    assert place(linker, "pay.py:18 twice the same") == ("shop/pay.py", 18, BY_LOCATION)
    assert place(linker, "twice the same (pay.py:19)") == ("shop/pay.py", 19, BY_LOCATION)
    assert place(linker, "twice the same (pay.py:7)") is None  # neither statement is there


def test_another_version_of_the_source_is_said(linker):
    link = linker.link("[main:pay@99] payment of order 7 begins")
    assert place_of(linker, link)["line"] == 6
    assert "another version" in link.note


def test_a_location_that_fits_nothing_is_no_proof(linker):
    assert linker.link("pay.py:6 something quite different").place is None


def test_frames_of_languages():
    from logradar.retrieval.locations import frames

    body = "\n".join(
        [
            "failed",
            "\tat shop.Cart.f(Cart.java:4)",
            "    at charge (/app/src/pay.js:10:3)",
            "   at Shop.Pay.Run() in C:\\src\\Pay.cs:line 12",
            "\t/app/pay/main.go:33 +0x1d",
        ]
    )
    assert [(one.path.rpartition("/")[2], one.line) for one in frames(body)] == [
        ("Cart.java", 4),
        ("pay.js", 10),
        ("Pay.cs", 12),
        ("main.go", 33),
    ]


def test_a_bare_stack_trace_leads_to_its_innermost_frame_in_the_code(linker):
    frames = '  File "/opt/shop/pay.py", line 8, in pay\n  File "/usr/lib/ssl.py", line 3, in x\n'
    body = f"Traceback (most recent call last):\n{frames}OSError"
    assert place(linker, body) == ("shop/pay.py", 8, BY_FRAME)
    assert [one["line"] for one in frame_places(linker, body)] == [8]


def test_links_do_not_depend_on_what_was_linked_before(linker):
    bodies = [f"payment of order {n} begins" for n in range(5)] + ["connected to a1", "connected to a2 as b", "done 1"]
    alone = {body: Linker(linker.index).link(body, INFO) for body in bodies}
    for seed in range(3):
        random.Random(seed).shuffle(bodies)
        one = Linker(linker.index)
        assert {body: one.link(body, INFO) for body in bodies} == alone


def test_numbers_in_messages_are_not_taken_for_values(tmp_path):
    (tmp_path / "a.py").write_text('log.info("phase 1 of the work")\nlog.info("phase 2 of the work")\n')
    linker = Linker(index_code(tmp_path)[0])
    assert [linker.link(f"phase {n} of the work").row for n in (1, 2, 3)] == [0, 1, -1]


def test_a_level_that_differs_does_not_win(tmp_path):
    (tmp_path / "a.py").write_text('log.info("disk %s is full")\nlog.error("disk %s is full")\n')
    linker = Linker(index_code(tmp_path)[0])
    assert linker.statements[linker.link("disk a is full", ERROR).row]["line"] == 2


MORE = """\
def f(a, b, level):
    log.info("connected to %s quickly", a)
    log.info("retry of message=%s", a)
    log.log(level, "request %s failed with status %d", a, b)
    log.warning("request %s failed %s", a, b)
    log.warning("user %s", a)
    log.error("cannot parse file %s today", a)
    log.info("payment of order %d begins", a)
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two files with the same statements but for one that is in the first alone."""
    folder = tmp_path_factory.mktemp("two") / "shop"
    folder.mkdir()
    (folder / "redis.py").write_text(MORE)
    (folder / "pool.py").write_text(MORE.replace("payment", "refund").replace("retry", "count"))
    (folder / "Util.java").write_text("package shop;\nclass Util {\n  void f() {\n    LOG.warn(x);\n  }\n}\n")
    return Linker(index_code(folder.parent)[0])


@pytest.mark.parametrize("line", ["connected to redis:6379 quickly", "cannot parse file pool.py:5 today"])
def test_a_host_with_a_port_and_a_file_spoken_of_are_no_places(two, line):
    link = two.link(line)
    assert link.row < 0 and len(link.ties) == 2 and "version" not in link.note


def test_what_somebody_quotes_is_not_the_message(two):
    assert place(two, 'retry of message="payment of order 7 begins"')[:2] == ("shop/redis.py", 3)
    assert place(two, 'text: message="payment of order 7 begins" was quoted by bob') is None
    assert place(two, 'count=3 msg="payment of order 7 begins"')[:2] == ("shop/redis.py", 8)


def test_one_word_and_the_class_do_not_speak_against_the_level(two):
    assert two.link("user table is vacuumed by another library", INFO, "redis").row < 0
    assert place(two, "user 7", level=WARN, component="redis")[:2] == ("shop/redis.py", 6)


@pytest.mark.parametrize(
    "frame",
    [
        '  File "/usr/lib/python3/dist-packages/sqlalchemy/pool.py", line 5, in x\n    foo()\nValueError: x',
        "\tat org.apache.commons.lang.Util.foo(Util.java:4)",
    ],
)
def test_a_frame_of_a_library_is_not_ours(two, frame):
    assert two.link(f"boom\nTraceback (most recent call last):\n{frame}").place is None


def test_own_frames_are_found(two):
    assert place(two, "boom\n\tat shop.Util.f(Util.java:4)")[:2] == ("shop/Util.java", 4)
    assert place(two, 'boom\n  File "/srv/app/shop/pool.py", line 5, in x\n    foo()')[:2] == ("shop/pool.py", 5)


def test_neither_order_nor_length_of_numbers_matters(two):
    lines = ["pid:1: payment of order 7 begins", "pid:12345678: payment of order 7 begins"]
    first = [two.link(line) for line in lines]
    two._cache.clear()
    assert [two.link(line) for line in reversed(lines)] == first[::-1]
