"""Settings of downloads: the archives with their mirrors and digests, and how hard a download tries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import yaml
from pydantic import Field, model_validator

from logradar.core.config import Config, load_config
from logradar.sources.download.addresses import refusal

KNOWN: Final = Path(__file__).with_name("archives.yaml")
PLAIN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?")  # a name of a file or folder
UNFINISHED: Final = ".part"


class ArchiveSettings(Config):
    """Where one archive is, what proves it, and what of it is unpacked."""

    urls: tuple[str, ...] = Field(min_length=1, description="its mirrors, tried in this order")
    file: str | None = Field(default=None, description="its name on disk; by default as the first URL ends")
    sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-fA-F]{64}$",
        description="its digest; without one nothing vouches for the file, and a sentence says so",
    )
    size: int = Field(default=8 << 30, ge=1, description="bytes that are downloaded at most")
    members: tuple[str, ...] = Field(
        default=("*",), description="globs of the files in it that are unpacked; `*` matches folders too"
    )
    datasets: tuple[str, ...] = Field(
        default=(), description="named data sets that serve in its place where no mirror answers"
    )

    @property
    def filename(self) -> str:
        """The name of the archive on disk."""
        return self.file or unquote(urlsplit(self.urls[0]).path).rpartition("/")[2]

    @property
    def digest(self) -> str | None:
        """The SHA-256 in small letters, as `sha256_of` writes it."""
        return self.sha256.lower() if self.sha256 else None


class UnpackLimits(Config):
    """What no archive may exceed: an archive that unpacks to far more than it is, is a bomb."""

    members: int = Field(default=10_000, ge=1, description="members of an archive")
    bytes: int = Field(default=32 << 30, ge=1, description="unpacked bytes of an archive")
    ratio: int = Field(default=100, ge=1, description="unpacked bytes over bytes of the archive, beyond 16 MiB")


class DownloadSettings(Config):
    """What `logradar download` can be told, in a file of its own."""

    archives: dict[str, ArchiveSettings] = Field(
        default_factory=dict, description="archives by name; hdfs and openstack are known, and can be changed here"
    )
    allow_http: bool = Field(default=False, description="whether http is allowed to other machines too")
    unpack: bool = Field(default=True, description="whether archives are unpacked")
    timeout: float = Field(default=30, gt=0, le=3600, description="seconds without a byte after which a try ends")
    slowest: int = Field(
        default=1000, ge=0, description="bytes a second, over the time of `timeout`, below which a try ends"
    )
    tries: int = Field(
        default=4, ge=1, le=100, description="tries of one mirror in a row that bring less than 1 MiB of new bytes"
    )
    backoff: float = Field(
        default=1, ge=0, le=60, description="seconds before the second try, doubled for each further one up to 60"
    )
    redirects: int = Field(default=5, ge=0, le=20, description="redirects that are followed")
    limits: UnpackLimits = UnpackLimits()

    @model_validator(mode="before")
    @classmethod
    def _with_known(cls, values: Any) -> Any:
        """The known archives, with what was given for them in the place of theirs."""
        if not isinstance(values, dict) or not isinstance(values.get("archives", {}), dict):
            return values
        merged: dict[Any, Any] = dict(yaml.safe_load(KNOWN.read_text("utf-8")))
        for name, given in values.get("archives", {}).items():
            same = isinstance(given, dict) and name in merged
            merged[name] = {**merged[name], **given} if same else given
        return {**values, "archives": merged}

    @model_validator(mode="after")
    def _sound(self) -> DownloadSettings:
        used: dict[str, str] = {}
        for name, archive in self.archives.items():
            if not PLAIN.fullmatch(name):
                raise ValueError(f"'archives.{name}' is no name of an archive: letters, digits, '.', '-' and '_'")
            for url in archive.urls:
                if why := refusal(url, self.allow_http):
                    raise ValueError(f"'archives.{name}.urls': '{url}' {why}")
            file = archive.filename
            if not PLAIN.fullmatch(file) or file.lower().endswith(UNFINISHED):
                raise ValueError(f"'archives.{name}.file': '{file}' is no plain name of a file; set another one")
            for taken, what in ((file, "file"), (name, "name")):
                if (other := used.setdefault(taken.lower(), name)) != name or (what == "name" and taken == file):
                    raise ValueError(f"'archives.{name}': '{taken}' is the file or folder of '{other}' too")
        return self


def download_settings(file: Path | None = None, overrides: Iterable[str] = ()) -> DownloadSettings:
    """Settings from a YAML file (optional) and ``key.sub=value`` overrides."""
    return load_config(DownloadSettings, file, overrides)
