"""The decision: each condition alone, when taken away, refuses with exactly its code; all at once are all listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import pytest

from tigertally.access import (
    AGREEMENT_IN_FORCE,
    AGREEMENT_SIGNED,
    DEAL_STAGE,
    KEY_ACTIVE,
    PERSON_FROZEN,
    PERSON_PLEDGED,
    PERSON_SCREENED,
    PERSON_TRAINED,
    Action,
    Decision,
    Request,
    Role,
    decide,
)
from tigertally.access.facts import LEDGER_CHECKED, LEDGER_WITNESSED, PERSON_REVIEWED
from tigertally.access.policy import POLICY, policy_digest
from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.ledger import Fact, FactKind

from .cases import (
    AGREEMENT,
    DEAL,
    GRANT,
    KEY,
    LI,
    NOW,
    WANG,
    ZHAO,
    Case,
    Facts,
    codes,
    fact,
    release,
    reveal,
    stage,
)


def test_both_cases_are_allowed_and_cite_what_they_rest_on() -> None:
    assert decide(*reveal()) == Decision(
        action=Action.REVEAL, allowed=True, unmet=(), facts=(1, 2, 3, 4, 5, 6, 10, 11, 13, 14)
    )
    assert decide(*release()) == Decision(
        action=Action.RELEASE, allowed=True, unmet=(), facts=(1, 2, 3, 4, 5, 7, 11, 12, 13, 15)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Without:
    """One thing taken away from an allowed case, and the code that must come of it."""

    name: str
    code: str
    take: Callable[[Request, Facts], Case]


def asking(**changes: object) -> Callable[[Request, Facts], Case]:
    return lambda request, facts: (replace(request, **changes), facts)  # type: ignore[arg-type]


def granting(**changes: object) -> Callable[[Request, Facts], Case]:
    return asking(grant=replace(GRANT, **changes))  # type: ignore[arg-type]


def approving(**changes: object) -> Callable[[Request, Facts], Case]:
    def take(request: Request, facts: Facts) -> Case:
        return replace(request, approvals=(replace(request.approvals[0], **changes),)), facts  # type: ignore[arg-type]

    return take


def fact_is(kind: FactKind, **changes: object) -> Callable[[Request, Facts], Case]:
    def take(request: Request, facts: Facts) -> Case:
        return request, tuple(replace(item, **changes) if item.kind == kind.name else item for item in facts)  # type: ignore[arg-type]

    return take


def at_stage(name: str, side: str) -> Callable[[Request, Facts], Case]:
    return fact_is(DEAL_STAGE, value={"stage": name, "side": side})


def without(kind: FactKind) -> Callable[[Request, Facts], Case]:
    return lambda request, facts: (request, tuple(item for item in facts if item.kind != kind.name))


def also(*more: Fact) -> Callable[[Request, Facts], Case]:
    return lambda request, facts: (request, (*facts, *more))


def fact_flaws(kind: FactKind, code: str, ill: dict[str, Json]) -> Iterable[Without]:
    """The ways in which a fact that is needed can be missing."""
    name = kind.name
    yield Without(name=f"{name} missing", code=code, take=without(kind))
    yield Without(name=f"{name} expired", code=code, take=fact_is(kind, until=NOW))
    yield Without(name=f"{name} future", code=code, take=fact_is(kind, start=NOW + timedelta(microseconds=1)))
    yield Without(name=f"{name} withdrawn", code=code, take=fact_is(kind, withdrawn=True))
    yield Without(name=f"{name} somebody else's", code=code, take=fact_is(kind, subject="per_other"))
    yield Without(name=f"{name} ill-typed", code=code, take=fact_is(kind, value=ill))
    yield Without(name=f"{name} empty", code=code, take=fact_is(kind, value={}))


def agreement_flaws() -> Iterable[Without]:
    yield from fact_flaws(AGREEMENT_IN_FORCE, "agreement", {**AGREEMENT.value, "classes": "pan,name"})
    wrong: tuple[list[Json], ...] = ([], ["refund", 1])
    for purposes in wrong:
        value: dict[str, Json] = {**AGREEMENT.value, "purposes": purposes}
        take = fact_is(AGREEMENT_IN_FORCE, value=value)
        yield Without(name=f"agreement for {purposes}", code="agreed_purpose", take=take)
    yield from fact_flaws(AGREEMENT_SIGNED, "agreed_person", {"deal": DEAL, "digest": 1})
    for name, other in (
        ("another text", {"deal": DEAL, "digest": "e"}),
        ("another deal", {"deal": "dea_two", "digest": "d"}),
    ):
        take = fact_is(AGREEMENT_SIGNED, value=other)
        yield Without(name=f"signature on {name}", code="agreed_person", take=take)


REVEALS: Final = (
    *agreement_flaws(),
    Without(
        name="a class that the agreement does not cover",
        code="agreement",
        take=fact_is(AGREEMENT_IN_FORCE, value={**AGREEMENT.value, "classes": ["name"]}),
    ),
    Without(
        name="a purpose that the agreement does not name",
        code="agreed_purpose",
        take=fact_is(AGREEMENT_IN_FORCE, value={**AGREEMENT.value, "purposes": ["dispute"]}),
    ),
    Without(
        name="role", code="role", take=asking(roles=frozenset({Role.LEAD, Role.OFFICER, Role.CUSTODIAN, Role.AUDITOR}))
    ),
    Without(name="no role", code="role", take=asking(roles=frozenset())),
    Without(name="frozen", code="frozen", take=also(fact(PERSON_FROZEN, LI, {"reason": "anomaly"}, 9))),
    Without(name="frozen, ill-typed", code="frozen", take=also(fact(PERSON_FROZEN, LI, {"why": 1}, 9))),
    Without(
        name="frozen by a clock ahead",
        code="frozen",
        take=also(replace(fact(PERSON_FROZEN, LI, {"reason": "x"}, 9), start=NOW + timedelta(seconds=5))),
    ),
    Without(
        name="frozen for ever",
        code="frozen",
        take=also(replace(fact(PERSON_FROZEN, LI, {"reason": "x"}, 9), until=None)),
    ),
    Without(name="factor missing", code="factor", take=asking(factor_at=None)),
    Without(name="factor old", code="factor", take=asking(factor_at=NOW - timedelta(seconds=301))),
    Without(name="factor future", code="factor", take=asking(factor_at=NOW + timedelta(seconds=6))),
    Without(name="factor naive", code="factor", take=asking(factor_at=NOW.replace(tzinfo=None))),
    *fact_flaws(PERSON_TRAINED, "trained", {"course": "handling", "version": "1", "score": 9}),
    *fact_flaws(PERSON_SCREENED, "screened", {"by": ZHAO, "outcome": None}),
    *fact_flaws(PERSON_PLEDGED, "pledged", {"text_digest": "d", "version": True}),
    Without(
        name="screening failed", code="screened", take=fact_is(PERSON_SCREENED, value={"by": ZHAO, "outcome": "fail"})
    ),
    Without(
        name="a later screening failed",
        code="screened",
        take=also(fact(PERSON_SCREENED, LI, {"by": ZHAO, "outcome": "fail"}, 20)),
    ),
    Without(name="no grant", code="grant", take=asking(grant=None)),
    Without(name="grant of another", code="grant_person", take=granting(asker=WANG)),
    Without(name="grant not approved yet", code="grant_waits", take=granting(approver="")),
    Without(name="grant of another not approved", code="grant_person", take=granting(approver="", asker=WANG)),
    Without(name="grant approved by the asker", code="grant_person", take=granting(approver=LI)),
    Without(name="grant over", code="grant_time", take=granting(until=NOW)),
    Without(name="grant not begun", code="grant_time", take=granting(start=NOW + timedelta(microseconds=1))),
    Without(name="grant for another action", code="grant_fits", take=granting(action=Action.VIEW.value)),
    Without(name="grant for another purpose", code="grant_fits", take=granting(purpose="dispute")),
    Without(name="grant for another deal", code="grant_fits", take=granting(deal="dea_two")),
    Without(name="grant for another scope", code="grant_fits", take=granting(scope="brand")),
    Without(name="grant for no scope", code="grant_fits", take=asking(scope="brand")),
    Without(name="grant without the class", code="grant_fits", take=granting(classes=frozenset({"expiry"}))),
    Without(name="grant used up", code="grant_left", take=granting(left=0)),
    Without(name="grant for fewer", code="grant_left", take=asking(count=4)),
    Without(name="nothing counted", code="grant_left", take=asking(count=0)),
    *fact_flaws(PERSON_REVIEWED, "reviewed", {"by": None}),
    *fact_flaws(KEY_ACTIVE, "key", {"key": KEY, "version": "1"}),
    Without(name="no key", code="key", take=asking(key="")),
    *fact_flaws(LEDGER_CHECKED, "checked", {"size": "9"}),
    Without(name="a day full of cards", code="volume", take=asking(seen=2_400)),
    Without(name="a day that nobody can count", code="volume", take=asking(seen=-1)),
    Without(
        name="stage over for the seller",
        code="clear_stage",
        take=at_stage("S7", "seller"),
    ),
    Without(
        name="stage not yet the buyer's",
        code="clear_stage",
        take=at_stage("S5", "buyer"),
    ),
    Without(name="deal dead at the buyer", code="clear_stage", take=at_stage("S9", "buyer")),
    Without(name="no side", code="clear_stage", take=at_stage("S5", "")),
    *fact_flaws(DEAL_STAGE, "clear_stage", {"stage": ["S5"], "side": "seller"}),
)

RELEASES: Final = (
    Without(name="no approval", code="second_person", take=asking(approvals=())),
    Without(name="approved by the first", code="second_person", take=approving(approver=WANG)),
    Without(name="approved by who asked", code="second_person", take=approving(asker=ZHAO)),
    Without(name="approved by nobody", code="second_person", take=approving(approver="")),
    Without(
        name="approver without a role", code="second_person", take=approving(approver_roles=frozenset({Role.OPERATOR}))
    ),
    Without(name="approver who lost all roles", code="second_person", take=approving(approver_roles=frozenset())),
    Without(
        name="a frozen approver", code="second_person", take=also(fact(PERSON_FROZEN, ZHAO, {"reason": "anomaly"}, 9))
    ),
    Without(name="scope changed", code="second_person", take=asking(scope="brand")),
    Without(name="another act", code="second_person", take=approving(digest="0" * 64)),
    Without(name="approval over", code="second_person", take=approving(until=NOW)),
    Without(name="approval from the future", code="second_person", take=approving(at=NOW + timedelta(seconds=1))),
    Without(name="details changed", code="second_person", take=asking(details=(("release", "other"),))),
    Without(name="details that have no bytes", code="second_person", take=asking(details=(("release", "\ud800"),))),
    Without(name="count changed", code="second_person", take=asking(count=20_000)),
    Without(
        name="agreement without a class",
        code="agreement",
        take=fact_is(AGREEMENT_IN_FORCE, value={**AGREEMENT.value, "classes": ["pan"]}),
    ),
    Without(
        name="agreement with strange classes",
        code="agreement",
        take=fact_is(AGREEMENT_IN_FORCE, value={**AGREEMENT.value, "classes": [["pan"], {}, 1, None]}),
    ),
    *agreement_flaws(),
    *fact_flaws(LEDGER_WITNESSED, "witnessed", {"size": 9, "witnesses": "counsel", "policy": "d"}),
    *fact_flaws(LEDGER_WITNESSED, "witnessed", {"size": 9, "witnesses": ["counsel"]}),
    *fact_flaws(LEDGER_CHECKED, "checked", {"size": True}),
    Without(name="stage too early", code="stage", take=at_stage("S4", "seller")),
    Without(name="stage too late", code="stage", take=at_stage("S8", "seller")),
    Without(name="a later stage", code="stage", take=also(stage("S9", entry=30))),
    *fact_flaws(DEAL_STAGE, "stage", {"stage": 6, "side": "seller"}),
)


@pytest.mark.parametrize("removed", REVEALS, ids=lambda removed: removed.name)
def test_a_reveal_without_one_thing(removed: Without) -> None:
    assert codes(removed.take(*reveal())) == [removed.code]


@pytest.mark.parametrize("removed", RELEASES, ids=lambda removed: removed.name)
def test_a_release_without_one_thing(removed: Without) -> None:
    assert codes(removed.take(*release())) == [removed.code]


def test_what_is_never_shown_is_not_shown() -> None:
    request, facts = reveal()
    for cls in (FieldClass.CVV, FieldClass.PIN, FieldClass.TRACK, FieldClass.PASSWORD):
        every = frozenset({cls.value, "pan"})
        asked = replace(request, classes=frozenset({cls, FieldClass.PAN}), grant=replace(GRANT, classes=every))
        assert codes((asked, facts)) == ["agreement", "class"]
    assert codes((replace(request, classes=frozenset()), facts)) == ["agreement", "class"]


def test_without_a_purpose_even_a_grant_without_one_is_not_enough() -> None:
    request, facts = reveal()
    assert codes((replace(request, purpose="", grant=replace(GRANT, purpose="")), facts)) == ["grant_fits"]


def test_outside_of_a_deal_no_stage_is_asked() -> None:
    request, facts = reveal()
    outside = replace(request, deal="", grant=replace(GRANT, deal=""))
    assert codes((outside, tuple(item for item in facts if item.subject != DEAL))) == []


def test_everything_unmet_is_listed() -> None:
    request, _ = reveal()
    bare = replace(request, roles=frozenset(), factor_at=None, grant=None, classes=frozenset({FieldClass.CVV}))
    frozen = fact(PERSON_FROZEN, LI, {"reason": "x"}, 9)
    assert codes((bare, (frozen,))) == [
        "role",
        "frozen",
        "factor",
        "trained",
        "screened",
        "pledged",
        "grant",
        "class",
        "clear_stage",
        "reviewed",
        "key",
        "checked",
    ]
    request, _ = release()
    assert codes((replace(request, approvals=(), factor_at=None), ())) == [
        "factor",
        "trained",
        "screened",
        "pledged",
        "second_person",
        "agreement",
        "stage",
        "reviewed",
        "checked",
        "witnessed",
    ]


def test_an_instant_without_a_zone_is_no_instant() -> None:
    request, facts = reveal()
    naive = NOW.replace(tzinfo=None)
    assert not decide(replace(request, now=naive), facts).allowed
    assert codes((replace(request, now=naive, action=Action.LEDGER_READ), ())) == ["frozen"]
    assert not decide(*fact_is(PERSON_TRAINED, start=NOW.replace(tzinfo=None))(request, facts)).allowed


def test_a_freeze_that_is_over_or_lifted_binds_no_more() -> None:
    request, facts = reveal()
    frozen = fact(PERSON_FROZEN, LI, {"reason": "x"}, 9)
    for past in (replace(frozen, until=NOW), replace(frozen, withdrawn=True), replace(frozen, subject=WANG)):
        assert codes((request, (*facts, past))) == []
    later = replace(frozen, start=NOW + timedelta(seconds=6))
    assert codes((request, (*facts, later))) == []


def test_every_action_has_a_rule_that_names_roles() -> None:
    assert set(POLICY) == set(Action)
    assert all(rule.roles for rule in POLICY.values())
    assert [action for action, rule in POLICY.items() if rule.clear_values and not rule.grant] == []
    two = {action for action, rule in POLICY.items() if rule.second_person}
    assert two >= {Action.ERASE, Action.ROTATE, Action.RELEASE, Action.DESTROY, Action.PARTY_CONFIRM}
    assert all(POLICY[action].factor_age_max_s == 300 for action in two | {Action.REVEAL, Action.GRANT_APPROVE})
    assert len(policy_digest()) == 64


def test_an_action_outside_of_the_table_is_denied() -> None:
    request, facts = reveal()
    assert codes((replace(request, action="vault.everything"), facts)) == ["action"]  # type: ignore[arg-type]


def test_an_act_is_canonical_json() -> None:
    for details in ((), (("a", '中文 \u2028 \\ " \x07'), ("", "\U0001f600"))):
        for classes in (frozenset[FieldClass](), frozenset(FieldClass)):
            asked = replace(reveal()[0], details=details, classes=classes, scope="brand", count=-3)
            act: dict[str, Json] = {
                "action": "vault.reveal",
                "classes": sorted(cls.value for cls in classes),
                "count": -3,
                "purpose": "refund",
                "deal": DEAL,
                "scope": "brand",
                "details": [list(pair) for pair in details],
            }
            assert asked.act() == canon.dumps(act)
    for strange in (2**53, True, 1.5):
        with pytest.raises(canon.NotCanonical):
            replace(reveal()[0], count=strange).act()  # type: ignore[arg-type]
    with pytest.raises(canon.NotCanonical):
        replace(reveal()[0], purpose="\ud800").act()
