"""One-time codes: RFC 6238 answers, the window, and no second use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto.totp import accept, base32_of, code_at, from_base32, new_secret, provisioning_uri

RFC = SecretBytes(b"12345678901234567890")
NOW = datetime(2026, 3, 2, 9, 0, 10, tzinfo=UTC)
STEP = int(NOW.timestamp()) // 30


@pytest.mark.parametrize(
    ("seconds", "eight"),
    [(59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
     (2000000000, "69279037"), (20000000000, "65353130")],
)  # fmt: skip
def test_rfc6238_sha1(seconds: int, eight: str) -> None:
    """The published codes have eight digits; six-digit ones are their ends (RFC 4226 §5.3)."""
    assert code_at(RFC, datetime.fromtimestamp(seconds, UTC)) == SecretText(eight[-6:])


@pytest.mark.parametrize(("offset_s", "step"), [(0, STEP), (-30, STEP - 1), (30, STEP + 1), (-60, None), (60, None)])
def test_one_step_either_side(offset_s: int, step: int | None) -> None:
    code = code_at(RFC, NOW + timedelta(seconds=offset_s))
    assert accept(RFC, code, NOW, after_step=0) == step


def test_a_code_is_not_taken_twice() -> None:
    code = code_at(RFC, NOW)
    assert accept(RFC, code, NOW, after_step=STEP - 1) == STEP
    assert accept(RFC, code, NOW, after_step=STEP) is None


@pytest.mark.parametrize("code", ["", "000000", "12345", "1234567", "abcdef", "１２３４５６"])
def test_wrong_codes(code: str) -> None:
    assert accept(RFC, SecretText(code), NOW, after_step=0) is None


def test_secrets_in_base32() -> None:
    secret = new_secret()
    assert len(secret) == 20
    assert from_base32(base32_of(secret)) == secret
    assert base32_of(RFC) == SecretText("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    with pytest.raises(ValueError):  # noqa: PT011 - the library's words
        from_base32(SecretText("not base 32!"))


def test_the_address_for_apps() -> None:
    uri = provisioning_uri(RFC, account="somebody", issuer="Tigertally").expose()
    assert uri.startswith("otpauth://totp/Tigertally:somebody?")
    assert "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" in uri
