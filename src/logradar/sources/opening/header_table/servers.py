"""Headers of web servers, proxies, name servers, systems and tools that run them."""

from __future__ import annotations

from typing import Final

from logradar.sources.opening.header_table.pieces import AREA, BSD, CLOCK, DAY, HALF, ISO, LEVEL, MONTH, NAME, ZONE
from logradar.sources.opening.header_table.row import Sample, row

ROWS: Final = (
    row(
        "access",
        r"(?:(?P<service>[A-Za-z0-9*][\w*.-]*(?::[0-9]+)?) +(?:[0-9A-Fa-f][0-9A-Fa-f.:]+|[A-Za-z0-9_][\w-]*(?:\.[\w-]+)+) "
        r"|[^\s\[\]\x22{}]+ )[^\s\[\]\x22]+ [^\s\[\]\x22]+(?: [^\s\[\]\x22]+){0,3} "
        rf"\[(?P<timestamp>[0-9]{{1,2}}/{MONTH}/[0-9]{{4}}:{CLOCK}{HALF}?{ZONE}?)\] ",
        Sample("Access logs of Apache, nginx and others", '10.0.0.1 - - [04/Dec/2005:04:47:44 +0100] "GET / HTTP/1.1" 200 5', "2005-12-04T03:47:44", None, None, '"GET / HTTP/1.1" 200 5'),
        Sample(
            "Access logs with names of hosts and users",
            'cable2.isp2.example.net - frank.w [03/May/2024:10:00:02 +0200] "GET /item/2 HTTP/1.1" 503 62',
            "2024-05-03T08:00:02", None, None, '"GET /item/2 HTTP/1.1" 503 62',
        ),
        Sample(
            "Access logs with virtual hosts",
            'shop.example.com:443 2001:db8::1 - - [03/May/2024:10:00:02 +0200] "GET / HTTP/2.0" 200 62',
            "2024-05-03T08:00:02", None, None, '"GET / HTTP/2.0" 200 62', "shop.example.com:443",
        ),
    ),
    row(
        "s3_access",
        rf"\S+ \S+ \[(?P<timestamp>[0-9]{{2}}/{MONTH}/[0-9]{{4}}:{CLOCK}{ZONE}?)\] ",
        Sample("Amazon S3", "79a5 bucket [06/Feb/2019:00:00:38 +0000] 192.0.2.3 79a5 3E57 REST.GET.OBJECT", "2019-02-06T00:00:38", None, None, "192.0.2.3 79a5 3E57 REST.GET.OBJECT"),
    ),
    row(
        "aws_alb",
        rf"(?:https?|h2|grpcs?|wss?|tls|tcp) (?:[0-9.]+ )?(?P<timestamp>{ISO}) (?P<component>\S+) ",
        Sample("Amazon load balancers", "https 2024-05-03T10:00:00.123456Z app/shop/50dc 192.0.2.1:2817 10.0.0.1:80 0.001 200", "2024-05-03T10:00:00.123456", None, "app/shop/50dc", "192.0.2.1:2817 10.0.0.1:80 0.001 200"),
    ),
    row(
        "nginx",
        rf"(?P<timestamp>{ISO}) \[(?P<level>\w+)\] [0-9]+#[0-9]+: ",
        Sample("nginx, errors", "2024/01/02 03:04:05 [crit] 7#7: *1 open() failed", "2024-01-02T03:04:05", 18, None, "*1 open() failed"),
    ),
    row(
        "envoy",
        rf"\[(?P<timestamp>{ISO})\]\[[0-9]+\]\[(?P<level>{LEVEL})\]\[(?P<component>\w+)\] ",
        Sample("Envoy, Istio's proxy", "[2024-05-03 10:00:00.123][12][warning][main] [source/server/server.cc:300] late", "2024-05-03T10:00:00.123", 13, "main", "[source/server/server.cc:300] late"),
    ),
    row(
        "bind",
        rf"(?P<timestamp>[0-9]{{2}}-{MONTH}-[0-9]{{4}} {CLOCK}) (?P<component>[a-z][\w-]*): (?P<level>{LEVEL}): ",
        Sample("BIND", "03-May-2024 10:00:00.123 queries: info: client 10.0.0.1#53: query", "2024-05-03T10:00:00.123", 9, "queries", "client 10.0.0.1#53: query"),
    ),
    row(
        "unbound",
        rf"\[(?P<timestamp>1[0-9]{{9}})\] (?P<component>[\w-]+)\[[^\]]*\] (?P<level>{LEVEL}): ",
        Sample("Unbound", "[1714730400] unbound[12:0] error: no answer", "2024-05-03T10:00:00", 17, "unbound", "no answer"),
    ),
    row(
        "ossec",
        rf"(?P<timestamp>{ISO}) (?P<component>[a-z][\w-]*)(?:\[[0-9]+\](?: \S+ at \S+)?|\([0-9]+\))?: (?P<level>{LEVEL}): ",
        Sample("OSSEC, Wazuh", "2024/05/03 10:00:00 wazuh-agentd[12]: WARNING: No server", "2024-05-03T10:00:00", 13, "wazuh-agentd", "No server"),
    ),
    row(
        "gitea",
        rf"(?P<timestamp>{ISO}) (?P<component>[\w./-]+\.go):[0-9]+:\S* \[(?P<level>[TDIWEF])\] ",
        Sample("Gitea, Forgejo", "2024/05/03 10:00:00 ...s/web/web.go:12:run() [E] Broke", "2024-05-03T10:00:00", 17, "...s/web/web.go", "Broke"),
    ),
    row(
        "asterisk",
        rf"\[(?P<timestamp>{ISO}|{BSD})\] (?P<level>{LEVEL})\[[0-9]+\](?:\[[^\]]*\])?: (?:(?P<component>[\w.]+): )?",
        Sample("Asterisk", "[2024-05-03 10:00:00] WARNING[1234][C-00000012]: chan_sip.c: No answer", "2024-05-03T10:00:00", 13, "chan_sip.c", "No answer"),
    ),
    row(
        "cups",
        rf"(?:(?P<level>[EWID])|[NAXCd]) \[(?P<timestamp>[0-9]{{2}}/{MONTH}/[0-9]{{4}}:{CLOCK}{ZONE}?)\] ",
        Sample("CUPS, errors", "W [03/May/2024:12:00:00 +0200] No printer", "2024-05-03T10:00:00", 13, None, "No printer"),
    ),
    row(
        "sssd",
        rf"\((?P<timestamp>{ISO}|(?:{DAY} )?{BSD}(?: [0-9]{{4}})?)\):? \[(?P<component>[^\]\s]+)\] ",
        Sample("SSSD", "(2024-05-03 10:00:00): [sssd] [main] (0x0010): late", "2024-05-03T10:00:00", None, "sssd", "[main] (0x0010): late"),
    ),
    row(
        "uwsgi",
        rf"\[pid: [^\]]*\] \S+ \([^)]*\) \{{[^}}]*\}} \[(?P<timestamp>{DAY} {BSD} [0-9]{{4}})\] ",
        Sample("uWSGI", "[pid: 7|app: 0|req: 1/1] 10.0.0.1 () {34 vars in 512 bytes} [Fri May  3 10:00:00 2024] GET / => 12 bytes", "2024-05-03T10:00:00", None, None, "GET / => 12 bytes"),
    ),
    row(
        "vmware",
        rf"(?P<timestamp>{ISO}) (?P<level>{LEVEL}) (?P<component>[\w-]+)\[\w+\] (?:\[[^\]]*\] )?",
        Sample("VMware ESXi, vCenter", "2024-05-03T10:00:00.123Z warning hostd[2099] [Originator@6876 sub=Vimsvc] late", "2024-05-03T10:00:00.123", 13, "hostd", "late"),
    ),
    row(
        "ceph",
        rf"(?P<timestamp>{ISO}) [0-9a-f]{{8,16}} +-?[0-9]+ (?:(?P<component>[a-z]+\.\S+|[a-z]+) )?",
        Sample("Ceph", "2024-05-03T10:00:00.123+0000 7f1234567890  0 mon.a@0(leader) handled", "2024-05-03T10:00:00.123", None, "mon.a@0(leader)", "handled"),
    ),
    row(
        "macos_unified",
        rf"(?P<timestamp>{ISO}) +0x[0-9a-f]+ +(?P<level>Default|Info|Debug|Error|Fault|Activity) +0x[0-9a-f]+ +[0-9]+ +[0-9]+ +(?P<component>[^\s:]+): ",
        Sample("macOS, log show", "2024-05-03 10:00:00.123456+0200 0x1a2      Error       0x0                  123    0    kernel: no space", "2024-05-03T08:00:00.123456", 17, "kernel", "no space"),
    ),
    row(
        "kernel",
        r"\[ *(?P<timestamp>[0-9]+\.[0-9]{6})\] ",
        Sample("Linux kernel, dmesg", "[   12.345678] usb 1-1: new device", "1970-01-01T00:00:12.345678", None, None, "usb 1-1: new device"),
    ),
    row(
        "postgresql",
        rf"(?P<timestamp>{ISO}(?: [A-Z]{{2,5}}| [+-][0-9]{{2}}| {AREA})?) \[[0-9]+(?:-[0-9]+)?\](?::? \S+@\S+)?:? (?P<level>[A-Z][A-Z0-9]+): +",
        Sample("PostgreSQL", "2024-01-02 03:04:05.678 UTC [42] LOG:  checkpoint", "2024-01-02T03:04:05.678", 9, None, "checkpoint"),
        Sample("PostgreSQL with a zone, user and database", "2024-05-03 10:00:01.123 CEST [4001] app@shop FATAL:  no role", "2024-05-03T08:00:01.123", 21, None, "no role"),
    ),
    row(
        "postgresql_rds",
        rf"(?P<timestamp>{ISO}(?: [A-Z]{{2,5}})?):[^:\s]*(?:\([0-9]+\))?:(?P<component>[^@:\s]*@[^:\s]*):\[[0-9]+\]:(?P<level>[A-Z][A-Z0-9]+): +",
        Sample("PostgreSQL on Amazon RDS", "2024-05-03 10:00:00 UTC:10.0.0.1(51234):app@shop:[4000]:ERROR:  no table", "2024-05-03T10:00:00", 17, "app@shop", "no table"),
    ),
    row(
        "pgbouncer",
        rf"(?P<timestamp>{ISO}(?: [A-Z]{{2,5}})?) \[[0-9]+\] (?P<level>LOG|WARNING|ERROR|FATAL|DEBUG|NOISE) ",
        Sample("PgBouncer", "2024-05-03 10:00:00.123 CEST [1] WARNING C-0x55: pooler error", "2024-05-03T08:00:00.123", 13, None, "C-0x55: pooler error"),
    ),
    row(
        "mysql",
        rf"(?P<timestamp>{ISO}) [0-9]+ \[(?P<level>\w+)\] (?:\[[\w-]+\] \[(?P<component>\w+)\] )?",
        Sample("MySQL 8, MariaDB", "2024-01-02T03:04:05.678901Z 0 [Warning] [MY-010] [Server] Old", "2024-01-02T03:04:05.678901", 13, "Server", "Old"),
    ),
    row(
        "sqlserver",
        rf"(?P<timestamp>{ISO}) (?P<component>spid[0-9]+s?|Server|Logon|Backup) +",
        Sample("SQL Server", "2024-05-03 10:00:00.12 spid51      Starting up database 'shop'.", "2024-05-03T10:00:00.120", None, "spid51", "Starting up database 'shop'."),
    ),
    row(
        "mongodb",
        rf"(?P<timestamp>{ISO}) (?P<level>[FEWID]|D[1-5]) (?P<component>[A-Z_]+|-) +\[[^\]]*\] ",
        Sample("MongoDB to 4.2", "2024-05-03T10:00:00.123+0200 W NETWORK  [conn1] end connection", "2024-05-03T08:00:00.123", 13, "NETWORK", "end connection"),
    ),
    row(
        "redis",
        rf"[0-9]+:[A-Z] (?P<timestamp>[0-9]{{2}} {MONTH} (?:[0-9]{{4}} )?{CLOCK}) (?P<level>[.*#-]) ",
        Sample("Redis, Valkey", "1:M 02 Jan 2024 15:04:05.123 # Out of memory", "2024-01-02T15:04:05.123", 13, None, "Out of memory"),
    ),
    row(
        "clickhouse",
        rf"(?P<timestamp>{ISO}) \[ *[0-9]+ *\] \{{[^}}]*\}} <(?P<level>\w+)> (?P<component>[^\s:]+(?: \([^)]*\))?): ",
        Sample("ClickHouse", "2024.05.03 10:00:00.123456 [ 1234 ] {a1b2} <Error> executeQuery: no table", "2024-05-03T10:00:00.123456", 17, "executeQuery", "no table"),
    ),
    row(
        "couchdb",
        rf"\[(?P<level>{LEVEL})\] (?P<timestamp>{ISO}) (?P<component>{NAME}) <[0-9.]+> \S+ ",
        Sample("CouchDB", "[error] 2024-05-03T10:00:00.123456Z nonode@nohost <0.1.0> -------- no database", "2024-05-03T10:00:00.123456", 17, "nonode@nohost", "no database"),
    ),
    row(
        "rocksdb",
        rf"(?P<timestamp>[0-9]{{4}}/[0-9]{{2}}/[0-9]{{2}}-{CLOCK}) [0-9a-f]+ (?:\((?:Original Log Time )?[^)]*\) )?(?:\[(?P<level>{LEVEL})\] )?",
        Sample("RocksDB, LevelDB", "2024/05/03-10:00:00.123456 7f12 [WARN] [db/db_impl/db_impl.cc:490] no space", "2024-05-03T10:00:00.123456", 13, None, "[db/db_impl/db_impl.cc:490] no space"),
    ),
    row(
        "trafficserver",
        rf"\[(?P<timestamp>{BSD})\] (?P<component>[A-Za-z_][\w-]*|\[[^\]]*\]) (?P<level>{LEVEL}): ",
        Sample("Apache Traffic Server", "[May  3 10:00:00.123] traffic_server WARNING: <Cache.cc:12 (open)> no space", "2026-05-03T10:00:00.123", 13, "traffic_server", "<Cache.cc:12 (open)> no space"),
        Sample("Apache Traffic Server, a thread", "[May  3 10:00:00.123] [ET_NET 1] ERROR: no answer", "2026-05-03T10:00:00.123", 17, "[ET_NET 1]", "no answer"),
    ),
    row(
        "gstreamer",
        r"(?P<timestamp>[0-9]+:[0-9]{2}:[0-9]{2}\.[0-9]{9}) +[0-9]+ +0x[0-9a-f]+ +(?:(?P<level>ERROR|WARN|FIXME|INFO|DEBUG|TRACE|MEMDUMP)|LOG) +(?P<component>[^\s:]+) ",
        Sample("GStreamer", "0:00:00.123456789   712 0x55c0b0 WARN   basesrc gstbasesrc.c:3630:start:<src> no file", "2026-11-21T00:00:00.123456", 13, "basesrc", "gstbasesrc.c:3630:start:<src> no file"),
        Sample("GStreamer, LOG (which is less than DEBUG there)", "0:00:00.123456789   712 0x55c0b0 LOG    basesrc gstbasesrc.c:3630:start:<src> read", "2026-11-21T00:00:00.123456", None, "basesrc", "gstbasesrc.c:3630:start:<src> read"),
        Sample("GStreamer, FIXME", "11:00:00.123456789   712 0x55c0b0 FIXME   basesrc gstbasesrc.c:3630:start:<src> not yet", "2026-11-21T11:00:00.123456", 13, "basesrc", "gstbasesrc.c:3630:start:<src> not yet"),
    ),
    row(
        "syncthing",
        rf"\[(?P<component>[A-Z0-9]{{5}}|start|monitor)\] (?P<timestamp>{ISO}|{CLOCK})(?: \S+:[0-9]+)?:? (?P<level>{LEVEL}): ",
        Sample("Syncthing", "[start] 2024/05/03 10:00:00 WARNING: no space", "2024-05-03T10:00:00", 13, "start", "no space"),
    ),
)  # fmt: skip
