"""Screening: another person attests that somebody's background check passed or failed, and when.

PCI DSS 12.7.1; law facts §4 measure 3. Only the outcome and the date are kept, because the check itself is
personal information. A pass holds for a year; a fail ends every earlier pass at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from tigertally.access import PERSON_SCREENED
from tigertally.ledger import Event, Ledger, facts
from tigertally.people import events
from tigertally.people.standing import need_other, need_person
from tigertally.store.tx import Tx

VALID_DAYS: Final = 365


class Screening(Enum):
    """The outcome of a background check."""

    PASS = "pass"  # noqa: S105 - an outcome
    FAIL = "fail"


def attest(tx: Tx, ledger: Ledger, *, subject: str, by: str, outcome: Screening, now: datetime) -> int:
    """Record a screening of ``subject`` that ``by`` attests; return the index of the entry that proves it.

    Raises ``SamePerson``, ``NoSuchPerson``.
    """
    need_other(subject=subject, by=by)
    need_person(tx, subject)
    for fact in facts.read(tx, ledger=ledger, kinds=[PERSON_SCREENED.name], subjects=[subject]):
        if not fact.withdrawn:
            facts.withdraw(tx, ledger, entry=fact.entry, reason="screened_again", actor=by, now=now)
    payload = {"person": subject, "by": by, "outcome": outcome.value}
    event = Event(kind=events.SCREENING_ATTESTED, payload=payload, actor=by, about=(subject, by))
    entry = ledger.append(tx, event, now=now)
    if outcome is Screening.FAIL:
        return entry
    return facts.state(
        tx,
        ledger,
        PERSON_SCREENED,
        subject=subject,
        value={"by": by, "outcome": outcome.value},
        start=now,
        until=now + timedelta(days=VALID_DAYS),
        actor=by,
        now=now,
    )
