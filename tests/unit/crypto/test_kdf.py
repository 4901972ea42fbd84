"""Key derivation against published answers."""

from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto.errors import WeakParameters
from tigertally.crypto.kdf import Argon2Cost, check_passphrase, derive, hash_passphrase, new_salt, stretch

CHEAP = Argon2Cost(memory_kib=19_456, passes=2, lanes=1)


def hkdf(key: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA-256 written out from RFC 5869."""
    extracted = hmac.digest(salt or bytes(32), key, "sha256")
    made, block, counter = b"", b"", 1
    while len(made) < length:
        block = hmac.digest(extracted, block + info + bytes([counter]), "sha256")
        made += block
        counter += 1
    return made[:length]


def test_rfc5869_case_1_and_3() -> None:
    """The yardstick itself, against RFC 5869 appendix A."""
    key = bytes([0x0B]) * 22
    first = hkdf(key, salt=bytes(range(13)), info=bytes(range(0xF0, 0xFA)), length=42)
    assert first.hex() == ("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
    third = hkdf(key, salt=b"", info=b"", length=42)
    assert third.hex() == ("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")


@pytest.mark.parametrize("length", [16, 32, 64])
def test_derive_is_hkdf_with_our_label(length: int) -> None:
    key = SecretBytes(bytes(range(32)))
    ours = derive(key, label="vault", context=b"ctx", length=length)
    theirs = hkdf(key.expose(), salt=b"", info=b"tigertally/v1/vault\x00ctx", length=length)
    assert ours == SecretBytes(theirs)


def test_labels_and_contexts_separate() -> None:
    key = SecretBytes(bytes(32))
    made = [
        derive(key, label="a").expose(),
        derive(key, label="b").expose(),
        derive(key, label="a", context=b"b").expose(),
        derive(key, label="ab").expose(),
        derive(SecretBytes(bytes(31) + b"\x01"), label="a").expose(),
    ]
    assert len(set(made)) == len(made)


def test_rfc9106_argon2id() -> None:
    """RFC 9106 §5.3, which takes a secret and data that our door does not: the library under it is the one meant."""
    argon = Argon2id(
        salt=b"\x02" * 16, length=32, iterations=3, lanes=4, memory_cost=32, ad=b"\x04" * 12, secret=b"\x03" * 8
    )
    assert argon.derive(b"\x01" * 32).hex() == "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"


def test_a_phc_string_made_elsewhere() -> None:
    """From the reference implementation's own test list: version 19, t=2, m=2^16, p=1."""
    phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
    assert check_passphrase(SecretText("password"), phc)
    assert not check_passphrase(SecretText("Password"), phc)


def test_stretch_depends_on_all_it_is_given() -> None:
    salt = bytes(16)
    made = [
        stretch(SecretText("a"), salt=salt, cost=CHEAP),
        stretch(SecretText("b"), salt=salt, cost=CHEAP),
        stretch(SecretText("a"), salt=bytes(15) + b"\x01", cost=CHEAP),
        stretch(SecretText("a"), salt=salt, cost=Argon2Cost(memory_kib=19_456, passes=3, lanes=1)),
    ]
    assert len({item.expose() for item in made}) == 4
    assert stretch(SecretText("a"), salt=salt, cost=CHEAP) == made[0]
    argon = Argon2id(salt=salt, length=32, iterations=2, lanes=1, memory_cost=19_456)
    assert made[0] == SecretBytes(argon.derive(b"a"))


@pytest.mark.parametrize(
    "cost",
    [(8, 3, 4), (19_455, 2, 1), (19_456, 1, 1), (2**21, 3, 4), (65_536, 17, 4), (65_536, 3, 0), (65_536, 3, 17)],
)
def test_costs_out_of_range_are_refused(cost: tuple[int, int, int]) -> None:
    memory, passes, lanes = cost
    with pytest.raises(WeakParameters):
        stretch(SecretText("a"), salt=bytes(16), cost=Argon2Cost(memory_kib=memory, passes=passes, lanes=lanes))


def test_short_salts_are_refused() -> None:
    with pytest.raises(WeakParameters):
        stretch(SecretText("a"), salt=bytes(15), cost=CHEAP)
    assert len({new_salt() for _ in range(100)}) == 100


def test_passphrases_are_hashed_and_checked() -> None:
    phc = hash_passphrase(SecretText("虎符 tally"), cost=CHEAP)
    assert phc.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert check_passphrase(SecretText("虎符 tally"), phc)
    assert not check_passphrase(SecretText("虎符 tally "), phc)
    assert phc != hash_passphrase(SecretText("虎符 tally"), cost=CHEAP)


@pytest.mark.parametrize("phc", ["", "x", "$argon2id$", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFh", "$2b$12$abc"])
def test_a_malformed_hash_is_no(phc: str) -> None:
    assert not check_passphrase(SecretText("password"), phc)
