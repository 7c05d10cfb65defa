"""Certificates of a deployment on this machine: an authority of its own, and the certificate of its SuperLink."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

_DAYS: Final = 30  # longer than a run takes


@dataclass(frozen=True)
class Certificates:
    """Files in PEM: the authority that nodes trust, and certificate and key of the SuperLink."""

    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def made(cls, folder: Path, address: str) -> Certificates:
        """Make new ones for a SuperLink at ``address`` (an IP). The key of the authority is kept nowhere.

        X.509 v3 (RFC 5280), keys on the curve P-256; the package `cryptography`, which Flower brings, makes them.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec

        folder.mkdir(mode=0o700, exist_ok=True)
        authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        authority = _signed("LogRadar federation", authority_key, authority_key, None, None)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        server = _signed("SuperLink", key, authority_key, authority.subject, names)
        found = cls(folder / "ca.crt", folder / "server.pem", folder / "server.key")
        _write(found.authority, _pem(authority))
        _write(found.certificate, _pem(server))
        _write(found.key, _pem_of_key(key))
        return found


def _signed(name: str, key: Any, by: Any, issuer: Any, names: Any) -> Any:
    """A certificate of ``key``; without an issuer that of an authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # clocks differ
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=0 if issuer is None else None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), False)
    )
    if names is not None:
        builder = builder.add_extension(names, False)
    return builder.sign(by, hashes.SHA256())


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    found: bytes = certificate.public_bytes(Encoding.PEM)
    return found


def _pem_of_key(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    found: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return found


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
