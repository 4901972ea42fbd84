"""Rows of records: from a subject to its record, and through all of them in order of subject.

Records are numbered as they come (``sql``), so that a batch of new ones is written to one place. The index leads from
a subject to its number; the row says whose it is, and that is the truth: a row of somebody else is not found.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tigertally.store.tx import Tx
from tigertally.vault import index
from tigertally.vault.errors import RecordBroken
from tigertally.vault.index import Known, runs
from tigertally.vault.index.runs import Halves, Numbers
from tigertally.vault.index.sql import IndexKind
from tigertally.vault.rows import sql
from tigertally.vault.rows.sql import RecordRow


def of_subject(tx: Tx, *, scope: str, subject: bytes) -> RecordRow | None:
    """Return a subject's record, None if there is none. Raises ``RecordBroken`` if the index is wrong about it."""
    found = index.find(tx, scope=scope, kind=IndexKind.SUBJECT, keys=runs.halves(subject))
    numbers = np.unique(found.payloads[:, 0]).tolist()
    mine = [row for row in sql.records_at(tx, scope=scope, numbers=numbers) if row.subject == subject]
    if len(mine) != len(numbers):
        raise RecordBroken
    return mine[0] if mine else None


def of_subjects(tx: Tx, known: Known, *, scope: str, subjects: Sequence[bytes]) -> list[RecordRow]:
    """Return the records of these subjects (each once) that are there, in no order. Raises ``RecordBroken``."""
    known.refresh(tx, scope=scope, kinds=(IndexKind.SUBJECT,))
    which, numbers = known.numbers_of(runs.halves(b"".join(subjects)))
    rows = sql.records_at(tx, scope=scope, numbers=np.unique(numbers).tolist())
    if len(rows) != len(numbers):
        raise RecordBroken
    wanted = {subjects[at] for at in which.tolist()}
    return [row for row in rows if row.subject in wanted]


def index_new(tx: Tx, *, scope: str, subjects: bytes, first: int) -> None:
    """Have the index lead to new records, numbered from ``first`` on; ``subjects`` are packed."""
    keys = runs.halves(subjects)
    numbers = np.arange(first, first + len(keys))
    index.add(tx, scope=scope, kind=IndexKind.SUBJECT, keys=keys, payloads=payloads(numbers))


def payloads(numbers: Numbers) -> Halves:
    """Return record numbers as entries of the index lead to them."""
    return np.stack([numbers.astype(np.uint64), np.zeros(len(numbers), np.uint64)], axis=1)


def in_order(tx: Tx, *, scope: str, after: bytes, limit: int) -> list[RecordRow]:
    """Return the next records, one at least if there are any, ascending by subject. Raises ``RecordBroken``."""
    found = index.following(tx, scope=scope, kind=IndexKind.SUBJECT, after=after, limit=limit)
    rows = sql.records_at(tx, scope=scope, numbers=found[:, 2].tolist())
    rows.sort(key=lambda row: row.subject)
    if b"".join([row.subject for row in rows]) != runs.whole(found[:, :2]):
        raise RecordBroken
    return rows
