"""The table of what is kept aside while tables are rewritten in place. No rule lives here."""

from __future__ import annotations

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, String, Table, delete, insert, select

from tigertally.store.schema import Blob, metadata
from tigertally.store.tx import Tx

aside = Table(
    "sealing_aside",
    metadata,
    Column("job", String(200), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("note", Blob, nullable=False),
    PrimaryKeyConstraint("job", "seq"),
)


def put(tx: Tx, *, job: str, seq: int, note: bytes) -> None:
    """Keep a note, in place of an earlier one of the same number."""
    tx.execute(delete(aside).where(aside.c.job == job, aside.c.seq == seq))
    tx.execute(insert(aside), {"job": job, "seq": seq, "note": note})


def get(tx: Tx, *, job: str, seq: int) -> bytes | None:
    """Return a note, if there is one."""
    row = tx.one_or_none(select(aside.c.note).where(aside.c.job == job, aside.c.seq == seq))
    return None if row is None else row.note


def drop(tx: Tx, *, job: str) -> None:
    """Keep nothing of this job any more."""
    tx.execute(delete(aside).where(aside.c.job == job))
