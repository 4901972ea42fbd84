"""Sealed values: layout, binding to their place, fresh nonces."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tigertally.base.secret import SecretBytes
from tigertally.crypto.aead import OVERHEAD_BYTES, Cipher, new_key
from tigertally.crypto.errors import BadKey, DecryptionFailed, UnknownSuite

KEY = SecretBytes(bytes(range(32)))


def test_layout_is_the_documented_one() -> None:
    """Taken apart with the library alone: version, suite, nonce, ciphertext and tag; the header is in the AAD."""
    sealed = Cipher(KEY).seal(b"value", b"place")
    assert sealed[:2] == b"\x01\x01"
    assert len(sealed) == len(b"value") + OVERHEAD_BYTES
    assert AESGCM(KEY.expose()).decrypt(sealed[2:14], sealed[14:], b"\x01\x01place") == b"value"


def test_a_value_made_elsewhere_opens() -> None:
    nonce = bytes(12)
    sealed = b"\x01\x01" + nonce + AESGCM(KEY.expose()).encrypt(nonce, b"value", b"\x01\x01place")
    assert Cipher(KEY).open(sealed, b"place") == b"value"


def test_it_opens_only_in_its_place_and_with_its_key() -> None:
    sealed = Cipher(KEY).seal(b"value", b"place")
    for key, aad in ((KEY, b"elsewhere"), (KEY, b""), (new_key(), b"place")):
        with pytest.raises(DecryptionFailed) as caught:
            Cipher(key).open(sealed, aad)
        assert caught.value.__cause__ is None


def test_associated_data_cannot_move_into_the_header() -> None:
    sealed = Cipher(KEY).seal(b"value", b"\x01\x01place")
    with pytest.raises(DecryptionFailed):
        Cipher(KEY).open(sealed, b"place")


def test_another_suite_is_told_apart() -> None:
    with pytest.raises(UnknownSuite):
        Cipher(KEY).open(b"\x01\x02" + bytes(40), b"")


@pytest.mark.parametrize("length", [0, 1, 2, 13, 29])
def test_too_short_to_be_sealed(length: int) -> None:
    with pytest.raises(DecryptionFailed):
        Cipher(KEY).open(b"\x01\x01" + bytes(length - 2) if length > 1 else bytes(length), b"")


def test_many_are_sealed_each_with_its_own_nonce_and_place() -> None:
    values = [b"same"] * 1000
    places = [str(at).encode() for at in range(1000)]
    sealed = Cipher(KEY).seal_many(values, places)
    assert len({item[2:14] for item in sealed}) == 1000
    assert [Cipher(KEY).open(item, place) for item, place in zip(sealed, places, strict=True)] == values
    with pytest.raises(DecryptionFailed):
        Cipher(KEY).open(sealed[0], places[1])


def test_a_fresh_key_is_wrapped_as_any_other() -> None:
    outer = Cipher(KEY)
    inner, wrapped = outer.fresh(b"place")
    sealed = inner.seal(b"value", b"here")
    assert outer.unwrapped(wrapped, b"place").open(sealed, b"here") == b"value"
    assert Cipher(outer.unwrap(wrapped, b"place")).open(sealed, b"here") == b"value"
    assert outer.fresh(b"place")[1] != wrapped
    with pytest.raises(DecryptionFailed):
        outer.unwrapped(wrapped, b"elsewhere")
    with pytest.raises(BadKey):
        outer.unwrapped(outer.wrap(SecretBytes(b"short"), b"place"), b"place")


def test_columns_of_different_length_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Cipher(KEY).seal_many([b"a", b"b"], [b"place"])


def test_wrapped_keys_are_no_values_and_values_no_wrapped_keys() -> None:
    cipher, inner = Cipher(KEY), new_key()
    wrapped = cipher.wrap(inner, b"place")
    assert cipher.unwrap(wrapped, b"place") == inner
    with pytest.raises(DecryptionFailed):
        cipher.open(wrapped, b"place")
    with pytest.raises(DecryptionFailed):
        cipher.unwrap(cipher.seal(b"k" * 32, b"place"), b"place")


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_keys_have_one_length(length: int) -> None:
    with pytest.raises(BadKey):
        Cipher(SecretBytes(bytes(length)))


def test_keys_are_fresh_and_ciphers_do_not_print() -> None:
    assert len({new_key().expose() for _ in range(100)}) == 100
    assert repr(Cipher(KEY)) == "<cipher>"
