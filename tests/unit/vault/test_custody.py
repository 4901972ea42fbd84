"""Moving the root to another keeper: all keys or none, whenever it is killed; the old keeper is out afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tigertally.ledger import Ledger, fsck
from tigertally.store.tx import Tx
from tigertally.testing.keeper import MemoryKeeper
from tigertally.vault import (
    CUSTODY_MOVED,
    CustodyMoved,
    KeeperUnavailable,
    KeyPurpose,
    SameKeeper,
    create_key,
    create_scope_keys,
    custody,
    destroy_scope_keys,
    ledger_keys,
    list_keys,
    move,
    open_key,
    open_scope,
)
from tigertally.vault.kept import sql as kept_sql

from .conftest import SCOPE, Vault, on_sqlite

DIGEST = "ab" * 32


class Killed(Exception):  # noqa: N818 - no error: somebody did it
    """Somebody pulled the plug."""


def moved(vault: Vault, new: MemoryKeeper, *, transactions: int = 10**6, ledger: Ledger | None = None) -> int:
    """Move; die inside the transaction after so many."""
    left = transactions

    @contextmanager
    def begin() -> Iterator[Tx]:
        nonlocal left
        with vault.store.transaction() as tx:
            yield tx
            if left == 0:
                raise Killed
            left -= 1

    return move(
        begin,
        ledger or vault.ledger,
        old=vault.keeper,
        new=new,
        settings_digest=DIGEST,
        names=("memory", "memory"),
        actor="",
        now=vault.clock.now,
        step_keys=4,
    )


def all_open(vault: Vault, keeper: MemoryKeeper) -> bool:
    with vault.store.reading() as tx:
        open_scope(tx, keeper, scope=SCOPE)
        ledger_keys(tx, keeper, origin="x.invalid/a")
    return True


def test_every_key_moves_and_the_old_keeper_is_out(vault: Vault) -> None:
    new, old = MemoryKeeper(), vault.keeper
    ledger = vault.ledger
    with vault.store.reading() as tx:
        before = {info.key: info for info in list_keys(tx)}
        was = open_key(tx, old, purpose=KeyPurpose.PAYLOAD, scope="").secret
    assert moved(vault, new) == len(before)
    assert all_open(vault, new)
    with vault.store.reading() as tx:
        assert {info.key: info for info in list_keys(tx)} == before
        assert open_key(tx, new, purpose=KeyPurpose.PAYLOAD, scope="").secret == was
        kept = custody(tx)
        assert kept is not None
        assert (kept.root, kept.keeper, kept.since) == (new.key_id, DIGEST, vault.now)
        assert kept_sql.read_next(tx, root=new.key_id) == {}
        with pytest.raises(CustodyMoved):
            open_scope(tx, old, scope=SCOPE)
        assert ledger.head(tx).size == 1
    with vault.store.transaction() as tx, pytest.raises(CustodyMoved):
        create_scope_keys(tx, old, scope="another", now=vault.now)


def test_a_move_is_in_the_ledger_once(vault: Vault) -> None:
    new = MemoryKeeper()
    moved(vault, new)
    vault.keeper = new
    with vault.store.reading() as tx:
        report = fsck.check(tx, vault.ledger)
        assert report.flaws == ()
    with pytest.raises(SameKeeper):
        moved(vault, new)
    assert CUSTODY_MOVED.name == "vault.custody.moved"


def test_killed_anywhere_all_keys_are_with_one_keeper_and_again_moves_them(vault: Vault) -> None:
    for number in range(10):
        new = MemoryKeeper()
        try:
            moved(vault, new, transactions=number)
        except Killed:
            assert all_open(vault, vault.keeper)
            with pytest.raises(Exception, match="vault"):
                all_open(vault, new)
            moved(vault, new)
        assert all_open(vault, new)
        vault.keeper = new


def test_keys_made_and_destroyed_meanwhile_are_as_they_are_now(vault: Vault) -> None:
    new = MemoryKeeper()
    with vault.store.transaction() as tx:
        create_scope_keys(tx, vault.keeper, scope="leaving", now=vault.now)
    with pytest.raises(Killed):
        moved(vault, new, transactions=3)
    with vault.store.transaction() as tx:
        create_scope_keys(tx, vault.keeper, scope="late", now=vault.now)
        destroy_scope_keys(tx, scope="leaving", now=vault.now)
    moved(vault, new)
    with vault.store.reading() as tx:
        open_scope(tx, new, scope="late")
        assert all(info.destroyed for info in list_keys(tx, scope="leaving"))
        with pytest.raises(Exception, match=r"vault\.no_such_key"):
            open_scope(tx, new, scope="leaving")


@on_sqlite
def test_a_keeper_that_goes_away_in_between_loses_nothing(vault: Vault) -> None:
    new = MemoryKeeper()
    new.go_away()
    with pytest.raises(KeeperUnavailable):
        moved(vault, new)
    assert all_open(vault, vault.keeper)
    new.come_back()
    ledger = vault.ledger
    vault.keeper.go_away()
    with pytest.raises(KeeperUnavailable):
        moved(vault, new, ledger=ledger)
    vault.keeper.come_back()
    assert moved(vault, new)


@on_sqlite
def test_what_was_wrapped_for_a_keeper_that_never_took_over_is_gone(vault: Vault) -> None:
    never, new = MemoryKeeper(), MemoryKeeper()
    with pytest.raises(Killed):
        moved(vault, never, transactions=3)
    with vault.store.reading() as tx:
        assert kept_sql.read_next(tx, root=never.key_id)
    moved(vault, new)
    with vault.store.reading() as tx:
        assert not kept_sql.read_next(tx, root=never.key_id)


@on_sqlite
def test_a_key_made_by_a_process_that_slept_through_the_move_is_refused(vault: Vault) -> None:
    old, new = vault.keeper, MemoryKeeper()
    moved(vault, new)
    with vault.store.transaction() as tx, pytest.raises(CustodyMoved):
        create_key(tx, old, purpose=KeyPurpose.VAULT, scope=SCOPE, version=2, now=vault.now)
