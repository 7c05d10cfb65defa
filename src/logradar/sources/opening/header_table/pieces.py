"""Pieces of which the patterns of headers are made: times of all layouts, level words, names of programs.

RFC 3164, RFC 5424, RFC 9110 (HTTP dates), RFC 3339, and the manuals of the programs that the table names.
"""

from __future__ import annotations

from typing import Final

AREA: Final = (
    "(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific|Etc|US)"
    r"(?:/[A-Z][A-Za-z0-9_+-]*){1,2}"
)
# Abbreviations that no message begins with; the databases' own patterns take any.
ABBREVIATION: Final = (
    r"(?:A(?:K|[CEW])?[SD]T|B(?:ST|RS?T)|C(?:E?S|[DEAO]|LS?)T|E(?:E?S|[EDA])T|[GU](?:MT|TC|ST|T)|H[SDK]T|I[SDC]T|[JK]ST"
    r"|M(?:[SDY]T|SK|E(?:SZ|Z|ST))|N(?:Z?[SD]|P)T|P[SDEHK]T|S(?:G|AS)T|TRT|W(?:E?S?T|IB|ITA|AT))\b"
)
OFFSET: Final = r"[+-][0-9]{2}:?[0-9]{2}"
ZONE: Final = (
    rf"(?: ?(?:Z|(?:UTC|GMT)[+-][0-9]{{1,2}}(?::?[0-9]{{2}})?|{OFFSET})(?:\[[A-Za-z0-9_/+-]+\]| ?\([A-Z]{{2,5}}\)| {ABBREVIATION})?"
    rf"| ?{ABBREVIATION}| {AREA}|\[{AREA}\])"
)
HALF: Final = "(?:[ \u00a0\u202f]{0,2}[AaPp]\\.?[ \u00a0]?[Mm]\\b\\.?)"  # of a clock with 12 hours
CLOCK: Final = r"[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:[.,:][0-9]{1,9})?"
DOTTED: Final = r"[0-9]{1,2}\.[0-9]{2}\.[0-9]{2}(?:[.,:][0-9]{1,9})?"
MINUTES: Final = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{1,2}(?:[.,:][0-9]{1,9})?)?"
_USUAL_ZONE: Final = (
    rf"(?: ?(?:Z|{OFFSET}|{ABBREVIATION})(?:\[[A-Za-z0-9_/+-]+\])?)"  # most lines have none: it is short
)
ISO: Final = rf"[0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}[T _\t]{CLOCK}{HALF}?{_USUAL_ZONE}?"
ISO_ZONE: Final = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{CLOCK} ?(?:Z|[+-][0-9]{{2}}(?::?[0-9]{{2}})?)"
MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
ANY_MONTH: Final = (
    r"(?i:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)"
)
DAY: Final = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?"
ANY_DAY: Final = r"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,?"
BSD: Final = rf"{MONTH} +[0-9]{{1,2}} (?:[0-9]{{4}} )?{CLOCK}"
_NUMBERS: Final = rf"[0-9]{{1,2}}[/.-][0-9]{{1,2}}[/.-](?:[0-9]{{4}}|[0-9]{{2}})(?:,? +|T|-){MINUTES}"
NUMBERS: Final = rf"{_NUMBERS}{HALF}?{ZONE}?"  # a date of numbers whose order is not known
ANY: Final = (
    r"(?:(?:"
    rf"[0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}[T _\t](?:{CLOCK}|[0-9]{{2}}:[0-9]{{2}})"
    rf"|[0-9]{{8}}[-T _](?:{CLOCK}|[0-9]{{6}}(?:[.,][0-9]{{1,9}})?)"
    rf"|(?:{ANY_DAY} )?{ANY_MONTH} +[0-9]{{1,2}}, [0-9]{{4}},?(?: at)? {MINUTES}"
    rf"|(?:{ANY_DAY} )?[0-9]{{1,2}}[ /-]{ANY_MONTH}[ /-](?:[0-9]{{4}}|[0-9]{{2}})[ :T](?:{MINUTES}|{DOTTED})"
    rf"|[0-9]{{4}}[ -]{MONTH}[ -][0-9]{{1,2}} {CLOCK}|{_NUMBERS}){HALF}?{ZONE}?"
    rf"|(?:{DAY} )?{BSD}{HALF}?(?: [0-9]{{4}}|{ZONE}(?: [0-9]{{4}})?)?"
    rf"|(?:19|20)[0-9]{{12}}(?:[.,][0-9]{{1,6}})?|[0-9]{{2}}(?:[-/.][0-9]{{2}}|\.[0-9]{{2}}\.)[ -]{CLOCK}{HALF}?"
    rf"|[0-9]{{6}} (?:[0-9]{{6}}|{CLOCK})|[0-9]{{1,2}}:[0-9]{{2}}:[0-9]{{2}}(?:[.,][0-9]{{1,9}})?{HALF}?"
    r"|1[0-9]{9}(?:\.[0-9]{1,9})?|1[0-9]{12}(?:\.[0-9]{1,6})?|1[0-9]{15}(?:\.[0-9]{1,3})?|1[0-9]{18})"
)
LEVEL: Final = (
    r"(?i:TRACE|DEBUG[1-5]?|VERBOSE|FINEST|FINER|FINE|CONFIG|INFO|INFORMATION|NOTICE|WARN|WARNING|SEVERE|ERROR|CRITICAL"
    r"|CRIT|ALERT|FATAL|EMERG|EMERGENCY|PANIC|SUCCESS|FAILURE|AUDIT|DBG|INF|WRN|ERR|FTL|VRB|TRC)"
)
NAME: Final = r"[A-Za-z_][\w.$/#@-]*"
LOGGER: Final = r"[A-Za-z_][\w.$/#@\[\]-]*"  # also Tomcat's, such as o.a.c.c.C.[.[.[/]
PROGRAM: Final = (
    r"(?P<component>(?:/[^\s:\[\]()]*/)?(?P<service>[^\s:\[\]()/]+(?:/[^\s:\[\]()/]+)*)"
    r"(?: [A-Z0-9][\w.]*)?(?:\([^\s:)]*\))?)"
)
PID: Final = r"(?:\[[0-9]+\])?"
REQUEST: Final = r"\[(?:-|(?:None )?req-[^\]]*)\] "
