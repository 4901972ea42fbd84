"""Taking away: one customer's record, a whole scope's rows, and the proof that what was sealed opens no more.

Invariants: erasing a subject takes its record (with its key), its entries in the index and the payloads of ledger
entries about it, in one transaction; every proof in the ledger still stands. A scope's rows go in batches, the index
first, so that a run that was killed leaves nothing that opens without being counted. Keys are destroyed in ``keys``.
Copies that the database has elsewhere (its log, backups, replicas) are the caller's to account for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from tigertally.base.canon import Json
from tigertally.base.errors import Problem
from tigertally.base.secret import SecretBytes
from tigertally.crypto.aead import Cipher, key_bytes
from tigertally.crypto.errors import DecryptionFailed, UnknownSuite
from tigertally.crypto.suites import suite_of
from tigertally.ledger import Event, Ledger
from tigertally.store.tx import Tx
from tigertally.vault import entries, events, index, keys, rows, spelling, sql
from tigertally.vault.canaries import sql as sql_canaries
from tigertally.vault.errors import KeyDoesNotOpen, NoSuchSubject
from tigertally.vault.index import sql as sql_index
from tigertally.vault.ports import KeyKeeper
from tigertally.vault.rows import sql as sql_rows


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SealedSample:
    """One sealed record as it lay in the vault, with all that its opening needs but the keys."""

    key_version: int
    wrapped_key: bytes
    key_aad: bytes
    sealed: bytes
    aad: bytes


def erase_subject(tx: Tx, ledger: Ledger, *, scope: str, subject: str, actor: str, now: datetime) -> int:
    """Erase one customer; return how many values went. Raises ``NoSuchSubject``, ``BadId``."""
    raw = spelling.subject_raw(subject)
    tx.lock(f"vault:{scope}")
    row = rows.of_subject(tx, scope=scope, subject=raw)
    if row is None:
        raise NoSuchSubject
    held = entries.places(row.fields)
    index.forget(tx, scope=scope, subject=raw, number=row.number, tokens=sorted({one.token for one in held}))
    by_class = Counter(one.code for one in held)
    sql_index.count_up(tx, scope=scope, held={code: -count for code, count in by_class.items()})
    sql_rows.delete_record(tx, scope=scope, number=row.number)
    payloads = ledger.erase_payloads(tx, subject, actor=actor, now=now)
    payload: dict[str, Json] = {"scope": scope, "fields": len(held), "payloads": payloads}
    ledger.append(tx, Event(kind=events.SUBJECT_ERASED, payload=payload, actor=actor, about=(subject,)), now=now)
    return len(held)


def destroy_scope(tx: Tx, *, scope: str, batch: int) -> int:
    """Delete at most ``batch`` rows of a scope; return how many. 0 means that nothing is left."""
    tx.lock(f"vault:{scope}")
    gone = sql_index.delete_index(tx, scope=scope, limit=batch) or sql_rows.delete_records(tx, scope=scope, limit=batch)
    if not sql_rows.subjects_after(tx, scope=scope, after=-1, limit=1):
        sql_canaries.delete_scope(tx, scope=scope)
        sql_index.delete_tally(tx, scope=scope)  # not before, so that what is left is never said to be less than it is
    return gone


def zeroised(tx: Tx, *, scope: str) -> frozenset[str]:
    """Return the ids of a scope's keys that are destroyed and whose wrapped bytes are no longer stored."""
    destroyed = keys.KeyState.DESTROYED.value
    return frozenset(row.id for row in sql.read_keys(tx, scope=scope) if row.state == destroyed and row.wrapped is None)


def sample_sealed(tx: Tx, *, scope: str) -> SealedSample | None:
    """Return one sealed record of a scope, None if it holds none. Kept in memory only, for :func:`try_open`."""
    numbers = [number for number, _ in sql_rows.subjects_after(tx, scope=scope, after=-1, limit=1)]
    for row in sql_rows.records_at(tx, scope=scope, numbers=numbers):
        subject = spelling.subject_text(row.subject)
        head, sealed = entries.split(row.fields)
        return SealedSample(
            key_version=row.key_version,
            wrapped_key=row.wrapped_key,
            key_aad=entries.key_aad(scope, subject, row.key_version),
            sealed=sealed,
            aad=entries.aad(scope, subject, head),
        )
    return None


def try_open(tx: Tx, keeper: KeyKeeper, *, sample: SealedSample) -> bool:
    """Return whether any key that is left, or the root key itself, opens the sample. Raises ``KeeperUnavailable``."""
    if _unwraps(keeper, sample):
        return True
    for purpose, scope in dict.fromkeys((info.purpose, info.scope) for info in keys.list_keys(tx)):
        try:
            opened = keys.open_versions(tx, keeper, purpose=purpose, scope=scope)
        except KeyDoesNotOpen:
            continue
        if any(_opens(one.secret, sample) for one in opened):
            return True
    return False


def _unwraps(keeper: KeyKeeper, sample: SealedSample) -> bool:
    try:
        return _opens_value(keeper.unwrap(sample.wrapped_key, sample.key_aad), sample)
    except (DecryptionFailed, UnknownSuite):
        return False


def _opens(secret: SecretBytes, sample: SealedSample) -> bool:
    try:
        suite = suite_of(sample.wrapped_key)
        if len(secret) != key_bytes(suite):
            return False
        return _opens_value(Cipher(secret, suite).unwrap(sample.wrapped_key, sample.key_aad), sample)
    except (DecryptionFailed, UnknownSuite):
        return False


def _opens_value(secret: SecretBytes, sample: SealedSample) -> bool:
    try:
        Cipher(secret, suite_of(sample.sealed)).open(sample.sealed, sample.aad)
    except Problem:
        return False
    return True
