"""The verb that makes a closing book: decided, signed and recorded; then written into a folder of its own."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tigertally import deals, handover
from tigertally.access import Action, Actor
from tigertally.access.policy import Side
from tigertally.app.errors import NotWritable
from tigertally.app.settings import write_whole
from tigertally.app.verbs.attempt import allow, attempt
from tigertally.app.verbs.handover import terms_of
from tigertally.app.wire import House
from tigertally.formats import dealpapers
from tigertally.formats.statement import Statement
from tigertally.handover import ClosingBook
from tigertally.store.tx import Tx


def make_book(house: House, *, actor: Actor, deal: str, place: Path) -> Statement:
    """Write the closing book of ``deal`` into the new or empty folder ``place``; return its signed list.

    Raises ``BookNotReady``, ``FolderNotEmpty``, :class:`NotWritable`.
    """

    def work(tx: Tx, now: datetime) -> ClosingBook:
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, deal=deal, details=(("book", "closing"),))
        terms = terms_of(house, tx, deal=deal, now=now)
        handover.prepare_folder(place)
        theirs = deals.find_party(tx, house.ledger, terms.theirs.party, now=now).statement
        own = house.card_statement
        return handover.closing_book(
            tx,
            house.ledger,
            terms=terms,
            cards=(own, theirs) if terms.side is Side.SELLER else (theirs, own),
            agreements=_agreements(house, tx, deal, now),
            signing=house.signing,
            actor=actor.person.person,
            now=now,
        )

    made = attempt(house, verb="handover.book", work=work, actor=actor)
    for name, data in made.contents():
        try:
            write_whole(place / name, data, mode=0o644)
        except OSError as error:
            raise NotWritable(path=place / name, reason=type(error).__name__) from None
    return made.statement


def _agreements(house: House, tx: Tx, deal: str, now: datetime) -> tuple[Statement, ...]:
    """Return the agreements of both signatures that are on file: the present one, and the one first accepted."""
    found = deals.find_deal(tx, house.ledger, deal, now=now)
    first = None if found.acceptance is None else dealpapers.read_acceptance(found.acceptance).agreement
    return tuple(paper for paper in (found.agreement, first) if paper is not None)
