"""What a deal asks to be done, and until when: each from the fact it follows from, gone when it was done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.deals.conftest import Firm, drafted

from tigertally import deals
from tigertally.base.ids import DealId
from tigertally.deals import Task
from tigertally.handover import facts as handover_facts
from tigertally.ledger import facts

DAYS = 7
PAPER = "a" * 64


def agree(seller: Firm, buyer: Firm, **changes: object) -> DealId:
    """A deal with an agreement in force on both sides."""
    deal = seller.open()
    terms = {"destroy_within_days": DAYS, "until": seller.now + timedelta(days=100), **changes}
    seller.conclude(buyer.accept(seller.invite(drafted(seller, buyer.company, deal, **terms))))
    return deal


def open_tasks(firm: Firm) -> list[tuple[Task, timedelta, bool]]:
    """Tasks with the time left, and whether they are overdue."""
    with firm.store.reading() as tx:
        found = deals.tasks(tx, firm.ledger, now=firm.now)
    return [(item.task, item.due - firm.now, item.overdue) for item in found]


def kill(firm: Firm, deal: DealId) -> None:
    """End a deal."""
    with firm.tx() as tx:
        reason = deals.MoveReason.WITHDRAWN
        deals.move(tx, firm.ledger, deal=deal, to="S9", own=firm.id, actor=firm.lead, now=firm.now, reason=reason)


def done(firm: Firm, deal: DealId, task: Task = Task.RETURN, document: str = PAPER) -> int:
    """Say that it was done."""
    with firm.tx() as tx:
        return deals.record_done(
            tx, firm.ledger, deal=deal, task=task, document=document, actor=firm.lead, now=firm.now
        )


def later(firm: Firm, **by: int) -> None:
    """Both firms share a clock."""
    firm.clock.set_to(firm.now + timedelta(**by))


def test_a_deal_that_begins_or_runs_asks_for_nothing(acquainted: tuple[Firm, Firm]) -> None:
    seller, buyer = acquainted
    agree(seller, buyer)
    assert open_tasks(seller) == open_tasks(buyer) == []


def test_a_dead_deal_is_given_back_within_the_days_agreed_ten_at_most(acquainted: tuple[Firm, Firm]) -> None:
    seller, buyer = acquainted
    deal = agree(seller, buyer)
    for firm in acquainted:
        kill(firm, deal)
        assert open_tasks(firm) == [(Task.RETURN, timedelta(days=DAYS), False)]
    later(seller, days=DAYS)
    assert open_tasks(buyer) == [(Task.RETURN, timedelta(0), True)]
    for task, document in ((Task.DESTROY, PAPER), (Task.RETURN, ""), (Task.RETURN, "x" * 64)):
        with pytest.raises(deals.BadTask):
            done(buyer, deal, task, document)
    done(buyer, deal)
    assert open_tasks(buyer) == []
    with pytest.raises(deals.TaskNotOpen):
        done(buyer, deal)
    assert open_tasks(seller) == [(Task.RETURN, timedelta(0), True)], "the other side's word is not ours"


def test_ten_days_unless_the_agreement_asks_for_less(acquainted: tuple[Firm, Firm]) -> None:
    seller, buyer = acquainted
    deal = agree(seller, buyer, destroy_within_days=30)
    kill(seller, deal)
    assert open_tasks(seller) == [(Task.RETURN, timedelta(days=10), False)]


def test_a_deal_that_died_before_there_was_an_agreement_asks_for_nothing(seller: Firm) -> None:
    deal = seller.open()
    kill(seller, deal)
    assert open_tasks(seller) == []


def test_an_agreement_that_ends_is_renewed_or_what_it_covered_goes_back(acquainted: tuple[Firm, Firm]) -> None:
    seller, buyer = acquainted
    deal = agree(seller, buyer, until=seller.now + timedelta(days=40))
    with seller.tx() as tx:  # as if it had come to the data room
        value = {"stage": "S3", "side": "seller"}
        facts.replace(
            tx,
            seller.ledger,
            facts.fact_kinds()["deals.stage"],
            subject=deal,
            value=value,
            start=seller.now,
            until=None,
            actor="",
            now=seller.now,
        )
    assert open_tasks(seller) == []
    later(seller, days=10)
    assert open_tasks(seller) == [(Task.RENEW, timedelta(days=30), False)]
    later(seller, days=31)
    assert open_tasks(seller) == [(Task.RENEW, -timedelta(days=1), True)]
    assert open_tasks(buyer) == [(Task.RETURN, timedelta(days=DAYS - 1), False)]


def test_the_seller_destroys_after_the_receipt(acquainted: tuple[Firm, Firm]) -> None:
    seller, buyer = acquainted
    deal = agree(seller, buyer)
    kinds = (
        (handover_facts.RECEIVED, {"receipt": PAPER, "manifest": PAPER, "subjects": 6, "root": PAPER}),
        (handover_facts.DESTROYED, {"certificate": PAPER, "ground": "receipt", "subjects": 6}),
    )
    expected: tuple[list[tuple[Task, timedelta, bool]], ...] = (
        [(Task.DESTROY, timedelta(days=DAYS), False)],
        [(Task.SCAN, timedelta(days=2), False)],
    )
    for (kind, value), wanted in zip(kinds, expected, strict=True):
        with seller.tx() as tx:
            facts.replace(
                tx,
                seller.ledger,
                kind,
                subject=deal,
                value=value,  # type: ignore[arg-type]
                start=seller.now,
                until=None,
                actor="",
                now=seller.now,
            )
        assert open_tasks(seller) == wanted


def test_who_destroyed_looks_again_on_the_days_1_30_and_90(acquainted: tuple[Firm, Firm]) -> None:
    seller, buyer = acquainted
    deal = agree(seller, buyer)
    for firm in acquainted:
        with firm.tx() as tx:
            facts.replace(
                tx,
                firm.ledger,
                handover_facts.DESTROYED,
                subject=deal,
                value={"certificate": PAPER, "ground": "receipt", "subjects": 6},
                start=firm.now,
                until=None,
                actor="",
                now=firm.now,
            )
    assert open_tasks(buyer) == [], "the buyer holds the data, and has nothing to look for"
    scan(seller, deal)  # too early: of the day of the destruction
    later(seller, days=2)
    assert open_tasks(seller) == [(Task.SCAN, timedelta(0), True)]
    scan(seller, seller.id)
    assert open_tasks(seller) == [(Task.SCAN, timedelta(days=29), False)]
    with pytest.raises(deals.BadTask):
        done(seller, deal, Task.SCAN)
    later(seller, days=88)
    assert open_tasks(seller) == [(Task.SCAN, -timedelta(days=59), True)]
    scan(seller, deal)
    assert open_tasks(seller) == []


def scan(firm: Firm, subject: str) -> None:
    """An inventory is recorded."""
    with firm.tx() as tx:
        deals.record_inventory(
            tx,
            firm.ledger,
            subject=subject,
            digest=PAPER,
            objects=1,
            findings=0,
            unread=0,
            actor=firm.lead,
            now=firm.now,
        )
