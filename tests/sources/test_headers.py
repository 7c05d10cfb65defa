"""Every known header: recognised from a few lines, and read into the right fields."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from logradar.core.quarantine import Quarantine
from logradar.sources.base import Limits
from logradar.sources.inputs.formats import Format
from logradar.sources.inputs.headers import HEADERS
from logradar.sources.inputs.reading import Block
from logradar.sources.inputs.records import Records

LATEST = datetime(2026, 11, 21, tzinfo=UTC)
# format, line, time (ISO, up to milliseconds), level, component, body
EXAMPLES = [
    ("hdfs", "081109 203615 148 INFO dfs.DataNode: Got it", "2008-11-09T20:36:15", 9, "dfs.DataNode", "Got it"),
    (
        "bgl",
        "- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02-M1 RAS KERNEL INFO parity error",
        "2005-06-03T15:42:50.675",
        9,
        "KERNEL",
        "parity error",
    ),
    (
        "thunderbird",
        "- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond[2915]: session closed",
        "2005-11-09T20:01:01",
        None,
        "crond",
        "session closed",
    ),
    ("hpc", "134681 node-246 unix.hw state.off 1077804742 1 Gone", "2004-02-26T14:12:22", None, "unix.hw", "Gone"),
    ("log4j", "2015-10-18 18:01:47,978 INFO [main] org.a.MRAppMaster: Made", "2015-10-18T18:01:47.978", 9, "org.a.MRAppMaster", "Made"),
    ("zookeeper", "2015-07-29 17:41:44,747 - WARN  [Recv:1:Quorum$Rec@774] - Time out", "2015-07-29T17:41:44.747", 13, "Quorum$Rec", "Time out"),
    ("spark", "17/06/09 20:10:40 INFO spark.SecurityManager: Changing", "2017-06-09T20:10:40", 9, "spark.SecurityManager", "Changing"),
    ("windows", "2016-09-28 04:30:30, Info                  CBS    Loaded it", "2016-09-28T04:30:30", 9, "CBS", "Loaded it"),
    ("android", "03-17 16:13:38.811  1702  2395 D WindowManager: printing", "2026-03-17T16:13:38.811", 5, "WindowManager", "printing"),
    ("healthapp", "20171223-22:15:29:606|Step_LSC|30002312|changed 3579", "2017-12-23T22:15:29.606", None, "Step_LSC", "changed 3579"),
    ("proxifier", "[10.30 16:49:06] chrome.exe - proxy:5070 close", "2026-10-30T16:49:06", None, "chrome.exe", "proxy:5070 close"),
    ("apache", "[Sun Dec 04 04:47:44 2005] [error] mod_jk state 6", "2005-12-04T04:47:44", 17, None, "mod_jk state 6"),
    (
        "apache",
        "[Sun Dec 04 04:47:44.123456 2005] [ssl:warn] [pid 12:tid 3] AH01906: bad",
        "2005-12-04T04:47:44.123",
        13,
        "ssl",
        "AH01906: bad",
    ),
    (
        "openstack",
        "nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 INFO nova.wsgi [req-38101a0b 11 - - -] GET",
        "2017-05-16T00:00:00.008",
        9,
        "nova.wsgi",
        "GET",
    ),
    ("oslo", "ERROR nova.compute.manager [req-ac9f5721-5c52] [instance: 7233] Gone", None, 17, "nova.compute.manager", "[instance: 7233] Gone"),
    ("syslog", "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: check pass", "2026-06-14T15:16:01", None, "sshd(pam_unix)", "check pass"),
    ("syslog", "<34>Oct  1 22:14:15 mymachine su: failed for lonvick", "2026-10-01T22:14:15", 18, "su", "failed for lonvick"),
    ("syslog_iso", "2026-01-02T03:04:05.678901+01:00 host cron[12]: started", "2026-01-02T02:04:05.678", None, "cron", "started"),
    (
        "syslog_5424",
        '<165>1 2003-10-11T22:14:15.003Z mymachine evntslog 12 ID47 [ex@3 eventID="10\\"11"] An event',
        "2003-10-11T22:14:15.003",
        10,
        "ID47",
        "An event",
    ),
    (
        "skywalking",
        "2021-08-07 19:10:41.655 [SW_CTX:[ts-station,6a@10,121f3fe08fca4050a.46,a61c,0]] [exec-1] INFO  f.Station -Query",
        "2021-08-07T19:10:41.655",
        9,
        "f.Station",
        "Query",
    ),
    (
        "spring",
        "2024-05-06T07:08:09.010Z  INFO 1 --- [shop] [           main] o.s.boot.App        : Started",
        "2024-05-06T07:08:09.010",
        9,
        "o.s.boot.App",
        "Started",
    ),
    ("logback", "2023-11-18 08:46:14,674 [main] DEBUG o.a.Config:105 - Start", "2023-11-18T08:46:14.674", 5, "o.a.Config", "Start"),
    ("logback", "- 2023-11-18 08:46:14,674 [main] INFO  o.a.Config - Start", "2023-11-18T08:46:14.674", 9, "o.a.Config", "Start"),
    ("log4j", "2023-11-18 08:46:14,674 WARN  [Timer-1] kafka.Log - Deleted", "2023-11-18T08:46:14.674", 13, "kafka.Log", "Deleted"),
    ("log4j_date", "02-Jan-2024 15:04:05.123 SEVERE [main] org.apache.Catalina Boom", "2024-01-02T15:04:05.123", 17, "org.apache.Catalina", "Boom"),
    ("elasticsearch", "[2024-01-01T00:00:00,123][WARN ][o.e.n.Node    ] [n1] late", "2024-01-01T00:00:00.123", 13, "o.e.n.Node", "[n1] late"),
    ("kafka", "[2024-01-01 00:00:00,123] ERROR Died (kafka.server.X)", "2024-01-01T00:00:00.123", 17, None, "Died (kafka.server.X)"),
    ("python", "2024-01-01 10:00:00,123 - shop.cart - WARNING - Low", "2024-01-01T10:00:00.123", 13, "shop.cart", "Low"),
    ("python_level", "2024-01-01 10:00:00,123 - INFO - All is well", "2024-01-01T10:00:00.123", 9, None, "All is well"),
    ("python_basic", "WARNING:root:Look out", None, 13, "root", "Look out"),
    ("python_name", "2024-01-01 10:00:00,123 CRITICAL shop.cart: Fell over", "2024-01-01T10:00:00.123", 21, "shop.cart", "Fell over"),
    (
        "python_trace",
        "2026-03-02 08:00:00,123 INFO gateway.orders [trace=4f2a4f2a4f2a4f2a] order taken",
        "2026-03-02T08:00:00.123",
        9,
        "gateway.orders",
        "order taken",
    ),
    ("loguru", "2024-01-01 10:00:00.123 | ERROR    | shop.cart:add:42 - Broke", "2024-01-01T10:00:00.123", 17, "shop.cart:add:42", "Broke"),
    ("ruby", "W, [2024-01-01T00:00:00.123456 #77]  WARN -- app: Slow", "2024-01-01T00:00:00.123", 13, "app", "Slow"),
    ("klog", "E0102 15:04:05.678901   12 server.go:57] Unable", "2026-01-02T15:04:05.678", 17, "server.go", "Unable"),
    ("logfmt", 'time="2024-01-01T00:00:00Z" level=warning msg="it is late"', "2024-01-01T00:00:00", 13, None, 'msg="it is late"'),
    ("logfmt", "ts=2024-01-01T00:00:00.5Z level=info caller=main.go:7 msg=up", "2024-01-01T00:00:00.500", 9, "main.go", "msg=up"),
    ("rust", "[2024-01-01T00:00:00Z INFO  app::net] listening", "2024-01-01T00:00:00", 9, "app::net", "listening"),
    ("serilog", "2024-01-01 00:00:00.000 +01:00 [ERR] It broke", "2023-12-31T23:00:00", 17, None, "It broke"),
    ("zap", "2024-01-01T00:00:00.123Z\tinfo\tserver/main.go:12\tready", "2024-01-01T00:00:00.123", 9, "server/main.go", "ready"),
    ("access", '10.0.0.1 - - [04/Dec/2005:04:47:44 +0100] "GET / HTTP/1.1" 200 5', "2005-12-04T03:47:44", None, None, '"GET / HTTP/1.1" 200 5'),
    ("nginx", "2024/01/02 03:04:05 [crit] 7#7: *1 open() failed", "2024-01-02T03:04:05", 18, None, "*1 open() failed"),
    ("postgresql", "2024-01-02 03:04:05.678 UTC [42] LOG:  checkpoint", "2024-01-02T03:04:05.678", 9, None, "checkpoint"),
    ("mysql", "2024-01-02T03:04:05.678901Z 0 [Warning] [MY-010] [Server] Old", "2024-01-02T03:04:05.678", 13, "Server", "Old"),
    ("redis", "1:M 02 Jan 2024 15:04:05.123 # Out of memory", "2024-01-02T15:04:05.123", 13, None, "Out of memory"),
    ("kernel", "[   12.345678] usb 1-1: new device", "1970-01-01T00:00:12.345", None, None, "usb 1-1: new device"),
    ("time_level_name", "16:48:16.545 INFO  t.c.Travel2Controller#129 TraceID: 88", "2026-11-21T16:48:16.545", 9, "t.c.Travel2Controller#129", "TraceID: 88"),
    ("time_thread_level", "2024-01-02 03:04:05 [w-1] ERROR: no luck", "2024-01-02T03:04:05", 17, None, "no luck"),
    ("time_level", "2024-01-02 03:04:05 ERROR no luck", "2024-01-02T03:04:05", 17, None, "no luck"),
    ("level_time", "[ERROR] 2024-01-02 03:04:05 no luck", "2024-01-02T03:04:05", 17, None, "no luck"),
    ("time", "2025-06-24 14:36:25 status unpacked libc6", "2025-06-24T14:36:25", None, None, "status unpacked libc6"),
    ("level", "ERROR: disk full", None, 17, None, "disk full"),
    ("text", "just some words", None, None, None, "just some words"),
]  # fmt: skip


def read(lines: list[str], form: Format) -> pl.DataFrame:
    records = Records(form, "test", Quarantine(), Limits(), LATEST)
    return pl.concat(list(records.of([Block(pl.Series("text", lines), 1)])))


@pytest.mark.parametrize(("name", "line", "time", "level", "component", "body"), EXAMPLES, ids=lambda v: str(v)[:20])
def test_known_format(name, line, time, level, component, body):
    lines = [line.replace("Z?", "Z") for _ in range(5)]
    form = Format.detect(lines)
    assert form.name == name
    row = read(lines, form).row(4, named=True)
    expected = datetime.fromisoformat(time).replace(tzinfo=UTC) if time else None
    found = row["timestamp"] and row["timestamp"].replace(microsecond=row["timestamp"].microsecond // 1000 * 1000)
    assert (found, row["level"], row["component"], row["body"]) == (expected, level, component, body)


def test_every_header_has_an_example():
    assert set(HEADERS) - {name for name, *_ in EXAMPLES} == {"syslog_bare"}


def test_services_come_from_the_header():
    assert read(["Jun 14 15:16:01 combo sshd(pam_unix)[19939]: x"], Format.named("syslog"))["service"][0] == "sshd"
    line = "nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 INFO nova.wsgi [req-1 - -] GET"
    assert read([line], Format.detect([line]))["service"][0] == "nova-api"
