"""Signed statements: DSSE envelopes in canonical JSON, signed by Ed25519 + ML-DSA-65 together.

docs/formats/statement.md. The file is the canonical JSON of ``{payload, payloadType, signatures}``:
1. ``payloadType`` is ``application/vnd.tigertally.<kind>.v1+json``, kind from the closed set below;
2. ``payload`` is base 64 of canonical JSON;
3. each signature has ``keyid`` (SHA-256 of the public key, hex) and ``sig`` over the DSSE v1
   pre-authentication encoding of type and payload; key ids are distinct and sorted;
4. the digest of a statement is SHA-256 of its payload bytes with its type: signatures can be added
   without changing what other papers refer to.

Verifying who must have signed is the caller's: :meth:`Statement.require` names the missing party.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.limits import STATEMENT_BYTES_MAX
from tigertally.crypto.digest import sha256_hex
from tigertally.crypto.sign import SigningKey, VerifyKey
from tigertally.formats.errors import Malformed, NotSigned, WrongKind
from tigertally.formats.shape import Reader, from_b64, parse_canonical, to_b64

_PREFIX: Final = "application/vnd.tigertally."
_SUFFIX: Final = ".v1+json"
SIGNATURES_MAX: Final = 16


class Kind(Enum):
    """Kinds of statements."""

    PARTY = "party"
    AGREEMENT = "agreement"
    INVITATION = "invitation"
    ACCEPTANCE = "acceptance"
    RELEASE = "release"
    MANIFEST = "manifest"
    RECEIPT = "receipt"
    CERTIFICATE = "certificate"
    SHARES = "shares"
    RESHARE = "reshare"
    BACKUP = "backup"
    ERASURES = "erasures"
    BOOK = "book"
    ROUTE = "route"
    OPINION = "opinion"

    @property
    def payload_type(self) -> str:
        """The DSSE payloadType."""
        return f"{_PREFIX}{self.value}{_SUFFIX}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A parsed statement: kind, payload bytes, signatures as ``(key id, signature)`` sorted by key id."""

    kind: Kind
    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of what is signed; the same whatever signatures are attached."""
        return sha256_hex(self.signed_bytes())

    def signed_bytes(self) -> bytes:
        """Return the DSSE v1 pre-authentication encoding."""
        kind = self.kind.payload_type.encode()
        return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(self.payload), self.payload)

    def reader(self) -> Reader:
        """Return the payload for strict reading."""
        return Reader(parse_canonical(self.payload, what=self.kind.value), what=self.kind.value)

    def expect(self, kind: Kind) -> Statement:
        """Return self if it is of ``kind``; else raise :class:`WrongKind`."""
        if self.kind is not kind:
            raise WrongKind(expected=kind, found=self.kind)
        return self

    def signers(self) -> tuple[str, ...]:
        """Return the key ids that are attached (not verified)."""
        return tuple(key_id for key_id, _ in self.signatures)

    def require(self, keys: Mapping[str, VerifyKey]) -> None:
        """Check that every key in ``keys`` (name → key) has signed; the first that has not is named.

        Raises :class:`NotSigned` or ``SignatureInvalid``. An empty ``keys`` is a programmer's error.
        """
        if not keys:
            raise ValueError("a statement is verified against somebody")
        attached = dict(self.signatures)
        for name, key in keys.items():
            signature = attached.get(key.key_id)
            if signature is None:
                raise NotSigned(who=name)
            key.verify(self.signed_bytes(), signature)

    def signed_by(self, key: SigningKey) -> Statement:
        """Return the statement with ``key``'s signature attached (replaced, if it was)."""
        attached = dict(self.signatures)
        attached[key.public.key_id] = key.sign(self.signed_bytes())
        return Statement(kind=self.kind, payload=self.payload, signatures=tuple(sorted(attached.items())))

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        signatures: list[Json] = [{"keyid": key_id, "sig": to_b64(sig)} for key_id, sig in self.signatures]
        return canon.dumps(
            {"payload": to_b64(self.payload), "payloadType": self.kind.payload_type, "signatures": signatures}
        )


def make(kind: Kind, body: Json, key: SigningKey) -> Statement:
    """Return ``body`` as a statement of ``kind`` signed by ``key``."""
    return Statement(kind=kind, payload=canon.dumps(body), signatures=()).signed_by(key)


def parse(data: bytes) -> Statement:
    """Return the statement in ``data``; :class:`Malformed` unless ``to_bytes`` would give ``data`` back."""
    if len(data) > STATEMENT_BYTES_MAX:
        raise Malformed(what="statement", where="size")
    outer = Reader(parse_canonical(data, what="statement"), what="statement", where="file")
    payload_type = outer.text("payloadType")
    kind = next((kind for kind in Kind if kind.payload_type == payload_type), None)
    if kind is None:
        raise outer.wrong("payloadType")
    payload = outer.b64("payload")
    parse_canonical(payload, what=kind.value)
    signatures: list[tuple[str, bytes]] = []
    for item in outer.bodies("signatures"):
        signatures.append((item.digest("keyid"), _signature(item)))
        item.end()
    outer.end()
    key_ids = [key_id for key_id, _ in signatures]
    if not signatures or len(signatures) > SIGNATURES_MAX or key_ids != sorted(set(key_ids)):
        raise outer.wrong("signatures")
    return Statement(kind=kind, payload=payload, signatures=tuple(signatures))


def _signature(item: Reader) -> bytes:
    signature = from_b64(item.text("sig", chars_max=8192))
    if signature is None:
        raise item.wrong("sig")
    return signature
