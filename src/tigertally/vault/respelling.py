"""Making the entries of ``alike`` anew for a whole scope: for what was sealed before there were any, or by older rules.

The records are opened in memory, by batch; nothing of them is kept but entries of the index. Each batch is one
transaction with its cursor, so it can be killed anywhere; a scope that is done is done for this version of the rules.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import numpy as np

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.fields import FIELD_RULES
from tigertally.base.limits import BATCH_ROWS
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.ledger import Event, Ledger
from tigertally.store import jobs
from tigertally.store.jobs import JobState
from tigertally.store.tx import Tx
from tigertally.vault import alike, entries, events, index, normal, spelling
from tigertally.vault.index.sql import IndexKind
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.ports import Begin
from tigertally.vault.records import subject_cipher
from tigertally.vault.rows import sql as sql_rows
from tigertally.vault.rows.sql import RecordRow

JOB_KIND: Final = "vault.respell"
RULES_VERSION: Final = 1  # another one when ``normal`` spells anything otherwise: every scope is then done anew
_CODES: Final = sorted(FIELD_RULES[cls].code for cls in normal.RULES)


def respell(
    begin: Begin,
    ledger: Ledger,
    keys: VaultKeys,
    *,
    actor: str,
    now: Callable[[], datetime],
    batch_rows: int = BATCH_ROWS,
    progress: Progress = SILENT,
) -> int:
    """Make the entries of every record; return how many records this run looked at, 0 if the scope was done before.

    Raises ``JobTaken`` if another process resumed the work, ``RecordBroken``.
    """
    with begin() as tx:
        job = jobs.start_or_resume(tx, key=f"{JOB_KIND}:{RULES_VERSION}:{keys.scope}", kind=JOB_KIND, now=now())
        total = sql_rows.count_records(tx, scope=keys.scope)
    if job.state is JobState.DONE:
        return 0
    progress.begin(Text("重建姓名和号码索引", "indexing names and numbers anew"), total)
    looked = 0
    while True:
        with begin() as tx:
            tx.lock(f"vault:{keys.scope}")
            after = _after(job.cursor)
            if after < 0:
                index.drop(tx, scope=keys.scope, kind=IndexKind.ALIKE)
            numbers = [one for one, _ in sql_rows.subjects_after(tx, scope=keys.scope, after=after, limit=batch_rows)]
            if not numbers:
                payload: dict[str, Json] = {"scope": keys.scope, "rules": RULES_VERSION}
                ledger.append(tx, Event(kind=events.INDEX_RESPELLED, payload=payload, actor=actor), now=now())
                jobs.finish(tx, job, now=now())
                return looked
            _add(tx, keys, sql_rows.records_at(tx, scope=keys.scope, numbers=numbers))
            cursor = canon.dumps({"number": numbers[-1]})
            job = jobs.advance(tx, job, cursor=cursor, now=now())
        looked += len(numbers)
        progress.advance(len(numbers))


def _add(tx: Tx, keys: VaultKeys, rows: list[RecordRow]) -> None:
    there = entries.heads([row.fields for row in rows])
    wanted = np.unique(there.record[np.isin(there.code, _CODES)]).tolist()
    if not wanted:
        return
    mine = [rows[at] for at in wanted]
    there = entries.heads([row.fields for row in mine])
    names = spelling.subjects_text([row.subject for row in mine])
    bodies = [
        entries.opened_body(
            subject_cipher(keys, row, name),
            scope=keys.scope,
            subject=name,
            head=row.fields[:edge],
            sealed=row.fields[edge:],
        )
        for row, name, edge in zip(mine, names, there.edges(), strict=True)
    ]
    joined, edges = entries.texts(there, bodies)
    found = alike.spelled(keys, codes=there.code, texts=joined, edges=edges)
    every = np.ones(len(there.code), np.bool_)
    alike.remember(tx, scope=keys.scope, found=found, given=there.token, stored=every)


def _after(raw: bytes) -> int:
    body = canon.loads(raw)
    return int(str(body["number"])) if isinstance(body, dict) and "number" in body else -1
