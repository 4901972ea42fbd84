"""How much clear data a person was given within a day, counted from the decisions that gave it.

Each such decision is counted in the ledger's roll under the person and the day (UTC), so none can be taken away unseen
and what is read stays small. One whose content was erased counts as the most: nobody knows what it gave.
"""

from __future__ import annotations

from datetime import UTC, datetime

from tigertally.access import events
from tigertally.access.volume import UNITS_MAX, WINDOW, units
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.formats import leaf as leaves
from tigertally.ledger import Ledger, sql
from tigertally.store.tx import Tx


def name_of(person: str, at: datetime) -> str:
    """Return under which name the roll counts what ``person`` is given on that day."""
    return f"given|{person}|{at.astimezone(UTC):%Y-%m-%d}"


def within_day(tx: Tx, ledger: Ledger, person: str, *, now: datetime) -> int:
    """Return the units of :mod:`~tigertally.access.volume` given in the last 24 hours; ``LedgerBroken``."""
    found = 0
    for day in dict.fromkeys((name_of(person, now - WINDOW), name_of(person, now))):
        for index in ledger.counted(tx, (events.GIVEN, day), about=day, after=-1):
            if leaves.parse(sql.read_leaf(tx, index) or b"").at > now - WINDOW:
                found += _units(ledger.payload_of(tx, index, kind=events.DECISION_MADE))
    return found


def _units(payload: Json | None) -> int:
    if not isinstance(payload, dict):
        return UNITS_MAX
    classes, count = payload.get("classes"), payload.get("count")
    if not isinstance(classes, list) or not isinstance(count, int):
        return UNITS_MAX
    known = {cls.value: cls for cls in FieldClass}
    return units([known[item] for item in classes if isinstance(item, str) and item in known], count)
