"""Double signatures: both must verify; and the bare ones of log notes against published answers."""

from __future__ import annotations

import pytest

from tigertally.base.secret import SecretBytes
from tigertally.crypto.errors import BadKey, SignatureInvalid
from tigertally.crypto.sign import (
    ED25519_BYTES,
    MLDSA44_BYTES,
    PUBLIC_BYTES,
    SIGNATURE_BYTES,
    NoteKey,
    SigningKey,
    VerifyKey,
    ed25519_ok,
    mldsa44_ok,
)

KEY = SigningKey(SecretBytes(bytes(range(64))))
SPLIT = 2 + ED25519_BYTES


def test_a_signature_verifies_for_its_message_and_key_only() -> None:
    signature = KEY.sign(b"message")
    assert len(signature) == SIGNATURE_BYTES
    KEY.public.verify(b"message", signature)
    for key, message in ((KEY.public, b"Message"), (KEY.public, b""), (SigningKey.generate().public, b"message")):
        with pytest.raises(SignatureInvalid):
            key.verify(message, signature)


def test_both_halves_are_needed() -> None:
    ours, other = KEY.sign(b"message"), KEY.sign(b"other message")
    for mixed in (ours[:SPLIT] + other[SPLIT:], other[:SPLIT] + ours[SPLIT:]):
        with pytest.raises(SignatureInvalid):
            KEY.public.verify(b"message", mixed)


def test_halves_of_two_keys_do_not_make_one() -> None:
    """A key whose Ed25519 half is ours and whose ML-DSA half is a stranger's is a third key."""
    stranger = SigningKey.generate()
    raw = KEY.public.raw[: 2 + 32] + stranger.public.raw[2 + 32 :]
    mixed = KEY.sign(b"m")[:SPLIT] + stranger.sign(b"m")[SPLIT:]
    VerifyKey(raw).verify(b"m", mixed)
    assert VerifyKey(raw).key_id not in (KEY.public.key_id, stranger.public.key_id)
    with pytest.raises(SignatureInvalid):
        KEY.public.verify(b"m", mixed)


@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + b"\x00", lambda s: b"\x01\x02" + s[2:],
                                    lambda s: b"\x02\x01" + s[2:], lambda _: b"", lambda s: s[:SPLIT]])  # fmt: skip
def test_other_lengths_and_suites(change: object) -> None:
    with pytest.raises(SignatureInvalid):
        KEY.public.verify(b"message", change(KEY.sign(b"message")))  # type: ignore[operator]


@pytest.mark.parametrize("raw", [b"", bytes(PUBLIC_BYTES), b"\x01\x02" + bytes(PUBLIC_BYTES - 2), KEY.public.raw[:-1]])
def test_what_is_no_public_key(raw: bytes) -> None:
    with pytest.raises(BadKey):
        VerifyKey(raw)


def test_keys_come_from_their_seeds() -> None:
    assert SigningKey(SecretBytes(bytes(range(64)))).public == KEY.public
    assert VerifyKey(KEY.public.raw) == KEY.public
    assert len({VerifyKey(KEY.public.raw), KEY.public}) == 1
    with pytest.raises(BadKey):
        SigningKey(SecretBytes(bytes(32)))
    with pytest.raises(BadKey):
        NoteKey(SecretBytes(bytes(63)))


def test_keys_do_not_print() -> None:
    assert repr(KEY) == "<signing key>"
    assert repr(NoteKey.generate()) == "<note key>"


@pytest.mark.parametrize(
    ("public", "message", "signature"),
    [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            (
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595b"
                "be24655141438e7a100b"
            ),
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            (
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb430"
                "2aeeb00d291612bb0c00"
            ),
        ),
    ],
)
def test_rfc8032_ed25519(public: str, message: str, signature: str) -> None:
    key, text, sig = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert ed25519_ok(key, text, sig)
    assert not ed25519_ok(key, text + b"\x00", sig)
    assert not ed25519_ok(key, text, bytes(64))


def test_note_signatures() -> None:
    key = NoteKey(SecretBytes(bytes(range(64))))
    classic, lattice = key.sign_classic(b"m"), key.sign_lattice(b"m")
    assert (len(classic), len(lattice)) == (ED25519_BYTES, MLDSA44_BYTES)
    assert ed25519_ok(key.classic_public, b"m", classic)
    assert mldsa44_ok(key.lattice_public, b"m", lattice)
    assert not mldsa44_ok(key.lattice_public, b"n", lattice)
    assert not ed25519_ok(b"short", b"m", classic)
    assert not mldsa44_ok(b"short", b"m", lattice)
    assert not mldsa44_ok(key.lattice_public, b"m", b"short")
