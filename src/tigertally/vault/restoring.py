"""What must not come back with a backup: what was erased since, found in a list and in the database, and erased anew.

1. what is gone is said by the ledger: an entry per customer erased (its leaf names the pseudonym), one per key
   destroyed (its payload names the key);
2. only what was erased *after* the backup can return with it: entries before its end are already carried out in it;
3. a scope all of whose keys were destroyed was destroyed whole, so its rows go again; a single destroyed key (one that
   was replaced) goes again unless records of the backup still need it: those cannot be had without it, and keeping it
   would undo the destruction, so that backup is of no use (``KeyReturns``);
4. each batch is one transaction with the entries that say so; run again it goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.base.limits import BATCH_ROWS, DELETE_ROWS
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.formats.leaf import PSEUDONYM_CHARS
from tigertally.ledger import Ledger
from tigertally.ledger import spelling as ledger_spelling
from tigertally.ledger import sql as ledger_sql
from tigertally.store.tx import Tx
from tigertally.vault import destruction, events, keys, spelling
from tigertally.vault.errors import KeyReturns
from tigertally.vault.keys import KeyInfo, KeyPurpose, KeyState
from tigertally.vault.ports import Begin
from tigertally.vault.rows import sql as sql_rows

ERASE_BATCH: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """What a ledger says was erased: ``(entry, pseudonym)`` of subjects and ``(entry, key id)``, by entry."""

    subjects: tuple[tuple[int, str], ...]
    keys: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Returning:
    """What of it is alive in a database: ``(scope, subject)``, whole scopes, and single keys."""

    subjects: tuple[tuple[str, str], ...]
    scopes: tuple[str, ...]
    keys: tuple[KeyInfo, ...]

    @property
    def nothing(self) -> bool:
        """Whether nothing would come back."""
        return not (self.subjects or self.scopes or self.keys)


def gone(tx: Tx, ledger: Ledger) -> Gone:
    """Return all that the ledger says was erased. Raises ``LedgerBroken``."""
    subjects: list[tuple[int, str]] = []
    ended: list[tuple[int, str]] = []
    for rows in ledger_sql.stream_entries(tx, batch_rows=BATCH_ROWS):
        for row in rows:
            if row.kind == events.SUBJECT_ERASED.name:
                subjects += [(row.idx, one) for one in ledger_spelling.read_leaf(row.leaf).about]
            elif row.kind == events.KEY_DESTROYED.name:
                payload = ledger.payload_of(tx, row.idx, kind=events.KEY_DESTROYED)
                if isinstance(payload, dict):
                    ended.append((row.idx, str(payload["key"])))
    return Gone(subjects=tuple(sorted(subjects)), keys=tuple(sorted(ended)))


def returning(
    tx: Tx, ledger: Ledger, *, subjects: Collection[str], ended: Collection[str], progress: Progress = SILENT
) -> Returning:
    """Return what is alive of ``subjects`` (pseudonyms) and ``ended`` (key ids). Raises :class:`KeyReturns`."""
    there = [info for info in keys.list_keys(tx) if info.state is not KeyState.DESTROYED]
    scopes = sorted({info.scope for info in there if info.scope})
    whole = [name for name in scopes if {info.key for info in there if info.scope == name} <= set(ended)]
    single = [info for info in there if info.key in set(ended) and info.scope not in whole]
    for info in single:
        records = sql_rows.count_records(tx, scope=info.scope, key_version=info.version)
        if info.purpose is KeyPurpose.VAULT and records:
            raise KeyReturns(records=records)
    wanted = set(subjects)
    found: list[tuple[str, str]] = []
    progress.begin(Text("核对已删除的客户", "looking for customers that were erased"), None)
    for scope in scopes if wanted else ():
        if scope in whole:
            continue
        for batch in _living(tx, scope):
            digests = ledger.keys.pseudonym.many([one.encode() for one in batch])
            pairs = zip(batch, digests, strict=True)
            found += [(scope, one) for one, digest in pairs if digest.hex()[:PSEUDONYM_CHARS] in wanted]
            progress.advance(len(batch))
    return Returning(subjects=tuple(found), scopes=tuple(whole), keys=tuple(single))


def bring_forward(
    begin: Begin, ledger: Ledger, found: Returning, *, now: Callable[[], datetime], progress: Progress = SILENT
) -> None:
    """Erase again what would come back."""
    progress.begin(Text("重新删除", "erasing again"), len(found.subjects))
    for at in range(0, len(found.subjects), ERASE_BATCH):
        part = found.subjects[at : at + ERASE_BATCH]
        with begin() as tx:
            for scope, subject in part:
                destruction.erase_subject(tx, ledger, scope=scope, subject=subject, actor="", now=now())
        progress.advance(len(part))
    for scope in found.scopes:
        deleted = 1
        while deleted:
            with begin() as tx:
                deleted = destruction.destroy_scope(tx, scope=scope, batch=DELETE_ROWS)
        with begin() as tx:
            there = [info for info in keys.list_keys(tx, scope=scope) if info.state is not KeyState.DESTROYED]
            keys.destroy_scope_keys(tx, scope=scope, now=now())
            keys.announce_end(tx, ledger, there, kind=events.KEY_DESTROYED, actor="", now=now())
    if found.keys:
        with begin() as tx:
            for info in found.keys:
                keys.destroy_key(tx, info, now=now())
            keys.announce_end(tx, ledger, found.keys, kind=events.KEY_DESTROYED, actor="", now=now())


def _living(tx: Tx, scope: str) -> Iterator[list[str]]:
    after = -1
    while found := sql_rows.subjects_after(tx, scope=scope, after=after, limit=BATCH_ROWS):
        after = found[-1][0]
        yield spelling.subjects_text([subject for _, subject in found])
