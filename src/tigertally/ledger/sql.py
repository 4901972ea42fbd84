"""Tables of the ledger and the statements on them. No rule lives here.

``ledger_entry`` is the log; ``ledger_payload`` the erasable side table; ``ledger_about`` finds entries by
pseudonym; ``ledger_tile`` keeps complete tiles of 256 hashes (C2SP tlog-tiles shape); ``ledger_head`` has
one row, the frontier and the roll's root, sealed; ``ledger_roll`` has the roll's nodes (see ``roll``);
``ledger_fact`` is an index of statements that the entries prove.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    Row,
    Select,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from tigertally.store.schema import AutoId, Blob, Instant, metadata
from tigertally.store.tx import Tx

entry = Table(
    "ledger_entry",
    metadata,
    Column("idx", AutoId, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(80), nullable=False),
    Column("leaf", Blob, nullable=False),
    Column("leaf_hash", Blob, nullable=False),
)
payload = Table(
    "ledger_payload",
    metadata,
    Column("idx", AutoId, primary_key=True, autoincrement=False),
    Column("salt", Blob, nullable=False),
    Column("sealed", Blob, nullable=False),
)
about = Table(
    "ledger_about",
    metadata,
    Column("pseudonym", String(32), primary_key=True),
    Column("idx", BigInteger, primary_key=True),
    sqlite_with_rowid=False,
)
tile = Table(
    "ledger_tile",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", Blob, nullable=False),
    sqlite_with_rowid=False,
)
head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("peaks", Blob, nullable=False),
    Column("at", Instant, nullable=True),
    Column("roll", Blob, nullable=True),
    Column("seal", Blob, nullable=True),
)
roll = Table(
    "ledger_roll",
    metadata,
    Column("prefix", String(3), primary_key=True),
    Column("body", Blob, nullable=False),
    sqlite_with_rowid=False,
)
checkpoint = Table(
    "ledger_checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("note", Blob, nullable=False),
)
fact = Table(
    "ledger_fact",
    metadata,
    Column("id", AutoId, primary_key=True),
    Column("kind", String(80), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("value", Blob, nullable=False),
    Column("start", Instant, nullable=False),
    Column("until", Instant, nullable=True),
    Column("idx", BigInteger, nullable=False, unique=True),
    Column("withdrawn_idx", BigInteger, nullable=True),
    Index("ix_ledger_fact_kind_subject", "kind", "subject"),
)

HASH_BYTES: Final = 32
FEW_ROWS: Final = 8

# What every append runs, built once: making a statement takes longer than running it.
_READ_HEAD: Final = select(head.c.size, head.c.peaks, head.c.at, head.c.roll, head.c.seal).where(head.c.id == 1)
_INSERT_HEAD: Final = insert(head)
_WRITE_HEAD: Final = update(head).where(head.c.id == 1)
_READ_ROLL: Final = select(roll.c.prefix, roll.c.body)
_READ_ROLL_SOME: Final = _READ_ROLL.where(roll.c.prefix.in_(bindparam("prefixes", expanding=True)))
_INSERT_ROLL: Final = insert(roll)
_WRITE_ROLL: Final = update(roll).where(roll.c.prefix == bindparam("prefix_"))
_INSERT_ENTRY: Final = insert(entry)
_INSERT_PAYLOAD: Final = insert(payload)
_INSERT_ABOUT: Final = insert(about)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadRow:
    """The frontier as stored, with the roll's root and the seal over all of it."""

    size: int
    peaks: tuple[bytes, ...]
    at: datetime | None
    roll: bytes = bytes(HASH_BYTES)
    seal: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRow:
    """A fact as stored, with what is needed to check it against its entry.

    ``leaf`` is None if there is no such entry, ``salt`` and ``sealed`` if its payload is not there.
    """

    kind: str
    subject: str
    value: bytes
    start: datetime
    until: datetime | None
    idx: int
    withdrawn_idx: int | None
    leaf: bytes | None
    salt: bytes | None
    sealed: bytes | None


def read_head(tx: Tx) -> HeadRow:
    """Return the head; an empty ledger has size 0."""
    row = tx.one_or_none(_READ_HEAD)
    if row is None:
        return HeadRow(size=0, peaks=(), at=None)
    raw = bytes(row.peaks)
    peaks = tuple(raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES))
    return HeadRow(size=row.size, peaks=peaks, at=row.at, roll=bytes(row.roll or b""), seal=bytes(row.seal or b""))


def write_head(tx: Tx, row: HeadRow, *, first: bool) -> None:
    """Store the head."""
    values = {"size": row.size, "peaks": b"".join(row.peaks), "at": row.at, "roll": row.roll, "seal": row.seal}
    if first:
        tx.execute(_INSERT_HEAD, {"id": 1, **values})
    else:
        tx.execute(_WRITE_HEAD, values)


def insert_entries(
    tx: Tx,
    *,
    first: int,
    at: datetime,
    kinds: Sequence[str],
    leaves: Sequence[bytes],
    hashes: Sequence[bytes],
    salts: Sequence[bytes],
    sealed: Sequence[bytes],
    abouts: Sequence[Sequence[str]],
) -> None:
    """Insert entries ``first …`` of one instant with their payloads and pseudonym index; one list per column."""
    indexes = range(first, first + len(leaves))
    names = [name for about_one in abouts for name in about_one]
    places = [index for index, about_one in zip(indexes, abouts, strict=True) for _ in about_one]
    if len(leaves) <= FEW_ROWS:
        # Statements that SQLAlchemy keeps compiled: a bulk insert is prepared anew, which only many rows pay for.
        for index, kind, leaf, hashed in zip(indexes, kinds, leaves, hashes, strict=True):
            tx.execute(_INSERT_ENTRY, {"idx": index, "at": at, "kind": kind, "leaf": leaf, "leaf_hash": hashed})
        for index, salt, body in zip(indexes, salts, sealed, strict=True):
            tx.execute(_INSERT_PAYLOAD, {"idx": index, "salt": salt, "sealed": body})
    else:
        ats = [at] * len(leaves)
        tx.insert_columns(entry, {"idx": indexes, "at": ats, "kind": kinds, "leaf": leaves, "leaf_hash": hashes})
        tx.insert_columns(payload, {"idx": indexes, "salt": salts, "sealed": sealed})
    if len(names) > FEW_ROWS:
        tx.insert_columns(about, {"pseudonym": names, "idx": places})
    elif names:
        tx.execute(_INSERT_ABOUT, [{"pseudonym": name, "idx": at} for name, at in zip(names, places, strict=True)])


def put_tile(tx: Tx, *, level: int, idx: int, hashes: bytes) -> None:
    """Store a tile, in place of a shorter one if there was one."""
    key = (tile.c.level == level, tile.c.idx == idx)
    if not (level and tx.execute(update(tile).where(*key).values(hashes=hashes))):
        tx.execute(insert(tile), {"level": level, "idx": idx, "hashes": hashes})


def read_tile(tx: Tx, *, level: int, idx: int) -> bytes | None:
    """Return a tile's hashes, one after another."""
    found = tx.scalar(select(tile.c.hashes).where(tile.c.level == level, tile.c.idx == idx))
    return None if found is None else bytes(found)


def count(tx: Tx, table: Table) -> int:
    """Return how many rows a table has."""
    return tx.scalar(select(func.count()).select_from(table)) or 0


def read_leaf_hashes(tx: Tx, *, start: int, stop: int) -> list[bytes]:
    """Return the hashes of leaves ``[start, stop)`` that are there, in order."""
    query = select(entry.c.leaf_hash).where(entry.c.idx >= start, entry.c.idx < stop).order_by(entry.c.idx)
    return [bytes(item) for item in tx.scalars(query)]


def read_leaves(tx: Tx, *, start: int, stop: int) -> list[bytes]:
    """Return the leaves ``[start, stop)`` that are there, in order."""
    query = select(entry.c.leaf).where(entry.c.idx >= start, entry.c.idx < stop).order_by(entry.c.idx)
    return [bytes(item) for item in tx.scalars(query)]


def read_leaf(tx: Tx, idx: int) -> bytes | None:
    """Return a leaf's bytes."""
    found = tx.scalar(select(entry.c.leaf).where(entry.c.idx == idx))
    return None if found is None else bytes(found)


def read_payload(tx: Tx, idx: int) -> tuple[bytes, bytes] | None:
    """Return ``(salt, sealed payload)`` unless erased."""
    row = tx.one_or_none(select(payload.c.salt, payload.c.sealed).where(payload.c.idx == idx))
    return None if row is None else (bytes(row.salt), bytes(row.sealed))


def delete_payloads(tx: Tx, indexes: Sequence[int]) -> int:
    """Erase payloads; return how many there were."""
    return tx.execute(delete(payload).where(payload.c.idx.in_(indexes)))


def entries_about(tx: Tx, pseudonym: str) -> list[int]:
    """Return the indexes of entries about a pseudonym, ascending."""
    return list(tx.scalars(select(about.c.idx).where(about.c.pseudonym == pseudonym).order_by(about.c.idx)))


def read_rows(tx: Tx, indexes: Sequence[int]) -> list[tuple[int, bytes, tuple[bytes, bytes] | None]]:
    """Return ``(index, leaf, (salt, sealed) or None)`` of entries, ascending."""
    query = select(entry.c.idx, entry.c.leaf, payload.c.salt, payload.c.sealed)
    query = query.join(payload, payload.c.idx == entry.c.idx, isouter=True)
    rows = tx.all(query.where(entry.c.idx.in_(indexes)).order_by(entry.c.idx))
    return [(row.idx, row.leaf, None if row.sealed is None else (row.salt, row.sealed)) for row in rows]


def payloads_about(tx: Tx, pseudonym: str) -> list[int]:
    """Return the indexes of entries about a pseudonym whose payload is there, ascending."""
    held = select(about.c.idx).join(payload, payload.c.idx == about.c.idx).where(about.c.pseudonym == pseudonym)
    return list(tx.scalars(held.order_by(about.c.idx)))


def stream_about(tx: Tx, *, batch_rows: int) -> Iterator[Sequence[tuple[str, int]]]:
    """Yield the whole pseudonym index as ``(pseudonym, idx)``, in no order."""
    for rows in tx.stream(select(about.c.pseudonym, about.c.idx), batch_rows=batch_rows):
        yield [(row.pseudonym, row.idx) for row in rows]


def standing_facts(tx: Tx, pseudonym: str) -> set[int]:
    """Return the entries about a pseudonym that prove facts which were not withdrawn."""
    query = (
        select(fact.c.idx)
        .join(about, about.c.idx == fact.c.idx)
        .where(about.c.pseudonym == pseudonym, fact.c.withdrawn_idx.is_(None))
    )
    return set(tx.scalars(query))


def fact_names(tx: Tx, indexes: Sequence[int]) -> set[tuple[str, str]]:
    """Return ``(kind, subject)`` of the facts that those entries prove or withdraw."""
    query = select(fact.c.kind, fact.c.subject).where(fact.c.idx.in_(indexes))
    return {(row.kind, row.subject) for row in tx.all(query)}


def fact_indexes(tx: Tx, kind: str, subject: str) -> list[int]:
    """Return the entries that state facts of ``kind`` about ``subject`` or withdraw them, ascending."""
    query = select(fact.c.idx, fact.c.withdrawn_idx).where(fact.c.kind == kind, fact.c.subject == subject)
    return sorted(index for row in tx.all(query) for index in row if index is not None)


def delete_facts(tx: Tx, indexes: Sequence[int]) -> int:
    """Delete the index rows of facts whose payloads are erased; return how many there were."""
    return tx.execute(delete(fact).where(fact.c.idx.in_(indexes)))


class EntryRow(NamedTuple):
    """An entry as stored."""

    idx: int
    at: datetime
    kind: str
    leaf: bytes
    leaf_hash: bytes


def stream_entries(tx: Tx, *, batch_rows: int, stop: int | None = None) -> Iterator[Sequence[EntryRow]]:
    """Yield entries in order, those before ``stop`` if it is given."""
    query = select(entry.c.idx, entry.c.at, entry.c.kind, entry.c.leaf, entry.c.leaf_hash).order_by(entry.c.idx)
    if stop is not None:
        query = query.where(entry.c.idx < stop)
    for rows in tx.stream(query, batch_rows=batch_rows):
        yield [EntryRow(row.idx, row.at, row.kind, bytes(row.leaf), bytes(row.leaf_hash)) for row in rows]


def read_payload_range(tx: Tx, *, start: int, stop: int) -> dict[int, tuple[bytes, bytes]]:
    """Return ``idx → (salt, sealed)`` of payloads in ``[start, stop)``."""
    query = select(payload.c.idx, payload.c.salt, payload.c.sealed).where(payload.c.idx >= start, payload.c.idx < stop)
    return {row.idx: (bytes(row.salt), bytes(row.sealed)) for row in tx.all(query)}


def read_roll(tx: Tx, prefixes: Sequence[str] | None) -> dict[str, bytes]:
    """Return the roll's nodes with those prefixes that are there (None: all)."""
    query = _READ_ROLL if prefixes is None else _READ_ROLL_SOME
    return {row.prefix: bytes(row.body) for row in tx.all(query, None if prefixes is None else {"prefixes": prefixes})}


def write_roll(tx: Tx, nodes: Mapping[str, bytes], *, known: Collection[str]) -> None:
    """Store nodes; ``known`` are the prefixes that have a row already."""
    for prefix, body in nodes.items():
        if prefix in known:
            tx.execute(_WRITE_ROLL, {"prefix_": prefix, "body": body})
        else:
            tx.execute(_INSERT_ROLL, {"prefix": prefix, "body": body})


def insert_checkpoint(tx: Tx, *, size: int, at: datetime, note: bytes) -> None:
    """Store a signed checkpoint; ``StoreConflict`` if that size has one."""
    tx.execute(insert(checkpoint), {"size": size, "at": at, "note": note})


def read_checkpoint(tx: Tx, size: int) -> bytes | None:
    """Return the checkpoint of exactly that size."""
    found = tx.scalar(select(checkpoint.c.note).where(checkpoint.c.size == size))
    return None if found is None else bytes(found)


def read_checkpoints(tx: Tx) -> list[tuple[int, bytes]]:
    """Return all checkpoints, smallest first."""
    rows = tx.all(select(checkpoint.c.size, checkpoint.c.note).order_by(checkpoint.c.size))
    return [(row.size, bytes(row.note)) for row in rows]


def replace_checkpoint(tx: Tx, *, size: int, note: bytes) -> int:
    """Put a note in place of the stored one of that size; return rows changed."""
    return tx.execute(update(checkpoint).where(checkpoint.c.size == size).values(note=note))


def newest_checkpoints(tx: Tx, *, above: int, batch_rows: int) -> Iterator[bytes]:
    """Yield the checkpoints of more than ``above`` entries, newest first."""
    query = select(checkpoint.c.note).where(checkpoint.c.size > above).order_by(checkpoint.c.size.desc())
    for rows in tx.stream(query, batch_rows=batch_rows):
        yield from (bytes(row.note) for row in rows)


def read_last_checkpoint(tx: Tx) -> bytes | None:
    """Return the newest checkpoint."""
    found = tx.scalar(select(checkpoint.c.note).order_by(checkpoint.c.size.desc()).limit(1))
    return None if found is None else bytes(found)


def insert_fact(
    tx: Tx, *, kind: str, subject: str, value: bytes, start: datetime, until: datetime | None, idx: int
) -> None:
    """Store a fact's index row."""
    tx.execute(insert(fact).values(kind=kind, subject=subject, value=value, start=start, until=until, idx=idx))


def withdraw_fact(tx: Tx, *, idx: int, by: int) -> int:
    """Mark the fact proved by entry ``idx`` as withdrawn by entry ``by``; return rows changed (0 or 1)."""
    return tx.execute(update(fact).where(fact.c.idx == idx, fact.c.withdrawn_idx.is_(None)).values(withdrawn_idx=by))


def read_facts(
    tx: Tx, *, kinds: Sequence[str] | None, subjects: Sequence[str] | None, start: datetime | None = None
) -> list[FactRow]:
    """Return facts of ``kinds`` about ``subjects`` (None: all), newest last, with what their entries hold."""
    query = _facts()
    if kinds is not None:
        query = query.where(fact.c.kind.in_(kinds))
    if subjects is not None:
        query = query.where(fact.c.subject.in_(subjects))
    if start is not None:
        query = query.where(fact.c.start == start)
    return [_fact_row(row) for row in tx.all(query)]


def read_fact(tx: Tx, idx: int) -> FactRow | None:
    """Return the fact that entry ``idx`` proves."""
    row = tx.one_or_none(_facts().where(fact.c.idx == idx))
    return None if row is None else _fact_row(row)


def stream_facts(tx: Tx, *, batch_rows: int) -> Iterator[Sequence[FactRow]]:
    """Yield all facts, in the order of their entries."""
    for rows in tx.stream(_facts(), batch_rows=batch_rows):
        yield [_fact_row(row) for row in rows]


_FactColumns: TypeAlias = "tuple[str, str, bytes, datetime, datetime | None, int, int | None, bytes, bytes, bytes]"


def _facts() -> Select[*_FactColumns]:
    # Outer joins: a fact whose entry or payload is gone must be seen, not passed over.
    return (
        select(
            fact.c.kind,
            fact.c.subject,
            fact.c.value,
            fact.c.start,
            fact.c.until,
            fact.c.idx,
            fact.c.withdrawn_idx,
            entry.c.leaf,
            payload.c.salt,
            payload.c.sealed,
        )
        .join(entry, entry.c.idx == fact.c.idx, isouter=True)
        .join(payload, payload.c.idx == fact.c.idx, isouter=True)
        .order_by(fact.c.idx)
    )


def _fact_row(row: Row[*_FactColumns]) -> FactRow:
    return FactRow(
        kind=row.kind,
        subject=row.subject,
        value=bytes(row.value),
        start=row.start,
        until=row.until,
        idx=row.idx,
        withdrawn_idx=row.withdrawn_idx,
        leaf=None if row.leaf is None else bytes(row.leaf),
        salt=None if row.salt is None else bytes(row.salt),
        sealed=None if row.sealed is None else bytes(row.sealed),
    )
