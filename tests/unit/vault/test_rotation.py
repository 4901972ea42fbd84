from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Thread

import pytest
from sqlalchemy import select, text

from tigertally.access import KEY_ACTIVE
from tigertally.base.fields import FieldClass
from tigertally.base.secret import SecretText
from tigertally.ledger import facts, fsck
from tigertally.store.tx import Tx
from tigertally.vault import (
    KeyInUse,
    KeyNotActive,
    KeyPurpose,
    KeyState,
    announce,
    destroy_key,
    list_keys,
    lookup,
    open_value,
    rewrap,
    rotate,
)
from tigertally.vault.rows import sql as sql_rows

from .conftest import VISA, YES, Vault, on_sqlite

PAN, MOBILE = FieldClass.PAN, FieldClass.MOBILE
CUSTOMERS = 100


@pytest.fixture
def filled(vault: Vault) -> Vault:
    """Some customers, under an announced key."""
    mobiles: list[str | None] = [f"138{at:08d}" for at in range(CUSTOMERS)]
    vault.seal([f"C{at}" for at in range(CUSTOMERS)], (PAN, [VISA] * CUSTOMERS), (MOBILE, mobiles))
    ledger = vault.ledger
    with vault.store.transaction() as tx:
        announce(tx, ledger, list_keys(tx, scope=vault.scope), actor="", now=vault.now)
    return vault


def turn(vault: Vault) -> None:
    ledger = vault.ledger
    with vault.store.transaction() as tx:
        rotate(tx, ledger, vault.keeper, scope=vault.scope, actor="", now=vault.now)


def versions(vault: Vault) -> dict[int, int]:
    with vault.store.reading() as tx:
        return sql_rows.records_by_version(tx, scope=vault.scope)


def run(vault: Vault, *, transactions: int = 10**6, batch_rows: int = 4) -> int:
    """Re-wrap; die when so many transactions have been committed."""
    left = transactions

    @contextmanager
    def begin() -> Iterator[Tx]:
        nonlocal left
        with vault.store.transaction() as tx:
            yield tx
            if left == 0:
                raise InterruptedError
            left -= 1

    return rewrap(begin, vault.ledger, vault.keys, actor="", now=vault.clock.now, batch_rows=batch_rows)


def opens(vault: Vault) -> bool:
    with vault.store.reading() as tx:
        keys = vault.keys
        (token,) = lookup(tx, keys, cls=PAN, column=[VISA])
        assert token is not None
        return open_value(tx, keys, decision=YES, place=token) == SecretText(VISA)


def test_a_rotated_key_opens_and_the_new_one_seals(filled: Vault) -> None:
    turn(filled)
    assert opens(filled)
    filled.seal(["D1"], (MOBILE, ["13900139000"]))
    assert versions(filled) == {1: CUSTOMERS, 2: 1}
    filled.seal(["C1"], (MOBILE, ["13900139001"]))
    with filled.store.reading() as tx:
        states = [info.state for info in list_keys(tx, purpose=KeyPurpose.VAULT)]
        assert states == [KeyState.RETIRED, KeyState.ACTIVE]
        current = [fact.value["version"] for fact in facts.read(tx, kinds=[KEY_ACTIVE.name]) if not fact.withdrawn]
    assert current == [2]


def test_rewrapping_moves_keys_and_leaves_data(filled: Vault) -> None:
    with filled.store.reading() as tx:
        before = tx.all(select(sql_rows.record.c.subject, sql_rows.record.c.fields).order_by(sql_rows.record.c.subject))
    turn(filled)
    assert run(filled) == CUSTOMERS
    assert versions(filled) == {2: CUSTOMERS}
    with filled.store.reading() as tx:
        assert (
            tx.all(select(sql_rows.record.c.subject, sql_rows.record.c.fields).order_by(sql_rows.record.c.subject))
            == before
        )
    assert opens(filled)
    assert run(filled) == 0
    with filled.store.transaction() as tx:
        old = list_keys(tx, purpose=KeyPurpose.VAULT)[0]
        destroy_key(tx, old, now=filled.now)
    assert opens(filled)


@on_sqlite
def test_the_old_key_stays_while_it_is_needed(filled: Vault) -> None:
    turn(filled)
    with filled.store.transaction() as tx, pytest.raises(KeyInUse):
        destroy_key(tx, list_keys(tx, purpose=KeyPurpose.VAULT)[0], now=filled.now)


@on_sqlite
@pytest.mark.parametrize("dies_after", range(9))
def test_killed_anywhere_it_goes_on(filled: Vault, dies_after: int) -> None:
    turn(filled)
    try:
        run(filled, transactions=dies_after)
    except InterruptedError:
        assert opens(filled)
    run(filled)
    assert versions(filled) == {2: CUSTOMERS}
    assert opens(filled)
    with filled.store.reading() as tx:
        uses = [info.uses for info in list_keys(tx, purpose=KeyPurpose.VAULT)]
        findings = fsck.check(tx, filled.ledger)
    assert uses == [CUSTOMERS, CUSTOMERS]
    assert findings.clean


@on_sqlite
def test_keys_opened_before_a_rotation_seal_nothing(filled: Vault) -> None:
    from tigertally.vault import seal_batch  # noqa: PLC0415 - only here

    old = filled.keys
    turn(filled)
    with filled.store.transaction() as tx, pytest.raises(KeyNotActive):
        seal_batch(tx, old, subjects=["D1"], fields=[(MOBILE, ["13900139000"])], now=filled.now)


@on_sqlite
def test_rewrapping_with_keys_of_yesterday_is_refused(filled: Vault) -> None:
    old = filled.keys
    turn(filled)
    run(filled)
    with pytest.raises(KeyNotActive):
        rewrap(filled.store.transaction, filled.ledger, old, actor="", now=filled.clock.now)


@on_sqlite
def test_twice_rotated_is_rewrapped_once(filled: Vault) -> None:
    turn(filled)
    with pytest.raises(InterruptedError):
        run(filled, transactions=3)
    turn(filled)
    run(filled)
    assert versions(filled) == {3: CUSTOMERS}
    assert opens(filled)


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_nobody_is_erased_and_comes_again_between_reading_and_wrapping(filled: Vault) -> None:
    turn(filled)
    free: list[bool] = []

    def look() -> None:
        with filled.store.transaction() as tx:
            query = text("SELECT 1 FROM store_lock WHERE name = :name FOR UPDATE SKIP LOCKED")
            free.append(bool(tx.all(query, {"name": f"vault:{filled.scope}"})))

    def now() -> datetime:
        other = Thread(target=look)  # a thread may have one writing transaction
        other.start()
        other.join()
        return filled.now

    rewrap(filled.store.transaction, filled.ledger, filled.keys, actor="", now=now)
    assert free[:1] == [True]  # while the job is begun
    assert len(free) > 1
    assert not any(free[1:])
