"""Vectors that others published, beside ours: FF1 of SP 800-38G and of NIST's validation server."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tigertally.base.secret import SecretBytes
from tigertally.crypto.ff1 import Ff1
from tigertally.crypto.numerals import Numerals

CASES: list[dict[str, str]] = json.loads((Path(__file__).parent / "ff1" / "published.json").read_text())["cases"]


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
