"""The decision is never *allowed* unless an oracle written in another way says so, and the other way round.

What is thrown at it: facts that are missing, expired, ill-typed, from the future, withdrawn, about somebody else;
wrong deals, purposes, classes, counts, persons, approvals and grants; in any mixture.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.decision_oracle import permits
from tests.laws.decision_pools import (
    CLASSES,
    DEALS,
    DETAILS,
    EDGE,
    FACTORS,
    HOUR,
    NOW,
    PEOPLE,
    PERSONAL,
    POOLS,
    RARE,
    SERVICE,
    SPANS,
    VALUES,
)

from tigertally.access import Action, Request, Role, decide
from tigertally.access.asking import ApprovalView, GrantView
from tigertally.access.policy import POLICY, SENIOR, SHIPPED, Rules
from tigertally.access.serving import SERVABLE
from tigertally.access.unmet import ALL
from tigertally.ledger import Fact

T = TypeVar("T")
# A million by `make fuzz` and `make bench ONLY=decision`; what takes a minute is no test of every day.
ROUNDS: Final = int(os.environ.get("ROUNDS", "200000"))

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
        for subject in (person, SERVICE, deal or DEALS[0], "installation", "key_one"):
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
        if choices[0].kind == "access.service":
            return choices[:1]
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
        if draw.random() < 0.12:
            bare = self.served(bare)
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

    def served(self, request: Request) -> Request:
        """The same by a service; or by a person who says that another answers for them."""
        kind = self.mostly("assertion", ("webauthn", ""))
        owner = self.mostly(request.person, ("", PEOPLE[2], SERVICE))
        person = self.mostly(SERVICE, (request.person, "svc_two"))
        return replace(request, person=person, owner=owner, factor_kind=kind, served=self.mostly(3, (0, 8, 9, -1)))

    def grant(self, request: Request, other: str) -> GrantView | None:
        start, until = self.mostly(SPANS[0], SPANS)
        return (
            None
            if self.draw.random() < 0.1
            else GrantView(
                grant="gra",
                asker=self.mostly(request.answers, (*PEOPLE, SERVICE)),
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
            approver=self.mostly(other, ("", SERVICE, *PEOPLE)),
            approver_roles=self.mostly(roles, (frozenset(), frozenset({Role.OPERATOR}))),
            at=start,
            until=until or NOW + HOUR,
            entry=78,
        )


# Reveals and two-person acts are what matters most.
ACTIONS: Final = (
    *Action,
    *[Action.REVEAL] * 12,
    *[Action.RELEASE, Action.DESTROY, Action.ERASE, Action.BUNDLE, Action.RECEIVE, Action.REVEAL_MANY] * 3,
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
    served: set[Action] = field(default_factory=set)


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
                found.served |= {asked.action} if asked.person == SERVICE else set()
            for item in decision.unmet:
                found.refused[item.condition] = found.refused.get(item.condition, 0) + 1
    return found


def test_a_great_many_requests_are_decided_as_the_oracle_says() -> None:
    found = fuzz(ROUNDS, seed=20260302)
    decided, allowed, refused = found.decided, found.allowed, found.refused
    assert decided >= ROUNDS
    assert min(allowed.values()) > 20, "every action was allowed at times, or nothing was tested"
    assert found.served == SERVABLE, "and to services everything that they may be allowed, and nothing else"
    assert set(refused) == {
        "role", "frozen", "factor", "factor_bound", "factor_strong", "trained", "screened", "pledged", "grant",
        "grant_waits", "grant_person", "grant_time", "grant_fits", "grant_left", "second_person", "agreement",
        "agreed_purpose", "agreed_person", "stage", "class", "clear_stage", "volume", "reviewed", "key", "checked",
        "witnessed", "service", "service_fits", "service_left",
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
