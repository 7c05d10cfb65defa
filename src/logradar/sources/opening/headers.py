"""The headers of log lines (what precedes the message) in the known formats: a table with one row for each format.

A pattern matches the header only; the rest of the line is the body. Group names: ``timestamp``,
``level``, ``priority`` (syslog: facility and severity in one number), ``service``,
``component``, ``alert`` (a label: ``-`` for a normal line). Patterns are used by Rust's regex
engine (on columns) and by Python's (on samples), so they have only what both support: no look-around.

The formats of the 16 loghub systems: Zhu et al., ISSRE 2023. Others: RFC 3164, RFC 5424, the
manuals of the named programs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

_CLOCK = r"[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:[.,:][0-9]{1,9})?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))"
_ISO = rf"[0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}[T _]{_CLOCK}{_ZONE}?"
_ISO_ZONE = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_CLOCK}{_ZONE}"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?"
_BSD = rf"{_MONTH} +[0-9]{{1,2}} (?:[0-9]{{4}} )?{_CLOCK}"
_ANY = (
    rf"(?:{_ISO}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}Z?"
    rf"|[0-9]{{8}}[-T ](?:{_CLOCK}|[0-9]{{6}}){_ZONE}?"
    rf"|(?:{_DAY} )?{_BSD}(?: [0-9]{{4}})?{_ZONE}?|{_MONTH} +[0-9]{{1,2}}, [0-9]{{4}} {_CLOCK}(?: [AP]M)?"
    rf"|(?:{_DAY} )?[0-9]{{1,2}}[ /-]{_MONTH}[ /-][0-9]{{4}}[ :]{_CLOCK}{_ZONE}?"
    rf"|[0-9]{{2}}[/.][0-9]{{2}}[/.](?:[0-9]{{4}}|[0-9]{{2}}) {_CLOCK}|[0-9]{{2}}[-/.][0-9]{{2}} {_CLOCK}"
    rf"|[0-9]{{6}} (?:[0-9]{{6}}|{_CLOCK})|[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:[.,][0-9]{{1,9}})?"
    rf"|[0-9]{{10}}(?:\.[0-9]{{1,9}})?|[0-9]{{13}}|[0-9]{{16}}|[0-9]{{19}})"
)
_LEVEL = (
    r"(?i:TRACE|DEBUG[1-5]?|VERBOSE|FINEST|FINER|FINE|CONFIG|INFO|INFORMATION|NOTICE|WARN|WARNING|SEVERE|ERROR|CRITICAL"
    r"|CRIT|ALERT|FATAL|EMERG|EMERGENCY|PANIC|SUCCESS|FAILURE|AUDIT|DBG|INF|WRN|ERR|FTL|VRB|TRC)"
)
_NAME = r"[A-Za-z_][\w.$/#@-]*"
_PROGRAM = (
    r"(?P<component>(?:/[^\s:\[\]()]*/)?(?P<service>[^\s:\[\]()/]+(?:/[^\s:\[\]()/]+)*)"
    r"(?: [A-Z0-9][\w.]*)?(?:\([^\s:)]*\))?)"
)
_PID = r"(?:\[[0-9]+\])?"
_REQUEST = r"\[(?:-|(?:None )?req-[^\]]*)\] "

PATTERNS: Final = {
    # The 16 systems of loghub
    "hdfs": r"(?P<timestamp>[0-9]{6} [0-9]{6}) [0-9]+ (?P<level>[A-Z]+) (?P<component>[^\s:]+): ",
    "bgl": r"(?P<alert>\S+) [0-9]{10} [0-9]{4}\.[0-9]{2}\.[0-9]{2} \S+ "
    r"(?P<timestamp>[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[0-9]+) \S+ "
    r"\S+ (?P<component>\S+) (?P<level>\S+) ?",
    "thunderbird": r"(?P<alert>\S+) (?P<timestamp>[0-9]{10}) [0-9]{4}\.[0-9]{2}\.[0-9]{2} \S+ "
    rf"{_MONTH} +[0-9]{{1,2}} {_CLOCK} \S+ (?:{_PROGRAM}{_PID}: )?",
    "hpc": r"[0-9]+ (?:\S+) (?P<component>[a-z_]+(?:\.[a-z_]+)*) \S+ (?P<timestamp>[0-9]{9,10}) -?[0-9]+ ",
    "zookeeper": rf"(?P<timestamp>{_ISO}) - (?P<level>[A-Z]+) +\[(?:.*:)?(?P<component>[\w$.]+)@-?[0-9]+\] - ",
    "spark": rf"(?P<timestamp>[0-9]{{2}}/[0-9]{{2}}/[0-9]{{2}} {_CLOCK}) (?P<level>[A-Z]+) (?P<component>[^\s:]+): ",
    "windows": rf"(?P<timestamp>{_ISO}), (?P<level>[A-Z][a-z]+) +(?:(?P<component>[A-Z][A-Za-z]*) +)?",
    "android": rf"(?P<timestamp>(?:[0-9]{{4}}-)?[0-9]{{2}}-[0-9]{{2}} {_CLOCK}) +[0-9]+ +[0-9]+ (?P<level>[VDIWEFA]) "
    r"(?P<component>[^:]*[^:\s]) *:(?: |$)",
    "healthapp": rf"(?P<timestamp>[0-9]{{8}}-{_CLOCK})\|(?P<component>[^|]+)\|[0-9]+\|",
    "proxifier": rf"\[(?P<timestamp>[0-9]{{2}}\.[0-9]{{2}} {_CLOCK})\] (?P<component>\S+(?: \*64)?) - ",
    "apache": rf"\[(?P<timestamp>{_DAY} {_MONTH} +[0-9]{{1,2}} {_CLOCK} [0-9]{{4}})\] "
    r"\[(?:(?P<component>\w*):)?(?P<level>\w+)\] (?:\[pid [^\]]*\] )?",
    "openstack": rf"(?:(?P<service>[a-z][\w-]*)\.log\S* )?(?P<timestamp>{_ISO}) [0-9]+ (?P<level>[A-Z]+) "
    rf"(?P<component>{_NAME}) (?:{_REQUEST})?",
    "oslo": rf" *(?P<level>[A-Z]+) (?P<component>[a-z_][\w.-]*) {_REQUEST}",
    # Syslog
    "syslog": rf"(?:<(?P<priority>[0-9]{{1,3}})>)?(?P<timestamp>{_BSD}) [^\s:\[\]]+ "
    rf"{_PROGRAM}{_PID}(?: \([^\s)]*\))*(?:: |:$)",
    "syslog_bare": rf"(?:<(?P<priority>[0-9]{{1,3}})>)?(?P<timestamp>{_BSD}) [^\s:\[\]]+ ",
    "syslog_5424": rf"<(?P<priority>[0-9]{{1,3}})>[0-9]{{1,2}} (?P<timestamp>{_ISO}|-) \S+ (?P<service>\S+) \S+ "
    r"(?P<component>\S+) (?:-|(?:\[(?:[^\]\x22]|\x22(?:[^\x22\\]|\\.)*\x22)*\])+) ?",
    # Java: logback, log4j, java.util.logging, Spring Boot, SkyWalking, Elasticsearch, Kafka, Tomcat
    "skywalking": rf"(?P<timestamp>{_ISO}) \[(?:SW_CTX|TID): ?\[(?P<service>[^,\]]+)[^\]]*\]\] \[[^\]]*\] +"
    rf"(?P<level>[A-Z]+) +(?P<component>{_NAME}) +[-:] ?",
    "spring": rf"(?P<timestamp>{_ISO}) +(?P<level>{_LEVEL}) +(?:\[(?P<service>[\w.-]*)[^\]]*\] +)?[0-9]+ --- "
    rf"(?:\[[^\]]*\] ?)+ *(?P<component>{_NAME}(?:\[[^\]]*\])*) *: ",
    "logback": rf"(?:- )?\[?(?P<timestamp>{_ISO}|{_CLOCK})\]? \[[^\]]*\] +\[?(?P<level>{_LEVEL}) *\]? "
    rf"+(?P<component>{_NAME})(?::[0-9]+)? +- ?",
    "log4j": rf"(?P<timestamp>{_ISO}|{_CLOCK}) +(?P<level>{_LEVEL}) +\[[^\]]*\] (?P<component>{_NAME})"
    r"(?::[0-9]+)?(?: *- |: |:$)",
    "log4j_date": rf"(?P<timestamp>[0-9]{{2}}[ -]{_MONTH}[ -][0-9]{{4}} {_CLOCK}) (?:\[[^\]]*\] )?(?P<level>{_LEVEL}) +"
    rf"(?:\[[^\]]*\] )?(?P<component>{_NAME})(?: - | |: )",
    "jul": rf"(?P<timestamp>{_ANY}) (?P<component>[\w.$/]+)(?: [\w$<>]+)?\n(?P<level>{_LEVEL}): ?",  # two lines
    "elasticsearch": rf"\[(?P<timestamp>{_ISO})\]\[(?P<level>{_LEVEL}) *\]\[(?P<component>[^\]]*[^\]\s]) *\] ?",
    "kafka": rf"\[(?P<timestamp>{_ISO})\] (?P<level>{_LEVEL}) ",
    # Python, Ruby, Go, Rust, .NET, C
    "python": rf"(?P<timestamp>{_ISO}) - (?P<component>{_NAME}) - (?P<level>{_LEVEL}) - ",
    "python_level": rf"(?P<timestamp>{_ISO}) - (?P<level>{_LEVEL}) - (?:(?P<component>{_NAME}) - )?",
    "python_basic": rf"(?P<level>{_LEVEL}):(?P<component>{_NAME}):",
    "python_name": rf"(?P<timestamp>{_ISO}) +\[?(?P<level>{_LEVEL})\]? +(?P<component>{_NAME}(?::[0-9]+)?)"
    r"(?:: | - | ?\| )",
    "python_trace": rf"(?P<timestamp>{_ISO}) +(?P<level>{_LEVEL}) +(?P<component>{_NAME}) \[[^\]]*\] ",
    "loguru": rf"(?P<timestamp>{_ISO}) \| (?P<level>{_LEVEL}) +\| (?P<component>[\w.<>]+(?::[\w.<>]+)*) - ",
    "ruby": rf"[DIWEFA], \[(?P<timestamp>{_ISO}) #[0-9]+\] +(?P<level>{_LEVEL}) -- (?P<component>[^:]*): ",
    "klog": rf"(?P<level>[IWEF])(?P<timestamp>[0-9]{{4}} {_CLOCK}) +[0-9]+ (?P<component>[^\s:\]]+):[0-9]+\] ",
    "logfmt": rf"(?:time|ts|timestamp|t)=\x22?(?P<timestamp>{_ISO}|[0-9.]+)\x22? +(?:level|lvl|severity)=\x22?"
    r"(?P<level>\w+)\x22? +(?:(?:caller|logger|component|module|source)=\x22?(?P<component>[^\s:\x22]+)\S* +)?",
    "rust": rf"\[?(?P<timestamp>{_ISO}) +(?P<level>{_LEVEL}) +(?P<component>\w+(?:::\w+)*)(?:\] |: )",
    "zap": rf"(?P<timestamp>{_ISO})\t(?P<level>{_LEVEL})\t(?:(?P<component>[\w./-]+)(?::[0-9]+)?\t)?",
    "dotnet": rf"(?:\[?(?P<timestamp>{_ANY})\]?(?: - |: | +))?(?P<level>trce|dbug|info|warn|fail|crit): "
    r"(?P<component>[A-Za-z_][\w.+`<>,-]*)\[-?[0-9]+\](?: +|$)",
    # Servers and databases
    "access": rf"[0-9A-Fa-f.:]+ \S+ \S+ \[(?P<timestamp>[0-9]{{2}}/{_MONTH}/[0-9]{{4}}:{_CLOCK}{_ZONE}?)\] ",
    "nginx": rf"(?P<timestamp>{_ISO}) \[(?P<level>\w+)\] [0-9]+#[0-9]+: ",
    "postgresql": rf"(?P<timestamp>{_ISO}(?: [A-Z]{{3,4}})?) \[[0-9]+\](?: \S+@\S+)? (?P<level>[A-Z0-9]+): +",
    "mysql": rf"(?P<timestamp>{_ISO}) [0-9]+ \[(?P<level>\w+)\] (?:\[[\w-]+\] \[(?P<component>\w+)\] )?",
    "redis": rf"[0-9]+:[A-Z] (?P<timestamp>[0-9]{{2}} {_MONTH} [0-9]{{4}} {_CLOCK}) (?P<level>[.*#-]) ",
    "kernel": r"\[ *(?P<timestamp>[0-9]+\.[0-9]{6})\] ",
    "syslog_iso": rf"(?:<(?P<priority>[0-9]{{1,3}})>)?(?P<timestamp>{_ISO_ZONE}) [^\s:\[\]]+ {_PROGRAM}{_PID}(?:: |:$)",
    "serilog": rf"\[?(?P<timestamp>{_ISO}|{_CLOCK}) \[?(?P<level>{_LEVEL})\] (?:<(?P<component>[^>]*)> )?",
    # Any other: a time and a level, a time, a level
    "time_thread_level": rf"\[?(?P<timestamp>{_ANY})\]? +\[[^\]]*\] +\[?(?P<level>{_LEVEL}) *\]?(?: - |: | +)",
    "time_level_name": rf"\[?(?P<timestamp>{_ANY})\]?(?: - | +)\[?(?P<level>{_LEVEL}) *\]?(?: +|: +| - )"
    r"\[?(?P<component>[A-Za-z_][\w$/-]*(?:[.#:@]+[\w$/-]+)+)\]?(?: - |: | )",
    "time_level": rf"\[?(?P<timestamp>{_ANY})\]?(?: - |: | *\| *|, | +)\[?(?P<level>{_LEVEL}) *\]?"
    r"(?: - |: |:|, | +| *\| *|$)",
    "level_time": rf"\[?(?P<level>{_LEVEL}) *\]?(?: - |: | *\| *| +)\[?(?P<timestamp>{_ANY})\]?(?: - |: | +| *\| *)",
    "time": rf"\[?(?P<timestamp>{_ANY})\]?(?: - |: | *\| *|, | +|$)",
    "level": r"\[?(?P<level>(?i:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERR|ERROR|CRIT|CRITICAL|ALERT|EMERG|FATAL))"
    r"(?:\] *:?|:) +",
}
# The two lines of an entry of java.util.logging, each alone
FIRST_OF_TWO: Final = rf"^{_ANY} [\w.$/]+(?: [\w$<>]+)?$"
SECOND_OF_TWO: Final = rf"^{_LEVEL}: "


@dataclass(frozen=True)
class Header:
    """One format: ``pattern`` matches what precedes the message."""

    name: str
    pattern: str

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Names of the fields in the header."""
        return tuple(self.compiled.groupindex)

    @property
    def fallback(self) -> str | None:
        """The header by which lines that do not match this one are recognised as records, None if there is none."""
        if "timestamp" not in self.groups or self.name in ("time", "syslog_bare"):
            return None
        return "syslog_bare" if self.name == "syslog" else "time"

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern for Python, used on samples."""
        return re.compile(self.pattern)


HEADERS: Final = {name: Header(name, "^" + pattern) for name, pattern in PATTERNS.items()}
