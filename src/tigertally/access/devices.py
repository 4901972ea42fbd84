"""Where somebody is signed in: their open sessions, each by a short id and the name of its machine, and ending them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.access import events, sessions, sql
from tigertally.access.errors import NoSuchDevice
from tigertally.base.canon import Json
from tigertally.ledger import Event, Ledger
from tigertally.ledger.entries import LOCK
from tigertally.store.tx import Tx

ID_CHARS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An open session: ``device`` is what the machine was called when the factor was last shown."""

    id: str
    device: str
    factor: str
    since: datetime
    factor_at: datetime
    until: datetime


def of(tx: Tx, ledger: Ledger, *, person: str, now: datetime) -> list[Device]:
    """Return the open sessions of a person, oldest first. ``RowNotProved`` if one is not what the ledger says."""
    found = []
    for row in sql.open_sessions(tx, person, now):
        shown = sessions.shown_in(tx, ledger, row)
        found.append(
            Device(
                id=row.token_digest[:ID_CHARS],
                device=str(shown.value.get("device")),
                factor=str(shown.value.get("factor")),
                since=row.created,
                factor_at=row.factor_at,
                until=row.until,
            )
        )
    return found


def end(tx: Tx, ledger: Ledger, *, person: str, device: str, now: datetime) -> int:
    """End the session with that id, or all of them for "all"; return how many. Raises :class:`NoSuchDevice`."""
    tx.lock(LOCK)
    wanted = [
        row.token_digest
        for row in sql.open_sessions(tx, person, now)
        if device in ("all", row.token_digest, row.token_digest[:ID_CHARS])
    ]
    if not wanted:
        raise NoSuchDevice
    for digest in wanted:
        sql.end_session(tx, digest, now)
    payload: dict[str, Json] = {"person": person, "sessions": len(wanted)}
    ledger.append(tx, Event(kind=events.SESSIONS_ENDED, payload=payload, actor=person, about=(person,)), now=now)
    return len(wanted)
