"""Who may recover at which stage, and a redistribution in which somebody lies."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tigertally.base.errors import Problem
from tigertally.base.ids import PartyId, ShareSetId, new_id
from tigertally.crypto import shares
from tigertally.crypto.errors import DecryptionFailed
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.shares import Share
from tigertally.formats.dealing import Dealing, parse_dealing, seal_part
from tigertally.formats.share import TaggedShare
from tigertally.formats.shareset import Group, Holder, Plan, Rule, ShareSet, Terms
from tigertally.vault import (
    DealtWrongly,
    NotEnoughShares,
    NotOfThisPlan,
    RuleUnmet,
    SharesWithoutDeal,
    conclude,
    give,
    need_rules,
    recover,
    share_root,
    take,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PLAN = "ab" * 32
KEYS = {name: TransferKey.generate() for name in ("sun", "li", "notary")}
DEAL = new_id("dea")


def terms(**more: object) -> Terms:
    """Seller one of two, buyer one, escrow one; two groups recover; the buyer is needed from S7 on."""
    given = Terms(
        set=ShareSetId(new_id("shs")),
        epoch=1,
        party=PartyId(new_id("pty")),
        deal=DEAL,
        need=2,
        groups=(
            Group(name="seller", need=2, holders=(Holder(name="chen", key=None), Holder(name="qian", key=None))),
            Group(name="buyer", need=1, holders=(Holder(name="sun", key=None),)),
            Group(name="escrow", need=1, holders=(Holder(name="notary", key=None),)),
        ),
        rules=(Rule(stage="S7", group="buyer"), Rule(stage="S9", group="seller")),
        previous="",
        created=NOW,
    )
    return replace(given, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stage", "seats", "refused"),
    [
        ("S6", [(1, 1), (1, 2), (3, 1)], ""),
        ("S7", [(1, 1), (1, 2), (3, 1)], "buyer"),
        ("S8", [(1, 1), (1, 2), (3, 1)], "buyer"),
        ("S8", [(2, 1), (3, 1)], ""),
        # A dead deal: what holds after a closing does not; its own rule does.
        ("S9", [(2, 1), (3, 1)], "seller"),
        ("S9", [(1, 1), (2, 1), (3, 1)], "seller"),
        ("S9", [(1, 1), (1, 2), (3, 1)], ""),
        # Not known is not allowed.
        ("", [(1, 1), (1, 2), (3, 1)], "buyer"),
        ("", [(2, 1), (3, 1)], "seller"),
    ],
)
def test_a_rule_counts_from_its_stage_on(stage: str, seats: list[tuple[int, int]], refused: str) -> None:
    if not refused:
        need_rules(terms(), seats, stage=stage)
        return
    with pytest.raises(RuleUnmet) as told:
        need_rules(terms(), seats, stage=stage)
    assert told.value.details["group"] == refused


def test_rules_need_a_deal() -> None:
    with pytest.raises(SharesWithoutDeal):
        share_root(terms(deal=""))


def test_enough_recover_the_root_key_and_too_few_are_named() -> None:
    whole, dealt, keeper = share_root(terms())
    wrapped = keeper.wrap(shares.new_secret(), b"place")
    assert recover(whole, [dealt[2], dealt[3]]) == recover(whole, dealt)
    assert len(wrapped) > 32
    with pytest.raises(NotEnoughShares) as told:
        recover(whole, [dealt[0], dealt[2]])
    assert told.value.details["missing"] == "seller 1/2, escrow 0/1"
    # The same share twice is one share.
    with pytest.raises(NotEnoughShares):
        recover(whole, [dealt[3], dealt[3]])


def test_a_set_whose_sealed_root_was_changed_is_broken() -> None:
    whole, dealt, _ = share_root(terms())
    other, _, _ = share_root(terms())
    for bad in (replace(whole, sealed=other.sealed), replace(whole, root="00" * 16)):
        with pytest.raises(Problem, match=r"vault\.sealed_root_broken"):
            recover(bad, dealt)


def planned(whole: ShareSet, *, givers: tuple[tuple[int, int], ...] = ((2, 1), (3, 1)), **more: object) -> Plan:
    """Buyer by both of two, escrow, both needed."""
    groups = (
        Group(
            name="buyer",
            need=2,
            holders=(Holder(name="sun", key=KEYS["sun"].public), Holder(name="li", key=KEYS["li"].public)),
        ),
        Group(name="escrow", need=1, holders=(Holder(name="notary", key=KEYS["notary"].public),)),
    )
    given = replace(whole.terms, epoch=2, need=2, groups=groups, rules=(), previous="cd" * 32)
    return Plan(terms=replace(given, **more), givers=givers)  # type: ignore[arg-type]


def taken(plan: Plan, whole: ShareSet, dealings: list[Dealing]) -> list[TaggedShare]:
    seats = (((1, 1), "sun"), ((1, 2), "li"), ((2, 1), "notary"))
    return [take(plan, PLAN, whole, dealings, seat=seat, key=KEYS[who]) for seat, who in seats]


def test_a_redistribution_keeps_the_root_key() -> None:
    whole, dealt, _ = share_root(terms())
    plan = planned(whole)
    dealings = [give(plan, PLAN, whole, tagged) for tagged in (dealt[2], dealt[3])]
    assert [parse_dealing(one.to_bytes()).to_bytes() for one in dealings] == [one.to_bytes() for one in dealings]
    after = conclude(plan, PLAN, whole, dealings, now=NOW)
    new = taken(plan, whole, dealings)
    assert recover(after, new) == recover(whole, dealt)
    with pytest.raises(NotEnoughShares):
        recover(after, new[:1] + new[2:])
    with pytest.raises(DecryptionFailed):
        take(plan, PLAN, whole, dealings, seat=(1, 1), key=KEYS["li"])


def test_who_deals_wrongly_is_named_by_the_set_and_by_the_one_who_got_it() -> None:
    whole, dealt, _ = share_root(terms())
    plan = planned(whole)
    good = give(plan, PLAN, whole, dealt[2])
    honest = give(plan, PLAN, whole, dealt[3])
    commitments, _ = shares.deal(plan.terms.structure, value=shares.new_secret())
    for liar in (replace(honest, commitments=commitments), replace(honest, parts=dict(list(honest.parts.items())[:2]))):
        with pytest.raises(DealtWrongly) as told:
            conclude(plan, PLAN, whole, [good, liar], now=NOW)
        assert told.value.details["who"] == "escrow 1 (notary)"
    # Good commitments, one bad part: only its holder can see that, and does.
    bad = Share(seat=(1, 2), value=shares.new_secret(), blind=shares.new_secret())
    sealed = seal_part(bad, plan=PLAN, giver=(3, 1), key=KEYS["li"].public)
    sly = replace(honest, parts={**honest.parts, (1, 2): sealed})
    take(plan, PLAN, whole, [good, sly], seat=(1, 1), key=KEYS["sun"])
    with pytest.raises(DealtWrongly) as told:
        take(plan, PLAN, whole, [good, sly], seat=(1, 2), key=KEYS["li"])
    assert told.value.details["who"] == "escrow 1 (notary)"


def test_what_is_of_another_plan_is_refused() -> None:
    whole, dealt, _ = share_root(terms())
    other, _, _ = share_root(terms())
    plan = planned(whole)
    dealings = [give(plan, PLAN, whole, tagged) for tagged in (dealt[2], dealt[3])]
    with pytest.raises(NotOfThisPlan):
        conclude(plan, "00" * 32, whole, dealings, now=NOW)
    with pytest.raises(NotOfThisPlan):
        conclude(plan, PLAN, whole, [*dealings, dealings[0]], now=NOW)
    with pytest.raises(NotEnoughShares):
        conclude(plan, PLAN, whole, dealings[:1], now=NOW)
    with pytest.raises(NotOfThisPlan):
        give(plan, PLAN, whole, dealt[0])
    for bad in (
        planned(other),
        planned(whole, epoch=3),
        planned(whole, deal=""),
        planned(whole, givers=((2, 1),)),
        planned(whole, givers=((1, 1), (2, 1), (3, 1))),
        planned(whole, givers=((2, 1), (4, 1))),
    ):
        with pytest.raises(NotOfThisPlan):
            give(bad, PLAN, whole, dealt[2])
