"""Changing a scope's suite: both are read meanwhile, killed anywhere it goes on, and nothing of the old one is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select, text

from tigertally.base.fields import FieldClass
from tigertally.base.secret import SecretText
from tigertally.crypto.aead import OVERHEAD_BYTES, key_bytes
from tigertally.formats.part import commitments
from tigertally.ledger import fsck
from tigertally.store.tx import Tx
from tigertally.testing.keeper import MemoryKeeper
from tigertally.vault import (
    KeyDoesNotOpen,
    KeyPurpose,
    RecordBroken,
    Suite,
    counts,
    destroy_key,
    export_part,
    list_keys,
    lookup,
    open_scope,
    open_value,
    rewrap,
    rotate,
    sample_sealed,
    try_open,
    view,
)
from tigertally.vault.rows import sql as sql_rows

from .conftest import VISA, YES, Vault, on_sqlite

PAN, NAME = FieldClass.PAN, FieldClass.NAME
CUSTOMERS = 100
GUOMI, INTL = Suite.GUOMI_1, Suite.INTL_1


@pytest.fixture
def filled(vault: Vault) -> Vault:
    """Customers sealed under ``intl-1``, with values of different lengths."""
    names: list[str | None] = ["韩测试" * (1 + at % 3) for at in range(CUSTOMERS)]
    vault.seal([f"C{at}" for at in range(CUSTOMERS)], (PAN, [VISA] * CUSTOMERS), (NAME, names))
    return vault


def change(vault: Vault, suite: Suite = GUOMI) -> None:
    ledger = vault.ledger
    with vault.store.transaction() as tx:
        rotate(tx, ledger, vault.keeper, scope=vault.scope, actor="", now=vault.now, suite=suite)


def run(vault: Vault, *, transactions: int = 10**6, batch_rows: int = 4) -> int:
    """Seal anew; die when so many transactions have been committed."""
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


def suites(vault: Vault) -> dict[tuple[int, int], int]:
    """How many records have which suites in the headers of their key and of their values."""
    with vault.store.reading() as tx:
        numbers = list(tx.scalars(select(sql_rows.record.c.number)))
        rows = sql_rows.records_at(tx, scope=vault.scope, numbers=numbers)
    found: dict[tuple[int, int], int] = {}
    for _, _, _, wrapped, fields in rows:
        body = bytes(fields)[1 + 18 * fields[0] :]
        assert len(wrapped) == OVERHEAD_BYTES + key_bytes(Suite(wrapped[1]))
        at = (wrapped[1], body[1])
        found[at] = found.get(at, 0) + 1
    return found


def everything(vault: Vault) -> object:
    """All that a buyer would be given, with the commitments to it."""
    with vault.store.reading() as tx:
        part = export_part(tx, vault.keys, classes=[PAN, NAME], after="", limit=100, bundle="bun_1")
    assert part is not None
    return [list(part.subject), list(part.value), list(part.token), commitments(part)]


def opens(vault: Vault) -> bool:
    with vault.store.reading() as tx:
        (token,) = lookup(tx, vault.keys, cls=PAN, column=[VISA])
        assert token is not None
        return open_value(tx, vault.keys, decision=YES, place=token) == SecretText(VISA)


def test_every_record_changes_and_says_the_same(filled: Vault) -> None:
    before = everything(filled)
    assert suites(filled) == {(1, 1): CUSTOMERS}
    change(filled)
    assert everything(filled) == before
    filled.seal(["D1"], (NAME, ["Ann Example"]))
    assert suites(filled) == {(1, 1): CUSTOMERS, (2, 2): 1}
    filled.seal(["C1"], (NAME, ["新名"]))  # an old record grows under its old key
    assert suites(filled) == {(1, 1): CUSTOMERS, (2, 2): 1}
    meanwhile = everything(filled)
    assert run(filled) == CUSTOMERS
    assert suites(filled) == {(2, 2): CUSTOMERS + 1}
    assert everything(filled) == meanwhile
    assert run(filled) == 0
    with filled.store.transaction() as tx:
        old, new = list_keys(tx, purpose=KeyPurpose.VAULT)
        assert (old.suite, new.suite, new.uses) == (INTL, GUOMI, CUSTOMERS + 1)
        destroy_key(tx, old, now=filled.now)
    assert everything(filled) == meanwhile
    filled.seal(["C1"], (NAME, ["再新名"]))
    assert suites(filled) == {(2, 2): CUSTOMERS + 1}
    with filled.store.reading() as tx:
        assert counts(tx, scope=filled.scope) == (CUSTOMERS + 1, {PAN: CUSTOMERS, NAME: CUSTOMERS + 3})
        assert fsck.check(tx, filled.ledger).clean


@on_sqlite
@pytest.mark.parametrize("dies_after", range(9))
def test_killed_anywhere_it_goes_on(filled: Vault, dies_after: int) -> None:
    before = everything(filled)
    change(filled)
    try:
        run(filled, transactions=dies_after)
    except InterruptedError:
        assert everything(filled) == before
        assert opens(filled)
    run(filled)
    assert suites(filled) == {(2, 2): CUSTOMERS}
    assert everything(filled) == before
    with filled.store.reading() as tx:
        uses = [info.uses for info in list_keys(tx, purpose=KeyPurpose.VAULT)]
        told = [
            payload
            for at in range(filled.ledger.head(tx).size)
            if isinstance(payload := filled.ledger.payload_of(tx, at), dict) and "suite" in payload
        ]
    assert uses == [CUSTOMERS, CUSTOMERS]
    assert told == [{"scope": filled.scope, "suite": "guomi-1", "records": CUSTOMERS}]


@on_sqlite
def test_changed_back_in_the_middle(filled: Vault) -> None:
    before = everything(filled)
    change(filled)
    with pytest.raises(InterruptedError):
        run(filled, transactions=3)
    assert set(suites(filled)) == {(1, 1), (2, 2)}
    change(filled, INTL)
    assert run(filled) == CUSTOMERS
    assert suites(filled) == {(1, 1): CUSTOMERS}
    assert everything(filled) == before


@on_sqlite
def test_a_rotation_keeps_the_suite(filled: Vault) -> None:
    change(filled)
    run(filled)
    ledger = filled.ledger
    with filled.store.transaction() as tx:
        rotate(tx, ledger, filled.keeper, scope=filled.scope, actor="", now=filled.now)
    run(filled)
    with filled.store.reading() as tx:
        assert [info.suite for info in list_keys(tx, purpose=KeyPurpose.VAULT)] == [INTL, GUOMI, GUOMI]
        assert len(view(tx, filled.keys, whom=str(lookup(tx, filled.keys, cls=PAN, column=[VISA])[0]))) == CUSTOMERS


@on_sqlite
def test_the_proof_of_destruction_sees_the_new_suite(filled: Vault) -> None:
    """A sample that no key opens must be one that the keys did open: an answer of no for want of looking is none."""
    change(filled)
    run(filled)
    with filled.store.reading() as tx:
        sample = sample_sealed(tx, scope=filled.scope)
        assert sample is not None
        assert try_open(tx, filled.keeper, sample=sample)
        assert not try_open(tx, MemoryKeeper(), sample=sample)


@on_sqlite
def test_a_key_given_to_another_suite_does_not_open(filled: Vault) -> None:
    for number in (2, 9):
        with filled.store.transaction() as tx:
            tx.execute(text("UPDATE vault_key SET suite = :n WHERE purpose = 'vault'"), {"n": number})
        with filled.store.reading() as tx, pytest.raises(KeyDoesNotOpen):
            open_scope(tx, filled.keeper, scope=filled.scope)


@on_sqlite
def test_a_header_of_another_suite_does_not_open(filled: Vault) -> None:
    change(filled)
    run(filled)
    with filled.store.transaction() as tx:
        (number, fields) = tx.all(select(sql_rows.record.c.number, sql_rows.record.c.fields))[0]
        at = 1 + 18 * fields[0] + 1
        edited = bytes(fields)[:at] + b"\x01" + bytes(fields)[at + 1 :]
        sql_rows.replace_fields(tx, scope=filled.scope, numbers=[number], fields=[edited])
    with pytest.raises(RecordBroken):
        everything(filled)


@on_sqlite
def test_only_vault_keys_are_of_several_suites(vault: Vault) -> None:
    from tigertally.vault import create_key  # noqa: PLC0415 - only here

    with vault.store.transaction() as tx, pytest.raises(ValueError, match="TOKEN"):
        create_key(tx, vault.keeper, purpose=KeyPurpose.TOKEN, scope="other", now=vault.now, suite=GUOMI)
