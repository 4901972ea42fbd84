"""Tables of the index in sorted runs and the statements on them. What they mean is ``runs`` and ``index``.

``vault_run`` lists a scope's runs; ``vault_block`` holds them in pieces, numbered in their order, each with the
beginning of its first key; ``vault_tally`` says how many values of each class a scope holds.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    Select,
    SmallInteger,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from tigertally.store.schema import Blob, metadata
from tigertally.store.tx import Tx
from tigertally.vault import sql
from tigertally.vault.index.runs import FIRST_BYTES, Block

_REVISION_BITS: Final = 31

run = Table(
    "vault_run",
    metadata,
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("scope", String(40), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Index("ix_vault_run_scope_kind", "scope", "kind"),
)
block = Table(
    "vault_block",
    metadata,
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("first", Blob, nullable=False),
    Column("data", Blob, nullable=False),
    Index("ix_vault_block_run_first_number", "run", "first", "number"),
)
tally = Table(
    "vault_tally",
    metadata,
    Column("scope", String(40), primary_key=True),
    Column("code", SmallInteger, primary_key=True, autoincrement=False),
    Column("held", BigInteger, nullable=False),
)


class IndexKind(IntEnum):
    """What a run leads from and to."""

    TOKEN = 1  # a token to the numbers of the records that hold it
    CARD = 2  # a card's digest to its token
    OTHER = 3  # the digest of any other value to its token, where that is not ours to derive
    ALIKE = 4  # the token of a value's one spelling to its token, where it is spelled otherwise (``alike``)
    SUBJECT = 5  # a subject to its record's number


def count_up(tx: Tx, *, scope: str, held: Mapping[int, int]) -> None:
    """Add to (or take from) how many values of each class there are."""
    for code, more in sorted(held.items()):
        here = (tally.c.scope == scope, tally.c.code == code)
        if not tx.execute(update(tally).where(*here).values(held=tally.c.held + more)):
            tx.execute(insert(tally).values(scope=scope, code=code, held=more))


def read_tally(tx: Tx, *, scope: str) -> dict[int, int]:
    """Return how many values of each class there are, of those that have any."""
    query = select(tally.c.code, tally.c.held).where(tally.c.scope == scope, tally.c.held != 0).order_by(tally.c.code)
    return {row.code: row.held for row in tx.all(query)}


class RunRow(NamedTuple):
    """A run as stored. Its ``revision`` is another one after something was taken out of it."""

    run: int
    level: int
    revision: int
    entries: int


class BlockRow(NamedTuple):
    """A block as stored."""

    run: int
    number: int
    data: bytes


def read_runs(tx: Tx, *, scope: str, kind: IndexKind) -> list[RunRow]:
    """Return a scope's runs of one kind."""
    query = (
        select(run.c.run, run.c.level, run.c.revision, run.c.entries)
        .where(run.c.scope == scope, run.c.kind == kind.value)
        .order_by(run.c.run)
    )
    return [RunRow(*row) for row in tx.all(query)]


def insert_run(tx: Tx, *, scope: str, kind: IndexKind, row: RunRow) -> None:
    """Store a run whose blocks are stored."""
    tx.execute(insert(run).values(scope=scope, kind=kind.value, **row._asdict()))


def insert_blocks(tx: Tx, *, run: int, number: int, blocks: Sequence[Block]) -> None:
    """Store blocks of a run, numbered from ``number`` on."""
    columns: dict[str, Sequence[object]] = {
        "run": [run] * len(blocks),
        "first": [one.first for one in blocks],
        "number": list(range(number, number + len(blocks))),
        "data": [one.data for one in blocks],
    }
    tx.insert_columns(block, columns)


def blocks_after(tx: Tx, *, run: int, after: int, limit: int) -> list[BlockRow]:
    """Return the blocks of a run that follow number ``after``, in order."""
    query = select(block).where(block.c.run == run, block.c.number > after).order_by(block.c.number).limit(limit)
    return _blocks(tx, query)


def place_of(tx: Tx, *, run: int, first: bytes) -> int:
    """Return the number of the last block of a run that begins before ``first``, 0 if none does."""
    query = (
        select(block.c.number)
        .where(block.c.run == run, block.c.first < first)
        .order_by(block.c.first.desc(), block.c.number.desc())
        .limit(1)
    )
    return tx.scalar(query) or 0


def blocks_of(tx: Tx, *, scope: str, kind: IndexKind, first: bytes, last: bytes) -> list[BlockRow]:
    """Return the blocks of all runs that may hold keys whose beginning is from ``first`` to ``last``."""
    mine = select(run.c.run).where(run.c.scope == scope, run.c.kind == kind.value).subquery()
    same = select(block).join(mine, block.c.run == mine.c.run).where(block.c.first.between(first, last))
    # Of the blocks that begin before it, the last one may reach to it.
    other = block.alias()
    before = (
        select(other.c.number)
        .where(other.c.run == mine.c.run, other.c.first < first)
        .order_by(other.c.first.desc(), other.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    lower = select(block).join(mine, block.c.run == mine.c.run).where(block.c.number == before)
    return _blocks(tx, same) + _blocks(tx, lower)


def replace_block(tx: Tx, row: BlockRow, *, data: bytes, gone: int) -> None:
    """Overwrite a block with what is left of it."""
    tx.execute(update(block).where(*_is(row)).values(first=data[:FIRST_BYTES], data=data))
    _revise(tx, row.run, gone)


def delete_block(tx: Tx, row: BlockRow, *, gone: int) -> None:
    """Delete a block of which nothing is left."""
    tx.execute(delete(block).where(*_is(row)))
    _revise(tx, row.run, gone)


def delete_run(tx: Tx, number: int) -> None:
    """Delete a run with its blocks."""
    tx.execute(delete(block).where(block.c.run == number))
    tx.execute(delete(run).where(run.c.run == number))


def delete_index(tx: Tx, *, scope: str, limit: int) -> int:
    """Delete up to ``limit`` blocks of a scope, and runs with them; return how many blocks."""
    if sql.alone(tx, run, scope):
        gone = tx.execute(delete(block))
        tx.execute(delete(run))
        return gone
    return _delete_blocks(tx, scope=scope, limit=limit)


def delete_tally(tx: Tx, *, scope: str) -> None:
    """Forget how many values there were."""
    tx.execute(delete(tally).where(tally.c.scope == scope))


def _delete_blocks(tx: Tx, *, scope: str, limit: int) -> int:
    gone = 0
    for number in tx.scalars(select(run.c.run).where(run.c.scope == scope).order_by(run.c.run)):
        doomed = select(block.c.number).where(block.c.run == number).order_by(block.c.number).limit(limit - gone)
        gone += tx.execute(delete(block).where(block.c.run == number, block.c.number.in_(doomed)))
        if gone == limit:
            break
        tx.execute(delete(run).where(run.c.run == number))
    return gone


def _blocks(tx: Tx, query: Select[Any]) -> list[BlockRow]:
    return [BlockRow(run=row.run, number=row.number, data=bytes(row.data)) for row in tx.all(query)]


def _is(row: BlockRow) -> tuple[ColumnElement[bool], ...]:
    return (block.c.run == row.run, block.c.number == row.number)


def _revise(tx: Tx, number: int, gone: int) -> None:
    # Random, not counted: a change that was undone must not have the number of the one that follows it.
    revision = secrets.randbits(_REVISION_BITS)
    tx.execute(update(run).where(run.c.run == number).values(revision=revision, entries=run.c.entries - gone))
    tx.execute(delete(run).where(run.c.run == number, run.c.entries == 0))
