"""The listener under pressure, at its limits, against hostile senders, and when it is stopped."""

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from kept_arrivals import Kept, until

from logradar.core.errors import ConfigError
from logradar.serving.arrivals import Arrival
from logradar.serving.listeners.batches import Batches
from logradar.serving.listeners.syslog import SyslogListener
from logradar.serving.listeners.syslog_settings import SyslogSettings


def listening(test, **given):
    """Run ``test(listener, kept)`` with a listener of these settings."""

    async def run():
        kept = Kept()
        listener = SyslogListener(kept, settings=SyslogSettings(**given))
        await listener.start()
        try:
            await test(listener, kept)
        finally:
            await listener.stop()

    asyncio.run(run())


async def connected(listener):
    return await asyncio.open_connection("127.0.0.1", listener.ports["tcp"])


async def close(writer):
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def test_many_senders_at_once_in_batches():
    async def test(listener, kept):
        async def send(number):
            _, writer = await connected(listener)
            for line in range(200):
                writer.write(b"<13>sender %d line %d\n" % (number, line))
                if line % 50 == 0:
                    await writer.drain()
                    await asyncio.sleep(0)
            await close(writer)

        await asyncio.gather(*(send(number) for number in range(20)))
        await kept.holds(4_000)
        for number in range(20):
            own = [body for body in kept.bodies if body.startswith(f"sender {number} ")]
            assert own == [f"sender {number} line {line}" for line in range(200)]
        assert max(kept.sizes) <= 300
        counts = listener.counts["tcp"]
        assert (counts["received"], counts["appended"], counts["connections"]) == (4_000, 4_000, 20)
        await until(lambda: listener.counts["tcp"]["open"] == 0)

    listening(test, batch=300)


def test_a_few_lines_are_not_kept_waiting():
    async def test(listener, kept):
        _, writer = await connected(listener)
        writer.write(b"<13>one\n")
        await kept.holds(1)
        await close(writer)

    listening(test, batch=1_000_000, batch_seconds=0.01)


def test_back_pressure_loses_nothing_and_bounds_what_waits():
    async def test(listener, kept):
        kept.refusing = True
        _, writer = await connected(listener)
        lines = 60_000
        sent = asyncio.create_task(send_lines(writer, lines))
        await until(lambda: kept.refusals >= 3)
        received = -1
        while received != (received := listener.counts["tcp"]["received"]):
            await asyncio.sleep(0.2)
        assert received < lines  # it does not read any more, so the sender waits
        assert not sent.done()
        kept.refusing = False
        await sent
        await kept.holds(lines)
        assert kept.bodies == [f"line {number} {'x' * 200}" for number in range(lines)]
        assert listener.counts["tcp"]["refusals"] >= 3
        await close(writer)

    async def send_lines(writer, lines):
        for number in range(lines):
            writer.write(b"<13>line %d %b\n" % (number, b"x" * 200))
            if number % 100 == 0:
                await writer.drain()
        await writer.drain()

    listening(test, waiting=2_000)


def test_udp_counts_what_it_drops():
    async def test(listener, kept):
        kept.refusing = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in range(300):
                sender.sendto(b"<13>line %d\n" % number, ("127.0.0.1", listener.ports["udp"]))
                await asyncio.sleep(0)
            await until(lambda: listener.counts["udp"]["received"] == 300)
        kept.refusing = False
        counts = listener.counts["udp"]
        assert counts["dropped"] == 300 - 100
        await kept.holds(100)
        assert kept.bodies == [f"line {number}" for number in range(100)]

    listening(test, waiting=100)


def test_a_datagram_is_one_message_of_bounded_length():
    async def test(listener, kept):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for data in (b"<13>two\nlines\n\0", b"", b"\n", b"<13>" + "ü".encode() * 600):
                sender.sendto(data, ("127.0.0.1", listener.ports["udp"]))
        await kept.holds(2)
        assert kept.bodies == ["two\nlines", "ü" * 298]
        assert listener.counts["udp"]["cut"] == 1

    listening(test, message=601)


def test_a_stop_appends_all_that_was_read():
    async def run():
        kept = Kept()
        listener = SyslogListener(kept, settings=SyslogSettings(batch_seconds=30, batch=100_000))
        await listener.start()
        _, writer = await connected(listener)
        writer.write(b"<13>one\n<13>two\n<13>without an end")
        await until(lambda: listener.counts["tcp"]["received"] == 2)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"<13>three", ("127.0.0.1", listener.ports["udp"]))
        await until(lambda: listener.counts["udp"]["received"] == 1)
        assert not kept.arrivals
        await listener.stop()
        assert sorted(kept.bodies) == ["one", "three", "two", "without an end"]
        await close(writer)
        with pytest.raises(OSError):
            await connected(listener)

    asyncio.run(run())


def test_a_stop_gives_up_and_counts_what_is_lost():
    async def run():
        kept = Kept()
        kept.refusing = True
        listener = SyslogListener(kept, settings=SyslogSettings(stop_seconds=0.2), udp=None)
        await listener.start()
        _, writer = await connected(listener)
        writer.write(b"<13>one\n<13>two\n")
        await until(lambda: listener.counts["tcp"]["received"] == 2)
        await listener.stop()
        assert listener.counts["tcp"]["lost"] == 2
        await close(writer)

    asyncio.run(run())


def test_what_a_broken_connection_left_is_kept():
    async def test(listener, kept):
        _, writer = await connected(listener)
        writer.write(b"<13>one\n100 <13>half")
        await until(lambda: listener.counts["tcp"]["received"] == 1)
        await asyncio.sleep(0.05)
        plain = writer.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, no ordinary end
        await close(writer)
        await kept.holds(2)
        assert kept.bodies == ["one", "half"]
        await until(lambda: listener.counts["tcp"]["incomplete"] == 1)

    listening(test)


def test_too_many_connections_are_turned_away():
    async def test(listener, kept):
        pairs = [await connected(listener) for _ in range(3)]
        await until(lambda: listener.counts["tcp"]["connections"] == 3)
        reader, writer = await connected(listener)
        with suppress(ConnectionError):
            assert await reader.read() == b""
        await close(writer)
        assert listener.counts["tcp"]["turned_away"] == 1
        for _, writer in pairs:
            await close(writer)
        await until(lambda: listener.counts["tcp"]["open"] == 0)
        _, writer = await connected(listener)  # and there is room again
        writer.write(b"<13>again\n")
        await kept.holds(1)
        await close(writer)

    listening(test, connections=3)


def test_silent_connections_are_closed_and_what_they_left_is_kept():
    async def test(listener, kept):
        reader, writer = await connected(listener)
        writer.write(b"<13>unfinished")
        assert await reader.read() == b""
        await close(writer)
        await kept.holds(1)
        assert kept.bodies == ["unfinished"]
        assert listener.counts["tcp"]["idle_closed"] == 1

    listening(test, idle_seconds=0.2)


def test_hostile_senders():
    async def test(listener, kept):
        await asyncio.gather(send(listener, b"x" * (10 << 20)), send(listener, b"\0" * (1 << 20)))
        await send(listener, os.urandom(1 << 20))
        await send(listener, b"999999999 <13>x" * 1000)
        await send(listener, b"<13>1 - - - - - [" * 10_000)
        await send(listener, b"<13>honest\n")
        await until(lambda: "honest" in kept.bodies)
        assert kept.arrivals[0].body == "x" * 65_536
        assert max(len(body) for body in kept.bodies) <= 65_536
        assert listener.counts["tcp"]["cut"] >= 2

    async def send(listener, data):
        _, writer = await connected(listener)
        writer.write(data)
        await writer.drain()
        await close(writer)

    listening(test)


def test_ten_thousand_connections_one_after_another():
    async def test(listener, kept):
        address = ("127.0.0.1", listener.ports["tcp"])

        def knock():
            for number in range(10_000):
                with socket.create_connection(address) as plain:
                    if number % 1_000 == 0:
                        plain.sendall(b"<13>knock\n")
                    plain.shutdown(socket.SHUT_WR)
                    assert plain.recv(1) == b""

        await asyncio.to_thread(knock)
        await kept.holds(10)
        await until(lambda: listener.counts["tcp"]["open"] == 0)
        assert len(list(Path("/proc/self/fd").iterdir())) < 200

    listening(test)


def test_an_address_that_is_taken_is_a_sentence():
    async def test(listener, kept):
        port = listener.ports["tcp"]
        with pytest.raises(ConfigError, match=f"cannot listen at 127.0.0.1, port {port}"):
            await SyslogListener(kept, tcp=port).start()
        with pytest.raises(ConfigError, match="no time zone 'Mars'"):
            SyslogListener(kept, settings=SyslogSettings(zone="Mars"))

    listening(test)


def test_a_sink_that_fails_is_not_hidden():
    class Broken:
        async def append(self, arrivals):
            raise RuntimeError("a mistake")

    async def run():
        batches = Batches(Broken(), seconds=0)
        batches.add([])
        batches.add([Arrival("a", "b")])
        with pytest.raises(RuntimeError, match="a mistake"):
            await batches.stop()

    asyncio.run(run())
