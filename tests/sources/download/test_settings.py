"""Settings of downloads: which addresses, names and digests are accepted, and what the known archives are."""

from __future__ import annotations

from pathlib import Path

import pytest

from logradar.core.errors import ConfigError
from logradar.sources.download.addresses import redirected, refusal
from logradar.sources.download.settings import download_settings

DIGEST = "Ab" * 32


def test_the_known_archives_have_no_digest_that_nobody_computed():
    settings = download_settings()
    assert {name: one.filename for name, one in settings.archives.items()} == {
        "hdfs": "HDFS_v1.zip",
        "openstack": "OpenStack.tar.gz",
    }
    for archive in settings.archives.values():
        assert archive.sha256 is None
        assert all(url.startswith("https://zenodo.org/records/8196385/files/") for url in archive.urls)


def test_a_known_archive_keeps_what_was_not_given(tmp_path: Path):
    (tmp_path / "d.yaml").write_text("archives: {hdfs: {size: 9}, mine: {urls: ['https://a.org/x%2Dy.zip?z=1']}}\n")
    settings = download_settings(tmp_path / "d.yaml", [f"archives.hdfs.sha256={DIGEST}"])
    assert settings.archives["hdfs"].digest == DIGEST.lower()
    assert (settings.archives["hdfs"].size, settings.archives["hdfs"].filename) == (9, "HDFS_v1.zip")
    assert settings.archives["mine"].filename == "x-y.zip"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["archives.hdfs.urls=[http://a.org/x.zip]"], "is not https.*allow_http=true"),
        (["archives.hdfs.urls=[ftp://a.org/x.zip]"], "does not begin with https"),
        (["archives.hdfs.urls=[file:///etc/passwd]"], "does not begin with https"),
        (["archives.hdfs.urls=['https://u:p@a.org/x.zip']"], "holds a login"),
        (["archives.hdfs.urls=['https://']"], "has no host"),
        (["archives.hdfs.urls=['https://a.org/é']"], "letters that a URL writes with %"),
        (["archives.hdfs.urls=['https://a.org/x y']"], "letters that a URL writes with %"),
        (["archives.hdfs.urls=['https://[::1']"], "is no URL"),
        (["archives.hdfs.urls=['https://a.org:99999/']"], "is no URL"),
        (["archives.hdfs.urls=[]"], "at least 1 item"),
        (["archives.hdfs.sha256=abc"], "sha256"),
        (["archives.hdfs.sha=abc"], "did you mean 'sha256'"),
        (["archives.hdfs=7"], "archives.hdfs"),
        (["archives=7"], "archives"),
        (["archives.hdfs.file=../x.zip"], "no plain name of a file"),
        (["archives.hdfs.file=x.part"], "no plain name of a file"),
        (["archives.hdfs.file=.x"], "no plain name of a file"),
        (["archives.m.urls=[https://a.org/]"], "no plain name of a file"),
        (["archives.m.urls=[https://a.org/%2e%2e]"], "no plain name of a file"),
        (["archives.m.urls=[https://a.org/HDFS_V1.zip]"], "file or folder of 'hdfs' too"),
        (["archives.m.urls=[https://a.org/m]"], "file or folder of 'm' too"),
        (["archives.m.urls=[https://a.org/openstack]"], "file or folder of"),
        (["archives.m/x.urls=[https://a.org/x.zip]"], "no name of an archive"),
        (["timeout=0"], "timeout"),
        (["tries=0"], "tries"),
        (["retries=3"], "'retries' is not known"),
    ],
)
def test_wrong_settings_are_sentences(words: list[str], why: str):
    with pytest.raises(ConfigError, match=why):
        download_settings(None, words)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8/x", "http://localhost/x", "http://[::1]:8/x", "https://a.org/x?y=1"]
)
def test_addresses_that_may_be_asked(url: str):
    assert refusal(url, allow_http=False) is None


@pytest.mark.parametrize(
    "host", ["localhost.evil.org", "127.0.0.1.evil.org", "0.0.0.0", "10.0.0.1", "127.1", "2130706433"]
)
def test_hosts_that_only_look_like_this_machine(host: str):
    assert "is not https" in (refusal(f"http://{host}/x", allow_http=False) or "")
    assert refusal(f"http://{host}/x", allow_http=True) is None


@pytest.mark.parametrize("allow_http", [False, True])
@pytest.mark.parametrize("location", ["http://a.org/x", "HTTP://a.org/x", "http://127.0.0.1/x"])
def test_a_redirect_never_leads_from_https_to_http(location: str, allow_http: bool):
    assert redirected("https://a.org/x", location, allow_http)[1] == "leads from https to http"
