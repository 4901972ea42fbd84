"""The index in sorted runs: it finds what a dictionary would, whatever was merged, taken out or added by others."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import func, select

from tigertally.store.tx import Tx
from tigertally.vault import RecordBroken, index
from tigertally.vault.index import Known, runs, sql
from tigertally.vault.index.sql import IndexKind

from .conftest import Vault

SCOPE = "shop"
TOKEN, CARD, OTHER, SUBJECT = IndexKind.TOKEN, IndexKind.CARD, IndexKind.OTHER, IndexKind.SUBJECT


def key(*numbers: int) -> runs.Halves:
    """Keys whose first halves are these, so that one often meets another's."""
    return np.array([(number // 10, number) for number in numbers], np.uint64).reshape(-1, 2)


def raw(number: int) -> bytes:
    return runs.whole(key(number))


def found(tx: Tx, *numbers: int, scope: str = SCOPE, kind: IndexKind = TOKEN) -> dict[int, set[int]]:
    got = index.find(tx, scope=scope, kind=kind, keys=key(*numbers))
    out: dict[int, set[int]] = {}
    half = 1 if kind is CARD else 0  # a token, or a record's number
    for at, payload in zip(got.which.tolist(), got.payloads[:, half].tolist(), strict=True):
        out.setdefault(numbers[at], set()).add(payload)
    return out


def add(tx: Tx, *pairs: tuple[int, int], scope: str = SCOPE, kind: IndexKind = TOKEN) -> None:
    numbers = [two for _, two in pairs]
    payloads = key(*numbers) if kind is CARD else np.array([(number, 0) for number in numbers], np.uint64)
    index.add(tx, scope=scope, kind=kind, keys=key(*(one for one, _ in pairs)), payloads=payloads)


def levels(tx: Tx, kind: IndexKind = TOKEN) -> list[int]:
    return sorted(run.level for run in sql.read_runs(tx, scope=SCOPE, kind=kind))


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are merged by threes, blocks have four entries."""
    monkeypatch.setattr(index, "FAN", 3)
    monkeypatch.setattr(index, "_READ_BLOCKS", 2)
    monkeypatch.setattr(runs, "BLOCK_ENTRIES", 4)


def test_runs_of_a_level_are_merged(vault: Vault) -> None:
    with vault.store.transaction() as tx:
        for round_ in range(9):
            add(tx, *((at * 9 + round_, at) for at in range(20)), (77, round_))
        assert levels(tx) == [2]
        assert found(tx, 77, 100, 180) == {77: {*range(9), 8}, 100: {11}}
        (run,) = sql.read_runs(tx, scope=SCOPE, kind=TOKEN)
        assert run.entries == 9 * 21
        assert tx.scalar(select(func.count()).select_from(sql.run)) == 1
        numbers = tx.scalars(select(sql.block.c.number).order_by(sql.block.c.first, sql.block.c.number))
        assert list(numbers) == sorted(numbers)
        add(tx, (77, 100))
        assert levels(tx) == [0, 2]


def test_one_key_or_many_are_found_alike(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    with vault.store.transaction() as tx:
        for round_ in range(7):
            add(tx, *((at % 13, at * 10 + round_) for at in range(40)))
        wanted = (0, 5, 12, 13, 200, 5)
        monkeypatch.setattr(index, "_POINT_COST", 0)
        by_point = found(tx, *wanted)
        monkeypatch.setattr(index, "_POINT_COST", 10**9)
        assert found(tx, *wanted) == by_point
        assert set(by_point) == {0, 5, 12}
        assert by_point[5] == {at * 10 + round_ for at in range(40) if at % 13 == 5 for round_ in range(7)}


def test_kinds_and_scopes_are_apart(vault: Vault) -> None:
    with vault.store.transaction() as tx:
        add(tx, (1, 2))
        add(tx, (1, 3), kind=CARD)
        add(tx, (1, 4), scope="other")
        add(tx)
        assert found(tx, 1) == {1: {2}}
        assert found(tx, 1, kind=CARD) == {1: {3}}
        assert found(tx, 1, kind=OTHER) == {}
        assert sql.delete_index(tx, scope="other", limit=10) == 1
        assert found(tx, 1, scope="other") == {}
        assert found(tx, 1) == {1: {2}}


def test_what_is_forgotten_is_nowhere(vault: Vault) -> None:
    with vault.store.transaction() as tx:
        for round_ in range(4):
            add(tx, *((at, 100 * round_ + at) for at in range(10)), (50, 7))
            add(tx, *((1000 + at, at) for at in range(10)), kind=CARD)
        before = {run.run: run.revision for run in sql.read_runs(tx, scope=SCOPE, kind=TOKEN)}
        index.forget(tx, scope=SCOPE, subject=raw(7), number=7, tokens=[raw(7), raw(50)])
        assert found(tx, 50, 7) == {7: {107, 207, 307}}
        assert found(tx, 1007, kind=CARD) == {1007: {7}}  # somebody else holds that token
        for round_ in range(1, 4):
            index.forget(tx, scope=SCOPE, subject=raw(100 * round_ + 7), number=100 * round_ + 7, tokens=[raw(7)])
        assert found(tx, 7) == {}
        assert found(tx, 1006, 1007, 1008, kind=CARD) == {1006: {6}, 1008: {8}}
        blobs = b"".join(bytes(data) for data in tx.scalars(select(sql.block.c.data)))
        assert raw(7) not in [blobs[at : at + 16] for at in range(0, len(blobs), 16)]
        after = {run.run: run.revision for run in sql.read_runs(tx, scope=SCOPE, kind=TOKEN)}
        assert all(after[run] != before[run] for run in after)
        for block in tx.all(select(sql.block)):
            assert bytes(block.first) == bytes(block.data)[:8]


def test_keys_follow_in_order(vault: Vault) -> None:
    held = [(at * 7919) % 1009 for at in range(400)]
    with vault.store.transaction() as tx:
        for at in range(0, len(held), 23):
            firsts = np.array([(one, one) for one in held[at : at + 23]], np.uint64)
            index.add(tx, scope=SCOPE, kind=SUBJECT, keys=firsts, payloads=firsts)
        for limit in (1, 7, 1000):
            after, met = b"", list[int]()
            while len(piece := index.following(tx, scope=SCOPE, kind=SUBJECT, after=after, limit=limit)):
                assert len(piece) <= limit
                met += piece[:, 2].tolist()
                after = runs.whole(piece[-1:, :2])
            assert met == sorted(held)
        same = np.array([(5000, at) for at in range(30)], np.uint64)
        index.add(tx, scope=SCOPE, kind=SUBJECT, keys=same, payloads=same)
        with pytest.raises(RecordBroken):
            index.following(tx, scope=SCOPE, kind=SUBJECT, after=runs.whole(same[:1] - np.uint64(1)), limit=1)


def test_keys_between(vault: Vault) -> None:
    with vault.store.transaction() as tx:
        for round_ in range(3):
            add(tx, *((at, round_) for at in range(0, 300, 3)))
        for low, high in ((0, 0), (1, 2), (10, 31), (297, 400), (298, 400), (0, 299)):
            asked = (int.from_bytes(raw(low), "big"), int.from_bytes(raw(high), "big"))
            got = index.between(tx, scope=SCOPE, kind=TOKEN, low=asked[0], high=asked[1])
            assert got == [raw(at) for at in range(0, 300, 3) if low <= at <= high]


def test_what_others_did_is_seen(vault: Vault) -> None:
    known = Known()

    def holds(*numbers: int) -> list[bool]:
        with vault.store.reading() as tx:
            known.refresh(tx, scope=SCOPE, kinds=(TOKEN, CARD))
        there, tokens = known.tokens_of(CARD, key(*numbers))
        assert there.tolist() == known.card_tokens_like(key(*numbers)).tolist()
        assert (tokens[there] == key(*numbers)[there]).all()
        return [bool(one) for one in there]

    assert holds(10, 20) == [False, False]
    with vault.store.transaction() as tx:
        add(tx, (10, 10), kind=CARD)
        add(tx, (10, 1))
    assert holds(10, 20) == [True, False]
    with pytest.raises(ZeroDivisionError), vault.store.transaction() as tx:
        add(tx, (20, 20), kind=CARD)
        known.refresh(tx, scope=SCOPE, kinds=(CARD,))
        assert known.tokens_of(CARD, key(20))[0].tolist() == [True]
        raise ZeroDivisionError
    assert holds(10, 20) == [True, False]
    with vault.store.transaction() as tx:
        index.forget(tx, scope=SCOPE, subject=raw(1), number=1, tokens=[raw(10)])
    assert holds(10, 20) == [False, False]


def test_a_block_that_was_cut_is_named(vault: Vault) -> None:
    with vault.store.transaction() as tx:
        add(tx, (1, 2))
        tx.execute(sql.block.update().values(data=bytes(31)))
        with pytest.raises(RecordBroken):
            found(tx, 1)


def test_a_forgetting_that_was_undone_is_not_taken_for_the_next_one(vault: Vault) -> None:
    known = Known()
    with vault.store.transaction() as tx:
        add(tx, (1, 11), (2, 12), (3, 13))
        add(tx, (1, 1), (2, 2), (3, 3), kind=CARD)
    with pytest.raises(ZeroDivisionError), vault.store.transaction() as tx:
        index.forget(tx, scope=SCOPE, subject=raw(11), number=11, tokens=[raw(1)])
        known.refresh(tx, scope=SCOPE, kinds=(CARD,))
        raise ZeroDivisionError
    with vault.store.transaction() as tx:
        index.forget(tx, scope=SCOPE, subject=raw(12), number=12, tokens=[raw(2)])
    with vault.store.reading() as tx:
        known.refresh(tx, scope=SCOPE, kinds=(CARD,))
    assert known.tokens_of(CARD, key(1, 2, 3))[0].tolist() == [True, False, True]
