"""Rotation of the vault key: a new version seals from now on, every subject key is wrapped anew, data untouched.

If the new version is of another suite, records of the old one are sealed anew instead (``resealing``): a subject's key
is of the suite of the vault key that wraps it. Both are read meanwhile, each by its own header.

Invariants: the old version goes on opening until nothing uses it and it is destroyed by name; the work moves in
batches, each one transaction with its cursor, and can be killed anywhere; a finished one does nothing when run again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Final

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.crypto.aead import Cipher
from tigertally.crypto.errors import DecryptionFailed, UnknownSuite
from tigertally.crypto.suites import Suite
from tigertally.ledger import Event, Ledger
from tigertally.store import jobs
from tigertally.store.jobs import JobState
from tigertally.store.tx import Tx
from tigertally.vault import entries, events, keys, spelling, sql
from tigertally.vault.errors import RecordBroken
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.keys import PERIOD_S_MAX, KeyInfo, KeyPurpose
from tigertally.vault.ports import Begin, KeyKeeper
from tigertally.vault.resealing import reseal

JOB_KIND: Final = "vault.rewrap"
BATCH_ROWS: Final = 32_768


def rotate(
    tx: Tx,
    ledger: Ledger,
    keeper: KeyKeeper,
    *,
    scope: str,
    actor: str,
    now: datetime,
    period_s: int = PERIOD_S_MAX,
    suite: Suite | None = None,
) -> KeyInfo:
    """Retire a scope's vault key and make its next version, of ``suite`` or of the same; return the new one.

    Raises ``NoSuchKey``, ``SuiteUnavailable``.
    """
    tx.lock("vault_key")
    old = keys.active_key(tx, purpose=KeyPurpose.VAULT, scope=scope)
    keys.retire_key(tx, old, now=now)
    suite = old.suite if suite is None else suite
    new = keys.create_key(
        tx, keeper, purpose=KeyPurpose.VAULT, scope=scope, version=old.version + 1, now=now, suite=suite
    )
    retired = [info for info in keys.list_keys(tx, purpose=KeyPurpose.VAULT, scope=scope) if info.key == old.key]
    keys.announce_end(tx, ledger, retired, kind=events.KEY_RETIRED, actor=actor, now=now)
    keys.announce(tx, ledger, [new], actor=actor, now=now, period_s=period_s)
    if new.suite is not old.suite:
        payload: dict[str, Json] = {
            "scope": scope,
            "from": old.suite.label,
            "to": new.suite.label,
            "version": new.version,
        }
        ledger.append(tx, Event(kind=events.SUITE_CHANGED, payload=payload, actor=actor), now=now)
    return new


def rewrap(
    begin: Begin,
    ledger: Ledger,
    vault: VaultKeys,
    *,
    actor: str,
    now: Callable[[], datetime],
    batch_rows: int = BATCH_ROWS,
    progress: Progress = SILENT,
) -> int:
    """Wrap every subject key of the scope under its active vault key; return how many records this run changed.

    Records of another suite than that key's are sealed anew under it.
    ``vault`` was opened after the rotation. Raises ``KeyNotActive`` if the key was rotated again, ``JobTaken`` if
    another process resumed the work, ``RecordBroken``.
    """
    with begin() as tx:
        job = jobs.start_or_resume(tx, key=f"{JOB_KIND}:{vault.active.key}", kind=JOB_KIND, now=now())
        total = sql.count_records(tx, scope=vault.scope)
    if job.state is JobState.DONE:
        return 0
    mixed = any(cipher.suite is not vault.active.suite for cipher in vault.ciphers.values())
    doing = Text("换用算法套件：重新加密记录", "changing suites: sealing records anew")
    progress.begin(doing if mixed else Text("重新包裹客户密钥", "re-wrapping subject keys"), total)
    changed = 0
    while True:
        with begin() as tx:
            # A customer who is erased and comes again meanwhile has another key; one who grows, another record.
            tx.lock(f"vault:{vault.scope}")
            after, done, anew = _cursor(job.cursor)
            rows = sql.wraps_after(tx, scope=vault.scope, after=after, limit=batch_rows)
            moved, sealed = _rewrap_rows(tx, vault, rows, now=now())
            changed += moved
            anew += sealed
            if not rows:
                payload: dict[str, Json] = {"scope": vault.scope, "version": vault.active.version, "records": done}
                ledger.append(tx, Event(kind=events.KEYS_REWRAPPED, payload=payload, actor=actor), now=now())
                if anew:
                    payload = {"scope": vault.scope, "suite": vault.active.suite.label, "records": anew}
                    ledger.append(tx, Event(kind=events.RECORDS_RESEALED, payload=payload, actor=actor), now=now())
                jobs.finish(tx, job, now=now())
                return changed
            cursor = canon.dumps({"after": spelling.subject_text(rows[-1][0]), "done": done + moved, "anew": anew})
            job = jobs.advance(tx, job, cursor=cursor, now=now())
        progress.advance(len(rows))


def _rewrap_rows(
    tx: Tx, vault: VaultKeys, rows: Sequence[tuple[bytes, int, bytes]], *, now: datetime
) -> tuple[int, int]:
    """Return how many records were changed, and how many of them were sealed anew."""
    version = vault.active.version
    stale = [row for row in rows if row[1] != version]
    if not stale:
        return 0, 0
    kek = vault.spend(tx, wraps=len(stale), now=now)
    subjects: list[bytes] = []
    wrapped: list[bytes] = []
    foreign: list[bytes] = []
    for old, theirs in groupby(sorted(stale, key=itemgetter(1, 0)), key=itemgetter(1)):
        mine = list(theirs)
        ours = [subject for subject, _, _ in mine]
        if old in vault.ciphers and vault.ciphers[old].suite is not kek.suite:
            foreign += ours
            continue
        subjects += ours
        wrapped += _rewrapped(vault, kek, old, spelling.subjects_text(ours), [key for _, _, key in mine])
    moved = sql.replace_wraps(tx, scope=vault.scope, subjects=subjects, wrapped=wrapped, key_version=version)
    anew = reseal(tx, vault, kek, subjects=foreign) if foreign else 0
    return moved + anew, anew


def _rewrapped(vault: VaultKeys, kek: Cipher, old: int, names: Sequence[str], wrapped: Sequence[bytes]) -> list[bytes]:
    """Return subject keys that version ``old`` wrapped, wrapped under the active one. Raises ``RecordBroken``."""
    cipher = vault.ciphers.get(old)
    if cipher is None:
        raise RecordBroken
    try:
        return kek.rewrap_each(
            wrapped,
            old=cipher,
            old_aads=[entries.key_aad(vault.scope, name, old) for name in names],
            aads=[entries.key_aad(vault.scope, name, vault.active.version) for name in names],
        )
    except (DecryptionFailed, UnknownSuite):
        raise RecordBroken from None


def _cursor(raw: bytes) -> tuple[bytes, int, int]:
    body = canon.loads(raw)
    if not isinstance(body, dict) or not body:
        return b"", 0, 0
    # A cursor of before there were suites says nothing of records sealed anew.
    return spelling.subject_raw(str(body["after"])), int(str(body["done"])), int(str(body.get("anew", 0)))
