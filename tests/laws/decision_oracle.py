"""The decision said once more, in another way: one boolean expression over plain sets. Used by test_decision_laws.

It shares with the product the table of rules and the words (kinds, stages, classes); nothing that evaluates them. It
knows nothing of why not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from tigertally.access import Request
from tigertally.access.policy import POLICY
from tigertally.base.canon import Json
from tigertally.base.fields import FIELD_RULES, Destiny
from tigertally.ledger import Fact

TYPES: Final[dict[str, dict[str, type]]] = {
    "people.trained": {"course": str, "version": int, "score": int},
    "people.screened": {"by": str, "outcome": str},
    "people.pledged": {"text_digest": str, "version": int},
    "deals.agreement_in_force": {"agreement": str, "digest": str, "classes": list, "purposes": list},
    "deals.stage": {"stage": str, "side": str},
}
CLEAR: Final = {("seller", f"S{number}") for number in (*range(7), 9)} | {("buyer", "S7"), ("buyer", "S8")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The facts, and the instant they are asked about."""

    facts: Sequence[Fact]
    now: datetime

    def value(self, kind: str, subject: str) -> dict[str, Json] | None:
        """The value of the newest that holds and is typed as it must be."""
        holding = {
            fact.entry: dict(fact.value)
            for fact in self.facts
            if (fact.kind, fact.subject) == (kind, subject) != (kind, "")
            and not fact.withdrawn
            and fact.start <= self.now
            and (fact.until is None or fact.until > self.now)
            and {name: type(item) for name, item in fact.value.items()} == TYPES[kind]
        }
        return holding[max(holding)] if holding else None

    def frozen(self, person: str) -> bool:
        """Whether anything says so that is not over."""
        return any(
            fact.kind == "people.frozen"
            and fact.subject == person
            and not fact.withdrawn
            and fact.start - timedelta(seconds=5) <= self.now
            and not (fact.until is not None and fact.until <= self.now)
            for fact in self.facts
        )


def digest(request: Request) -> str:
    """The act's digest, spelled by another encoder."""
    act = {
        "action": request.action.value,
        "classes": sorted(cls.value for cls in request.classes),
        "count": request.count,
        "deal": request.deal,
        "details": [list(pair) for pair in request.details],
        "purpose": request.purpose,
        "scope": request.scope,
    }
    return sha256(json.dumps(act, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def permits(request: Request, facts: Sequence[Fact]) -> bool:
    """Whether the request is allowed."""
    now, person, deal, rule = request.now, request.person, request.deal, POLICY[request.action]
    known = Known(facts=facts, now=now)
    classes = {cls.value for cls in request.classes}
    never = {cls for cls in request.classes if FIELD_RULES[cls].destiny is Destiny.PURGE}
    screened = known.value("people.screened", person) or {}
    agreed = (known.value("deals.agreement_in_force", deal) or {}).get("classes")
    at = known.value("deals.stage", deal) or {"stage": "", "side": ""}
    grant = request.grant
    age = (now - request.factor_at).total_seconds() if request.factor_at is not None else None
    return bool(
        person
        and any(role in rule.roles for role in request.roles)
        and not known.frozen(person)
        and (rule.factor_age_max_s == 0 or (age is not None and -5 <= age <= rule.factor_age_max_s))
        and (not rule.trained or known.value("people.trained", person) is not None)
        and (not rule.screened or screened.get("outcome") == "pass")
        and (not rule.pledged or known.value("people.pledged", person) is not None)
        and (
            not rule.grant
            or (
                grant is not None
                and grant.asker == person
                and grant.approver not in {"", person}
                and grant.start <= now < grant.until
                and grant.action == request.action.value
                and grant.purpose == request.purpose != ""
                and (grant.deal, grant.scope) == (deal, request.scope)
                and grant.classes.issuperset(classes)
                and 0 < request.count <= grant.left
            )
        )
        and (
            not rule.second_person
            or any(
                given.digest == digest(request)
                and given.approver not in {"", person, given.asker}
                and given.approver_roles & rule.second_person
                and given.at <= now < given.until
                and not known.frozen(given.approver)
                for given in request.approvals
            )
        )
        and (
            not rule.agreement
            or (
                isinstance(agreed, list)
                and bool(classes)
                and all(isinstance(item, str) for item in agreed)
                and classes.issubset(agreed)
            )
        )
        and (not rule.stages or at["stage"] in rule.stages)
        and (
            not rule.clear_values
            or (bool(classes) and not never and (deal == "" or (at["side"], at["stage"]) in CLEAR))
        )
    )
