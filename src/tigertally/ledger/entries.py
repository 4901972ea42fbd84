"""Appending: entries, their payloads and the tree's frontier, inside the caller's transaction.

The life of an entry: check the payload against its kind → pseudonyms (HMAC-SHA-256, 128 bits) → canonical
payload, random salt, commitment → leaf → hash → frontier → rows → tiles that became complete. The head row
is locked first, so entries have one order; the commit is the caller's, so change and entry stand or fall
together. Times never run back: an instant behind the newest entry by up to ``SKEW_MAX_S`` is lifted to it,
more is refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.ids import PartyId
from tigertally.crypto.aead import Cipher
from tigertally.crypto.digest import KeyedDigest
from tigertally.crypto.errors import DecryptionFailed
from tigertally.crypto.merkle import Frontier, leaf_hash
from tigertally.crypto.sign import NoteKey
from tigertally.formats import leaf as leaves
from tigertally.formats.leaf import PSEUDONYM_CHARS, SALT_BYTES, Leaf
from tigertally.formats.note import NoteVerifier, verifier_of
from tigertally.ledger import events, sql, tree
from tigertally.ledger.errors import ClockWentBack, LedgerBroken, NoSuchEntry
from tigertally.ledger.events import Event
from tigertally.ledger.sql import HeadRow
from tigertally.store.tx import Tx

SKEW_MAX_S: Final = 5
LOCK: Final = "ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerKeys:
    """What one installation's ledger needs: pseudonyms, payload encryption, note signing, and its origin."""

    pseudonym: KeyedDigest
    payload: Cipher
    note: NoteKey
    origin: str

    @property
    def verifier(self) -> NoteVerifier:
        """Return the public half of the note keys."""
        return verifier_of(self.origin, self.note)


def origin_of(party: PartyId) -> str:
    """Return the log's origin for an organisation; a schema-less URL as C2SP recommends."""
    return f"tigertally.invalid/{party}"


class Ledger:
    """One installation's ledger. Stateless besides its keys: all state is in the store."""

    __slots__ = ("keys",)

    def __init__(self, keys: LedgerKeys) -> None:
        self.keys = keys

    def pseudonym(self, identifier: str) -> str:
        """Return the keyed pseudonym (32 hex digits) under which ``identifier`` appears in leaves."""
        return self.keys.pseudonym.of(identifier.encode()).hex()[:PSEUDONYM_CHARS]

    def append(self, tx: Tx, event: Event, *, now: datetime) -> int:
        """Append one entry; return its index."""
        return self.append_many(tx, [event], now=now)[0]

    def append_many(self, tx: Tx, batch: Sequence[Event], *, now: datetime) -> range:
        """Append entries in order; return their indexes. Raises :class:`ClockWentBack`."""
        tx.lock(LOCK)
        head = sql.read_head(tx)
        at = _never_back(now, head.at)
        frontier = Frontier(head.size, head.peaks)
        leaf_bytes: list[bytes] = []
        hashes: list[bytes] = []
        salts: list[bytes] = []
        sealed: list[bytes] = []
        abouts: list[tuple[str, int]] = []
        for offset, event in enumerate(batch):
            events.check(event)
            index = head.size + offset
            body = canon.dumps(dict(event.payload))
            salt = secrets.token_bytes(SALT_BYTES)
            pseudonyms = tuple(self.pseudonym(item) for item in event.about)
            raw = Leaf(
                at=at,
                kind=event.kind.name,
                actor=self.pseudonym(event.actor) if event.actor else "",
                about=pseudonyms,
                commitment=leaves.commit_payload(salt, body),
            ).to_bytes()
            hashed = leaf_hash(raw)
            frontier.append(hashed)
            leaf_bytes.append(raw)
            hashes.append(hashed)
            salts.append(salt)
            sealed.append(self.keys.payload.seal(body, _payload_aad(index)))
            abouts += [(item, index) for item in dict.fromkeys(pseudonyms)]
        sql.insert_entries(
            tx,
            first=head.size,
            ats=[at] * len(batch),
            kinds=[event.kind.name for event in batch],
            leaves=leaf_bytes,
            hashes=hashes,
            salts=salts,
            sealed=sealed,
            abouts=abouts,
        )
        tree.complete_tiles(tx, old_size=head.size, new_size=frontier.size)
        new = HeadRow(size=frontier.size, peaks=tuple(frontier.peaks), at=at)
        sql.write_head(tx, new, first=head.size == 0)
        return range(head.size, frontier.size)

    def payload_of(self, tx: Tx, index: int) -> Json | None:
        """Return an entry's payload, None if erased. Raises :class:`NoSuchEntry`, :class:`LedgerBroken`."""
        raw = sql.read_leaf(tx, index)
        if raw is None:
            raise NoSuchEntry(index=index)
        stored = sql.read_payload(tx, index)
        if stored is None:
            return None
        return canon.loads(self.open_payload(index, leaves.parse(raw), *stored))

    def open_payload(self, index: int, entry: Leaf, salt: bytes, sealed: bytes) -> bytes:
        """Return a payload's canonical bytes, checked against the entry's commitment."""
        try:
            body = self.keys.payload.open(sealed, _payload_aad(index))
        except DecryptionFailed:
            raise LedgerBroken(index=index, what="payload") from None
        if leaves.commit_payload(salt, body) != entry.commitment:
            raise LedgerBroken(index=index, what="commitment")
        return body

    def erase_payloads(self, tx: Tx, identifier: str) -> int:
        """Erase the payloads of all entries about ``identifier``; return how many. Leaves and proofs stay."""
        indexes = sql.entries_about(tx, self.pseudonym(identifier))
        return sum(sql.delete_payloads(tx, indexes[at : at + 500]) for at in range(0, len(indexes), 500))

    def about(self, tx: Tx, identifier: str) -> list[int]:
        """Return the indexes of entries about ``identifier``."""
        return sql.entries_about(tx, self.pseudonym(identifier))


def _payload_aad(index: int) -> bytes:
    return b"ledger|payload|%d" % index


def _never_back(now: datetime, newest: datetime | None) -> datetime:
    if newest is None or now >= newest:
        return now
    behind_s = (newest - now).total_seconds()
    if behind_s > SKEW_MAX_S:
        raise ClockWentBack(seconds=int(behind_s))
    return newest
