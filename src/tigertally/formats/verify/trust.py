"""Whom the user trusts, and checking signatures against that.

A card is trusted because the user put it there after comparing its fingerprint, never because it lies beside the
file. A signature that verifies under a card nobody confirmed is *unknown*: it shows who would have signed, by
fingerprint, and no more. If the user trusts a card of a party, no other card of that party is tried.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from tigertally.base import clock
from tigertally.base.errors import Problem
from tigertally.base.ids import PartyId
from tigertally.base.limits import NOTE_BYTES_MAX, STATEMENT_BYTES_MAX
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.crypto.hpke import TransferKey
from tigertally.formats import checkpoint, party, policy
from tigertally.formats import statement as dsse
from tigertally.formats.note import NoteVerifier
from tigertally.formats.party import PartyCard
from tigertally.formats.policy import Policy
from tigertally.formats.statement import Kind, Statement
from tigertally.formats.verify.errors import UntrustedCard
from tigertally.formats.verify.files import is_regular, listing, of_kind, paper_at, read_small
from tigertally.formats.verify.report import Checklist, Exact, said, told

SKEW_MAX: Final = timedelta(minutes=5)
CHECKPOINT_SUFFIX: Final = ".checkpoint"
POLICY_SUFFIX: Final = ".policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Cards the user confirmed, the key that opens bundles sent to us, checkpoints kept from earlier, policies."""

    cards: tuple[PartyCard, ...] = ()
    transfer: TransferKey | None = field(default=None, repr=False)
    checkpoints: tuple[bytes, ...] = ()
    policies: tuple[Policy, ...] = ()

    def policies_for(self, log: NoteVerifier) -> list[Policy]:
        """Return the policies that speak of a log: those that list a key of it, and those that list no log."""
        vkeys = set(log.vkeys())
        return [
            policy
            for policy in self.policies
            if not policy.logs or any(str(listed.key) in vkeys for listed in policy.logs)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """All that a verification may look at besides its file."""

    trust: Trust
    papers: tuple[Statement, ...]
    now: datetime
    progress: Progress = SILENT

    def beside(self, *more: Statement) -> Context:
        """Return the context in which ``more`` papers lie beside the file too. That does not make them trusted."""
        return replace(self, papers=(*more, *self.papers))

    def card_of(self, wanted: PartyId, statement: Statement | None = None) -> tuple[PartyCard, bool] | None:
        """Return a card of a party and whether it is trusted; if there are several, one that signed ``statement``."""
        trusted = [card for card in self.trust.cards if card.party == wanted]
        cards = trusted or [card for card in cards_among(self.papers) if card.party == wanted]
        if not cards:
            return None
        signers = statement.signers() if statement else ()
        return next((card for card in cards if card.signing.key_id in signers), cards[0]), bool(trusted)


def read_trust(paths: Iterable[Path], *, transfer: TransferKey | None = None) -> Trust:
    """Return the trust that files and folders hold: party cards (``*.json``), ``*.checkpoint`` notes, ``*.policy``.

    A file that is none of them raises :class:`UntrustedCard`; in a folder other files are passed over.
    """
    cards: dict[str, PartyCard] = {}
    notes: list[bytes] = []
    wanted: list[Policy] = []
    for path in paths:
        inside = listing(path) if path.is_dir() else [path]
        for item in inside:
            if item.suffix == CHECKPOINT_SUFFIX and is_regular(item):
                notes.append(read_small(item, bytes_max=NOTE_BYTES_MAX))
                checkpoint.parse(notes[-1])
                continue
            if item.suffix == POLICY_SUFFIX and is_regular(item):
                wanted.append(policy.parse(read_small(item, bytes_max=policy.BYTES_MAX)))
                continue
            paper = paper_at(item) if path.is_dir() else None
            if path.is_dir() and (paper is None or paper.kind is not Kind.PARTY):
                continue
            card = read_card(item)
            cards[card.fingerprint()] = card
    return Trust(cards=tuple(cards.values()), transfer=transfer, checkpoints=tuple(notes), policies=tuple(wanted))


def read_card(path: Path) -> PartyCard:
    """Return the card in a file, its own signature verified; :class:`UntrustedCard` if it is none."""
    data = read_small(path, bytes_max=STATEMENT_BYTES_MAX)
    try:
        return party.read(dsse.parse(data))
    except Problem:
        raise UntrustedCard(name=path.name) from None


def cards_among(papers: tuple[Statement, ...]) -> list[PartyCard]:
    """Return the valid cards among papers; nobody has confirmed them."""
    cards = []
    for statement in of_kind(papers, Kind.PARTY):
        try:
            cards.append(party.read(statement))
        except Problem:
            continue
    return cards


def check_signed(
    found: Checklist, step: int, name: Text, *, statement: Statement, by: PartyId, context: Context
) -> PartyCard | None:
    """Check that ``by`` signed ``statement`` with both algorithms; return the card if the signature verifies."""
    known = context.card_of(by, statement)
    if known is None:
        found.unknown(step, name, told("没有 {party} 的组织名片", "there is no card of {party}", party=Exact(by)))
        return None
    card, trusted = known
    try:
        statement.require({card.name: card.signing})
    except Problem as problem:
        found.fails(step, name, said(problem))
        return None
    if trusted:
        found.holds(step, name, told("由 {name} 签署", "signed by {name}", name=card.name))
    else:
        found.unknown(step, name, whose(card))
    return card


def signed_by_trusted(statement: Statement, trust: Trust) -> bool:
    """Return whether a card that the user trusts signed ``statement``, both algorithms."""
    for card in trust.cards:
        try:
            statement.require({card.name: card.signing})
        except Problem:
            continue
        return True
    return False


def whose(card: PartyCard) -> Text:
    """Return the sentence that a signature verifies under a card that nobody confirmed."""
    return told(
        "签名与随附的名片一致，但该名片未经确认，不知属于谁。它自称 {name}，指纹 {fingerprint}",
        "the signature fits the card that came along, but nobody confirmed that card, so it is unknown whose it is; "
        "it calls itself {name}, fingerprint {fingerprint}",
        name=card.name,
        fingerprint=Exact(card.fingerprint()),
    )


def check_not_future(found: Checklist, step: int, *, instants: Iterable[datetime], now: datetime) -> None:
    """Check that no instant of a paper lies after the present, with some minutes for clocks that differ."""
    late = [instant for instant in instants if instant > now + SKEW_MAX]
    found.verdict(
        step,
        Text("时间不在未来", "nothing in it is dated in the future"),
        good=not late,
        detail=told("日期为 {at}", "it is dated {at}", at=Exact(clock.to_text(max(late)))) if late else None,
    )
