"""Records: columns of customers go in, sealed records and tokens come out.

Invariants:
1. one record per subject; a customer's key, from whatever source, makes one subject: its keyed digest is its id;
2. a subject has a key of its own, wrapped by the scope's vault key; its values are sealed under it, bound to their
   places;
3. a value that a subject holds already adds nothing, so sealing the same batch again changes nothing;
4. a value without an owner (a leak in a log) that any subject holds adds nothing; else it gets a subject of its own;
5. the same value has the same token throughout the scope.

Work is by column and by batch: ``batches`` does what needs keys only, in any process; :func:`store_batch` does the
rest in a transaction, with one look-up for all owners, one insert of records, one run of the index. Batches of one
scope are stored one after another (a lock), so that two of them cannot both make a subject of one customer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tigertally.base.fields import FieldClass
from tigertally.base.secret import SecretBytes
from tigertally.crypto.aead import Cipher
from tigertally.crypto.errors import DecryptionFailed, UnknownSuite
from tigertally.crypto.packed import Packed, edges_of
from tigertally.formats.part import FIELDS_MAX
from tigertally.store.tx import Tx
from tigertally.vault import alike, entries, index, rows, spelling, tokens
from tigertally.vault.batches import NOBODY, Batch, digests_of, prepare_batch
from tigertally.vault.errors import RecordBroken, TokenClash
from tigertally.vault.index import runs
from tigertally.vault.index import sql as sql_index
from tigertally.vault.index.runs import Halves, Numbers
from tigertally.vault.index.sql import IndexKind
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.making import NewRows, Values, make
from tigertally.vault.rows import sql as sql_rows
from tigertally.vault.rows.sql import RecordRow
from tigertally.vault.values import Rejection

T = TypeVar("T")
Codes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]

_NEW = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class SealCounts:
    """What a batch came to, in subjects and values."""

    new_subjects: int
    new_fields: int
    known_fields: int
    rejected: Mapping[Rejection, int]


def seal_batch(
    tx: Tx,
    keys: VaultKeys,
    *,
    subjects: Sequence[str],
    fields: Sequence[tuple[FieldClass, Sequence[str | None]]],
    now: datetime,
) -> SealCounts:
    """Seal a batch: ``subjects`` are n customers' keys in their source ("" where unknown), each field a column of n.

    Raises ``SadRefused`` before anything is read, ``KeyOverAge``, ``KeyWornOut``, ``KeyNotActive``,
    ``RecordBroken``, ``TokenClash`` (beside a seller's tokens only); ``ValueError`` for columns of uneven length.
    """
    return store_batch(tx, keys, batch=prepare_batch(keys, subjects=subjects, fields=fields), now=now)


def store_batch(tx: Tx, keys: VaultKeys, *, batch: Batch, now: datetime) -> SealCounts:
    """Seal what :func:`prepare_batch` gave under the same keys. Raises like :func:`seal_batch`."""
    rejected = dict(batch.rejected)
    if not batch.accepted:
        return SealCounts(new_subjects=0, new_fields=0, known_fields=0, rejected=rejected)
    tx.lock(f"vault:{keys.scope}")
    given, fresh = _given_tokens(tx, keys, batch)
    here = _Here.read(tx, keys, batch)
    growing = here.missing(batch, given)
    owners = batch.owners[growing]
    slots = here.free_slots(batch, growing, owners)
    room = (here.used(owners) + _within(owners) < FIELDS_MAX) & (slots <= entries.SLOT_MAX)
    dropped = int((~room).sum())
    if dropped:
        rejected[Rejection.TOO_MANY] = rejected.get(Rejection.TOO_MANY, 0) + dropped
    # What its owner has no room for, nobody holds: a leak of it is kept.
    alone = _unheld(tx, keys, batch, given, known=~fresh, dropped=growing[~room])
    at = np.concatenate([growing[room], alone])
    new_subjects = 0
    if len(at):
        growth = _Growth(
            batch=batch,
            at=at,
            owners=np.concatenate([owners[room], len(here.record) + alone]),
            tokens=given[at],
            slots=np.concatenate([slots[room], np.zeros(len(alone), np.int64)]).astype(np.uint8),
        )
        new_subjects = _seal(tx, keys, here, growth, now=now)
        _add_to_index(tx, keys, growth, cards=fresh[at])
        stored = np.zeros(len(given), np.bool_)
        stored[at] = True
        alike.remember(tx, scope=keys.scope, found=batch.spelled, given=given, stored=stored)
    return SealCounts(
        new_subjects=new_subjects,
        new_fields=len(at),
        known_fields=batch.accepted - len(at) - dropped,
        rejected=rejected,
    )


def open_subject_key(keys: VaultKeys, row: RecordRow, subject: str) -> SecretBytes:
    """Return a record's own key. Raises :class:`RecordBroken`."""
    return _unwrapped(keys, row, subject, Cipher.unwrap)


def subject_cipher(keys: VaultKeys, row: RecordRow, subject: str) -> Cipher:
    """Return a cipher under a record's own key. Raises :class:`RecordBroken`."""
    return _unwrapped(keys, row, subject, Cipher.unwrapped)


def _unwrapped(keys: VaultKeys, row: RecordRow, subject: str, unwrap: Callable[[Cipher, bytes, bytes], T]) -> T:
    kek = keys.ciphers.get(row.key_version)
    if kek is None or not row.wrapped_key:
        raise RecordBroken
    try:
        return unwrap(kek, row.wrapped_key, entries.key_aad(keys.scope, subject, row.key_version))
    except (DecryptionFailed, UnknownSuite):
        raise RecordBroken from None


def _adjacent(column: npt.NDArray[np.uint64], order: Numbers) -> Flags:
    """Return, for each but the first in order, whether it equals the one before."""
    inorder = column[order].reshape(len(order), -1)
    same: Flags = (inorder[1:] == inorder[:-1]).all(axis=1)
    return same


def _within(groups: Numbers) -> Numbers:
    """Return the number of each within its group; groups lie together."""
    return runs.ramp(np.diff(_starts(groups), append=len(groups))) if len(groups) else groups


def _starts(groups: Numbers) -> Numbers:
    """Return where each group begins; groups lie together."""
    return np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))


def _given_tokens(tx: Tx, keys: VaultKeys, batch: Batch) -> tuple[Halves, Flags]:
    """Return the token of each value, drawn if it is a card nobody holds, and which were drawn.

    Raises ``TokenClash`` if a value's token stands for another one.
    """
    keys.known.refresh(tx, scope=keys.scope, kinds=(IndexKind.CARD, IndexKind.OTHER))
    given = batch.marks.copy()
    is_card = batch.codes == tokens.PAN_CODE
    fresh = np.zeros(len(given), np.bool_)
    cards = np.flatnonzero(is_card)
    held, found = keys.known.tokens_of(IndexKind.CARD, batch.marks[cards])
    given[cards[held]] = found[held]
    new = cards[~held]
    fresh[new] = True
    if len(new):
        first, number = runs.firsts(batch.marks[new])
        given[new] = _drawn(keys, batch, new[first])[number]
    if keys.known.has(IndexKind.OTHER):
        others = np.flatnonzero(~is_card)
        digests = digests_of(keys, batch.codes[others], batch.packed().take(others))
        held, found = keys.known.tokens_of(IndexKind.OTHER, digests)
        given[others[held]] = found[held]
        # A seller may have seen a token of ours, and given it to another value while nobody held this one.
        if keys.known.foreign_tokens_like(given[others[~held]]).any():
            raise TokenClash
    return given, fresh


def _drawn(keys: VaultKeys, batch: Batch, at: Numbers) -> Halves:
    """Return a token for each of these different new cards: the one that was drawn ahead, if it is still free."""
    known = keys.known
    draw = tokens.draw if keys.cards is None else keys.cards.draw
    if batch.guess is None:
        return draw(batch.packed().take(at), taken=known.card_tokens_like)
    out = batch.guess.tokens[at]
    wanting = np.flatnonzero(~out.any(axis=1) | known.card_tokens_like(out))
    if len(wanting):
        kept = np.delete(out[:, 0], wanting)
        out[wanting] = draw(
            batch.packed().take(at[wanting]),
            taken=lambda made: known.card_tokens_like(made) | np.isin(made[:, 0], kept),
        )
    return out


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Here:
    """What the vault holds of a batch's customers: ``rows``, which row each customer has (-1: none), their heads."""

    rows: list[RecordRow]
    record: Numbers
    heads: entries.Heads

    @classmethod
    def read(cls, tx: Tx, keys: VaultKeys, batch: Batch) -> _Here:
        subjects = spelling.cut(batch.subjects, runs.KEY_BYTES)
        found = rows.of_subjects(tx, keys.known, scope=keys.scope, subjects=subjects)
        record = np.full(len(subjects), _NEW)
        if found:
            place = {row.subject: at for at, row in enumerate(found)}
            record = np.fromiter((place.get(one, _NEW) for one in subjects), np.int64, len(subjects))
        return cls(rows=found, record=record, heads=entries.heads([row.fields for row in found]))

    def row_of(self, owners: Numbers) -> Numbers:
        """Return the row of each owner, -1 for those who have none or are no customers."""
        if not len(self.record):
            return np.full(len(owners), _NEW)
        return np.where(owners < len(self.record), self.record[np.minimum(owners, len(self.record) - 1)], _NEW)

    def missing(self, batch: Batch, given: Halves) -> Numbers:
        """Return the values with an owner that their owner does not hold. Equal values have equal tokens."""
        asked: Numbers = np.arange(batch.attributed)
        row = self.row_of(batch.owners[: batch.attributed])
        old = np.flatnonzero(row >= 0)
        if not len(old):
            return asked
        held = self.heads
        whose = np.concatenate([held.record, row[old]])
        what = np.concatenate([held.token, given[old]])
        # Sorted by owner and the token's first 44 bits: one number sorts five times as fast as three.
        near = whose.astype(np.uint64) << np.uint64(44) | what[:, 0] >> np.uint64(20)
        order = np.argsort(near, kind="stable")  # what is held comes before what is asked
        if (_adjacent(near, order) & ~_adjacent(what, order)).any():
            order = np.lexsort((what[:, 1], what[:, 0], whose))
        repeated = order[1:][_adjacent(near, order) & _adjacent(what, order)]
        known = old[repeated[repeated >= len(held.record)] - len(held.record)]
        missing: Numbers = np.delete(asked, known)
        return missing

    def used(self, owners: Numbers) -> Numbers:
        """Return how many values each owner holds."""
        row = self.row_of(owners)
        if not len(self.rows):
            return np.zeros(len(owners), np.int64)
        return np.where(row >= 0, self.heads.counts[np.maximum(row, 0)], 0)

    def free_slots(self, batch: Batch, at: Numbers, owners: Numbers) -> Numbers:
        """Return a slot for each new value: after those of its class that its owner holds.

        It may be beyond ``SLOT_MAX``: a seller's slots are any.
        """
        codes = batch.codes[at].astype(np.int64)
        following = np.zeros(len(at), np.int64)
        if len(self.rows):
            held = self.heads.record << 8 | self.heads.code
            wanted = np.maximum(self.row_of(owners), 0) << 8 | codes
            last = np.searchsorted(held, wanted, "right") - 1
            there = (self.row_of(owners) >= 0) & (last >= 0) & (held[np.maximum(last, 0)] == wanted)
            following[there] = self.heads.slot[last[there]].astype(np.int64) + 1
        slots: Numbers = following + _within(owners << 8 | codes)
        return slots


def _unheld(tx: Tx, keys: VaultKeys, batch: Batch, given: Halves, *, known: Flags, dropped: Numbers) -> Numbers:
    """Return the values without an owner that nobody holds, in the vault or in this batch but for the ``dropped``."""
    alone: Numbers = np.arange(batch.attributed, len(batch.owners))
    if not len(alone):
        return alone
    is_card = batch.codes[alone] == tokens.PAN_CODE
    held = is_card & known[alone]
    others = alone[~is_card]
    if len(others):
        keys.known.refresh(tx, scope=keys.scope, kinds=(IndexKind.TOKEN,))
        like = np.flatnonzero(keys.known.has_tokens_like(given[others]))
        found = index.find(tx, scope=keys.scope, kind=IndexKind.TOKEN, keys=given[others[like]])
        held[np.flatnonzero(~is_card)[like[found.which]]] = True
    owned = {tuple(mark) for mark in np.delete(batch.marks[: batch.attributed], dropped, axis=0).tolist()}
    if owned:
        held |= np.array([tuple(mark) in owned for mark in batch.marks[alone].tolist()], np.bool_)
    unheld: Numbers = alone[~held]
    return unheld


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Growth:
    """What is to be sealed: positions in the batch by owner and class, and what they become."""

    batch: Batch
    at: Numbers
    owners: Numbers
    tokens: Halves
    slots: Codes

    def values(self) -> Values:
        """Return what records are made of."""
        batch, at = self.batch, self.at
        texts = batch.packed()
        if len(at) < len(batch.owners):  # else all of it, which lies in order already
            texts = texts.take(at)
        return Values(codes=batch.codes[at], slots=self.slots, tokens=self.tokens, texts=texts)


def _seal(tx: Tx, keys: VaultKeys, here: _Here, growth: _Growth, *, now: datetime) -> int:
    """Store what is new as records, and as runs of the index; return how many records are new."""
    starts = _starts(growth.owners)
    row = here.row_of(growth.owners[starts])
    spans = np.stack([starts, np.append(starts[1:], len(growth.at))], axis=1)
    raws = _subjects(growth, starts)
    new, old = np.flatnonzero(row < 0), np.flatnonzero(row >= 0)
    numbers = np.empty(len(row), np.int64)
    if len(new):
        first = sql_rows.next_number(tx, scope=keys.scope)
        numbers[new] = first + np.arange(len(new))
        subjects = raws[new].tobytes()
        made, spent = _made(keys, growth, subjects=subjects, spans=spans[new])
        version = keys.active.version
        keys.spend(tx, wraps=spent, now=now)
        sql_rows.insert_records(tx, scope=keys.scope, first=first, rows=made, key_version=version, now=now)
        rows.index_new(tx, scope=keys.scope, subjects=subjects, first=first)
    if len(old):
        grown = [here.rows[at] for at in row[old].tolist()]
        numbers[old] = [one.number for one in grown]
        _grow(tx, keys, grown, growth, spans[old], now=now)
    whose = np.repeat(numbers, np.diff(spans, axis=1).reshape(-1))
    index.add(tx, scope=keys.scope, kind=IndexKind.TOKEN, keys=growth.tokens, payloads=rows.payloads(whose))
    codes, held = np.unique(growth.batch.codes[growth.at], return_counts=True)
    sql_index.count_up(tx, scope=keys.scope, held=dict(zip(codes.tolist(), held.tolist(), strict=True)))
    return len(new)


def _made(keys: VaultKeys, growth: _Growth, *, subjects: bytes, spans: Numbers) -> tuple[NewRows, int]:
    """Return the records of new subjects, and how many keys were wrapped for them, in vain too.

    What was made ahead is taken where its values are just those that are stored; the others are made here.
    """
    guess, at = growth.batch.guess, growth.at
    kek, version = keys.ciphers[keys.active.version], keys.active.version
    if guess is None or guess.version != version:
        values = growth.values()
        made = make(kek, scope=keys.scope, version=version, subjects=subjects, values=values, spans=spans)
        return made, len(spans) + (0 if guess is None else len(guess.owners))
    owners, count = growth.batch.owners, len(growth.batch.subjects) // runs.KEY_BYTES
    same = np.zeros(len(owners), np.bool_)
    same[at] = (growth.tokens == guess.tokens[at]).all(axis=1) & (growth.slots == guess.slots[at])
    fine = np.zeros(count + 1, np.bool_)
    fine[guess.owners] = True
    fine[owners[~same]] = False  # of nobody is the last one, who was not guessed
    whose = owners[at[spans[:, 0]]]
    place = np.zeros(count + 1, np.int64)
    place[guess.owners] = np.arange(len(guess.owners))
    ready = np.flatnonzero(fine[whose])
    if len(ready) == len(spans) == len(guess.owners):
        return guess.rows, len(spans)
    rest = np.flatnonzero(~fine[whose])
    raws = np.frombuffer(subjects, np.uint8).reshape(-1, runs.KEY_BYTES)
    made = make(
        kek,
        scope=keys.scope,
        version=version,
        subjects=raws[rest].tobytes(),
        values=growth.values(),
        spans=spans[rest],
    )
    whole = guess.rows.take(place[whose[ready]]).joined(made).take(np.argsort(np.concatenate([ready, rest])))
    return whole, len(guess.owners) + len(rest)


def _subjects(growth: _Growth, starts: Numbers) -> npt.NDArray[np.uint8]:
    """Return the subject of each owner, shape (n, 16): a customer's own, a new one for a value of nobody."""
    owners = growth.batch.owners[growth.at[starts]]
    own = np.frombuffer(growth.batch.subjects, np.uint8).reshape(-1, runs.KEY_BYTES)
    out = np.empty((len(starts), runs.KEY_BYTES), np.uint8)
    alone = owners == NOBODY
    out[~alone] = own[owners[~alone]]
    out[alone] = np.frombuffer(b"".join(spelling.new_subjects(int(alone.sum()))), np.uint8).reshape(-1, runs.KEY_BYTES)
    return out


def _add_to_index(tx: Tx, keys: VaultKeys, growth: _Growth, *, cards: Flags) -> None:
    """Remember the tokens of cards that were drawn."""
    first, _ = runs.firsts(growth.batch.marks[growth.at[cards]])
    at = np.flatnonzero(cards)[first]
    index.add(
        tx, scope=keys.scope, kind=IndexKind.CARD, keys=growth.batch.marks[growth.at[at]], payloads=growth.tokens[at]
    )


def _grow(
    tx: Tx, keys: VaultKeys, grown: Sequence[RecordRow], growth: _Growth, spans: Numbers, *, now: datetime
) -> None:
    """Store records with more values, sealed again under their own keys. Raises ``RecordBroken``.

    ``spans`` says which values of ``growth`` each record gets, from and up to.
    """
    names = spelling.subjects_text([row.subject for row in grown])
    there = entries.heads([row.fields for row in grown])
    ciphers = [subject_cipher(keys, row, name) for row, name in zip(grown, names, strict=True)]
    bodies = [
        entries.opened_body(cipher, scope=keys.scope, subject=name, head=row.fields[:edge], sealed=row.fields[edge:])
        for cipher, name, row, edge in zip(ciphers, names, grown, there.edges(), strict=True)
    ]
    counts = spans[:, 1] - spans[:, 0]
    more = np.repeat(spans[:, 0], counts) + runs.ramp(counts)
    batch, at = growth.batch, growth.at[more]
    record = np.concatenate([there.record, np.repeat(np.arange(len(grown)), counts)])
    code = np.concatenate([there.code, batch.codes[at]])
    slot = np.concatenate([there.slot, growth.slots[more]])
    joined, bounds = entries.texts(there, bodies)
    texts = [joined[start:stop] for start, stop in pairwise(bounds.tolist())]
    texts += [batch.value(one) for one in at.tolist()]
    order = np.argsort(record << 16 | code.astype(np.int64) << 8 | slot)
    packed = Packed.of([texts[one] for one in order.tolist()])
    joined_texts = packed.data.tobytes()
    places = entries.places_of(
        code[order], slot[order], np.concatenate([there.token, growth.tokens[more]])[order]
    ).tobytes()
    lengths = packed.lengths.astype(">u4").tobytes()
    bounds_of = edges_of(np.bincount(record)).tolist()
    fields: list[bytes] = []
    for cipher, name, (start, stop) in zip(ciphers, names, pairwise(bounds_of), strict=True):
        head = entries.head_of(places[start * entries.PLACE_BYTES : stop * entries.PLACE_BYTES])
        values = joined_texts[packed.edges[start] : packed.edges[stop]]
        body = entries.body_of(lengths[4 * start : 4 * stop], values)
        fields.append(head + cipher.seal(body, entries.aad(keys.scope, name, head)))
    sql_rows.replace_fields(tx, scope=keys.scope, numbers=[row.number for row in grown], fields=fields, grown=now)
