from __future__ import annotations

import pytest

from tigertally.base.fields import FieldClass
from tigertally.vault import (
    KeyPurpose,
    KeyReturns,
    bring_forward,
    counts,
    erase_subject,
    find,
    gone,
    list_keys,
    returning,
    zeroised,
)

from .conftest import MASTERCARD, VISA, Vault

PAN = FieldClass.PAN


@pytest.fixture
def filled(vault: Vault) -> Vault:
    """Two customers."""
    vault.seal(["C1", "C2"], (PAN, [VISA, MASTERCARD]))
    return vault


def test_whoever_is_on_the_list_goes_and_nobody_else(filled: Vault) -> None:
    ledger = filled.ledger
    with filled.store.reading() as tx:
        (whom,) = find(tx, filled.keys, cls=PAN, value=VISA)
        nothing = returning(tx, ledger, subjects=["0" * 32], ended=[])
        found = returning(tx, ledger, subjects=[ledger.pseudonym(whom)], ended=[])
    assert nothing.nothing
    assert found.subjects == ((filled.scope, whom),)
    bring_forward(filled.store.transaction, ledger, found, now=lambda: filled.now)
    with filled.store.reading() as tx:
        assert counts(tx, scope=filled.scope) == (1, {PAN: 1})
        assert [what for _, what in gone(tx, ledger).subjects] == [ledger.pseudonym(whom)]
        assert returning(tx, ledger, subjects=[ledger.pseudonym(whom)], ended=[]).nothing


def test_a_scope_all_of_whose_keys_are_listed_goes_whole(filled: Vault) -> None:
    with filled.store.reading() as tx:
        ended = [info.key for info in list_keys(tx, scope=filled.scope)]
        found = returning(tx, filled.ledger, subjects=[], ended=ended)
    assert (found.scopes, found.keys) == ((filled.scope,), ())
    bring_forward(filled.store.transaction, filled.ledger, found, now=lambda: filled.now)
    with filled.store.reading() as tx:
        assert counts(tx, scope=filled.scope)[0] == 0
        assert zeroised(tx, scope=filled.scope) == frozenset(ended)
        assert {what for _, what in gone(tx, filled.ledger).keys} == set(ended)


def test_a_key_that_records_still_need_cannot_be_brought_forward(filled: Vault) -> None:
    with filled.store.reading() as tx:
        (key,) = list_keys(tx, scope=filled.scope, purpose=KeyPurpose.VAULT)
        with pytest.raises(KeyReturns):
            returning(tx, filled.ledger, subjects=[], ended=[key.key])


def test_what_was_erased_is_told_with_its_entry(filled: Vault) -> None:
    with filled.store.transaction() as tx:
        (whom,) = find(tx, filled.keys, cls=PAN, value=VISA)
        before = filled.ledger.head(tx).size
        erase_subject(tx, filled.ledger, scope=filled.scope, subject=whom, actor="", now=filled.now)
        ((entry, what),) = gone(tx, filled.ledger).subjects
    assert entry >= before
    assert what == filled.ledger.pseudonym(whom)
