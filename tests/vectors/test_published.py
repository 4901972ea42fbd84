"""Vectors that others published, beside ours: FF1 of SP 800-38G and of NIST's validation server; SM2, SM3, SM4."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives import ciphers
from cryptography.hazmat.primitives.ciphers import algorithms, modes

from tigertally.base.secret import SecretBytes
from tigertally.crypto import aead, sm2
from tigertally.crypto.digest import hmac_sm3, sm3
from tigertally.crypto.errors import SignatureInvalid
from tigertally.crypto.ff1 import Ff1
from tigertally.crypto.numerals import Numerals
from tigertally.crypto.sm2 import Sm2Key

CASES: list[dict[str, str]] = json.loads((Path(__file__).parent / "ff1" / "published.json").read_text())["cases"]
GUOMI = json.loads((Path(__file__).parent / "guomi" / "published.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_ff1_is_the_published_one(case: dict[str, str]) -> None:
    alphabet, tweak = case["alphabet"], bytes.fromhex(case["tweak"])
    ff1 = Ff1(SecretBytes(bytes.fromhex(case["key"])), radix=len(alphabet))

    def row(text: str) -> Numerals:
        return np.array([[alphabet.index(symbol) for symbol in text]] * 3, np.uint8)

    plain, sealed = row(case["plain"]), row(case["sealed"])
    assert ff1.encrypt(plain, tweak).tolist() == sealed.tolist()
    assert ff1.decrypt(sealed, tweak).tolist() == plain.tolist()
    if tweak:
        each = np.frombuffer(tweak * 3, np.uint8).reshape(3, -1)
        assert ff1.encrypt(plain, each).tolist() == sealed.tolist()


@pytest.mark.parametrize("case", GUOMI["sm3"], ids=lambda case: case["message"][:6])
def test_sm3_is_the_published_one(case: dict[str, str]) -> None:
    assert sm3(bytes.fromhex(case["message"])).hex() == case["digest"]


def test_hmac_sm3_is_rfc_2104_over_sm3() -> None:
    """No vector of HMAC-SM3 is in the standards at hand: held to its definition, over a hash that is."""
    key, message = bytes(range(20)), b"message"
    padded = key.ljust(64, b"\x00")
    inner = sm3(bytes(byte ^ 0x36 for byte in padded) + message)
    assert hmac_sm3(SecretBytes(key), message) == sm3(bytes(byte ^ 0x5C for byte in padded) + inner)


def test_sm4_is_the_published_one() -> None:
    case = {name: bytes.fromhex(value) for name, value in GUOMI["sm4"].items()}
    sealing = ciphers.Cipher(algorithms.SM4(case["key"]), modes.ECB()).encryptor()  # noqa: S305 - one block
    assert sealing.update(case["plain"]) + sealing.finalize() == case["sealed"]


def test_sm4_gcm_is_the_published_one() -> None:
    case = {name: bytes.fromhex(value) for name, value in GUOMI["sm4-gcm"].items()}
    gcm = aead._Sm4Gcm(case["key"])  # noqa: SLF001 - a public function takes no nonce
    sealed = case["sealed"] + case["tag"]
    assert gcm.encrypt(case["nonce"], case["plain"], case["aad"]) == sealed
    assert gcm.decrypt(case["nonce"], sealed, case["aad"]) == case["plain"]


def test_sm2_signatures_are_the_published_ones() -> None:
    case = {name: bytes.fromhex(value) for name, value in GUOMI["sm2-sign"].items()}
    key = Sm2Key(SecretBytes(case["private"] + case["public"]))
    key.public.verify(case["message"], b"\x01\x02" + case["signature"])
    with pytest.raises(SignatureInvalid):
        key.public.verify(case["message"] + b" ", b"\x01\x02" + case["signature"])


def test_sm2_decryption_is_the_published_one() -> None:
    """What carries our keys: C1, C3, C2 of the standard in the one DER spelling."""
    case = {name: bytes.fromhex(value) for name, value in GUOMI["sm2-decrypt"].items()}
    der = sm2._to_der(case["c1"] + case["c3"] + case["c2"])  # noqa: SLF001 - our keys are shorter than their text
    private = bytes.fromhex(GUOMI["sm2-sign"]["private"])
    assert sm2._gmssl().sm2_decrypt(private, der) == case["plain"]  # noqa: SLF001 - the same
