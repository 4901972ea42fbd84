from __future__ import annotations

import pytest
from sqlalchemy import func, select

from tigertally.base.fields import FieldClass
from tigertally.ledger import Event, fsck
from tigertally.testing.keeper import MemoryKeeper
from tigertally.vault import (
    SUBJECT_ERASED,
    KeeperUnavailable,
    NoSuchSubject,
    NoSuchToken,
    count_holders,
    counts,
    destroy_scope,
    destroy_scope_keys,
    erase_subject,
    find,
    lookup,
    resolve,
    sample_sealed,
    try_open,
    view,
)
from tigertally.vault.index import sql as sql_index

from .conftest import MASTERCARD, VISA, Vault, on_sqlite

PAN, NAME = FieldClass.PAN, FieldClass.NAME


@pytest.fixture
def filled(vault: Vault) -> Vault:
    """Two customers who share a card."""
    vault.seal(["C1", "C2"], (PAN, [VISA, VISA]), (NAME, ["韩测试", "Ann Example"]))
    vault.seal(["C1"], (PAN, [MASTERCARD]))
    return vault


def test_erasing_takes_one_customer_only(filled: Vault) -> None:
    ledger = filled.ledger
    with filled.store.transaction() as tx:
        keys = filled.keys
        (whom,) = find(tx, keys, cls=NAME, value="韩测试")
        seen = Event(kind=SUBJECT_ERASED, payload={"scope": "-", "fields": 1, "payloads": 0}, about=(whom,))
        index = ledger.append(tx, seen, now=filled.now)
        assert erase_subject(tx, ledger, scope=filled.scope, subject=whom, actor="", now=filled.now) == 3
        assert ledger.payload_of(tx, index) is None
        assert ledger.payload_of(tx, index + 2) == {"scope": filled.scope, "fields": 3, "payloads": 1}
        assert counts(tx, scope=filled.scope) == (1, {PAN: 1, NAME: 1})
        assert lookup(tx, keys, cls=PAN, column=[MASTERCARD]) == [None]
        (token,) = lookup(tx, keys, cls=PAN, column=[VISA])
        assert token is not None
        assert len(resolve(tx, scope=filled.scope, token=token)) == 1
        with pytest.raises(NoSuchSubject):
            view(tx, keys, whom=whom)
        with pytest.raises(NoSuchSubject):
            erase_subject(tx, ledger, scope=filled.scope, subject=whom, actor="", now=filled.now)
    with filled.store.reading() as tx:
        assert fsck.check(tx, ledger).clean


@on_sqlite
def test_an_erased_customer_can_come_again(filled: Vault) -> None:
    ledger = filled.ledger
    with filled.store.transaction() as tx:
        (whom,) = find(tx, filled.keys, cls=NAME, value="韩测试")
        erase_subject(tx, ledger, scope=filled.scope, subject=whom, actor="", now=filled.now)
    assert filled.seal(["C1"], (NAME, ["韩测试"])).new_subjects == 1
    with filled.store.reading() as tx:
        # The same key of the same source is the same subject; nothing of what was erased is there again.
        assert find(tx, filled.keys, cls=NAME, value="韩测试") == [whom]
        (record,) = view(tx, filled.keys, whom=whom)
    assert [field.cls for field in record.fields] == [NAME]


def test_a_scope_goes_in_batches_and_alone(filled: Vault) -> None:
    sibling = Vault(store=filled.store, clock=filled.clock, keeper=filled.keeper, scope="other")
    sibling.seal(["C1"], (PAN, [VISA]))
    gone: list[int] = []
    while True:
        with filled.store.transaction() as tx:
            gone.append(destroy_scope(tx, scope=filled.scope, batch=2))
        if not gone[-1]:
            break
    assert gone == [2, 2, 2, 2, 0]  # blocks: tokens, cards, subjects, one of names spelled otherwise; records
    with filled.store.reading() as tx:
        assert counts(tx, scope=filled.scope) == (0, {})
        assert counts(tx, scope="other") == (1, {PAN: 1})
        assert tx.scalar(select(func.count()).select_from(sql_index.block)) == 3


def test_what_was_sealed_opens_until_its_keys_are_gone(filled: Vault) -> None:
    with filled.store.transaction() as tx:
        sample = sample_sealed(tx, scope=filled.scope)
        assert sample is not None
        while destroy_scope(tx, scope=filled.scope, batch=100):
            pass
        assert sample_sealed(tx, scope=filled.scope) is None
        assert try_open(tx, filled.keeper, sample=sample)
        assert not try_open(tx, MemoryKeeper(), sample=sample)
        destroy_scope_keys(tx, scope=filled.scope, now=filled.now)
        assert not try_open(tx, filled.keeper, sample=sample)
    assert VISA not in repr(sample)


@on_sqlite
def test_another_scopes_keys_do_not_open_it(filled: Vault) -> None:
    Vault(store=filled.store, clock=filled.clock, keeper=filled.keeper, scope="other")
    with filled.store.transaction() as tx:
        sample = sample_sealed(tx, scope=filled.scope)
        assert sample is not None
        destroy_scope_keys(tx, scope=filled.scope, now=filled.now)
        assert not try_open(tx, filled.keeper, sample=sample)


@on_sqlite
def test_a_keeper_that_is_away_proves_nothing(filled: Vault) -> None:
    with filled.store.reading() as tx:
        sample = sample_sealed(tx, scope=filled.scope)
        assert sample is not None
        filled.keeper.go_away()
        with pytest.raises(KeeperUnavailable):
            try_open(tx, filled.keeper, sample=sample)


@on_sqlite
def test_a_destroyed_scopes_tokens_mean_nothing(filled: Vault) -> None:
    with filled.store.transaction() as tx:
        (token,) = lookup(tx, filled.keys, cls=PAN, column=[VISA])
        assert token is not None
        while destroy_scope(tx, scope=filled.scope, batch=100):
            pass
        with pytest.raises(NoSuchToken):
            resolve(tx, scope=filled.scope, token=token)


@on_sqlite
def test_a_destruction_that_was_interrupted_says_what_is_left(filled: Vault) -> None:
    with filled.store.reading() as tx:
        before = counts(tx, scope=filled.scope)
    with filled.store.transaction() as tx:
        destroy_scope(tx, scope=filled.scope, batch=1)
    with filled.store.reading() as tx:
        assert counts(tx, scope=filled.scope) == before
        assert count_holders(tx, scope=filled.scope, classes=[FieldClass.IBAN]) == 0
