"""Law: of a signed or sealed file no other bytes are accepted. Bits flip, ends are cut, bytes are added, doubled.

Each format has a function that does all that a reader does: parse, read, verify or open. For any bytes but the
original it must raise a ``Problem`` (or, for a proof, answer *not proved*); any other exception fails the test.
Short formats are tried at every position, long ones at every position (the longest: every third) with
a bit that depends on it, the rest by hypothesis.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors import flawed_seals, world
from tests.vectors.test_vectors import BY_BOTH, BY_BUYER, READERS

from tigertally.base.errors import Problem
from tigertally.base.secret import SecretBytes
from tigertally.crypto import aead
from tigertally.formats import checkpoint, envelope, keyfile, note, proof, statement

Reading = Callable[[bytes], object]


def read_statement(data: bytes) -> object:
    paper = statement.parse(data)
    assert paper.to_bytes() == data
    READERS[paper.kind](paper)
    seller, buyer = world.seller().card.signing, world.buyer().card.signing
    signers = {"seller": seller, "buyer": buyer} if paper.kind in BY_BOTH else {"seller": seller}
    paper.require({"buyer": buyer} if paper.kind in BY_BUYER else signers)
    return paper


def read_note(data: bytes) -> object:
    """A checkpoint read as a bare note, its text taken apart here."""
    parsed = note.parse(data)
    assert parsed.to_bytes() == data
    found, _ = checkpoint.parse(data)
    return world.seller().card.log.verify(parsed, origin=found.origin, size=found.size, root=found.root)


def read_proof(data: bytes) -> object:
    paper = proof.parse(data)
    assert paper.to_bytes() == data
    return paper.verify(world.seller().card.log)


def read_envelope(data: bytes) -> object:
    return b"".join(envelope.open_stream(world.buyer().transfer, context="law", read=io.BytesIO(data).read))


@cache
def originals() -> dict[str, tuple[bytes, Reading]]:
    cipher = aead.Cipher(flawed_seals.FIELD_KEY)
    transfer = world.buyer().transfer
    papers = {
        "party": world.card_paper(world.seller().card.name),
        "agreement": world.agreement_paper(),
        "invitation": world.invitation_paper(),
        "acceptance": world.acceptance_paper(),
        "release": world.release_paper(),
        "manifest": world.manifest_paper(),
        "receipt": world.receipt_paper(),
        "certificate": world.certificate_paper(),
    }
    sealed = envelope.seal([transfer.public], context="law", plaintext=[b"content"])
    word, cost = flawed_seals.PASSPHRASE, flawed_seals.CHEAP
    kept = keyfile.seal(SecretBytes(b"k" * 32), purpose="law", passphrase=word, cost=cost)
    found: dict[str, tuple[bytes, Reading]] = {
        name: (paper.to_bytes(), read_statement) for name, paper in papers.items()
    }
    found["note"] = (world.head(7), read_note)
    found["checkpoint"] = (world.head(7), lambda data: checkpoint.verify(data, world.seller().card.log))
    found["proof"] = (world.proof(3).to_bytes(), read_proof)
    found["keyfile"] = (kept.to_bytes(), lambda data: keyfile.parse(data).open(flawed_seals.PASSPHRASE))
    found["envelope"] = (b"".join(sealed), read_envelope)
    found["value"] = (cipher.seal(b"4111111111111111", b"aad"), lambda data: cipher.open(data, b"aad"))
    inner = SecretBytes(b"i" * 32)
    found["wrapped key"] = (cipher.wrap(inner, b"aad"), lambda data: cipher.unwrap(data, b"aad"))
    found["hpke"] = (transfer.public.seal(b"k" * 32, info=b"law"), lambda data: transfer.open(data, info=b"law"))
    return found


SHORT = ("value", "wrapped key")
WHOLE = ("release", "receipt", "checkpoint", "note", "proof", "hpke", "envelope", "keyfile")
ALL = (*SHORT, *WHOLE, "party", "agreement", "invitation", "acceptance", "manifest", "certificate")
LONG = tuple(name for name in ALL if name != "keyfile")


def accepts(reading: Reading, data: bytes) -> bool:
    try:
        return reading(data) is not None
    except Problem:
        return False


@pytest.mark.parametrize("name", ALL)
def test_the_original_is_accepted(name: str) -> None:
    data, reading = originals()[name]
    assert accepts(reading, data)


@pytest.mark.parametrize("name", SHORT)
def test_every_bit_matters(name: str) -> None:
    data, reading = originals()[name]
    for at in range(len(data)):
        for bit in range(8):
            assert not accepts(reading, _flip(data, at, 1 << bit)), (at, bit)


@pytest.mark.parametrize("name", WHOLE)
def test_every_byte_matters(name: str) -> None:
    data, reading = originals()[name]
    for at in range(0, len(data), 1 if len(data) < 8_000 else 3):
        bit = zlib.crc32(at.to_bytes(4, "big")) % 8
        assert not accepts(reading, _flip(data, at, 1 << bit)), at


@pytest.mark.parametrize("name", ALL)
def test_no_end_is_missing(name: str) -> None:
    data, reading = originals()[name]
    step = 1 if name in SHORT else max(1, len(data) // 200)
    for length in range(0, len(data), step):
        assert not accepts(reading, data[:length]), length
    assert not accepts(reading, data[:-1])


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_put_before_or_behind(name: str) -> None:
    data, reading = originals()[name]
    for more in (b"\x00", b"\n", b" ", b"}", b"\xff", data):
        assert not accepts(reading, data + more), more[:4]
        assert not accepts(reading, more + data), more[:4]


@given(st.data())
def test_no_change_of_any_kind_is_accepted(draw: st.DataObject) -> None:
    name = draw.draw(st.sampled_from(LONG))
    data, reading = originals()[name]
    start = draw.draw(st.integers(0, len(data)))
    stop = draw.draw(st.integers(start, min(len(data), start + 64)))
    other = draw.draw(st.sampled_from(("flip", "cut", "double", "insert", "swap")))
    piece = data[start:stop]
    if other == "flip" and start < len(data):
        changed = _flip(data, start, draw.draw(st.integers(1, 255)))
    elif other == "double":
        changed = data[:stop] + piece + data[stop:]
    elif other == "insert":
        changed = data[:start] + draw.draw(st.binary(min_size=1, max_size=40)) + data[start:]
    elif other == "swap":
        changed = data[:start] + piece[::-1] + data[stop:]
    else:
        changed = data[:start] + data[stop:]
    if changed != data:
        assert not accepts(reading, changed)


def _flip(data: bytes, at: int, mask: int) -> bytes:
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]
