"""The Cedar policy set says what the decision says, over a great many requests; and it fails closed.

The engine is Cedar's own (``cedarpy``). A request with several approvals is asked once for each.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import cedarpy
import pytest
from tests.laws.decision_pools import EDGE, HOUR, NOW, PEOPLE
from tests.laws.test_decision_laws import STRICT, Drawer

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
    Request,
    Role,
    cedar,
    decide,
)
from tigertally.access.asking import ApprovalView
from tigertally.access.conditions import SET_ASIDE
from tigertally.access.facts import (
    CONDITION_WAIVED,
    GLASS_BROKEN,
    INSTALLATION,
    LEDGER_CHECKED,
    LEDGER_WITNESSED,
    PERSON_REVIEWED,
    SERVICE,
)
from tigertally.access.known import Known
from tigertally.access.policy import POLICY, SHIPPED, Rules, Side, policy_digest
from tigertally.access.stages import AGREED_STAGES
from tigertally.access.unmet import WAIVABLE
from tigertally.access.volume import units
from tigertally.base.canon import Json
from tigertally.ledger import Fact, FactKind

ROUNDS: Final = 100_000
BATCH: Final = 2_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
POLICIES: Final = cedarpy.PolicySet.from_str(cedar.policies())
SCHEMA: Final = cedarpy.Schema.from_str(cedar.schema())
ENTITIES: Final = cedarpy.Entities.from_json_str("[]")
LISTED: Final = ("owner", "actions", "classes", "purposes", "deal", "daily", "by", "approver")
Asked = dict[str, object]


def micros(at: datetime | None) -> int:
    return cedar.FOREVER if at is None else (at - EPOCH) // (datetime.resolution)


def holding(known: Known, kind: FactKind, subject: str, now: datetime) -> dict[str, Json] | None:
    """The newest that holds at ``now``, else the newest, with its times."""
    found = known.of(kind.name, subject)
    fact: Fact | None = next((item for item in found if item.current(now)), found[0] if found else None)
    if fact is None:
        return None
    return {**fact.value, "start": micros(fact.start), "until": micros(fact.until)}


def frozen(known: Known, person: str, now: datetime) -> bool:
    return any(
        (fact.start - now).total_seconds() <= 5 and (fact.until is None or now < fact.until)
        for fact in known.of(PERSON_FROZEN.name, person)
    )


def context_of(request: Request, known: Known, approval: ApprovalView | None) -> dict[str, Json]:
    """The request and what is known, in the members of the schema."""
    now, person, deal, whose = request.now, request.person, request.deal, request.answers
    context: dict[str, Json] = {
        "now": micros(now),
        "person": person,
        "answers": whose,
        "served": request.served,
        "roles": sorted(role.value for role in request.roles),
        "frozen": frozen(known, person, now) or frozen(known, whose, now),
        "classes": sorted(item.value for item in request.classes),
        "count": request.count,
        "purpose": request.purpose,
        "deal": deal,
        "scope": request.scope,
        "act": request.act_digest(),
        "factor_kind": request.factor_kind,
        "factor_act": request.factor_act,
        "seen": request.seen,
        "asked": units(request.classes, request.count),
        "waived": waived(request, known),
    }
    if request.factor_at is not None:
        context["factor_at"] = micros(request.factor_at)
    kept: tuple[tuple[str, FactKind, str, tuple[str, ...]], ...] = (
        ("trained", PERSON_TRAINED, whose, ()),
        ("screened", PERSON_SCREENED, whose, ("outcome",)),
        ("pledged", PERSON_PLEDGED, whose, ()),
        ("agreement", AGREEMENT_IN_FORCE, deal, ("digest", "classes", "purposes")),
        ("stage", DEAL_STAGE, deal, ("stage", "side")),
        ("reviewed", PERSON_REVIEWED, whose, ()),
        ("service", SERVICE, person, LISTED),
        ("key", KEY_ACTIVE, request.key, ()),
        ("checked", LEDGER_CHECKED, INSTALLATION, ()),
        ("witnessed", LEDGER_WITNESSED, deal or INSTALLATION, ()),
    )
    for name, kind, subject, members in kept:
        value = holding(known, kind, subject, now)
        if value is not None and all(_strings(value.get(member, [])) for member in ("actions", "classes", "purposes")):
            context[name] = {member: value[member] for member in (*members, "start", "until")}
    held = context.get("agreement")
    text = held["digest"] if isinstance(held, dict) else ""
    signed = [fact for fact in known.of(AGREEMENT_SIGNED.name, whose) if fact.value == {"deal": deal, "digest": text}]
    signed = [fact for fact in signed if fact.current(now)] or signed or [*known.of(AGREEMENT_SIGNED.name, whose)]
    if signed:
        context["signed"] = {**signed[0].value, "start": micros(signed[0].start), "until": micros(signed[0].until)}
    grant = request.grant
    if grant is not None:
        context["grant"] = {
            "asker": grant.asker,
            "approver": grant.approver,
            "action": grant.action,
            "classes": sorted(grant.classes),
            "purpose": grant.purpose,
            "deal": grant.deal,
            "scope": grant.scope,
            "left": grant.left,
            "start": micros(grant.start),
            "until": micros(grant.until),
        }
    if approval is not None:
        context["second"] = {
            "digest": approval.digest,
            "asker": approval.asker,
            "approver": approval.approver,
            "approver_roles": sorted(role.value for role in approval.approver_roles),
            "approver_frozen": frozen(known, approval.approver, now),
            "at": micros(approval.at),
            "until": micros(approval.until),
        }
    return context


def waived(request: Request, known: Known) -> list[Json]:
    """The conditions that two persons waived for this action."""
    found: set[str] = set()
    for fact in known.of(CONDITION_WAIVED.name, INSTALLATION):
        value = fact.value
        long = fact.until is None or fact.until - fact.start > timedelta(days=90)
        if fact.current(request.now) and not long and request.action.value in list(value["actions"]):  # type: ignore[arg-type]
            found |= {str(value["condition"])} if len({value["by"], value["approver"], ""}) == 3 else set()
    found &= WAIVABLE
    if POLICY[request.action].grant and request.grant is None and not request.person.startswith("svc_"):
        for fact in known.of(GLASS_BROKEN.name, request.person):
            value = fact.value
            short = fact.until is not None and fact.until - fact.start <= HOUR
            if fact.current(request.now) and short and len({value["by"], value["approver"], ""}) == 3:
                found |= SET_ASIDE
    return [*sorted(found)]


def _strings(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def asked(action: str, context: dict[str, Json]) -> Asked:
    return {
        "principal": {"type": "Tigertally::Person", "id": "p"},
        "action": {"type": "Tigertally::Action", "id": action},
        "resource": {"type": "Tigertally::Installation", "id": "i"},
        "context": context,
    }


def allowed(requests: list[Asked], policies: cedarpy.PolicySet = POLICIES) -> list[bool]:
    """What Cedar says; an error of any kind is a no."""
    found = cedarpy.is_authorized_batch(requests, policies, ENTITIES, SCHEMA)
    return [item.decision == cedarpy.Decision.Allow and not item.diagnostics.errors for item in found]


def drawn(rounds: int) -> Iterator[tuple[Request, Known]]:
    """Requests, each with three neighbours about which the same is known."""
    drawer = Drawer(random.Random(20261124))
    for _ in range(rounds // 4):
        request, facts = drawer.request()
        known = Known(facts)
        yield request, known
        yield replace(request, now=NOW + EDGE), known
        yield replace(request, count=request.count + 2, purpose="dispute"), known
        yield replace(request, person=PEOPLE[2], owner="", factor_at=NOW - HOUR), known


@pytest.mark.parametrize(("rules", "rounds"), [(SHIPPED, ROUNDS), (STRICT, ROUNDS // 4)], ids=["shipped", "strict"])
def test_cedar_and_the_decision_agree_on_a_hundred_thousand_requests(rules: Rules, rounds: int) -> None:
    policies = cedarpy.PolicySet.from_str(cedar.policies(rules))
    asking: list[Asked] = []
    owners: list[int] = []
    ours: list[bool] = []
    yes: dict[Action, int] = dict.fromkeys(Action, 0)

    def compare() -> None:
        theirs = [False] * len(ours)
        for owner, answer in zip(owners, allowed(asking, policies), strict=True):
            theirs[owner] = theirs[owner] or answer
        assert theirs == ours
        asking.clear()
        owners.clear()
        ours.clear()

    for request, known in drawn(rounds):
        for approval in request.approvals or (None,):
            asking.append(asked(request.action.value, context_of(request, known, approval)))
            owners.append(len(ours))
        ours.append(decide(request, known, rules).allowed)
        yes[request.action] += ours[-1]
        if len(ours) == BATCH:
            compare()
    compare()
    assert min(yes.values()) > (5 if rules is SHIPPED else 0), (
        "every action was allowed at times, or nothing was tested"
    )


def good() -> dict[Action, dict[str, Json]]:
    """For each action the context of a request that is allowed."""
    found: dict[Action, dict[str, Json]] = {}
    for request, known in drawn(20_000):
        if (
            request.action not in found
            and not request.owner
            and not waived(request, known)
            and decide(request, known).allowed
        ):
            contexts = [context_of(request, known, item) for item in request.approvals or (None,)]
            found[request.action] = next(it for it in contexts if allowed([asked(request.action.value, it)])[0])
    return found


GOOD: Final = good()


def test_there_is_a_good_request_of_every_action() -> None:
    assert set(GOOD) == set(Action)


@pytest.mark.parametrize("action", list(Action), ids=lambda action: action.value)
def test_what_is_missing_or_of_another_type_is_never_allowed(action: Action) -> None:
    """The traps of Cedar: a policy that errs is skipped, and an unknown action has none."""
    context = GOOD[action]
    optional = {
        "factor_at", "trained", "screened", "pledged", "agreement", "stage", "grant", "second", "reviewed", "key",
        "checked", "witnessed", "signed", "service",
    }  # fmt: skip
    rule = POLICY[action]
    at = context.get("stage")
    place = (at["side"], at["stage"]) if isinstance(at, dict) else ("", "")
    asks = (
        rule.agreed
        and bool(context["deal"])
        and place in {(side.value, s) for side in Side for s in AGREED_STAGES[side]}
    )
    needed = {
        "factor_at": bool(rule.factor_age_max_s),
        "service": False,
        "trained": rule.trained,
        "screened": rule.screened,
        "pledged": rule.pledged,
        "agreement": rule.agreement or asks,
        "signed": rule.agreement or asks,
        "stage": bool(rule.stages) or ((rule.clear_values or rule.agreed) and bool(context["deal"])),
        "grant": rule.grant,
        "second": bool(rule.second_person),
        "reviewed": rule.reviewed,
        "key": rule.key,
        "checked": rule.checked,
        "witnessed": rule.witnessed,
    }
    for name, value in context.items():
        without = {key: item for key, item in context.items() if key != name}
        if name not in optional or needed[name]:
            assert allowed([asked(action.value, without)]) == [False], name
        for strange in ("x", 1, True, [], {}, [1], {"x": 1}):
            if type(strange) is not type(value) or (isinstance(value, dict) and strange != value):
                assert allowed([asked(action.value, {**context, name: strange})]) == [False], (name, strange)
        if isinstance(value, dict):
            for member in value:
                broken = {key: item for key, item in value.items() if key != member}
                assert allowed([asked(action.value, {**context, name: broken})]) == [False], (name, member)
    assert allowed([asked(action.value, {**context, "more": 1})]) == [False], "a member that the schema does not have"
    assert allowed([asked("vault.everything", context)]) == [False]
    assert allowed([{**asked(action.value, context), "principal": {"type": "Other", "id": "p"}}]) == [False]


def test_the_set_is_valid_and_has_no_forbid() -> None:
    assert cedarpy.validate_policies(cedar.policies(), cedar.schema()).validation_passed
    assert "forbid" not in cedar.policies()
    assert cedar.policies().count("permit (") == len(POLICY) == cedar.policies().count("@id(")
    assert policy_digest() in cedar.policies()
    assert micros(NOW) > 0
    assert all(role.value in cedar.policies() for role in Role)
