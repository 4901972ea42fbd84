"""Rows that somebody with the database, but without keys, took away are missed by the decision, not only by fsck."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from sqlalchemy import Executable, delete, update

from tigertally.access import PERSON_FROZEN, Action, Role, identities, sql
from tigertally.access import facts as kinds
from tigertally.ledger import sql as ledger_sql
from tigertally.ledger.errors import LedgerBroken

from .conftest import Office
from .test_approvals import ACT

FACT: Final = ledger_sql.fact.c


def everything_at(index: int) -> list[Executable]:
    """Take away all that is stored of one entry, the proofs apart."""
    tables = (ledger_sql.entry, ledger_sql.payload, ledger_sql.about, ledger_sql.fact)
    return [delete(table).where(table.c.idx == index) for table in tables]


def frozen(office: Office) -> int:
    return office.state(PERSON_FROZEN, office.id("li"), {"reason": "anomaly"})


def demoted(office: Office) -> int:
    """Li was a lead for a while; the newest statement says otherwise."""
    for roles in ({Role.LEAD}, {Role.OPERATOR}):
        with office.writing() as tx:
            identities.change_roles(tx, office.ledger, handle="li", roles=roles, actor="", now=office.now)
    with office.reading() as tx:
        rows = ledger_sql.read_facts(tx, kinds=[kinds.PERSON_ROLES.name], subjects=[office.id("li")])
    return rows[-1].idx


def screening_failed(office: Office) -> int:
    return office.state(kinds.PERSON_SCREENED, office.id("li"), {"by": office.id("zhao"), "outcome": "fail"})


@pytest.mark.parametrize("done", [frozen, demoted, screening_failed])
@pytest.mark.parametrize("thorough", [False, True])
def test_a_fact_that_was_taken_away_stops_every_decision(
    office: Office, *, done: Callable[[Office], int], thorough: bool
) -> None:
    office.qualify("li")
    index = done(office)
    office.tamper(*everything_at(index)) if thorough else office.tamper(
        delete(ledger_sql.fact).where(FACT.idx == index)
    )
    if done is demoted:
        office.tamper(update(sql.person).where(sql.person.c.handle == "li").values(roles="lead"))
    with pytest.raises(LedgerBroken), office.writing() as tx:
        office.access.judge(tx, office.request(tx, "li", Action.VIEW, count=1))
    assert not office.clean()


def test_somebody_else_goes_on(office: Office) -> None:
    """Only what was tampered with stops."""
    index = frozen(office)
    office.tamper(delete(ledger_sql.fact).where(FACT.idx == index))
    assert office.unmet("zhao", Action.LEDGER_READ) == []


def test_uses_of_a_grant_that_were_taken_away_are_missed(office: Office) -> None:
    office.qualify("li")
    grant = office.granted(uses=1)
    office.reveal(grant)
    with office.reading() as tx:
        newest = ledger_sql.read_head(tx).size - 1
    office.tamper(update(sql.grant).values(used=0), delete(ledger_sql.about).where(ledger_sql.about.c.idx == newest))
    with pytest.raises(LedgerBroken):
        office.reveal(grant)


def test_an_approval_whose_use_was_taken_away_does_not_serve_twice(office: Office) -> None:
    office.give(office.ask_second("wang", Action.ERASE, **ACT), "zhao")
    with office.writing() as tx:
        office.access.decide(tx, office.request(tx, "wang", Action.ERASE, **ACT))
        newest = ledger_sql.read_head(tx).size - 1
    office.tamper(delete(ledger_sql.about).where(ledger_sql.about.c.idx == newest))
    with pytest.raises(LedgerBroken), office.writing() as tx:
        office.access.decide(tx, office.request(tx, "wang", Action.ERASE, **ACT))
