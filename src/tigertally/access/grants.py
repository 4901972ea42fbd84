"""Grants: a time-boxed permission for a purpose, asked by one person and approved by another.

A grant covers named field classes, one purpose, one scope of the vault and its deal (or none), a number of subjects
and a length of time that begins when it is approved. It ends by itself.

Nothing of a grant is believed because a row says so: what was asked and approved is in two entries, and how often it
was used is counted from the decisions that cite it, all of which are in the ledger's roll; the row's own count can
only make it less.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from tigertally.access import events, sql
from tigertally.access.asking import GrantView
from tigertally.access.errors import AlreadySettled, BadGrant, NoSuchGrant, RowNotProved, SamePerson
from tigertally.access.facts import GRANT_ENDED
from tigertally.access.policy import Action, Purpose
from tigertally.access.sql import GrantRow
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.fields import SEALABLE, FieldClass
from tigertally.base.ids import GrantId, new_id
from tigertally.ledger import Event, Ledger, facts
from tigertally.ledger.entries import LOCK
from tigertally.ledger.errors import LedgerBroken
from tigertally.store.tx import Tx

LENGTH_S_MAX: Final = 8 * 3600
USES_MAX: Final = 50
MANY_MAX: Final = 1_000_000
OPEN_S_MAX: Final = 24 * 3600
_USES_MAX: Final = {Action.REVEAL: USES_MAX, Action.REVEAL_MANY: MANY_MAX}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A grant: open until approved, then running until it ends or is used up."""

    grant: GrantId
    asker: str
    approver: str
    action: str
    classes: frozenset[str]
    purpose: str
    deal: str
    scope: str
    uses_max: int
    used: int
    start: datetime | None
    until: datetime | None

    @property
    def approved(self) -> bool:
        """Whether a second person approved it."""
        return bool(self.approver)


def ask(
    tx: Tx,
    ledger: Ledger,
    *,
    asker: str,
    classes: Iterable[FieldClass],
    purpose: Purpose,
    deal: str,
    scope: str = "",
    uses: int,
    length_s: int,
    now: datetime,
    action: Action = Action.REVEAL,
) -> Grant:
    """Ask for a grant to reveal values, one by one or many at once (``action``); another person has to approve it.

    Raises :class:`BadGrant`.
    """
    wanted = frozenset(classes)
    if not wanted or not wanted <= SEALABLE:
        raise BadGrant(what="class")
    if action not in _USES_MAX:
        raise BadGrant(what="action")
    if not 1 <= uses <= _USES_MAX[action]:
        raise BadGrant(what="uses")
    if not 60 <= length_s <= LENGTH_S_MAX:  # noqa: PLR2004 - a minute at least
        raise BadGrant(what="length")
    row = GrantRow(
        id=GrantId(new_id("gra")),
        asker=asker,
        approver="",
        action=action.value,
        classes=",".join(sorted(item.value for item in wanted)),
        purpose=purpose.value,
        deal=deal,
        scope=scope,
        uses_max=uses,
        used=0,
        start=None,
        until=None,
        length_s=length_s,
        asked=now,
        idx=0,
    )
    event = Event(kind=events.GRANT_ASKED, payload=_asked_payload(row), actor=asker, about=(asker, row.id))
    row = replace(row, idx=ledger.append(tx, event, now=now))
    sql.insert_grant(tx, row)
    return _grant(row)


def approve(tx: Tx, ledger: Ledger, *, grant_id: str, approver: str, now: datetime) -> Grant:
    """Approve a grant that somebody else asked for, within a day of the asking.

    Raises :class:`NoSuchGrant`, :class:`SamePerson`, :class:`AlreadySettled`; :class:`RowNotProved` if the row is
    not what was asked for. Whether ``approver`` may is decided before (action ``access.grant_approve``).
    """
    tx.lock(LOCK)
    row = _row(tx, grant_id)
    if row.asker == approver:
        raise SamePerson
    if row.approver or now >= row.asked + timedelta(seconds=OPEN_S_MAX) or _ended(tx, ledger, row.id):
        raise AlreadySettled
    if ledger.payload_of(tx, row.idx, kind=events.GRANT_ASKED) != _asked_payload(row):
        raise RowNotProved(what="grant")
    until = now + timedelta(seconds=row.length_s)
    payload = _approved_payload(row, approver=approver, start=now, until=until)
    event = Event(kind=events.GRANT_APPROVED, payload=payload, actor=approver, about=(row.asker, approver, row.id))
    index = ledger.append(tx, event, now=now)
    if not sql.approve_grant(tx, row.id, approver=approver, start=now, until=until, idx=index):
        raise AlreadySettled
    return _grant(_row(tx, grant_id))


def view(tx: Tx, ledger: Ledger, grant_id: str) -> GrantView | None:
    """Return what the decision needs of a grant; None if there is none, or its entry was erased.

    One that nobody approved yet has no approver, and its times are those in which somebody may approve it.
    The row is held against the entry of its approval: a row edited in the database raises ``LedgerBroken``.
    """
    rows = sql.read_grants(tx, grant_id=grant_id)
    if not rows:
        return None
    row = rows[0]
    if not row.approver:
        start, until = row.asked, row.asked + timedelta(seconds=OPEN_S_MAX)
        proof, wanted = ledger.payload_of(tx, row.idx, kind=events.GRANT_ASKED), _asked_payload(row)
    elif row.start is None or row.until is None:
        return None
    else:
        start, until = row.start, row.until
        proof = ledger.payload_of(tx, row.idx, kind=events.GRANT_APPROVED)
        wanted = _approved_payload(row, approver=row.approver, start=start, until=until)
    if proof is None or _ended(tx, ledger, row.id):
        return None
    if proof != wanted:
        raise LedgerBroken(index=row.idx, what="grant")
    return GrantView(
        grant=row.id,
        asker=row.asker,
        approver=row.approver,
        action=row.action,
        classes=frozenset(row.classes.split(",")),
        purpose=row.purpose,
        deal=row.deal,
        scope=row.scope,
        left=row.uses_max - max(row.used, _counted(tx, ledger, row)),
        start=start,
        until=until,
        entry=row.idx,
    )


def _counted(tx: Tx, ledger: Ledger, row: GrantRow) -> int:
    """Return how many uses the recorded decisions took; all of them if one was erased, for then nobody knows."""
    used = 0
    for index in ledger.counted(tx, (events.USED, row.id), about=row.id, after=row.idx):
        payload = ledger.payload_of(tx, index, kind=events.DECISION_MADE)
        count = payload.get("count") if isinstance(payload, dict) else None
        used += count if isinstance(count, int) else row.uses_max
    return used


def end_all(tx: Tx, ledger: Ledger, *, person: str, reason: str, actor: str, now: datetime) -> int:
    """End every grant of a person that is open or running; return how many. ``reason`` is a code word."""
    tx.lock(LOCK)
    ended = 0
    for row in sql.read_grants(tx, asker=person):
        over = row.until is not None and row.until <= now
        late = row.until is None and row.asked + timedelta(seconds=OPEN_S_MAX) <= now
        if over or late or _ended(tx, ledger, row.id):
            continue
        value = {"reason": reason}
        facts.state(tx, ledger, GRANT_ENDED, subject=row.id, value=value, start=now, until=None, actor=actor, now=now)
        ended += 1
    return ended


def _ended(tx: Tx, ledger: Ledger, grant_id: str) -> bool:
    return bool(facts.read(tx, ledger=ledger, kinds=[GRANT_ENDED.name], subjects=[grant_id]))


def use(tx: Tx, *, grant_id: str, count: int) -> None:
    """Take ``count`` uses off; :class:`AlreadySettled` if not so many are left."""
    if not sql.use_grant(tx, grant_id, count):
        raise AlreadySettled


def of_person(tx: Tx, person_id: str) -> list[Grant]:
    """Return the grants a person asked for."""
    return [_grant(row) for row in sql.read_grants(tx, asker=person_id)]


def everything(tx: Tx) -> list[Grant]:
    """Return all grants."""
    return [_grant(row) for row in sql.read_grants(tx)]


def _asked_payload(row: GrantRow) -> dict[str, Json]:
    return {
        "grant": row.id,
        "person": row.asker,
        "action": row.action,
        "classes": row.classes.split(","),
        "purpose": row.purpose,
        "deal": row.deal,
        "scope": row.scope,
        "uses": row.uses_max,
        "length_s": row.length_s,
    }


def _approved_payload(row: GrantRow, *, approver: str, start: datetime, until: datetime) -> dict[str, Json]:
    return {
        "grant": row.id,
        "asker": row.asker,
        "approver": approver,
        "action": row.action,
        "classes": row.classes.split(","),
        "purpose": row.purpose,
        "deal": row.deal,
        "scope": row.scope,
        "uses": row.uses_max,
        "from": clock.to_text(start),
        "until": clock.to_text(until),
    }


def _row(tx: Tx, grant_id: str) -> GrantRow:
    rows = sql.read_grants(tx, grant_id=grant_id)
    if not rows:
        raise NoSuchGrant
    return rows[0]


def _grant(row: GrantRow) -> Grant:
    return Grant(
        grant=GrantId(row.id),
        asker=row.asker,
        approver=row.approver,
        action=row.action,
        classes=frozenset(row.classes.split(",")),
        purpose=row.purpose,
        deal=row.deal,
        scope=row.scope,
        uses_max=row.uses_max,
        used=row.used,
        start=row.start,
        until=row.until,
    )
