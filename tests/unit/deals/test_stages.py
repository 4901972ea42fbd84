"""Moving a deal through its stages on real stores, and what each move leaves in the ledger."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.deals.conftest import Firm, drafted

from tigertally import deals
from tigertally.access import sql as access_rows
from tigertally.access.errors import SamePerson
from tigertally.access.policy import STAGES, Side
from tigertally.base.canon import Json
from tigertally.base.ids import DealId
from tigertally.deals import sql as rows
from tigertally.formats.dealpapers import Structure
from tigertally.handover import facts as handover_facts
from tigertally.ledger import facts, fsck

INVENTORY, PLAN = "1" * 64, "2" * 64


def move(firm: Firm, deal: DealId, to: str, reason: deals.MoveReason | None = None) -> int:
    """Move a deal."""
    with firm.tx() as tx:
        return deals.move(tx, firm.ledger, deal=deal, to=to, own=firm.id, actor=firm.lead, now=firm.now, reason=reason)


def waive(firm: Firm, deal: DealId, condition: str, **changes: object) -> int:
    """Waive a condition for thirty days."""
    return waive_with(firm, {"deal": deal, "condition": condition, **changes})


def waive_with(firm: Firm, changes: dict[str, object]) -> int:
    """Waive with these arguments instead of the usual ones."""
    arguments: dict[str, object] = {
        "reason": deals.WaiverReason.RISK_ACCEPTED,
        "until": firm.now + timedelta(days=30),
        "actor": firm.lead,
        "approver": firm.officer,
        "now": firm.now,
    }
    with firm.tx() as tx:
        return deals.waive(tx, firm.ledger, **{**arguments, **changes})  # type: ignore[arg-type]


def inventory(firm: Firm, subject: str, *, digest: str = INVENTORY, unread: int = 0) -> None:
    """Record an inventory."""
    with firm.tx() as tx:
        deals.record_inventory(
            tx,
            firm.ledger,
            subject=subject,
            digest=digest,
            objects=10,
            findings=4,
            unread=unread,
            actor=firm.lead,
            now=firm.now,
        )


def purge(firm: Firm, deal: DealId, *, unresolved: int = 0, digest: str = INVENTORY) -> None:
    """Record what became of sensitive authentication data."""
    with firm.tx() as tx:
        deals.record_sad_purged(
            tx,
            firm.ledger,
            deal=deal,
            plan=PLAN,
            inventory=digest,
            purged=3,
            unresolved=unresolved,
            actor=firm.lead,
            now=firm.now,
        )


def seal(firm: Firm, deal: DealId) -> None:
    """Record sealing and the protected copy."""
    with firm.tx() as tx:
        common = {"deal": deal, "plan": PLAN, "actor": firm.lead, "now": firm.now}
        deals.record_sealed(tx, firm.ledger, subjects=6, found=20, sealed=18, rejected=2, **common)  # type: ignore[arg-type]
        deals.record_protected(tx, firm.ledger, objects=9, left_out=1, unknown=0, **common)  # type: ignore[arg-type]


def handed(firm: Firm, deal: DealId, kind: str) -> None:
    """State a fact of the handover, as that wing would."""
    values: dict[str, dict[str, Json]] = {
        "handover.released": {"release": "3" * 64, "subjects": 6},
        "handover.received": {"receipt": "4" * 64, "manifest": "5" * 64, "subjects": 6, "root": "6" * 64},
        "handover.destroyed": {"certificate": "7" * 64, "ground": "receipt", "subjects": 6},
    }
    kinds = {item.name: item for item in (handover_facts.RELEASED, handover_facts.RECEIVED, handover_facts.DESTROYED)}
    with firm.tx() as tx:
        facts.state(
            tx,
            firm.ledger,
            kinds[kind],
            subject=deal,
            value=values[kind],
            start=firm.now,
            until=None,
            actor=firm.lead,
            now=firm.now,
        )


def refused(firm: Firm, deal: DealId, to: str) -> list[str]:
    """Try a move that a gate must refuse; return what is unmet."""
    before = firm.deal(deal).stage
    with pytest.raises(deals.GateClosed) as closed:
        move(firm, deal, to)
    assert firm.deal(deal).stage == before
    assert closed.value.details == {"stage": to, "count": len(closed.value.unmet)}
    return [item.condition for item in closed.value.unmet]


def conclude(seller: Firm, buyer: Firm, structure: Structure = Structure.D3) -> DealId:
    """A concluded deal at S0 on both sides."""
    seller.trust(buyer.company)
    buyer.trust(seller.company)
    return seller.conclude(buyer.accept(seller.invite(drafted(seller, buyer.company, seller.open(structure))))).deal


def at_s6(seller: Firm, buyer: Firm, structure: Structure = Structure.D3) -> DealId:
    """A concluded deal of which the seller is at S6."""
    deal = conclude(seller, buyer, structure)
    inventory(seller, deal)
    purge(seller, deal)
    waive(seller, deal, "impact_assessment")
    for stage in STAGES[1:7]:
        move(seller, deal, stage)
    return deal


def test_the_sellers_way_from_intake_to_integration(any_seller: Firm, buyer: Firm) -> None:
    seller = any_seller
    deal = seller.open()
    assert refused(seller, deal, "S1") == ["inventory", "inventory_unread"]
    inventory(seller, deal)
    move(seller, deal, "S1")
    move(seller, deal, "S2")
    assert refused(seller, deal, "S3") == ["parties", "agreement"]
    seller.trust(buyer.company)
    buyer.trust(seller.company)
    assert refused(seller, deal, "S3") == ["parties", "agreement"], "the buyer is not in the deal yet"
    invitation = seller.invite(drafted(seller, buyer.company, deal))
    assert refused(seller, deal, "S3") == ["agreement"]
    seller.conclude(buyer.accept(invitation))
    move(seller, deal, "S3")
    assert refused(seller, deal, "S4") == ["impact_assessment"]
    waive(seller, deal, "impact_assessment")
    move(seller, deal, "S4")
    assert refused(seller, deal, "S5") == ["sad_purged"]
    purge(seller, deal, unresolved=1)
    assert refused(seller, deal, "S5") == ["sad_purged"]
    purge(seller, deal)
    move(seller, deal, "S5")
    move(seller, deal, "S6")
    assert refused(seller, deal, "S7") == ["route", "sealed", "protected", "released", "drill", "notices"]
    seller.route(deal)
    seal(seller, deal)
    handed(seller, deal, "handover.released")
    waive(seller, deal, "drill")
    assert refused(seller, deal, "S7") == ["notices"]
    waive(seller, deal, "notices", reason=deals.WaiverReason.DONE_ELSEWHERE, document="8" * 64)
    move(seller, deal, "S7")
    assert refused(seller, deal, "S8") == ["received", "destroyed"]
    handed(seller, deal, "handover.received")
    assert refused(seller, deal, "S8") == ["destroyed"]
    handed(seller, deal, "handover.destroyed")
    move(seller, deal, "S8")
    assert deals.moves(seller.deal(deal).stage) == ()
    with seller.store.reading() as tx:
        assert fsck.check(tx, seller.ledger).clean


def test_the_buyers_way_asks_for_the_buyers_part(seller: Firm, buyer: Firm) -> None:
    deal = conclude(seller, buyer)
    for stage in STAGES[1:7]:
        move(buyer, deal, stage)
    assert refused(buyer, deal, "S7") == ["released", "drill"]
    handed(buyer, deal, "handover.released")
    waive(buyer, deal, "drill")
    move(buyer, deal, "S7")
    assert refused(buyer, deal, "S8") == ["received"]
    handed(buyer, deal, "handover.received")
    move(buyer, deal, "S8")
    stated = buyer.current("deals.stage", deal)
    assert stated is not None
    assert stated.value == {"stage": "S8", "side": Side.BUYER.value}


def test_a_move_leaves_what_it_rested_on(seller: Firm, buyer: Firm) -> None:
    deal = at_s6(seller, buyer)
    assessed = seller.current("deals.waived", deal)
    assert assessed is not None
    seal(seller, deal)
    seller.route(deal)
    handed(seller, deal, "handover.released")
    waivers = [assessed.entry, *(waive(seller, deal, condition) for condition in ("drill", "notices"))]
    entry = move(seller, deal, "S7")
    with seller.store.reading() as tx:
        stated = facts.read(tx, ledger=seller.ledger, subjects=[deal, buyer.id])
        payloads = [seller.ledger.payload_of(tx, index) for index in range(entry - 3, entry)]
    entered = next(item for item in payloads if isinstance(item, dict) and "waivers" in item)
    assert (entered["from"], entered["to"], entered["reason"]) == ("S6", "S7", "")
    assert entered["waivers"] == waivers
    used = entered["facts"]
    assert isinstance(used, list)
    kinds = {fact.kind for fact in stated if fact.entry in used}
    assert kinds == {
        "deals.party_confirmed",
        "deals.agreement_in_force",
        "deals.structure",
        "deals.route",
        "deals.sad_purged",
        "deals.sealed",
        "deals.protected",
        "handover.released",
    }


def test_a_card_column_planted_after_sign_off_closes_the_gate(seller: Firm, buyer: Firm) -> None:
    deal = at_s6(seller, buyer)
    move(seller, deal, "S5", deals.MoveReason.FINDING)
    move(seller, deal, "S4", deals.MoveReason.FINDING)
    inventory(seller, seller.id, digest="9" * 64)
    assert refused(seller, deal, "S5") == ["sad_purged"]
    purge(seller, deal, digest="9" * 64)
    move(seller, deal, "S5")


def test_what_lapses_closes_the_gate_by_itself(seller: Firm, buyer: Firm) -> None:
    deal = conclude(seller, buyer)
    inventory(seller, deal)
    seller.clock.set_to(seller.now + timedelta(days=90))
    assert refused(seller, deal, "S1") == ["inventory", "inventory_unread"]
    inventory(seller, deal)
    move(seller, deal, "S1")
    move(seller, deal, "S2")
    seller.clock.set_to(seller.now + timedelta(days=210))
    assert refused(seller, deal, "S3") == ["agreement"]


def test_a_waiver_lapses(seller: Firm, buyer: Firm) -> None:
    deal = conclude(seller, buyer)
    inventory(seller, deal)
    for stage in STAGES[1:4]:
        move(seller, deal, stage)
    waive(seller, deal, "impact_assessment")
    seller.clock.set_to(seller.now + timedelta(days=30))
    assert refused(seller, deal, "S4") == ["impact_assessment"]


def test_unread_objects_need_a_waiver(seller: Firm) -> None:
    deal = seller.open()
    inventory(seller, seller.id, unread=1)
    assert refused(seller, deal, "S1") == ["inventory_unread"]
    waive(seller, deal, "inventory_unread")
    move(seller, deal, "S1")


def test_no_lead_no_stage(seller: Firm) -> None:
    deal = seller.open()
    inventory(seller, deal)
    with seller.tx() as tx:
        access_rows.set_roles(tx, seller.lead, "operator")
    assert refused(seller, deal, "S1") == ["lead"]


def test_the_structure_is_the_ledgers(seller: Firm) -> None:
    deal = seller.open(None)
    inventory(seller, deal)
    assert refused(seller, deal, "S1") == ["structure"]
    with seller.tx() as tx:
        deals.answer_structure(tx, seller.ledger, deal=deal, structure=Structure.D7, actor=seller.lead, now=seller.now)
    move(seller, deal, "S1")
    assert seller.deal(deal).structure is Structure.D7


@pytest.mark.parametrize("stage", STAGES)
def test_where_a_stage_can_go(stage: str) -> None:
    at = STAGES.index(stage)
    wanted = set()
    if at < 8:
        wanted = {STAGES[at + 1], "S9"}
    if 2 <= at <= 6:
        wanted.add(STAGES[at - 1])
    assert set(deals.moves(stage)) == wanted


def test_moves_that_are_none(seller: Firm, buyer: Firm) -> None:
    deal = at_s6(seller, buyer)
    for wanted in ("S0", "S1", "S4", "S6", "S8", "S10", ""):
        with pytest.raises(deals.BadMove):
            move(seller, deal, wanted, deals.MoveReason.MISTAKE)
    with pytest.raises(deals.BadMove), seller.store.reading() as tx:
        deals.look(tx, seller.ledger, deal=deal, to="S10", own=seller.id, now=seller.now)
    with pytest.raises(deals.NoSuchDeal):
        move(seller, DealId("dea_" + "0" * 26), "S1")


def test_going_back_and_dying_need_a_reason(seller: Firm, buyer: Firm) -> None:
    deal = at_s6(seller, buyer)
    for wanted in ("S5", "S9"):
        with pytest.raises(deals.ReasonNeeded):
            move(seller, deal, wanted)
    move(seller, deal, "S5", deals.MoveReason.RENEGOTIATION)
    move(seller, deal, "S9", deals.MoveReason.WITHDRAWN)
    with pytest.raises(deals.DealOver):
        seller.invite(drafted(seller, buyer.company, deal, version=2))
    with pytest.raises(deals.DealOver):
        waive(seller, deal, "drill")
    assert deals.moves("S9") == ()


def test_a_deal_does_not_die_once_the_sellers_data_is_gone(seller: Firm, buyer: Firm) -> None:
    deal = at_s6(seller, buyer)
    handed(seller, deal, "handover.destroyed")
    with pytest.raises(deals.GateClosed) as closed:
        move(seller, deal, "S9", deals.MoveReason.WITHDRAWN)
    assert [item.condition for item in closed.value.unmet] == ["not_destroyed"]


def test_looking_moves_nothing(seller: Firm) -> None:
    deal = seller.open()
    head = seller.head()
    with seller.store.reading() as tx:
        unmet = deals.look(tx, seller.ledger, deal=deal, to="S7", own=seller.id, now=seller.now).unmet
    assert len(unmet) > 3
    assert seller.head() == head


def test_waivers_out_of_bounds(seller: Firm) -> None:
    deal = seller.open()
    for changes, problem in (
        ({"condition": "agreement"}, deals.NotWaivable),
        ({"condition": "sad_purged"}, deals.NotWaivable),
        ({"condition": "nonsense"}, deals.NotWaivable),
        ({"until": seller.now + timedelta(days=90, seconds=1)}, deals.BadWaiver),
        ({"until": seller.now}, deals.BadWaiver),
        ({"reason": deals.WaiverReason.DONE_ELSEWHERE}, deals.BadWaiver),
        ({"document": "no digest"}, deals.BadWaiver),
        ({"approver": seller.lead}, SamePerson),
        ({"approver": ""}, SamePerson),
        ({"actor": ""}, SamePerson),
        ({"deal": DealId("dea_" + "0" * 26)}, deals.NoSuchDeal),
    ):
        with pytest.raises(problem):
            waive_with(seller, {"deal": deal, "condition": "drill", **changes})
    waive(seller, deal, "drill", until=seller.now + timedelta(days=90))


@pytest.mark.parametrize("changes", [{"side": "buyer"}, {"scope": "elsewhere"}], ids=str)
def test_a_row_edited_in_the_database_is_not_believed(seller: Firm, changes: dict[str, str]) -> None:
    deal = seller.open()
    with seller.tx() as tx:
        tx.execute(rows.deal.update().values(**changes))
    with pytest.raises(deals.DealNotProved):
        seller.deal(deal)


@pytest.mark.parametrize("changes", [{"digest": "x"}, {"digest": "A" * 64}, {"objects": -1}, {"unread": -1}], ids=str)
def test_statements_out_of_form_are_mistakes(seller: Firm, changes: dict[str, object]) -> None:
    arguments: dict[str, object] = {
        "subject": seller.open(),
        "digest": INVENTORY,
        "objects": 1,
        "findings": 1,
        "unread": 0,
        "actor": seller.lead,
        "now": seller.now,
    }
    with pytest.raises(ValueError, match=r"deals\.inventory"), seller.tx() as tx:
        deals.record_inventory(tx, seller.ledger, **{**arguments, **changes})  # type: ignore[arg-type]


def test_a_row_deleted_in_the_database_is_missed(seller: Firm) -> None:
    seller.open()
    with seller.tx() as tx:
        tx.execute(rows.deal.delete())
    with seller.tx() as tx, pytest.raises(deals.DealNotProved):
        deals.all_deals(tx, seller.ledger, now=seller.now)


def test_data_is_in_one_living_deal_at_a_time(seller: Firm) -> None:
    first = seller.open()
    with pytest.raises(deals.ScopeTaken):
        seller.open()
    seller.open(scope="other")
    move(seller, first, "S9", deals.MoveReason.WITHDRAWN)
    seller.open()
