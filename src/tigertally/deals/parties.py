"""Counterparties: a card is imported by anybody, and believed when two persons confirmed its fingerprint.

A card is self-signed, so it proves only that the holder of the key made it. The person types the fingerprint that the
other side reads out; it has to be the card's. The second person approves exactly that act (``app`` sees to it). The
confirmation is a fact about the party that names the fingerprint, so a card swapped in the database is not believed.
A different card for a known party is refused; replacing it on purpose ends the confirmation and every agreement with
that party.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tigertally.base.canon import Json
from tigertally.base.ids import DealId, PartyId
from tigertally.crypto.digest import same
from tigertally.deals import agreements, events, sql
from tigertally.deals.agreements import SuspendReason
from tigertally.deals.errors import CardDiffers, FingerprintDiffers, NoSuchParty, OwnCard, PartyNotConfirmed
from tigertally.deals.facts import PARTY_CONFIRMED, PARTY_ENGAGED
from tigertally.deals.roles import PartyRole
from tigertally.deals.sql import PartyRow
from tigertally.formats import party as party_format
from tigertally.formats import statement as dsse
from tigertally.formats.party import PartyCard
from tigertally.formats.statement import Statement
from tigertally.ledger import Event, Fact, Ledger, facts
from tigertally.store.tx import Tx

LOCK = "deals.party"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A counterparty: its card, when it was imported, and the entry that confirms it (None: not confirmed)."""

    card: PartyCard
    statement: Statement
    imported: datetime
    confirmed: int | None


def import_card(
    tx: Tx,
    ledger: Ledger,
    *,
    statement: Statement,
    own: PartyId,
    actor: str,
    now: datetime,
    replacing: bool = False,
) -> Party:
    """Keep a counterparty's card, not confirmed. The card on file already: nothing changes.

    ``own`` is our party id. ``replacing`` says that the other side changed keys on purpose. Raises :class:`OwnCard`,
    :class:`CardDiffers`, and what reading a card raises.
    """
    card = party_format.read(statement)
    if card.party == own:
        raise OwnCard
    tx.lock(LOCK)
    row = sql.read_party(tx, card.party)
    if row is not None:
        known = _party(tx, ledger, row, now)
        if known.card.fingerprint() == card.fingerprint():
            return known
        if not replacing:
            raise CardDiffers
        _distrust(tx, ledger, party=card.party, actor=actor, now=now)
    row = PartyRow(party=card.party, card=statement.to_bytes(), imported=now)
    sql.save_party(tx, row)
    payload: dict[str, Json] = {"party": card.party, "fingerprint": card.fingerprint(), "replaced": replacing}
    event = Event(kind=events.PARTY_IMPORTED, payload=payload, actor=actor, about=(card.party,))
    ledger.append(tx, event, now=now)
    return _party(tx, ledger, row, now)


def confirm(tx: Tx, ledger: Ledger, *, party: PartyId, fingerprint: str, actor: str, now: datetime) -> int:
    """Confirm the card of ``party`` by the ``fingerprint`` that the person typed; return the fact's entry.

    Spaces, dashes and case do not matter. Called after the two-person decision. Again: nothing changes. Raises
    :class:`NoSuchParty`, :class:`FingerprintDiffers`.
    """
    tx.lock(LOCK)
    found = find(tx, ledger, party, now=now)
    wanted = found.card.fingerprint()
    if not same(_bare(fingerprint), _bare(wanted)):
        raise FingerprintDiffers
    if found.confirmed is not None:
        return found.confirmed
    return facts.replace(
        tx,
        ledger,
        PARTY_CONFIRMED,
        subject=party,
        value={"fingerprint": wanted},
        start=now,
        until=None,
        actor=actor,
        now=now,
    )


def engage(tx: Tx, ledger: Ledger, *, party: PartyId, role: PartyRole, actor: str, now: datetime) -> int:
    """Engage a confirmed party in a role, by its present card; return the fact's entry. Again: nothing changes.

    Called after the two-person decision. Raises :class:`NoSuchParty`, :class:`PartyNotConfirmed`.
    """
    tx.lock(LOCK)
    card = confirmed_card(tx, ledger, party, now=now)
    value: dict[str, Json] = {"role": role.value, "fingerprint": card.fingerprint()}
    for fact in facts.read(tx, ledger=ledger, kinds=[PARTY_ENGAGED.name], subjects=[party]):
        if fact.current(now) and fact.value == value:
            return fact.entry
    return facts.state(
        tx, ledger, PARTY_ENGAGED, subject=party, value=value, start=now, until=None, actor=actor, now=now
    )


def roles_of(tx: Tx, ledger: Ledger, party: Party, *, now: datetime) -> tuple[PartyRole, ...]:
    """Return the roles in which a party is engaged by its present card."""
    found = facts.read(tx, ledger=ledger, kinds=[PARTY_ENGAGED.name], subjects=[party.card.party])
    held = {
        str(fact.value["role"])
        for fact in found
        if fact.current(now) and fact.value.get("fingerprint") == party.card.fingerprint()
    }
    return tuple(role for role in PartyRole if role.value in held)


def find(tx: Tx, ledger: Ledger, party: str, *, now: datetime) -> Party:
    """Return a counterparty; :class:`NoSuchParty` if its card was never imported."""
    row = sql.read_party(tx, party)
    if row is None:
        raise NoSuchParty
    return _party(tx, ledger, row, now)


def everybody(tx: Tx, ledger: Ledger, *, now: datetime) -> list[Party]:
    """Return all counterparties, the first imported first."""
    return [_party(tx, ledger, row, now) for row in sql.all_parties(tx)]


def confirmed_card(tx: Tx, ledger: Ledger, party: str, *, now: datetime) -> PartyCard:
    """Return the card of ``party`` if it is confirmed. Raises :class:`NoSuchParty`, :class:`PartyNotConfirmed`."""
    found = find(tx, ledger, party, now=now)
    if found.confirmed is None:
        raise PartyNotConfirmed
    return found.card


def confirmation(found: list[Fact], *, party: str, fingerprint: str, now: datetime) -> Fact | None:
    """Return the current fact among ``found`` that confirms this very fingerprint of ``party``."""
    fact = facts.current(found, kind=PARTY_CONFIRMED.name, subject=party, at=now)
    return fact if fact is not None and fact.value.get("fingerprint") == fingerprint else None


def _distrust(tx: Tx, ledger: Ledger, *, party: str, actor: str, now: datetime) -> None:
    for fact in facts.read(tx, ledger=ledger, kinds=[PARTY_CONFIRMED.name], subjects=[party]):
        if not fact.withdrawn:
            facts.withdraw(tx, ledger, entry=fact.entry, reason="card_changed", actor=actor, now=now)
    for row in sql.all_deals(tx):
        if row.counterparty == party:
            deal = DealId(row.id)
            agreements.suspend(tx, ledger, deal=deal, reason=SuspendReason.CARD_CHANGED, actor=actor, now=now)


def _party(tx: Tx, ledger: Ledger, row: PartyRow, now: datetime) -> Party:
    statement = dsse.parse(row.card)
    card = party_format.read(statement)
    if card.party != row.party:
        raise CardDiffers
    stated = facts.read(tx, ledger=ledger, kinds=[PARTY_CONFIRMED.name], subjects=[row.party])
    fact = confirmation(stated, party=row.party, fingerprint=card.fingerprint(), now=now)
    return Party(card=card, statement=statement, imported=row.imported, confirmed=None if fact is None else fact.entry)


def _bare(fingerprint: str) -> bytes:
    return "".join(fingerprint.split()).replace("-", "").lower().encode()
