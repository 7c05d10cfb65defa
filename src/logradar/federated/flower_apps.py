"""The apps that run in Flower: `client` in a SuperNode, `server` in a SuperLink.

A SuperNode is started with ``--node-config 'number=1 folder="/path"'``: the number of its client, and its site folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp

from logradar.core.errors import LogRadarError
from logradar.federated.client import Client
from logradar.federated.server import Round, Server
from logradar.federated.site_folder import SiteFolder

_RECORD, _BYTES, _NUMBER = "r", "b", "n"
client = ClientApp()
server = ServerApp()
DONE: Final = "done"


@client.query()  # type: ignore[untyped-decorator]
def number_of(message: Message, context: Context) -> Message:
    """Says which client a node is."""
    record = ConfigRecord({_NUMBER: int(context.node_config["number"])})
    return Message(RecordDict({_RECORD: record}), reply_to=message)


@client.train()  # type: ignore[untyped-decorator]
def train(message: Message, context: Context) -> Message:
    """Answers the message of a round with the bytes of an update; what is refused comes back as no bytes."""
    site = SiteFolder.load(Path(str(context.node_config["folder"])))
    content: Any = message.content[_RECORD]
    try:
        answer = site.client(int(context.node_config["number"])).answer(bytes(content[_BYTES]))
    except LogRadarError as error:
        print(f"logradar: {error}")
        answer = b""
    return Message(RecordDict({_RECORD: ConfigRecord({_BYTES: answer})}), reply_to=message)


@server.main()  # type: ignore[untyped-decorator]
def main(grid: Grid, context: Context) -> None:
    """Runs the rounds that are left over the nodes that are there."""
    folder, patience = Path(str(context.run_config["folder"])), float(context.run_config["patience"])
    site = SiteFolder.load(folder)
    found = site.server(Path(str(context.run_config["state"])))
    over(grid, site.settings.clients, patience)(found, {}, lambda _: None)
    (folder / DONE).write_text(found.hash)


def over(
    grid: Grid, clients: int, patience: float
) -> Callable[[Server, Mapping[int, Client], Callable[[Round], None]], None]:
    """A transport over a grid of nodes: as `logradar.federated.simulation.simulate`; ``patience`` in seconds."""

    def transport(found: Server, _: Mapping[int, Client], done: Callable[[Round], None]) -> None:
        nodes = _nodes(grid, clients, patience)
        while found.number < found.settings.rounds:
            chosen, content = found.begin()
            asked = {nodes[number]: number for number in chosen if number in nodes}
            messages = [
                Message(RecordDict({_RECORD: ConfigRecord({_BYTES: content})}), dst_node_id=node, message_type="train")
                for node in asked
            ]
            for reply in sorted(
                grid.send_and_receive(messages, timeout=patience), key=lambda one: one.metadata.src_node_id
            ):
                number = asked.get(reply.metadata.src_node_id)
                if number is not None and not reply.has_error():
                    answer: Any = reply.content[_RECORD]
                    found.take(number, bytes(answer[_BYTES]))
            done(found.finish())

    return transport


def _nodes(grid: Grid, clients: int, patience: float) -> dict[int, int]:
    """The node of each client's number; it waits for all, for as long as ``patience``."""
    nodes: dict[int, int] = {}
    until = time.monotonic() + patience
    while len(nodes) < clients and time.monotonic() < until:
        new = [node for node in grid.get_node_ids() if node not in nodes.values()]
        questions = [Message(RecordDict(), dst_node_id=node, message_type="query") for node in new]
        for reply in grid.send_and_receive(questions, timeout=patience) if questions else ():
            if not reply.has_error():
                content: Any = reply.content[_RECORD]
                nodes[int(content[_NUMBER])] = reply.metadata.src_node_id
        time.sleep(0.5)
    return nodes
