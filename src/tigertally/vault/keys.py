"""Keys: made, wrapped by the root key, kept in one table, retired and destroyed.

Invariants:
1. a key is stored wrapped only, bound to its id, purpose, scope, version, birth and suite: no row that was moved,
   re-dated or given to another suite opens;
2. one active key per purpose and scope; retired ones open what they sealed and seal nothing new;
3. a vault key past its period (SP 800-57 part 1, table 1: originator period) or its uses (SP 800-38D) seals nothing;
4. destroying overwrites the wrapped bytes; the row stays, so that a certificate can name the key.

Nothing here appends to the ledger, because the ledger's own keys are made here; callers append
(:func:`announce`). Purposes of an installation have the scope ``""``; the others have one key per scope.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from tigertally.access import KEY_ACTIVE
from tigertally.base.ids import KeyId, new_id
from tigertally.base.secret import SecretBytes
from tigertally.crypto import aead
from tigertally.crypto.errors import DecryptionFailed, UnknownSuite
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.sign import NoteKey, SigningKey
from tigertally.crypto.suites import DEFAULT_SUITE, Suite
from tigertally.ledger import Event, EventKind, Ledger, facts
from tigertally.store.schema import to_micros
from tigertally.store.tx import Tx
from tigertally.vault import events, sql
from tigertally.vault.errors import BadScope, CustodyMoved, KeyDoesNotOpen, KeyInUse, NoSuchKey
from tigertally.vault.kept import sql as kept_sql
from tigertally.vault.ports import KeyKeeper
from tigertally.vault.rows import sql as sql_rows
from tigertally.vault.sql import KeyRow

PERIOD_S_MAX: Final = 365 * 24 * 3600
USES_MAX: Final = aead.SEALS_MAX
_SCOPE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class KeyPurpose(Enum):
    """What a key is for; a key has one purpose only (SP 800-57 part 1 §5.2)."""

    VAULT = "vault"
    TOKEN = "token"  # noqa: S105 - a purpose
    INDEX = "index"
    COMMIT = "commit"
    PSEUDONYM = "pseudonym"
    PAYLOAD = "payload"
    NOTE = "note"
    ACCESS = "access"
    SIGNING = "signing"
    TRANSFER = "transfer"


INSTALLATION_PURPOSES: Final = (
    KeyPurpose.PSEUDONYM,
    KeyPurpose.PAYLOAD,
    KeyPurpose.NOTE,
    KeyPurpose.ACCESS,
    KeyPurpose.SIGNING,
    KeyPurpose.TRANSFER,
)
SCOPE_PURPOSES: Final = (KeyPurpose.VAULT, KeyPurpose.TOKEN, KeyPurpose.INDEX, KeyPurpose.COMMIT)


# SP 800-57 part 1 r5, table 1, originator's usage. Only a vault key can be replaced in place, so only its period
# refuses (``keyring``); the others are told as over age. What pseudonyms and digests were made with has to stay as
# long as what they stand for.
_YEAR_S: Final = 365 * 24 * 3600
PERIODS_S: Final[dict[KeyPurpose, int | None]] = {
    KeyPurpose.VAULT: PERIOD_S_MAX,  # symmetric key wrapping: up to two years
    KeyPurpose.TOKEN: 2 * _YEAR_S,  # symmetric authentication and data encryption: up to two years
    KeyPurpose.INDEX: 2 * _YEAR_S,
    KeyPurpose.COMMIT: 2 * _YEAR_S,
    KeyPurpose.PSEUDONYM: None,
    KeyPurpose.PAYLOAD: 2 * _YEAR_S,
    KeyPurpose.NOTE: 3 * _YEAR_S,  # private signature keys: one to three years
    KeyPurpose.ACCESS: 2 * _YEAR_S,
    KeyPurpose.SIGNING: 3 * _YEAR_S,
    KeyPurpose.TRANSFER: 2 * _YEAR_S,  # private key transport: up to two years
}


class KeyState(Enum):
    """Where a key stands. There is no way back."""

    ACTIVE = "active"
    RETIRED = "retired"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """A key without its secret. ``uses`` counts the subject keys that a vault key wrapped."""

    key: KeyId
    purpose: KeyPurpose
    scope: str
    version: int
    state: KeyState
    created: datetime
    uses: int = 0
    retired: datetime | None = None
    destroyed: datetime | None = None
    suite: Suite = DEFAULT_SUITE

    @property
    def due(self) -> datetime | None:
        """When it should be replaced by its purpose's period; None for one that stays, or is not in use."""
        period_s = PERIODS_S[self.purpose]
        return None if period_s is None or self.state is not KeyState.ACTIVE else self.seals_until(period_s)

    def seals_until(self, period_s: int) -> datetime:
        """Return when the key's period ends."""
        return self.created + timedelta(seconds=period_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedKey:
    """A key with its secret, in memory only."""

    info: KeyInfo
    secret: SecretBytes


def create_key(
    tx: Tx,
    keeper: KeyKeeper,
    *,
    purpose: KeyPurpose,
    scope: str,
    now: datetime,
    version: int = 1,
    suite: Suite = DEFAULT_SUITE,
) -> KeyInfo:
    """Make and store a key; vault keys alone are of several suites.

    Raises :class:`BadScope`, ``StoreConflict`` if that version exists, ``SuiteUnavailable``.
    """
    if purpose in SCOPE_PURPOSES and not _SCOPE.fullmatch(scope):
        raise BadScope
    if purpose not in SCOPE_PURPOSES and scope:
        raise ValueError(purpose)
    if suite is not DEFAULT_SUITE and purpose is not KeyPurpose.VAULT:
        raise ValueError(purpose)
    info = KeyInfo(
        key=KeyId(new_id("key")),
        purpose=purpose,
        scope=scope,
        version=version,
        state=KeyState.ACTIVE,
        created=now,
        suite=suite,
    )
    _still_keeps(tx, keeper)
    with _fresh(purpose, suite) as secret:
        wrapped = keeper.wrap(secret, aad_of(info))
    sql.insert_key(
        tx,
        KeyRow(
            id=info.key,
            purpose=purpose.value,
            scope=scope,
            version=version,
            state=info.state.value,
            wrapped=wrapped,
            created=now,
            uses=0,
            retired=None,
            destroyed=None,
            suite=int(suite),
        ),
    )
    return info


def create_installation_keys(tx: Tx, keeper: KeyKeeper, *, now: datetime) -> list[KeyInfo]:
    """Make the installation's keys that are not there yet; return those made."""
    return _create_missing(tx, keeper, purposes=INSTALLATION_PURPOSES, scope="", now=now)


def create_scope_keys(tx: Tx, keeper: KeyKeeper, *, scope: str, now: datetime) -> list[KeyInfo]:
    """Make a scope's keys that are not there yet; return those made.

    Raises :class:`BadScope`, and :class:`NoSuchKey` for a scope whose keys were destroyed: its name stays used.
    """
    return _create_missing(tx, keeper, purposes=SCOPE_PURPOSES, scope=scope, now=now)


def list_keys(tx: Tx, *, purpose: KeyPurpose | None = None, scope: str | None = None) -> list[KeyInfo]:
    """Return keys by purpose, scope and version, destroyed ones too."""
    rows = sql.read_keys(tx, purpose=None if purpose is None else purpose.value, scope=scope)
    return [_info(row) for row in rows]


def active_key(tx: Tx, *, purpose: KeyPurpose, scope: str) -> KeyInfo:
    """Return the active key. Raises :class:`NoSuchKey`."""
    return _info(_active_row(tx, purpose, scope))


def open_key(tx: Tx, keeper: KeyKeeper, *, purpose: KeyPurpose, scope: str) -> OpenedKey:
    """Return the active key with its secret.

    Raises :class:`NoSuchKey`, :class:`KeyDoesNotOpen`, ``KeeperUnavailable``.
    """
    return _open(tx, keeper, _active_row(tx, purpose, scope))


def open_versions(tx: Tx, keeper: KeyKeeper, *, purpose: KeyPurpose, scope: str) -> list[OpenedKey]:
    """Return every key that is not destroyed, oldest first; may be empty."""
    rows = sql.read_keys(tx, purpose=purpose.value, scope=scope)
    return [_open(tx, keeper, row) for row in rows if row.wrapped is not None]


def retire_key(tx: Tx, info: KeyInfo, *, now: datetime) -> None:
    """Let an active key seal nothing more. Raises :class:`NoSuchKey` if it is not active."""
    if sql.retire_key(tx, info.key, now=now) != 1:
        raise NoSuchKey(purpose=info.purpose)


def destroy_key(tx: Tx, info: KeyInfo, *, now: datetime) -> None:
    """Overwrite one key's wrapped bytes. Raises :class:`KeyInUse` for a vault key with records; idempotent."""
    if info.purpose is KeyPurpose.VAULT:
        records = sql_rows.count_records(tx, scope=info.scope, key_version=info.version)
        if records:
            raise KeyInUse(records=records)
    sql.destroy_key(tx, info.key, now=now)


def destroy_scope_keys(tx: Tx, *, scope: str, now: datetime) -> list[KeyInfo]:
    """Overwrite every key of a scope, records or not; return all of the scope's keys as they now are. Idempotent."""
    if not scope:
        raise BadScope
    for row in sql.read_keys(tx, scope=scope):
        sql.destroy_key(tx, row.id, now=now)
    return list_keys(tx, scope=scope)


def announce(
    tx: Tx, ledger: Ledger, keys: Iterable[KeyInfo], *, actor: str, now: datetime, period_s: int = PERIOD_S_MAX
) -> None:
    """Append that ``keys`` were made, and state for each vault key that it is within its period."""
    for info in keys:
        ledger.append(tx, _event(events.KEY_CREATED, info, actor=actor), now=now)
        if info.purpose is KeyPurpose.VAULT:
            facts.state(
                tx,
                ledger,
                KEY_ACTIVE,
                subject=info.key,
                value={"key": info.key, "version": info.version},
                start=info.created,
                until=info.seals_until(period_s),
                actor=actor,
                now=now,
            )


def announce_end(
    tx: Tx, ledger: Ledger, keys: Iterable[KeyInfo], *, kind: EventKind, actor: str, now: datetime
) -> None:
    """Append that ``keys`` were retired or destroyed, and withdraw what was stated of them."""
    for info in keys:
        ledger.append(tx, _event(kind, info, actor=actor), now=now)
        for fact in facts.read(tx, kinds=[KEY_ACTIVE.name], subjects=[info.key]):
            if not fact.withdrawn:
                facts.withdraw(tx, ledger, entry=fact.entry, reason=info.state.value, actor=actor, now=now)


def _event(kind: EventKind, info: KeyInfo, *, actor: str) -> Event:
    payload = {"key": info.key, "purpose": info.purpose.value, "scope": info.scope, "version": info.version}
    return Event(kind=kind, payload=payload, actor=actor, about=(info.key,))


def _create_missing(
    tx: Tx, keeper: KeyKeeper, *, purposes: Sequence[KeyPurpose], scope: str, now: datetime
) -> list[KeyInfo]:
    tx.lock("vault_key")
    made: list[KeyInfo] = []
    for purpose in purposes:
        rows = sql.read_keys(tx, purpose=purpose.value, scope=scope)
        if not rows:
            made.append(create_key(tx, keeper, purpose=purpose, scope=scope, now=now))
        elif all(row.state == KeyState.DESTROYED.value for row in rows):
            raise NoSuchKey(purpose=purpose)
    return made


def _fresh(purpose: KeyPurpose, suite: Suite) -> SecretBytes:
    if purpose is KeyPurpose.NOTE:
        return NoteKey.generate().seeds
    if purpose is KeyPurpose.SIGNING:
        return SigningKey.generate().seeds
    if purpose is KeyPurpose.TRANSFER:
        return TransferKey.generate().secret
    secret = aead.new_key(suite)
    aead.Cipher(secret, suite).seal(b"", b"")  # a machine without the algorithm says so now
    return secret


def _active_row(tx: Tx, purpose: KeyPurpose, scope: str) -> KeyRow:
    rows = [row for row in sql.read_keys(tx, purpose=purpose.value, scope=scope) if row.state == KeyState.ACTIVE.value]
    if len(rows) != 1:
        raise NoSuchKey(purpose=purpose)
    return rows[0]


def open_row(keeper: KeyKeeper, row: KeyRow) -> OpenedKey:
    """Return a stored key with its secret. Raises like :func:`open_key`."""
    info = _info(row)
    if row.wrapped is None:
        raise NoSuchKey(purpose=info.purpose)
    try:
        secret = keeper.unwrap(row.wrapped, aad_of(info))
    except (DecryptionFailed, UnknownSuite):
        raise KeyDoesNotOpen(purpose=info.purpose) from None
    return OpenedKey(info=info, secret=secret)


def _open(tx: Tx, keeper: KeyKeeper, row: KeyRow) -> OpenedKey:
    try:
        return open_row(keeper, row)
    except KeyDoesNotOpen:
        _still_keeps(tx, keeper)
        raise


def _still_keeps(tx: Tx, keeper: KeyKeeper) -> None:
    """Raise ``CustodyMoved`` if another keeper has the root key by now: what this one wraps nobody could open."""
    kept = kept_sql.read_custody(tx)
    if kept is not None and kept.root != keeper.key_id:
        raise CustodyMoved


def aad_of(info: KeyInfo) -> bytes:
    """Return what a wrapped key is bound to. The first suite goes unnamed: its keys are older than suites are."""
    born = to_micros(info.created)
    suite = "" if info.suite is DEFAULT_SUITE else f"|{info.suite.label}"
    return f"vault_key|{info.key}|{info.purpose.value}|{info.scope}|{info.version}|{born}{suite}".encode()


def _info(row: KeyRow) -> KeyInfo:
    return KeyInfo(
        key=KeyId(row.id),
        purpose=KeyPurpose(row.purpose),
        scope=row.scope,
        version=row.version,
        state=KeyState(row.state),
        created=row.created,
        uses=row.uses,
        retired=row.retired,
        destroyed=row.destroyed,
        suite=_suite(row),
    )


def _suite(row: KeyRow) -> Suite:
    try:
        return Suite(row.suite)
    except ValueError:
        raise KeyDoesNotOpen(purpose=row.purpose) from None
