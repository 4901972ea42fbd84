"""Leaving and moving: whoever leaves is out at once, and what they knew is to be replaced.

Sessions, grants (open and running), enrolment and recovery codes, and the services that the leaver answers for, end in
the transaction that takes the roles away. A leaver who could get at keys or their shares leaves a duty behind: replace
the keys (PCI DSS 3.7.5). Who loses a role and stays is out of every session and grant that they had with it, so are the
services that they answer for, and signs in anew; the duty is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.access import duties, enrolment, events, grants, identities, services, sql
from tigertally.access.duties import Duty
from tigertally.access.identities import Person
from tigertally.access.policy import Role
from tigertally.base.canon import Json
from tigertally.ledger import Event, Ledger
from tigertally.ledger.entries import LOCK
from tigertally.store.tx import Tx

KNOW_KEYS: Final = frozenset({Role.LEAD, Role.OFFICER, Role.CUSTODIAN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What ended with a person, and whether keys are to be replaced."""

    sessions: int
    grants: int
    replace_keys: bool
    services: int = 0


def leave(tx: Tx, ledger: Ledger, *, person: Person, actor: str, now: datetime) -> Left:
    """Take everything from a person who leaves."""
    tx.lock(LOCK)
    sessions = len(sql.open_sessions(tx, person.person, now))
    ended = grants.end_all(tx, ledger, person=person.person, reason="left", actor=actor, now=now)
    enrolment.withdraw_codes(tx, ledger, person=person.person, reason="left", actor=actor, now=now)
    served = services.end_of(tx, ledger, owner=person.person, reason="left", actor=actor, now=now)
    identities.disable(tx, ledger, handle=person.handle, actor=actor, now=now)
    replace = bool(person.roles & KNOW_KEYS)
    if replace:
        duty = Duty.REPLACE_KEYS
        duties.raise_it(tx, ledger, duty=duty, person=person.person, because="left", actor=actor, now=now)
    return Left(sessions=sessions, grants=ended, replace_keys=replace, services=served)


def move(tx: Tx, ledger: Ledger, *, person: Person, roles: frozenset[Role], actor: str, now: datetime) -> Left | None:
    """End sessions and grants of a person who had other roles than ``roles`` too; None if they lost none."""
    lost = person.roles - roles
    if not lost:
        return None
    tx.lock(LOCK)
    grants_ended = grants.end_all(tx, ledger, person=person.person, reason="moved", actor=actor, now=now)
    served = services.end_of(tx, ledger, owner=person.person, reason="moved", actor=actor, now=now)
    sessions = sql.end_sessions(tx, person.person, now)
    payload: dict[str, Json] = {"person": person.person, "sessions": sessions, "grants": grants_ended}
    ledger.append(tx, Event(kind=events.PERSON_MOVED, payload=payload, actor=actor, about=(person.person,)), now=now)
    replace = bool(lost & KNOW_KEYS) and not roles & KNOW_KEYS
    if replace:
        duty = Duty.REPLACE_KEYS
        duties.raise_it(tx, ledger, duty=duty, person=person.person, because="moved", actor=actor, now=now)
    return Left(sessions=sessions, grants=grants_ended, replace_keys=replace, services=served)
