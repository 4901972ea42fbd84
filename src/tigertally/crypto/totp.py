"""One-time codes as in RFC 6238: HMAC-SHA-1, 30 s steps, six digits (what authenticator apps speak).

A code is accepted for its step and one step either side. The caller must remember the returned step
and refuse it a second time.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from tigertally.base.secret import SecretBytes, SecretText

STEP_S: Final = 30
DIGITS: Final = 6
SECRET_BYTES: Final = 20


def new_secret() -> SecretBytes:
    """Return a fresh 160-bit secret."""
    return SecretBytes(secrets.token_bytes(SECRET_BYTES))


def code_at(secret: SecretBytes, instant: datetime) -> SecretText:
    """Return the code of ``instant``."""
    return SecretText(_totp(secret).generate(int(instant.timestamp())).decode())


def accept(secret: SecretBytes, code: SecretText, instant: datetime, *, after_step: int) -> int | None:
    """Return the step that ``code`` belongs to, if near ``instant`` and later than ``after_step``; else None."""
    present = int(instant.timestamp()) // STEP_S
    given = code.expose().encode()
    found = None
    for step in (present - 1, present, present + 1):
        expected = _totp(secret).generate(step * STEP_S)
        if hmac.compare_digest(expected, given) and step > after_step:
            found = step
    return found


def provisioning_uri(secret: SecretBytes, *, account: str, issuer: str) -> SecretText:
    """Return the ``otpauth://`` address that authenticator apps take."""
    return SecretText(_totp(secret).get_provisioning_uri(account, issuer))


def base32_of(secret: SecretBytes) -> SecretText:
    """Return the secret in base 32, for typing into an app."""
    return SecretText(base64.b32encode(secret.expose()).decode())


def from_base32(text: SecretText) -> SecretBytes:
    """Return the secret that :func:`base32_of` spelled; ``ValueError`` if it is not base 32."""
    return SecretBytes(base64.b32decode(text.expose()))


def _totp(secret: SecretBytes) -> TOTP:
    return TOTP(secret.expose(), DIGITS, SHA1(), STEP_S)  # noqa: S303 - RFC 6238 default, what apps implement
