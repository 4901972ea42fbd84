"""Statements: the DSSE container, and who signed."""

from __future__ import annotations

import pytest
from tests.vectors import world

from tigertally.crypto.digest import sha256_hex
from tigertally.crypto.errors import SignatureInvalid
from tigertally.formats import statement
from tigertally.formats.errors import Malformed, NotSigned, WrongKind
from tigertally.formats.statement import Kind, Statement, make, parse

SELLER, BUYER = world.seller(), world.buyer()
BOTH = {"seller": SELLER.card.signing, "buyer": BUYER.card.signing}


def test_what_is_signed_is_the_dsse_encoding() -> None:
    """DSSE v1: PAE(type, body) = "DSSEv1" SP len(type) SP type SP len(body) SP body, lengths in decimal bytes."""
    paper = make(Kind.RECEIPT, {"名": 1}, SELLER.signing)
    body = '{"名":1}'.encode()
    kind = b"application/vnd.tigertally.receipt.v1+json"
    assert paper.payload == body
    assert paper.signed_bytes() == b"DSSEv1 42 " + kind + b" 9 " + body
    assert (len(kind), len(body)) == (42, 9)
    assert paper.digest == sha256_hex(paper.signed_bytes())
    SELLER.card.signing.verify(paper.signed_bytes(), dict(paper.signatures)[SELLER.card.signing.key_id])


@pytest.mark.parametrize("kind", list(Kind))
def test_there_and_back(kind: Kind) -> None:
    paper = make(kind, {"a": [1, "b"]}, SELLER.signing).signed_by(BUYER.signing)
    again = parse(paper.to_bytes())
    assert again == paper
    assert again.to_bytes() == paper.to_bytes()
    again.require(BOTH)


def test_signing_adds_without_changing_the_digest() -> None:
    one = make(Kind.AGREEMENT, {}, SELLER.signing)
    two = one.signed_by(BUYER.signing)
    assert one.digest == two.digest
    assert set(two.signers()) == {SELLER.card.signing.key_id, BUYER.card.signing.key_id}
    assert list(two.signers()) == sorted(two.signers())
    assert len(two.signed_by(BUYER.signing).signatures) == 2


def test_the_kind_is_under_the_digest_and_the_signature() -> None:
    one = make(Kind.AGREEMENT, {}, SELLER.signing)
    other = Statement(kind=Kind.RELEASE, payload=one.payload, signatures=one.signatures)
    assert other.digest != one.digest
    with pytest.raises(SignatureInvalid):
        other.require({"seller": SELLER.card.signing})
    with pytest.raises(WrongKind):
        one.expect(Kind.RELEASE)
    assert one.expect(Kind.AGREEMENT) is one


def test_every_named_party_must_have_signed() -> None:
    one = make(Kind.AGREEMENT, {}, SELLER.signing)
    with pytest.raises(NotSigned) as caught:
        one.require(BOTH)
    assert caught.value.details == {"who": "buyer"}
    with pytest.raises(ValueError, match="somebody"):
        one.require({})


def test_a_strangers_signature_does_no_harm_and_no_good() -> None:
    paper = make(Kind.AGREEMENT, {}, SELLER.signing).signed_by(world.stranger().signing)
    paper.require({"seller": SELLER.card.signing})
    with pytest.raises(NotSigned):
        paper.require(BOTH)


def test_a_file_has_a_size_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = make(Kind.RECEIPT, {"a": "x" * 100}, SELLER.signing).to_bytes()
    monkeypatch.setattr(statement, "STATEMENT_BYTES_MAX", len(data))
    parse(data)
    monkeypatch.setattr(statement, "STATEMENT_BYTES_MAX", len(data) - 1)
    with pytest.raises(Malformed):
        parse(data)


def test_the_payload_is_read_strictly() -> None:
    reader = make(Kind.RECEIPT, {"a": 1}, SELLER.signing).reader()
    assert reader.integer("a") == 1
    with pytest.raises(Malformed):
        make(Kind.RECEIPT, [1], SELLER.signing).reader()
