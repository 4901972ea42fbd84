"""Law of the index in sorted runs: after any additions, merges and forgettings it holds what a dictionary would."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tigertally.store import Store, open_store
from tigertally.store.tx import Tx
from tigertally.vault import index
from tigertally.vault.index import Known, runs
from tigertally.vault.index.sql import IndexKind

SCOPE = "law"
TOKENS = 30
SUBJECTS = 5


class Undone(Exception):  # noqa: N818 - it is no error
    """Leaves a transaction so that nothing of it stays."""


@pytest.fixture(scope="module")
def store(sqlite_template: Path) -> Iterator[Store]:
    """One database for all examples, each in a transaction that is undone."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        shutil.copyfile(sqlite_template, path)
        with open_store(f"sqlite:///{path}") as opened:
            yield opened


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Merge often, in small blocks."""
    monkeypatch.setattr(index, "FAN", 3)
    monkeypatch.setattr(index, "_READ_BLOCKS", 2)
    monkeypatch.setattr(runs, "BLOCK_ENTRIES", 3)


pairs = st.tuples(st.integers(0, TOKENS - 1), st.integers(0, SUBJECTS - 1))
steps = st.lists(st.one_of(st.lists(pairs, min_size=1, max_size=12), st.integers(0, SUBJECTS - 1)), max_size=14)


def keys(numbers: list[int]) -> runs.Halves:
    """Keys of which three share a first half."""
    return np.array([(number // 3, number) for number in numbers], np.uint64).reshape(-1, 2)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=steps)
def test_the_index_holds_what_a_dictionary_would(store: Store, history: list[list[tuple[int, int]] | int]) -> None:
    held: list[tuple[int, int]] = []
    cards: set[int] = set()
    known = Known()
    with pytest.raises(Undone), store.transaction() as tx:
        for step in history:
            if isinstance(step, int):
                mine = sorted({token for token, subject in held if subject == step})
                index.forget(
                    tx,
                    scope=SCOPE,
                    subject=runs.whole(keys([step])),
                    number=step,
                    tokens=[runs.whole(keys([token])) for token in mine],
                )
                held = [pair for pair in held if pair[1] != step]
                cards -= set(mine) - {token for token, _ in held}
            else:
                tokens = keys([token for token, _ in step])
                subjects = np.array([(subject, 0) for _, subject in step], np.uint64)
                index.add(tx, scope=SCOPE, kind=IndexKind.TOKEN, keys=tokens, payloads=subjects)
                new = sorted({token for token, _ in step} - cards)
                index.add(tx, scope=SCOPE, kind=IndexKind.CARD, keys=keys(new), payloads=keys(new))
                held += step
                cards |= set(new)
            known.refresh(tx, scope=SCOPE, kinds=tuple(IndexKind))
            check(tx, known, held, cards)
        raise Undone


def check(tx: Tx, known: Known, held: list[tuple[int, int]], cards: set[int]) -> None:
    everything = list(range(TOKENS + 3))
    got = index.find(tx, scope=SCOPE, kind=IndexKind.TOKEN, keys=keys(everything))
    assert sorted(zip(got.which.tolist(), got.payloads[:, 0].tolist(), strict=True)) == sorted(held)
    assert known.tokens_of(IndexKind.CARD, keys(everything))[0].tolist() == [one in cards for one in everything]
    near = {token // 3 for token, _ in held}
    assert known.has_tokens_like(keys(everything)).tolist() == [one // 3 in near for one in everything]
