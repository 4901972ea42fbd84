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

from tigertally.access import Request, Role
from tigertally.access.policy import SHIPPED, Rules
from tigertally.base.canon import Json
from tigertally.base.fields import FIELD_RULES, Destiny
from tigertally.ledger import Fact

TYPES: Final[dict[str, dict[str, type]]] = {
    "people.trained": {"course": str, "version": int, "score": int},
    "people.screened": {"by": str, "outcome": str},
    "people.pledged": {"text_digest": str, "version": int},
    "deals.agreement_in_force": {"agreement": str, "digest": str, "classes": list, "purposes": list},
    "deals.agreement_signed": {"deal": str, "digest": str},
    "deals.stage": {"stage": str, "side": str},
    "vault.key_active": {"key": str, "version": int},
    "access.reviewed": {"by": str},
    "access.service": {
        "called": str,
        "owner": str,
        "actions": list,
        "classes": list,
        "purposes": list,
        "deal": str,
        "daily": int,
        "by": str,
        "approver": str,
    },
    "access.glass": {"reason": str, "by": str, "approver": str},
    "ledger.checked": {"size": int},
    "ledger.witnessed": {"size": int, "witnesses": list, "policy": str},
    "access.waived": {"condition": str, "actions": list, "reason": str, "by": str, "approver": str},
}
# 法释 (2017) No. 10, art. 5: 50, 500 and 5,000 items; half of them.
PROPERTY: Final = {"pan", "expiry", "iban", "bank_account", "payment_token", "password_hash"}
AGREED: Final = {("seller", f"S{number}") for number in range(3, 9)} | {
    ("buyer", f"S{number}") for number in range(1, 9)
}
FREE: Final = {("seller", stage) for stage in ("S0", "S1", "S2", "S9")} | {("buyer", "S0"), ("buyer", "S9")}
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

    def signed(self, person: str, deal: str, digest: Json) -> bool:
        """Whether somebody signed this very text for this deal."""
        return person != "" and any(
            (fact.kind, fact.subject) == ("deals.agreement_signed", person)
            and not fact.withdrawn
            and dict(fact.value) == {"deal": deal, "digest": digest}
            and isinstance(digest, str)
            and fact.start <= self.now
            and (fact.until is None or self.now < fact.until)
            for fact in self.facts
        )

    def waived(self, code: str, action: str) -> bool:
        """Whether two persons waived ``code`` for ``action``."""
        return code != "pledged" and any(
            fact.kind == "access.waived"
            and fact.subject == "installation"
            and not fact.withdrawn
            and {name: type(item) for name, item in fact.value.items()} == TYPES[fact.kind]
            and fact.value["condition"] == code
            and action in list(fact.value["actions"])  # type: ignore[arg-type]
            and fact.until is not None
            and fact.start <= self.now < fact.until
            and fact.until - fact.start <= timedelta(days=90)
            and fact.value["by"] != fact.value["approver"]
            and "" not in (fact.value["by"], fact.value["approver"])
            for fact in self.facts
        )

    def glass(self, person: str) -> bool:
        """Whether two persons broke the glass for somebody within this hour."""
        return any(
            (fact.kind, fact.subject) == ("access.glass", person)
            and not fact.withdrawn
            and {name: type(item) for name, item in fact.value.items()} == TYPES[fact.kind]
            and fact.until is not None
            and fact.start <= self.now < fact.until
            and fact.until - fact.start <= timedelta(hours=1)
            and len({fact.value["by"], fact.value["approver"], ""}) == 3
            for fact in self.facts
        )

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


def little(request: Request) -> bool:
    """Whether what was seen and what is asked for stay under half of what is a crime to provide."""
    asked = sum(
        (100 if cls.value in PROPERTY else 10 if cls.value == "scheme_txn_id" else 1) * request.count
        for cls in request.classes
    )
    return request.seen >= 0 and asked >= 0 and request.seen + asked < 2_500


SERVED: Final = {
    "discovery.record", "sealing.seal", "sealing.protect", "vault.view", "vault.reveal", "vault.reveal_part",
    "vault.backup", "ledger.read",
}  # fmt: skip


def is_service(name: str) -> bool:
    return name[:4] == "svc_"


def in_service(request: Request, known: Known) -> bool:
    """Whether the service may ask this at all, given what two persons wrote down for it."""
    lists = known.value("access.service", request.person)
    span = [
        fact.until - fact.start
        for fact in known.facts
        if (fact.kind, fact.subject) == ("access.service", request.person)
        and lists is not None
        and dict(fact.value) == lists
        and not fact.withdrawn
        and fact.start <= known.now
        and fact.until is not None
        and fact.until > known.now
    ]
    if lists is None or not span or min(span) > timedelta(days=90):
        return False

    def within(name: str, wanted: set[str]) -> bool:
        listed = lists[name]
        pure = isinstance(listed, list) and all(isinstance(item, str) for item in listed)
        return not wanted or (pure and wanted <= {str(item) for item in listed if isinstance(item, str)})  # type: ignore[union-attr]

    return (
        request.owner == lists["owner"]
        and request.owner != ""
        and not is_service(request.owner)
        and len({lists["by"], lists["approver"], ""}) == 3
        and request.action.value in SERVED
        and within("actions", {request.action.value})
        and within("classes", {cls.value for cls in request.classes})
        and within("purposes", {request.purpose} - {""})
        and lists["deal"] == request.deal
        and request.served >= 0
        and isinstance(lists["daily"], int)
        and request.served + max(request.count, 1) <= lists["daily"]
    )


def permits(request: Request, facts: Sequence[Fact], rules: Rules = SHIPPED) -> bool:
    """Whether the request is allowed."""
    now, person, deal, rule = request.now, request.person, request.deal, rules.table[request.action]
    known = Known(facts=facts, now=now)
    service, whose = is_service(person), request.owner or person
    emergency = rule.grant and request.grant is None and not service and known.glass(person)

    def met(code: str, *, asked: bool, holds: bool) -> bool:
        return not asked or holds or emergency or known.waived(code, request.action.value)

    def approved(wanted: frozenset[Role]) -> bool:
        return not service and any(
            given.digest == digest(request)
            and not is_service(given.approver)
            and given.approver not in {"", person, given.asker}
            and given.approver_roles & wanted
            and given.at <= now < given.until
            and not known.frozen(given.approver)
            for given in request.approvals
        )

    agreement = known.value("deals.agreement_in_force", deal) or {}
    purposes = agreement.get("purposes")
    classes = {cls.value for cls in request.classes}
    seen_by = deal or "installation"
    low = bool(request.classes) and all(FIELD_RULES[cls].tier == 1 for cls in request.classes)
    never = {cls for cls in request.classes if FIELD_RULES[cls].destiny is Destiny.PURGE}
    screened = known.value("people.screened", whose) or {}
    agreed = agreement.get("classes")
    at = known.value("deals.stage", deal) or {"stage": "", "side": ""}
    place = (at["side"], at["stage"])
    covered = (
        isinstance(agreed, list)
        and bool(classes)
        and all(isinstance(item, str) for item in agreed)
        and classes.issubset(agreed)
        and isinstance(purposes, list)
        and bool(purposes)
        and all(isinstance(item, str) for item in purposes)
        and (request.purpose == "" or request.purpose in purposes)
        and known.signed(whose, deal, agreement.get("digest"))
    )
    grant = request.grant
    age = (now - request.factor_at).total_seconds() if request.factor_at is not None else None
    return bool(
        person
        and any(role in rule.roles for role in request.roles)
        and not known.frozen(person)
        and not known.frozen(whose)
        and (in_service(request, known) if service else whose == person)
        and (rule.factor_age_max_s == 0 or (age is not None and -5 <= age <= rule.factor_age_max_s))
        and (not rule.factor_bound or request.factor_act == digest(request))
        and met(
            "factor_strong",
            asked=rule.factor_strong,
            holds=low or request.factor_kind == ("assertion" if service else "webauthn"),
        )
        and met("trained", asked=rule.trained, holds=known.value("people.trained", whose) is not None)
        and met("screened", asked=rule.screened, holds=screened.get("outcome") == "pass")
        and (not rule.pledged or known.value("people.pledged", whose) is not None)
        and (
            not rule.grant
            or emergency
            or (
                grant is not None
                and grant.asker == whose
                and grant.approver not in {"", whose}
                and grant.start <= now < grant.until
                and grant.action == request.action.value
                and grant.purpose == request.purpose != ""
                and (grant.deal, grant.scope) == (deal, request.scope)
                and grant.classes.issuperset(classes)
                and 0 < request.count <= grant.left
            )
        )
        and (not rule.second_person or approved(rule.second_person))
        and (not rule.volume or little(request) or approved(frozenset({Role.LEAD, Role.OFFICER})))
        and met("reviewed", asked=rule.reviewed, holds=known.value("access.reviewed", whose) is not None)
        and met("key", asked=rule.key, holds=known.value("vault.key_active", request.key) is not None)
        and met("checked", asked=rule.checked, holds=known.value("ledger.checked", "installation") is not None)
        and met("witnessed", asked=rule.witnessed, holds=known.value("ledger.witnessed", seen_by) is not None)
        and (not rule.agreement or covered)
        and (not rule.agreed or deal == "" or place in FREE or (place in AGREED and covered))
        and (not rule.stages or at["stage"] in rule.stages)
        and (
            not rule.clear_values
            or (bool(classes) and not never and (deal == "" or (at["side"], at["stage"]) in CLEAR))
        )
    )
