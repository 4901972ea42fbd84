"""Enrolment: the lead sees a code, the person sets their own means; codes work once; recovery; open sessions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from tigertally.access import Role, codes, devices, enrolment, identities, sessions
from tigertally.access import facts as kinds
from tigertally.access import sql as access_sql
from tigertally.access.enrolment import Enrolled, Invited
from tigertally.access.errors import LoginFailed, NoEnrolment, NoSuchDevice, NotLoggedIn
from tigertally.base.canon import Json
from tigertally.base.errors import Problem
from tigertally.base.secret import SecretText
from tigertally.crypto import totp
from tigertally.ledger import sql as ledger_sql
from tigertally.ledger.errors import LedgerBroken

from .conftest import COST, Office

OWN = "rain kettle orbit"


def invite(office: Office, handle: str = "chen") -> Invited:
    with office.writing() as tx:
        roles = {Role.OPERATOR}
        return enrolment.invite(tx, office.ledger, handle=handle, roles=roles, actor=office.id("wang"), now=office.now)


def enrol(office: Office, code: SecretText, *, handle: str = "chen") -> Enrolled:
    phc = identities.hash_new(SecretText(OWN), cost=COST)
    with office.writing() as tx:
        return enrolment.enrol(
            tx, office.ledger, office.access.cipher, handle=handle, code=code, phc=phc, now=office.now
        )


def enrolled(office: Office) -> Enrolled:
    made = enrol(office, invite(office).code)
    office.codes["chen"] = made.totp
    return made


def recover(office: Office, code: SecretText, *, handle: str = "chen") -> SecretText:
    with office.reading() as tx:
        stored = identities.stored_hash(tx, handle=handle, now=office.now)
    tried = identities.try_passphrase(SecretText(OWN), stored)
    with office.writing() as tx:
        row = identities.check_passphrase(tx, handle=handle, tried=tried, now=office.now)
        if row is None or enrolment.use_recovery(tx, office.ledger, row=row, code=code, now=office.now) is None:
            raise LoginFailed
        return sessions.open_session(tx, office.ledger, row=row, now=office.now, factor=sessions.RECOVERY)


def test_who_was_invited_enrols_and_signs_in(office: Office) -> None:
    invited = invite(office)
    with pytest.raises(LoginFailed):
        office.login("chen", passphrase=OWN, code=SecretText("123456"))
    made = enrol(office, SecretText(invited.code.expose().lower().replace("-", " ").replace("0", "o")))
    assert (made.person.handle, len(made.recovery)) == ("chen", 10)
    token = office.login("chen", passphrase=OWN, code=totp.code_at(made.totp, office.now))
    assert office.resume("chen", token).factor_kind == "totp"
    assert office.clean()


def test_a_code_works_once_for_its_person_and_for_two_days(office: Office) -> None:
    invited = invite(office)
    for code, handle in (
        ("0" * 26, "chen"),
        (invited.code.expose(), "li"),
        (invited.code.expose(), "nobody"),
        ("", "chen"),
    ):
        with pytest.raises(NoEnrolment):
            enrol(office, SecretText(code), handle=handle)
    enrol(office, invited.code)
    with pytest.raises(NoEnrolment):
        enrol(office, invited.code)
    late = invite(office, "tan")
    office.clock.advance(enrolment.CODE_S)
    with pytest.raises(NoEnrolment):
        enrol(office, late.code, handle="tan")


def test_a_reset_takes_everything_away_and_gives_a_new_code(office: Office) -> None:
    made = enrolled(office)
    token = office.login("chen", passphrase=OWN)
    with office.writing() as tx:
        again = enrolment.reinvite(tx, office.ledger, handle="chen", actor=office.id("wang"), now=office.now)
    with pytest.raises(NotLoggedIn):
        office.resume("chen", token)
    with pytest.raises(LoginFailed):
        office.login("chen", passphrase=OWN)
    with pytest.raises(LoginFailed):
        recover(office, made.recovery[0])
    enrol(office, again.code)


def test_a_recovery_code_stands_in_once(office: Office) -> None:
    made = enrolled(office)
    token = recover(office, made.recovery[3])
    assert office.resume("chen", token).factor_kind == "recovery"
    for code in (made.recovery[3], SecretText("0000-0000"), SecretText("")):
        with pytest.raises(LoginFailed):
            recover(office, code)
    recover(office, made.recovery[4])
    with office.writing() as tx:
        enrolment.new_recovery(tx, office.ledger, person=made.person.person, now=office.now)
    with pytest.raises(LoginFailed):
        recover(office, made.recovery[5])
    assert office.clean()


def test_who_edits_the_database_makes_no_code_and_brings_none_back(office: Office) -> None:
    made = enrolled(office)
    recover(office, made.recovery[0])
    held = ledger_sql.fact.c.kind == kinds.RECOVERY_CODES.name
    office.tamper(update(ledger_sql.fact).where(held).values(withdrawn_idx=None))
    with pytest.raises(LedgerBroken):
        recover(office, made.recovery[0])


def test_a_made_up_means_of_signing_in_is_no_use_without_the_key(office: Office) -> None:
    invite(office)
    phc = identities.hash_new(SecretText(OWN), cost=COST)
    office.tamper(update(access_sql.person).where(access_sql.person.c.handle == "chen").values(phc=phc))
    with pytest.raises(Problem):
        office.login("chen", passphrase=OWN, code=SecretText("123456"))


def test_devices_are_listed_and_ended(office: Office) -> None:
    made = enrolled(office)
    first = office.login("chen", passphrase=OWN)
    office.clock.advance(60)
    second = office.login("chen", passphrase=OWN)
    person = made.person.person
    with office.reading() as tx:
        found = devices.of(tx, office.ledger, person=person, now=office.now)
    assert [item.kind for item in found] == ["session", "session", "totp", "recovery"]
    assert ([item.factor for item in found[:2]], found[3].left) == (["totp", "totp"], 10)
    assert found[0].since == office.now - timedelta(seconds=60)
    with office.writing() as tx:
        assert devices.end(tx, office.ledger, person=person, device=found[0].id, actor=person, now=office.now) == 1
    with pytest.raises(NotLoggedIn):
        office.resume("chen", first)
    office.resume("chen", second)
    with office.writing() as tx, pytest.raises(NoSuchDevice):
        devices.end(tx, office.ledger, person=office.id("li"), device=found[1].id, actor=person, now=office.now)
    value: dict[str, Json] = {
        "credential": "AbCdEfGhIjKlMnOp",
        "algorithm": -8,
        "key": "00",
        "count": 0,
        "origin": "https://x.example",
    }
    office.state(kinds.PASSKEY, person, value)
    with office.writing() as tx:
        assert devices.end(tx, office.ledger, person=person, device="all", actor=office.id("wang"), now=office.now) == 1
        (key,) = [it.id for it in devices.of(tx, office.ledger, person=person, now=office.now) if it.kind == "passkey"]
        assert devices.end(tx, office.ledger, person=person, device=key, actor=office.id("wang"), now=office.now) == 1
    with office.writing() as tx, pytest.raises(NoSuchDevice):
        devices.end(tx, office.ledger, person=person, device=key, actor=person, now=office.now)


def test_a_new_factor_and_a_new_passphrase_end_the_old_ones(office: Office) -> None:
    made = enrolled(office)
    first = office.login("chen", passphrase=OWN)
    office.clock.advance(60)
    second = office.login("chen", passphrase=OWN)
    with office.writing() as tx:
        keep = devices.of(tx, office.ledger, person=made.person.person, now=office.now)[1]
        digest = access_sql.open_sessions(tx, made.person.person, office.now)[1].token_digest
        assert digest.startswith(keep.id)
        phc = identities.hash_new(SecretText("another kettle orbit"), cost=COST)
        person = made.person.person
        assert enrolment.new_passphrase(tx, office.ledger, person=person, phc=phc, keep=digest, now=office.now) == 1
        secret = enrolment.new_factor(tx, office.ledger, office.access.cipher, person=person, now=office.now)
    office.resume("chen", second)
    with pytest.raises(NotLoggedIn):
        office.resume("chen", first)
    with pytest.raises(LoginFailed):
        office.login("chen", passphrase="another kettle orbit")
    office.codes["chen"] = secret
    with pytest.raises(LoginFailed):
        office.login("chen", passphrase=OWN)
    office.login("chen", passphrase="another kettle orbit")


def test_codes_are_long_and_read_back_as_people_type_them() -> None:
    made = {codes.new_code(codes.ENROLMENT_CHARS).expose() for _ in range(50)}
    assert len(made) == 50
    assert all(len(code.replace("-", "")) == 26 for code in made)
    assert codes.digest_of(SecretText("1O-lI 0")) == codes.digest_of(SecretText("10110"))
