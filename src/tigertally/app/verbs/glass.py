"""Verbs of emergencies and their aftermath: breaking the glass, reviewing it, what is still to be done."""

from __future__ import annotations

from datetime import datetime

from tigertally.access import Action, Actor, duties, glass
from tigertally.access.glass import Emergency, Verdict
from tigertally.app.verbs.attempt import attempt, second_person
from tigertally.app.wire import House
from tigertally.ledger import Fact
from tigertally.store.tx import Tx


def break_it(house: House, *, actor: Actor, reason: Emergency, minutes: int) -> int:
    """Break the glass for the actor, with a second person; return the entry, by which it is reviewed."""

    def work(tx: Tx, now: datetime) -> int:
        details = (("reason", reason.value), ("minutes", str(minutes)))
        request = house.access.request(tx, actor=actor, action=Action.GLASS_BREAK, now=now, details=details)
        second = second_person(request, house.access.decide(tx, request))
        who = actor.person.person
        return glass.break_it(
            tx,
            house.ledger,
            person=who,
            reason=reason,
            minutes=minutes,
            by=who,
            approver=second.approver,
            now=now,
        )

    return attempt(house, verb="access.glass_break", work=work, actor=actor)


def review(house: House, *, actor: Actor, entry: int, verdict: Verdict) -> int:
    """Review a glass that was broken for somebody else, with a second person; return the entry."""

    def work(tx: Tx, now: datetime) -> int:
        details = (("glass", str(entry)), ("verdict", verdict.value))
        request = house.access.request(tx, actor=actor, action=Action.GLASS_REVIEW, now=now, details=details)
        second = second_person(request, house.access.decide(tx, request))
        return glass.review(
            tx,
            house.ledger,
            glass=entry,
            verdict=verdict,
            by=actor.person.person,
            approver=second.approver,
            now=now,
        )

    return attempt(house, verb="access.glass_review", work=work, actor=actor)


def waiting(house: House) -> tuple[list[Fact], list[Fact]]:
    """Return the glasses that wait for a review, and what is still to be done."""
    with house.store.reading() as tx:
        return glass.unreviewed(tx, house.ledger), duties.standing(tx, house.ledger)
