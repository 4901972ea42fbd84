"""Rotation of the vault key: a new version seals from now on, every subject key is wrapped anew, data untouched.

If the new version is of another suite, records of the old one are sealed anew instead (``resealing``): a subject's key
is of the suite of the vault key that wraps it. Both are read meanwhile, each by its own header.

Invariants: the old version goes on opening until nothing uses it and it is destroyed by name; the work moves in
batches, each one transaction with its cursor, and can be killed anywhere; a finished one does nothing when run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
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
from tigertally.vault import entries, events, keys
from tigertally.vault.errors import RecordBroken
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.keys import PERIOD_S_MAX, KeyInfo, KeyPurpose
from tigertally.vault.ports import Begin, KeyKeeper
from tigertally.vault.resealing import reseal
from tigertally.vault.rows import sql as sql_rows
from tigertally.vault.rows.sql import GROUP, Group

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
        total = sql_rows.count_records(tx, scope=vault.scope)
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
            groups = sql_rows.groups_after(tx, scope=vault.scope, after=after, limit=max(1, batch_rows // GROUP))
            moved, sealed = _rewrap_groups(tx, vault, groups, now=now())
            changed += moved
            anew += sealed
            if not groups:
                payload: dict[str, Json] = {"scope": vault.scope, "version": vault.active.version, "records": done}
                ledger.append(tx, Event(kind=events.KEYS_REWRAPPED, payload=payload, actor=actor), now=now())
                if anew:
                    payload = {"scope": vault.scope, "suite": vault.active.suite.label, "records": anew}
                    ledger.append(tx, Event(kind=events.RECORDS_RESEALED, payload=payload, actor=actor), now=now())
                jobs.finish(tx, job, now=now())
                return changed
            cursor = canon.dumps({"group": groups[-1].number, "done": done + moved, "anew": anew})
            job = jobs.advance(tx, job, cursor=cursor, now=now())
        progress.advance(moved)


def _rewrap_groups(tx: Tx, vault: VaultKeys, groups: Sequence[Group], *, now: datetime) -> tuple[int, int]:
    """Return how many records were changed, and how many of them were sealed anew."""
    stale = [group for group in groups if group.key_version != vault.active.version]
    if not stale:
        return 0, 0
    span = {"after": stale[0].number * GROUP - 1, "limit": (stale[-1].number - stale[0].number + 1) * GROUP}
    subject = dict(sql_rows.subjects_after(tx, scope=vault.scope, **span))
    living = {group.number: _living(group, subject) for group in stale}
    kek = vault.spend(tx, wraps=sum(map(len, living.values())), now=now)
    anew: list[Group] = []
    same: dict[tuple[int, int], list[Group]] = {}
    for group in stale:
        old = vault.ciphers.get(group.key_version)
        if old is None:
            raise RecordBroken
        if old.suite is not kek.suite:
            anew.append(group)
        else:
            same.setdefault((group.key_version, group.wide), []).append(group)
    changed = [
        one for (version, _), mine in same.items() for one in _rewrapped(vault, kek, version, mine, living, subject)
    ]
    sql_rows.replace_groups(tx, scope=vault.scope, groups=changed)
    moved = sum(len(living[group.number]) for group in changed)
    sealed = reseal(tx, vault, kek, groups=anew) if anew else 0
    return moved + sealed, sealed


def _living(group: Group, subject: Mapping[int, bytes]) -> list[int]:
    """Return the numbers of a group's records that are there."""
    first = group.number * GROUP
    return [number for number in range(first, first + len(group.data) // group.wide) if number in subject]


def _rewrapped(
    vault: VaultKeys,
    kek: Cipher,
    version: int,
    groups: Sequence[Group],
    living: Mapping[int, Sequence[int]],
    subject: Mapping[int, bytes],
) -> list[Group]:
    """Return groups whose keys ``version`` wrapped, wrapped under the active one. Raises ``RecordBroken``."""
    kept = [key for group in groups for key in _of(group, living[group.number])]
    subjects = b"".join([subject[number] for group in groups for number in living[group.number]])
    try:
        wrapped = kek.rewrap_each(
            kept,
            old=vault.ciphers[version],
            old_aads=entries.key_aads(vault.scope, subjects, version),
            aads=entries.key_aads(vault.scope, subjects, vault.active.version),
        )
    except (DecryptionFailed, UnknownSuite):
        raise RecordBroken from None
    out: list[Group] = []
    at = 0
    for group in groups:
        here = living[group.number]
        slots = [bytes(group.wide)] * (len(group.data) // group.wide)
        for number, key in zip(here, wrapped[at : at + len(here)], strict=True):
            slots[number % GROUP] = key
        at += len(here)
        out.append(group._replace(key_version=vault.active.version, data=b"".join(slots)))
    return out


def _of(group: Group, numbers: Sequence[int]) -> list[bytes]:
    keys_of = group.each()
    return [keys_of[number % GROUP] for number in numbers]


def _cursor(raw: bytes) -> tuple[int, int, int]:
    body = canon.loads(raw)
    if not isinstance(body, dict) or "group" not in body:
        # New; or of before records were numbered: what is done already is seen at each group.
        return -1, 0, 0
    return int(str(body["group"])), int(str(body["done"])), int(str(body["anew"]))
