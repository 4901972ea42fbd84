"""A reveal and a release that are allowed, with the facts they rest on; tests take things away. Not a test itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from tigertally.access import (
    AGREEMENT_IN_FORCE,
    AGREEMENT_SIGNED,
    DEAL_STAGE,
    KEY_ACTIVE,
    PERSON_PLEDGED,
    PERSON_SCREENED,
    PERSON_TRAINED,
    Action,
    Request,
    Role,
    decide,
)
from tigertally.access.asking import ApprovalView, GrantView
from tigertally.access.facts import INSTALLATION, LEDGER_CHECKED, LEDGER_WITNESSED, PERSON_REVIEWED
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.base.text import Lang
from tigertally.ledger import Fact, FactKind

NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
LI, WANG, ZHAO, DEAL, KEY = "per_li", "per_wang", "per_zhao", "dea_one", "key_one"

Facts = tuple[Fact, ...]
Case = tuple[Request, Facts]


def fact(kind: FactKind, subject: str, value: dict[str, Json], entry: int) -> Fact:
    return Fact(
        kind=kind.name,
        subject=subject,
        value=value,
        start=NOW - HOUR,
        until=NOW + HOUR,
        entry=entry,
        withdrawn=False,
    )


def qualified(person: str) -> Facts:
    return (
        fact(PERSON_TRAINED, person, {"course": "handling", "version": 1, "score": 9}, 1),
        fact(PERSON_SCREENED, person, {"by": ZHAO, "outcome": "pass"}, 2),
        fact(PERSON_PLEDGED, person, {"text_digest": "d", "version": 1}, 3),
        fact(PERSON_REVIEWED, person, {"by": ZHAO}, 13),
    )


def stage(name: str, side: str = "seller", entry: int = 4) -> Fact:
    return fact(DEAL_STAGE, DEAL, {"stage": name, "side": side}, entry)


AGREEMENT: Final = fact(
    AGREEMENT_IN_FORCE, DEAL, {"agreement": "agr", "digest": "d", "classes": ["pan", "name"], "purposes": ["refund"]}, 5
)
SIGNED: Final = fact(AGREEMENT_SIGNED, LI, {"deal": DEAL, "digest": "d"}, 14)
SIGNED_WANG: Final = fact(AGREEMENT_SIGNED, WANG, {"deal": DEAL, "digest": "d"}, 15)
KEPT: Final = fact(KEY_ACTIVE, KEY, {"key": KEY, "version": 1}, 10)
CHECKED: Final = fact(LEDGER_CHECKED, INSTALLATION, {"size": 9}, 11)
WITNESSED: Final = fact(LEDGER_WITNESSED, DEAL, {"size": 9, "witnesses": ["counsel"], "policy": "d"}, 12)
GRANT: Final = GrantView(
    grant="gra",
    asker=LI,
    approver=WANG,
    action=Action.REVEAL.value,
    classes=frozenset({"pan", "expiry"}),
    purpose="refund",
    deal=DEAL,
    left=3,
    start=NOW - HOUR,
    until=NOW + HOUR,
    entry=6,
)


def reveal() -> Case:
    request = Request(
        person=LI,
        key=KEY,
        roles=frozenset({Role.OPERATOR}),
        action=Action.REVEAL,
        now=NOW,
        factor_at=NOW - timedelta(seconds=10),
        factor_kind="webauthn",
        classes=frozenset({FieldClass.PAN}),
        count=1,
        purpose="refund",
        deal=DEAL,
        grant=GRANT,
    )
    return request, (*qualified(LI), stage("S5"), AGREEMENT, SIGNED, KEPT, CHECKED)


def approved(request: Request) -> Request:
    view = ApprovalView(
        approval="apv",
        digest=request.act_digest(),
        asker=request.person,
        approver=ZHAO,
        approver_roles=frozenset({Role.OFFICER}),
        at=NOW - timedelta(minutes=5),
        until=NOW + timedelta(minutes=55),
        entry=7,
    )
    return replace(request, approvals=(view,))


def release() -> Case:
    request = Request(
        person=WANG,
        roles=frozenset({Role.LEAD}),
        action=Action.RELEASE,
        now=NOW,
        factor_at=NOW,
        classes=frozenset({FieldClass.PAN, FieldClass.NAME}),
        deal=DEAL,
        details=(("release", "digest"),),
    )
    return approved(request), (*qualified(WANG), stage("S6"), AGREEMENT, SIGNED_WANG, CHECKED, WITNESSED)


def codes(case: Case) -> list[str]:
    decision = decide(*case)
    assert decision.allowed == (not decision.unmet)
    for item in decision.unmet:
        assert item.why.zh
        assert item.why.en
        assert item.how.render(Lang.ZH)
        assert item.how.render(Lang.EN)
    return [item.condition for item in decision.unmet]
