"""Headers of loggers of Python, Go, Rust, Ruby, PHP, JavaScript, .NET, C++ and Erlang."""

from __future__ import annotations

from typing import Final

from logradar.sources.opening.header_table.pieces import ANY, BSD, CLOCK, ISO, LEVEL, LOGGER, MONTH, NAME, NUMBERS, ZONE
from logradar.sources.opening.header_table.row import Sample, row

_KEY: Final = r"[A-Za-z_@][\w.@/-]*"
_PAIR: Final = rf"(?:{_KEY}=(?:\x22(?:[^\x22\\]|\\.)*\x22|[^\s\x22]*) +)"
_MAIN: Final = (  # a pair that tells a time or a level
    r"(?:(?:time|ts|t|timestamp)=(?:\x22[^\x22]{8,}\x22|[^\s\x22]{8,})"
    rf"|(?:level|lvl|severity|loglevel)=\x22?{LEVEL}\x22?)"
)

ROWS: Final = (
    row(
        "python",
        rf"(?P<timestamp>{ISO}) - (?P<component>{NAME}) - (?P<level>{LEVEL}) - ",
        Sample("Python, with a logger", "2024-01-01 10:00:00,123 - shop.cart - WARNING - Low", "2024-01-01T10:00:00.123", 13, "shop.cart", "Low"),
    ),
    row(
        "python_level",
        rf"(?P<timestamp>{ISO}) - (?P<level>{LEVEL}) - (?:(?P<component>{NAME}) - )?",
        Sample("Python, the level first", "2024-01-01 10:00:00,123 - INFO - All is well", "2024-01-01T10:00:00.123", 9, None, "All is well"),
    ),
    row(
        "python_basic",
        rf"(?P<level>{LEVEL}):(?P<component>{NAME}):",
        Sample("Python, logging.basicConfig", "WARNING:root:Look out", None, 13, "root", "Look out"),
    ),
    row(
        "python_name",
        rf"(?P<timestamp>{ISO}|{NUMBERS}) +\[?(?P<level>{LEVEL})\]? +(?P<component>{LOGGER}(?::[0-9]+)?)(?:: | - | ?\| )",
        Sample("Python, with a colon", "2024-01-01 10:00:00,123 CRITICAL shop.cart: Fell over", "2024-01-01T10:00:00.123", 21, "shop.cart", "Fell over"),
        Sample("A clock with 12 hours, month first", "05/13/2024 12:15:27 AM INFO PatchAgent - update 0 installed", "2024-05-13T00:15:27", 9, "PatchAgent", "update 0 installed"),
        Sample("A date with the day first", "13/05/2024 10:00:00 WARN billing - run 7 is late", "2024-05-13T10:00:00", 13, "billing", "run 7 is late"),
        Sample("Consul, Vault, Nomad", "2024-05-03T10:00:00.123Z [WARN]  agent.server: late", "2024-05-03T10:00:00.123", 13, "agent.server", "late"),
    ),
    row(
        "python_trace",
        rf"(?P<timestamp>{ISO}) +(?P<level>{LEVEL}) +(?P<component>{NAME}) \[[^\]]*\] ",
        Sample(
            "Python, with a trace",
            "2026-03-02 08:00:00,123 INFO gateway.orders [trace=4f2a4f2a4f2a4f2a] order taken",
            "2026-03-02T08:00:00.123", 9, "gateway.orders", "order taken",
        ),
    ),
    row(
        "loguru",
        rf"(?P<timestamp>{ISO}) \| (?P<level>{LEVEL}) +\| (?P<component>[\w.<>]+(?::[\w.<>]+)*) - ",
        Sample("Loguru", "2024-01-01 10:00:00.123 | ERROR    | shop.cart:add:42 - Broke", "2024-01-01T10:00:00.123", 17, "shop.cart:add:42", "Broke"),
    ),
    row(
        "airflow",
        rf"\[(?P<timestamp>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:, |[T ]){CLOCK}{ZONE}?)\] \{{(?P<component>[^}}:]+)[^}}]*\}} (?P<level>{LEVEL}) - ",
        Sample("Airflow 2.3 and later", "[2024-05-03T10:00:00.123+0200] {taskinstance.py:1157} INFO - Marked as done", "2024-05-03T08:00:00.123", 9, "taskinstance.py", "Marked as done"),
        Sample("Airflow before 2.3", "[2024-05-03, 10:00:00 UTC] {dag.py:12} ERROR - Broke", "2024-05-03T10:00:00", 17, "dag.py", "Broke"),
    ),
    row(
        "celery",
        rf"\[(?P<timestamp>{ISO}): (?P<level>{LEVEL})/(?P<component>[^\]]+)\] ",
        Sample("Celery", "[2024-05-03 10:00:00,123: WARNING/ForkPoolWorker-1] Task shop.pay retries", "2024-05-03T10:00:00.123", 13, "ForkPoolWorker-1", "Task shop.pay retries"),
    ),
    row(
        "scrapy",
        rf"(?P<timestamp>{ISO}) \[(?P<component>[a-z_]\w*(?:\.\w+)+)\] (?P<level>{LEVEL}): ",
        Sample("Scrapy", "2024-05-03 10:00:00 [scrapy.core.engine] ERROR: Broke", "2024-05-03T10:00:00", 17, "scrapy.core.engine", "Broke"),
    ),
    row(
        "home_assistant",
        rf"(?P<timestamp>{ISO}) (?P<level>{LEVEL}) \([^)]*\) \[(?P<component>[^\]]+)\] ",
        Sample("Home Assistant", "2024-05-03 10:00:00.123 WARNING (MainThread) [homeassistant.core] Late", "2024-05-03T10:00:00.123", 13, "homeassistant.core", "Late"),
    ),
    row(
        "salt",
        rf"(?P<timestamp>{ISO}) \[(?P<component>[\w.]+) *:[0-9]+ *\]\[(?P<level>{LEVEL}) *\](?:\[[0-9]+\])? ",
        Sample("Salt", "2024-05-03 10:00:00,123 [salt.master      :1234][ERROR   ][42] Broke", "2024-05-03T10:00:00.123", 17, "salt.master", "Broke"),
    ),
    row(
        "fail2ban",
        rf"(?P<timestamp>{ISO}) (?P<component>fail2ban\.\w+) +\[[0-9]+\]: (?P<level>{LEVEL}) +",
        Sample("fail2ban", "2024-05-03 10:00:00,123 fail2ban.filter         [1234]: WARNING [sshd] Found", "2024-05-03T10:00:00.123", 13, "fail2ban.filter", "[sshd] Found"),
    ),
    row(
        "tornado",
        rf"\[(?P<level>[DIWEC]) (?P<timestamp>[0-9]{{6}} {CLOCK}|{ISO}) (?P<component>[^\]:]+)[^\]]*\] ",
        Sample("Jupyter", "[W 2024-05-03 10:00:00.123 ServerApp] No kernel", "2024-05-03T10:00:00.123", 13, "ServerApp", "No kernel"),
        Sample("Tornado", "[I 240503 10:00:00 web:2239] 200 GET /", "2024-05-03T10:00:00", 9, "web", "200 GET /"),
    ),
    row(
        "ruby",
        rf"[DIWEFA], \[(?P<timestamp>{ISO}) #[0-9]+\] +(?P<level>{LEVEL}) -- (?P<component>[^:]*): ",
        Sample("Ruby, Rails", "W, [2024-01-01T00:00:00.123456 #77]  WARN -- app: Slow", "2024-01-01T00:00:00.123456", 13, "app", "Slow"),
    ),
    row(
        "sidekiq",
        rf"(?P<timestamp>{ISO}) (?:pid=\S+ tid=\S+ (?:\S+=\S+ )*|[0-9]+ TID-\S+ (?P<component>[\w:]+ )?(?:\S+-\S+ )?)(?P<level>{LEVEL}): ",
        Sample("Sidekiq", "2024-05-03T10:00:00.123Z pid=1 tid=abc class=PayJob jid=8f2 WARN: late", "2024-05-03T10:00:00.123", 13, None, "late"),
    ),
    row(
        "php",
        rf"\[(?P<timestamp>[0-9]{{2}}-{MONTH}-[0-9]{{4}} {CLOCK}{ZONE}?)\] PHP (?:Parse |Recoverable |Core |Compile )?(?P<level>Fatal|[Ee]rror|Warning|Notice|Deprecated)(?: error)?: +",
        Sample("PHP", "[03-May-2024 10:00:00 Europe/Berlin] PHP Warning:  Undefined variable in /srv/a.php on line 3", "2024-05-03T08:00:00", 13, None, "Undefined variable in /srv/a.php on line 3"),
    ),
    row(
        "monolog",
        rf"\[(?P<timestamp>{ISO})\] (?P<component>[\w-]+)\.(?P<level>{LEVEL}): ",
        Sample("Laravel, Symfony (Monolog)", "[2024-05-03T10:00:00.123456+02:00] production.ERROR: Broke [] []", "2024-05-03T08:00:00.123456", 17, "production", "Broke [] []"),
    ),
    row(
        "log4js",
        rf"\[(?P<timestamp>{ISO})\] \[(?P<level>{LEVEL})\] (?P<component>{NAME}) - ",
        Sample("log4js", "[2024-05-03T10:00:00.123] [ERROR] cheese - Too ripe", "2024-05-03T10:00:00.123", 17, "cheese", "Too ripe"),
    ),
    row(
        "nest",
        rf"\[Nest\] [0-9]+ +- (?P<timestamp>{NUMBERS}|{ISO}) +(?P<level>LOG|ERROR|WARN|DEBUG|VERBOSE|FATAL) \[(?P<component>[^\]]+)\] ",
        Sample("NestJS", "[Nest] 1234  - 05/13/2024, 10:00:00 PM     LOG [NestFactory] Starting", "2024-05-13T22:00:00", 9, "NestFactory", "Starting"),
    ),
    row(
        "klog",
        rf"(?P<level>[IWEF])(?P<timestamp>(?:[0-9]{{8}}|[0-9]{{6}}|[0-9]{{4}}) {CLOCK}) +[0-9]+ (?P<component>[^\s:\]]+):[0-9]+(?:\]| ⋮|) ",
        Sample("Kubernetes (klog), glog", "E0102 15:04:05.678901   12 server.go:57] Unable", "2026-01-02T15:04:05.678901", 17, "server.go", "Unable"),
        Sample("glog with the year", "I20240503 10:00:00.123456  1234 main.cc:12] Started", "2024-05-03T10:00:00.123456", 9, "main.cc", "Started"),
        Sample("CockroachDB", "W240503 10:00:00.123456 12 server/node.go:1 ⋮ [n1] late", "2024-05-03T10:00:00.123456", 13, "server/node.go", "[n1] late"),
    ),
    row(
        "tensorflow",
        rf"(?P<timestamp>{ISO}): (?P<level>[DIWEF]) (?P<component>[^\s:]+):[0-9]+\] ",
        Sample("TensorFlow", "2024-05-03 10:00:00.123456: W tensorflow/core/x.cc:12] No GPU", "2024-05-03T10:00:00.123456", 13, "tensorflow/core/x.cc", "No GPU"),
    ),
    row(
        "chromium",
        r"\[(?:[0-9]+:[0-9]+:)?(?P<timestamp>[0-9]{4}/[0-9]{6}(?:\.[0-9]+)?):(?P<level>[A-Z]+[0-9]*):(?P<component>[^:\]()]+)[^\]]*\] ",
        Sample("Chromium, Electron", "[1234:5678:0503/100000.123456:ERROR:gpu_init.cc(12)] No GPU", "2026-05-03T10:00:00.123456", 17, "gpu_init.cc", "No GPU"),
    ),
    row(
        "logfmt",
        rf"(?:{_PAIR}+?{_MAIN}(?: |$)|{_MAIN} +{_KEY}=)",
        Sample("Docker, Traefik, logrus", 'time="2024-01-01T00:00:00Z" level=warning msg="it is late"', "2024-01-01T00:00:00", 13, None, 'msg="it is late"'),
        Sample("go-kit, Loki, Consul", "ts=2024-01-01T00:00:00.5Z level=info caller=main.go:7 msg=up", "2024-01-01T00:00:00.500", 9, "main.go", "msg=up"),
        Sample(
            "Prometheus",
            'level=error ts=2024-05-03T10:00:02.002Z caller=head.go:602 component=tsdb msg="Head GC completed" duration=3.0ms',
            "2024-05-03T10:00:02.002", 17, "tsdb", 'caller=head.go:602 msg="Head GC completed" duration=3.0ms',
        ),
        Sample(
            "Grafana",
            'logger=context userId=1 t=2024-05-03T10:00:00.123456789+02:00 level=info msg="Request Completed" status=302',
            "2024-05-03T08:00:00.123456", 9, "context", 'userId=1 msg="Request Completed" status=302',
        ),
        Sample("Go, slog", 'time=2024-05-03T10:00:00.000Z level=WARN source=/app/main.go:12 msg=late', "2024-05-03T10:00:00", 13, "/app/main.go", "msg=late"),
        pairs=True,
    ),
    row(
        "rust",
        rf"\[?(?P<timestamp>{ISO}) +(?P<level>{LEVEL}) +(?P<component>\w+(?:::\w+)*)(?:\] |: )",
        Sample("Rust, env_logger", "[2024-01-01T00:00:00Z INFO  app::net] listening", "2024-01-01T00:00:00", 9, "app::net", "listening"),
        Sample("Rust, tracing", "2024-05-03T10:00:00.123456Z ERROR app::net: lost", "2024-05-03T10:00:00.123456", 17, "app::net", "lost"),
    ),
    row(
        "zap",
        rf"(?P<timestamp>{ISO})\t(?P<level>{LEVEL})\t(?:(?P<component>[\w./-]+)(?::[0-9]+)?\t)?",
        Sample("zap, its console", "2024-01-01T00:00:00.123Z\tinfo\tserver/main.go:12\tready", "2024-01-01T00:00:00.123", 9, "server/main.go", "ready"),
    ),
    row(
        "capnslog",
        rf"(?P<timestamp>{ISO}) (?P<level>[DINWEC]) \| (?P<component>[\w/-]+): ",
        Sample("etcd to 3.4", "2024-05-03 10:00:00.123456 W | etcdserver: too slow", "2024-05-03T10:00:00.123456", 13, "etcdserver", "too slow"),
    ),
    row(
        "go",
        rf"(?P<timestamp>{ISO}) (?P<component>[\w./-]+\.go):[0-9]+: ",
        Sample("Go, log with the file", "2024/05/03 10:00:00 main.go:12: started", "2024-05-03T10:00:00", None, "main.go", "started"),
    ),
    row(
        "nlog",
        rf"(?P<timestamp>{ISO})\|(?P<level>{LEVEL})\|(?P<component>[^|]*)\|",
        Sample("NLog", "2024-05-03 10:00:00.1234|WARN|Shop.Cart|Low", "2024-05-03T10:00:00.123400", 13, "Shop.Cart", "Low"),
    ),
    row(
        "ros",
        rf"\[ *(?P<level>{LEVEL}) *\] \[(?P<timestamp>1[0-9]{{9}}\.[0-9]{{1,9}})(?:, [0-9.]+)?\](?: \[(?P<component>[^\]]+)\])?: ",
        Sample("ROS 2", "[WARN] [1714730400.123456789] [planner]: no path", "2024-05-03T10:00:00.123456", 13, "planner", "no path"),
        Sample("ROS 1", "[ INFO] [1714730400.123456789]: started", "2024-05-03T10:00:00.123456", 9, None, "started"),
    ),
    row(
        "unreal",
        r"\[(?P<timestamp>[0-9]{4}\.[0-9]{2}\.[0-9]{2}-[0-9]{2}\.[0-9]{2}\.[0-9]{2}:[0-9]{3})\]\[ *[0-9]+\]"
        r"(?P<component>\w+): (?:(?P<level>Fatal|Error|Warning|Log|Verbose): )?",
        Sample("Unreal Engine", "[2024.05.03-10.00.00:123][ 42]LogNet: Warning: late", "2024-05-03T10:00:00.123", 13, "LogNet", "late"),
    ),
    row(
        "dovecot",
        rf"(?P<timestamp>{BSD}) (?P<component>[\w-]+)(?:\([^)]*\))?(?:<[^>]*>)*: (?P<level>Info|Warning|Error|Fatal|Panic|Debug): ",
        Sample("Dovecot, its own files", "May 03 10:00:00 imap-login: Error: no certificate", "2026-05-03T10:00:00", 17, "imap-login", "no certificate"),
    ),
    row(
        "dotnet",
        rf"(?:\[?(?P<timestamp>{ANY})\]?(?: - |: | +))?(?P<level>trce|dbug|info|warn|fail|crit): "
        r"(?P<component>[A-Za-z_][\w.+`<>,-]*)\[-?[0-9]+\](?: +|$)",
        Sample(".NET console", "warn: Microsoft.AspNetCore.Hosting.Diagnostics[2] Request finished", None, 13, "Microsoft.AspNetCore.Hosting.Diagnostics", "Request finished"),
        Sample(".NET console with a time", "2024-05-03 12:00:00 fail: Shop.Cart[0] Broke", "2024-05-03T12:00:00", 17, "Shop.Cart", "Broke"),
    ),
)  # fmt: skip
