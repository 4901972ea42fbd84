"""Verbs of the handover: release, bundle, receive, receipt, destroy, certificate, unwind.

Each begins with a decision in a transaction of its own (recorded before anything is done); long work then runs in
steps that survive a kill, and every step's transaction holds its own entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from tigertally import deals, handover, vault
from tigertally.access import Action, Actor
from tigertally.access.policy import Side
from tigertally.app.verbs import copies
from tigertally.app.verbs.attempt import allow, attempt, carry_out, checked_digest, second_person
from tigertally.app.verbs.vault import ensure_scope, scope_keys
from tigertally.app.wire import House
from tigertally.base.errors import Problem
from tigertally.base.fields import SEALABLE, FieldClass
from tigertally.base.ids import DealId, check_id
from tigertally.base.progress import SILENT, Progress
from tigertally.formats.certificate import Signer
from tigertally.formats.dealpapers import Release
from tigertally.formats.receipt import Receipt
from tigertally.formats.statement import Statement
from tigertally.handover import DestructionPlan, KnownCopy, Site, Terms
from tigertally.store.tx import Tx


def terms_of(house: House, tx: Tx, *, deal: str, now: datetime) -> Terms:
    """Return what the deal's confirmed papers say, verified anew. Raises the deals' problems."""
    found = deals.standing(tx, house.ledger, deal, own=house.card, now=now)
    return Terms(
        deal=found.deal.deal,
        side=found.deal.side,
        scope=found.deal.scope,
        stage=found.deal.stage,
        seller=found.seller,
        buyer=found.buyer,
        agreement=found.agreement,
        agreement_digest=found.agreement_digest,
    )


def site_of(house: House, *, actor: Actor, progress: Progress = SILENT) -> Site:
    """Return what a crossing needs of this installation."""
    return Site(
        writing=house.store.transaction,
        reading=house.store.reading,
        ledger=house.ledger,
        clock=house.clock,
        actor=actor.person.person,
        progress=progress,
    )


def propose_release(house: House, *, actor: Actor, deal: str, classes: Sequence[FieldClass], days: int) -> Statement:
    """Seller: sign the release of ``classes`` to the confirmed buyer; a two-person act."""

    def work(tx: Tx, now: datetime) -> Statement:
        terms = terms_of(house, tx, deal=deal, now=now)
        details = (("recipient", terms.buyer.transfer.key_id), ("days", str(days)))
        chosen = tuple(sorted(set(classes), key=lambda cls: cls.value))
        allow(house, tx, actor=actor, action=Action.RELEASE, now=now, classes=chosen, deal=deal, details=details)
        vault.canaries.need_none(tx, house.ledger, scope=terms.scope)
        until = min(now + timedelta(days=days), terms.agreement.until)
        return handover.propose(
            tx,
            house.ledger,
            terms=terms,
            classes=chosen,
            until=until,
            signing=house.signing,
            actor=actor.person.person,
            now=now,
        )

    return attempt(house, verb="handover.release", work=work, actor=actor)


def countersign_release(
    house: House, *, actor: Actor, deal: str, release: Statement, classes: Sequence[FieldClass]
) -> Statement:
    """Buyer: check the seller's release and sign it; a two-person act."""

    def work(tx: Tx, now: datetime) -> Statement:
        chosen = tuple(sorted(set(classes), key=lambda cls: cls.value))
        details = (("release", release.digest),)
        allow(house, tx, actor=actor, action=Action.RELEASE, now=now, classes=chosen, deal=deal, details=details)
        terms = terms_of(house, tx, deal=deal, now=now)
        return handover.countersign(
            tx,
            house.ledger,
            release,
            terms=terms,
            signing=house.signing,
            actor=actor.person.person,
            now=now,
        )

    return attempt(house, verb="handover.countersign", work=work, actor=actor)


def accept_release(house: House, *, actor: Actor, deal: str, release: Statement) -> Release:
    """Seller: take back the release with both signatures; from now on a bundle may be written."""

    def work(tx: Tx, now: datetime) -> Release:
        details = (("release", release.digest),)
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, deal=deal, details=details)
        terms = terms_of(house, tx, deal=deal, now=now)
        return handover.accept_release(tx, house.ledger, release, terms=terms, actor=actor.person.person, now=now)

    return attempt(house, verb="handover.accept_release", work=work, actor=actor)


def bundle(house: House, *, actor: Actor, deal: str, place: Path, progress: Progress = SILENT) -> Statement:
    """Seller: write the bundle of the standing release into ``place``; return the signed manifest."""

    def work(tx: Tx, now: datetime) -> Terms:
        terms = terms_of(house, tx, deal=deal, now=now)
        terms.need_side(Side.SELLER)
        classes = terms.agreement.classes
        allow(house, tx, actor=actor, action=Action.BUNDLE, now=now, classes=classes, deal=deal)
        vault.need_processable(tx, house.ledger, scope=terms.scope)
        vault.canaries.need_none(tx, house.ledger, scope=terms.scope)
        return terms

    terms = attempt(house, verb="handover.bundle", work=work, actor=actor)
    site = site_of(house, actor=actor, progress=progress)

    def write() -> Statement:
        with scope_keys(house, scope=terms.scope) as keys:
            return handover.write(
                site,
                terms=terms,
                keys=keys,
                signing=house.signing,
                card=house.card_statement,
                place=place.absolute(),
            )

    return carry_out(house, verb="handover.bundle", work=write, actor=actor)


def receive(house: House, *, actor: Actor, deal: str, place: Path, progress: Progress = SILENT) -> Statement:
    """Buyer: verify the whole bundle, store it under our own keys, reconcile; return the signed receipt."""

    def work(tx: Tx, now: datetime) -> Terms:
        terms = terms_of(house, tx, deal=deal, now=now)
        terms.need_side(Side.BUYER)
        classes = terms.agreement.classes
        allow(house, tx, actor=actor, action=Action.RECEIVE, now=now, classes=classes, deal=deal)
        ensure_scope(house, tx, scope=terms.scope, actor=actor.person.person, now=now)
        return terms

    terms = attempt(house, verb="handover.receive", work=work, actor=actor)
    site = site_of(house, actor=actor, progress=progress)

    def take() -> Statement:
        with scope_keys(house, scope=terms.scope) as keys:
            return handover.receive(
                site, terms=terms, keys=keys, transfer=house.transfer, signing=house.signing, place=place.absolute()
            )

    return carry_out(house, verb="handover.receive", work=take, actor=actor)


def accept_receipt(house: House, *, actor: Actor, deal: str, receipt: Statement) -> Receipt:
    """Seller: verify the buyer's receipt against our manifest and keep it."""

    def work(tx: Tx, now: datetime) -> Receipt:
        details = (("receipt", receipt.digest),)
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, deal=deal, details=details)
        terms = terms_of(house, tx, deal=deal, now=now)
        return handover.accept_receipt(tx, house.ledger, receipt, terms=terms, actor=actor.person.person, now=now)

    return attempt(house, verb="handover.receipt", work=work, actor=actor)


def destruction_plan(house: House, *, actor: Actor, deal: str, keep_originals: bool) -> DestructionPlan:
    """Return what a destruction would destroy, with every copy known so far; destroys nothing."""

    def work(tx: Tx, now: datetime) -> DestructionPlan:
        terms = terms_of(house, tx, deal=deal, now=now)
        details = (("keep_originals", str(keep_originals)),)
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, deal=deal, details=details)
        person = actor.person.person
        copies.take_over(house, tx, scope=terms.scope, deal=terms.deal, keep=keep_originals, actor=person, now=now)
        return handover.plan(tx, house.ledger, terms=terms, now=now)

    return attempt(house, verb="handover.plan", work=work, actor=actor)


def plan_behind(house: House, *, deal: str, digest: str) -> DestructionPlan | None:
    """Return the plan with that digest, for who is asked to approve it; None if it is not the present one."""
    try:
        with house.store.reading() as tx:
            now = house.clock.now()
            found = handover.plan(tx, house.ledger, terms=terms_of(house, tx, deal=deal, now=now), now=now)
    except Problem:
        return None
    return found if found.digest() == digest else None


def destroy(house: House, *, actor: Actor, deal: str, approved: str, progress: Progress = SILENT) -> Statement:
    """Carry out the plan with the digest ``approved``; two persons; return the certificate.

    The seller destroys against the verified receipt; the buyer of a dead deal erases what it received.
    """

    def work(tx: Tx, now: datetime) -> tuple[Terms, list[Signer]]:
        terms = terms_of(house, tx, deal=deal, now=now)
        request = house.access.request(
            tx, actor=actor, action=Action.DESTROY, now=now, deal=deal, details=(("plan", checked_digest(approved)),)
        )
        second = second_person(request, house.access.decide(tx, request))
        vault.need_erasable(tx, house.ledger, scope=terms.scope)
        person = actor.person.person
        signers = [
            Signer(person=person, act="carried_out", entry=_newest(house, tx, person)),
            Signer(person=second.approver, act="approved", entry=second.entry),
        ]
        return terms, signers

    terms, signers = attempt(house, verb="handover.destroy", work=work, actor=actor)
    site = site_of(house, actor=actor, progress=progress)
    act = handover.unwind if terms.side is Side.BUYER else handover.destroy

    def finish() -> Statement:
        return act(
            site,
            terms=terms,
            approved=approved,
            signers=signers,
            keeper=house.keeper,
            signing=house.signing,
            compact=house.store.compact,
            protected=copies.protected_places(house),
        )

    return carry_out(house, verb="handover.destroy", work=finish, actor=actor)


def list_copies(house: House, *, deal: str) -> list[KnownCopy]:
    """Return every copy registered with the deal, with what became of it."""
    with house.store.reading() as tx:
        return handover.known_copies(tx, house.ledger, deal=DealId(check_id(deal, "dea")))


def reidentify_copy(house: House, *, actor: Actor, deal: str, copy: int) -> KnownCopy:
    """Say that what lies at a registered copy's place now is that copy: it was restored there, or moved back.

    A destruction deletes only the file or folder that was registered, so this decides what will be deleted: two
    persons, who approve that very file or folder. Raises ``NoSuchCopy``, ``CopyProtected``, ``CopySwapped``.
    """

    def work(tx: Tx, now: datetime) -> KnownCopy:
        terms = terms_of(house, tx, deal=deal, now=now)
        found = handover.copy_at(tx, house.ledger, deal=terms.deal, copy=copy)
        details = (("copy", str(copy)), ("device", found.device), ("inode", found.inode))
        allow(house, tx, actor=actor, action=Action.DESTROY, now=now, deal=deal, details=details)
        return handover.reidentify_copy(
            tx,
            house.ledger,
            deal=terms.deal,
            copy=copy,
            expected=found,
            actor=actor.person.person,
            now=now,
            protected=copies.protected_places(house),
        )

    return attempt(house, verb="handover.copy", work=work, actor=actor)


def validate_certificate(house: House, *, actor: Actor, deal: str, certificate: Statement) -> Statement:
    """Check the other side's certificate against what we know and sign it too."""

    def work(tx: Tx, now: datetime) -> Statement:
        details = (("certificate", certificate.digest),)
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, deal=deal, details=details)
        terms = terms_of(house, tx, deal=deal, now=now)
        return handover.validate_certificate(
            tx,
            house.ledger,
            certificate,
            terms=terms,
            signing=house.signing,
            actor=actor.person.person,
            now=now,
        )

    return attempt(house, verb="handover.validate", work=work, actor=actor)


def keep_certificate(house: House, *, actor: Actor, deal: str, certificate: Statement) -> None:
    """Keep our own certificate with the other side's signature."""

    def work(tx: Tx, now: datetime) -> None:
        details = (("certificate", certificate.digest),)
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, deal=deal, details=details)
        terms = terms_of(house, tx, deal=deal, now=now)
        handover.keep_validated(tx, house.ledger, certificate, terms=terms, actor=actor.person.person, now=now)

    attempt(house, verb="handover.keep", work=work, actor=actor)


def sealable() -> tuple[FieldClass, ...]:
    """Return every class that may be handed over."""
    return tuple(sorted(SEALABLE, key=lambda cls: cls.value))


def _newest(house: House, tx: Tx, person: str) -> int:
    """Return the newest entry about ``person``: the decision that was just recorded."""
    return house.ledger.about(tx, person)[-1]
