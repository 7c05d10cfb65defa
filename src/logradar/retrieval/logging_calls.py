"""Logging calls: by the name of a called function and what it is called on, whether it logs, and at which level."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from typing import Final

from logradar.core.tables import DEBUG, ERROR, FATAL, INFO, TRACE, WARN

_WORDS: Final = {
    **dict.fromkeys(("trace", "finest", "finer", "verbose", "silly"), TRACE),
    **dict.fromkeys(("debug", "fine", "dbg", "timing"), DEBUG),
    **dict.fromkeys(("info", "information", "informational", "notice", "config"), INFO),
    **dict.fromkeys(("warn", "warning"), WARN),
    **dict.fromkeys(("error", "err", "severe", "exception"), ERROR),
    **dict.fromkeys(("fatal", "critical", "crit", "panic", "alert", "emerg", "emergency", "wtf"), FATAL),
}
_LEVELS: Final = "|".join(sorted(_WORDS, key=len, reverse=True))
_METHOD: Final = re.compile(
    rf"(?:at|log|write|print|v)?_?(?P<level>{_LEVELS})_?"
    r"(?:f|w|ln|s|p|fn|ctx|context|contextf|depth|once|fmt|msg|with|message|level|event|sync|async)?",
    re.IGNORECASE,
)
_ANY_LEVEL: Final = re.compile(
    r"(?:log|logf|logp|msg|msgf|write|println|printf|print|logfmt|event|logv|log_event)", re.IGNORECASE
)
_ARGUMENT: Final = re.compile(
    rf"(?:^|[._:])(?:[A-Za-z]*LOG_|LL_|L_|LVL_|LEVEL_|k|LogLevel\W+|Level\W+|_)?(?P<level>{_LEVELS}|log)[0-9]?(?:_MSG)?$",
    re.IGNORECASE,
)
_RECEIVER: Final = re.compile(
    r"(?:[a-z0-9_]*log(?:ger|gers|ging|s|impl)?[0-9_]*|.*logger|console|sugar|zap|tracing|timber|structlog|winston|pino|bunyan|"
    r"spdlog|logrus|l|lg|klog|glog|slog)",
    re.IGNORECASE,
)
_PLAIN: Final = {  # what prints to a stream, by language: no level
    "python": re.compile(r"print"),
    "java": re.compile(r"System\.(?:out|err)\.(?:println|printf|print)"),
    "kotlin": re.compile(r"(?:System\.(?:out|err)\.)?(?:println|printf|print)"),
    "scala": re.compile(r"(?:(?:System\.(?:out|err)|Console)\.)?(?:println|printf|print)"),
    "go": re.compile(r"fmt\.(?:Fp|P)rint(?:ln|f)?"),
    "rust": re.compile(r"e?println"),
    "csharp": re.compile(r"Console\.(?:Error\.|Out\.)?WriteLine"),
    "c": re.compile(r"v?f?printf|perror|puts|fputs"),
    "cpp": re.compile(r"(?:std::)?(?:v?f?printf|perror|puts|fputs)"),
}
_C_NAME: Final = re.compile(
    r"log|printf|err|warn|info|debug|trace|panic|fatal|die|notice|msg|message|report|verbose|crit|fail|abort|usage",
    re.IGNORECASE,
)
_C_STRINGS: Final = re.compile(
    r"(?:s|sn|as|vs|vsn|vas)n?printf|.*(?:snprintf|sprintf|scanf|strerror|strdup|strcmp|strlen|mempcpy|strstr)|login.*|"
    r".*(?:_init|_create|_open|_new|_free)$",
    re.IGNORECASE,
)
_HTTP_IS_A_LEVEL: Final = ("javascript", "typescript")  # of winston and npm, between info and debug
_GETTERS: Final = re.compile(
    r"get_?logger|LoggerFactory|getLog\b|get_log\b|NewLogger|structlog\.|winston\.|pino\(|bunyan\.|KotlinLogging|CreateLogger",
    re.IGNORECASE,
)
_GIVEN: Final = re.compile(r"([A-Za-z_]\w*)\s*(?::[^=]{0,80})?:?=[^=]*$")
_MOST_LOGGERS: Final = 500  # of one file
_SPLIT: Final = re.compile(r"[.:>()?!\[\]&*\s-]+")
_NO_ROOT: Final = frozenset({"this", "self", "cls", "super", ""})


@dataclass(frozen=True)
class LoggingCall:
    """A call that logs: ``level`` is a SeverityNumber, None where only an argument may say it."""

    level: int | None
    logger: str
    plain: bool = False  # it prints to a stream


def logger_names(text: str) -> frozenset[str]:
    """The names in a source file that are given a logger, whatever they are called.

    >>> sorted(logger_names('access = get_logger("gateway.access")'))
    ['access']
    """
    found = set()
    for getter in islice(_GETTERS.finditer(text), _MOST_LOGGERS):
        before = text[max(text.rfind("\n", 0, getter.start()) + 1, getter.start() - 200) : getter.start()]
        given = _GIVEN.search(before) if "=" in before else None
        if given:
            found.add(given[1])
    return frozenset(found)


def may_wrap(name: str) -> bool:
    """Whether the name of a function says that it reports: only such functions are taken for wrappers of a logger.

    >>> may_wrap("logAndThrow"), may_wrap("setName")
    (True, False)
    """
    return _C_NAME.search(name) is not None and not re.match(r"(?:set|get|is|has|add|put|to)(?:_|[A-Z])", name)


def logging_call(language: str, receiver: str, name: str, loggers: Collection[str]) -> LoggingCall | None:
    """Whether ``receiver.name(…)`` logs; ``loggers`` are further names of loggers in the file.

    >>> logging_call("java", "LOG", "warn", ()).level, logging_call("java", "list", "add", ())
    (13, None)
    """
    plain = _PLAIN.get(language)
    if plain is not None and plain.fullmatch(f"{receiver}.{name}" if receiver and "::" not in name else name):
        return LoggingCall(None, "", True)
    method = _METHOD.fullmatch(name.rpartition("::")[2])
    level = _WORDS[method["level"].lower()] if method else None
    if language in ("c", "cpp") and not receiver:
        base = name.rpartition("::")[2]
        if (
            "::" in name
            and (level is not None or _ANY_LEVEL.fullmatch(base))
            and _known(name.rpartition("::")[0], loggers) is not None
        ):
            return LoggingCall(level, "")
        return LoggingCall(_level_in(base), "") if _C_NAME.search(base) and not _C_STRINGS.fullmatch(base) else None
    if language == "scala" and not receiver:  # a trait brings the methods: info("…")
        return LoggingCall(level, "") if level is not None else None
    if language == "rust" and not receiver:
        return LoggingCall(level, "") if level is not None or name == "log" else None
    if level is None and not _ANY_LEVEL.fullmatch(name) and not (name == "http" and language in _HTTP_IS_A_LEVEL):
        return None
    logger = _known(receiver, loggers)
    if logger is None:
        return None
    return LoggingCall(level if level is not None else _level_in_chain(receiver), logger)


def _known(receiver: str, loggers: Collection[str]) -> str | None:
    """The name of the logger in what a function is called on, None where it is no logger."""
    names = [name for name in _SPLIT.split(receiver[:400]) if name not in _NO_ROOT]
    ends = [names[-1], *names[:2]] if names else []
    return next((name for name in ends if name in loggers or _RECEIVER.fullmatch(name)), None)


def last_name(receiver: str) -> str:
    """The last identifier of what a function is called on."""
    names = [name for name in _SPLIT.split(receiver[:400]) if name]
    return names[-1] if names else ""


def _level_in_chain(receiver: str) -> int | None:
    """The level that a fluent call names before: ``log.atInfo().log(…)``, ``level.Info(logger).Log(…)``."""
    for name in _SPLIT.split(receiver[:400]):
        found = _METHOD.fullmatch(name)
        if found and (name.lower() != "log"):
            return _WORDS[found["level"].lower()]
    return None


def _level_in(name: str) -> int | None:
    """The level that a name such as ``my_log_warning`` holds."""
    for part in reversed(re.split(r"_|(?<=[a-z])(?=[A-Z])", name)):
        found = _METHOD.fullmatch(part)
        if found:
            return _WORDS[found["level"].lower()]
    return None


def level_of_argument(text: str) -> int | None:
    """The level that an argument names: ``Level.SEVERE``, ``NGX_LOG_ERR``, ``logging.INFO``; None for none.

    >>> level_of_argument("NGX_LOG_ERR"), level_of_argument("LL_NOTICE"), level_of_argument("count")
    (17, 9, None)
    """
    if len(text) > 60:
        return None
    found = _ARGUMENT.search(text)
    if not found or not (text.isupper() or "." in text or "::" in text or text[:1].isupper() or text.startswith("LL_")):
        return None
    word = found["level"].lower()
    return INFO if word == "log" else _WORDS[word]
