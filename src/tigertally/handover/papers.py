"""The signed papers that a handover keeps: saved by digest, found by deal and kind.

A paper is kept when it was verified or made here; so what is read back was trusted once, and its signatures are
checked again wherever something irreversible rests on it.
"""

from __future__ import annotations

from datetime import datetime

from tigertally.base.ids import DealId
from tigertally.formats import statement as dsse
from tigertally.formats.statement import Kind, Statement
from tigertally.handover import sql
from tigertally.store.tx import Tx


def save(tx: Tx, statement: Statement, *, deal: DealId, now: datetime) -> None:
    """Keep ``statement``; the same paper with other signatures replaces it."""
    sql.save_paper(
        tx,
        deal=deal,
        kind=statement.kind.value,
        digest=statement.digest,
        statement=statement.to_bytes(),
        now=now,
    )


def by_digest(tx: Tx, digest: str) -> Statement | None:
    """Return the paper with this digest, if it is kept."""
    found = sql.read_paper(tx, digest)
    return None if found is None else dsse.parse(found)


def last(tx: Tx, *, deal: DealId, kind: Kind) -> Statement | None:
    """Return the newest paper of ``kind`` in ``deal``."""
    found = sql.last_paper(tx, deal=deal, kind=kind.value)
    return None if found is None else dsse.parse(found)
