"""Tables of records and their wrapped keys, and the statements on them. What they mean is ``rows``.

``vault_record`` has one row per subject, numbered in the order of arrival: what is new lies at the end, so a batch
writes no page twice. ``vault_wrap`` has the wrapped keys of :data:`GROUP` records that follow one another, all under
one version of the vault key and ``wide`` bytes each; an erased one is zeros, and a group that lost its last stays,
empty, so that no number is given twice. A batch begins a group of its own.

Bulk look-ups and inserts are one parameter: a packed byte string on SQLite, an array or a COPY on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    SmallInteger,
    String,
    Table,
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)

from tigertally.crypto.packed import Packed
from tigertally.store.schema import Blob, Instant, metadata, to_micros
from tigertally.store.tx import Tx
from tigertally.vault import sql
from tigertally.vault.making import NewRows
from tigertally.vault.rows import packed
from tigertally.vault.rows.packed import SUBJECT_BYTES

GROUP: Final = 16

record = Table(
    "vault_record",
    metadata,
    Column("scope", String(40), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("subject", Blob, nullable=False),
    Column("fields", Blob, nullable=False),
    Column("sealed_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
)
wrap = Table(
    "vault_wrap",
    metadata,
    Column("scope", String(40), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # of the first record, divided by GROUP
    Column("key_version", Integer, nullable=False),
    Column("held", SmallInteger, nullable=False),
    Column("wide", SmallInteger, nullable=False),
    Column("data", Blob, nullable=False),
)


class RecordRow(NamedTuple):
    """A record as stored, with its wrapped key. A tuple, because there are millions of them."""

    subject: bytes
    number: int
    key_version: int
    wrapped_key: bytes
    fields: bytes


class Group(NamedTuple):
    """The wrapped keys of records that follow one another, the first of them ``number * GROUP``."""

    number: int
    key_version: int
    wide: int
    data: bytes

    def each(self) -> list[bytes]:
        """Return each one's wrapped key; zeros where there is none any more."""
        return [self.data[at : at + self.wide] for at in range(0, len(self.data), self.wide)]


_WRAPPED: Final = f"substr(w.data, CAST(t.number % {GROUP} AS INTEGER) * w.wide + 1, CAST(w.wide AS INTEGER))"
_KEYED: Final = f"t.subject, t.number, w.key_version, {_WRAPPED}, t.fields"
_WRAP_OF: Final = f"LEFT JOIN vault_wrap AS w ON w.scope = t.scope AND w.number = t.number / {GROUP}"


def _numbered(tx: Tx, columns: str, joined: str = "") -> str:
    """Return a statement that selects ``columns`` of a scope's records of many numbers."""
    spots = (
        "json_each(:numbers) AS spot" if tx.dialect == "sqlite" else "unnest(CAST(:numbers AS bigint[])) AS spot(value)"
    )
    crossed = "CROSS JOIN" if tx.dialect == "sqlite" else "JOIN"  # keeps SQLite from turning the loops around
    return (
        f"SELECT {columns} FROM {spots} {crossed} vault_record AS t ON t.scope = :scope AND t.number = spot.value"  # noqa: S608 - constants only
        f" {joined}"
    )


def _among(tx: Tx, scope: str, numbers: Sequence[int]) -> dict[str, object]:
    given = list(numbers) if tx.dialect == "postgresql" else f"[{','.join(map(str, numbers))}]"
    return {"scope": scope, "numbers": given}


def records_at(tx: Tx, *, scope: str, numbers: Sequence[int]) -> list[RecordRow]:
    """Return the records of these numbers (each once) that are there, in no order."""
    if not numbers:
        return []
    query = text(_numbered(tx, _KEYED, _WRAP_OF))
    # A record without its group has no key.
    return [
        RecordRow(subject, number, version or 0, wrapped or b"", fields)
        for subject, number, version, wrapped, fields in tx.tuples(query, _among(tx, scope, numbers))
    ]


def subjects_at(tx: Tx, *, scope: str, numbers: Sequence[int]) -> list[tuple[int, bytes]]:
    """Return the number and the subject of these records (each once) that are there, in no order."""
    if not numbers:
        return []
    query = text(_numbered(tx, "t.number, t.subject"))
    return [(number, bytes(subject)) for number, subject in tx.all(query, _among(tx, scope, numbers))]


def subjects_after(tx: Tx, *, scope: str, after: int, limit: int) -> list[tuple[int, bytes]]:
    """Return number and subject of the next records, ascending by number (the first is 0)."""
    query = (
        select(record.c.number, record.c.subject)
        .where(record.c.scope == scope, record.c.number > after)
        .order_by(record.c.number)
        .limit(limit)
    )
    return [(number, bytes(subject)) for number, subject in tx.all(query)]


def heads_after(tx: Tx, *, scope: str, after: int, limit: int) -> list[tuple[int, bytes]]:
    """Return the next records, ascending by number: it, and the beginning of what is stored, its head in it."""
    query = (
        select(record.c.number, func.substr(record.c.fields, 1, packed.HEAD_BYTES_MAX))
        .where(record.c.scope == scope, record.c.number > after)
        .order_by(record.c.number)
        .limit(limit)
    )
    return [(number, bytes(head)) for number, head in tx.all(query)]


def aged_after(tx: Tx, *, scope: str, after: int, limit: int) -> list[tuple[int, bytes, bytes, datetime]]:
    """Return number, subject, beginning of what is stored, and when it was sealed or grew, of the next records."""
    query = (
        select(
            record.c.number,
            record.c.subject,
            func.substr(record.c.fields, 1, packed.HEAD_BYTES_MAX),
            record.c.sealed_at,
        )
        .where(record.c.scope == scope, record.c.number > after)
        .order_by(record.c.number)
        .limit(limit)
    )
    return [(number, bytes(subject), bytes(head), sealed) for number, subject, head, sealed in tx.all(query)]


def version_of(tx: Tx, *, scope: str, number: int) -> int:
    """Return a record's version, 0 if there is none: it rises whenever what the record says changes."""
    return tx.scalar(select(record.c.version).where(record.c.scope == scope, record.c.number == number)) or 0


def groups_after(tx: Tx, *, scope: str, after: int, limit: int) -> list[Group]:
    """Return the next groups that hold any key, ascending by number."""
    query = (
        select(wrap.c.number, wrap.c.key_version, wrap.c.wide, wrap.c.data)
        .where(wrap.c.scope == scope, wrap.c.number > after, wrap.c.held > 0)
        .order_by(wrap.c.number)
        .limit(limit)
    )
    return [Group(number, version, wide, bytes(data)) for number, version, wide, data in tx.all(query)]


def next_number(tx: Tx, *, scope: str) -> int:
    """Return the number of the next new record: it begins a group. Under the scope's lock."""
    last = tx.scalar(select(func.max(wrap.c.number)).where(wrap.c.scope == scope))
    return 0 if last is None else (last + 1) * GROUP


def insert_records(tx: Tx, *, scope: str, first: int, rows: NewRows, key_version: int, now: datetime) -> None:
    """Insert records numbered from ``first`` on, all sealed under one version of the vault key at one instant."""
    count = len(rows)
    if not count:
        return
    if tx.dialect == "sqlite":
        params = {"scope": scope, "now": now, "first": first, "last": count - 1, "subjects": rows.subjects}
        inserting = text(packed.CUT_RECORDS).bindparams(bindparam("now", type_=Instant))
        tx.execute(inserting, {**params, **packed.spans(rows.fields)})
    else:
        columns: dict[str, Sequence[object]] = {
            "scope": [scope] * count,
            "number": range(first, first + count),
            "subject": packed.cut(rows.subjects, SUBJECT_BYTES),
            "fields": rows.fields.each(),
            "sealed_at": [now] * count,
            "version": [1] * count,
        }
        tx.insert_columns(record, columns)
    data = packed.cut(rows.wrapped, GROUP * rows.wide)
    tx.insert_columns(
        wrap,
        {
            "scope": [scope] * len(data),
            "number": range(first // GROUP, first // GROUP + len(data)),
            "key_version": [key_version] * len(data),
            "held": [len(one) // rows.wide for one in data],
            "wide": [rows.wide] * len(data),
            "data": data,
        },
    )


def replace_fields(
    tx: Tx, *, scope: str, numbers: Sequence[int], fields: Sequence[bytes], grown: datetime | None = None
) -> int:
    """Overwrite the packed fields of records; return rows changed.

    ``grown``: when they came to say more (their version rises by one, and age begins anew); None if they say the same.
    """
    if not numbers:
        return 0
    more, since = int(grown is not None), -1 if grown is None else to_micros(grown)
    if tx.dialect == "postgresql":
        return tx.execute(
            text(
                "UPDATE vault_record AS r SET fields = n.f, version = r.version + :more,"
                " sealed_at = greatest(r.sealed_at, CAST(:since AS bigint))"
                " FROM unnest(CAST(:numbers AS bigint[]), CAST(:fields AS bytea[])) AS n(n, f)"
                " WHERE r.scope = :scope AND r.number = n.n"
            ),
            {"scope": scope, "more": more, "since": since, "numbers": list(numbers), "fields": list(fields)},
        )
    params = {"scope": scope, "more": more, "since": since, "last": len(numbers) - 1, **packed.numbers(numbers)}
    tx.execute(text(packed.CUT_FIELDS), {**params, **packed.spans(Packed.of(fields))})
    # The driver does not count the rows of a statement that begins with WITH.
    return tx.scalar(text("SELECT changes()")) or 0


def replace_groups(tx: Tx, *, scope: str, groups: Sequence[Group]) -> int:
    """Overwrite groups of wrapped keys. Return how many were there."""
    if not groups:
        return 0
    if tx.dialect == "postgresql":
        return tx.execute(
            text(
                "UPDATE vault_wrap AS w SET key_version = n.v, wide = n.w, data = n.d"
                " FROM unnest(CAST(:numbers AS bigint[]), CAST(:versions AS integer[]), CAST(:widths AS smallint[]),"
                " CAST(:data AS bytea[])) AS n(n, v, w, d) WHERE w.scope = :scope AND w.number = n.n"
            ),
            {
                "scope": scope,
                "numbers": [one.number for one in groups],
                "versions": [one.key_version for one in groups],
                "widths": [one.wide for one in groups],
                "data": [one.data for one in groups],
            },
        )
    given = [
        {"of": scope, "at": one.number, "version": one.key_version, "width": one.wide, "keys": one.data}
        for one in groups
    ]
    return tx.execute(
        update(wrap)
        .where(wrap.c.scope == bindparam("of"), wrap.c.number == bindparam("at"))
        .values(key_version=bindparam("version"), wide=bindparam("width"), data=bindparam("keys")),
        given,
    )


def count_records(tx: Tx, *, scope: str, key_version: int | None = None) -> int:
    """Return how many subjects there are (under one version of the vault key, if given)."""
    query = select(func.coalesce(func.sum(wrap.c.held), 0)).where(wrap.c.scope == scope)
    if key_version is not None:
        query = query.where(wrap.c.key_version == key_version)
    return int(tx.scalar(query) or 0)


def records_by_version(tx: Tx, *, scope: str) -> dict[int, int]:
    """Return how many records each version of a scope's vault key wraps the keys of."""
    query = (
        select(wrap.c.key_version, func.sum(wrap.c.held))
        .where(wrap.c.scope == scope, wrap.c.held > 0)
        .group_by(wrap.c.key_version)
    )
    return {version: int(count) for version, count in tx.all(query)}


def delete_record(tx: Tx, *, scope: str, number: int) -> int:
    """Delete a record and overwrite its wrapped key; return records deleted (0 or 1)."""
    gone = tx.execute(delete(record).where(record.c.scope == scope, record.c.number == number))
    here = (wrap.c.scope == scope, wrap.c.number == number // GROUP)
    found = tx.one_or_none(select(wrap.c.wide, wrap.c.held, wrap.c.data).where(*here))
    if gone and found is not None:
        at = number % GROUP * found.wide
        data = bytes(found.data)
        left = data[:at] + bytes(found.wide) + data[at + found.wide :] if found.held > 1 else b""
        tx.execute(update(wrap).where(*here).values(held=found.held - 1, data=left))
    return gone


def delete_records(tx: Tx, *, scope: str, limit: int) -> int:
    """Delete up to ``limit`` records of a scope, then their keys, or all at once, as tokens go; return how many."""
    if sql.alone(tx, record, scope) and sql.alone(tx, wrap, scope):
        gone = tx.execute(delete(record))
        tx.execute(delete(wrap))
        return gone
    doomed = select(record.c.number).where(record.c.scope == scope).order_by(record.c.number).limit(limit)
    gone = tx.execute(delete(record).where(record.c.scope == scope, record.c.number.in_(doomed)))
    if gone < limit:
        tx.execute(delete(wrap).where(wrap.c.scope == scope))
    return gone
