"""Verbs of deals: parties, opening, inviting, accepting, concluding, stages, waivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tigertally import deals
from tigertally.access import Action, Actor, identities
from tigertally.access.policy import Side
from tigertally.access.stages import CLEAR_STAGES
from tigertally.app.errors import NotReadable
from tigertally.app.verbs.attempt import allow, attempt, checked_digest, second_person
from tigertally.app.wire import House
from tigertally.base.fields import FieldClass
from tigertally.base.ids import AgreementId, DealId, PartyId, check_id
from tigertally.crypto.digest import sha256_file
from tigertally.deals import Deal, Due, Judgement, MoveReason, Party, Task, WaiverReason
from tigertally.formats import agreement as agreement_format
from tigertally.formats.dealpapers import Structure
from tigertally.formats.party import GROUP_CHARS, GROUPS, PartyCard
from tigertally.formats.statement import Statement
from tigertally.store.tx import Tx


def deal_of_scope(house: House, tx: Tx, *, scope: str, now: datetime) -> Deal | None:
    """Return the newest deal that sells or receives ``scope`` and is not dead, or None."""
    found = None
    for deal in deals.all_deals(tx, house.ledger, now=now):
        if deal.scope == scope and deal.stage != deals.DEAD:
            found = deal
    return found


def strictest_deal(house: House, tx: Tx, *, scope: str, now: datetime) -> str:
    """Return the deal of ``scope`` that permits clear values least, dead ones included; "" if it was in none.

    A second deal on the same data, or one that died at the buyer, must not open what another closes.
    """
    found = ""
    for deal in deals.all_deals(tx, house.ledger, now=now):
        if deal.scope == scope:
            found = deal.deal
            if deal.stage not in CLEAR_STAGES[deal.side]:
                return found
    return found


def import_card(house: House, *, actor: Actor, card: Statement, replacing: bool = False) -> Party:
    """Take in a counterparty's card; it is believed once two persons confirmed its fingerprint."""

    def work(tx: Tx, now: datetime) -> Party:
        details = (("card", card.digest),)
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, details=details)
        return deals.import_card(
            tx,
            house.ledger,
            statement=card,
            own=house.settings.party,
            actor=actor.person.person,
            now=now,
            replacing=replacing,
        )

    return attempt(house, verb="deals.party_import", work=work, actor=actor)


def confirm_party(house: House, *, actor: Actor, party: str, fingerprint: str) -> int:
    """Confirm a counterparty by the fingerprint it read out; a two-person act. Returns the entry."""

    def work(tx: Tx, now: datetime) -> int:
        spelled = checked_digest("".join(fingerprint.split()).lower(), digits=GROUPS * GROUP_CHARS)
        details = (("party", check_id(party, "pty")), ("fingerprint", spelled))
        allow(house, tx, actor=actor, action=Action.PARTY_CONFIRM, now=now, details=details)
        return deals.confirm(
            tx, house.ledger, party=PartyId(party), fingerprint=fingerprint, actor=actor.person.person, now=now
        )

    return attempt(house, verb="deals.party_confirm", work=work, actor=actor)


def parties(house: House) -> list[Party]:
    """Return all counterparties."""
    with house.store.reading() as tx:
        return deals.all_parties(tx, house.ledger, now=house.clock.now())


def open_deal(house: House, *, actor: Actor, title: str, structure: Structure | None, scope: str) -> Deal:
    """Open a deal as the seller of ``scope``, at stage S0."""

    def work(tx: Tx, now: datetime) -> Deal:
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, details=(("scope", scope),))
        return deals.open_deal(
            tx,
            house.ledger,
            title=title,
            structure=structure,
            side=Side.SELLER,
            scope=scope,
            actor=actor.person.person,
            now=now,
        )

    return attempt(house, verb="deals.open", work=work, actor=actor)


def answer_structure(house: House, *, actor: Actor, deal: str, structure: Structure) -> int:
    """Say which structure the deal has. Returns the entry."""

    def work(tx: Tx, now: datetime) -> int:
        details = (("structure", structure.value),)
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, deal=deal, details=details)
        return deals.answer_structure(
            tx,
            house.ledger,
            deal=DealId(deal),
            structure=structure,
            actor=actor.person.person,
            now=now,
        )

    return attempt(house, verb="deals.structure", work=work, actor=actor)


def invite(
    house: House,
    *,
    actor: Actor,
    deal: str,
    buyer: str,
    classes: Sequence[FieldClass],
    purposes: Sequence[str],
    days: int,
    destroy_within_days: int,
    penalty_cny: int,
) -> Statement:
    """Draft the agreement from the shipped text, sign it, and return the invitation that carries it.

    In a concluded deal this amends: the next version of the same agreement; the old one is suspended at once.
    """

    def work(tx: Tx, now: datetime) -> Statement:
        allow(
            house,
            tx,
            actor=actor,
            action=Action.DEAL_MANAGE,
            now=now,
            classes=tuple(classes),
            deal=deal,
            details=(("buyer", buyer),),
        )
        version, present = _next_version(deals.find_deal(tx, house.ledger, deal, now=now))
        agreement = deals.draft(
            deal=DealId(deal),
            seller=house.card,
            buyer=deals.confirmed_card(tx, house.ledger, buyer, now=now),
            classes=classes,
            purposes=purposes,
            start=now,
            until=now + timedelta(days=days),
            destroy_within_days=destroy_within_days,
            penalty_cny=penalty_cny,
            version=version,
            agreement=present,
        )
        return deals.invite(
            tx,
            house.ledger,
            deal=DealId(deal),
            agreement=agreement,
            own=house.card_statement,
            signing=house.signing,
            actor=actor.person.person,
            now=now,
        )

    return attempt(house, verb="deals.invite", work=work, actor=actor)


def accept(house: House, *, actor: Actor, invitation: Statement, scope: str) -> Statement:
    """As the buyer: check the invitation, sign its agreement, return the acceptance."""

    def work(tx: Tx, now: datetime) -> Statement:
        details = (("invitation", invitation.digest), ("scope", scope))
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, details=details)
        return deals.accept(
            tx,
            house.ledger,
            invitation=invitation,
            own=house.card_statement,
            signing=house.signing,
            scope=scope,
            actor=actor.person.person,
            now=now,
        )

    return attempt(house, verb="deals.accept", work=work, actor=actor)


def conclude(house: House, *, actor: Actor, acceptance: Statement) -> Deal:
    """As the seller: check the acceptance against our invitation; the agreement is in force from now on."""

    def work(tx: Tx, now: datetime) -> Deal:
        details = (("acceptance", acceptance.digest),)
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, details=details)
        return deals.conclude(
            tx,
            house.ledger,
            acceptance=acceptance,
            own=house.card_statement,
            actor=actor.person.person,
            now=now,
        )

    return attempt(house, verb="deals.conclude", work=work, actor=actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The agreement in force in a deal, and who signed it: names with the end of each signature."""

    held: deals.InForce
    signers: tuple[tuple[str, datetime], ...]


def agreed(house: House, *, deal: str) -> Agreed:
    """Return the agreement in force, and the persons who signed it. Raises ``NoSuchDeal``, ``NotInForce``."""
    with house.store.reading() as tx:
        now = house.clock.now()
        held = deals.in_force(tx, house.ledger, deal=deal, now=now)
        found = deals.signers(tx, house.ledger, deal=deal, digest=held.paper.digest, now=now)
        names = {str(person.person): person.handle for person in identities.everybody(tx)}
        signed = tuple((names.get(item.person, item.person), item.until) for item in found)
        return Agreed(held=held, signers=signed)


def cards(house: House) -> tuple[PartyCard, ...]:
    """Return our card and those that two persons confirmed: whose signatures may be called valid."""
    with house.store.reading() as tx:
        found = deals.all_parties(tx, house.ledger, now=house.clock.now())
    return (house.card, *(item.card for item in found if item.confirmed is not None))


def sign_agreement(house: House, *, actor: Actor, deal: str, digest: str) -> int:
    """Sign the agreement in force oneself, by the digest of the text that was shown. Returns the entry."""

    def work(tx: Tx, now: datetime) -> int:
        details = (("digest", checked_digest(digest)),)
        allow(house, tx, actor=actor, action=Action.AGREEMENT_SIGN, now=now, deal=deal, details=details)
        person = actor.person.person
        return deals.sign_personally(tx, house.ledger, deal=DealId(deal), digest=digest, person=person, now=now)

    return attempt(house, verb="deals.sign", work=work, actor=actor)


def every_deal(house: House) -> list[Deal]:
    """Return all deals."""
    with house.store.reading() as tx:
        return deals.all_deals(tx, house.ledger, now=house.clock.now())


def look(house: House, *, deal: str, to: str) -> Judgement:
    """Return what the gate of stage ``to`` would say now."""
    with house.store.reading() as tx:
        return deals.look(tx, house.ledger, deal=DealId(deal), to=to, own=house.settings.party, now=house.clock.now())


def move(house: House, *, actor: Actor, deal: str, to: str, reason: MoveReason | None) -> int:
    """Move a deal to a stage; the gate refuses with every unmet condition. Returns the entry."""

    def work(tx: Tx, now: datetime) -> int:
        allow(house, tx, actor=actor, action=Action.STAGE, now=now, deal=deal, details=(("to", to),))
        return deals.move(
            tx,
            house.ledger,
            deal=DealId(deal),
            to=to,
            own=house.settings.party,
            actor=actor.person.person,
            now=now,
            reason=reason,
        )

    return attempt(house, verb="deals.move", work=work, actor=actor)


def waive(
    house: House, *, actor: Actor, deal: str, condition: str, reason: WaiverReason, days: int, document: str
) -> int:
    """Waive a condition that the product cannot check; a two-person act, for at most 90 days. Returns the entry."""

    def work(tx: Tx, now: datetime) -> int:
        details = (
            ("condition", condition),
            ("reason", reason.value),
            ("days", str(days)),
            ("document", document),
        )
        request = house.access.request(
            tx, actor=actor, action=Action.WAIVE, now=now, deal=check_id(deal, "dea"), details=details
        )
        second = second_person(request, house.access.decide(tx, request))
        return deals.waive(
            tx,
            house.ledger,
            deal=DealId(deal),
            condition=condition,
            reason=reason,
            until=now + timedelta(days=days),
            actor=actor.person.person,
            approver=second.approver,
            now=now,
            document=document,
        )

    return attempt(house, verb="deals.waive", work=work, actor=actor)


def tasks(house: House) -> list[Due]:
    """Return what is to be done in every deal, the most urgent first."""
    with house.store.reading() as tx:
        return deals.tasks(tx, house.ledger, now=house.clock.now())


def task_done(house: House, *, actor: Actor, deal: str, task: Task, document: str) -> int:
    """Say that a task was done elsewhere, with the digest of the paper that shows it. Returns the entry."""

    def work(tx: Tx, now: datetime) -> int:
        details = (("task", task.value), ("document", checked_digest(document)))
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, deal=deal, details=details)
        person = actor.person.person
        return deals.record_done(
            tx, house.ledger, deal=DealId(deal), task=task, document=document, actor=person, now=now
        )

    return attempt(house, verb="deals.task_done", work=work, actor=actor)


def document_digest(path: Path) -> str:
    """Return SHA-256 (hex) of a document that stays where it is."""
    try:
        return sha256_file(path)
    except OSError as error:
        raise NotReadable(path=path, reason=type(error).__name__) from None


def _next_version(deal: Deal) -> tuple[int, AgreementId | None]:
    """Return the version of the agreement to draft, and its id if it amends a concluded one."""
    if deal.agreement is None or not deal.concluded:
        return 1, None
    present = agreement_format.read(deal.agreement)
    return present.version + 1, present.agreement
