"""Verbs of a deal's legal route: what would be asked, deciding it, counsel's opinion, engaging who gives one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from tigertally import deals
from tigertally.access import Action, Actor
from tigertally.app.verbs.attempt import allow, attempt, second_person
from tigertally.app.wire import House
from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.ids import DealId, PartyId, check_id
from tigertally.crypto.digest import sha256_hex
from tigertally.deals import PartyRole
from tigertally.formats.dealpapers import Structure
from tigertally.formats.route import Answer, Opinion, Requirement
from tigertally.formats.statement import Statement
from tigertally.store.tx import Tx


def engage(house: House, *, actor: Actor, party: str, role: PartyRole) -> int:
    """Engage a confirmed party in a role; a two-person act. Returns the entry."""

    def work(tx: Tx, now: datetime) -> int:
        details = (("party", check_id(party, "pty")), ("role", role.value))
        allow(house, tx, actor=actor, action=Action.PARTY_ENGAGE, now=now, details=details)
        return deals.engage(tx, house.ledger, party=PartyId(party), role=role, actor=actor.person.person, now=now)

    return attempt(house, verb="deals.party_engage", work=work, actor=actor)


def roles(house: House) -> dict[str, tuple[PartyRole, ...]]:
    """Return the roles of all parties, by id."""
    with house.store.reading() as tx:
        now = house.clock.now()
        found = deals.all_parties(tx, house.ledger, now=now)
        return {item.card.party: deals.roles_of(tx, house.ledger, item, now=now) for item in found}


def preview(house: House, *, deal: str, answers: Mapping[str, Json]) -> tuple[Structure, tuple[Requirement, ...]]:
    """Return what these answers would ask of the deal; nothing is decided."""
    with house.store.reading() as tx:
        now = house.clock.now()
        return deals.preview_route(tx, house.ledger, deal=DealId(deal), answers=answers, now=now)


def decide(house: House, *, actor: Actor, deal: str, answers: Mapping[str, Json]) -> Statement:
    """Decide the deal's legal route by these answers; a two-person act. Returns the signed route."""

    def work(tx: Tx, now: datetime) -> Statement:
        structure, _ = deals.preview_route(
            tx, house.ledger, deal=DealId(check_id(deal, "dea")), answers=answers, now=now
        )
        checked = deals.route_rules().check(answers)
        said = " ".join(f"{name}={_word(value)}" for name, value in checked.items())
        details = (("structure", structure.value), ("answers", said))
        request = house.access.request(tx, actor=actor, action=Action.ROUTE, now=now, deal=deal, details=details)
        second = second_person(request, house.access.decide(tx, request))
        return deals.decide_route(
            tx,
            house.ledger,
            deal=DealId(deal),
            answers=answers,
            own=house.settings.party,
            signing=house.signing,
            actor=actor.person.person,
            approver=second.approver,
            now=now,
        )

    return attempt(house, verb="deals.route", work=work, actor=actor)


def opine(
    house: House, *, actor: Actor, route: Statement, confirms: Sequence[str], approves: Sequence[str], days: int
) -> Statement:
    """As counsel, sign an opinion on another party's route. Returns the opinion."""

    def work(tx: Tx, now: datetime) -> Statement:
        spoken = sha256_hex(canon.dumps([sorted(confirms), sorted(approves)]))
        details = (("route", route.digest), ("spoken", spoken))
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, details=details)
        return deals.opine(
            tx,
            house.ledger,
            route=route,
            own=house.settings.party,
            signing=house.signing,
            confirms=confirms,
            approves=approves,
            days=days,
            actor=actor.person.person,
            now=now,
        )

    return attempt(house, verb="deals.opine", work=work, actor=actor)


def take(house: House, *, actor: Actor, opinion: Statement) -> Opinion:
    """Take counsel's opinion into the deal it speaks of. Returns what it says."""

    def work(tx: Tx, now: datetime) -> Opinion:
        details = (("opinion", opinion.digest),)
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, details=details)
        return deals.take(tx, house.ledger, opinion=opinion, actor=actor.person.person, now=now)

    return attempt(house, verb="deals.opinion_take", work=work, actor=actor)


def _word(value: Answer) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "unknown" if value is None else str(value)
