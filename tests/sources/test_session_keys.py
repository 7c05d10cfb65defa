"""Session keys: given ones are checked and extracted, others are found in the lines or left alone."""

from __future__ import annotations

import random

import polars as pl
import pytest

from logradar.core.errors import ConfigError
from logradar.sources.opening.opening import InputSettings, open_input
from logradar.sources.opening.session_keys import check_regex, discover, extract


def keys(texts, regex, bodies=None):
    return extract(pl.Series(texts), pl.Series(bodies or texts), regex).to_list()


def test_the_first_group_or_the_whole_match_is_the_key():
    assert keys(["a trace=12 b", "none"], r"trace=(\d+)") == ["12", None]
    assert keys(["a trace=12 b"], r"trace=\d+") == ["trace=12"]
    assert keys(["a trace=12 b"], r"(?:trace)=(?P<id>\d+)") == ["12"]
    assert keys([r"a (12) b"], r"\(12\)") == ["(12)"]


def test_keys_in_further_lines_and_empty_keys():
    assert keys(["failed", "x id=7"], r"id=(\w*)", ["failed\n at id=9", "x id=7\nid=8"]) == ["9", "7"]
    assert keys(["id=", "id=-", "id=N/A", "id=null"], r"id=(\S*)") == [None] * 4


@pytest.mark.parametrize("regex", ["(", "[a", "*", r"a(?=b)", r"(a)\1"])
def test_a_wrong_regex_is_a_sentence(regex):
    with pytest.raises(ConfigError, match=r"--session-key .* is not a regular expression"):
        check_regex(regex)


def interleaved(sessions: int, length: int, line: str, seed: int = 1, together: int = 8) -> list[str]:
    """Lines of sessions of which ``together`` are open at a time."""
    rng = random.Random(seed)
    waiting = [
        [line.format(id=number, hex=f"{number:016x}", n=step) for step in range(length)] for number in range(sessions)
    ]
    open_now, lines = waiting[:together], []
    rest = waiting[together:]
    while open_now:
        session = rng.choice(open_now)
        lines.append(session.pop(0))
        if not session:
            open_now.remove(session)
            open_now += [rest.pop(0)] if rest else []
    return lines


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("INFO gateway.orders [trace={hex}] step {n}", "0000000000000003"),
        ('{{"level":"info","traceId":"{hex}","msg":"step {n}","n":{n}}}', "0000000000000003"),
        ("INFO request_id={id} user=7 step {n}", "3"),
        ("INFO [instance: {hex}] step {n}", "0000000000000003"),
        ("Jun 1 00:00:00 host sshd[{id}]: step {n}", "sshd[3]"),
        ("INFO job_2024010{id}000 step {n}", "job_20240103000"),
        ("INFO order 5f8d7c3a-0000-4000-8000-{id:012d} step {n}", "5f8d7c3a-0000-4000-8000-000000000003"),
    ],
)
def test_a_key_that_recurs_and_ends_is_found(line, key):
    lines = interleaved(60, 6, line)
    found = discover([pl.Series(lines)])
    assert found is not None
    values = extract(pl.Series(lines), pl.Series(lines), found.regex)
    assert values.null_count() == 0
    assert values.n_unique() == 60
    assert key in values
    assert "--session-key REGEX" in found.sentence()


@pytest.mark.parametrize(
    "line",
    [
        "INFO trace=constant step {n}",  # one value
        "Jun 1 00:00:00 host kernel[0]: step {n}",  # one daemon
        "INFO step {n} of nothing",
    ],
)
def test_a_constant_is_no_key(line):
    assert discover([pl.Series(interleaved(60, 6, line))]) is None


def test_an_id_of_its_own_for_every_line_is_no_key():
    lines = [f"INFO request_id={number} user=1 done" for number in range(1_000)]
    assert discover([pl.Series(lines)]) is None


def test_a_thread_pool_is_no_key():
    rng = random.Random(1)
    assert discover([pl.Series([f"INFO [exec-{rng.randrange(20)}] working" for _ in range(2_000)])]) is None


def test_nothing_in_nothing():
    assert discover([]) is None
    assert discover([pl.Series([], dtype=pl.String)]) is None
    assert discover([pl.Series(["x"])]) is None


@pytest.mark.parametrize(
    ("path", "distinct", "example"),
    [
        ("openstack_kalaki/openstack-nova-sample.log.xz", 1_162, None),
        ("openstack_kalaki/openstack-nova-dhcpoff.log.xz", 199, "fa91d7de-0896-41e1-a733-0260d1e20e89"),
        ("openstack_utah/nova_compute_abnormal.log.xz", 197, "3edec1e4-9678-4a3a-a21b-a145a4ee5e61"),
        ("trainticket_deeptralog/F05-01.log.xz", 333, "121f3fe08fca4050ada25791f255b1cc.46.16283306033640027"),
        (
            "trainticket_deeptralog/normal_put_consign.log.xz",
            None,
            "2aabe26bbda84e7fa8f1409eeabaf4d6.41.16289541639060007",
        ),
        ("hdfs/HDFS_first20k.log.xz", 1_782, "blk_38865049064139660"),
        ("loghub_2k/OpenSSH/OpenSSH_2k.log", 519, "sshd[24200]"),
        ("loghub_2k/Linux/Linux_2k.log", 0, None),
        ("loghub_2k/Mac/Mac_2k.log", 0, None),
        ("loghub_2k/Hadoop/Hadoop_2k.log", 0, None),
        ("loghub_2k/Thunderbird/Thunderbird_2k.log", 0, None),
        ("loghub_2k/OpenStack/OpenStack_2k.log", 0, None),
        ("iotdb_multilog/cpu/node1.log.xz", 0, None),
    ],
)
def test_real_logs(data_dir, path, distinct, example):
    with open_input(data_dir / path, InputSettings()) as opened:
        keys = pl.concat([pl.from_arrow(b.column("session_key")) for b in opened.batches(None)]).drop_nulls()
        if distinct is not None:
            assert keys.n_unique() == distinct
        if example:
            assert example in keys
        assert (opened.settings.session_key == "") is (distinct == 0)
        assert len(opened.notes) - len(opened.remarks) == (
            1 if "hdfs" in path else 1 if "Thunderbird" not in path else 2
        )
