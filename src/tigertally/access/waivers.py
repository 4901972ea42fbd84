"""Waivers of conditions: two persons let an action go on without one, for a reason and a time.

Only what :data:`~tigertally.access.unmet.WAIVABLE` lists, for named actions, for at most ninety days. A waiver is a
fact: it is read like any other, cited by the decisions that rested on it, and ends by itself or is withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum

from tigertally.access.conditions import WAIVER_DAYS_MAX
from tigertally.access.errors import BadWaiver, NotWaivable, SamePerson
from tigertally.access.facts import CONDITION_WAIVED, INSTALLATION
from tigertally.access.policy import POLICY, Action
from tigertally.access.unmet import WAIVABLE
from tigertally.base.canon import Json
from tigertally.ledger import Fact, Ledger, facts
from tigertally.store.tx import Tx


class WaivedBecause(Enum):
    """Why a condition is waived; a word, so that nothing confidential is written."""

    DONE_ELSEWHERE = "done_elsewhere"
    NOT_YET = "not_yet"
    NOT_APPLICABLE = "not_applicable"
    EMERGENCY = "emergency"


def need_waivable(condition: str, actions: Iterable[Action], *, days: int) -> tuple[Action, ...]:
    """Return the actions in order. Raises :class:`NotWaivable`, :class:`BadWaiver`.

    An action whose shipped rule has no such condition is refused: the waiver would do nothing.
    """
    if condition not in WAIVABLE:
        raise NotWaivable(condition=condition)
    wanted = tuple(sorted(set(actions), key=lambda action: action.value))
    if not wanted:
        raise BadWaiver(what="action")
    if not 1 <= days <= WAIVER_DAYS_MAX:
        raise BadWaiver(what="days")
    if any(action not in POLICY for action in wanted):
        raise BadWaiver(what="action")
    return wanted


def waive(
    tx: Tx,
    ledger: Ledger,
    *,
    condition: str,
    actions: tuple[Action, ...],
    reason: WaivedBecause,
    days: int,
    by: str,
    approver: str,
    now: datetime,
) -> int:
    """State a waiver; return its entry. Raises as :func:`need_waivable`, and :class:`SamePerson`."""
    wanted = need_waivable(condition, actions, days=days)
    if not by or not approver or by == approver:
        raise SamePerson
    named: list[Json] = [action.value for action in wanted]
    value: dict[str, Json] = {
        "condition": condition,
        "actions": named,
        "reason": reason.value,
        "by": by,
        "approver": approver,
    }
    return facts.state(
        tx,
        ledger,
        CONDITION_WAIVED,
        subject=INSTALLATION,
        value=value,
        start=now,
        until=now + timedelta(days=days),
        actor=by,
        now=now,
        about=(approver,),
    )


def all_current(tx: Tx, ledger: Ledger, *, now: datetime) -> list[Fact]:
    """Return the waivers that hold, oldest first."""
    found = facts.read(tx, ledger=ledger, kinds=[CONDITION_WAIVED.name], subjects=[INSTALLATION])
    return [fact for fact in found if fact.current(now)]
