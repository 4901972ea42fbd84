"""Tables of the vault and the statements on them. No rule lives here.

``vault_key`` holds wrapped keys; ``vault_record`` one row per subject. Subjects are 16 raw bytes here (their
order is the order of their ids as text, on both databases). The index has its own tables (``sql_index``).

Bulk look-ups join against one parameter: a packed byte string on SQLite, an array on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from tigertally.store.schema import Blob, Instant, metadata
from tigertally.store.tx import Tx
from tigertally.vault import packed
from tigertally.vault.packed import SUBJECT_BYTES

key = Table(
    "vault_key",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("scope", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("wrapped", Blob, nullable=True),
    Column("created", Instant, nullable=False),
    Column("uses", BigInteger, nullable=False),
    Column("retired", Instant, nullable=True),
    Column("destroyed", Instant, nullable=True),
    Column("suite", SmallInteger, nullable=False, server_default="1"),
    UniqueConstraint("purpose", "scope", "version"),
)
record = Table(
    "vault_record",
    metadata,
    Column("scope", String(40), primary_key=True),
    Column("subject", Blob, primary_key=True),
    Column("key_version", Integer, nullable=False),
    Column("wrapped_key", Blob, nullable=False),
    Column("fields", Blob, nullable=False),
    Column("sealed_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
)


def _wanted(tx: Tx, table: str, column: str, columns: str, width: int) -> str:
    """Return a statement that selects ``columns`` of the rows of one scope whose ``column`` is among many."""
    if tx.dialect == "sqlite":
        return (
            f"{packed.SPOTS} SELECT {columns} FROM spot CROSS JOIN {table} AS t"  # noqa: S608 - constants only
            f" ON t.scope = :scope AND t.{column} = substr(:packed, spot.at, {width})"
        )
    return (
        f"SELECT {columns} FROM unnest(CAST(:keys AS bytea[])) AS spot(k)"  # noqa: S608 - constants only
        f" JOIN {table} AS t ON t.scope = :scope AND t.{column} = spot.k"
    )


def _among(tx: Tx, scope: str, keys: Sequence[bytes], width: int) -> dict[str, object]:
    if tx.dialect == "sqlite":
        return {"scope": scope, "packed": b"".join(keys), "width": width}
    return {"scope": scope, "keys": list(keys)}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A key as stored. ``wrapped`` is None once destroyed."""

    id: str
    purpose: str
    scope: str
    version: int
    state: str
    wrapped: bytes | None
    created: datetime
    uses: int
    retired: datetime | None
    destroyed: datetime | None
    suite: int


def insert_key(tx: Tx, row: KeyRow) -> None:
    """Store a new key."""
    tx.execute(
        insert(key).values(
            id=row.id,
            purpose=row.purpose,
            scope=row.scope,
            version=row.version,
            state=row.state,
            wrapped=row.wrapped,
            created=row.created,
            uses=row.uses,
            retired=row.retired,
            destroyed=row.destroyed,
            suite=row.suite,
        )
    )


def read_keys(tx: Tx, *, purpose: str | None = None, scope: str | None = None) -> list[KeyRow]:
    """Return keys by purpose, scope and version."""
    query = select(key).order_by(key.c.purpose, key.c.scope, key.c.version)
    if purpose is not None:
        query = query.where(key.c.purpose == purpose)
    if scope is not None:
        query = query.where(key.c.scope == scope)
    return [
        KeyRow(
            id=row.id,
            purpose=row.purpose,
            scope=row.scope,
            version=row.version,
            state=row.state,
            wrapped=None if row.wrapped is None else bytes(row.wrapped),
            created=row.created,
            uses=row.uses,
            retired=row.retired,
            destroyed=row.destroyed,
            suite=row.suite,
        )
        for row in tx.all(query)
    ]


def retire_key(tx: Tx, key_id: str, *, now: datetime) -> int:
    """Make an active key retired; return rows changed."""
    return tx.execute(
        update(key).where(key.c.id == key_id, key.c.state == "active").values(state="retired", retired=now)
    )


def destroy_key(tx: Tx, key_id: str, *, now: datetime) -> int:
    """Overwrite a key's wrapped bytes with NULL; return rows changed."""
    return tx.execute(
        update(key)
        .where(key.c.id == key_id, key.c.state != "destroyed")
        .values(state="destroyed", wrapped=None, destroyed=now)
    )


def count_uses(tx: Tx, key_id: str, *, uses: int, uses_max: int) -> int:
    """Add uses to an active key if they fit under the limit; return rows changed."""
    return tx.execute(
        update(key)
        .where(key.c.id == key_id, key.c.state == "active", key.c.uses + uses <= uses_max)
        .values(uses=key.c.uses + uses)
    )


class RecordRow(NamedTuple):
    """A record as stored. A tuple, because there are millions of them."""

    subject: bytes
    key_version: int
    wrapped_key: bytes
    fields: bytes


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RecordRows:
    """New rows of the record table as columns: subject of 16 bytes, wrapped key, fields."""

    subjects: Sequence[bytes]
    wrapped: Sequence[bytes]
    fields: Sequence[bytes]


_RECORD: Final = "t.subject, t.key_version, t.wrapped_key, t.fields"


def records_of(tx: Tx, *, scope: str, subjects: Sequence[bytes]) -> list[RecordRow]:
    """Return the records of these subjects that are there, in no order."""
    if not subjects:
        return []
    query = text(_wanted(tx, "vault_record", "subject", _RECORD, SUBJECT_BYTES))
    return [
        RecordRow(bytes(subject), version, bytes(wrapped), bytes(fields))  # by place: there are millions
        for subject, version, wrapped, fields in tx.all(query, _among(tx, scope, subjects, SUBJECT_BYTES))
    ]


def records_after(tx: Tx, *, scope: str, after: bytes, limit: int) -> list[RecordRow]:
    """Return the next records in ascending order of subject."""
    query = (
        select(record.c.subject, record.c.key_version, record.c.wrapped_key, record.c.fields)
        .where(record.c.scope == scope, record.c.subject > after)
        .order_by(record.c.subject)
        .limit(limit)
    )
    return [
        RecordRow(subject=bytes(subject), key_version=version, wrapped_key=bytes(wrapped), fields=bytes(fields))
        for subject, version, wrapped, fields in tx.all(query)
    ]


def wraps_after(tx: Tx, *, scope: str, after: bytes, limit: int) -> list[tuple[bytes, int, bytes]]:
    """Return subject, key version and wrapped key of the next records, in ascending order of subject."""
    query = (
        select(record.c.subject, record.c.key_version, record.c.wrapped_key)
        .where(record.c.scope == scope, record.c.subject > after)
        .order_by(record.c.subject)
        .limit(limit)
    )
    return [(bytes(subject), version, bytes(wrapped)) for subject, version, wrapped in tx.all(query)]


def insert_records(tx: Tx, *, scope: str, rows: RecordRows, key_version: int, now: datetime) -> None:
    """Insert records, all sealed under one version of the vault key at one instant."""
    count = len(rows.subjects)
    if not count:
        return
    if tx.dialect == "sqlite":
        tx.execute(
            text(packed.CUT_RECORDS).bindparams(bindparam("now", type_=Instant)),
            {
                "scope": scope,
                "key_version": key_version,
                "now": now,
                "last": count - 1,
                "subjects": b"".join(rows.subjects),
                **packed.evenly(rows.wrapped),
                **packed.spans(rows.fields),
            },
        )
        return
    columns: dict[str, Sequence[object]] = {
        "scope": [scope] * count,
        "subject": rows.subjects,
        "key_version": [key_version] * count,
        "wrapped_key": rows.wrapped,
        "fields": rows.fields,
        "sealed_at": [now] * count,
        "version": [1] * count,
    }
    tx.insert_columns(record, _in_table_order(record, columns))


def _in_table_order(table: Table, columns: Mapping[str, Sequence[object]]) -> dict[str, Sequence[object]]:
    """Return the columns in the order in which the table declares them, whatever order the caller had."""
    return {column.name: columns[column.name] for column in table.columns if column.name in columns}


def replace_fields(tx: Tx, *, scope: str, subjects: Sequence[bytes], fields: Sequence[bytes]) -> int:
    """Overwrite the packed fields of records; their version rises by one. Return rows changed."""
    if not subjects:
        return 0
    if tx.dialect == "postgresql":
        return tx.execute(
            text(
                "UPDATE vault_record AS r SET fields = n.f, version = r.version + 1"
                " FROM unnest(CAST(:subjects AS bytea[]), CAST(:fields AS bytea[])) AS n(s, f)"
                " WHERE r.scope = :scope AND r.subject = n.s"
            ),
            {"scope": scope, "subjects": list(subjects), "fields": list(fields)},
        )
    return tx.execute(
        text(packed.CUT_FIELDS),
        {"scope": scope, "last": len(subjects) - 1, "subjects": b"".join(subjects), **packed.spans(fields)},
    )


def replace_wraps(tx: Tx, *, scope: str, subjects: Sequence[bytes], wrapped: Sequence[bytes], key_version: int) -> int:
    """Overwrite the wrapped subject keys of records. Return rows changed."""
    if not subjects:
        return 0
    if tx.dialect == "postgresql":
        return tx.execute(
            text(
                "UPDATE vault_record AS r SET wrapped_key = n.w, key_version = :key_version"
                " FROM unnest(CAST(:subjects AS bytea[]), CAST(:wrapped AS bytea[])) AS n(s, w)"
                " WHERE r.scope = :scope AND r.subject = n.s"
            ),
            {"scope": scope, "subjects": list(subjects), "wrapped": list(wrapped), "key_version": key_version},
        )
    tx.execute(
        text(packed.CUT_WRAPS),
        {
            "scope": scope,
            "last": len(subjects) - 1,
            "subjects": b"".join(subjects),
            "key_version": key_version,
            **packed.evenly(wrapped),
        },
    )
    # The driver does not count the rows of a statement that begins with WITH.
    return tx.scalar(text("SELECT changes()")) or 0


def replace_records(tx: Tx, *, scope: str, rows: RecordRows, key_version: int) -> None:
    """Overwrite records sealed anew, their keys too; what they say, and so their version, stays."""
    if not rows.subjects:
        return
    if tx.dialect == "postgresql":
        tx.execute(
            text(
                "UPDATE vault_record AS r SET wrapped_key = n.w, fields = n.f, key_version = :key_version FROM"
                " unnest(CAST(:subjects AS bytea[]), CAST(:wrapped AS bytea[]), CAST(:fields AS bytea[])) AS n(s, w, f)"
                " WHERE r.scope = :scope AND r.subject = n.s"
            ),
            {
                "scope": scope,
                "subjects": list(rows.subjects),
                "wrapped": list(rows.wrapped),
                "fields": list(rows.fields),
                "key_version": key_version,
            },
        )
        return
    tx.execute(
        text(packed.CUT_RESEALED),
        {
            "scope": scope,
            "last": len(rows.subjects) - 1,
            "subjects": b"".join(rows.subjects),
            "key_version": key_version,
            **packed.evenly(rows.wrapped),
            **packed.spans(rows.fields),
        },
    )


def count_records(tx: Tx, *, scope: str, key_version: int | None = None) -> int:
    """Return how many subjects there are (under one version of the vault key, if given)."""
    query = select(func.count()).select_from(record).where(record.c.scope == scope)
    if key_version is not None:
        query = query.where(record.c.key_version == key_version)
    return tx.scalar(query) or 0


def records_by_version(tx: Tx, *, scope: str) -> dict[int, int]:
    """Return how many records each version of a scope's vault key wraps the keys of."""
    query = select(record.c.key_version, func.count()).where(record.c.scope == scope).group_by(record.c.key_version)
    return {version: count for version, count in tx.all(query)}  # noqa: C416 - rows are no pairs to mypy


def heads_after(tx: Tx, *, scope: str, after: bytes, limit: int) -> list[tuple[bytes, bytes]]:
    """Return the next records, ascending: subject, and the beginning of what is stored, its head in it."""
    query = (
        select(record.c.subject, func.substr(record.c.fields, 1, packed.HEAD_BYTES_MAX))
        .where(record.c.scope == scope, record.c.subject > after)
        .order_by(record.c.subject)
        .limit(limit)
    )
    return [(bytes(subject), bytes(head)) for subject, head in tx.all(query)]


def delete_record(tx: Tx, *, scope: str, subject: bytes) -> int:
    """Delete a subject's record; return records deleted (0 or 1)."""
    return tx.execute(delete(record).where(record.c.scope == scope, record.c.subject == subject))


def delete_records(tx: Tx, *, scope: str, limit: int) -> int:
    """Delete up to ``limit`` records of a scope, or all at once, as tokens go."""
    if alone(tx, record, scope):
        return tx.execute(delete(record))
    doomed = select(record.c.subject).where(record.c.scope == scope).order_by(record.c.subject).limit(limit)
    return tx.execute(delete(record).where(record.c.scope == scope, record.c.subject.in_(doomed)))


def alone(tx: Tx, table: Table, scope: str) -> bool:
    """Return whether SQLite may drop all pages of a table, row by row unseen: nobody else has rows in it."""
    if tx.dialect != "sqlite":
        return False
    return not tx.all(select(table.c.scope).where(table.c.scope != scope).limit(1))
