"""Masks: what each default rule catches and leaves, what a rule may be, and equality with Python's regexes."""

from __future__ import annotations

import polars as pl
import pytest
from drain3_peer import masked_by_python

from logradar.core.config import validated
from logradar.core.errors import ConfigError
from logradar.parsing.masking import DEFAULT_RULES, MaskingRule, MaskingSettings, mask

CASES = {
    "Receiving block blk_-16 src: /10.250.18.114:43996": "Receiving block <BLK> src: /<IP>",
    "at fe80::1 and 2001:db8::ff00:42:8329": "at <IP> and <IP>",
    "Foo::Bar a::b 12::": "Foo::Bar a::b <NUM>::",
    "req-123e4567-e89b-12d3-a456-426614174000 done": "req-<UUID> done",
    "mac 00:1B:44:11:3A:B7": "mac <MAC>",
    "2015-10-18 18:01:47,978 and 2026-01-31T10:00:00Z": "<TIME> and <TIME>",
    "Sun Dec 04 04:47:44 2005 at 04:47:44": "<TIME> at <TIME>",
    "Jun 14 15:16:01 combo": "<TIME> combo",
    "flags 0x1F0a": "flags <HEX>",
    "commit deadbeef12 12345678": "commit <HEX> <NUM>",
    "took 12ms 3.5s 2h 10min": "took <DURATION> <DURATION> <DURATION> <DURATION>",
    "took 12 ms, 3.5 seconds, 2 hours; lived 00:17": "took <DURATION>, <DURATION>, <DURATION>; lived <DURATION>",
    "read 1.5GB 64K 12KiB 7B": "read <SIZE> <SIZE> <SIZE> <SIZE>",
    "read 3 KB, 7 bytes, 4096 bytes (4.0 KB), 5 KBs": "read <SIZE>, <SIZE>, <SIZE>, <NUM> KBs",
    "if-modified-since Sun, 29 Jan 2023 08:42:09 GMT.": "if-modified-since <TIME>.",
    "Sunday, 06-Nov-94 08:49:37 GMT": "<TIME>",
    "[29/Jan/2023:08:42:09 +0000] GET": "[<TIME>] GET",
    "at 29 Jan 2023 08:42:09 INFO": "at <TIME> INFO",
    "expires Mon, 30 Jan 2023 08:42:09 GMT; path=/": "expires <TIME>; path=/",
    "job J355512575 of KB2928120-x": "job J<NUM> of KB<NUM>-x",
    "ulid 01ARZ3NDEKTSV4RRFFQ69G5FAV key a1b2c3d4x": "ulid <ID> key <ID>",
    "x=-5 45% 1,234.5 1e-5 1-2": "x=<NUM> <NUM>% <NUM> <NUM> <NUM>-<NUM>",
    "attempt_14_0020_m_01": "attempt_<NUM>_<NUM>_m_<NUM>",
    "eth0 ipv6 sha256 r2d2": "eth0 ipv6 sha256 r2d2",
    "wild <*> card": "wild <STAR> card",
    "/var/log/app-1.log": "/var/log/app-<NUM>.log",
    "": "",
}


@pytest.mark.parametrize(("line", "masked"), CASES.items())
def test_default_rules(line, masked):
    assert mask(pl.Series([line]), MaskingSettings()).to_list() == [masked]
    assert masked_by_python([line], MaskingSettings()) == [masked]


def test_all_lines_of_a_batch_are_masked_alike_with_underscores_or_control_characters_among_them():
    lines = [*CASES, "\x01_7", "\x02 \x03_\x02\x04\x01", "_\x02\x03", "a\x00b 5"]
    together = mask(pl.Series(lines), MaskingSettings()).to_list()
    assert together == [mask(pl.Series([line]), MaskingSettings()).item() for line in lines]
    assert together == masked_by_python(lines, MaskingSettings())
    assert mask(pl.Series([], dtype=pl.String), MaskingSettings()).to_list() == []


def test_own_rules_run_first_and_their_token_is_literal_text():
    own = MaskingRule(name="user", regex="user_[a-z]+", token="<$USER>")
    masked = mask(pl.Series(["user_bob 5", "superuser_bob"]), MaskingSettings(extra=(own,)))
    assert masked.to_list() == ["<$USER> <NUM>", "superuser_bob"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"regex": "(a"}, "masking rule 'mine'.*unclosed group"),
        ({"regex": "(?<=a)b"}, "masking rule 'mine'.*look-around"),
        ({"regex": "a*"}, "masking rule 'mine'.*empty text"),
        ({"token": "<*>"}, "masking rule 'mine'.*wildcard"),
        ({"token": "<A B>"}, "masking rule 'mine'.*without white space"),
        ({"token": "<A1>"}, "masking rule 'mine'.*digits"),
        ({"rgex": "a"}, "did you mean 'regex'"),
    ],
)
def test_a_wrong_rule_is_named(rule, said):
    with pytest.raises(ConfigError, match=said):
        validated(MaskingSettings, {"extra": [{"name": "mine", "regex": "a", "token": "<A>", **rule}]})


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="'num'"):
        validated(MaskingSettings, {"extra": [{"name": "num", "regex": "a", "token": "<A>"}]})


@pytest.mark.parametrize(
    ("regex", "blind"),
    [
        (r"\d+", True),
        ("[0-9a-f]{2,4}", True),
        ("0[xX][0-9]+", True),
        ("0x[0-9]+|a{3}", True),
        ("[a-z0-9_]+", True),
        ("0x?[0-9]+", False),
        ("0[xX]{0,1}", False),
        ("[1-9][0-9]*", False),
        ("[^0]", False),
        ("port 80", False),
        (r"\x35", False),
        (r"\u{35}", False),
        ("id0-9", False),
    ],
)
def test_a_rule_that_asks_for_a_certain_digit_is_known(regex, blind):
    rule = MaskingRule(name="r", regex=regex, token="<R>")
    assert MaskingSettings(rules=(rule,)).digit_blind is blind
    assert MaskingSettings().digit_blind


def test_the_default_rules_are_usable():
    assert [MaskingRule(**rule.model_dump()) for rule in DEFAULT_RULES] == list(DEFAULT_RULES)
