"""Ledger leaves: what the Merkle tree hashes, with nothing personal in it. docs/formats/ledger.md.

A leaf is canonical JSON: ``v`` (1), ``at``, ``kind`` (``wing.noun.past``), ``actor`` and ``about`` (keyed
pseudonyms, 32 hex digits, or "" / none), ``commit`` (salted SHA-256 of the payload). The payload is a
canonical JSON object kept elsewhere; erasing it (or its key) leaves every proof standing.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.base import canon, clock
from tigertally.formats.shape import Reader, parse_canonical

SALT_BYTES: Final = 16
KIND: Final = re.compile(r"[a-z]+(?:\.[a-z_]+){2}")
PSEUDONYM_CHARS: Final = 32
_PSEUDONYM: Final = re.compile(r"[0-9a-f]{32}")
# Nothing that this matches needs escaping, so what it matches is canonical.
_LEAF: Final = re.compile(
    rb'\{"about":\[((?:"[0-9a-f]{32}"(?:,"[0-9a-f]{32}"){0,999})?)\],"actor":"((?:[0-9a-f]{32})?)",'
    rb'"at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)",'
    rb'"commit":"([0-9a-f]{64})","kind":"([a-z]{1,26}\.[a-z_]{1,26}\.[a-z_]{1,26})","v":1\}'
)
_DOMAIN: Final = b"tigertally/ledger/payload/v1\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One entry as it is hashed."""

    at: datetime
    kind: str
    actor: str
    about: tuple[str, ...]
    commitment: bytes

    def to_bytes(self) -> bytes:
        """Return the leaf's canonical bytes."""
        return canon.dumps(
            {
                "v": 1,
                "at": clock.to_text(self.at),
                "kind": self.kind,
                "actor": self.actor,
                "about": list(self.about),
                "commit": self.commitment.hex(),
            }
        )


def commit_payload(salt: bytes, payload: bytes) -> bytes:
    """Return the salted commitment to a payload's canonical bytes."""
    if len(salt) != SALT_BYTES:
        raise ValueError("salt length")
    return hashlib.sha256(_DOMAIN + salt + payload).digest()


def parse(data: bytes) -> Leaf:
    """Return the leaf in ``data``; ``Malformed`` otherwise."""
    reader = Reader(parse_canonical(data, what="leaf"), what="leaf", where="leaf")
    reader.integer("v", minimum=1, maximum=1)
    leaf = Leaf(
        at=reader.instant("at"),
        kind=reader.text("kind", chars_max=80),
        actor=reader.text("actor", chars_max=PSEUDONYM_CHARS, empty=True),
        about=reader.texts("about", chars_max=PSEUDONYM_CHARS),
        commitment=reader.hexbytes("commit", length=32),
    )
    reader.end()
    pseudonyms = [*leaf.about, leaf.actor] if leaf.actor else list(leaf.about)
    if not KIND.fullmatch(leaf.kind) or not all(_PSEUDONYM.fullmatch(item) for item in pseudonyms):
        raise reader.wrong("kind")
    return leaf


def read(raw: bytes) -> Leaf:
    """Return the leaf in ``raw``, as :func:`parse` does, which is asked whenever there is any doubt. Much faster."""
    found = _LEAF.fullmatch(raw)
    if found is None:
        return parse(raw)
    about, actor, at, commitment, kind = found.groups()
    try:
        instant = datetime.fromisoformat(at.decode())
    except ValueError:
        return parse(raw)
    return Leaf(
        at=instant,
        kind=kind.decode(),
        actor=actor.decode(),
        about=tuple(about.decode().strip('"').split('","')) if about else (),
        commitment=bytes.fromhex(commitment.decode()),
    )
