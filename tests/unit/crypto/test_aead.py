"""Sealed values: layout, binding to their place, fresh nonces."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import ciphers
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tigertally.base.secret import SecretBytes
from tigertally.crypto.aead import OVERHEAD_BYTES, Cipher, key_bytes, new_key
from tigertally.crypto.errors import BadKey, DecryptionFailed, UnknownSuite
from tigertally.crypto.suites import Suite

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


SM4_KEY = SecretBytes(bytes(range(16)))


def test_sm4_has_the_same_layout() -> None:
    """Taken apart with the library alone."""
    sealed = Cipher(SM4_KEY, Suite.GUOMI_1).seal(b"value", b"place")
    assert sealed[:2] == b"\x01\x02"
    assert len(sealed) == len(b"value") + OVERHEAD_BYTES
    opening = ciphers.Cipher(algorithms.SM4(SM4_KEY.expose()), modes.GCM(sealed[2:14], sealed[-16:])).decryptor()
    opening.authenticate_additional_data(b"\x01\x02place")
    assert opening.update(sealed[14:-16]) + opening.finalize() == b"value"


def test_a_cipher_opens_its_own_suite_only() -> None:
    intl, guomi = Cipher(KEY), Cipher(SM4_KEY, Suite.GUOMI_1)
    for mine, other in ((intl, guomi), (guomi, intl)):
        with pytest.raises(UnknownSuite):
            mine.open(other.seal(b"value", b"place"), b"place")
        with pytest.raises(ValueError, match="suite"):
            mine.rewrap_each([], old=other, old_aads=[], aads=[])


def test_a_header_edited_to_the_other_suite_does_not_open() -> None:
    sealed = Cipher(SM4_KEY, Suite.GUOMI_1).seal(b"value", b"place")
    with pytest.raises(UnknownSuite):
        Cipher(SM4_KEY, Suite.GUOMI_1).open(b"\x01\x01" + sealed[2:], b"place")
    with pytest.raises(DecryptionFailed):
        Cipher(KEY).open(b"\x01\x01" + sealed[2:], b"place")


@pytest.mark.parametrize("at", [2, 14, -1])
def test_every_bit_of_sm4_counts(at: int) -> None:
    sealed = bytearray(Cipher(SM4_KEY, Suite.GUOMI_1).seal(b"value", b"place"))
    sealed[at] ^= 1
    with pytest.raises(DecryptionFailed):
        Cipher(SM4_KEY, Suite.GUOMI_1).open(bytes(sealed), b"place")


def test_many_records_under_sm4_each_with_its_own_key() -> None:
    outer = Cipher(SM4_KEY, Suite.GUOMI_1)
    keys, sealed = outer.seal_each([b"one", b""], aads=[b"a", b"b"], key_aads=[b"ka", b"kb"])
    wide = OVERHEAD_BYTES + key_bytes(Suite.GUOMI_1)
    assert len(keys) == 2 * wide
    wrapped = [keys[:wide], keys[wide:]]
    inner = [outer.unwrapped(one, aad) for one, aad in zip(wrapped, (b"ka", b"kb"), strict=True)]
    assert [one.suite for one in inner] == [Suite.GUOMI_1] * 2
    assert [inner[0].open(sealed[0], b"a"), inner[1].open(sealed[1], b"b")] == [b"one", b""]
    with pytest.raises(DecryptionFailed):
        inner[0].open(sealed[1], b"b")


def test_a_key_fits_its_suite_only() -> None:
    assert (len(new_key()), len(new_key(Suite.GUOMI_1))) == (32, 16)
    for key, suite in ((KEY, Suite.GUOMI_1), (SM4_KEY, Suite.INTL_1)):
        with pytest.raises(BadKey):
            Cipher(key, suite)


def test_each_is_sealed_under_a_key_of_its_own() -> None:
    kek = Cipher(KEY)
    values, places = [b"same"] * 300, [str(at).encode() for at in range(300)]
    owners = [b"owner" + place for place in places]
    packed, sealed = kek.seal_each(values, aads=places, key_aads=owners)
    wide = OVERHEAD_BYTES + len(KEY)
    wrapped = [packed[at : at + wide] for at in range(0, len(packed), wide)]
    assert len({one[2:14] for one in (*wrapped, *sealed)}) == 600
    keys = [kek.unwrap(one, owner).expose() for one, owner in zip(wrapped, owners, strict=True)]
    assert len(set(keys)) == 300
    for key, one, place in zip(keys, sealed, places, strict=True):
        assert Cipher(SecretBytes(key)).open(one, place) == b"same"
    with pytest.raises(DecryptionFailed):
        kek.unwrapped(wrapped[0], owners[1])
    with pytest.raises(ValueError, match="shorter"):
        kek.seal_each(values, aads=places[:-1], key_aads=owners)


def test_wrapped_keys_move_to_another_key() -> None:
    old, new = Cipher(KEY), Cipher(new_key())
    inner, place, elsewhere = [new_key() for _ in range(5)], [b"old"] * 5, [b"new"] * 5
    wrapped = [old.wrap(one, b"old") for one in inner]
    moved = new.rewrap_each(wrapped, old=old, old_aads=place, aads=elsewhere)
    assert [new.unwrap(one, b"new") for one in moved] == inner
    assert len({one[2:14] for one in moved}) == 5
    for of, key, where in ((moved[0], old, b"new"), (moved[0], new, b"old"), (wrapped[0], new, b"old")):
        with pytest.raises(DecryptionFailed):
            key.unwrap(of, where)
    with pytest.raises(DecryptionFailed):
        new.rewrap_each(wrapped, old=old, old_aads=[*place[:-1], b"new"], aads=elsewhere)
