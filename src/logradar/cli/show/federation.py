"""What `logradar federate` prints for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def federation(document: Mapping[str, Any]) -> None:
    """A federation that was run, or the table of its rounds."""
    if "rows" in document:
        print("round  protocol  score         F1      precision  recall")
        for row in document["rows"]:
            figures = "  ".join(f"{_number(row[name]):>9}" for name in ("f1", "precision", "recall"))
            print(f"{row['round']:>5}  {row['protocol']:<8}  {row['score']:<10} {figures}")
        print(f"All figures: {document['csv']}")
        return
    size = document["bytes"]
    if "numbers" not in document:
        print(f"Bundle: {document['bundle']} ({document['seconds']:,.0f} s), sketches of {document['clients']} clients")
        print(
            f"{size['sketch_up']:,} bytes in all, {size['sketch_largest']:,} the largest, "
            f"{document['sketch_left_out']:,} count vectors did not fit"
        )
        return
    numbers = document["numbers"]
    whole = 4 * numbers["network"]
    print(f"Bundle: {document['bundle']} ({document['seconds']:,.0f} s)")
    print(
        f"{document['rounds']} rounds, {document['answers']} answers of {document['clients']} clients, "
        f"{document['lost']} lost, refused: {document['refused'] or 'none'}"
    )
    print(
        f"Messages: {size['message_up']:,} bytes up for each client and round, {size['up']:,} up and {size['down']:,} "
        f"down in all; the network in fp32 has {whole:,}, {whole / max(size['message_up'], 1):,.0f} times a message"
    )
    if size["socket_up"] is not None:
        print(
            f"At the sockets of the clients: {size['socket_up']:,} bytes up and {size['socket_down']:,} down, with "
            "what Flower sends to ask whether there is work"
        )
    print(f"Once: {size['base_once']:,} bytes of the base to each client, {size['scores_once']:,} of scores from all")
    print(f"Sketches (count_vector): {size['sketch_up']:,} bytes in all, {size['sketch_largest']:,} the largest")
    print(f"Hash of the adapter: {document['hash']}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
