"""Tables of custody and the statements on them. No rule lives here.

``vault_custody`` has one row: which root key wraps now, and the digest of the settings of its keeper.
``vault_key_next`` holds keys that are wrapped for the next keeper already and used by nobody yet; ``source`` is the
SHA-256 of what was wrapped anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Column, SmallInteger, String, Table, delete, insert, select, update

from tigertally.store.schema import Blob, Instant, metadata
from tigertally.store.tx import Tx
from tigertally.vault import sql as vault_sql

custody = Table(
    "vault_custody",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("root", String(64), nullable=False),
    Column("keeper", String(64), nullable=False),
    Column("since", Instant, nullable=False),
)
upcoming = Table(
    "vault_key_next",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("root", String(64), nullable=False),
    Column("source", Blob, nullable=False),
    Column("wrapped", Blob, nullable=False),
)
_ONLY: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyRow:
    """Who keeps the root key. ``root`` is the keeper's ``key_id``, ``keeper`` the digest of its settings."""

    root: str
    keeper: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRow:
    """A key as the next keeper wrapped it."""

    id: str
    root: str
    source: bytes
    wrapped: bytes


def read_custody(tx: Tx) -> CustodyRow | None:
    """Return who keeps the root key; None in an installation that has always had the same keeper."""
    row = tx.one_or_none(select(custody))
    return None if row is None else CustodyRow(root=row.root, keeper=row.keeper, since=row.since)


def write_custody(tx: Tx, row: CustodyRow) -> None:
    """Say who keeps the root key from now on."""
    tx.execute(delete(custody))
    tx.execute(insert(custody).values(id=_ONLY, root=row.root, keeper=row.keeper, since=row.since))


def read_next(tx: Tx, *, root: str) -> dict[str, NextRow]:
    """Return the keys that are wrapped for the root key ``root`` already, by id."""
    rows = tx.all(select(upcoming).where(upcoming.c.root == root))
    return {
        row.id: NextRow(id=row.id, root=row.root, source=bytes(row.source), wrapped=bytes(row.wrapped)) for row in rows
    }


def write_next(tx: Tx, rows: Iterable[NextRow]) -> None:
    """Keep keys for the next keeper, in place of what was kept of them before."""
    for row in rows:
        tx.execute(delete(upcoming).where(upcoming.c.id == row.id))
        tx.execute(insert(upcoming).values(id=row.id, root=row.root, source=row.source, wrapped=row.wrapped))


def clear_next(tx: Tx, *, except_root: str = "") -> None:
    """Delete what was wrapped for another root key than ``except_root``."""
    tx.execute(delete(upcoming).where(upcoming.c.root != except_root))


def replace_wrap(tx: Tx, key_id: str, *, wrapped: bytes) -> int:
    """Put a key's new wrap in place of the old one; return rows changed."""
    table = vault_sql.key
    return tx.execute(update(table).where(table.c.id == key_id, table.c.wrapped.is_not(None)).values(wrapped=wrapped))
