"""Moving the root from one keeper to another: every wrapped key is wrapped anew, then all change over at once.

1. keys are opened by the old keeper and wrapped by the new one in small steps, outside of transactions (keepers may be
   far away), each new wrap opened again and compared before it is believed; what is done is kept beside
   (``vault_key_next``), so a killed run goes on where it was and the installation works on under the old keeper;
2. one transaction, without the network, puts the new wraps in place of all old ones, says who keeps the root key and
   appends to the ledger. A key that was made, rotated or destroyed meanwhile is seen by the digest of its old wrap and
   sends the work back to 1;
3. after it the old keeper opens nothing here: a process that still holds it is told (``CustodyMoved``), for writing as
   for reading. A backup made before still opens with the old keeper, until both are destroyed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from tigertally.base.canon import Json
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256
from tigertally.ledger import Event, Ledger
from tigertally.store.tx import Tx
from tigertally.vault import events, keys
from tigertally.vault import sql as vault_sql
from tigertally.vault.errors import KeeperNotBelieved, SameKeeper
from tigertally.vault.kept import sql
from tigertally.vault.kept.sql import CustodyRow, NextRow
from tigertally.vault.ports import Begin, KeyKeeper
from tigertally.vault.sql import KeyRow

STEP_KEYS: Final = 16


def state_custody(tx: Tx, keeper: KeyKeeper, *, settings_digest: str, now: datetime) -> None:
    """Say that ``keeper`` keeps the root key from now on; ``settings_digest`` names its settings."""
    sql.write_custody(tx, CustodyRow(root=keeper.key_id, keeper=settings_digest, since=now))


def custody(tx: Tx) -> CustodyRow | None:
    """Return who keeps the root key, if that was ever said."""
    return sql.read_custody(tx)


def move(
    begin: Begin,
    ledger: Ledger,
    *,
    old: KeyKeeper,
    new: KeyKeeper,
    settings_digest: str,
    names: tuple[str, str],
    actor: str,
    now: Callable[[], datetime],
    progress: Progress = SILENT,
    step_keys: int = STEP_KEYS,
    also: Callable[[Tx, datetime], None] | None = None,
) -> int:
    """Let ``new`` keep the root key instead of ``old``; return how many keys it wraps. ``names``: their kinds.

    ``also`` is done in the transaction in which all keys change over.

    Running it again after it ended raises ``SameKeeper``. Raises whatever a keeper raises; nothing is changed then.
    """
    if old.key_id == new.key_id:
        raise SameKeeper
    with begin() as tx:
        sql.clear_next(tx, except_root=new.key_id)
        total = len(_wanting(tx, new.key_id)[0])
    progress.begin(Text("为新的保管处重新包裹密钥", "wrapping keys for the next keeper"), total)
    while True:
        with begin() as tx:
            wanting, ready = _wanting(tx, new.key_id)
            if not wanting:
                moment = now()
                count = _change_over(tx, ledger, ready, new, settings_digest, names, actor, moment)
                if also is not None:
                    also(tx, moment)
                return count
        step = [_rewrapped(row, old, new) for row in wanting[:step_keys]]
        with begin() as tx:
            sql.write_next(tx, step)
        progress.advance(len(step))


def _wanting(tx: Tx, root: str) -> tuple[list[KeyRow], dict[str, NextRow]]:
    """Return keys that are not wrapped for ``root`` as they are now, and those that are."""
    tx.lock("vault_key")
    ready = sql.read_next(tx, root=root)
    wanting: list[KeyRow] = []
    current: dict[str, NextRow] = {}
    for row in vault_sql.read_keys(tx):
        if row.wrapped is None:
            continue
        done = ready.get(row.id)
        if done is not None and done.source == sha256(row.wrapped):
            current[row.id] = done
        else:
            wanting.append(row)
    return wanting, current


def _rewrapped(row: KeyRow, old: KeyKeeper, new: KeyKeeper) -> NextRow:
    opened = keys.open_row(old, row)
    aad = keys.aad_of(opened.info)
    with opened.secret as secret:
        wrapped = new.wrap(secret, aad)
        with new.unwrap(wrapped, aad) as again:
            if again != secret:
                raise KeeperNotBelieved(reason="key_differs")
    return NextRow(id=row.id, root=new.key_id, source=sha256(row.wrapped or b""), wrapped=wrapped)


def _change_over(
    tx: Tx,
    ledger: Ledger,
    ready: dict[str, NextRow],
    new: KeyKeeper,
    settings_digest: str,
    names: tuple[str, str],
    actor: str,
    now: datetime,
) -> int:
    for row in ready.values():
        sql.replace_wrap(tx, row.id, wrapped=row.wrapped)
    sql.clear_next(tx)
    state_custody(tx, new, settings_digest=settings_digest, now=now)
    payload: dict[str, Json] = {"from": names[0], "to": names[1], "root": new.key_id, "keys": len(ready)}
    ledger.append(tx, Event(kind=events.CUSTODY_MOVED, payload=payload, actor=actor), now=now)
    return len(ready)
