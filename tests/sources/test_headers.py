"""Every known header: recognised from a few lines, and read into the right fields."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import polars as pl
import pytest

from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits
from logradar.sources.opening.formats import Format
from logradar.sources.opening.headers import HEADERS
from logradar.sources.opening.reading import Block
from logradar.sources.opening.records import Records

LATEST = datetime(2026, 11, 21, tzinfo=UTC)
# A line, and below it: format; time; level; component; body ("-" where the line tells none).
TABLE = """\
081109 203615 148 INFO dfs.DataNode: Got it
    hdfs ; 2008-11-09T20:36:15 ; 9 ; dfs.DataNode ; Got it
- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02-M1 RAS KERNEL INFO parity error
    bgl ; 2005-06-03T15:42:50.675 ; 9 ; KERNEL ; parity error
- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond[2915]: session closed
    thunderbird ; 2005-11-09T20:01:01 ; - ; crond ; session closed
134681 node-246 unix.hw state.off 1077804742 1 Gone
    hpc ; 2004-02-26T14:12:22 ; - ; unix.hw ; Gone
2015-10-18 18:01:47,978 INFO [main] org.a.MRAppMaster: Made
    log4j ; 2015-10-18T18:01:47.978 ; 9 ; org.a.MRAppMaster ; Made
2015-07-29 17:41:44,747 - WARN  [Recv:1:Quorum$Rec@774] - Time out
    zookeeper ; 2015-07-29T17:41:44.747 ; 13 ; Quorum$Rec ; Time out
17/06/09 20:10:40 INFO spark.SecurityManager: Changing
    spark ; 2017-06-09T20:10:40 ; 9 ; spark.SecurityManager ; Changing
2016-09-28 04:30:30, Info                  CBS    Loaded it
    windows ; 2016-09-28T04:30:30 ; 9 ; CBS ; Loaded it
03-17 16:13:38.811  1702  2395 D WindowManager: printing
    android ; 2026-03-17T16:13:38.811 ; 5 ; WindowManager ; printing
20171223-22:15:29:606|Step_LSC|30002312|changed 3579
    healthapp ; 2017-12-23T22:15:29.606 ; - ; Step_LSC ; changed 3579
[10.30 16:49:06] chrome.exe - proxy:5070 close
    proxifier ; 2026-10-30T16:49:06 ; - ; chrome.exe ; proxy:5070 close
[Sun Dec 04 04:47:44 2005] [error] mod_jk state 6
    apache ; 2005-12-04T04:47:44 ; 17 ; - ; mod_jk state 6
[Sun Dec 04 04:47:44.123456 2005] [ssl:warn] [pid 12:tid 3] AH01906: bad
    apache ; 2005-12-04T04:47:44.123 ; 13 ; ssl ; AH01906: bad
nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 INFO nova.wsgi [req-38101a0b 11 - - -] GET
    openstack ; 2017-05-16T00:00:00.008 ; 9 ; nova.wsgi ; GET
ERROR nova.compute.manager [req-ac9f5721-5c52] [instance: 7233] Gone
    oslo ; - ; 17 ; nova.compute.manager ; [instance: 7233] Gone
Jun 14 15:16:01 combo sshd(pam_unix)[19939]: check pass
    syslog ; 2026-06-14T15:16:01 ; - ; sshd(pam_unix) ; check pass
<34>Oct  1 22:14:15 mymachine su: failed for lonvick
    syslog ; 2026-10-01T22:14:15 ; 18 ; su ; failed for lonvick
2026-01-02T03:04:05.678901+01:00 host cron[12]: started
    syslog_iso ; 2026-01-02T02:04:05.678 ; - ; cron ; started
<165>1 2003-10-11T22:14:15.003Z mymachine evntslog 12 ID47 [ex@3 eventID="10\\"11"] An event
    syslog_5424 ; 2003-10-11T22:14:15.003 ; 10 ; ID47 ; An event
2021-08-07 19:10:41.655 [SW_CTX:[ts-station,6a@10,121f3fe08fca4050a.46,a61c,0]] [exec-1] INFO  f.Station -Query
    skywalking ; 2021-08-07T19:10:41.655 ; 9 ; f.Station ; Query
2024-05-06T07:08:09.010Z  INFO 1 --- [shop] [           main] o.s.boot.App        : Started
    spring ; 2024-05-06T07:08:09.010 ; 9 ; o.s.boot.App ; Started
2023-11-18 08:46:14,674 [main] DEBUG o.a.Config:105 - Start
    logback ; 2023-11-18T08:46:14.674 ; 5 ; o.a.Config ; Start
- 2023-11-18 08:46:14,674 [main] INFO  o.a.Config - Start
    logback ; 2023-11-18T08:46:14.674 ; 9 ; o.a.Config ; Start
2023-11-18 08:46:14,674 WARN  [Timer-1] kafka.Log - Deleted
    log4j ; 2023-11-18T08:46:14.674 ; 13 ; kafka.Log ; Deleted
02-Jan-2024 15:04:05.123 SEVERE [main] org.apache.Catalina Boom
    log4j_date ; 2024-01-02T15:04:05.123 ; 17 ; org.apache.Catalina ; Boom
[2024-01-01T00:00:00,123][WARN ][o.e.n.Node    ] [n1] late
    elasticsearch ; 2024-01-01T00:00:00.123 ; 13 ; o.e.n.Node ; [n1] late
[2024-01-01 00:00:00,123] ERROR Died (kafka.server.X)
    kafka ; 2024-01-01T00:00:00.123 ; 17 ; - ; Died (kafka.server.X)
2024-01-01 10:00:00,123 - shop.cart - WARNING - Low
    python ; 2024-01-01T10:00:00.123 ; 13 ; shop.cart ; Low
2024-01-01 10:00:00,123 - INFO - All is well
    python_level ; 2024-01-01T10:00:00.123 ; 9 ; - ; All is well
WARNING:root:Look out
    python_basic ; - ; 13 ; root ; Look out
2024-01-01 10:00:00,123 CRITICAL shop.cart: Fell over
    python_name ; 2024-01-01T10:00:00.123 ; 21 ; shop.cart ; Fell over
2026-03-02 08:00:00,123 INFO gateway.orders [trace=4f2a4f2a4f2a4f2a] order taken
    python_trace ; 2026-03-02T08:00:00.123 ; 9 ; gateway.orders ; order taken
2024-01-01 10:00:00.123 | ERROR    | shop.cart:add:42 - Broke
    loguru ; 2024-01-01T10:00:00.123 ; 17 ; shop.cart:add:42 ; Broke
W, [2024-01-01T00:00:00.123456 #77]  WARN -- app: Slow
    ruby ; 2024-01-01T00:00:00.123 ; 13 ; app ; Slow
E0102 15:04:05.678901   12 server.go:57] Unable
    klog ; 2026-01-02T15:04:05.678 ; 17 ; server.go ; Unable
time="2024-01-01T00:00:00Z" level=warning msg="it is late"
    logfmt ; 2024-01-01T00:00:00 ; 13 ; - ; msg="it is late"
ts=2024-01-01T00:00:00.5Z level=info caller=main.go:7 msg=up
    logfmt ; 2024-01-01T00:00:00.500 ; 9 ; main.go ; msg=up
[2024-01-01T00:00:00Z INFO  app::net] listening
    rust ; 2024-01-01T00:00:00 ; 9 ; app::net ; listening
2024-01-01 00:00:00.000 +01:00 [ERR] It broke
    serilog ; 2023-12-31T23:00:00 ; 17 ; - ; It broke
2024-01-01T00:00:00.123Z\tinfo\tserver/main.go:12\tready
    zap ; 2024-01-01T00:00:00.123 ; 9 ; server/main.go ; ready
10.0.0.1 - - [04/Dec/2005:04:47:44 +0100] "GET / HTTP/1.1" 200 5
    access ; 2005-12-04T03:47:44 ; - ; - ; "GET / HTTP/1.1" 200 5
2024/01/02 03:04:05 [crit] 7#7: *1 open() failed
    nginx ; 2024-01-02T03:04:05 ; 18 ; - ; *1 open() failed
2024-01-02 03:04:05.678 UTC [42] LOG:  checkpoint
    postgresql ; 2024-01-02T03:04:05.678 ; 9 ; - ; checkpoint
2024-01-02T03:04:05.678901Z 0 [Warning] [MY-010] [Server] Old
    mysql ; 2024-01-02T03:04:05.678 ; 13 ; Server ; Old
1:M 02 Jan 2024 15:04:05.123 # Out of memory
    redis ; 2024-01-02T15:04:05.123 ; 13 ; - ; Out of memory
[   12.345678] usb 1-1: new device
    kernel ; 1970-01-01T00:00:12.345 ; - ; - ; usb 1-1: new device
16:48:16.545 INFO  t.c.Travel2Controller#129 TraceID: 88
    time_level_name ; 2026-11-21T16:48:16.545 ; 9 ; t.c.Travel2Controller#129 ; TraceID: 88
2024-01-02 03:04:05 [w-1] ERROR: no luck
    time_thread_level ; 2024-01-02T03:04:05 ; 17 ; - ; no luck
2024-01-02 03:04:05 ERROR no luck
    time_level ; 2024-01-02T03:04:05 ; 17 ; - ; no luck
[ERROR] 2024-01-02 03:04:05 no luck
    level_time ; 2024-01-02T03:04:05 ; 17 ; - ; no luck
2025-06-24 14:36:25 status unpacked libc6
    time ; 2025-06-24T14:36:25 ; - ; - ; status unpacked libc6
warn: Microsoft.AspNetCore.Hosting.Diagnostics[2] Request finished
    dotnet ; - ; 13 ; Microsoft.AspNetCore.Hosting.Diagnostics ; Request finished
ERROR: disk full
    level ; - ; 17 ; - ; disk full
just some words
    text ; - ; - ; - ; just some words
"""
LINES = TABLE.splitlines()
EXAMPLES = [(line, *fields.strip().split(" ; ")) for line, fields in zip(LINES[::2], LINES[1::2], strict=True)]


def read(lines: list[str], form: Format) -> pl.DataFrame:
    records = Records(form, "test", Quarantine(), ReadLimits(), LATEST)
    return pl.concat(list(records.of([Block(pl.Series("text", lines), 1)])))


@pytest.mark.parametrize(("line", "name", "when", "level", "component", "body"), EXAMPLES)
def test_known_format(line, name, when, level, component, body):
    form = Format.detect([line] * 5)
    assert form.name == name
    row = read([line] * 5, form).row(4, named=True)
    found = row["timestamp"].replace(tzinfo=None).isoformat(timespec="milliseconds") if row["timestamp"] else "-"
    assert found.removesuffix(".000") == when
    assert (str(row["level"] or "-"), row["component"] or "-", row["body"]) == (level, component, body)


def test_every_header_has_an_example():
    assert set(HEADERS) - {name for _, name, *_ in EXAMPLES} == {"syslog_bare", "jul"}  # the second has two lines


def test_services_come_from_the_header():
    assert read(["Jun 14 15:16:01 combo sshd(pam_unix)[19939]: x"], Format.named("syslog"))["service"][0] == "sshd"
    line = "nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 INFO nova.wsgi [req-1 - -] GET"
    assert read([line], Format.detect([line]))["service"][0] == "nova-api"


HOSTILE = [
    part * 1_000 for part in ("[", "a:", "=", "a ", "(a", "[a] ", "a.b/", "{", "- ", "a=b ", "0", "/", "a/", "x")
]


@pytest.mark.parametrize("line", [line for line, *_ in EXAMPLES][::2])
def test_hostile_lines_take_no_time(line):
    """Python's engine goes back and forth: no header may need more than a moment for a line that nearly fits."""
    began = time.monotonic()
    for tail in HOSTILE:
        for cut in [0, *(place + 1 for place, letter in enumerate(line) if letter in " [:")]:
            Format.detect([line[:cut] + tail])
    assert time.monotonic() - began < 10
