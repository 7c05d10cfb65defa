"""Session keys by behaviour: tokens that come again soon and then no more are found, whatever they are called."""

from __future__ import annotations

import lzma
import random
import time
import uuid

import polars as pl
import pytest

from logradar.sources.opening.id_places import places
from logradar.sources.opening.session_keys import discover, extract

SESSIONS = 80


def ids(kind: str, rng: random.Random) -> str:
    crockford, plain = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", "0123456789abcdef"
    if kind == "hex8":
        return "".join(rng.choices(plain, k=8))
    if kind == "queue":
        return "".join(rng.choices(plain.upper(), k=rng.choice((9, 10, 11))))
    if kind == "long queue":
        return "4" + "".join(rng.choices("0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz", k=13)) + "z"
    if kind == "ulid":
        return "01HZ" + "".join(rng.choices(crockford, k=22))
    if kind == "exim":
        letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        return f"1r{''.join(rng.choices(letters, k=4))}-000{''.join(rng.choices(letters, k=3))}-2K"
    if kind == "sendmail":
        return f"x43A0{''.join(rng.choices('abcdefghijklmnop', k=3))}{rng.randrange(10**6):06}"
    return str(uuid.UUID(int=rng.getrandbits(128)))


def stamp(number: int) -> str:
    return f"2024-05-03 {10 + number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}"


def mixed(kind: str, layout: str, others: float = 0.0, seed: int = 1) -> tuple[list[str], list[str | None]]:
    """Lines of sessions that overlap, and the id of each; some lines have none."""
    rng = random.Random(seed)
    words = [
        "client=mail.example.net[192.0.2.7]",
        "size=4615, queued",
        "status=sent (250 Ok)",
        "user u42 checked",
        "removed",
    ]
    sessions = [ids(kind, rng) for _ in range(SESSIONS)]
    planned = sorted((3 * n + rng.random() * 20, key, word) for n, key in enumerate(sessions) for word in words)
    lines, keys = [], []
    for number, (_, key, word) in enumerate(planned):
        if rng.random() < others:
            lines.append(f"{stamp(number)} host smtpd[{rng.randrange(900, 905)}]: connect from 192.0.2.{number % 40}")
            keys.append(None)
        lines.append(layout.format(time=stamp(number), id=key, word=word, pid=rng.randrange(900, 905)))
        keys.append(key)
    return lines, keys


LAYOUTS = {
    "postfix": ("queue", "{time} mx1 postfix/qmgr[{pid}]: {id}: {word}"),
    "postfix, long": ("long queue", "{time} mx1 postfix/qmgr[{pid}]: {id}: {word}"),
    "sendmail": ("sendmail", "{time} mx1 sendmail[{pid}]: {id}: {word}"),
    "exim": ("exim", "{time} {id} {word}"),
    "brackets": ("hex8", "{time} INFO [{id}] {word}"),
    "brackets first": ("hex8", "[{id}] {time} INFO {word}"),
    "rails": ("uuid", "I, [{time} #{pid}]  INFO -- : [{id}] {word}"),
    "ulid": ("ulid", "{time} INFO rid:{id} {word}"),
    "ulid in JSON": ("ulid", '{{"time":"{time}","msg":"{word}","rid":"{id}","n":{pid}}}'),
    "first": ("hex8", "{id} {time} {word}"),
    "last": ("hex8", "{time} INFO {word} ({id})"),
    "logfmt": ("hex8", "time={time} lvl=info corr={id} msg=x"),
    "lambda": ("uuid", "{time}Z\t{id}\tINFO\t{word}"),
}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("others", [0.0, 0.3])
def test_ids_are_found_by_their_behaviour(name, others):
    lines, keys = mixed(*LAYOUTS[name], others)
    found = discover([pl.Series(lines)])
    assert found is not None
    series = pl.Series(lines)
    assert extract(series, series, found.regex).to_list() == keys
    assert f"{SESSIONS} different values" in found.sentence()
    assert ("The other lines form windows" in found.sentence()) is (found.coverage < 0.8)


def test_serial_numbers_of_audit_logs():
    lines = []
    for serial in range(200):
        stamp = f"audit({1_364_481_363 + serial // 3}.{serial * 37 % 1000:03}:{24_287 + serial})"
        lines += [f"type={kind} msg={stamp}: arch=c000003e" for kind in ("SYSCALL", "CWD", "PATH", "PROCTITLE")]
    found = discover([pl.Series(lines)])
    assert found is not None
    keys = extract(pl.Series(lines), pl.Series(lines), found.regex)
    assert keys.null_count() == 0
    assert keys.n_unique() == 200


def test_lines_of_a_lambda():
    rng, lines = random.Random(1), []
    for number in range(60):
        key = ids("uuid", rng)
        lines += [
            f"START RequestId: {key} Version: $LATEST",
            f"{stamp(number)}Z\t{key}\tINFO\tloading cart",
            f"{stamp(number)}Z\t{key}\tINFO\tdone",
            f"END RequestId: {key}",
            f"REPORT RequestId: {key}\tDuration: {number}.13 ms\tMemory Size: 128 MB",
        ]
    found = discover([pl.Series(lines)])
    assert found is not None
    keys = extract(pl.Series(lines), pl.Series(lines), found.regex)
    assert (keys.null_count(), keys.n_unique()) == (0, 60)


@pytest.mark.parametrize(
    "line",
    [
        "{time} INFO from 10.0.{a}.{b} port {c} accepted",  # clients come back at any time
        "{time} INFO [worker-{a}] done in {c}ms",
        "{time} INFO user u{b} logged in",
        "{time} INFO session 5f8d7c3a constant {n}",
        "{time} INFO block {n} of {unique} written",  # each once
        "{n} tick {n} at {time}",  # a counter
        "{epoch} INFO done {c}",
        "{time} host kernel[{a}]: cpu{b} temperature {c}",
        "{time},123 version 1.{a}.{b} built 2024-05-{a:02}",
        "{time} GET /item/{b}?size={c}kB",
    ],
)
def test_what_is_no_session(line):
    rng = random.Random(1)
    lines = [
        line.format(
            time=stamp(n // 4), epoch=1_714_730_400 + n // 4, a=rng.randrange(8), b=rng.randrange(200),
            c=rng.randrange(10_000, 60_000), n=n // 3, unique=f"{rng.getrandbits(64):016x}",
        )
        for n in range(4_000)
    ]  # fmt: skip
    assert discover([pl.Series(lines)]) is None


def test_the_second_best_is_named():
    rng, lines = random.Random(1), []
    for number in range(100):
        request, order = ids("hex8", rng), f"o-{number * 7919:06}"
        lines += [f"{stamp(number)} INFO [{request}] order={order} step {step}" for step in range(3)]
        lines += [f"{stamp(number)} INFO [{ids('hex8', rng)}] order={order} step {step}" for step in range(3, 5)]
    found = discover([pl.Series(lines)])
    assert found is not None
    assert "order" in found.what or (found.second and "order" in found.second.what)


def test_hostile_lines_take_no_time():
    began = time.monotonic()
    for part in ("a1-", "1.", "[", "a1b2c3d4 ", ":", "_", "-", "=1234", "é", "0" * 60 + " "):
        assert len(list(places([pl.Series([part * 5_000] * 200)]))) < 20
        discover([pl.Series([part * 5_000] * 200)])
    assert time.monotonic() - began < 20


def test_the_small_case(cases_dir):
    lines = lzma.decompress((cases_dir / "33-session-key-not-found/mail.log.xz").read_bytes()).decode().splitlines()
    found = discover([pl.Series(lines)])
    assert found is not None
    assert extract(pl.Series(lines), pl.Series(lines), found.regex).n_unique() == 200
    assert "such as" in found.sentence()
