"""SM2: signatures and sealing, strict at every byte, and a named refusal where the extra is missing."""

from __future__ import annotations

import sys

import pytest

from tigertally.base.secret import SecretBytes
from tigertally.crypto.errors import BadKey, DecryptionFailed, SignatureInvalid, SuiteUnavailable, UnknownSuite
from tigertally.crypto.sm2 import CARRIED_BYTES, PUBLIC_BYTES, SECRET_BYTES, SIGNATURE_BYTES, Sm2Key, Sm2Public

MESSAGE, INFO = b"a document", b"tigertally/v1/test"


@pytest.fixture(scope="module")
def key() -> Sm2Key:
    """A fresh key."""
    return Sm2Key.generate()


def test_what_was_signed_verifies_and_nothing_else(key: Sm2Key) -> None:
    signature = key.sign(MESSAGE)
    assert len(signature) == SIGNATURE_BYTES
    assert signature[:2] == b"\x01\x02"
    key.public.verify(MESSAGE, signature)
    wrong = [signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :] for at in (0, 1, 2, 33, 34, 65)]
    for other in (
        *wrong,
        b"",
        signature[:-1],
        signature + b"\x00",
        signature[:2] + bytes(64),
        b"\x01\x02" + b"\xff" * 64,
    ):
        with pytest.raises(SignatureInvalid):
            key.public.verify(MESSAGE, other)
    with pytest.raises(SignatureInvalid):
        key.public.verify(MESSAGE + b"!", signature)
    with pytest.raises(SignatureInvalid):
        Sm2Key.generate().public.verify(MESSAGE, signature)


def test_a_key_comes_back_from_its_bytes(key: Sm2Key) -> None:
    again = Sm2Key(key.secret)
    assert again.public == Sm2Public(key.public.raw) == key.public
    assert len({again.public, key.public}) == 1
    assert len(again.public.key_id) == 64
    assert repr(key) == "<sm2 key>"
    assert len(key.secret) == SECRET_BYTES


def test_points_off_the_curve_and_wrong_bytes_are_no_keys(key: Sm2Key) -> None:
    raw = key.public.raw
    off = raw[:-1] + bytes([raw[-1] ^ 1])
    for other in (
        off,
        raw[:2] + bytes(64),
        b"\x01\x01" + raw[2:],
        raw[:-1],
        raw + b"\x00",
        b"",
        raw[:2] + b"\xff" * 64,
    ):
        with pytest.raises(BadKey):
            Sm2Public(other)
    assert len(raw) == PUBLIC_BYTES
    mine, theirs = key.secret.expose(), Sm2Key.generate().secret.expose()
    for secret in (mine[:32] + theirs[32:], bytes(32) + mine[32:], b"\xff" * 32 + mine[32:], mine[:-1], b""):
        with pytest.raises(BadKey):
            Sm2Key(SecretBytes(secret))


@pytest.mark.parametrize("length", [0, 1, 255, 256, 4000])
def test_what_was_sealed_opens_in_its_place_only(key: Sm2Key, length: int) -> None:
    text = bytes(range(256)) * 16
    sealed = key.public.seal(text[:length], info=INFO)
    assert sealed[:2] == b"\x01\x02"
    assert key.open(sealed, info=INFO).expose() == text[:length]
    assert key.public.seal(text[:length], info=INFO) != sealed
    with pytest.raises(DecryptionFailed):
        key.open(sealed, info=b"elsewhere")
    with pytest.raises(DecryptionFailed):
        Sm2Key.generate().open(sealed, info=INFO)


def test_every_part_of_what_was_sealed_counts(key: Sm2Key) -> None:
    sealed = key.public.seal(b"value", info=INFO)
    for at in (2, 34, 66, 2 + 96, 2 + CARRIED_BYTES + 2, len(sealed) - 1):
        with pytest.raises(DecryptionFailed):
            key.open(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], info=INFO)
    for cut in (2, 50, 2 + CARRIED_BYTES, len(sealed) - 1):
        with pytest.raises(DecryptionFailed):
            key.open(sealed[:cut], info=INFO)
    for header in (b"\x01\x01", b"\x02\x02"):
        with pytest.raises(UnknownSuite):
            key.open(header + sealed[2:], info=INFO)
    other = key.public.seal(b"value", info=INFO)
    with pytest.raises(DecryptionFailed):  # a value belongs to what carries its key
        key.open(sealed[: 2 + CARRIED_BYTES] + other[2 + CARRIED_BYTES :], info=INFO)
    with pytest.raises(ValueError, match="purpose"):
        key.public.seal(b"value", info=b"")


def test_without_the_extra_it_is_refused_by_name(key: Sm2Key, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    for act in (Sm2Key.generate, lambda: Sm2Public(key.public.raw), lambda: key.sign(MESSAGE)):
        with pytest.raises(SuiteUnavailable) as caught:
            act()
        assert caught.value.details["what"] == "SM2"
