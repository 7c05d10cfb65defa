"""Settings of the service: where it listens, what it keeps and for how long, who may ask, who gets to know."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Final

from pydantic import Field

from logradar.core.config import Config
from logradar.core.errors import ConfigError
from logradar.serving.listeners.syslog_settings import SyslogSettings
from logradar.serving.notifications.settings import NotificationSettings

_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(s|m|h|d)")
_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


class RouteSettings(Config):
    """One bundle at work."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,60}$", description="a name for it, unique")
    bundle: Path = Field(description="folder of the bundle, as `logradar train` wrote it")
    services: tuple[str, ...] = Field((), description="globs of its services; none: all that no other bundle names")
    shadow: bool = Field(False, description="scores beside the others for a comparison; nobody is notified")


class Keeping(Config):
    """How long what is found and read is kept."""

    days: float = Field(30.0, gt=0, description="age at which incidents, alerts, counts and lines are forgotten")
    lines_mb: int = Field(20_000, ge=1, description="MB of log lines, of which the oldest are forgotten first")


class ServiceSettings(Config):
    """Everything that can be set for `logradar serve`."""

    home: Path = Field(Path("logradar-service"), description="folder of the log, the store and the state")
    host: str = Field("127.0.0.1", description="address to listen at; another than loopback needs `auth`")
    port: int = Field(8514, ge=0, le=65_535, description="port of HTTP; 0 chooses a free one")
    auth: bool = Field(False, description="whether every request needs a key (`logradar serve --new-key NAME`)")
    syslog_tcp: int | None = Field(None, ge=0, le=65_535, description="port of syslog over TCP; none: not")
    syslog_udp: int | None = Field(None, ge=0, le=65_535, description="port of syslog over UDP; none: not")
    syslog: SyslogSettings = SyslogSettings()
    tail: tuple[str, ...] = Field((), description="files or patterns that are followed; - is standard input")
    database: str | None = Field(None, description="URL of PostgreSQL; none: SQLite in `home`")
    bundles: tuple[RouteSettings, ...] = Field((), description="bundles at work; the command line adds to them")
    learn: str | None = Field(None, description="collect for so long (24h, 30m), then train on it; where no bundle is")
    format: str | None = Field(None, description="format of the lines, where it is not to be found out")
    lateness_seconds: float = Field(2.0, ge=0, le=300, description="how long records of slow senders are waited for")
    open_lines: int = Field(
        500_000,
        ge=1_000,
        description="lines that open sessions of a bundle may hold; beyond, those idle longest are judged as over",
    )
    snapshot_seconds: float = Field(60.0, gt=0, le=3600, description="how often the state is saved")
    backlog_mb: int = Field(1024, ge=1, description="MB that wait for detection before senders are asked to wait")
    reserve_mb: int = Field(256, ge=1, description="MB of free disk below which nothing is accepted")
    landing: Path | None = Field(
        None, description="folder to which complete segments of the log are copied, for `--engine spark`; none: not"
    )
    landing_seconds: float = Field(
        60.0, ge=1, le=86_400, description="after how long a segment is complete, where there is a landing folder"
    )
    keep: Keeping = Keeping()
    notifications: NotificationSettings = NotificationSettings()
    code: Path | None = Field(
        None, description="folder of a code index (`logradar code index`): alerts name the code that wrote their lines"
    )
    source_url: str | None = Field(
        None, description="pattern of links to code: https://host/repo/blob/main/{path}#L{line}"
    )

    @property
    def database_url(self) -> str:
        """Where the store is."""
        return self.database or f"sqlite:///{(self.home / 'store.db').absolute()}"

    @property
    def learn_seconds(self) -> float | None:
        """How long to collect before the first training. Raises `ConfigError` for another form than 24h or 30m."""
        return None if self.learn is None else seconds_of(self.learn)

    def require_safe(self) -> None:
        """Raise `ConfigError` where others could reach the service without a key."""
        if not self.auth and not is_loopback(self.host):
            raise ConfigError(
                f"Others can reach {self.host}, and nothing asks them for a key: listen at 127.0.0.1, or use --auth "
                "with a key (logradar serve --new-key NAME)."
            )


def seconds_of(text: str) -> float:
    """The seconds of a duration such as 90s, 30m, 24h or 7d. Raises `ConfigError`.

    >>> seconds_of("1.5h")
    5400.0
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise ConfigError(f"'{text}' is no duration; write it as 90s, 30m, 24h or 7d.")
    return float(found[1]) * _SECONDS[found[2]]


def is_loopback(host: str) -> bool:
    """Whether an address is that of this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
