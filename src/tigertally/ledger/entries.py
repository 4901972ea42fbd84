"""Appending: entries, their payloads and the tree's frontier, inside the caller's transaction.

The life of an entry: check the payload against its kind → canonical payload, random salt, commitment → pseudonyms
(HMAC-SHA-256, 128 bits) → leaf → hash → frontier → rows → tiles. The lock comes after what does not depend on the
head; entries have one order; the commit is the caller's, so change and entry stand or fall together. Times never
run back: an instant behind the newest entry by up to ``SKEW_MAX_S`` is lifted to it, more is refused.

The head is sealed under a key of its own, derived from that of the pseudonyms, and checked before it is written anew.

A payload is sealed to its place: its associated data is the entry's index and the hash of the whole leaf. So a
payload that opens proves, with the installation's key, when, by whom and as what it was written; nobody who can
only edit the database makes one (docs/adr/0010-ledger.md).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

from tigertally.base import canon, clock
from tigertally.base.canon import Json
from tigertally.base.ids import PartyId
from tigertally.base.secret import SecretBytes
from tigertally.base.text import Text
from tigertally.crypto.aead import Cipher
from tigertally.crypto.digest import KeyedDigest, same
from tigertally.crypto.errors import DecryptionFailed, UnknownSuite
from tigertally.crypto.merkle import Frontier, leaf_hash
from tigertally.crypto.sign import NoteKey
from tigertally.formats.errors import Malformed
from tigertally.formats.leaf import PSEUDONYM_CHARS, SALT_BYTES, commit_payload
from tigertally.formats.note import NoteVerifier, verifier_of
from tigertally.formats.tiles import ENTRY_BYTES_MAX
from tigertally.ledger import events, spelling, sql, tree
from tigertally.ledger.errors import ClockWentBack, LedgerBroken, NoSuchEntry
from tigertally.ledger.events import Event, EventKind, register_event
from tigertally.ledger.roll import Name, Roll, fold
from tigertally.ledger.sql import HeadRow
from tigertally.store.tx import Tx

SKEW_MAX_S: Final = 5
LOCK: Final = "ledger"
ERASED_PER_ENTRY: Final = 500

# About nobody: it must outlive the next erasure, and the indexes say all there is to say.
PAYLOAD_ERASED: Final = register_event("ledger.payload.erased", Text("内容已擦除", "payloads were erased"), "entries")


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


class _Prepared(NamedTuple):
    """A batch in columns, as far as it does not depend on the head."""

    kinds: list[str]
    bodies: list[bytes]
    salts: list[bytes]
    commitments: list[str]
    actors: list[str]
    abouts: list[list[str]]


class Ledger:
    """One installation's ledger. Stateless besides its keys: all state is in the store."""

    __slots__ = ("_sealing", "keys")

    def __init__(self, keys: LedgerKeys) -> None:
        self.keys = keys
        self._sealing = KeyedDigest(SecretBytes(keys.pseudonym.of(b"tigertally/ledger/head/v1")))

    def pseudonym(self, identifier: str) -> str:
        """Return the keyed pseudonym (32 hex digits) under which ``identifier`` appears in leaves."""
        return self.keys.pseudonym.of(identifier.encode()).hex()[:PSEUDONYM_CHARS]

    def append(self, tx: Tx, event: Event, *, now: datetime) -> int:
        """Append one entry; return its index. Raises like :meth:`append_many`."""
        return self.append_many(tx, [event], now=now)[0]

    def append_many(self, tx: Tx, batch: Sequence[Event], *, now: datetime) -> range:
        """Append entries in order; return their indexes.

        Raises :class:`ClockWentBack`; ``ValueError`` for a payload that is not of its kind, a naive ``now`` or an
        entry about more than 1,800;
        ``NotCanonical`` for a payload outside of canonical JSON.
        """
        ready = self._prepare(batch)
        tx.lock(LOCK)
        head = self.head(tx)
        at = never_back(now, head.at)
        if not batch:
            return range(head.size, head.size)
        spelled = clock.to_text(at)
        raws = [
            spelling.leaf_bytes(at=spelled, kind=kind, actor=actor, about=about, commitment=commitment)
            for kind, actor, about, commitment in zip(
                ready.kinds, ready.actors, ready.abouts, ready.commitments, strict=True
            )
        ]
        if max(map(len, raws)) > ENTRY_BYTES_MAX:
            raise ValueError("a leaf is too long for a C2SP bundle")
        hashes = [leaf_hash(raw) for raw in raws]
        frontier = Frontier(head.size, head.peaks)
        for hashed in hashes:
            frontier.append(hashed)
        places = [payload_aad(head.size + offset, hashed) for offset, hashed in enumerate(hashes)]
        sql.insert_entries(
            tx,
            first=head.size,
            at=at,
            kinds=ready.kinds,
            leaves=raws,
            hashes=hashes,
            salts=ready.salts,
            sealed=self.keys.payload.seal_many(ready.bodies, places),
            abouts=ready.abouts,
        )
        tree.grow(tx, old_size=head.size, hashes=hashes)
        root = self._count(tx, batch, head)
        new = HeadRow(size=frontier.size, peaks=tuple(frontier.peaks), at=at, roll=root)
        sql.write_head(tx, replace(new, seal=self._seal(new)), first=head.at is None)
        return range(head.size, frontier.size)

    def head(self, tx: Tx) -> HeadRow:
        """Return the head; :class:`LedgerBroken` unless it is one that this ledger sealed."""
        head = sql.read_head(tx)
        if head.at is not None and not same(self._seal(head), head.seal):
            raise LedgerBroken(index=head.size, what="head")
        return head

    def roll(self, tx: Tx, names: Sequence[Name], *, head: HeadRow | None = None) -> Roll:
        """Return the roll for ``names``, proved to the sealed head. What it is compared with is read *after* it.

        In a writing transaction nobody else writes from here on. Raises :class:`LedgerBroken`.
        """
        if not tx.read_only:
            tx.lock(LOCK)
        known = self.head(tx) if head is None else head
        return Roll(tx, self._sealing, names, root=known.roll, size=known.size)

    def counted(self, tx: Tx, name: Name, *, about: str, after: int) -> list[int]:
        """Return the entries about ``about`` behind entry ``after``, all of which were counted under ``name``.

        Raises :class:`LedgerBroken` if one was added or taken away.
        """
        link = self.roll(tx, [name]).link(name)
        found = [index for index in self.about(tx, about) if index > after]
        if not same(fold(found), link):
            raise LedgerBroken(index=after, what="roll")
        return found

    def _count(self, tx: Tx, batch: Sequence[Event], head: HeadRow) -> bytes:
        """Add the batch to the roll; return its root."""
        indexes: dict[Name, list[int]] = {}
        for index, event in enumerate(batch, start=head.size):
            for name in event.counted:
                indexes.setdefault(name, []).append(index)
        if not indexes:
            return head.roll
        roll = self.roll(tx, list(indexes), head=head)
        return roll.write({name: fold(new, roll.link(name)) for name, new in indexes.items()})

    def _recount(self, tx: Tx, names: set[Name], gone: Sequence[int]) -> None:
        """Delete the index rows of facts whose payloads are erased; count anew what is left under ``names``."""
        head = self.head(tx)
        roll = self.roll(tx, sorted(names), head=head)
        for name in names:
            if not same(fold(sql.fact_indexes(tx, *name)), roll.link(name)):
                raise LedgerBroken(index=head.size, what="roll")
        sql.delete_facts(tx, gone)
        root = roll.write({name: fold(sql.fact_indexes(tx, *name)) for name in names})
        new = replace(head, roll=root)
        sql.write_head(tx, replace(new, seal=self._seal(new)), first=False)

    def _seal(self, head: HeadRow) -> bytes:
        at = "" if head.at is None else clock.to_text(head.at)
        return self._sealing.of(b"ledger|head|%d|%b|%b|%b" % (head.size, at.encode(), head.roll, b"".join(head.peaks)))

    def _prepare(self, batch: Sequence[Event]) -> _Prepared:
        for event in batch:
            events.check(event)
        bodies = spelling.payload_bytes(batch)
        drawn = secrets.token_bytes(SALT_BYTES * len(batch))
        salts = [drawn[at : at + SALT_BYTES] for at in range(0, len(drawn), SALT_BYTES)]
        named = dict.fromkeys(event.actor for event in batch if event.actor)
        for event in batch:
            named.update(dict.fromkeys(event.about))
        digests = self.keys.pseudonym.many([name.encode() for name in named])
        pseudonyms = dict(zip(named, [digest.hex()[:PSEUDONYM_CHARS] for digest in digests], strict=True))
        return _Prepared(
            kinds=[event.kind.name for event in batch],
            bodies=bodies,
            salts=salts,
            commitments=[commit_payload(salt, body).hex() for salt, body in zip(salts, bodies, strict=True)],
            actors=[pseudonyms[event.actor] if event.actor else "" for event in batch],
            abouts=[[pseudonyms[name] for name in dict.fromkeys(event.about)] for event in batch],
        )

    def payload_of(self, tx: Tx, index: int, *, kind: EventKind | None = None) -> Json | None:
        """Return an entry's payload, None if erased.

        Raises :class:`NoSuchEntry`; :class:`LedgerBroken` also if the entry is not of ``kind``, where that is given.
        """
        raw = sql.read_leaf(tx, index)
        if raw is None:
            raise NoSuchEntry(index=index)
        stored = sql.read_payload(tx, index)
        if stored is None:
            return None
        body = self.open_payload(index, raw, *stored)
        if kind is not None and spelling.read_leaf(raw).kind != kind.name:
            raise LedgerBroken(index=index, what="kind")
        return canon.loads(body)

    def open_payload(self, index: int, raw: bytes, salt: bytes, sealed: bytes) -> bytes:
        """Return a payload's canonical bytes, proved to belong to the leaf ``raw`` at ``index``, or raise."""
        try:
            body = self.keys.payload.open(sealed, payload_aad(index, leaf_hash(raw)))
            commitment = spelling.read_leaf(raw).commitment
        except (DecryptionFailed, UnknownSuite, Malformed):
            raise LedgerBroken(index=index, what="payload") from None
        if len(salt) != SALT_BYTES or not same(commit_payload(salt, body), commitment):
            raise LedgerBroken(index=index, what="commitment")
        return body

    def erase_payloads(self, tx: Tx, identifier: str, *, actor: str = "", now: datetime | None = None) -> int:
        """Erase the payloads of all entries about ``identifier``; return how many. Leaves and proofs stay.

        Which entries lost their payload is itself an entry, so that erasing and tampering can be told apart. Facts
        that were not withdrawn are kept: what still holds is withdrawn first. ``now`` defaults to the newest
        entry's instant.
        """
        tx.lock(LOCK)
        standing = sql.standing_facts(tx, self.pseudonym(identifier))
        indexes = [index for index in sql.payloads_about(tx, self.pseudonym(identifier)) if index not in standing]
        newest = sql.read_head(tx).at
        if not indexes or newest is None:
            return 0
        parts = [indexes[at : at + ERASED_PER_ENTRY] for at in range(0, len(indexes), ERASED_PER_ENTRY)]
        for part in parts:
            sql.delete_payloads(tx, part)
            if names := sql.fact_names(tx, part):
                self._recount(tx, names, part)
        batch = [Event(kind=PAYLOAD_ERASED, payload={"entries": list(part)}, actor=actor) for part in parts]
        self.append_many(tx, batch, now=newest if now is None else now)
        return len(indexes)

    def about(self, tx: Tx, identifier: str) -> list[int]:
        """Return the indexes of entries about ``identifier``, ascending."""
        return sql.entries_about(tx, self.pseudonym(identifier))


def payload_aad(index: int, hashed: bytes) -> bytes:
    """Return what a payload is bound to: where it is, and the hash of its leaf."""
    return b"ledger|payload|%d|%b" % (index, hashed)


def never_back(now: datetime, newest: datetime | None) -> datetime:
    """Return ``now``, or ``newest`` if it is a little behind that; raise :class:`ClockWentBack` if it is more."""
    if now.tzinfo is None:
        raise ValueError("naive datetime")
    if newest is None or now >= newest:
        return now
    behind_s = (newest - now).total_seconds()
    if behind_s > SKEW_MAX_S:
        raise ClockWentBack(seconds=int(behind_s))
    return newest
