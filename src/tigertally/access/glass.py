"""Breaking the glass: for an hour at most, clear values without a grant. Two persons, loud, reviewed after.

1. Two persons break it for one person, for a reason and a time; the person still needs their role, a fresh factor and a
pledge, and stays under the volume of a day; what is never shown is not shown. 2. Every decision that rests on it says
so. 3. When it is over, two persons other than the one it was broken for review it; until then no glass is broken again.
4. Keys are replaced afterwards (``duties``): by the next beat when its time is over, or by two persons before.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from tigertally.access import duties, events
from tigertally.access.conditions import GLASS_MAX
from tigertally.access.duties import Duty
from tigertally.access.errors import BadGlass, GlassNotReviewed, NoSuchGlass, SamePerson
from tigertally.access.facts import GLASS_BROKEN, GLASS_OPEN, INSTALLATION
from tigertally.base.canon import Json
from tigertally.ledger import Event, Fact, Ledger, facts
from tigertally.ledger.entries import LOCK
from tigertally.store.tx import Tx

MINUTES_MAX: Final = int(GLASS_MAX.total_seconds() // 60)


class Emergency(Enum):
    """Why the glass is broken; a word, so that nothing personal is written."""

    CUSTOMER_HARM = "customer_harm"
    FRAUD_NOW = "fraud_now"
    ORDER = "order"
    OUTAGE = "outage"


class Verdict(Enum):
    """What a review found."""

    JUSTIFIED = "justified"
    MISUSE = "misuse"


def break_it(
    tx: Tx, ledger: Ledger, *, person: str, reason: Emergency, minutes: int, by: str, approver: str, now: datetime
) -> int:
    """Break the glass for ``person``; return the entry, by which it is reviewed.

    Raises :class:`BadGlass`, :class:`SamePerson`, :class:`GlassNotReviewed`.
    """
    if not 1 <= minutes <= MINUTES_MAX:
        raise BadGlass(minutes=MINUTES_MAX)
    if not by or by == approver:
        raise SamePerson
    tx.lock(LOCK)
    if unreviewed(tx, ledger):
        raise GlassNotReviewed
    value: dict[str, Json] = {"reason": reason.value, "by": by, "approver": approver}
    until = now + timedelta(minutes=minutes)
    entry = facts.state(
        tx, ledger, GLASS_BROKEN, subject=person, value=value, start=now, until=until, actor=by, now=now
    )
    open_: dict[str, Json] = {"glass": entry, "person": person}
    facts.state(tx, ledger, GLASS_OPEN, subject=INSTALLATION, value=open_, start=now, until=None, actor=by, now=now)
    payload: dict[str, Json] = {"glass": entry, "person": person, "minutes": minutes, **value}
    event = Event(kind=events.GLASS_BROKEN, payload=payload, actor=by, about=(person, by, approver))
    ledger.append(tx, event, now=now)
    duties.raise_it(tx, ledger, duty=Duty.REPLACE_KEYS, person=person, because="glass", actor=by, now=now)
    return entry


def unreviewed(tx: Tx, ledger: Ledger) -> list[Fact]:
    """Return what was broken and nobody has reviewed; each value names the entry and the person."""
    found = facts.read(tx, ledger=ledger, kinds=[GLASS_OPEN.name], subjects=[INSTALLATION])
    return [fact for fact in found if not fact.withdrawn]


def review(tx: Tx, ledger: Ledger, *, glass: int, verdict: Verdict, by: str, approver: str, now: datetime) -> int:
    """Record a review by two persons, neither of whom it was broken for; the glass is over from now on.

    Raises :class:`NoSuchGlass`, :class:`SamePerson`.
    """
    tx.lock(LOCK)
    fact = next((item for item in unreviewed(tx, ledger) if item.value["glass"] == glass), None)
    if fact is None:
        raise NoSuchGlass
    person = str(fact.value["person"])
    if person in (by, approver) or by == approver:
        raise SamePerson
    facts.withdraw(tx, ledger, entry=fact.entry, reason="reviewed", actor=by, now=now)
    for broken in facts.read(tx, ledger=ledger, kinds=[GLASS_BROKEN.name], subjects=[person]):
        if broken.entry == glass and not broken.withdrawn:
            facts.withdraw(tx, ledger, entry=glass, reason="reviewed", actor=by, now=now)
    payload: dict[str, Json] = {
        "glass": glass,
        "person": person,
        "verdict": verdict.value,
        "by": by,
        "approver": approver,
    }
    event = Event(kind=events.GLASS_REVIEWED, payload=payload, actor=by, about=(person, by, approver))
    return ledger.append(tx, event, now=now)
