"""Deciding a route, counsel's opinion on it, and what the closing gate makes of both."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.deals.conftest import Firm
from tests.unit.deals.test_stages import at_s6, handed, inventory, refused, seal, waive
from tests.vectors import world

from tigertally import deals
from tigertally.access.errors import SamePerson
from tigertally.base.ids import DealId, PartyId
from tigertally.deals import PartyRole
from tigertally.formats import route as formats
from tigertally.formats import statement as dsse
from tigertally.formats.dealpapers import Structure
from tigertally.formats.errors import NotSigned
from tigertally.formats.route import Opinion
from tigertally.formats.statement import Kind, Statement

RULE, COUNSELS = "cn.pboc.data", "cn.pipl.22.reorganisation"


@pytest.fixture
def deal(seller: Firm) -> DealId:
    return seller.open(Structure.D2)


def with_counsel(seller: Firm, *, role: PartyRole = PartyRole.COUNSEL) -> world.Company:
    """A third company, confirmed and engaged."""
    counsel = world.stranger()
    seller.trust(counsel)
    engage(seller, counsel.id, role)
    return counsel


def engage(firm: Firm, party: PartyId, role: PartyRole) -> int:
    with firm.tx() as tx:
        return deals.engage(tx, firm.ledger, party=party, role=role, actor=firm.lead, now=firm.now)


def opinion(firm: Firm, paper: Statement, by: world.Company, /, **changes: object) -> Statement:
    members: dict[str, object] = {
        "deal": formats.read(paper).deal,
        "counsel": by.id,
        "route": paper.digest,
        "confirms": (RULE,),
        "approves": (COUNSELS,),
        "created": firm.now,
        "until": firm.now + timedelta(days=30),
    }
    return dsse.make(Kind.OPINION, Opinion(**{**members, **changes}).body(), by.signing)  # type: ignore[arg-type]


def take(firm: Firm, paper: Statement) -> Opinion:
    with firm.tx() as tx:
        return deals.take(tx, firm.ledger, opinion=paper, actor=firm.lead, now=firm.now)


def test_a_route_is_signed_and_is_what_the_ledger_says(seller: Firm, deal: DealId) -> None:
    paper = seller.route(deal, licensed=True, reorganisation=True)
    paper.require({"seller": seller.company.signing.public})
    read = formats.read(paper)
    fact = seller.current("deals.route", deal)
    assert fact is not None
    assert fact.value["route"] == paper.digest
    assert (read.structure, read.rules) == (Structure.D2, deals.route_rules().digest)
    assert dict(read.answers)["persons"] == 6000
    lines = {item.binds: [] for item in read.requirements}  # type: ignore[var-annotated]
    for item in read.requirements:
        lines[item.binds].append(f"{item.gate} {item.condition} {item.rule}")
    assert (fact.value["asks"], fact.value["advises"]) == (lines[True], lines[False])
    again = seller.route(deal)
    now = seller.current("deals.route", deal)
    assert now is not None
    assert now.value["route"] == again.digest != paper.digest


def test_who_cannot_decide(seller: Firm, buyer: Firm, deal: DealId) -> None:
    arguments = {"answers": {}, "own": seller.id, "signing": seller.company.signing, "now": seller.now}
    for actor, approver in ((seller.lead, seller.lead), (seller.lead, ""), ("", seller.officer)):
        with seller.tx() as tx, pytest.raises(SamePerson):
            deals.decide_route(tx, seller.ledger, deal=deal, actor=actor, approver=approver, **arguments)  # type: ignore[arg-type]
    bare = seller.open(None, scope="other")
    with pytest.raises(deals.StructureUnknown):
        seller.route(bare)
    with pytest.raises(deals.BadAnswers):
        seller.route(deal, licensed="perhaps")
    with pytest.raises(deals.NoSuchDeal):
        buyer.route(deal)


def test_the_closing_waits_for_the_route_then_for_counsel(seller: Firm, buyer: Firm) -> None:
    deal = at_s6(seller, buyer, Structure.D2)
    seal(seller, deal)
    handed(seller, deal, "handover.released")
    for condition in ("drill", "notices", "consents", "contract_consents"):
        waive(seller, deal, condition)
    assert refused(seller, deal, "S7") == ["route"]
    paper = seller.route(deal, reorganisation=True, licensed=True)
    assert refused(seller, deal, "S7") == ["counsel_signoff"]
    counsel = with_counsel(seller)
    take(seller, opinion(seller, paper, counsel, confirms=()))
    with seller.store.reading() as tx:
        assert not deals.look(tx, seller.ledger, deal=deal, to="S7", own=seller.id, now=seller.now).unmet
    take(seller, opinion(seller, paper, counsel))
    assert refused(seller, deal, "S7") == ["pboc_data_rules"]
    waive(seller, deal, "pboc_data_rules")
    again = seller.route(deal, reorganisation=True, licensed=True)
    confirmed = {item.rule: item for item in formats.read(again).requirements}[RULE]
    assert confirmed.binds
    assert refused(seller, deal, "S7") == ["counsel_signoff"], "another route needs another signature"
    take(seller, opinion(seller, again, counsel, confirms=(), until=seller.now + timedelta(days=5)))
    seller.clock.set_to(seller.now + timedelta(days=5))
    assert refused(seller, deal, "S7") == ["counsel_signoff"], "the opinion's time is over"


def test_a_route_of_another_structure_or_age_does_not_count(seller: Firm) -> None:
    deal = seller.open(Structure.D3)
    inventory(seller, deal)
    seller.route(deal)
    with seller.store.reading() as tx:
        before = deals.look(tx, seller.ledger, deal=deal, to="S7", own=seller.id, now=seller.now)
    assert "route" not in {item.condition for item in before.unmet}
    with seller.tx() as tx:
        deals.answer_structure(tx, seller.ledger, deal=deal, structure=Structure.D2, actor=seller.lead, now=seller.now)
    for days in (0, 200):
        at = seller.now + timedelta(days=days)
        if days:
            seller.route(deal)
        with seller.store.reading() as tx:
            after = deals.look(tx, seller.ledger, deal=deal, to="S7", own=seller.id, now=at)
        assert "route" in {item.condition for item in after.unmet}


def test_opinions_that_are_not_taken(seller: Firm, buyer: Firm, deal: DealId) -> None:
    paper = seller.route(deal, reorganisation=True, licensed=True)
    counsel = world.stranger()
    with pytest.raises(deals.NoSuchParty):
        take(seller, opinion(seller, paper, counsel))
    seller.trust(counsel)
    with pytest.raises(deals.NotCounsel):
        take(seller, opinion(seller, paper, counsel))
    engage(seller, counsel.id, PartyRole.AUDITOR)
    with pytest.raises(deals.NotCounsel):
        take(seller, opinion(seller, paper, counsel))
    engage(seller, counsel.id, PartyRole.COUNSEL)
    body = formats.read_opinion(opinion(seller, paper, counsel)).body()
    forged = dsse.make(Kind.OPINION, body, buyer.company.signing)
    with pytest.raises(NotSigned):
        take(seller, forged)
    for changes in ({"route": "0" * 64}, {"confirms": ("cn.pipl.23.consent",)}, {"approves": (RULE,)}):
        with pytest.raises(deals.AnotherRoute):
            take(seller, opinion(seller, paper, counsel, **changes))
    with pytest.raises(deals.DatedInFuture):
        take(seller, opinion(seller, paper, counsel, created=seller.now + timedelta(days=1)))
    past = {"created": seller.now - timedelta(days=9), "until": seller.now}
    with pytest.raises(deals.OpinionOver):
        take(seller, opinion(seller, paper, counsel, **past))
    with pytest.raises(deals.NoSuchDeal):
        take(seller, opinion(seller, paper, counsel, deal=DealId(world.ident("dea", "other"))))
    good = opinion(seller, paper, counsel)
    take(seller, good)
    head = seller.head()
    take(seller, good)
    assert seller.head() == head, "the same again changes nothing"


def test_counsel_speaks_of_what_the_route_asks(seller: Firm, buyer: Firm, deal: DealId) -> None:
    paper = seller.route(deal, reorganisation=True, licensed=True)

    def opine(confirms: tuple[str, ...] = (RULE,), approves: tuple[str, ...] = (COUNSELS,)) -> Statement:
        with buyer.tx() as tx:
            return deals.opine(
                tx,
                buyer.ledger,
                route=paper,
                own=buyer.id,
                signing=buyer.company.signing,
                confirms=confirms,
                approves=approves,
                days=30,
                actor=buyer.lead,
                now=buyer.now,
            )

    with pytest.raises(deals.NoSuchParty):
        opine()
    buyer.trust(seller.company)
    for confirms, approves in (((), ()), (("cn.pipl.23.consent",), ()), ((), (RULE,))):
        with pytest.raises(deals.AnotherRoute):
            opine(confirms, approves)
    seller.trust(buyer.company)
    engage(seller, buyer.id, PartyRole.COUNSEL)
    assert take(seller, opine()).confirms == (RULE,)
    with seller.store.reading() as tx:
        party = deals.find_party(tx, seller.ledger, buyer.id, now=seller.now)
        assert deals.roles_of(tx, seller.ledger, party, now=seller.now) == (PartyRole.COUNSEL,)
