"""The 16 systems of loghub (Zhu et al., ISSRE 2023), and syslog (RFC 3164, RFC 5424)."""

from __future__ import annotations

from typing import Final

from logradar.sources.opening.header_table.pieces import (
    BSD,
    CLOCK,
    DAY,
    ISO,
    ISO_ZONE,
    MONTH,
    NAME,
    PID,
    PROGRAM,
    REQUEST,
)
from logradar.sources.opening.header_table.row import Sample, row

ROWS: Final = (
    row(
        "hdfs",
        r"(?P<timestamp>[0-9]{6} [0-9]{6}) [0-9]+ (?P<level>[A-Z]+) (?P<component>[^\s:]+): ",
        Sample("HDFS of 2008", "081109 203615 148 INFO dfs.DataNode: Got it", "2008-11-09T20:36:15", 9, "dfs.DataNode", "Got it"),
    ),
    row(
        "bgl",
        r"(?P<alert>\S+) [0-9]{10} [0-9]{4}\.[0-9]{2}\.[0-9]{2} \S+ "
        r"(?P<timestamp>[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[0-9]+) \S+ "
        r"\S+ (?P<component>\S+) (?P<level>\S+) ?",
        Sample(
            "BlueGene/L",
            "- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02-M1 RAS KERNEL INFO parity error",
            "2005-06-03T15:42:50.675872", 9, "KERNEL", "parity error",
        ),
    ),
    row(
        "thunderbird",
        r"(?P<alert>\S+) (?P<timestamp>[0-9]{10}) [0-9]{4}\.[0-9]{2}\.[0-9]{2} \S+ "
        rf"{MONTH} +[0-9]{{1,2}} {CLOCK} \S+ (?:{PROGRAM}{PID}: )?",
        Sample(
            "Thunderbird, Spirit, Liberty",
            "- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond[2915]: session closed",
            "2005-11-09T20:01:01", None, "crond", "session closed", "crond",
        ),
    ),
    row(
        "hpc",
        r"[0-9]+ (?:\S+) (?P<component>[a-z_]+(?:\.[a-z_]+)*) \S+ (?P<timestamp>[0-9]{9,10}) -?[0-9]+ ",
        Sample("HPC cluster of Los Alamos", "134681 node-246 unix.hw state.off 1077804742 1 Gone", "2004-02-26T14:12:22", None, "unix.hw", "Gone"),
    ),
    row(
        "zookeeper",
        rf"(?P<timestamp>{ISO}) (?:\[[^\]]*\] )?- (?P<level>[A-Z]+) +\[(?:.*:)?(?P<component>[\w$.]+)@-?[0-9]+\] - ",
        Sample(
            "ZooKeeper to 3.4",
            "2015-07-29 17:41:44,747 - WARN  [Recv:1:Quorum$Rec@774] - Time out",
            "2015-07-29T17:41:44.747", 13, "Quorum$Rec", "Time out",
        ),
        Sample(
            "ZooKeeper from 3.5, with its id",
            "2024-05-03 10:00:00,123 [myid:1] - INFO  [main:QuorumPeerConfig@136] - Reading configuration",
            "2024-05-03T10:00:00.123", 9, "QuorumPeerConfig", "Reading configuration",
        ),
        Sample(
            "Time, id, level, thread, class and line",
            "2024-05-03 10:00:00,123 [8f2a1c] - WARN [exec-1:OrderService@88] - stock low",
            "2024-05-03T10:00:00.123", 13, "OrderService", "stock low",
        ),
    ),
    row(
        "spark",
        rf"(?P<timestamp>[0-9]{{2}}/[0-9]{{2}}/[0-9]{{2}} {CLOCK}) (?P<level>[A-Z]+) (?P<component>[^\s:]+): ",
        Sample("Spark, Hadoop tools", "17/06/09 20:10:40 INFO spark.SecurityManager: Changing", "2017-06-09T20:10:40", 9, "spark.SecurityManager", "Changing"),
        order="year",
    ),
    row(
        "windows",
        rf"(?P<timestamp>{ISO}), (?P<level>[A-Z][a-z]+) +(?:(?P<component>[A-Z][A-Za-z]*) +)?",
        Sample("Windows servicing (CBS)", "2016-09-28 04:30:30, Info                  CBS    Loaded it", "2016-09-28T04:30:30", 9, "CBS", "Loaded it"),
    ),
    row(
        "android",
        rf"(?P<timestamp>(?:[0-9]{{4}}-)?[0-9]{{2}}-[0-9]{{2}} {CLOCK}) +[0-9]+ +[0-9]+ (?P<level>[VDIWEFA]) "
        r"(?P<component>[^:]*[^:\s]) *:(?: |$)",
        Sample("Android, logcat threadtime", "03-17 16:13:38.811  1702  2395 D WindowManager: printing", "2026-03-17T16:13:38.811", 5, "WindowManager", "printing"),
        order="month",
    ),
    row(
        "android_time",
        rf"(?P<timestamp>(?:[0-9]{{4}}-)?[0-9]{{2}}-[0-9]{{2}} {CLOCK}) +(?P<level>[VDIWEFA])/(?P<component>[^(]*[^(\s]) *\( *[0-9]+\): ",
        Sample("Android, logcat time", "03-17 16:13:38.811 E/WindowManager( 1702): no window", "2026-03-17T16:13:38.811", 17, "WindowManager", "no window"),
        order="month",
    ),
    row(
        "healthapp",
        rf"(?P<timestamp>[0-9]{{8}}-{CLOCK})\|(?P<component>[^|]+)\|[0-9]+\|",
        Sample("HealthApp", "20171223-22:15:29:606|Step_LSC|30002312|changed 3579", "2017-12-23T22:15:29.606", None, "Step_LSC", "changed 3579"),
    ),
    row(
        "proxifier",
        rf"\[(?P<timestamp>[0-9]{{2}}\.[0-9]{{2}} {CLOCK})\] (?P<component>\S+(?: \*64)?) - ",
        Sample("Proxifier", "[10.30 16:49:06] chrome.exe - proxy:5070 close", "2026-10-30T16:49:06", None, "chrome.exe", "proxy:5070 close"),
        order="month",
    ),
    row(
        "apache",
        rf"\[(?P<timestamp>{DAY} {MONTH} +[0-9]{{1,2}} {CLOCK} [0-9]{{4}})\] "
        r"\[(?:(?P<component>\w*):)?(?P<level>\w+)\] (?:\[pid [^\]]*\] )?",
        Sample("Apache httpd 2.2, errors", "[Sun Dec 04 04:47:44 2005] [error] mod_jk state 6", "2005-12-04T04:47:44", 17, None, "mod_jk state 6"),
        Sample(
            "Apache httpd 2.4, errors",
            "[Sun Dec 04 04:47:44.123456 2005] [ssl:warn] [pid 12:tid 3] AH01906: bad",
            "2005-12-04T04:47:44.123456", 13, "ssl", "AH01906: bad",
        ),
    ),
    row(
        "openstack",
        rf"(?:(?P<service>[a-z][\w-]*)\.log\S* )?(?P<timestamp>{ISO}) [0-9]+ (?P<level>[A-Z]+) "
        rf"(?P<component>{NAME}) (?:{REQUEST})?",
        Sample(
            "OpenStack (oslo.log)",
            "nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 INFO nova.wsgi [req-38101a0b 11 - - -] GET",
            "2017-05-16T00:00:00.008", 9, "nova.wsgi", "GET", "nova-api",
        ),
    ),
    row(
        "oslo",
        rf" *(?P<level>[A-Z]+) (?P<component>[a-z_][\w.-]*) {REQUEST}",
        Sample("OpenStack without times", "ERROR nova.compute.manager [req-ac9f5721-5c52] [instance: 7233] Gone", None, 17, "nova.compute.manager", "[instance: 7233] Gone"),
    ),
    row(
        "syslog",
        rf"(?:<(?P<priority>[0-9]{{1,3}})>)?(?P<timestamp>{BSD}) [^\s:\[\]]+ "
        rf"{PROGRAM}{PID}(?: \([^\s)]*\))*(?:: |:$)",
        Sample("Syslog files (RFC 3164)", "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: check pass", "2026-06-14T15:16:01", None, "sshd(pam_unix)", "check pass", "sshd"),
        Sample("Syslog with its priority", "<34>Oct  1 22:14:15 mymachine su: failed for lonvick", "2026-10-01T22:14:15", 18, "su", "failed for lonvick", "su"),
        Sample("journalctl, short-precise", "May 03 10:00:00.123456 pi cron[12]: started", "2026-05-03T10:00:00.123456", None, "cron", "started", "cron"),
    ),
    row("syslog_bare", rf"(?:<(?P<priority>[0-9]{{1,3}})>)?(?P<timestamp>{BSD}) [^\s:\[\]]+ "),
    row(
        "syslog_5424",
        rf"<(?P<priority>[0-9]{{1,3}})>[0-9]{{1,2}} (?P<timestamp>{ISO}|-) \S+ (?P<service>\S+) \S+ "
        r"(?P<component>\S+) (?:-|(?:\[(?:[^\]\x22]|\x22(?:[^\x22\\]|\\.)*\x22)*\])+) ?",
        Sample(
            "Syslog messages (RFC 5424)",
            '<165>1 2003-10-11T22:14:15.003Z mymachine evntslog 12 ID47 [ex@3 eventID="10\\"11"] An event',
            "2003-10-11T22:14:15.003", 10, "ID47", "An event", "evntslog",
        ),
    ),
    row(
        "syslog_iso",
        rf"(?:<(?P<priority>[0-9]{{1,3}})>)?(?P<timestamp>{ISO_ZONE}) [^\s:\[\]]+ {PROGRAM}{PID}(?:: |:$)",
        Sample("rsyslog, journalctl short-iso", "2026-01-02T03:04:05.678901+01:00 host cron[12]: started", "2026-01-02T02:04:05.678901", None, "cron", "started", "cron"),
        Sample("macOS install.log", "2024-05-03 10:00:00+02 mac installd[12]: PackageKit: done", "2024-05-03T08:00:00", None, "installd", "PackageKit: done", "installd"),
    ),
)  # fmt: skip
