"""The table of wrapped keys, and the statements on it. No rule lives here.

Records have tables of their own (``rows.sql``), and so has the index (``index.sql``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    insert,
    select,
    update,
)

from tigertally.store.schema import Blob, Instant, metadata
from tigertally.store.tx import Tx

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


def alone(tx: Tx, table: Table, scope: str) -> bool:
    """Return whether SQLite may drop all pages of a table, row by row unseen: nobody else has rows in it."""
    if tx.dialect != "sqlite":
        return False
    return not tx.all(select(table.c.scope).where(table.c.scope != scope).limit(1))
