"""The decision is never *allowed* unless an oracle written in another way says so, and the other way round.

What is thrown at it: facts that are missing, expired, ill-typed, from the future, withdrawn, about somebody else;
wrong deals, purposes, classes, counts, persons, approvals and grants; in any mixture.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.decision_oracle import permits

from tigertally.access import Action, Request, Role, decide
from tigertally.access.asking import ApprovalView, GrantView
from tigertally.access.policy import POLICY, SENIOR, SHIPPED, Rules
from tigertally.access.unmet import ALL
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.ledger import Fact

T = TypeVar("T")
# A million by `make fuzz` and `make bench ONLY=decision`; what takes a minute is no test of every day.
ROUNDS: Final = int(os.environ.get("ROUNDS", "200000"))

NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
EDGE: Final = timedelta(microseconds=1)
PEOPLE: Final = ("per_li", "per_wang", "per_zhao")
DEALS: Final = ("dea_one", "dea_two")

STAGES: Final[list[dict[str, Json]]] = [
    {"stage": f"S{number}", "side": side} for number in range(10) for side in ("seller", "buyer")
]
COVERED: Final[list[Json]] = [
    ["pan", "name", "expiry"],
    ["pan"],
    [],
    ["pan", "name", "expiry", ["x"]],
    ["pan", 1],
    "pan",
]
AGREED: Final[tuple[Json, ...]] = (["refund"], [], ["dispute"], ["refund", 1], "refund", ["refund", "dispute"])
EVERY: Final[list[Json]] = [action.value for action in Action]
WAIVED: Final = ("reviewed", "trained", "screened", "factor_strong", "key", "checked", "witnessed")
WAIVERS: Final[tuple[tuple[list[Json], str, str], ...]] = (
    (EVERY, "per_wang", "per_zhao"),
    (EVERY, "per_wang", "per_wang"),
    (EVERY, "per_wang", ""),
    (["vault.reveal"], "per_wang", "per_zhao"),
    ([["vault.reveal"], 1], "per_wang", "per_zhao"),
)
VALUES: Final[dict[str, tuple[dict[str, Json], ...]]] = {
    "people.trained": ({"course": "c", "version": 1, "score": 9}, {"course": "c", "version": True, "score": 9}, {}),
    "people.screened": ({"by": "x", "outcome": "pass"}, {"by": "x", "outcome": "fail"}, {"outcome": "pass"}),
    "people.pledged": ({"text_digest": "d", "version": 2}, {"text_digest": 1, "version": 2}),
    "people.frozen": ({"reason": "x"}, {"reason": 4}, {}),
    "deals.stage": (
        *STAGES,
        {"stage": ["S5"], "side": "seller"},
        {"stage": "S5", "side": "x"},
        {"stage": "S5"},
    ),
    "deals.agreement_in_force": tuple(
        {"agreement": "a", "digest": "d", "classes": classes, "purposes": purposes}
        for classes in COVERED
        for purposes in AGREED
    ),
    "deals.agreement_signed": tuple(
        {"deal": deal, "digest": digest} for deal in (*DEALS, "dea_three") for digest in ("d", "e", 1)
    ),
    "vault.key_active": ({"key": "key_one", "version": 1}, {"key": "key_one", "version": "1"}, {}),
    "access.reviewed": ({"by": "per_x"}, {"by": 1}, {}),
    "access.glass": (
        {"reason": "order", "by": "per_li", "approver": "per_zhao"},
        {"reason": "order", "by": "per_li", "approver": "per_li"},
        {"reason": "order", "by": "", "approver": "per_zhao"},
        {"reason": "order", "by": "per_li"},
    ),
    "ledger.checked": ({"size": 9}, {"size": "9"}, {}),
    "ledger.witnessed": (
        {"size": 9, "witnesses": ["w"], "policy": "d"},
        {"size": 9, "witnesses": ["w"]},
        {"size": 9, "witnesses": ["w"], "policy": 1},
    ),
    "access.waived": tuple(
        {"condition": code, "actions": actions, "reason": "not_yet", "by": by, "approver": approver}
        for code in (*WAIVED, "pledged", "role", "second_person", "x")
        for actions, by, approver in WAIVERS
    ),
}
SPANS: Final = (
    (NOW - HOUR, NOW + HOUR),
    (NOW - HOUR, None),
    (NOW, NOW + EDGE),
    (NOW - HOUR, NOW),
    (NOW + EDGE, None),
    (NOW + timedelta(seconds=6), None),
    (NOW - 2 * HOUR, NOW - HOUR),
    (NOW - 90 * DAY, NOW + EDGE),
    (NOW - HOUR + EDGE, NOW + EDGE),
)
CLASSES: Final = tuple(
    frozenset(item)
    for item in (
        {FieldClass.PAN},
        {FieldClass.PAN, FieldClass.NAME},
        {FieldClass.PAN, FieldClass.CVV},
        set(),
        {FieldClass.EXPIRY},
        {FieldClass.SCHEME_TXN_ID},
        {FieldClass.PAN, FieldClass.USCC},
    )
)
FACTORS: Final = tuple(
    None if age is None else NOW - timedelta(seconds=age) for age in (0, 299, 300, 301, 28_801, -5, -6, None)
)
DETAILS: Final = ((), (("subject", "sub_one"),), (("subject", "sub_two"),), (("a", "b"), ("c", "中文")))


def pool(subject: str, kinds: Sequence[str]) -> list[list[Fact]]:
    """For each kind, the facts of every value and span about ``subject``: the first is a good one."""
    return [
        [
            Fact(kind=kind, subject=subject, value=value, start=start, until=until, entry=0, withdrawn=withdrawn)
            for value in VALUES[kind]
            for withdrawn in (False, True)
            for start, until in SPANS
        ]
        for kind in kinds
    ]


PERSONAL: Final = (
    "people.trained",
    "people.screened",
    "people.pledged",
    "people.frozen",
    "access.reviewed",
    "access.glass",
    "deals.agreement_signed",
)
DEALT: Final = ("deals.stage", "deals.agreement_in_force", "ledger.witnessed")
ALL_OVER: Final = ("ledger.checked", "ledger.witnessed", "access.waived")
POOLS: Final = (
    {subject: pool(subject, PERSONAL) for subject in PEOPLE}
    | {subject: pool(subject, DEALT) for subject in DEALS}
    | {"installation": pool("installation", ALL_OVER), "key_one": pool("key_one", ["vault.key_active"])}
)
RARE: Final = {"people.frozen": 0.05, "access.waived": 0.3, "access.glass": 0.2}

# As strict as an organisation can make them.
STRICT: Final = Rules(
    table={
        action: replace(
            rule,
            factor_bound=True,
            factor_strong=True,
            volume=True,
            key=True,
            checked=True,
            witnessed=True,
            reviewed=True,
        )
        for action, rule in POLICY.items()
    }
)


class Drawer:
    """Draws requests that are mostly right: what is wrong alone must be enough to refuse."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw

    def mostly(self, good: T, others: Sequence[T]) -> T:
        """Nine in ten times the good one."""
        return good if self.draw.random() < 0.9 else others[int(self.draw.random() * len(others))]

    def facts(self, person: str, deal: str) -> list[Fact]:
        """One of each kind, a few more, in any order."""
        found: list[Fact] = []
        for subject in (person, deal or DEALS[0], "installation", "key_one"):
            for choices in POOLS[subject]:
                if self.draw.random() < RARE.get(choices[0].kind, 0.97):
                    found.append(self.entered(self.good(choices) if self.draw.random() < 0.9 else choices))
                if self.draw.random() < 0.08:
                    found.append(self.entered(choices))
        if self.draw.random() < 0.2:  # somebody else's, an approver's freeze among them
            found.append(
                self.entered(POOLS[PEOPLE[int(self.draw.random() * 3)]][int(self.draw.random() * len(PERSONAL))])
            )
        self.draw.shuffle(found)
        return found

    def good(self, choices: list[Fact]) -> list[Fact]:
        """Those of the pool that hold."""
        if choices[0].kind == "deals.stage":
            at = int(self.draw.random() * 20) * 2 * len(SPANS)
            return choices[at : at + 2]
        if choices[0].kind == "access.glass":
            return choices[len(SPANS) - 1 : len(SPANS)]
        if choices[0].kind == "access.waived":
            return [fact for fact in choices if fact.start < NOW < (fact.until or NOW)]
        return choices[:2]

    def entered(self, choices: list[Fact]) -> Fact:
        """One of them, with an index of its own."""
        chosen = choices[int(self.draw.random() * len(choices))]
        return Fact(
            kind=chosen.kind,
            subject=chosen.subject,
            value=chosen.value,
            start=chosen.start,
            until=chosen.until,
            entry=int(self.draw.random() * 1_000_000),
            withdrawn=chosen.withdrawn,
        )

    def request(self) -> tuple[Request, list[Fact]]:
        """A request and the facts about it."""
        draw = self.draw
        action = ACTIONS[int(draw.random() * len(ACTIONS))]
        rule = POLICY[action]
        person, other = PEOPLE[int(draw.random() * 2)], PEOPLE[2]
        deal = self.mostly(DEALS[0], ("", DEALS[1]))
        classes = self.mostly(CLASSES[int(draw.random() * 2)], CLASSES)
        purpose = self.mostly("refund", ("", "dispute"))
        bare = Request(
            person=person,
            roles=self.mostly(rule.roles, (frozenset(), frozenset({Role.AUDITOR}), frozenset({Role.OPERATOR}))),
            action=action,
            now=NOW,
            factor_at=self.mostly(NOW, FACTORS),
            factor_kind=self.mostly("webauthn", ("totp", "")),
            key=self.mostly("key_one", ("", "key_two")),
            classes=classes,
            count=self.mostly(1, (0, -1, 3, 4)),
            purpose=purpose,
            deal=deal,
            scope=self.mostly("main", ("", "other")),
            details=DETAILS[int(draw.random() * len(DETAILS))],
        )
        bound = self.mostly(bare.act_digest(), ("", "0" * 64))
        seen = self.mostly(0, (2_300, 2_399, 2_400, 2_499, 2_500, -1))
        bare = replace(bare, factor_act=bound, seen=seen)
        if rule.grant or draw.random() < 0.1:
            bare = replace(bare, grant=self.grant(bare, other))
        if (rule.second_person and draw.random() < 0.97) or draw.random() < 0.2:
            wanted = rule.second_person or SENIOR
            given = tuple(self.approval(bare, other, wanted) for _ in range(1 + (draw.random() < 0.2)))
            bare = replace(bare, approvals=given)
            if draw.random() < 0.1:
                bare = replace(bare, details=DETAILS[int(draw.random() * len(DETAILS))], count=self.mostly(1, (2,)))
        return bare, self.facts(person, deal)

    def grant(self, request: Request, other: str) -> GrantView | None:
        start, until = self.mostly(SPANS[0], SPANS)
        return (
            None
            if self.draw.random() < 0.1
            else GrantView(
                grant="gra",
                asker=self.mostly(request.person, PEOPLE),
                approver=self.mostly(other, ("", *PEOPLE)),
                action=self.mostly(request.action.value, ("vault.view", "")),
                classes=self.mostly(frozenset({"pan", "name"}), (frozenset(), frozenset({"pan"}), frozenset({"name"}))),
                purpose=self.mostly(request.purpose, ("", "refund", "dispute")),
                deal=self.mostly(request.deal, ("", *DEALS)),
                scope=self.mostly(request.scope, ("", "other")),
                left=self.mostly(3, (0, 1, -1)),
                start=start,
                until=until or NOW + HOUR,
                entry=77,
            )
        )

    def approval(self, request: Request, other: str, roles: frozenset[Role]) -> ApprovalView:
        start, until = self.mostly(SPANS[0], SPANS)
        return ApprovalView(
            approval="apv",
            digest=request.act_digest() if self.draw.random() < 0.95 else "0" * 64,
            asker=self.mostly(request.person, PEOPLE),
            approver=self.mostly(other, ("", *PEOPLE)),
            approver_roles=self.mostly(roles, (frozenset(), frozenset({Role.OPERATOR}))),
            at=start,
            until=until or NOW + HOUR,
            entry=78,
        )


# Reveals and two-person acts are what matters most.
ACTIONS: Final = (
    *Action,
    *[Action.REVEAL] * 12,
    *[Action.RELEASE, Action.DESTROY, Action.ERASE, Action.BUNDLE, Action.RECEIVE] * 3,
)


TURNS: Final[tuple[Callable[[Request], Request], ...]] = (
    lambda request: request,
    lambda request: replace(request, now=NOW + EDGE),
    lambda request: replace(request, now=NOW - EDGE),
    lambda request: replace(request, person=PEOPLE[2]),
    lambda request: replace(request, deal=DEALS[1]),
    lambda request: replace(request, count=request.count + 2),
    lambda request: replace(request, purpose="dispute"),
    lambda request: replace(request, action=Action.DESTROY),
)


@dataclass(slots=True, kw_only=True)
class Fuzzed:
    """What came of many requests: how many, by action how often allowed, by condition how often unmet."""

    decided: int = 0
    allowed: dict[Action, int] = field(default_factory=lambda: dict.fromkeys(Action, 0))
    refused: dict[str, int] = field(default_factory=dict)


def fuzz(rounds: int, *, seed: int) -> Fuzzed:
    """Ask ``rounds`` requests and more; the first that is decided otherwise than the oracle says is an error."""
    drawer, found = Drawer(random.Random(seed)), Fuzzed()
    while found.decided < rounds:
        request, facts = drawer.request()
        for turn in TURNS:
            asked = turn(request)
            rules = STRICT if found.decided % 3 == 0 else SHIPPED
            decision = decide(asked, facts, rules)
            found.decided += 1
            assert decision.allowed == permits(asked, facts, rules), (asked, facts)
            if decision.allowed:
                found.allowed[asked.action] += 1
            for item in decision.unmet:
                found.refused[item.condition] = found.refused.get(item.condition, 0) + 1
    return found


def test_a_great_many_requests_are_decided_as_the_oracle_says() -> None:
    found = fuzz(ROUNDS, seed=20260302)
    decided, allowed, refused = found.decided, found.allowed, found.refused
    assert decided >= ROUNDS
    assert min(allowed.values()) > 20, "every action was allowed at times, or nothing was tested"
    assert set(refused) == {
        "role", "frozen", "factor", "factor_bound", "factor_strong", "trained", "screened", "pledged", "grant",
        "grant_waits", "grant_person", "grant_time", "grant_fits", "grant_left", "second_person", "agreement",
        "agreed_purpose", "agreed_person", "stage", "class", "clear_stage", "volume", "reviewed", "key", "checked",
        "witnessed",
    }  # fmt: skip
    assert set(refused) == set(ALL) - {"action"}


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["pass", "S5", "seller", "pan"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
NEAR: Final = st.sampled_from([-HOUR, -EDGE, timedelta(0), EDGE, timedelta(seconds=5), HOUR]).map(lambda by: NOW + by)
ANY_FACT: Final = st.sampled_from(sorted(VALUES)).flatmap(
    lambda kind: st.builds(
        Fact,
        kind=st.just(kind),
        subject=st.sampled_from([*PEOPLE, *DEALS, "installation", "key_one", ""]),
        value=st.sampled_from(VALUES[kind])
        | st.fixed_dictionaries(dict.fromkeys(VALUES[kind][0], JSON))
        | st.dictionaries(st.text(max_size=5), JSON, max_size=3),
        start=NEAR,
        until=st.none() | NEAR,
        entry=st.integers(0, 50),
        withdrawn=st.booleans(),
    )
)


@settings(max_examples=400, deadline=None)
@given(st.randoms(use_true_random=False), st.lists(ANY_FACT, max_size=6))
def test_no_mixture_of_facts_is_allowed_wrongly(source: random.Random, more: list[Fact]) -> None:
    request, facts = Drawer(source).request()
    mixed = [*facts, *more]
    entries = [fact.entry for fact in mixed]
    if len(set(entries)) < len(entries):  # one entry proves one fact
        mixed = [replace(fact, entry=entry) for entry, fact in enumerate(mixed)]
    decision = decide(request, mixed)
    assert decision.allowed == permits(request, mixed)
    assert decision.allowed == (decision.unmet == ())
    assert set(decision.facts) <= {fact.entry for fact in mixed} | {77, 78}


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False), st.data())
def test_taking_a_fact_away_never_allows_unless_it_was_a_freeze_or_newer(
    source: random.Random, data: st.DataObject
) -> None:
    """Facts only ever permit; a freeze, or a newer value that says less, is what one may lose."""
    request, facts = Drawer(source).request()
    if not facts:
        return
    gone = data.draw(st.integers(0, len(facts) - 1))
    left = facts[:gone] + facts[gone + 1 :]
    if decide(request, left).allowed and not decide(request, facts).allowed:
        same = [fact for fact in left if (fact.kind, fact.subject) == (facts[gone].kind, facts[gone].subject)]
        assert facts[gone].kind == "people.frozen" or any(fact.entry < facts[gone].entry for fact in same)


STRANGE: Final = st.sampled_from([None, "", 0, 1.5, b"x", object(), [], {}, NOW.replace(tzinfo=None), frozenset({1})])
# Those that some action does not look at, and those that every action does.
SOMETIMES: Final = (
    "classes", "count", "purpose", "deal", "scope", "details", "factor_at", "grant", "approvals", "factor_kind",
    "factor_act", "key", "seen",
)  # fmt: skip
NAMES: Final = ("person", "roles", "now", *SOMETIMES)


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(NAMES), STRANGE)
def test_a_request_of_wrong_types_is_refused_and_raises_nothing(
    source: random.Random, name: str, strange: object
) -> None:
    """Callers are typed; should one slip, the answer is no, or what it would have been without the member."""
    request, facts = Drawer(source).request()
    asked = replace(request, **{name: strange})  # type: ignore[arg-type]
    decision = decide(asked, facts)
    if decision.allowed:
        assert decide(request, facts).allowed or name in SOMETIMES
