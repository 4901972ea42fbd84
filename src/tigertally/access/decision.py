"""The decision: request and facts in, *allowed* or **every** unmet condition out. Pure: no I/O, no clock.

1. the action is in the table of rules; 2. every condition of its rule holds (:mod:`~tigertally.access.conditions`), or
two persons waived it for this action, for a reason and a time, where it may be waived at all. Anything that cannot be
established is unmet, also by a value of a type that was not expected.
"""

from __future__ import annotations

from collections.abc import Iterable

from tigertally.access.asking import Decision, Request, Unmet
from tigertally.access.conditions import CONDITIONS, Work, glass_of, waiver_of
from tigertally.access.known import Known
from tigertally.access.policy import SHIPPED, Rules
from tigertally.access.unmet import UNMET, WAIVABLE
from tigertally.base.errors import Problem
from tigertally.ledger import Fact

_UNREADABLE = (TypeError, ValueError, AttributeError, KeyError, Problem)


def decide(request: Request, facts: Known | Iterable[Fact], rules: Rules = SHIPPED) -> Decision:
    """Return the decision on ``request`` given ``facts``. Never raises, whatever the request and the facts' values."""
    rule = rules.table.get(request.action)
    if rule is None:
        return Decision(action=request.action, allowed=False, unmet=(UNMET["action"],), facts=())
    work = Work(request, rule, facts if isinstance(facts, Known) else Known(facts))
    for name in rule.conditions:
        try:
            CONDITIONS[name](work)
        except _UNREADABLE:
            work.unreadable(name)
    waived: tuple[str, ...] = ()
    if work.unmet:
        waived = _waive(work)
    unmet = tuple(work.unmet)
    return Decision(
        action=request.action, allowed=not unmet, unmet=unmet, facts=tuple(sorted(work.used)), waived=waived
    )


def _waive(work: Work) -> tuple[str, ...]:
    """Take out of what is unmet what a waiver or a broken glass stands in for; return the codes."""
    left: list[Unmet] = []
    waived: list[str] = []
    for item in work.unmet:
        try:
            fact = waiver_of(work, item.condition) if item.condition in WAIVABLE else None
            fact = glass_of(work, item.condition) if fact is None else fact
        except _UNREADABLE:
            fact = None
        if fact is None:
            left.append(item)
        else:
            work.used.add(fact.entry)
            waived.append(item.condition)
    work.unmet = left
    return tuple(waived)
