"""Tables of access and the statements on them. No rule lives here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, Integer, Select, String, Table, insert, select, update

from tigertally.store.schema import Blob, Instant, metadata
from tigertally.store.tx import Tx

person = Table(
    "access_person",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("handle", String(32), nullable=False, unique=True),
    Column("roles", String(200), nullable=False),
    Column("phc", String(300), nullable=False),
    Column("totp", Blob, nullable=False),
    Column("totp_step", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Instant, nullable=True),
    Column("created", Instant, nullable=False),
    Column("disabled", Instant, nullable=True),
)
session = Table(
    "access_session",
    metadata,
    Column("token_digest", String(64), primary_key=True),
    Column("person", String(40), nullable=False),
    Column("created", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("factor_at", Instant, nullable=False),
    Column("ended", Instant, nullable=True),
)
grant = Table(
    "access_grant",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("asker", String(40), nullable=False),
    Column("approver", String(40), nullable=False),
    Column("action", String(40), nullable=False),
    Column("classes", String(400), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("deal", String(40), nullable=False),
    Column("scope", String(40), nullable=False),
    Column("uses_max", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    Column("start", Instant, nullable=True),
    Column("until", Instant, nullable=True),
    Column("length_s", Integer, nullable=False),
    Column("asked", Instant, nullable=False),
    Column("idx", BigInteger, nullable=False),
)
approval = Table(
    "access_approval",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("action", String(40), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("what", Blob, nullable=False),
    Column("asker", String(40), nullable=False),
    Column("asked", Instant, nullable=False),
    Column("approver", String(40), nullable=False),
    Column("at", Instant, nullable=True),
    Column("until", Instant, nullable=True),
    Column("idx", BigInteger, nullable=True),
    Index("ix_access_approval_digest", "digest"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """A person as stored; ``roles`` are comma-separated values."""

    id: str
    handle: str
    roles: str
    phc: str
    totp: bytes
    totp_step: int
    failures: int
    locked_until: datetime | None
    disabled: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session as stored."""

    token_digest: str
    person: str
    created: datetime
    until: datetime
    factor_at: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRow:
    """A grant as stored."""

    id: str
    asker: str
    approver: str
    action: str
    classes: str
    purpose: str
    deal: str
    scope: str
    uses_max: int
    used: int
    start: datetime | None
    until: datetime | None
    length_s: int
    asked: datetime
    idx: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRow:
    """An approval request as stored."""

    id: str
    action: str
    digest: str
    what: bytes
    asker: str
    asked: datetime
    approver: str
    at: datetime | None
    until: datetime | None
    idx: int | None


def insert_person(
    tx: Tx,
    *,
    id: str,  # noqa: A002 - the column's name
    handle: str,
    roles: str,
    phc: str,
    totp: bytes,
    created: datetime,
) -> None:
    """Insert a person."""
    tx.execute(
        insert(person).values(
            id=id, handle=handle, roles=roles, phc=phc, totp=totp, totp_step=0, failures=0, created=created
        )
    )


def _person_row(tx: Tx, *, handle: str | None, person_id: str | None) -> PersonRow | None:
    query = select(
        person.c.id,
        person.c.handle,
        person.c.roles,
        person.c.phc,
        person.c.totp,
        person.c.totp_step,
        person.c.failures,
        person.c.locked_until,
        person.c.disabled,
    )
    query = query.where(person.c.handle == handle) if handle is not None else query.where(person.c.id == person_id)
    row = tx.one_or_none(query)
    if row is None:
        return None
    return PersonRow(
        id=row.id,
        handle=row.handle,
        roles=row.roles,
        phc=row.phc,
        totp=bytes(row.totp),
        totp_step=row.totp_step,
        failures=row.failures,
        locked_until=row.locked_until,
        disabled=row.disabled,
    )


def person_by_handle(tx: Tx, handle: str) -> PersonRow | None:
    """Return the person called ``handle``."""
    return _person_row(tx, handle=handle, person_id=None)


def person_by_id(tx: Tx, person_id: str) -> PersonRow | None:
    """Return the person with that id."""
    return _person_row(tx, handle=None, person_id=person_id)


def all_persons(tx: Tx) -> Sequence[tuple[str, str, str, datetime | None]]:
    """Return ``(id, handle, roles, disabled)`` of everybody."""
    rows = tx.all(select(person.c.id, person.c.handle, person.c.roles, person.c.disabled).order_by(person.c.handle))
    return [(row.id, row.handle, row.roles, row.disabled) for row in rows]


def set_roles(tx: Tx, person_id: str, roles: str) -> None:
    """Replace roles."""
    tx.execute(update(person).where(person.c.id == person_id).values(roles=roles))


def set_disabled(tx: Tx, person_id: str, at: datetime) -> None:
    """Disable a person."""
    tx.execute(update(person).where(person.c.id == person_id).values(disabled=at))


def record_success(tx: Tx, person_id: str, step: int) -> int:
    """Reset failures and remember the code's step; return 0 if a code of that step or later was used already."""
    return tx.execute(
        update(person)
        .where(person.c.id == person_id, person.c.totp_step < step)
        .values(failures=0, locked_until=None, totp_step=step)
    )


def record_failure(tx: Tx, person_id: str, *, failures: int, locked_until: datetime | None) -> None:
    """Count a failed attempt."""
    tx.execute(update(person).where(person.c.id == person_id).values(failures=failures, locked_until=locked_until))


def insert_session(
    tx: Tx, *, token_digest: str, person_id: str, created: datetime, until: datetime, factor_at: datetime
) -> None:
    """Insert a session."""
    tx.execute(
        insert(session).values(
            token_digest=token_digest, person=person_id, created=created, until=until, factor_at=factor_at
        )
    )


def read_session(tx: Tx, token_digest: str) -> SessionRow | None:
    """Return a session."""
    found = _sessions(tx, select(session).where(session.c.token_digest == token_digest))
    return found[0] if found else None


def open_sessions(tx: Tx, person_id: str, at: datetime) -> list[SessionRow]:
    """Return the sessions of a person that are open at ``at``, oldest first."""
    mine = select(session).where(session.c.person == person_id, session.c.ended.is_(None), session.c.until > at)
    return _sessions(tx, mine.order_by(session.c.created))


def _sessions(tx: Tx, query: Select[tuple[object, ...]]) -> list[SessionRow]:
    return [
        SessionRow(
            token_digest=row.token_digest,
            person=row.person,
            created=row.created,
            until=row.until,
            factor_at=row.factor_at,
            ended=row.ended,
        )
        for row in tx.all(query)
    ]


def last_session(tx: Tx, person_id: str) -> datetime | None:
    """Return when a person last opened a session."""
    query = select(session.c.created).where(session.c.person == person_id).order_by(session.c.created.desc()).limit(1)
    row = tx.one_or_none(query)
    return None if row is None else row.created


def end_session(tx: Tx, token_digest: str, at: datetime) -> None:
    """End one session."""
    tx.execute(update(session).where(session.c.token_digest == token_digest).values(ended=at))


def refresh_factor(tx: Tx, token_digest: str, at: datetime) -> None:
    """Set when the second factor was last shown."""
    tx.execute(update(session).where(session.c.token_digest == token_digest).values(factor_at=at))


def end_sessions(tx: Tx, person_id: str, at: datetime, *, but: str = "") -> int:
    """End all sessions of a person that are not over, but one if its digest is given; return how many."""
    mine = (session.c.person == person_id, session.c.ended.is_(None), session.c.token_digest != but)
    return tx.execute(update(session).where(*mine).values(ended=at))


def set_means(tx: Tx, person_id: str, *, phc: str, totp: bytes) -> None:
    """Replace passphrase and one-time-code secret, both "" for none; failures are forgotten."""
    fresh = {"phc": phc, "totp": totp, "totp_step": 0, "failures": 0, "locked_until": None}
    tx.execute(update(person).where(person.c.id == person_id).values(**fresh))


def set_totp(tx: Tx, person_id: str, totp: bytes) -> None:
    """Replace the one-time-code secret."""
    tx.execute(update(person).where(person.c.id == person_id).values(totp=totp, totp_step=0))


def set_phc(tx: Tx, person_id: str, phc: str) -> None:
    """Replace the passphrase."""
    tx.execute(update(person).where(person.c.id == person_id).values(phc=phc))


def insert_grant(tx: Tx, row: GrantRow) -> None:
    """Insert a grant that was asked for."""
    tx.execute(insert(grant).values(**asdict(row)))


def read_grants(tx: Tx, *, grant_id: str | None = None, asker: str | None = None) -> list[GrantRow]:
    """Return grants, by id or by asker, oldest first."""
    query = select(grant).order_by(grant.c.idx)
    if grant_id is not None:
        query = query.where(grant.c.id == grant_id)
    if asker is not None:
        query = query.where(grant.c.asker == asker)
    return [GrantRow(**row._asdict()) for row in tx.all(query)]


def approve_grant(tx: Tx, grant_id: str, *, approver: str, start: datetime, until: datetime, idx: int) -> int:
    """Approve a grant that nobody approved yet; return rows changed."""
    return tx.execute(
        update(grant)
        .where(grant.c.id == grant_id, grant.c.approver == "")
        .values(approver=approver, start=start, until=until, idx=idx)
    )


def use_grant(tx: Tx, grant_id: str, count: int) -> int:
    """Take ``count`` uses off a grant; return 0 if not so many are left."""
    return tx.execute(
        update(grant)
        .where(grant.c.id == grant_id, grant.c.used + count <= grant.c.uses_max)
        .values(used=grant.c.used + count)
    )


def insert_approval(tx: Tx, row: ApprovalRow) -> None:
    """Insert an approval request."""
    tx.execute(insert(approval).values(**asdict(row)))


def read_approvals(
    tx: Tx, *, approval_id: str | None = None, digest: str | None = None, still_open: bool = False
) -> list[ApprovalRow]:
    """Return approval requests by id, by digest, or all open ones; newest first."""
    query = select(approval).order_by(approval.c.asked.desc())
    if approval_id is not None:
        query = query.where(approval.c.id == approval_id)
    if digest is not None:
        query = query.where(approval.c.digest == digest)
    if still_open:
        query = query.where(approval.c.approver == "")
    return [
        ApprovalRow(
            id=row.id,
            action=row.action,
            digest=row.digest,
            what=bytes(row.what),
            asker=row.asker,
            asked=row.asked,
            approver=row.approver,
            at=row.at,
            until=row.until,
            idx=row.idx,
        )
        for row in tx.all(query)
    ]


def give_approval(tx: Tx, approval_id: str, *, approver: str, at: datetime, until: datetime, idx: int) -> int:
    """Give an approval that is open; return rows changed."""
    return tx.execute(
        update(approval)
        .where(approval.c.id == approval_id, approval.c.approver == "")
        .values(approver=approver, at=at, until=until, idx=idx)
    )
