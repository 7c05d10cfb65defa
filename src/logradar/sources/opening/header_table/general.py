"""Headers of no program in particular: a time and a level, a time, a level. They come after all others."""

from __future__ import annotations

from typing import Final

from logradar.sources.opening.header_table.pieces import ANY, CLOCK, ISO, LEVEL, LOGGER
from logradar.sources.opening.header_table.row import Sample, row

ROWS: Final = (
    row(
        "serilog",
        rf"\[?(?P<timestamp>{ISO}|{CLOCK}) \[?(?P<level>{LEVEL})\] (?:<(?P<component>[^>]*)> )?",
        Sample("Serilog", "2024-01-01 00:00:00.000 +01:00 [ERR] It broke", "2023-12-31T23:00:00", 17, None, "It broke"),
        Sample("RabbitMQ, Elixir", "2024-05-03 10:00:00.123456+02:00 [warning] <0.1.0> late", "2024-05-03T08:00:00.123456", 13, "0.1.0", "late"),
    ),
    row(
        "time_thread_level",
        rf"\[?(?P<timestamp>{ANY})\]? +\[[^\]]*\] +\[?(?P<level>{LEVEL}) *\]?(?: - |: | +)",
        Sample("Time, thread, level", "2024-01-02 03:04:05 [w-1] ERROR: no luck", "2024-01-02T03:04:05", 17, None, "no luck"),
        Sample("Gunicorn", "[2024-05-03 10:00:00 +0200] [42] [INFO] Booting worker", "2024-05-03T08:00:00", 9, None, "Booting worker"),
    ),
    row(
        "time_id_level",
        rf"\[?(?P<timestamp>{ANY})\]?(?: +\[[^\]]*\])*(?: +-)? +\[?(?P<level>{LEVEL}) *\]? +\[[^\]\s]*:(?P<component>[A-Za-z_][\w.$]*)(?:@-?[0-9]+)?\](?: +-|:)? +",
        Sample(
            "Time, id, level, thread and class",
            "2024-05-03 10:00:00,123 [8f2a1c] WARN [exec-1:OrderService] stock low",
            "2024-05-03T10:00:00.123", 13, "OrderService", "stock low",
        ),
    ),
    row(
        "time_level_name",
        rf"\[?(?P<timestamp>{ANY})\]?(?: - | +)\[?(?P<level>{LEVEL}) *\]?(?: +|: +| - )"
        r"\[?(?P<component>[A-Za-z_][\w$/-]*(?:[.#:@]+[\w$/-]+)+)\]?(?: - |: | )",
        Sample("Time, level, dotted name", "16:48:16.545 INFO  t.c.Travel2Controller#129 TraceID: 88", "2026-11-21T16:48:16.545", 9, "t.c.Travel2Controller#129", "TraceID: 88"),
    ),
    row(
        "time_level",
        rf"\[?(?P<timestamp>{ANY})\]?(?: - | : +|: | *\| *|, | +)\[?(?P<level>{LEVEL}) *\]?(?: - | : |: |:|, | +| *\| *|$)",
        Sample("Time, level", "2024-01-02 03:04:05 ERROR no luck", "2024-01-02T03:04:05", 17, None, "no luck"),
        Sample("A clock with 12 hours", "2024-05-13 12:15:27 a.m. INFO update 0 is installed", "2024-05-13T00:15:27", 9, None, "update 0 is installed"),
        Sample("Robot Framework", "20240503 10:00:00.123 :  WARN : late", "2024-05-03T10:00:00.123", 13, None, "late"),
        Sample("A zone with a name", "2024-05-03 10:00:00 Europe/Berlin WARN late", "2024-05-03T08:00:00", 13, None, "late"),
    ),
    row(
        "level_thread_time",
        rf"\[?(?P<level>{LEVEL}) *\]?(?: +\[[^\]]*\]){{1,3}} +\[?(?P<timestamp>{ANY})\]?(?: - |: | +| *\| *)",
        Sample("Level, thread, time", "WARN  [worker-3] 2024-05-03 10:00:00 stock low", "2024-05-03T10:00:00", 13, None, "stock low"),
    ),
    row(
        "level_time",
        rf"\[?(?P<level>{LEVEL}) *\]?(?: - |: | *\| *| +)\[?(?P<timestamp>{ANY})\]?(?: - |: | +| *\| *)",
        Sample("Level, time", "[ERROR] 2024-01-02 03:04:05 no luck", "2024-01-02T03:04:05", 17, None, "no luck"),
    ),
    row(
        "time",
        rf"\[?(?P<timestamp>{ANY})\]?(?: - |: | *\| *|, | +|\t|$)",
        Sample("Time alone", "2025-06-24 14:36:25 status unpacked libc6", "2025-06-24T14:36:25", None, None, "status unpacked libc6"),
        Sample("HTTP dates", "Sun, 29 Jan 2023 08:42:09 GMT cache expired", "2023-01-29T08:42:09", None, None, "cache expired"),
        Sample("HTTP dates of RFC 850", "Sunday, 29-Jan-23 08:42:09 GMT cache expired", "2023-01-29T08:42:09", None, None, "cache expired"),
        Sample("date, Java's Date", "Fri May  3 10:00:00 CEST 2024 backup done", "2024-05-03T08:00:00", None, None, "backup done"),
        Sample("Epoch in milliseconds", "1714730400118 backup done", "2024-05-03T10:00:00.118", None, None, "backup done"),
        Sample("Squid", "1714730400.118    123 10.0.0.1 TCP_MISS/200 512 GET", "2024-05-03T10:00:00.118", None, None, "123 10.0.0.1 TCP_MISS/200 512 GET"),
        Sample("Suricata, Snort", "05/13/2024-10:00:00.123456  [**] [1:2:3] scan", "2024-05-13T10:00:00.123456", None, None, "[**] [1:2:3] scan"),
    ),
    row(
        "thread_level",
        rf"\[[^\]]+\] (?P<level>{LEVEL}) +(?P<component>{LOGGER}) - ",
        Sample("slf4j-simple", "[main] WARN com.shop.Cart - stock low", None, 13, "com.shop.Cart", "stock low"),
    ),
    row(
        "level",
        r"\[?(?P<level>(?i:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERR|ERROR|CRIT|CRITICAL|ALERT|EMERG|FATAL))"
        r"(?:\] *:?|:) +",
        Sample("Level alone, uvicorn", "ERROR: disk full", None, 17, None, "disk full"),
    ),
)  # fmt: skip
