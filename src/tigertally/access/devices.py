"""Where somebody is signed in, and what they can sign in with: sessions, one-time codes, passkeys, recovery codes.

Each has a short id; sessions and passkeys can be ended one by one, by the person or by who looks after people. What the
list says of sessions and passkeys is what the ledger says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.access import events, sessions, sql
from tigertally.access.errors import NoSuchDevice
from tigertally.access.facts import PASSKEY, RECOVERY_CODES
from tigertally.base.canon import Json
from tigertally.ledger import Event, Fact, FactKind, Ledger, facts
from tigertally.ledger.entries import LOCK
from tigertally.store.tx import Tx

ID_CHARS: Final = 12
SESSION: Final = "session"
CODES: Final = "totp"
KEY: Final = "passkey"
RECOVERY: Final = "recovery"
ALL: Final = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A session that is open (``device``: what its machine was called) or a factor; ``left`` counts recovery codes."""

    id: str
    kind: str
    device: str = ""
    factor: str = ""
    since: datetime | None = None
    factor_at: datetime | None = None
    until: datetime | None = None
    left: int = 0


def of(tx: Tx, ledger: Ledger, *, person: str, now: datetime) -> list[Device]:
    """Return the open sessions of a person, oldest first, then what they can sign in with.

    ``RowNotProved`` if a session is not what the ledger says.
    """
    found = []
    for row in sql.open_sessions(tx, person, now):
        shown = sessions.shown_in(tx, ledger, row)
        found.append(
            Device(
                id=row.token_digest[:ID_CHARS],
                kind=SESSION,
                device=str(shown.value.get("device")),
                factor=str(shown.value.get("factor")),
                since=row.created,
                factor_at=row.factor_at,
                until=row.until,
            )
        )
    row_of = sql.person_by_id(tx, person)
    if row_of is not None and row_of.totp:
        found.append(Device(id=CODES, kind=CODES))
    found += [
        Device(id=_id(fact), kind=KEY, device=str(fact.value["origin"]), since=fact.start)
        for fact in _held(tx, ledger, PASSKEY, person=person, now=now)
    ]
    for fact in _held(tx, ledger, RECOVERY_CODES, person=person, now=now)[-1:]:
        digests = fact.value["digests"]
        left = len(digests) if isinstance(digests, list) else 0
        found.append(Device(id=RECOVERY, kind=RECOVERY, since=fact.start, left=left))
    return found


def end(tx: Tx, ledger: Ledger, *, person: str, device: str, actor: str, now: datetime) -> int:
    """End the session or passkey with that id, or all sessions for "all"; return how many ended.

    Raises :class:`NoSuchDevice`. The way in is not lost: one-time codes stay, and who has nothing left is reset.
    """
    tx.lock(LOCK)
    wanted = [
        row.token_digest
        for row in sql.open_sessions(tx, person, now)
        if device in (ALL, row.token_digest, row.token_digest[:ID_CHARS])
    ]
    keys = [fact for fact in _held(tx, ledger, PASSKEY, person=person, now=now) if device == _id(fact)]
    if not wanted and not keys:
        raise NoSuchDevice
    for fact in keys:
        facts.withdraw(tx, ledger, entry=fact.entry, reason="ended", actor=actor, now=now)
    for digest in wanted:
        sql.end_session(tx, digest, now)
    if wanted:
        payload: dict[str, Json] = {"person": person, "sessions": len(wanted)}
        ledger.append(tx, Event(kind=events.SESSIONS_ENDED, payload=payload, actor=actor, about=(person,)), now=now)
    return len(wanted) + len(keys)


def _id(fact: Fact) -> str:
    return str(fact.value["credential"])[:ID_CHARS]


def _held(tx: Tx, ledger: Ledger, kind: FactKind, *, person: str, now: datetime) -> list[Fact]:
    found = facts.read(tx, ledger=ledger, kinds=[kind.name], subjects=[person])
    return [fact for fact in found if fact.current(now)]
