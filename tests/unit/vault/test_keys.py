from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from tigertally.access import KEY_ACTIVE
from tigertally.base.fields import FieldClass
from tigertally.ledger import facts
from tigertally.store import Store
from tigertally.store.tx import Tx
from tigertally.testing.clock import SettableClock
from tigertally.testing.keeper import MemoryKeeper
from tigertally.vault import (
    BadScope,
    KeeperUnavailable,
    KeyDoesNotOpen,
    KeyInUse,
    KeyNotActive,
    KeyNotYet,
    KeyOverAge,
    KeyPurpose,
    KeyState,
    KeyWornOut,
    NoSuchKey,
    access_cipher,
    announce,
    create_installation_keys,
    create_key,
    create_scope_keys,
    destroy_key,
    destroy_scope_keys,
    ledger_keys,
    list_keys,
    open_key,
    open_scope,
    seal_batch,
    signing_key,
    sql,
    transfer_key,
)
from tigertally.vault.keys import INSTALLATION_PURPOSES, SCOPE_PURPOSES

from .conftest import SCOPE, VISA, Vault, on_sqlite


def test_making_keys_twice_makes_them_once(store: Store, clock: SettableClock) -> None:
    keeper = MemoryKeeper()
    with store.transaction() as tx:
        first = create_installation_keys(tx, keeper, now=clock.now())
        assert [info.purpose for info in first] == list(INSTALLATION_PURPOSES)
        assert create_installation_keys(tx, keeper, now=clock.now()) == []
        scoped = create_scope_keys(tx, keeper, scope="cn-retail", now=clock.now())
        assert [info.purpose for info in scoped] == list(SCOPE_PURPOSES)
        assert create_scope_keys(tx, keeper, scope="cn-retail", now=clock.now()) == []
        assert len(list_keys(tx)) == len(first) + len(scoped)


@on_sqlite
@pytest.mark.parametrize("scope", ["", "Shop", "a|b", "x" * 41, "店", "a b", "-a"])
def test_scopes_have_plain_names(vault: Vault, scope: str) -> None:
    with vault.store.transaction() as tx, pytest.raises(BadScope):
        create_scope_keys(tx, vault.keeper, scope=scope, now=vault.now)


@on_sqlite
def test_an_installation_key_has_no_scope(vault: Vault) -> None:
    with vault.store.transaction() as tx, pytest.raises(ValueError, match="PAYLOAD"):
        create_key(tx, vault.keeper, purpose=KeyPurpose.PAYLOAD, scope=SCOPE, now=vault.now)


def test_what_the_floors_below_need_is_the_same_each_time(vault: Vault) -> None:
    with vault.store.reading() as tx:
        one, two = (ledger_keys(tx, vault.keeper, origin="x.invalid/a") for _ in range(2))
        assert one.pseudonym.of(b"a") == two.pseudonym.of(b"a")
        assert one.verifier.vkeys() == two.verifier.vkeys()
        assert two.payload.open(one.payload.seal(b"body", b""), b"") == b"body"
        assert signing_key(tx, vault.keeper).public == signing_key(tx, vault.keeper).public
        assert transfer_key(tx, vault.keeper).public.raw == transfer_key(tx, vault.keeper).public.raw
        sealed = access_cipher(tx, vault.keeper).seal(b"code", b"")
        assert access_cipher(tx, vault.keeper).open(sealed, b"") == b"code"


@on_sqlite
def test_nothing_opens_while_the_keeper_is_away(vault: Vault) -> None:
    vault.keeper.go_away()
    with vault.store.reading() as tx:
        for opening in (
            lambda: open_scope(tx, vault.keeper, scope=SCOPE),
            lambda: signing_key(tx, vault.keeper),
            lambda: ledger_keys(tx, vault.keeper, origin="x.invalid/a"),
        ):
            with pytest.raises(KeeperUnavailable):
                opening()


@on_sqlite
def test_another_root_key_opens_nothing(vault: Vault) -> None:
    with vault.store.reading() as tx, pytest.raises(KeyDoesNotOpen):
        open_scope(tx, MemoryKeeper(), scope=SCOPE)


def edit(tx: Tx, purpose: KeyPurpose, **values: object) -> None:
    """Change a key's row behind the vault's back."""
    tx.execute(update(sql.key).where(sql.key.c.purpose == purpose.value).values(**values))


@on_sqlite
@pytest.mark.parametrize("column", ["created", "version", "scope"])
def test_a_key_that_was_redated_or_moved_does_not_open(vault: Vault, column: str) -> None:
    edits = {"created": vault.now + timedelta(days=300), "version": 7, "scope": "elsewhere"}
    with vault.store.transaction() as tx:
        edit(tx, KeyPurpose.VAULT, **{column: edits[column]})
        with pytest.raises(KeyDoesNotOpen):
            open_key(tx, vault.keeper, purpose=KeyPurpose.VAULT, scope="elsewhere" if column == "scope" else SCOPE)


@on_sqlite
def test_one_purpose_does_not_serve_another(vault: Vault) -> None:
    with vault.store.transaction() as tx:
        wrapped = {row.purpose: row.wrapped for row in sql.read_keys(tx, scope=SCOPE)}
        edit(tx, KeyPurpose.INDEX, wrapped=wrapped["token"])
        with pytest.raises(KeyDoesNotOpen):
            open_scope(tx, vault.keeper, scope=SCOPE)


def test_a_vault_key_seals_for_a_year_and_opens_longer(vault: Vault) -> None:
    vault.clock.advance(365 * 24 * 3600 - 1)
    assert vault.seal(["C1"], (FieldClass.PAN, [VISA])).new_fields == 1
    vault.clock.advance(1)
    with pytest.raises(KeyOverAge):
        vault.seal(["C2"], (FieldClass.PAN, ["5555555555554444"]))
    assert vault.seal(["C1"], (FieldClass.PAN, [VISA])).known_fields == 1
    vault.clock.set_back(400 * 24 * 3600)
    with pytest.raises(KeyNotYet):
        vault.seal(["C2"], (FieldClass.PAN, ["5555555555554444"]))


@on_sqlite
def test_a_vault_key_wears_out(vault: Vault) -> None:
    with vault.store.transaction() as tx:
        keys = open_scope(tx, vault.keeper, scope=SCOPE, uses_max=2)
        fields = [(FieldClass.MOBILE, ["13800138000", "13900139000"])]
        seal_batch(tx, keys, subjects=["C1", "C2"], fields=fields, now=vault.now)
        with pytest.raises(KeyWornOut):
            seal_batch(tx, keys, subjects=["C3"], fields=[(FieldClass.MOBILE, ["13700137000"])], now=vault.now)
        assert [info.uses for info in list_keys(tx, purpose=KeyPurpose.VAULT)] == [2]


def test_keys_destroyed_meanwhile_seal_nothing(vault: Vault) -> None:
    keys = vault.keys
    with vault.store.transaction() as tx:
        destroyed = destroy_scope_keys(tx, scope=SCOPE, now=vault.now)
        assert {info.state for info in destroyed} == {KeyState.DESTROYED}
        assert len(destroyed) == len(SCOPE_PURPOSES)
        assert all(row.wrapped is None for row in sql.read_keys(tx, scope=SCOPE))
        assert all(row.wrapped is not None for row in sql.read_keys(tx, scope=""))
        assert destroy_scope_keys(tx, scope=SCOPE, now=vault.now + timedelta(days=1)) == destroyed
    with vault.store.transaction() as tx, pytest.raises(KeyNotActive):
        seal_batch(tx, keys, subjects=["C1"], fields=[(FieldClass.PAN, [VISA])], now=vault.now)
    with vault.store.reading() as tx, pytest.raises(NoSuchKey):
        open_scope(tx, vault.keeper, scope=SCOPE)


@on_sqlite
def test_a_destroyed_scope_is_not_made_again(vault: Vault) -> None:
    with vault.store.transaction() as tx:
        destroy_scope_keys(tx, scope=SCOPE, now=vault.now)
        with pytest.raises(NoSuchKey):
            create_scope_keys(tx, vault.keeper, scope=SCOPE, now=vault.now)
        with pytest.raises(BadScope):
            destroy_scope_keys(tx, scope="", now=vault.now)


@on_sqlite
def test_a_key_in_use_is_not_destroyed(vault: Vault) -> None:
    vault.seal(["C1"], (FieldClass.PAN, [VISA]))
    with vault.store.transaction() as tx:
        (info,) = list_keys(tx, purpose=KeyPurpose.VAULT)
        with pytest.raises(KeyInUse):
            destroy_key(tx, info, now=vault.now)
        (access,) = list_keys(tx, purpose=KeyPurpose.ACCESS)
        destroy_key(tx, access, now=vault.now)
        with pytest.raises(NoSuchKey):
            access_cipher(tx, vault.keeper)


@on_sqlite
def test_announced_keys_are_facts_for_their_period(vault: Vault) -> None:
    ledger = vault.ledger
    with vault.store.transaction() as tx:
        announce(tx, ledger, list_keys(tx, scope=SCOPE), actor="", now=vault.now)
        (fact,) = facts.read(tx, kinds=[KEY_ACTIVE.name])
        (info,) = list_keys(tx, purpose=KeyPurpose.VAULT)
        assert fact.subject == info.key
        assert fact.current(vault.now + timedelta(days=364))
        assert not fact.current(vault.now + timedelta(days=365))


@on_sqlite
def test_secrets_do_not_print(vault: Vault) -> None:
    with vault.store.reading() as tx:
        opened = open_key(tx, vault.keeper, purpose=KeyPurpose.INDEX, scope=SCOPE)
    assert repr(vault.keys) == "<vault keys of shop>"
    assert "secret=<secret>" in repr(opened)
