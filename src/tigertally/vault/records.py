"""Records: columns of customers go in, sealed records and tokens come out.

Invariants:
1. one record per subject; a customer's key, from whatever source, leads to one subject through a keyed digest;
2. a subject has a key of its own, wrapped by the scope's vault key; each value is sealed under it, bound to its place;
3. a value that a subject holds already adds nothing, so sealing the same batch again changes nothing;
4. a value without an owner (a leak in a log) that any subject holds adds nothing; else it gets a subject of its own;
5. the same value has the same token throughout the scope.

Work is by column and by batch: one look-up for all owners, two for all values, one insert per table. Batches of one
scope are sealed one after another (a lock), so that two of them cannot both make a subject of one customer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from tigertally.base.fields import FieldClass
from tigertally.base.secret import SecretBytes
from tigertally.crypto import aead
from tigertally.crypto.aead import Cipher
from tigertally.crypto.errors import DecryptionFailed, UnknownSuite
from tigertally.formats.part import FIELDS_MAX
from tigertally.store.tx import Tx
from tigertally.vault import entries, spelling, sql, tokens, values
from tigertally.vault.errors import RecordBroken
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.packed import DIGEST_BYTES
from tigertally.vault.sql import RecordRow, RecordRows, TokenRows
from tigertally.vault.values import Cells, Rejection

_SOURCE_TAG = b"\x00source\x00"  # class codes begin at 1: no value's digest is a source's


@dataclass(frozen=True, slots=True, kw_only=True)
class SealCounts:
    """What a batch came to, in subjects and values."""

    new_subjects: int
    new_fields: int
    known_fields: int
    rejected: Mapping[Rejection, int]


@dataclass(slots=True, repr=False)
class _Owners:
    """Whose values these are, by ordinal: raw subject, source digest, whether there is a record of them."""

    subjects: list[bytes] = field(default_factory=list)
    sources: list[bytes | None] = field(default_factory=list)
    stored: list[bool] = field(default_factory=list)

    def add_unattributed(self) -> int:
        self.subjects += spelling.new_subjects(1)
        self.sources.append(None)
        self.stored.append(False)
        return len(self.subjects) - 1

    def growing(self, fresh: _Fresh) -> list[bytes]:
        """Return the subjects whose records get more values."""
        return sorted({self.subjects[owner] for owner in fresh.owners if self.stored[owner]})


@dataclass(slots=True, repr=False)
class _Fresh:
    """Values that are not in the vault yet, as columns."""

    owners: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)

    def add(self, owner: int, code: int, value: bytes, digest: bytes) -> None:
        self.owners.append(owner)
        self.codes.append(code)
        self.values.append(value)
        self.digests.append(digest)

    def sorted(self) -> _Fresh:
        """Return the columns by owner and class; what came first stays first."""
        keys = [owner << 8 | code for owner, code in zip(self.owners, self.codes, strict=True)]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        return _Fresh(
            owners=[self.owners[at] for at in order],
            codes=[self.codes[at] for at in order],
            values=[self.values[at] for at in order],
            digests=[self.digests[at] for at in order],
        )


@dataclass(slots=True, repr=False)
class NewRows:
    """Rows to store, as columns: tokens, records that are new, records that grow."""

    tokens: TokenRows = field(default_factory=TokenRows)
    records: RecordRows = field(default_factory=RecordRows)
    grown_subjects: list[bytes] = field(default_factory=list)
    grown_fields: list[bytes] = field(default_factory=list)

    def add_record(self, subject: bytes, source: bytes | None, wrapped: bytes, packed: bytes) -> None:
        """Add a row of the record table."""
        records = self.records
        records.subjects.append(subject)
        records.sources.append(source)
        records.wrapped.append(wrapped)
        records.fields.append(packed)

    def add_tokens(
        self, subject: bytes, digests: list[bytes], codes: list[int], slots: list[int], spelled: list[str]
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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Batch:
    """A batch made ready outside of any transaction: whose values, which, and their digests under the scope's key."""

    subjects: Sequence[str]
    cells: Cells
    digests: Sequence[bytes]


def prepare_batch(
    keys: VaultKeys, *, subjects: Sequence[str], fields: Sequence[tuple[FieldClass, Sequence[str | None]]]
) -> Batch:
    """Check and digest a batch (shapes and problems as in :func:`seal_batch`) while another one is stored."""
    cells = values.accept(fields, rows=len(subjects))
    return Batch(subjects=subjects, cells=cells, digests=digests_of(keys, cells.codes, cells.values))


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
    cells, digests = batch.cells, batch.digests
    if not cells.rows:
        return SealCounts(new_subjects=0, new_fields=0, known_fields=0, rejected=cells.rejected)
    tx.lock(f"vault:{keys.scope}")
    owners, owner_at = _find_owners(tx, keys, batch.subjects, cells.rows)
    fresh, orphans = _select(tx, keys, cells, digests, owners, owner_at)
    wanted = set(fresh.digests).union([digests[at] for at in orphans])
    known = sql.tokens_of(tx, scope=keys.scope, digests=sorted(wanted))
    _adopt(fresh, orphans, cells, digests, owners, known)
    known_fields = len(cells.rows) - len(fresh.owners)
    rows = NewRows()
    if fresh.owners:
        token_of = _tokens_for(tx, keys, fresh, known)
        kek = keys.spend(tx, wraps=len({owner for owner in fresh.owners if not owners.stored[owner]}), now=now)
        growing = sql.records_of(tx, scope=keys.scope, subjects=owners.growing(fresh))
        records = {row.subject: row for row in growing}
        cells.reject(Rejection.TOO_MANY, _seal(keys, kek, owners, records, fresh.sorted(), token_of, rows))
    new_subjects = rows.write(tx, scope=keys.scope, key_version=keys.active.version, now=now)
    return SealCounts(
        new_subjects=new_subjects,
        new_fields=len(rows.tokens.digests),
        known_fields=known_fields,
        rejected=cells.rejected,
    )


def digests_of(keys: VaultKeys, codes: Sequence[int], encoded: Sequence[bytes]) -> list[bytes]:
    """Return the keyed digest (16 bytes) of each value of class ``code``: how equal values are found."""
    heads = {code: bytes((code,)) for code in set(codes)}
    made = keys.index.many(heads[code] + value for code, value in zip(codes, encoded, strict=True))
    return [digest[:DIGEST_BYTES] for digest in made]


def open_subject_key(keys: VaultKeys, row: RecordRow, subject: str) -> SecretBytes:
    """Return a record's own key. Raises :class:`RecordBroken`."""
    cipher = keys.ciphers.get(row.key_version)
    if cipher is None:
        raise RecordBroken
    try:
        return cipher.unwrap(row.wrapped_key, entries.key_aad(keys.scope, subject, row.key_version))
    except (DecryptionFailed, UnknownSuite):
        raise RecordBroken from None


def seal_fields(
    cipher: Cipher,
    *,
    scope: str,
    subject: str,
    codes: Sequence[int],
    slots: Sequence[int],
    spelled: Sequence[str],
    encoded: Sequence[bytes],
) -> list[bytes]:
    """Return one subject's values sealed and packed, in the order given."""
    places = list(zip(codes, slots, spelled, strict=True))
    sealed = cipher.seal_many(encoded, entries.aads(scope, subject, places))
    return [entries.pack(*place, body) for place, body in zip(places, sealed, strict=True)]


def _find_owners(tx: Tx, keys: VaultKeys, subjects: Sequence[str], rows: Sequence[int]) -> tuple[_Owners, list[int]]:
    """Return the owners of the values that stood in ``rows``, and each value's owner by ordinal, -1 if unknown."""
    owner_of: dict[str, int] = {}
    for row in rows:
        customer = subjects[row]
        if customer and customer not in owner_of:
            owner_of[customer] = len(owner_of)
    # A customer's key is the source's own text, whatever it is; different texts must stay different.
    sources = keys.index.many(_SOURCE_TAG + customer.encode("utf-8", "surrogatepass") for customer in owner_of)
    found = sql.subjects_of_sources(tx, scope=keys.scope, digests=sorted(sources))
    made = spelling.new_subjects(len(sources))
    names = [found.get(source, new) for new, source in zip(made, sources, strict=True)]
    stored = [source in found for source in sources]
    owner_at = [owner_of.get(subjects[row], -1) for row in rows]
    return _Owners(subjects=names, sources=list(sources), stored=stored), owner_at


def _select(
    tx: Tx, keys: VaultKeys, cells: Cells, digests: Sequence[bytes], owners: _Owners, owner_at: Sequence[int]
) -> tuple[_Fresh, list[int]]:
    """Return the values that are new to their owner, and the positions of those without one."""
    # Only an owner that is in the vault already can hold anything there.
    old = [at for at, owner in enumerate(owner_at) if owner >= 0 and owners.stored[owner]]
    old.sort(key=digests.__getitem__)
    names = [owners.subjects[owner_at[at]] for at in old]
    found = sql.held_by(tx, scope=keys.scope, digests=[digests[at] for at in old], subjects=names)
    held = {old[position] for position in found}
    places: set[bytes] = set()
    fresh = _Fresh()
    orphans: list[int] = []
    for at, owner in enumerate(owner_at):
        if owner < 0:
            orphans.append(at)
        elif at not in held:
            place = digests[at] + owners.subjects[owner]
            if place not in places:
                places.add(place)
                fresh.add(owner, cells.codes[at], cells.values[at], digests[at])
    return fresh, orphans


def _adopt(
    fresh: _Fresh,
    orphans: Sequence[int],
    cells: Cells,
    digests: Sequence[bytes],
    owners: _Owners,
    known: Mapping[bytes, str],
) -> None:
    """Add the values without an owner that nobody holds, each as a subject of its own."""
    anywhere = set(fresh.digests).union(known)
    for at in orphans:
        if digests[at] not in anywhere:
            anywhere.add(digests[at])
            fresh.add(owners.add_unattributed(), cells.codes[at], cells.values[at], digests[at])


def _tokens_for(tx: Tx, keys: VaultKeys, fresh: _Fresh, known: dict[bytes, str]) -> dict[bytes, str]:
    """Return the token of every fresh value by digest: the one the scope has for it, else a new one."""
    missing: dict[bytes, int] = {}
    for at, digest in enumerate(fresh.digests):
        if digest not in known:
            missing.setdefault(digest, at)

    def taken(made: list[str]) -> set[str]:
        return set(sql.tokens_taken(tx, scope=keys.scope, tokens=made))

    positions = list(missing.values())
    codes, encoded = [fresh.codes[at] for at in positions], [fresh.values[at] for at in positions]
    made = tokens.make(keys.token, codes, encoded, taken=taken)
    return known | dict(zip(missing, made, strict=True))


def _seal(
    keys: VaultKeys,
    kek: Cipher,
    owners: _Owners,
    records: Mapping[bytes, RecordRow],
    fresh: _Fresh,
    token_of: Mapping[bytes, str],
    rows: NewRows,
) -> int:
    """Seal fresh values, which are sorted by owner, into ``rows``; return how many found no room any more."""
    spelled = [token_of[digest] for digest in fresh.digests]
    names = dict(zip(owners.subjects, spelling.subjects_text(owners.subjects), strict=True))
    dropped = start = 0
    for owner, run in groupby(fresh.owners):
        stop = after = start + sum(1 for _ in run)
        raw = owners.subjects[owner]
        record = records.get(raw)
        held = [] if record is None else entries.places(record.fields)
        if stop - start > FIELDS_MAX - len(held):
            stop = start + FIELDS_MAX - len(held)
            dropped += after - stop
        if stop > start:
            codes = fresh.codes[start:stop]
            slots, digests = _free_slots(codes, held), fresh.digests[start:stop]
            rows.add_tokens(raw, digests, codes, slots, spelled[start:stop])
            subject = names[raw]
            secret = aead.new_key() if record is None else open_subject_key(keys, record, subject)
            packed = seal_fields(
                Cipher(secret),
                scope=keys.scope,
                subject=subject,
                codes=codes,
                slots=slots,
                spelled=spelled[start:stop],
                encoded=fresh.values[start:stop],
            )
            if record is None:
                wrapped = kek.wrap(secret, entries.key_aad(keys.scope, subject, keys.active.version))
                rows.add_record(raw, owners.sources[owner], wrapped, b"".join(packed))
            else:
                rows.grown_subjects.append(raw)
                rows.grown_fields.append(entries.merge(record.fields, packed))
        start = after
    return dropped


def _free_slots(codes: list[int], held: Sequence[tuple[int, int]]) -> list[int]:
    """Return a slot for each new value: after those of its class that are held."""
    if not held and len(set(codes)) == len(codes):
        return [0] * len(codes)
    following = {code: slot + 1 for code, slot in held}
    slots: list[int] = []
    for code in codes:
        slots.append(following.get(code, 0))
        following[code] = slots[-1] + 1
    return slots
