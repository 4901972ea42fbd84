"""What other rules would have said: decisions of the past asked again, each with what was known then.

A decision's entry holds what was asked and what it knew beside the facts; the facts are read as they were known when
it was made. Asked again under the rules it was made under, it must come out as recorded, or it is told apart: so is one
whose content was erased or that an older program wrote. Nothing is changed, no value is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.access import events
from tigertally.access.asking import ApprovalView, GrantView, Request
from tigertally.access.conditions import USED
from tigertally.access.decision import decide
from tigertally.access.facts import INSTALLATION
from tigertally.access.known import Known
from tigertally.access.policy import Action, Role, Rules
from tigertally.access.rules import in_force
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.ledger import Ledger, facts, search
from tigertally.ledger.search import Found
from tigertally.store.tx import Tx

_UNREADABLE: Final = (KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed(Request):
    """A request of the past: of its details only the digest of the whole act is left."""

    act_hex: str

    def act_digest(self) -> str:
        """Return the digest that was recorded."""
        return self.act_hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A decision that would have come out otherwise, and the conditions that would not have held."""

    entry: int
    at: datetime
    person: str
    action: str
    was: bool
    unmet: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """``asked`` again, of which ``flips`` came out otherwise; ``unknown`` entries could not be asked again."""

    asked: int
    flips: tuple[Flip, ...]
    unknown: tuple[int, ...]


def simulate(tx: Tx, ledger: Ledger, rules: Rules, *, start: datetime, until: datetime) -> Simulated:
    """Ask the decisions from ``start`` to before ``until`` again under ``rules``. ``LedgerBroken``."""
    asked = 0
    flips: list[Flip] = []
    unknown: list[int] = []
    within = search.window(tx, start=start, until=until)
    for found in search.about(tx, ledger, names=(), within=within, kinds=(events.DECISION_MADE,)):
        request = _request(found)
        if request is None or not isinstance(found.payload, dict):
            unknown.append(found.index)
            continue
        known = _known(tx, ledger, request, as_of=found.index)
        was = found.payload.get("allowed") is True
        then = in_force(tx, ledger, as_of=found.index)
        if then.digest != found.payload.get("policy") or decide(request, known, then).allowed is not was:
            unknown.append(found.index)
            continue
        asked += 1
        decision = decide(request, known, rules)
        if decision.allowed is not was:
            codes = tuple(item.condition for item in decision.unmet)
            flips.append(
                Flip(
                    entry=found.index,
                    at=found.at,
                    person=request.person,
                    action=request.action.value,
                    was=was,
                    unmet=codes,
                )
            )
    return Simulated(asked=asked, flips=tuple(flips), unknown=tuple(unknown))


def _known(tx: Tx, ledger: Ledger, request: Request, *, as_of: int) -> Known:
    subjects = [request.person, *(item.approver for item in request.approvals)]
    subjects += [subject for subject in (request.owner, request.deal, request.key, INSTALLATION) if subject]
    return Known(facts.read(tx, ledger=ledger, kinds=sorted(USED), subjects=subjects, as_of=as_of))


def _request(found: Found) -> Replayed | None:
    """Return the request of a decision's entry; None if it does not hold one."""
    payload = found.payload
    if not isinstance(payload, dict):
        return None
    inputs = payload.get("inputs")
    if not isinstance(inputs, dict):
        return None
    try:
        grant, approvals = inputs["grant"], inputs["approvals"]
        return Replayed(
            act_hex=_text(payload, "act"),
            person=_text(payload, "person"),
            action=Action(_text(payload, "action")),
            now=clock.from_text(_text(inputs, "now")),
            classes=frozenset(FieldClass(item) for item in _texts(payload, "classes")),
            count=_whole(payload, "count"),
            purpose=_text(payload, "purpose"),
            deal=_text(payload, "deal"),
            roles=frozenset(Role(item) for item in _texts(inputs, "roles")),
            factor_at=None if inputs["factor_at"] is None else clock.from_text(_text(inputs, "factor_at")),
            factor_kind=_text(inputs, "factor_kind"),
            factor_act=_text(inputs, "factor_act"),
            scope=_text(inputs, "scope"),
            key=_text(inputs, "key"),
            seen=_whole(inputs, "seen"),
            grant=_grant(grant) if isinstance(grant, dict) else None,
            approvals=tuple(_approvals(approvals)),
            owner=_text(inputs, "owner") if "owner" in inputs else "",
            served=_whole(inputs, "served") if "served" in inputs else 0,
        )
    except _UNREADABLE:
        return None


def _grant(body: Mapping[str, Json]) -> GrantView:
    return GrantView(
        grant=_text(body, "grant"),
        asker=_text(body, "asker"),
        approver=_text(body, "approver"),
        action=_text(body, "action"),
        classes=frozenset(_texts(body, "classes")),
        purpose=_text(body, "purpose"),
        deal=_text(body, "deal"),
        scope=_text(body, "scope"),
        left=_whole(body, "left"),
        start=clock.from_text(_text(body, "from")),
        until=clock.from_text(_text(body, "until")),
        entry=_whole(body, "entry"),
    )


def _approvals(found: Json) -> Iterator[ApprovalView]:
    if not isinstance(found, list):
        raise TypeError
    for body in found:
        if not isinstance(body, dict):
            raise TypeError
        yield ApprovalView(
            approval=_text(body, "approval"),
            digest=_text(body, "digest"),
            asker=_text(body, "asker"),
            approver=_text(body, "approver"),
            approver_roles=frozenset(Role(item) for item in _texts(body, "roles")),
            at=clock.from_text(_text(body, "at")),
            until=clock.from_text(_text(body, "until")),
            entry=_whole(body, "entry"),
        )


def _text(body: Mapping[str, Json], name: str) -> str:
    value = body[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _texts(body: Mapping[str, Json], name: str) -> list[str]:
    value = body[name]
    if not isinstance(value, list):
        raise TypeError(name)
    return [item for item in value if isinstance(item, str)]


def _whole(body: Mapping[str, Json], name: str) -> int:
    value = body[name]
    if not isinstance(value, int):
        raise TypeError(name)
    return value
