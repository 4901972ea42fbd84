"""Freezing: another person stops somebody at once, and another person than them lets them go on.

While ``people.frozen`` holds, every decision about that person is no. It has no end of its own.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from tigertally.access import PERSON_FROZEN
from tigertally.ledger import Event, Fact, Ledger, facts
from tigertally.people import events
from tigertally.people.errors import AlreadyFrozen, NotFrozen
from tigertally.people.standing import need_other, need_person
from tigertally.store.tx import Tx


class FreezeReason(Enum):
    """Why somebody is frozen; a word, so that nothing personal is written."""

    ANOMALY = "anomaly"
    CREDENTIALS = "credentials"
    INVESTIGATION = "investigation"
    LEAVING = "leaving"
    SCREENING = "screening"


def freeze(tx: Tx, ledger: Ledger, *, subject: str, by: str, reason: FreezeReason, now: datetime) -> int:
    """Freeze ``subject``; return the fact's entry. Raises ``SamePerson``, ``NoSuchPerson``, :class:`AlreadyFrozen`."""
    need_other(subject=subject, by=by)
    need_person(tx, subject)
    if _held(tx, ledger, subject, now):
        raise AlreadyFrozen
    return facts.state(
        tx,
        ledger,
        PERSON_FROZEN,
        subject=subject,
        value={"reason": reason.value},
        start=now,
        until=None,
        actor=by,
        now=now,
        about=(by,),
    )


def unfreeze(tx: Tx, ledger: Ledger, *, subject: str, by: str, now: datetime) -> int:
    """Let ``subject`` go on; return the entry. Raises ``SamePerson``, :class:`NotFrozen`."""
    need_other(subject=subject, by=by)
    held = _held(tx, ledger, subject, now)
    if not held:
        raise NotFrozen
    for fact in held:
        facts.withdraw(tx, ledger, entry=fact.entry, reason="unfrozen", actor=by, now=now)
    payload = {"person": subject, "by": by}
    event = Event(kind=events.PERSON_UNFROZEN, payload=payload, actor=by, about=(subject, by))
    return ledger.append(tx, event, now=now)


def _held(tx: Tx, ledger: Ledger, subject: str, now: datetime) -> list[Fact]:
    found = facts.read(tx, ledger=ledger, kinds=[PERSON_FROZEN.name], subjects=[subject])
    return [fact for fact in found if fact.current(now)]
