"""Which addresses a download may use: https, and http only to this machine unless a setting allows it."""

from __future__ import annotations

import ipaddress
import string
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

_ONLY_HTTPS: Final = (
    "is not https, so anybody on the way could change what comes; use https, or set allow_http=true to accept it"
)


def refusal(url: str, allow_http: bool) -> str | None:
    """Why this URL is not asked, as the end of a sentence; None where it may be."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"is no URL ({error})"
    if parts.scheme not in ("http", "https"):
        return "does not begin with https://"
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        return "has no host, or letters that a URL writes with %"
    if parts.username is not None or parts.password is not None:
        return "holds a login, which messages and lists of processes would show"
    if parts.scheme == "http" and not allow_http and not is_loopback(host):
        return _ONLY_HTTPS
    return None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, by its name or address as they are written."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def redirected(url: str, location: str, allow_http: bool) -> tuple[str, str | None]:
    """Where a redirect leads, and why it is not followed; None where it is.

    >>> redirected("https://a.org/x/y", "/z", allow_http=False)
    ('https://a.org/z', None)
    >>> redirected("https://a.org/", "http://a.org/", allow_http=True)[1]
    'leads from https to http'
    """
    try:
        target = urljoin(url, quote(location, safe=string.punctuation, encoding="iso-8859-1", errors="replace"))
        scheme = urlsplit(target).scheme
    except ValueError as error:
        return "", f"is no URL ({error})"
    if url.startswith("https:") and scheme == "http":
        return target, "leads from https to http"
    return target, refusal(target, allow_http)


def host_of(url: str) -> str:
    """Host and port of a URL that is allowed: what messages call a mirror by. Paths and queries may hold secrets."""
    return urlsplit(url).netloc
