"""Persons who signed a deal's agreement: each signs the very text, by its digest, with their own session and factor.

The parties' signatures bind two companies; a person's binds who handles the data (measure 2: an agreement per entity
*and per person*). A signature is a fact about the person that names the deal and the digest of the text, and ends with
the agreement, or after a year. A new version is another text: whoever signed the old one is covered by nothing until
they sign again. The decision (``access``) reads these facts; that the person acted themselves was decided before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tigertally.access import AGREEMENT_IN_FORCE, AGREEMENT_SIGNED
from tigertally.base.canon import Json
from tigertally.base.ids import DealId
from tigertally.crypto.digest import same
from tigertally.deals import dossier, events
from tigertally.deals.dossier import LOCK
from tigertally.deals.errors import AgreementChanged, NotInForce
from tigertally.formats import agreement as agreement_format
from tigertally.formats.agreement import Agreement
from tigertally.formats.statement import Statement
from tigertally.ledger import Event, Fact, Ledger, facts
from tigertally.store.tx import Tx

VALID_DAYS: Final = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A person's signature on the text that is in force: until when, and the entry that proves it."""

    person: str
    until: datetime
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A deal's agreement in force: the paper with both parties' signatures, what it says, the fact that says so."""

    paper: Statement
    agreement: Agreement
    entry: int
    until: datetime


def in_force(tx: Tx, ledger: Ledger, *, deal: str, now: datetime) -> InForce:
    """Return the agreement in force in ``deal``. Raises ``NoSuchDeal``, :class:`NotInForce`.

    The paper is believed as far as its digest is the one that the fact names.
    """
    found = dossier.find(tx, ledger, deal, now=now)
    stated = facts.read(tx, ledger=ledger, kinds=[AGREEMENT_IN_FORCE.name], subjects=[deal])
    fact = facts.current(stated, kind=AGREEMENT_IN_FORCE.name, subject=deal, at=now)
    if fact is None or fact.until is None or found.agreement is None or fact.value["digest"] != found.agreement.digest:
        raise NotInForce
    return InForce(
        paper=found.agreement,
        agreement=agreement_format.read(found.agreement),
        entry=fact.entry,
        until=fact.until,
    )


def sign_personally(tx: Tx, ledger: Ledger, *, deal: DealId, digest: str, person: str, now: datetime) -> int:
    """Record that ``person`` signs the text with ``digest``, the one they were shown; return the fact's entry.

    Raises ``NoSuchDeal``, :class:`NotInForce`, :class:`AgreementChanged` if that is not the text in force. Signing
    again extends nothing beyond the agreement's own end.
    """
    tx.lock(LOCK)
    held = in_force(tx, ledger, deal=deal, now=now)
    if not same(digest.encode(), held.paper.digest.encode()):
        raise AgreementChanged
    for fact in _standing(tx, ledger, person):
        if fact.value["deal"] == deal:
            facts.withdraw(tx, ledger, entry=fact.entry, reason="signed_again", actor=person, now=now)
    payload: dict[str, Json] = {"deal": deal, "person": person, "agreement": digest, "version": held.agreement.version}
    ledger.append(tx, Event(kind=events.AGREEMENT_SIGNED, payload=payload, actor=person, about=(deal, person)), now=now)
    return facts.state(
        tx,
        ledger,
        AGREEMENT_SIGNED,
        subject=person,
        value={"deal": deal, "digest": digest},
        start=now,
        until=min(now + timedelta(days=VALID_DAYS), held.until),
        actor=person,
        now=now,
    )


def signers(tx: Tx, ledger: Ledger, *, deal: str, digest: str, now: datetime) -> list[Signed]:
    """Return who signed the text with ``digest``, as it holds now, the first first."""
    return [
        Signed(person=fact.subject, until=fact.until, entry=fact.entry)
        for fact in facts.read(tx, ledger=ledger, kinds=[AGREEMENT_SIGNED.name])
        if fact.until is not None and fact.current(now) and fact.value == {"deal": deal, "digest": digest}
    ]


def _standing(tx: Tx, ledger: Ledger, person: str) -> list[Fact]:
    found = facts.read(tx, ledger=ledger, kinds=[AGREEMENT_SIGNED.name], subjects=[person])
    return [fact for fact in found if not fact.withdrawn]
