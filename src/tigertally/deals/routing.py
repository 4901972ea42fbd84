"""The legal route of a deal: decided by two persons from answers, signed, and read by gates; and counsel's opinions.

*decide* — the answers and the structure on record give the requirements (:mod:`~tigertally.deals.routerules`); the
route is signed by our key, and the fact names its digest, what binds and what advises. Again: a new route replaces it.
*opine* — counsel, in their own installation, signs which unverified rules apply and what they sign off; the route must
be signed by a party whose card two persons confirmed there. *take* — 1 the party is confirmed and engaged as counsel;
2 it signed; 3 the opinion is on this deal's present route and on nothing that the route does not ask counsel about;
4 it is not dated in the future and its time is not over. What counsel confirmed binds from then on, whatever becomes of
the opinion or the route; a sign-off ends with the opinion, with the engagement, and with any other route.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from tigertally.access.errors import SamePerson
from tigertally.access.policy import Side
from tigertally.base.canon import Json
from tigertally.base.ids import DealId, PartyId
from tigertally.crypto.sign import SigningKey
from tigertally.deals import dossier, events, parties, routerules
from tigertally.deals.conditions import words
from tigertally.deals.dossier import LOCK
from tigertally.deals.errors import (
    AnotherRoute,
    DatedInFuture,
    NoRoute,
    NotCounsel,
    OpinionOver,
    StructureUnknown,
)
from tigertally.deals.exchange import SKEW_MAX
from tigertally.deals.facts import PARTY_ENGAGED, ROUTE_DECIDED, RULE_CONFIRMED, SIGNED_OFF
from tigertally.deals.roles import PartyRole
from tigertally.formats import route as formats
from tigertally.formats import statement as dsse
from tigertally.formats.dealpapers import Structure
from tigertally.formats.route import Opinion, Requirement, Route
from tigertally.formats.statement import Kind, Statement
from tigertally.ledger import Event, Fact, Ledger, facts
from tigertally.store.tx import Tx


def preview(
    tx: Tx, ledger: Ledger, *, deal: DealId, answers: Mapping[str, Json], now: datetime
) -> tuple[Structure, tuple[Requirement, ...]]:
    """Return what these answers would ask. Raises ``NoSuchDeal``, ``StructureUnknown``, ``BadAnswers``."""
    structure = _structure(tx, ledger, deal, now)
    rules = routerules.shipped()
    confirmed = _confirmed(tx, ledger, deal, now)
    return structure, rules.asked(structure, rules.check(answers), confirmed=confirmed, now=now)


def decide(
    tx: Tx,
    ledger: Ledger,
    *,
    deal: DealId,
    answers: Mapping[str, Json],
    own: PartyId,
    signing: SigningKey,
    actor: str,
    approver: str,
    now: datetime,
) -> Statement:
    """Decide the deal's route by ``answers``; return it signed. Called after the two-person decision.

    Raises ``NoSuchDeal``, ``WrongSide``, ``DealOver``, ``StructureUnknown``, ``BadAnswers``, ``SamePerson``.
    """
    if not actor or not approver or actor == approver:
        raise SamePerson
    tx.lock(LOCK)
    found = dossier.find(tx, ledger, deal, now=now)
    found.need_side(Side.SELLER)
    found.need_open()
    structure = _structure(tx, ledger, deal, now)
    rules = routerules.shipped()
    checked = rules.check(answers)
    asked = rules.asked(structure, checked, confirmed=_confirmed(tx, ledger, deal, now), now=now)
    route = Route(
        deal=deal,
        party=own,
        structure=structure,
        rules=rules.digest,
        answers=tuple(checked.items()),
        requirements=asked,
        created=now,
    )
    paper = dsse.make(Kind.ROUTE, route.body(), signing)
    value: dict[str, Json] = {
        "route": paper.digest,
        "structure": structure.value,
        "rules": rules.digest,
        "asks": _lines(item for item in asked if item.binds),
        "advises": _lines(item for item in asked if not item.binds),
        "asker": actor,
        "approver": approver,
    }
    facts.replace(
        tx,
        ledger,
        ROUTE_DECIDED,
        subject=deal,
        value=value,
        start=now,
        until=rules.holds_until(now),
        actor=actor,
        now=now,
    )
    return paper


def opine(
    tx: Tx,
    ledger: Ledger,
    *,
    route: Statement,
    own: PartyId,
    signing: SigningKey,
    confirms: Sequence[str],
    approves: Sequence[str],
    days: int,
    actor: str,
    now: datetime,
) -> Statement:
    """As counsel: return our opinion on ``route``. Raises ``PartyNotConfirmed``, ``NotSigned``, ``AnotherRoute``."""
    read = formats.read(route)
    card = parties.confirmed_card(tx, ledger, read.party, now=now)
    route.require({card.name: card.signing})
    opinion = Opinion(
        deal=read.deal,
        counsel=own,
        route=route.digest,
        confirms=tuple(sorted(set(confirms))),
        approves=tuple(sorted(set(approves))),
        created=now,
        until=now + timedelta(days=days),
    )
    beyond = formats.beyond(opinion, read)
    if beyond or not (opinion.confirms or opinion.approves):
        raise AnotherRoute(what=", ".join(beyond) or "-")
    paper = dsse.make(Kind.OPINION, opinion.body(), signing)
    payload: dict[str, Json] = {"deal": read.deal, "opinion": paper.digest, "route": route.digest}
    ledger.append(tx, Event(kind=events.OPINION_GIVEN, payload=payload, actor=actor, about=(read.party,)), now=now)
    return paper


def take(tx: Tx, ledger: Ledger, *, opinion: Statement, actor: str, now: datetime) -> Opinion:
    """Take counsel's opinion into the deal it speaks of; return what it says. The same again changes nothing.

    Raises ``NoSuchDeal``, ``NoSuchParty``, ``PartyNotConfirmed``, ``NotCounsel``, ``NotSigned``, ``NoRoute``,
    ``AnotherRoute``, ``DatedInFuture``, ``OpinionOver``.
    """
    tx.lock(LOCK)
    read = formats.read_opinion(opinion)
    found = dossier.find(tx, ledger, read.deal, now=now)
    found.need_open()
    card = parties.confirmed_card(tx, ledger, read.counsel, now=now)
    fingerprint = card.fingerprint()
    roles = facts.read(tx, ledger=ledger, kinds=[PARTY_ENGAGED.name], subjects=[read.counsel])
    as_counsel: dict[str, Json] = {"role": PartyRole.COUNSEL.value, "fingerprint": fingerprint}
    if not any(fact.current(now) and fact.value == as_counsel for fact in roles):
        raise NotCounsel
    opinion.require({card.name: card.signing})
    if read.created > now + SKEW_MAX:
        raise DatedInFuture(what="opinion")
    if read.until <= now:
        raise OpinionOver
    _need_asked(read, _route(tx, ledger, read.deal, now))
    stated = facts.read(tx, ledger=ledger, subjects=[read.deal])
    names: dict[str, Json] = {"opinion": opinion.digest, "counsel": read.counsel}
    known = any(not fact.withdrawn and fact.value.get("opinion") == opinion.digest for fact in stated)
    if read.confirms and not known:
        value: dict[str, Json] = {**names, "rules": list(read.confirms)}
        facts.state(
            tx,
            ledger,
            RULE_CONFIRMED,
            subject=read.deal,
            value=value,
            start=now,
            until=None,
            actor=actor,
            now=now,
        )
    if read.approves and not known:
        value = {**names, "fingerprint": fingerprint, "route": read.route, "rules": list(read.approves)}
        facts.replace(
            tx,
            ledger,
            SIGNED_OFF,
            subject=read.deal,
            value=value,
            start=now,
            until=read.until,
            actor=actor,
            now=now,
        )
    return read


def _structure(tx: Tx, ledger: Ledger, deal: DealId, now: datetime) -> Structure:
    structure = dossier.find(tx, ledger, deal, now=now).structure
    if structure is None:
        raise StructureUnknown
    return structure


def _route(tx: Tx, ledger: Ledger, deal: DealId, now: datetime) -> Fact:
    stated = facts.read(tx, ledger=ledger, kinds=[ROUTE_DECIDED.name], subjects=[deal])
    fact = facts.current(stated, kind=ROUTE_DECIDED.name, subject=deal, at=now)
    if fact is None:
        raise NoRoute
    return fact


def _need_asked(opinion: Opinion, route: Fact) -> None:
    if route.value["route"] != opinion.route:
        raise AnotherRoute(what="route")
    advised = {line.split()[2] for line in words(route, "advises")}
    counsel = {line.split()[2] for line in words(route, "asks") if line.split()[1] == "counsel_signoff"}
    beyond = sorted({*set(opinion.confirms) - advised, *set(opinion.approves) - counsel})
    if beyond:
        raise AnotherRoute(what=", ".join(beyond))


def _confirmed(tx: Tx, ledger: Ledger, deal: DealId, now: datetime) -> dict[str, str]:
    stated = facts.read(tx, ledger=ledger, kinds=[RULE_CONFIRMED.name], subjects=[deal])
    return {rule: str(fact.value["opinion"]) for fact in stated if fact.current(now) for rule in words(fact, "rules")}


def _lines(items: Iterable[Requirement]) -> list[Json]:
    return [f"{item.gate} {item.condition} {item.rule}" for item in items]
