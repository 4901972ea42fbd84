"""What X.509 certificates say of themselves, for inventories. Nothing here decides whether one is trusted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from tigertally.crypto.errors import BadCertificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate: names as RFC 4514 spells them, SHA-256 in hex, the signature's algorithm as a dotted OID."""

    subject: str
    issuer: str
    start: datetime
    until: datetime
    fingerprint: str
    algorithm: str


def read_pem(data: bytes) -> list[Certificate]:
    """Return the certificates of a PEM file. Raises :class:`BadCertificate`."""
    try:
        return [
            Certificate(
                subject=one.subject.rfc4514_string(),
                issuer=one.issuer.rfc4514_string(),
                start=one.not_valid_before_utc,
                until=one.not_valid_after_utc,
                fingerprint=one.fingerprint(SHA256()).hex(),
                algorithm=one.signature_algorithm_oid.dotted_string,
            )
            for one in x509.load_pem_x509_certificates(data)
        ]
    except ValueError:
        raise BadCertificate from None
