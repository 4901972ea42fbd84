"""The review of who may do what, every half year (PCI DSS 7.2.4): row by row, by somebody else, or access ends.

A row is a person with roles, grants that run and the last sign-in, and a digest of all that; whoever keeps the person's
access names the digest, which only who has the row before them knows, and which is another one when anything changed. A
new person and new roles count as reviewed by whoever gave them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.access import grants, identities, sql
from tigertally.access.errors import ReviewedOtherwise, SamePerson
from tigertally.access.facts import PERSON_REVIEWED
from tigertally.base import canon, clock
from tigertally.crypto.digest import same, sha256_hex
from tigertally.ledger import Ledger, facts
from tigertally.store.tx import Tx

DIGEST_CHARS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What somebody may do now; ``until`` is when their access ends unless it is reviewed, None if it has ended."""

    person: str
    handle: str
    roles: tuple[str, ...]
    grants: int
    seen: datetime | None
    until: datetime | None
    digest: str


def rows(tx: Tx, ledger: Ledger, *, now: datetime) -> list[Row]:
    """Return a row of everybody who is not disabled. Raises ``RowNotProved``, ``LedgerBroken``."""
    found = []
    for named in identities.everybody(tx):
        person = identities.proved(tx, ledger, named.person) or named
        running = sorted(
            grant.grant
            for grant in grants.of_person(tx, person.person)
            if grant.approved and grant.until is not None and now < grant.until
        )
        held = [
            fact
            for fact in facts.read(tx, ledger=ledger, kinds=[PERSON_REVIEWED.name], subjects=[person.person])
            if fact.current(now)
        ]
        seen = sql.last_session(tx, person.person)
        roles = tuple(sorted(role.value for role in person.roles))
        body: dict[str, canon.Json] = {
            "person": person.person,
            "roles": [*roles],
            "grants": [*running],
            "seen": None if seen is None else clock.to_text(seen),
        }
        found.append(
            Row(
                person=person.person,
                handle=person.handle,
                roles=roles,
                grants=len(running),
                seen=seen,
                until=held[-1].until if held else None,
                digest=sha256_hex(canon.dumps(body))[:DIGEST_CHARS],
            )
        )
    return found


def keep(tx: Tx, ledger: Ledger, *, handle: str, digest: str, by: str, now: datetime) -> int:
    """Record that ``by`` saw the row with that digest and the access stays; return the entry.

    Raises ``NoSuchPerson``, :class:`SamePerson`, :class:`ReviewedOtherwise` if the row is another one now.
    """
    person = identities.find(tx, handle).person
    if person == by:
        raise SamePerson
    row = next((item for item in rows(tx, ledger, now=now) if item.person == person), None)
    if row is None or not same(row.digest.encode(), digest.encode()):
        raise ReviewedOtherwise
    return state(tx, ledger, person=person, by=by, now=now)


def state(tx: Tx, ledger: Ledger, *, person: str, by: str, now: datetime) -> int:
    """State that a person's access was looked at now; return the entry."""
    until = now + identities.REVIEW_HOLDS
    return identities.state_reviewed(tx, ledger, person=person, by=by, now=now, until=until)
