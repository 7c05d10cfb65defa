"""Headers of Java programs: logback, log4j, java.util.logging, Spring, application servers, the JVM itself."""

from __future__ import annotations

from typing import Final

from logradar.sources.opening.header_table.pieces import (
    ANY,
    CLOCK,
    HALF,
    ISO,
    LEVEL,
    LOGGER,
    MINUTES,
    MONTH,
    NAME,
    ZONE,
)
from logradar.sources.opening.header_table.row import Sample, row

ROWS: Final = (
    row(
        "skywalking",
        rf"(?P<timestamp>{ISO}) \[(?:SW_CTX|TID): ?(?:\[(?P<service>[^,\]]+)[^\]]*\]|[^\[\]]*)\] \[[^\]]*\] +"
        rf"(?P<level>[A-Z]+) +(?P<component>{LOGGER}) +[-:] ?",
        Sample(
            "SkyWalking in logback",
            "2021-08-07 19:10:41.655 [SW_CTX:[ts-station,6a@10,121f3fe08fca4050a.46,a61c,0]] [exec-1] INFO  f.Station -Query",
            "2021-08-07T19:10:41.655", 9, "f.Station", "Query", "ts-station",
        ),
        Sample(
            "SkyWalking, loggers of Tomcat",
            "2021-08-07 19:10:41.655 [SW_CTX:[ts-order,6a@10,N/A,N/A,-1]] [http-nio-1] ERROR o.a.c.c.C.[.[.[.[dispatcherServlet] -Broke",
            "2021-08-07T19:10:41.655", 17, "o.a.c.c.C.[.[.[.[dispatcherServlet]", "Broke", "ts-order",
        ),
        Sample("SkyWalking, the trace alone", "2021-08-07 19:10:41.655 [TID:4a1.46.16] [exec-1] WARN  f.Station - Late", "2021-08-07T19:10:41.655", 13, "f.Station", "Late"),
    ),
    row(
        "spring",
        rf"(?P<timestamp>{ISO}) +(?P<level>{LEVEL}) +(?:\[(?P<service>[\w.-]*)[^\]]*\] +)?[0-9]+ --- "
        rf"(?:\[[^\]]*\] ?)+ *(?P<component>{LOGGER}) *: ",
        Sample(
            "Spring Boot 3",
            "2024-05-06T07:08:09.010Z  INFO 1 --- [shop] [           main] o.s.boot.App        : Started",
            "2024-05-06T07:08:09.010", 9, "o.s.boot.App", "Started",
        ),
        Sample(
            "Spring Boot 2 with Sleuth",
            "2024-05-06 07:08:09.010 ERROR [cart,80f1,9ac2] 1 --- [nio-8080-exec-1] o.a.c.c.C.[.[.[/].[dispatcherServlet]    : Broke",
            "2024-05-06T07:08:09.010", 17, "o.a.c.c.C.[.[.[/].[dispatcherServlet]", "Broke", "cart",
        ),
    ),
    row(
        "logback",
        rf"(?:- )?\[?(?P<timestamp>{ISO}|{CLOCK})\]? \[[^\]]*\] +\[?(?P<level>{LEVEL}) *\]? "
        rf"+(?P<component>{LOGGER})(?::[0-9]+)?(?: \[[^\]]*\])? +- ?",
        Sample("Logback, log4net", "2023-11-18 08:46:14,674 [main] DEBUG o.a.Config:105 - Start", "2023-11-18T08:46:14.674", 5, "o.a.Config", "Start"),
        Sample("Logback of JMeter and others", "- 2023-11-18 08:46:14,674 [main] INFO  o.a.Config - Start", "2023-11-18T08:46:14.674", 9, "o.a.Config", "Start"),
        Sample("log4net with a context", "2023-11-18 08:46:14,674 [5] WARN Shop.Cart [(null)] - Low", "2023-11-18T08:46:14.674", 13, "Shop.Cart", "Low"),
    ),
    row(
        "log4j",
        rf"(?P<timestamp>{ISO}|{CLOCK}) +(?P<level>{LEVEL}) +\[[^\]]*\] (?P<component>{LOGGER})"
        r"(?::[0-9]+)?(?: *- |: |:$)",
        Sample("log4j, Hadoop", "2015-10-18 18:01:47,978 INFO [main] org.a.MRAppMaster: Made", "2015-10-18T18:01:47.978", 9, "org.a.MRAppMaster", "Made"),
        Sample("log4j with a dash", "2023-11-18 08:46:14,674 WARN  [Timer-1] kafka.Log - Deleted", "2023-11-18T08:46:14.674", 13, "kafka.Log", "Deleted"),
    ),
    row(
        "log4j_date",
        rf"(?P<timestamp>[0-9]{{2}}[ -]{MONTH}[ -][0-9]{{4}} {CLOCK}) (?:\[[^\]]*\] )?(?P<level>{LEVEL}) +"
        rf"(?:\[[^\]]*\] )?(?P<component>{LOGGER})(?: - | |: )",
        Sample("Tomcat 9 and later", "02-Jan-2024 15:04:05.123 SEVERE [main] org.apache.Catalina Boom", "2024-01-02T15:04:05.123", 17, "org.apache.Catalina", "Boom"),
    ),
    row(
        "cassandra",
        rf"\[?(?P<level>{LEVEL}) *\]? +\[[^\]]*\] +(?P<timestamp>{ISO}|{CLOCK}) +(?P<component>[\w$.]+\.(?:java|scala|kt|groovy)(?::[0-9]+)?|{NAME}(?::[0-9]+)?) +- ",
        Sample(
            "Cassandra, ScyllaDB tools",
            "WARN  [CompactionExecutor:1] 2024-05-03 10:00:01,007 CompactionTask.java:241 - Compacted 3 sstables",
            "2024-05-03T10:00:01.007", 13, "CompactionTask.java:241", "Compacted 3 sstables",
        ),
    ),
    row(
        "flink",
        rf"(?P<timestamp>{ISO}|{CLOCK}) +(?P<level>{LEVEL}) +(?P<component>{NAME}) +\[[^\]]*\] +- ",
        Sample(
            "Flink",
            "2024-05-03 10:00:00,123 INFO  org.apache.flink.runtime.JobMaster                [] - Starting",
            "2024-05-03T10:00:00.123", 9, "org.apache.flink.runtime.JobMaster", "Starting",
        ),
    ),
    row(
        "jboss",
        rf"(?P<timestamp>{ISO}|{CLOCK}) +(?P<level>{LEVEL}) +\[(?P<component>[^\]\s]+)\] \([^)]*\) (?:\[[^\]]*\] )?",
        Sample("WildFly, JBoss, Quarkus", "10:00:00,123 WARN  [org.jboss.as.server] (MSC service thread 1-2) Late", "2026-11-21T10:00:00.123", 13, "org.jboss.as.server", "Late"),
    ),
    row(
        "solr",
        rf"(?P<timestamp>{ISO}) +(?P<level>{LEVEL}) +\([^)]*\) \[[^\]]*\] (?P<component>{NAME}) ",
        Sample("Solr", "2024-05-03 10:00:00.123 INFO  (qtp1-20) [c:films s:shard1] o.a.s.c.S.Request hits=3", "2024-05-03T10:00:00.123", 9, "o.a.s.c.S.Request", "hits=3"),
    ),
    row(
        "jenkins",
        rf"(?P<timestamp>{ISO}) \[id=[0-9]+\]\s+(?P<level>{LEVEL})\s+(?P<component>{NAME}): ",
        Sample("Jenkins", "2024-05-03 10:00:00.123+0000 [id=42]\tSEVERE\thudson.WebAppMain#run: Broke", "2024-05-03T10:00:00.123", 17, "hudson.WebAppMain#run", "Broke"),
    ),
    row(
        "websphere",
        rf"\[(?P<timestamp>[0-9]{{1,2}}[/.][0-9]{{1,2}}[/.][0-9]{{2,4}},? {MINUTES}{HALF}?{ZONE}?)\] [0-9a-f]{{8}} "
        r"(?:id=\S* )?(?P<component>\S+) +(?:(?P<level>[FEWID])|[ACORZ123]) +",
        Sample("WebSphere", "[5/13/24 10:00:00:123 CEST] 0000004a WebContainer  E SRVE0260E: Broke", "2024-05-13T08:00:00.123", 17, "WebContainer", "SRVE0260E: Broke"),
    ),
    row(
        "weblogic",
        r"####<(?P<timestamp>[^>]+)> <(?P<level>[A-Za-z]+)> <(?P<component>[^>]*)> <[^>]*> <(?P<service>[^>]*)> "
        r"(?:<[^>]*> |<<[^>]*>> )*<BEA-[0-9]+> ",
        Sample(
            "WebLogic",
            "####<May 3, 2024 10:00:00,123 AM CEST> <Warning> <JDBC> <host> <shop> <exec-1> <<WLS Kernel>> <> <> <1714723200123> <BEA-001129> <Late>",
            "2024-05-03T08:00:00.123", 13, "JDBC", "<Late>", "shop",
        ),
    ),
    row(
        "glassfish",
        rf"\[(?P<timestamp>{ISO})\] \[[^\]]*\] \[(?P<level>{LEVEL})\] \[[^\]]*\] \[(?P<component>[^\]]*)\] (?:\[\w+: [^\]]*\] )*(?:\[\[)?\s*",
        Sample(
            "GlassFish, Payara",
            "[2024-05-03T10:00:00.123+0200] [Payara 6] [WARNING] [] [javax.ejb] [tid: _ThreadID=1 _ThreadName=main] [levelValue: 900] [[ Late]]",
            "2024-05-03T08:00:00.123", 13, "javax.ejb", "Late]]",
        ),
    ),
    row(
        "elasticsearch",
        rf"\[(?P<timestamp>{ISO})\]\[(?P<level>{LEVEL}) *\]\[(?P<component>[^\]]*[^\]\s]) *\] ?",
        Sample("Elasticsearch, OpenSearch", "[2024-01-01T00:00:00,123][WARN ][o.e.n.Node    ] [n1] late", "2024-01-01T00:00:00.123", 13, "o.e.n.Node", "[n1] late"),
    ),
    row(
        "kafka",
        rf"\[(?P<timestamp>{ISO})\] (?P<level>{LEVEL}) ",
        Sample("Kafka", "[2024-01-01 00:00:00,123] ERROR Died (kafka.server.X)", "2024-01-01T00:00:00.123", 17, None, "Died (kafka.server.X)"),
    ),
    row(
        "jvm",
        r"\[(?P<timestamp>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.,][0-9]{3}[+-][0-9]{4})\](?:\[[^\]]*\]){0,4}?"
        r"\[(?P<level>trace|debug|info|warning|error) *\](?:\[(?P<component>[a-z0-9,+_]+) *\])? ",
        Sample(
            "JVM unified logging, garbage collector",
            "[2024-05-03T10:00:00.123+0200][0.512s][info ][gc,start    ] GC(0) Pause Young",
            "2024-05-03T08:00:00.123", 9, "gc,start", "GC(0) Pause Young",
        ),
    ),
    row(
        "jvm_uptime",
        r"\[(?P<timestamp>[0-9]+\.[0-9]{3})s\](?:\[[^\]]*\]){0,3}?"
        r"\[(?P<level>trace|debug|info|warning|error) *\](?:\[(?P<component>[a-z0-9,+_]+) *\])? ",
        Sample("JVM unified logging, since the start", "[12.512s][warning][gc] GC(0) Pause Young", "1970-01-01T00:00:12.512", 13, "gc", "GC(0) Pause Young"),
    ),
    row(
        "jvm_gc",
        rf"(?P<timestamp>{ISO}): [0-9]+[.,][0-9]+: ",
        Sample("JVM to 8, garbage collector", "2024-05-03T10:00:00.123+0200: 1.234: [GC (Allocation Failure) 5K]", "2024-05-03T08:00:00.123", None, None, "[GC (Allocation Failure) 5K]"),
    ),
    row(
        "minecraft",
        rf"\[(?P<timestamp>{CLOCK})\] \[[^\]/]*/(?P<level>{LEVEL})\]:? (?:\[(?P<component>[^\]]+)\]:? )?",
        Sample("Minecraft servers", "[10:00:00] [Server thread/WARN]: Can't keep up!", "2026-11-21T10:00:00", 13, None, "Can't keep up!"),
    ),
    row(
        "jul",  # an entry has two lines; `joining` makes one text of them
        rf"(?P<timestamp>{ANY}) (?P<component>[\w.$/]+)(?: [\w$<>]+)?\n(?P<level>{LEVEL}): ?",
        Sample(
            "java.util.logging, two lines",
            "May 03, 2024 12:00:00 PM org.apache.catalina.startup.Catalina start\nSEVERE: Cannot start server",
            "2024-05-03T12:00:00", 17, "org.apache.catalina.startup.Catalina", "Cannot start server",
        ),
        Sample(
            "java.util.logging in Java 11",
            "Jan 02, 2024 3:04:05 PM com.shop.Cart add\nINFO: added",
            "2024-01-02T15:04:05", 9, "com.shop.Cart", "added",
        ),
    ),
)  # fmt: skip

# The two lines of an entry of java.util.logging, each alone
FIRST_OF_TWO: Final = rf"^{ANY} [\w.$/]+(?: [\w$<>]+)?$"
SECOND_OF_TWO: Final = rf"^{LEVEL}: "
