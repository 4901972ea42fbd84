"""Facts: statements about a subject, true between two instants, each proved by one entry.

A wing registers its kinds with the members of the value and their types; stating a fact appends an entry and
an index row in the caller's transaction. Withdrawing appends too. Nothing here decides anything: a fact that is
missing, expired, future-dated or ill-typed is simply not returned as current.

Reading holds each row against the entry that should prove it; a row that does not match is not a fact but
:class:`LedgerBroken`. Given the ledger, the proof needs the installation's key: the sealed payload must open in its
place and say what the row says, and so must the withdrawal's. Without it only the salted commitment is compared,
which whoever edits the database can make to fit; enough to show, not to decide.

A row that was *removed*, or one that was withdrawn and is not any more, is missed too: stating and withdrawing are
counted in the ledger's roll, and a reader who names the subjects, and gives the ledger, gets all of their facts or
:class:`LedgerBroken`. Readers of everything (all subjects, or one instant) are told by ``fsck`` only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_members
from datetime import datetime
from operator import attrgetter
from typing import Final

from tigertally.base import canon, clock
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.crypto.digest import same
from tigertally.formats import leaf as leaves
from tigertally.formats.errors import Malformed
from tigertally.formats.leaf import SALT_BYTES
from tigertally.ledger import spelling, sql
from tigertally.ledger.entries import LOCK, Ledger
from tigertally.ledger.errors import FactWithdrawn, LedgerBroken, NoSuchEntry
from tigertally.ledger.events import Event, register_event
from tigertally.ledger.roll import Name, Roll, fold
from tigertally.ledger.sql import FactRow
from tigertally.store.tx import Tx

FACT_STATED: Final = register_event(
    "ledger.fact.stated", Text("事实成立", "a fact was stated"), "kind", "subject", "value", "from", "until"
)
FACT_WITHDRAWN: Final = register_event(
    "ledger.fact.withdrawn", Text("事实撤回", "a fact was withdrawn"), "kind", "subject", "entry", "reason"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactKind:
    """A registered kind: ``members`` maps each member of the value to its JSON type."""

    name: str
    title: Text
    members: Mapping[str, type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A proved statement. ``entry`` is the ledger index that made it true."""

    kind: str
    subject: str
    value: Mapping[str, Json]
    start: datetime
    until: datetime | None
    entry: int
    withdrawn: bool

    def current(self, at: datetime) -> bool:
        """Return whether it holds at ``at``: begun, not expired, not withdrawn."""
        return not self.withdrawn and self.start <= at and (self.until is None or at < self.until)


_KINDS: dict[str, FactKind] = {}
_entry: Final = attrgetter("entry")


def register_fact(name: str, title: Text, **members: type) -> FactKind:
    """Register and return a kind of fact; ``members`` are the value's members and types."""
    if name in _KINDS:
        raise ValueError(name)
    kind = FactKind(name=name, title=title, members=dict(members))
    _KINDS[name] = kind
    return kind


def fact_kinds() -> Mapping[str, FactKind]:
    """Return all registered kinds by name."""
    return dict(sorted(_KINDS.items()))


def well_typed(kind: FactKind, value: Mapping[str, Json]) -> bool:
    """Return whether ``value`` has exactly the members of ``kind`` with their types (bool is not int)."""
    members = kind.members
    if value.keys() != members.keys():
        return False
    for name, wanted in members.items():
        item = value[name]
        if not isinstance(item, wanted) or (isinstance(item, bool) and wanted is not bool):
            return False
    return True


def state(
    tx: Tx,
    ledger: Ledger,
    kind: FactKind,
    *,
    subject: str,
    value: Mapping[str, Json],
    start: datetime,
    until: datetime | None,
    actor: str,
    now: datetime,
    about: Sequence[str] = (),
) -> int:
    """State a fact; return the index of the entry that proves it. Ill-typed values are a ``ValueError``."""
    if not well_typed(kind, value):
        raise ValueError(kind.name)
    payload = _payload(kind.name, subject, value, start, until)
    counted = ((kind.name, subject),)
    event = Event(kind=FACT_STATED, payload=payload, actor=actor, about=(subject, *about), counted=counted)
    index = ledger.append(tx, event, now=now)
    sql.insert_fact(
        tx, kind=kind.name, subject=subject, value=canon.dumps(dict(value)), start=start, until=until, idx=index
    )
    return index


def withdraw(tx: Tx, ledger: Ledger, *, entry: int, reason: str, actor: str, now: datetime) -> int:
    """Withdraw the fact that ``entry`` proves; return the index of the withdrawal. ``reason`` is a code word.

    Raises :class:`NoSuchEntry` if it proves none, :class:`FactWithdrawn`, :class:`LedgerBroken`.
    """
    tx.lock(LOCK)
    row = sql.read_fact(tx, entry)
    if row is None:
        raise NoSuchEntry(index=entry)
    if check_row(row, ledger=ledger, tx=tx).withdrawn:
        raise FactWithdrawn(index=entry)
    payload: dict[str, Json] = {"kind": row.kind, "subject": row.subject, "entry": entry, "reason": reason}
    counted = ((row.kind, row.subject),)
    event = Event(kind=FACT_WITHDRAWN, payload=payload, actor=actor, about=(row.subject,), counted=counted)
    index = ledger.append(tx, event, now=now)
    sql.withdraw_fact(tx, idx=entry, by=index)
    return index


def replace(
    tx: Tx,
    ledger: Ledger,
    kind: FactKind,
    *,
    subject: str,
    value: Mapping[str, Json],
    start: datetime,
    until: datetime | None,
    actor: str,
    now: datetime,
) -> int:
    """Withdraw every current fact of ``kind`` about ``subject`` and state the new one."""
    tx.lock(LOCK)
    for fact in read(tx, ledger=ledger, kinds=[kind.name], subjects=[subject]):
        if not fact.withdrawn:
            withdraw(tx, ledger, entry=fact.entry, reason="replaced", actor=actor, now=now)
    return state(tx, ledger, kind, subject=subject, value=value, start=start, until=until, actor=actor, now=now)


def read(
    tx: Tx,
    *,
    ledger: Ledger | None = None,
    kinds: Sequence[str] | None = None,
    subjects: Sequence[str] | None = None,
    start: datetime | None = None,
    as_of: int | None = None,
) -> list[Fact]:
    """Return facts (also expired and withdrawn ones), oldest first, each checked against its entry.

    ``as_of``: as they were known when the ledger had that many entries: what was stated or withdrawn later was not.
    What was erased since is not told.
    ``start``: only those that begin at that instant. Whatever decides something must give the ``ledger`` (see
    above). Raises :class:`LedgerBroken`.
    """
    if ledger is None or subjects is None or start is not None:
        if as_of is not None:
            raise ValueError("as_of needs the ledger and subjects")
        rows = sql.read_facts(tx, kinds=kinds, subjects=subjects, start=start)
        return [check_row(row, ledger=ledger, tx=tx) for row in rows]
    names = [(kind, subject) for subject in dict.fromkeys(subjects) for kind in (_KINDS if kinds is None else kinds)]
    roll = ledger.roll(tx, names)
    rows = sql.read_facts(tx, kinds=kinds, subjects=subjects)
    found = [check_row(row, ledger=ledger, tx=tx) for row in rows]
    _all_there(rows, names, roll)
    if as_of is None:
        return found
    return [
        replace_members(fact, withdrawn=row.withdrawn_idx is not None and row.withdrawn_idx < as_of)
        for fact, row in zip(found, rows, strict=True)
        if fact.entry < as_of
    ]


def _all_there(rows: Sequence[FactRow], names: Sequence[Name], roll: Roll) -> None:
    """Raise :class:`LedgerBroken` unless the rows are all that the roll counted under ``names``."""
    counted: dict[Name, list[int]] = {}
    for row in rows:
        indexes = counted.setdefault((row.kind, row.subject), [])
        indexes += [row.idx] if row.withdrawn_idx is None else [row.idx, row.withdrawn_idx]
    for name in names:
        indexes = sorted(counted.get(name, ()))
        if not same(fold(indexes), roll.link(name)):
            raise LedgerBroken(index=indexes[-1] if indexes else 0, what="roll")


def current(facts: Iterable[Fact], *, kind: str, subject: str, at: datetime) -> Fact | None:
    """Return the newest current fact of ``kind`` about ``subject`` that is well typed, or None."""
    registered = _KINDS.get(kind)
    if registered is None:
        return None
    found = [fact for fact in facts if fact.kind == kind and fact.subject == subject and not fact.withdrawn]
    found.sort(key=_entry, reverse=True)
    for fact in found:
        if fact.current(at) and well_typed(registered, fact.value):
            return fact
    return None


def _payload(
    kind: str, subject: str, value: Mapping[str, Json], start: datetime, until: datetime | None
) -> dict[str, Json]:
    return {
        "kind": kind,
        "subject": subject,
        "value": dict(value),
        "from": clock.to_text(start),
        "until": None if until is None else clock.to_text(until),
    }


def check_row(row: FactRow, *, ledger: Ledger | None = None, tx: Tx | None = None) -> Fact:
    """Return the fact in ``row`` if its entry proves it; else raise :class:`LedgerBroken`.

    With ``ledger`` the entry's payload is opened; with ``tx`` too, the withdrawal's.
    """
    if row.leaf is None or row.salt is None or row.sealed is None:
        # Facts that stand are not erased, and erased ones leave no row: somebody took it away.
        raise LedgerBroken(index=row.idx, what="fact")
    try:
        value = canon.loads(row.value)
        leaf = spelling.read_leaf(row.leaf)
    except (canon.NotCanonical, Malformed):
        raise LedgerBroken(index=row.idx, what="fact") from None
    if not isinstance(value, dict) or leaf.kind != FACT_STATED.name or len(row.salt) != SALT_BYTES:
        raise LedgerBroken(index=row.idx, what="fact")
    body = canon.dumps(_payload(row.kind, row.subject, value, row.start, row.until))
    if leaves.commit_payload(row.salt, body) != leaf.commitment:
        raise LedgerBroken(index=row.idx, what="fact")
    if ledger is not None:
        ledger.open_payload(row.idx, row.leaf, row.salt, row.sealed)
        if tx is not None and row.withdrawn_idx is not None:
            _check_withdrawal(tx, ledger, row, row.withdrawn_idx)
    return Fact(
        kind=row.kind,
        subject=row.subject,
        value=value,
        start=row.start,
        until=row.until,
        entry=row.idx,
        withdrawn=row.withdrawn_idx is not None,
    )


def _check_withdrawal(tx: Tx, ledger: Ledger, row: FactRow, index: int) -> None:
    try:
        payload = ledger.payload_of(tx, index, kind=FACT_WITHDRAWN)
    except NoSuchEntry:
        payload = None
    wanted = {"kind": row.kind, "subject": row.subject, "entry": row.idx}
    if not isinstance(payload, dict) or {name: payload.get(name) for name in wanted} != wanted:
        raise LedgerBroken(index=row.idx, what="fact")
