"""Approvals: a second person says yes to exactly one act, described by its digest.

Whoever begins a two-person act leaves an open request with a readable description; somebody else with the
right role gives it, within a day; it then holds for an hour. The decision compares digests, so an approval of
one act never carries another.

What the second person reads is the act itself: the stored description is the very bytes that the digest is of, so a
description that was edited is noticed before anybody agrees to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tigertally.access import events, identities, sql
from tigertally.access.asking import ApprovalView, Request
from tigertally.access.errors import AlreadySettled, NoSuchApproval, RowNotProved, SamePerson
from tigertally.access.policy import Action
from tigertally.access.sql import ApprovalRow
from tigertally.base import canon, clock
from tigertally.base.canon import Json
from tigertally.base.ids import ApprovalId, new_id
from tigertally.crypto.digest import sha256_hex
from tigertally.ledger import Event, Ledger
from tigertally.ledger.entries import LOCK
from tigertally.ledger.errors import LedgerBroken
from tigertally.store.tx import Tx

OPEN_S_MAX: Final = 24 * 3600
HOLDS_S: Final = 3600
RESUMED: Final = frozenset({Action.DESTROY.value, Action.REWRITE_UNDO.value, Action.REWRITE_COMMIT.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A request for a second person. ``what`` is the act in readable members."""

    approval: ApprovalId
    action: str
    digest: str
    what: Json
    asker: str
    asked: datetime
    approver: str


def ensure_open(tx: Tx, ledger: Ledger, request: Request) -> Approval:
    """Return this person's open request for a second person for this act, or a new one.

    One that was given already is not returned: it did not suffice (its approver lost the role, say).
    """
    act = request.act()
    digest = sha256_hex(act)
    tx.lock(LOCK)
    for row in sql.read_approvals(tx, digest=digest):
        if row.asker == request.person and not row.approver and _alive(row, request.now):
            return _approval(row)
    row = ApprovalRow(
        id=new_id("apv"),
        action=request.action.value,
        digest=digest,
        what=act,
        asker=request.person,
        asked=request.now,
        approver="",
        at=None,
        until=None,
        idx=None,
    )
    sql.insert_approval(tx, row)
    payload = {"approval": row.id, "action": row.action, "digest": digest, "person": request.person}
    event = Event(kind=events.APPROVAL_ASKED, payload=payload, actor=request.person, about=(request.person,))
    ledger.append(tx, event, now=request.now)
    return _approval(row)


def give(tx: Tx, ledger: Ledger, *, approval_id: str, approver: str, now: datetime) -> Approval:
    """Give an approval that somebody else asked for.

    Raises :class:`NoSuchApproval`, :class:`SamePerson`, :class:`AlreadySettled`; :class:`RowNotProved` if the
    description is not that of the act. Whether ``approver`` may is decided before (action ``access.approve``).
    """
    tx.lock(LOCK)
    row = _row(tx, approval_id)
    _approval(row)
    if row.asker == approver:
        raise SamePerson
    if row.approver or not _alive(row, now):
        raise AlreadySettled
    until = now + timedelta(seconds=HOLDS_S)
    payload = _given_payload(row, approver=approver, until=until)
    event = Event(kind=events.APPROVAL_GIVEN, payload=payload, actor=approver, about=(row.asker, approver))
    index = ledger.append(tx, event, now=now)
    if not sql.give_approval(tx, row.id, approver=approver, at=now, until=until, idx=index):
        raise AlreadySettled
    return _approval(_row(tx, approval_id))


def views(tx: Tx, ledger: Ledger, digest: str) -> tuple[ApprovalView, ...]:
    """Return the given approvals for an act, with the approvers' present roles.

    Each row is held against its entry: a row edited in the database raises ``LedgerBroken``. One whose entry was
    erased, or whose approver was disabled, is not there; nor is one that carried an allowed decision already, except
    for acts that are taken up again by the same digest after a crash.
    """
    found = []
    for row in sql.read_approvals(tx, digest=digest):
        if not row.approver or row.at is None or row.until is None or row.idx is None:
            continue
        approver = identities.proved(tx, ledger, row.approver)
        proof = ledger.payload_of(tx, row.idx, kind=events.APPROVAL_GIVEN)
        if approver is None or proof is None:
            continue
        if proof != _given_payload(row, approver=row.approver, until=row.until):
            raise LedgerBroken(index=row.idx, what="approval")
        used = ledger.counted(tx, (events.USED, row.id), about=row.id, after=row.idx)
        if used and row.action not in RESUMED:
            continue
        found.append(
            ApprovalView(
                approval=row.id,
                digest=row.digest,
                asker=row.asker,
                approver=row.approver,
                approver_roles=approver.roles,
                at=row.at,
                until=row.until,
                entry=row.idx,
            )
        )
    return tuple(found)


def still_open(tx: Tx, now: datetime) -> list[Approval]:
    """Return the requests that wait for a second person."""
    return [_approval(row) for row in sql.read_approvals(tx, still_open=True) if _alive(row, now)]


def find(tx: Tx, approval_id: str) -> Approval:
    """Return an approval request; :class:`NoSuchApproval` if there is none."""
    return _approval(_row(tx, approval_id))


def _row(tx: Tx, approval_id: str) -> ApprovalRow:
    rows = sql.read_approvals(tx, approval_id=approval_id)
    if not rows:
        raise NoSuchApproval
    return rows[0]


def _given_payload(row: ApprovalRow, *, approver: str, until: datetime) -> dict[str, Json]:
    return {
        "approval": row.id,
        "action": row.action,
        "digest": row.digest,
        "asker": row.asker,
        "approver": approver,
        "until": clock.to_text(until),
    }


def _alive(row: ApprovalRow, now: datetime) -> bool:
    end = row.until if row.until is not None else row.asked + timedelta(seconds=OPEN_S_MAX)
    return now < end


def _approval(row: ApprovalRow) -> Approval:
    if sha256_hex(row.what) != row.digest:
        raise RowNotProved(what="approval")
    return Approval(
        approval=ApprovalId(row.id),
        action=row.action,
        digest=row.digest,
        what=_readable(canon.loads(row.what)),
        asker=row.asker,
        asked=row.asked,
        approver=row.approver,
    )


def _readable(act: Json) -> Json:
    """Return the act for a person to read: its details beside its members, what is empty left out."""
    if not isinstance(act, dict):
        return act
    details = act.get("details")
    named = dict(details) if isinstance(details, list) else {}
    return {name: value for name, value in ({**named, **act}).items() if name != "details" and value}
