"""Names and numbers are found however they are spelled; what nobody holds leaves no entry."""

from __future__ import annotations

from typing import Never

import pytest

from tigertally.base.fields import FieldClass
from tigertally.base.progress import SILENT, Progress, Silent
from tigertally.store.tx import Tx
from tigertally.vault import erase_subject, export_part, find, import_part, index, respell, shared
from tigertally.vault.index.sql import IndexKind

from .conftest import VISA, Vault, on_sqlite

MOBILE, NAME, LANDLINE, PAN = FieldClass.MOBILE, FieldClass.NAME, FieldClass.LANDLINE, FieldClass.PAN
SPELLINGS = ["13800138000", "+86 138 0013 8000", "138-0013-8000", "１３８００１３８０００"]


def entries(vault: Vault) -> int:
    with vault.store.reading() as tx:
        return sum(len(piece) for piece in index.scan(tx, scope=vault.scope, kind=IndexKind.ALIKE))


def found(vault: Vault, cls: FieldClass, value: str) -> int:
    with vault.store.reading() as tx:
        holders = find(tx, vault.keys, cls=cls, value=value)
    assert holders == sorted(set(holders))
    return len(holders)


def test_a_number_is_found_by_every_spelling(vault: Vault) -> None:
    vault.seal(["A", "B", "C", "D"], (MOBILE, list(SPELLINGS)), (NAME, ["Zhang San", "SAN ZHANG", "张三", "张 三"]))
    vault.seal(["E"], (MOBILE, ["13900139000"]), (LANDLINE, ["13800138000"]), (NAME, ["張三"]))
    assert entries(vault) == 3 + 3
    assert [found(vault, MOBILE, one) for one in SPELLINGS] == [4] * 4
    assert found(vault, LANDLINE, "138 0013 8000") == 1
    assert [found(vault, NAME, one) for one in ("san, zhang", "Zhang San", "张　三", "張三", "zhang")] == [
        2,
        2,
        2,
        1,
        0,
    ]
    with vault.store.reading() as tx:
        told = {cls: (one.different, one.respelled) for cls, one in shared(tx, scope=vault.scope).items()}
    assert told == {MOBILE: (5, 1), LANDLINE: (1, 0), NAME: (5, 2)}


def test_what_is_spelled_so_already_adds_nothing(vault: Vault) -> None:
    vault.seal(["A", "B"], (MOBILE, ["13800138000", "13900139000"]), (NAME, ["王伟", "欧阳小明"]), (PAN, [VISA, None]))
    assert entries(vault) == 0
    assert found(vault, MOBILE, "+86 139 0013 9000") == 1
    assert found(vault, NAME, "王 伟") == 1


def test_an_erased_customer_leaves_no_entry_unless_another_holds_the_value(vault: Vault) -> None:
    vault.seal(["A", "B", "C"], (MOBILE, ["138 0013 8000", "138 0013 8000", "138-0013-8000"]))
    for left, held in ((2, 2), (1, 1), (0, 0)):
        with vault.store.transaction() as tx:
            subject = find(tx, vault.keys, cls=MOBILE, value="13800138000")[0]
            erase_subject(tx, vault.ledger, scope=vault.scope, subject=subject, actor="", now=vault.now)
        assert found(vault, MOBILE, "13800138000") == left
        assert entries(vault) <= held


@on_sqlite
def test_a_buyer_finds_them_by_any_spelling_too(vault: Vault, other_vault: Vault) -> None:
    vault.seal(["A", "B"], (MOBILE, ["138 0013 8000", "13800138000"]))
    with vault.store.reading() as tx:
        part = export_part(tx, vault.keys, classes=[MOBILE], after="", limit=10, bundle="bun_x")
    assert part is not None
    with other_vault.store.transaction() as tx:
        assert import_part(tx, other_vault.keys, part=part, now=other_vault.now) == 2
        assert import_part(tx, other_vault.keys, part=part, now=other_vault.now) == 0
    assert [found(other_vault, MOBILE, one) for one in SPELLINGS] == [2] * 4
    assert entries(other_vault) == 1


class Killed(Exception):  # noqa: N818 - it is no error
    """Stands for a process that was killed."""


class Once(Silent):
    """Is killed after the first batch."""

    def advance(self, done: int) -> Never:
        raise Killed(done)


def test_what_was_sealed_before_is_indexed_once_and_goes_on_after_a_kill(vault: Vault) -> None:
    vault.seal(["A", "B", "C", "D"], (MOBILE, list(SPELLINGS)), (PAN, [VISA, None, None, None]))
    with vault.store.transaction() as tx:
        index.drop(tx, scope=vault.scope, kind=IndexKind.ALIKE)
    assert found(vault, MOBILE, SPELLINGS[1]) == 2

    def run(progress: Progress = SILENT) -> int:
        begin, keys = vault.store.transaction, vault.keys
        return respell(begin, vault.ledger, keys, actor="", now=lambda: vault.now, batch_rows=1, progress=progress)

    with pytest.raises(Killed):
        run(Once())
    assert entries(vault) <= 1
    assert run() == 3
    assert entries(vault) == 3
    assert [found(vault, MOBILE, one) for one in SPELLINGS] == [4] * 4
    assert run() == 0


def test_an_entry_that_leads_astray_is_noticed(vault: Vault) -> None:
    """An entry is a hint: it leads to tokens, and a token's subjects are held to their records."""
    vault.seal(["A"], (MOBILE, ["138 0013 8000"]))

    def wrong(tx: Tx) -> None:
        index.add(
            tx,
            scope=vault.scope,
            kind=IndexKind.ALIKE,
            keys=index.runs.halves(bytes(16)),
            payloads=index.runs.halves(bytes(16)),
        )

    with vault.store.transaction() as tx:
        wrong(tx)
    assert found(vault, MOBILE, "13800138000") == 1
