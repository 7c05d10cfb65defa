"""What `serve` prints: where the service listens, and a new key."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from logradar.core.filenames import plain


def addresses(found: Mapping[str, str], auth: bool) -> None:
    """Where the service listens, and what to open first."""
    print("LogRadar is at work. Ctrl-C ends it; what it acknowledged is kept.")
    print(f"  dashboard     {found['http']}/dashboard")
    print(f"  OTLP logs     {found['http']}/v1/logs")
    print(f"  Loki          {found['http']}/loki/api/v1/push")
    print(f"  Elasticsearch {found['http']}/_bulk")
    print(f"  Splunk HEC    {found['http']}/services/collector")
    for name in ("syslog tcp", "syslog udp", "files"):
        if name in found:
            print(f"  {name:<13} {plain(found[name])}")
    if auth:
        print("Every request needs a key: logradar serve --new-key NAME makes one.")
    sys.stdout.flush()


def new_key(name: str, text: str) -> None:
    """A key, which is shown this once."""
    print(f"The key '{plain(name)}' is shown only now; send it as `Authorization: Bearer …`:", file=sys.stderr)
    print(text)
