"""Samples of lines that hold the line of another log: the wrapper gives the time, the line inside all the rest."""

from __future__ import annotations

from typing import Final

from logradar.sources.opening.header_table.row import Sample

SAMPLES: Final = (
    Sample(
        "Docker, json-file",
        '{"log":"ERROR: stock low\\n","stream":"stdout","time":"2024-05-03T10:00:00.123456789Z"}',
        "2024-05-03T10:00:00.123456",
        17,
        None,
        "stock low",
    ),
    Sample(
        "Kubernetes (CRI): containerd, CRI-O",
        "2024-05-03T12:00:00.123456789+02:00 stdout F ERROR: stock low",
        "2024-05-03T10:00:00.123456",
        17,
        None,
        "stock low",
    ),
    Sample(
        "docker compose",
        "cart-1  | 2024-05-03 10:00:00,123 [main] WARN shop.Cart - stock low",
        "2024-05-03T10:00:00.123",
        13,
        "shop.Cart",
        "stock low",
        "cart-1",
    ),
)
