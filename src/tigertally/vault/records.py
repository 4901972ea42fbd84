"""Records: columns of customers go in, sealed records and tokens come out.

Invariants:
1. one record per subject; a customer's key, from whatever source, makes one subject: its keyed digest is its id;
2. a subject has a key of its own, wrapped by the scope's vault key; its values are sealed under it, bound to their
   places;
3. a value that a subject holds already adds nothing, so sealing the same batch again changes nothing;
4. a value without an owner (a leak in a log) that any subject holds adds nothing; else it gets a subject of its own;
5. the same value has the same token throughout the scope.

Work is by column and by batch: :func:`prepare_batch` does what needs keys only, in any process; :func:`store_batch`
does the rest in a transaction, with one look-up for all owners, one for all values, one insert per table. Batches of
one scope are stored one after another (a lock), so that two of them cannot both make a subject of one customer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import NamedTuple, TypeVar

from tigertally.base.fields import FieldClass
from tigertally.base.secret import SecretBytes
from tigertally.crypto.aead import Cipher
from tigertally.crypto.errors import DecryptionFailed, UnknownSuite
from tigertally.formats.part import FIELDS_MAX
from tigertally.formats.record import Field
from tigertally.store.tx import Tx
from tigertally.vault import entries, spelling, sql, tokens, values
from tigertally.vault.errors import RecordBroken
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.sql import RecordRow, RecordRows, TokenRows
from tigertally.vault.values import Rejection

T = TypeVar("T")

_SOURCE_TAG = b"\x00source\x00"  # class codes begin at 1: no value's digest is a source's
_NOBODY = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class SealCounts:
    """What a batch came to, in subjects and values."""

    new_subjects: int
    new_fields: int
    known_fields: int
    rejected: Mapping[Rejection, int]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Batch:
    """A batch made ready outside of any transaction, under the scope's keys; its values by owner and class.

    ``subjects`` are the customers, raw. ``owners`` number them, -1 for values without one, which come after the first
    ``attributed``; the other columns have its length, each owner's value once. ``derived`` are tokens, "" for cards.
    """

    subjects: Sequence[bytes]
    owners: Sequence[int]
    codes: Sequence[int]
    values: Sequence[bytes]
    digests: Sequence[bytes]
    derived: Sequence[str]
    attributed: int
    accepted: int
    rejected: Mapping[Rejection, int]


class _Growth(NamedTuple):
    """One subject's values that are not in the vault yet, by their positions in the batch, and its record if any."""

    subject: bytes
    positions: list[int]
    record: RecordRow | None
    held: list[entries.Place]


@dataclass(slots=True, repr=False)
class NewRows:
    """Rows to store, as columns: tokens, records that are new, records that grow."""

    tokens: TokenRows = field(default_factory=TokenRows)
    records: RecordRows = field(default_factory=RecordRows)
    grown_subjects: list[bytes] = field(default_factory=list)
    grown_fields: list[bytes] = field(default_factory=list)

    def add_record(self, subject: bytes, wrapped: bytes, stored: bytes) -> None:
        """Add a row of the record table."""
        records = self.records
        records.subjects.append(subject)
        records.wrapped.append(wrapped)
        records.fields.append(stored)

    def add_tokens(
        self, subject: bytes, digests: Sequence[bytes], codes: Sequence[int], slots: Sequence[int], spelled: list[str]
    ) -> None:
        """Add one subject's rows of the token table."""
        tokens = self.tokens
        tokens.digests += digests
        tokens.subjects += [subject] * len(digests)
        tokens.codes += codes
        tokens.slots += slots
        tokens.tokens += spelled

    def write(self, tx: Tx, *, scope: str, key_version: int, now: datetime) -> int:
        """Store everything; return how many records are new."""
        sql.insert_records(tx, scope=scope, rows=self.records, key_version=key_version, now=now)
        sql.replace_fields(tx, scope=scope, subjects=self.grown_subjects, fields=self.grown_fields)
        sql.insert_tokens(tx, scope=scope, rows=self.tokens)
        return len(self.records.subjects)


def prepare_batch(
    keys: VaultKeys, *, subjects: Sequence[str], fields: Sequence[tuple[FieldClass, Sequence[str | None]]]
) -> Batch:
    """Check and digest a batch (shapes and problems as in :func:`seal_batch`) while another one is stored."""
    cells = values.accept(fields, rows=len(subjects))
    digests = digests_of(keys, cells.codes, cells.values)
    number = {customer: at for at, customer in enumerate(dict.fromkeys(filter(None, subjects)))}
    owner_of_row = [number.get(customer, _NOBODY) for customer in subjects]
    owners = [owner_of_row[row] for row in cells.rows]
    first: dict[tuple[int, bytes], int] = {}
    for at, place in enumerate(zip(owners, digests, strict=True)):
        first.setdefault(place, at)
    last = len(number)
    rank = [(owner if owner >= 0 else last) << 8 | code for owner, code in zip(owners, cells.codes, strict=True)]
    order = sorted(first.values(), key=rank.__getitem__)  # stable: what came first stays first
    codes, encoded = [cells.codes[at] for at in order], [cells.values[at] for at in order]
    # A customer's key is the source's own text, whatever it is; different texts must stay different.
    customers = [_SOURCE_TAG + customer.encode("utf-8", "surrogatepass") for customer in number]
    return Batch(
        subjects=keys.index.many(customers),
        owners=[owners[at] for at in order],
        codes=codes,
        values=encoded,
        digests=[digests[at] for at in order],
        derived=tokens.derive(keys.token, codes, encoded),
        attributed=sum(1 for owner, _ in first if owner >= 0),
        accepted=len(cells.rows),
        rejected=cells.rejected,
    )


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
    ``RecordBroken``; ``ValueError`` for columns of uneven length.
    """
    return store_batch(tx, keys, batch=prepare_batch(keys, subjects=subjects, fields=fields), now=now)


def store_batch(tx: Tx, keys: VaultKeys, *, batch: Batch, now: datetime) -> SealCounts:
    """Seal what :func:`prepare_batch` gave under the same keys. Raises like :func:`seal_batch`."""
    rejected = dict(batch.rejected)
    if not batch.accepted:
        return SealCounts(new_subjects=0, new_fields=0, known_fields=0, rejected=rejected)
    tx.lock(f"vault:{keys.scope}")
    known = sql.tokens_of(tx, scope=keys.scope, digests=sorted(set(batch.digests)))
    spelled = [known.get(digest) or new for digest, new in zip(batch.digests, batch.derived, strict=True)]
    growing = [*_of_owners(tx, keys, batch, spelled), *_of_nobody(batch, known)]
    _draw_cards(tx, keys, batch, growing, spelled)
    rows = NewRows()
    dropped = 0
    if growing:
        kek = keys.spend(tx, wraps=sum(1 for one in growing if one.record is None), now=now)
        dropped = _seal(keys, kek, batch, growing, spelled, rows)
    if dropped:
        rejected[Rejection.TOO_MANY] = rejected.get(Rejection.TOO_MANY, 0) + dropped
    new_subjects = rows.write(tx, scope=keys.scope, key_version=keys.active.version, now=now)
    return SealCounts(
        new_subjects=new_subjects,
        new_fields=len(rows.tokens.digests),
        known_fields=batch.accepted - sum(len(one.positions) for one in growing),
        rejected=rejected,
    )


def digests_of(keys: VaultKeys, codes: Sequence[int], encoded: Sequence[bytes]) -> list[bytes]:
    """Return the keyed digest (16 bytes) of each value of class ``code``: how equal values are found."""
    heads = {code: bytes((code,)) for code in set(codes)}
    return keys.index.many([heads[code] + value for code, value in zip(codes, encoded, strict=True)])


def open_subject_key(keys: VaultKeys, row: RecordRow, subject: str) -> SecretBytes:
    """Return a record's own key. Raises :class:`RecordBroken`."""
    return _unwrapped(keys, row, subject, Cipher.unwrap)


def subject_cipher(keys: VaultKeys, row: RecordRow, subject: str) -> Cipher:
    """Return a cipher under a record's own key. Raises :class:`RecordBroken`."""
    return _unwrapped(keys, row, subject, Cipher.unwrapped)


def _unwrapped(keys: VaultKeys, row: RecordRow, subject: str, unwrap: Callable[[Cipher, bytes, bytes], T]) -> T:
    kek = keys.ciphers.get(row.key_version)
    if kek is None:
        raise RecordBroken
    try:
        return unwrap(kek, row.wrapped_key, entries.key_aad(keys.scope, subject, row.key_version))
    except (DecryptionFailed, UnknownSuite):
        raise RecordBroken from None


def _of_owners(tx: Tx, keys: VaultKeys, batch: Batch, spelled: Sequence[str]) -> Iterator[_Growth]:
    """Yield what is new of each customer. Equal values have equal tokens, so a record's tokens tell what it holds."""
    rows = sql.records_of(tx, scope=keys.scope, subjects=sorted(batch.subjects))
    records = {row.subject: row for row in rows}
    for owner, run in groupby(range(batch.attributed), key=batch.owners.__getitem__):
        subject = batch.subjects[owner]
        record = records.get(subject)
        if record is None:
            yield _Growth(subject, list(run), None, [])
            continue
        held = entries.places(record.fields)
        tokens_held = {place.token for place in held}
        positions = [at for at in run if spelled[at].encode() not in tokens_held]
        if positions:
            yield _Growth(subject, positions, record, held)


def _of_nobody(batch: Batch, known: Mapping[bytes, str]) -> list[_Growth]:
    """Return the values without an owner that nobody holds, each of a new subject of its own."""
    anywhere = set(batch.digests[: batch.attributed]).union(known)
    alone = [at for at in range(batch.attributed, len(batch.owners)) if batch.digests[at] not in anywhere]
    return [_Growth(new, [at], None, []) for new, at in zip(spelling.new_subjects(len(alone)), alone, strict=True)]


def _draw_cards(tx: Tx, keys: VaultKeys, batch: Batch, growing: Sequence[_Growth], spelled: list[str]) -> None:
    """Give new cards their tokens, the same to the same."""
    places: dict[bytes, list[int]] = {}
    for at in (at for one in growing for at in one.positions if not spelled[at]):
        places.setdefault(batch.digests[at], []).append(at)

    def taken(made: list[str]) -> set[str]:
        return set(sql.tokens_taken(tx, scope=keys.scope, tokens=made))

    cards = [batch.values[found[0]].decode() for found in places.values()]
    draw = tokens.draw if keys.cards is None else keys.cards.draw
    for found, token in zip(places.values(), draw(cards, taken=taken), strict=True):
        for at in found:
            spelled[at] = token


def _seal(
    keys: VaultKeys, kek: Cipher, batch: Batch, growing: Sequence[_Growth], spelled: Sequence[str], rows: NewRows
) -> int:
    """Seal what is new into ``rows``; return how many values found no room any more."""
    dropped = 0
    scope, version = keys.scope, keys.active.version
    names = spelling.subjects_text([one.subject for one in growing])
    for (raw, wanted, record, held), subject in zip(growing, names, strict=True):
        positions = wanted[: FIELDS_MAX - len(held)]
        dropped += len(wanted) - len(positions)
        if not positions:
            continue
        codes = [batch.codes[at] for at in positions]
        slots = _free_slots(codes, held)
        mine = [spelled[at] for at in positions]
        added = [batch.values[at] for at in positions]
        rows.add_tokens(raw, [batch.digests[at] for at in positions], codes, slots, mine)
        if record is None:
            cipher, wrapped = kek.fresh(entries.key_aad(scope, subject, version))
            head = entries.head_of(codes, slots, [token.encode() for token in mine])
            body = entries.body_of(added)
            rows.add_record(
                raw, wrapped, entries.sealed_record(cipher, scope=scope, subject=subject, head=head, body=body)
            )
        else:
            more = [
                Field(code, slot, value, token.encode())
                for code, slot, value, token in zip(codes, slots, added, mine, strict=True)
            ]
            rows.grown_subjects.append(raw)
            rows.grown_fields.append(_grown(keys, record, subject, more))
    return dropped


def _grown(keys: VaultKeys, record: RecordRow, subject: str, more: Sequence[Field]) -> bytes:
    """Return a record with more values in free slots, sealed again under its own key. Raises ``RecordBroken``."""
    cipher = subject_cipher(keys, record, subject)
    held = entries.open_record(cipher, scope=keys.scope, subject=subject, stored=record.fields)
    codes, slots, kept, spelled = zip(*sorted([*held, *more]), strict=True)
    return entries.sealed_record(
        cipher,
        scope=keys.scope,
        subject=subject,
        head=entries.head_of(codes, slots, spelled),
        body=entries.body_of(kept),
    )


def _free_slots(codes: list[int], held: Sequence[entries.Place]) -> list[int]:
    """Return a slot for each new value: after those of its class that are held."""
    if not held and len(set(codes)) == len(codes):
        return [0] * len(codes)
    following = {place.code: place.slot + 1 for place in held}
    slots: list[int] = []
    for code in codes:
        slots.append(following.get(code, 0))
        following[code] = slots[-1] + 1
    return slots
