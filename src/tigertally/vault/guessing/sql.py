"""The table of tries at customers' passwords and the statements on it. No rule lives here."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index, SmallInteger, String, Table, delete, insert, select, update

from tigertally.store.schema import Instant, metadata
from tigertally.store.tx import Tx

guess = Table(
    "vault_guess",
    metadata,
    Column("who", String(64), primary_key=True),
    Column("tries", SmallInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_vault_guess_at", "at"),
)


def read(tx: Tx, who: str) -> tuple[int, datetime] | None:
    """Return how many tries there were and when the last one was, None if there were none."""
    row = tx.one_or_none(select(guess.c.tries, guess.c.at).where(guess.c.who == who))
    return None if row is None else (row.tries, row.at)


def write(tx: Tx, who: str, *, tries: int, at: datetime) -> None:
    """Set the count."""
    if not tx.execute(update(guess).where(guess.c.who == who).values(tries=tries, at=at)):
        tx.execute(insert(guess).values(who=who, tries=tries, at=at))


def forget(tx: Tx, who: str) -> None:
    """Take a count away."""
    tx.execute(delete(guess).where(guess.c.who == who))


def forget_before(tx: Tx, at: datetime) -> None:
    """Take away counts to which nothing was added since."""
    tx.execute(delete(guess).where(guess.c.at <= at))
