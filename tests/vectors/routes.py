"""The legal route of the fixed world's deal, and an opinion on it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from functools import cache

from tests.vectors import world

from tigertally.formats import statement
from tigertally.formats.dealpapers import Structure
from tigertally.formats.route import Mark, Means, Opinion, Requirement, Route
from tigertally.formats.statement import Kind, Statement


def requirement(**changes: object) -> Requirement:
    """A requirement that binds, with members changed."""
    made = Requirement(
        rule="cn.pipl.23.consent",
        means=Means.CONSENT,
        classes=world.CLASSES,
        gate="S7",
        condition="consents",
        instrument="个人信息保护法",
        article="23",
        source="F1",
        valid_from="2021-11-01",
        valid_until="",
        mark=Mark.FOUND,
        confirmed="",
        zh="每条移交的记录有单独同意",
        en="each record that moves has a separate consent",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def route(**changes: object) -> Route:
    """The seller's legal route, with members changed."""
    advice: dict[str, object] = {
        "rule": "cn.pboc.data",
        "condition": "pboc_data_rules",
        "means": Means.RECORD,
        "mark": Mark.UNVERIFIED,
        "instrument": "中国人民银行业务领域数据安全管理办法",
        "article": "",
        "source": "F9",
        "valid_from": "2025-06-30",
        "zh": "人民银行业务领域数据安全要求已逐条核对",
        "en": "the central bank's rules on data of its field were gone through",
    }
    counsel: dict[str, object] = {
        "rule": "cn.pipl.22.reorganisation",
        "condition": "counsel_signoff",
        "means": Means.COUNSEL,
        "mark": Mark.DEFAULT,
        "article": "22",
        "zh": "律师签署意见：适用第 22 条",
        "en": "counsel signed that art. 22 applies",
    }
    made = Route(
        deal=world.DEAL,
        party=world.seller().id,
        structure=Structure.D2,
        rules=hashlib.sha256(b"rules").hexdigest(),
        answers=(("licensed", None), ("persons", 6), ("reorganisation", None), ("sensitive", True)),
        requirements=(requirement(**advice), requirement(**counsel), requirement()),
        created=world.NOW - timedelta(days=20),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@cache
def route_paper() -> Statement:
    """The seller's legal route."""
    return statement.make(Kind.ROUTE, route().body(), world.seller().signing)


def opinion(route_digest: str, **changes: object) -> Opinion:
    """An opinion on that route (the buyer's company stands in as counsel), with members changed."""
    made = Opinion(
        deal=world.DEAL,
        counsel=world.buyer().id,
        route=route_digest,
        confirms=("cn.pboc.data",),
        approves=("cn.pipl.22.reorganisation",),
        created=world.NOW - timedelta(days=19),
        until=world.NOW + timedelta(days=100),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@cache
def opinion_paper() -> Statement:
    """The opinion on the seller's route."""
    return statement.make(Kind.OPINION, opinion(route_paper().digest).body(), world.buyer().signing)
