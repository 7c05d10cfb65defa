"""Mirrors with TLS: certificates are checked, and no redirect leads out of it."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path
from shutil import which

import pytest
from tests.sources.download.getting import BODY, ETAG, HALF, get
from tests.sources.download.mirror import Answer, Mirror

from logradar.core.errors import InputError

REQUEST = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One that nobody has signed, in a file."""
    openssl = which("openssl")
    if openssl is None:
        pytest.skip("no openssl here to make a certificate")
    key, made = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = [*REQUEST.split(), "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(made)]
    subprocess.run([openssl, *words], check=True, capture_output=True)
    made.write_text(made.read_text() + key.read_text())
    return made


@pytest.fixture
def url(mirror: Mirror, certificate: Path) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    mirror.server.socket = context.wrap_socket(mirror.server.socket, server_side=True)
    mirror.gives(Answer(BODY, etag=ETAG, cut=HALF), Answer(BODY, etag=ETAG))
    return f"https://localhost:{mirror.server.server_port}/a.zip"


def test_a_certificate_that_is_not_trusted(mirror: Mirror, url: str, tmp_path: Path):
    with pytest.raises(InputError, match=r"certificate is not trusted \(self.signed certificate\)"):
        get(tmp_path / "out", url)
    assert mirror.asked == []


def test_one_that_is_trusted(mirror: Mirror, url: str, certificate: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert get(tmp_path / "out", url).verified
    assert mirror.ranges == [None, f"bytes={HALF}-"]


def test_no_redirect_leads_out_of_it(mirror: Mirror, url: str, certificate: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    away = mirror.url()
    mirror.gives(Answer(status=302, headers={"Location": away}))
    with pytest.raises(InputError, match="leads from https to http"):
        get(tmp_path / "out", url, allow_http=True)
    assert len(mirror.asked) == 1
