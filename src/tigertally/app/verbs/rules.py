"""Verbs about the rules of decisions: changing them, simulating a change, waiving a condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tigertally.access import Action, Actor, rules, waivers
from tigertally.access import simulate as simulation
from tigertally.access.policy import Rules
from tigertally.access.simulate import Simulated
from tigertally.access.waivers import WaivedBecause
from tigertally.app.verbs.attempt import allow, attempt, second_person
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


def present(house: House) -> tuple[Rules, Fact | None]:
    """Return the rules in force, and the fact of the organisation's own document, if there is one."""
    with house.store.reading() as tx:
        return rules.in_force(tx, house.ledger), rules.newest(tx, house.ledger)


def change(house: House, *, actor: Actor, text: str) -> Rules:
    """Put a document of rules in force; a two-person act, bound to the table that comes of it.

    Raises ``BadRules``, ``RulesLoosen``.
    """
    document = rules.parse(text)

    def work(tx: Tx, now: datetime) -> Rules:
        version = rules.in_force(tx, house.ledger).version + 1
        wanted = rules.rules_of(document, version=version)
        details = (("rules", wanted.digest), ("version", str(version)))
        request = house.access.request(tx, actor=actor, action=Action.RULES_CHANGE, now=now, details=details)
        second = second_person(request, house.access.decide(tx, request))
        return rules.change(tx, house.ledger, document, actor=actor.person.person, approver=second.approver, now=now)

    return attempt(house, verb="access.rules_change", work=work, actor=actor)


def simulate(house: House, *, actor: Actor, text: str, days: int) -> Simulated:
    """Return which decisions of the last ``days`` days would have come out otherwise under a document of rules.

    Reading decisions is a decision itself. Raises ``BadRules``, ``RulesLoosen``.
    """
    wanted = rules.rules_of(rules.parse(text), version=1)

    def work(tx: Tx, now: datetime) -> datetime:
        details = (("rules", wanted.digest), ("days", str(days)))
        allow(house, tx, actor=actor, action=Action.LEDGER_READ, now=now, details=details)
        return now

    now = attempt(house, verb="access.simulate", work=work, actor=actor)
    with house.store.reading() as tx:
        return simulation.simulate(tx, house.ledger, wanted, start=now - timedelta(days=days), until=now)
