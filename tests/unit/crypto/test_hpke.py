"""Sealing to a party: only its key opens, only under the purpose it was sealed for."""

from __future__ import annotations

import pytest

from tigertally.base.secret import SecretBytes
from tigertally.crypto.errors import BadKey, DecryptionFailed, UnknownSuite
from tigertally.crypto.hpke import ENCAPSULATED_BYTES, PUBLIC_BYTES, TransferKey, TransferPublic

KEY = TransferKey(SecretBytes(bytes(range(96))))


def test_only_the_holder_opens_and_only_for_the_purpose() -> None:
    sealed = KEY.public.seal(b"content key", info=b"purpose")
    assert len(sealed) == 2 + ENCAPSULATED_BYTES + len(b"content key") + 16
    assert KEY.open(sealed, info=b"purpose") == SecretBytes(b"content key")
    for key, info in ((KEY, b"other"), (KEY, b""), (TransferKey.generate(), b"purpose")):
        with pytest.raises(DecryptionFailed) as caught:
            key.open(sealed, info=info)
        assert caught.value.__cause__ is None


def test_sealing_twice_gives_other_bytes() -> None:
    assert KEY.public.seal(b"k", info=b"p") != KEY.public.seal(b"k", info=b"p")


def test_a_purpose_must_be_named() -> None:
    with pytest.raises(ValueError, match="purpose"):
        KEY.public.seal(b"k", info=b"")


@pytest.mark.parametrize("length", [0, 1, 2, 3, 500, 2 + ENCAPSULATED_BYTES, 2 + ENCAPSULATED_BYTES + 15])
def test_short_input(length: int) -> None:
    sealed = KEY.public.seal(b"k", info=b"p")[:length]
    with pytest.raises((DecryptionFailed, UnknownSuite)):
        KEY.open(sealed, info=b"p")


def test_a_key_of_small_order_cannot_be_sealed_to() -> None:
    """A hostile card may carry one; every share with it would be zero."""
    hostile = TransferPublic(KEY.public.raw[:-32] + bytes(32))
    with pytest.raises(BadKey):
        hostile.seal(b"k", info=b"p")


def test_both_halves_of_the_key_count() -> None:
    other = TransferKey.generate()
    sealed = KEY.public.seal(b"k", info=b"p")
    seed = KEY.secret.expose()
    for mixed in (seed[:64] + other.secret.expose()[64:], other.secret.expose()[:64] + seed[64:]):
        with pytest.raises(DecryptionFailed):
            TransferKey(SecretBytes(mixed)).open(sealed, info=b"p")


@pytest.mark.parametrize("raw", [b"", bytes(PUBLIC_BYTES), b"\x01\x02" + KEY.public.raw[2:], KEY.public.raw[:-1],
                                 b"\x01\x01" + b"\xff" * (PUBLIC_BYTES - 2)])  # fmt: skip
def test_what_is_no_public_key(raw: bytes) -> None:
    with pytest.raises(BadKey):
        TransferPublic(raw)


def test_keys_come_from_their_secret_and_do_not_print() -> None:
    assert TransferKey(SecretBytes(bytes(range(96)))).public.raw == KEY.public.raw
    assert TransferPublic(KEY.public.raw).key_id == KEY.public.key_id
    assert repr(KEY) == "<transfer key>"
    with pytest.raises(BadKey):
        TransferKey(SecretBytes(bytes(95)))
