"""Logging in, being locked out, sessions and their end; and that a row in the database makes nobody anybody."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from tigertally.access import Role, identities, sql
from tigertally.access.errors import (
    BadHandle,
    Locked,
    LoginFailed,
    NoSuchPerson,
    NotLoggedIn,
    PersonExists,
    RowNotProved,
    WeakPassphrase,
)
from tigertally.access.identities import FAILURES_MAX, LOCK_S
from tigertally.access.sessions import SESSION_S
from tigertally.base.ids import new_id
from tigertally.base.secret import SecretText
from tigertally.base.text import Lang
from tigertally.crypto.digest import sha256_hex
from tigertally.ledger import sql as ledger_sql

from .conftest import COST, PASSPHRASE, ROLES, Office


def add(office: Office, handle: str, *, passphrase: str = PASSPHRASE) -> None:
    phc = identities.hash_new(SecretText(passphrase), cost=COST)
    with office.writing() as tx:
        identities.add(
            tx,
            office.ledger,
            office.access.cipher,
            handle=handle,
            roles={Role.AUDITOR},
            phc=phc,
            actor="",
            now=office.now,
        )


def test_people_are_found_by_handle_and_id(office: Office) -> None:
    with office.reading() as tx:
        assert identities.find(tx, "li") == office.people["li"]
        assert identities.by_id(tx, office.id("li")) == office.people["li"]
        assert identities.proved(tx, office.ledger, office.id("li")) == office.people["li"]
        assert {person.handle: set(person.roles) for person in identities.everybody(tx)} == ROLES
        assert identities.by_id(tx, new_id("per")) is None
        assert identities.proved(tx, office.ledger, new_id("per")) is None
        with pytest.raises(NoSuchPerson):
            identities.find(tx, "nobody")
    assert office.clean()


def test_handles_and_passphrases_have_a_form(office: Office) -> None:
    for handle in ("x", "Li", "li_", "李", "-li", "a" * 33, "", "li\n"):
        with pytest.raises(BadHandle):
            add(office, handle)
    with pytest.raises(WeakPassphrase):
        add(office, "chen", passphrase="short")
    with pytest.raises(PersonExists):
        add(office, "li")


def test_both_factors_open_a_session(office: Office) -> None:
    token = office.login("li")
    session = office.resume("li", token)
    assert session.person == office.people["li"]
    assert session.factor_at == office.now
    assert office.clean()


@pytest.mark.parametrize("wrong", ["passphrase", "code", "old code", "letters", "handle"])
def test_one_wrong_factor_is_a_failure_that_does_not_say_which(office: Office, wrong: str) -> None:
    code = {"code": SecretText("000000"), "old code": office.code("li", steps=-3), "letters": SecretText("abcdéf")}
    passphrase = "wrong horse battery" if wrong == "passphrase" else PASSPHRASE
    with pytest.raises(LoginFailed) as caught:
        if wrong == "handle":
            office.login("nobody", code=office.code("li"))
        else:
            office.login("li", passphrase=passphrase, code=code.get(wrong))
    assert caught.value.details == {}
    assert caught.value.say(Lang.ZH) == "登录失败"


def test_a_code_works_once(office: Office) -> None:
    code = office.code("li")
    office.login("li", code=code)
    with pytest.raises(LoginFailed):
        office.login("li", code=code)
    office.clock.advance(30)
    with pytest.raises(LoginFailed):
        office.login("li", code=code)
    office.login("li", code=office.code("li"))
    with pytest.raises(LoginFailed):
        office.login("li", code=office.code("li", steps=-1))


def test_a_code_used_to_log_in_confirms_nothing(office: Office) -> None:
    code = office.code("li")
    token = office.login("li", code=code)
    with pytest.raises(LoginFailed):
        office.confirm("li", token, code=code)


def test_one_code_at_once_opens_one_session(office: Office) -> None:
    outcomes: list[str] = []

    def work() -> None:
        try:
            office.login("li", code=office.code("li"))
        except (LoginFailed, Locked) as problem:
            outcomes.append(problem.code)
        else:
            outcomes.append("open")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("open") == 1


def test_five_failures_lock_for_a_quarter_of_an_hour(office: Office) -> None:
    for _ in range(FAILURES_MAX):
        with pytest.raises(LoginFailed):
            office.login("li", code=SecretText("000000"))
    with pytest.raises(Locked) as caught:
        office.login("li")
    assert "15" in caught.value.say(Lang.EN)
    assert "15" in caught.value.say(Lang.ZH)
    office.login("wang")
    office.clock.advance(LOCK_S - 1)
    with pytest.raises(Locked):
        office.login("li")
    office.clock.advance(1)
    office.login("li")
    assert office.clean()


def test_each_further_failure_locks_twice_as_long_until_one_succeeds(office: Office) -> None:
    for _ in range(FAILURES_MAX):
        office.count_failure("li")
    waited = []
    for _ in range(9):
        with pytest.raises(Locked) as caught:
            office.login("li")
        waited.append(int(str(caught.value.details["minutes"])))
        office.clock.advance(waited[-1] * 60)
        office.count_failure("li")
    assert waited == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]
    office.clock.advance(1440 * 60)
    office.login("li")
    office.count_failure("li")
    office.clock.advance(60)
    office.login("li")


def test_a_success_forgets_earlier_failures(office: Office) -> None:
    for _ in range(2):
        for _ in range(FAILURES_MAX - 1):
            with pytest.raises(LoginFailed):
                office.login("li", code=SecretText("000000"))
        office.clock.advance(60)
        office.login("li")


def test_failures_at_once_are_all_counted(office: Office) -> None:
    threads = [threading.Thread(target=office.count_failure, args=("li",)) for _ in range(FAILURES_MAX)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pytest.raises(Locked):
        office.login("li")


def test_the_lock_holds_for_the_second_factor_of_an_open_session(office: Office) -> None:
    """Whoever has a token, but not the phone, must not try codes for ever."""
    token = office.login("li")
    office.clock.advance(60)
    for _ in range(FAILURES_MAX):
        with pytest.raises(LoginFailed):
            office.confirm("li", token, code=SecretText("000000"))
    with pytest.raises(Locked):
        office.confirm("li", token)
    office.clock.advance(LOCK_S)
    assert office.confirm("li", token).factor_at == office.now


def test_failures_of_nobody_leave_entries_and_lock_nobody(office: Office) -> None:
    with office.reading() as tx:
        before = ledger_sql.read_head(tx).size
    for _ in range(FAILURES_MAX + 1):
        with pytest.raises(LoginFailed):
            office.login("nobody", code=SecretText("000000"))
    with office.reading() as tx:
        assert ledger_sql.read_head(tx).size == before + FAILURES_MAX + 1
        assert office.ledger.payload_of(tx, before) == {"person": "", "failures": 0, "locked": False}


def test_a_session_ends_after_eight_hours_even_if_confirmed(office: Office) -> None:
    token = office.login("li")
    office.clock.advance(SESSION_S - 60)
    assert office.confirm("li", token).factor_at == office.now
    assert office.resume("li", token).factor_at == office.now
    office.clock.advance(60)
    with pytest.raises(NotLoggedIn):
        office.resume("li", token)
    with pytest.raises(NotLoggedIn):
        office.confirm("li", token)


def test_a_session_is_its_owners_and_of_its_token(office: Office) -> None:
    token = office.login("li")
    for handle, given in (("wang", token), ("li", SecretText("x")), ("li", SecretText(token.expose() + "x"))):
        with pytest.raises(NotLoggedIn) as caught:
            office.resume(handle, given)
        assert handle in caught.value.say(Lang.EN)
    office.clock.set_back(1)
    with pytest.raises(NotLoggedIn):
        office.resume("li", token)


def test_only_the_tokens_digest_is_stored(office: Office) -> None:
    token = office.login("li").expose()
    with office.reading() as tx:
        for row in tx.all(sql.session.select()):
            assert row.token_digest == sha256_hex(token.encode())
            assert token not in str(row)


def test_disabling_ends_everything_at_once(office: Office) -> None:
    token = office.login("li")
    office.clock.advance(60)
    with office.writing() as tx:
        identities.disable(tx, office.ledger, handle="li", actor=office.id("wang"), now=office.now)
    with pytest.raises(NotLoggedIn):
        office.resume("li", token)
    with pytest.raises(NotLoggedIn):
        office.confirm("li", token)
    with pytest.raises(LoginFailed):
        office.login("li")
    with office.writing() as tx:
        assert identities.by_id(tx, office.id("li")) is None
        assert identities.proved(tx, office.ledger, office.id("li")) is None
        assert office.people["li"] not in identities.everybody(tx)
        with pytest.raises(NoSuchPerson):
            identities.disable(tx, office.ledger, handle="li", actor="", now=office.now)
    with pytest.raises(PersonExists):
        add(office, "li")
    assert office.clean()


def test_roles_change_with_the_next_decision(office: Office) -> None:
    with office.writing() as tx:
        changed = identities.change_roles(
            tx, office.ledger, handle="li", roles={Role.CUSTODIAN}, actor=office.id("wang"), now=office.now
        )
        assert changed.roles == {Role.CUSTODIAN}
        proved = identities.proved(tx, office.ledger, office.id("li"))
    assert proved == changed
    assert office.clean()


def test_a_role_written_into_the_row_is_noticed(office: Office) -> None:
    office.tamper(update(sql.person).where(sql.person.c.handle == "li").values(roles="lead,officer,operator"))
    with office.reading() as tx, pytest.raises(RowNotProved) as caught:
        identities.proved(tx, office.ledger, office.id("li"))
    assert caught.value.say(Lang.ZH)
    assert "roles" in caught.value.say(Lang.EN)


def test_roles_that_were_taken_away_do_not_come_back(office: Office) -> None:
    """Neither by the row alone, nor by the fact's row beside it: the newest statement counts."""
    with office.writing() as tx:
        identities.change_roles(tx, office.ledger, handle="wang", roles=set(), actor="", now=office.now)
    office.tamper(update(sql.person).where(sql.person.c.handle == "wang").values(roles="lead"))
    with office.reading() as tx, pytest.raises(RowNotProved):
        identities.proved(tx, office.ledger, office.id("wang"))


def test_a_disabled_person_switched_on_in_the_row_is_nobody(office: Office) -> None:
    with office.writing() as tx:
        identities.disable(tx, office.ledger, handle="wang", actor="", now=office.now)
    office.tamper(update(sql.person).where(sql.person.c.handle == "wang").values(disabled=None))
    with office.reading() as tx, pytest.raises(RowNotProved):
        identities.proved(tx, office.ledger, office.id("wang"))


def test_a_person_written_into_the_table_is_nobody(office: Office) -> None:
    with office.writing() as tx:
        stranger = new_id("per")
        sql.insert_person(tx, id=stranger, handle="ghost", roles="lead", phc="-", totp=b"-", created=office.now)
    with office.reading() as tx, pytest.raises(RowNotProved):
        identities.proved(tx, office.ledger, stranger)


def test_a_session_written_into_the_table_is_none(office: Office) -> None:
    """With a token one knows, for a person one is not, or with a second factor one does not have."""
    mine = office.login("li")
    row = sql.session.c.token_digest == sha256_hex(mine.expose().encode())
    office.login("wang")
    forged = SecretText("a token that I made up")
    with office.writing() as tx:
        sql.insert_session(
            tx,
            token_digest=sha256_hex(forged.expose().encode()),
            person_id=office.id("wang"),
            created=office.now,
            until=office.now + timedelta(hours=8),
            factor_at=office.now,
        )
    with pytest.raises(RowNotProved):
        office.resume("wang", forged)
    office.tamper(update(sql.session).where(row).values(person=office.id("wang")))
    with pytest.raises(RowNotProved):
        office.resume("wang", mine)
    office.tamper(update(sql.session).where(row).values(person=office.id("li")))
    office.clock.advance(600)
    office.tamper(update(sql.session).where(row).values(factor_at=office.now))
    with pytest.raises(RowNotProved):
        office.resume("li", mine)
    with pytest.raises(RowNotProved):
        office.confirm("li", mine)


def test_a_session_made_longer_in_the_row_is_none(office: Office) -> None:
    token = office.login("li")
    office.tamper(update(sql.session).values(until=office.now + timedelta(days=9)))
    office.clock.advance(SESSION_S + 1)
    with pytest.raises(RowNotProved):
        office.resume("li", token)


def test_a_totp_secret_is_bound_to_its_person(office: Office) -> None:
    """Copying one's own secret into somebody else's row opens nothing."""
    with office.reading() as tx:
        mine = sql.person_by_handle(tx, "li")
    assert mine is not None
    office.tamper(update(sql.person).where(sql.person.c.handle == "wang").values(totp=mine.totp, phc=mine.phc))
    with pytest.raises(Exception, match="crypto"), office.writing() as tx:
        identities.check_factors(
            tx,
            office.access.cipher,
            handle="wang",
            tried=identities.try_passphrase(SecretText(PASSPHRASE), mine.phc),
            code=office.code("li"),
            now=office.now,
        )


def test_a_deleted_session_is_no_session(office: Office) -> None:
    token = office.login("li")
    office.tamper(delete(sql.session))
    with pytest.raises(NotLoggedIn):
        office.resume("li", token)


def test_a_passphrase_counts_for_what_it_was_tried_against(office: Office) -> None:
    """Between the trying, outside of the transaction, and the login the stored hash may change, or the person go."""
    with office.reading() as tx:
        stored = identities.stored_hash(tx, handle="li", now=office.now)
        assert identities.stored_hash(tx, handle="nobody", now=office.now) == ""
    tried = identities.try_passphrase(SecretText(PASSPHRASE), stored)
    assert tried.right
    assert not identities.try_passphrase(SecretText(PASSPHRASE), "").right
    other = identities.hash_new(SecretText("another passphrase"), cost=COST)
    office.tamper(update(sql.person).where(sql.person.c.handle == "li").values(phc=other))
    with office.writing() as tx:
        code = office.code("li")
        cipher = office.access.cipher
        assert identities.check_factors(tx, cipher, handle="li", tried=tried, code=code, now=office.now) is None
