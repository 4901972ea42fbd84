"""Verifying the papers before a handover: card, agreement, invitation, acceptance, release.

The numbers of the checks are those of docs/formats/party.md, agreement.md and deal.md.
"""

from __future__ import annotations

from tigertally.base import clock
from tigertally.base.errors import Problem
from tigertally.base.ids import PartyId
from tigertally.base.text import Text
from tigertally.formats import agreement, dealpapers, party
from tigertally.formats.agreement import Agreement
from tigertally.formats.dealpapers import Release
from tigertally.formats.errors import Malformed
from tigertally.formats.party import PartyCard
from tigertally.formats.statement import Kind, Statement
from tigertally.formats.verify.files import by_digest, of_kind
from tigertally.formats.verify.report import Checklist, Exact, Report, said, told
from tigertally.formats.verify.trust import Context, check_not_future, check_signed, whose

WELL_FORMED = Text("文件完整、格式规范", "the file is whole and well formed")
SELLER_SIGNED = Text("转让方已签署", "the seller signed")
BUYER_SIGNED = Text("受让方已签署", "the buyer signed")


def check_card(statement: Statement, context: Context) -> Report:
    """Verify a party card: 1 form, 2 its own signature, 3 a fingerprint you trust, 4 not from the future."""
    found = Checklist(subject=Text("组织名片", "party card"))
    own = Text("由名片上的密钥签署", "signed by the key it shows")
    try:
        card = party.read(statement)
    except Problem as problem:
        if isinstance(problem, Malformed):
            found.fails(1, WELL_FORMED, said(problem))
        else:
            found.fails(2, own, said(problem))
        return found.report()
    found.holds(1, WELL_FORMED)
    found.holds(2, own)
    _check_confirmed(found, card, context)
    check_not_future(found, 4, instants=[card.created], now=context.now)
    return found.report()


def _check_confirmed(found: Checklist, card: PartyCard, context: Context) -> None:
    name = Text("指纹是您确认过的", "its fingerprint is one you confirmed")
    shown = told("{name}，指纹 {print}", "{name}, fingerprint {print}", name=card.name, print=Exact(card.fingerprint()))
    others = [item for item in context.trust.cards if item.party == card.party]
    if any(item.fingerprint() == card.fingerprint() for item in others):
        found.holds(3, name, shown)
    elif others:
        found.fails(3, name, told("您信任的是该组织的另一张名片", "you trust another card of this party"))
    else:
        found.unknown(3, name, shown)


def check_agreement(statement: Statement, context: Context) -> Report:
    """Verify an agreement: 1 form, 2 seller, 3 buyer, 4 in force now."""
    found = Checklist(subject=Text("保密与数据处理协议", "agreement"))
    try:
        paper = agreement.read(statement)
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return found.report()
    found.holds(1, WELL_FORMED)
    check_signed(found, 2, SELLER_SIGNED, statement=statement, by=paper.seller, context=context)
    check_signed(found, 3, BUYER_SIGNED, statement=statement, by=paper.buyer, context=context)
    term = told(
        "有效期 {start} 至 {until}",
        "its term is {start} to {until}",
        start=Exact(clock.to_text(paper.start)),
        until=Exact(clock.to_text(paper.until)),
    )
    name = Text("现在有效", "it is in force now")
    if paper.in_force(context.now):
        found.holds(4, name, term)
    else:
        found.fails(4, name, term)
    return found.report()


def check_invitation(statement: Statement, context: Context) -> Report:
    """Verify an invitation: 1 form, 2 card, 3 seller, 4 agreement signed, 5 same deal, 6 not from the future."""
    found = Checklist(subject=Text("交易邀请", "invitation"))
    try:
        paper = dealpapers.read_invitation(statement)
        terms = agreement.read(paper.agreement)
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return found.report()
    found.holds(1, WELL_FORMED)
    inside = context.beside(paper.seller_card)
    _check_card_inside(found, paper.seller_card, terms.seller, inside)
    check_signed(found, 3, SELLER_SIGNED, statement=statement, by=terms.seller, context=inside)
    signed = Text("所附协议已由转让方签署", "the agreement inside is signed by the seller")
    check_signed(found, 4, signed, statement=paper.agreement, by=terms.seller, context=inside)
    found.verdict(5, Text("所附协议属于本交易", "the agreement inside is for this deal"), good=terms.deal == paper.deal)
    check_not_future(found, 6, instants=[paper.created], now=context.now)
    return found.report()


def check_acceptance(statement: Statement, context: Context) -> Report:
    """Verify an acceptance: 1 form, 2 card, 3 buyer, 4–5 agreement signed by both, 6 what it answers, 7 time."""
    found = Checklist(subject=Text("接受邀请", "acceptance"))
    try:
        paper = dealpapers.read_acceptance(statement)
        terms = agreement.read(paper.agreement)
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return found.report()
    found.holds(1, WELL_FORMED)
    inside = context.beside(paper.buyer_card)
    _check_card_inside(found, paper.buyer_card, terms.buyer, inside)
    check_signed(found, 3, BUYER_SIGNED, statement=statement, by=terms.buyer, context=inside)
    for step, who, name in (
        (4, terms.buyer, Text("所附协议已由受让方签署", "the agreement inside is signed by the buyer")),
        (5, terms.seller, Text("所附协议已由转让方签署", "the agreement inside is signed by the seller")),
    ):
        check_signed(found, step, name, statement=paper.agreement, by=who, context=_with_invited_card(inside))
    _check_answers(found, paper, terms, context)
    check_not_future(found, 7, instants=[paper.created], now=context.now)
    return found.report()


def check_release(statement: Statement, context: Context) -> Report:
    """Verify a release: 1 form, 2 seller, 3 buyer, 4 within the agreement, 5 not from the future."""
    found = Checklist(subject=Text("移交许可", "release"))
    try:
        paper = dealpapers.read_release(statement)
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return found.report()
    found.holds(1, WELL_FORMED)
    check_signed(found, 2, SELLER_SIGNED, statement=statement, by=paper.seller, context=context)
    check_signed(found, 3, BUYER_SIGNED, statement=statement, by=paper.buyer, context=context)
    _check_under_agreement(found, paper, context)
    check_not_future(found, 5, instants=[paper.created], now=context.now)
    return found.report()


def _with_invited_card(context: Context) -> Context:
    """Return ``context`` with the sellers' cards inside invitations that lie beside the paper."""
    cards = []
    for invitation in of_kind(context.papers, Kind.INVITATION):
        try:
            cards.append(dealpapers.read_invitation(invitation).seller_card)
        except Problem:
            continue
    return context.beside(*cards)


def _check_card_inside(found: Checklist, statement: Statement, expected: PartyId, context: Context) -> None:
    name = Text(
        "所附名片有效，且属于协议所列的一方", "the card inside is valid and is the party that the agreement names"
    )
    try:
        card = party.read(statement)
    except Problem as problem:
        found.fails(2, name, said(problem))
        return
    if card.party != expected:
        found.fails(2, name, told("名片属于 {party}", "the card is {party}'s", party=Exact(card.party)))
        return
    trusted = [item for item in context.trust.cards if item.party == expected]
    if any(item.fingerprint() == card.fingerprint() for item in trusted):
        found.holds(2, name)
    elif trusted:
        found.fails(2, name, told("您信任的是该组织的另一张名片", "you trust another card of this party"))
    else:
        found.unknown(2, name, whose(card))


def _check_answers(found: Checklist, paper: dealpapers.Acceptance, terms: Agreement, context: Context) -> None:
    name = Text("与邀请一致：同一交易、同一协议", "it answers the invitation: same deal, same agreement")
    if terms.deal != paper.deal:
        found.fails(6, name, Text("所附协议属于另一交易", "the agreement inside is for another deal"))
        return
    statement = by_digest(context.papers, Kind.INVITATION, paper.invitation)
    if statement is None:
        found.unknown(6, name, Text("旁边没有它所答复的邀请", "the invitation it answers is not here"), required=False)
        return
    try:
        invited = dealpapers.read_invitation(statement)
    except Problem as problem:
        found.fails(6, name, said(problem))
        return
    same = invited.deal == paper.deal and invited.agreement.digest == paper.agreement.digest
    found.verdict(
        6, name, good=same, detail=Text("协议文本与邀请不同", "the agreement is not the one in the invitation")
    )


def _check_under_agreement(found: Checklist, paper: Release, context: Context) -> None:
    name = Text("在协议范围之内", "it stays within the agreement")
    statement = by_digest(context.papers, Kind.AGREEMENT, paper.agreement)
    if statement is None:
        found.unknown(4, name, Text("旁边没有它所依据的协议", "the agreement it rests on is not here"), required=False)
        return
    try:
        terms = agreement.read(statement)
    except Problem as problem:
        found.fails(4, name, said(problem))
        return
    facts = (
        ("deal", terms.deal == paper.deal),
        ("seller", terms.seller == paper.seller),
        ("buyer", terms.buyer == paper.buyer),
        ("classes", set(paper.classes) <= set(terms.classes)),
        ("created", terms.in_force(paper.created)),
    )
    wrong = [word for word, good in facts if not good]
    detail = told("不一致：{members}", "these do not agree: {members}", members=", ".join(wrong))
    found.verdict(4, name, good=not wrong, detail=detail)
