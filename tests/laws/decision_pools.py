"""What the laws of the decision draw from: values, spans, facts of every kind, good ones first. Not a test itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from tigertally.access import Action
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.ledger import Fact

NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
EDGE: Final = timedelta(microseconds=1)
PEOPLE: Final = ("per_li", "per_wang", "per_zhao")
DEALS: Final = ("dea_one", "dea_two")
SERVICE: Final = "svc_one"

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
LISTS: Final[dict[str, Json]] = {
    "called": "till", "owner": "per_li", "actions": EVERY, "classes": ["pan", "name", "expiry"], "purposes": ["refund"],
    "deal": "dea_one", "daily": 9, "by": "per_wang", "approver": "per_zhao",
}  # fmt: skip
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
    "access.service": (
        LISTS,
        {**LISTS, "owner": ""},
        {**LISTS, "owner": "per_wang"},
        {**LISTS, "owner": SERVICE},
        {**LISTS, "actions": ["vault.view", "ledger.read"]},
        {**LISTS, "actions": [*EVERY, 1]},
        {**LISTS, "classes": ["pan"]},
        {**LISTS, "classes": "pan"},
        {**LISTS, "purposes": []},
        {**LISTS, "deal": ""},
        {**LISTS, "daily": 1},
        {**LISTS, "daily": True},
        {**LISTS, "approver": "per_wang"},
        {**LISTS, "by": ""},
        {key: value for key, value in LISTS.items() if key != "approver"},
    ),
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
    (NOW - 90 * DAY, NOW),
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
    | {SERVICE: pool(SERVICE, ("access.service", "people.frozen"))}
    | {"installation": pool("installation", ALL_OVER), "key_one": pool("key_one", ["vault.key_active"])}
)
RARE: Final = {"people.frozen": 0.05, "access.waived": 0.3, "access.glass": 0.2}
