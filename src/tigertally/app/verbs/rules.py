"""Verbs about the rules of decisions: waiving a condition, listing what is waived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tigertally.access import Action, Actor, waivers
from tigertally.access.waivers import WaivedBecause
from tigertally.app.verbs.attempt import attempt, second_person
from tigertally.app.wire import House
from tigertally.ledger import Fact
from tigertally.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Waived:
    """A waiver given: its entry and when it ends."""

    entry: int
    condition: str
    actions: tuple[str, ...]


def waive(
    house: House, *, actor: Actor, condition: str, actions: Sequence[Action], reason: WaivedBecause, days: int
) -> Waived:
    """Waive a condition of decisions for some actions; a two-person act, for at most 90 days."""

    def work(tx: Tx, now: datetime) -> Waived:
        wanted = waivers.need_waivable(condition, actions, days=days)
        named = tuple(action.value for action in wanted)
        details = (
            ("condition", condition),
            ("actions", ",".join(named)),
            ("reason", reason.value),
            ("days", str(days)),
        )
        request = house.access.request(tx, actor=actor, action=Action.CONDITION_WAIVE, now=now, details=details)
        second = second_person(request, house.access.decide(tx, request))
        entry = waivers.waive(
            tx,
            house.ledger,
            condition=condition,
            actions=wanted,
            reason=reason,
            days=days,
            by=actor.person.person,
            approver=second.approver,
            now=now,
        )
        return Waived(entry=entry, condition=condition, actions=named)

    return attempt(house, verb="access.waive", work=work, actor=actor)


def waived(house: House) -> list[Fact]:
    """Return the waivers that hold."""
    with house.store.reading() as tx:
        return waivers.all_current(tx, house.ledger, now=house.clock.now())
