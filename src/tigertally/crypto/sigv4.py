"""AWS Signature Version 4: what a request's headers must say so that the server knows who asks.

Source: AWS General Reference, "Create a signed AWS API request", and Amazon S3 API reference, "Signature Calculations
for the Authorization Header". 1. canonical request: method, path, query sorted, headers sorted, the payload's digest;
2. string to sign: time, scope, digest of 1; 3. a key derived from the secret by date, region and service; 4. the HMAC
of 2 under 3.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from tigertally.base.secret import SecretText


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who asks. ``session`` is the token of temporary credentials, empty for others."""

    key: str
    secret: SecretText
    session: SecretText | None = None


def signed(
    credentials: Credentials,
    *,
    host: str,
    path: str,
    query: dict[str, str],
    region: str,
    now: datetime,
    headers: dict[str, str],
    service: str = "s3",
    method: str = "GET",
    body: bytes = b"",
) -> dict[str, str]:
    """Return the headers of a signed request: those given, and the signature's. ``path`` is not yet encoded."""
    payload = hashlib.sha256(body).hexdigest()
    moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    every = {"host": host, "x-amz-content-sha256": payload, "x-amz-date": moment}
    every |= {name.lower(): value for name, value in headers.items()}
    if credentials.session is not None:
        every["x-amz-security-token"] = credentials.session.expose()
    names = ";".join(sorted(every))
    canonical = "\n".join(
        [
            method,
            encoded_path(path),
            encoded_query(query),
            *(f"{name}:{every[name].strip()}" for name in sorted(every)),
            "",
            names,
            payload,
        ]
    )
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret.expose()}".encode()
    for part in (moment[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    every["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.key}/{scope},SignedHeaders={names},Signature={signature}"
    )
    return every


def encoded_path(path: str) -> str:
    """Return a path as S3 signs it: each byte but the unreserved ones escaped once, slashes kept."""
    return quote(path, safe="/-_.~")


def encoded_query(query: dict[str, str]) -> str:
    """Return a query as S3 signs it: sorted, everything escaped."""
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)
