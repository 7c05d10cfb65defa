"""The socket of HTTP: answers are not held back until the sender has acknowledged what came before."""

import asyncio
import socket

from logradar.serving.serve import _listen


def test_answers_go_out_at_once():
    """With Nagle's algorithm each answer in two parts costs 40 ms, and a sender that waits for it sends 25 a second."""

    async def run():
        held = []

        def accepted(reader, writer):
            held.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listening = _listen("127.0.0.1", 0)
        async with await asyncio.start_server(accepted, sock=listening):
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            await reader.read()
            writer.close()
            await writer.wait_closed()
        return held

    assert asyncio.run(run()) == [1]
