"""The arithmetic of sorted runs, without a store: matching, first places, streams merged."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tigertally.vault.index import runs

halves = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=40)


def array(pairs: list[tuple[int, int]]) -> runs.Halves:
    return np.array(pairs, np.uint64).reshape(-1, 2)


@given(pairs=halves)
def test_first_places_are_those_of_a_dictionary(pairs: list[tuple[int, int]]) -> None:
    first, number = runs.firsts(array(pairs))
    seen: dict[tuple[int, int], int] = {}
    for at, pair in enumerate(pairs):
        seen.setdefault(pair, at)
    assert sorted(first.tolist()) == sorted(seen.values())
    assert [pairs[first[one]] for one in number.tolist()] == pairs


@given(pairs=halves, wanted=halves)
def test_matching_is_a_join(pairs: list[tuple[int, int]], wanted: list[tuple[int, int]]) -> None:
    payloads = array([(at, at) for at in range(len(pairs))])
    found = runs.match(runs.entries(array(pairs), payloads), array(wanted))
    joined = [(at, row) for at, want in enumerate(wanted) for row, pair in enumerate(pairs) if pair == want]
    assert sorted(zip(found.which.tolist(), found.payloads[:, 0].tolist(), strict=True)) == joined


@given(sources=st.lists(halves, max_size=4), size=st.integers(1, 7))
def test_merged_is_sorted_together(sources: list[list[tuple[int, int]]], size: int) -> None:
    made = [runs.entries(array(pairs), array(pairs)) for pairs in sources]
    streams = [iter([run[at : at + size] for at in range(0, len(run), size)]) for run in made]
    pieces = list(runs.merged(streams))
    whole = np.concatenate([np.empty((0, 4), np.uint64), *pieces])
    assert (np.diff(whole[:, 0].astype(np.int64)) >= 0).all()
    assert sorted(map(tuple, whole.tolist())) == sorted((a, b, a, b) for pairs in sources for a, b in pairs)


def test_blocks_are_read_as_they_were_cut() -> None:
    run = runs.entries(array([(at, at + 1) for at in range(600)]), array([(at, 7) for at in range(600)]))
    cut = list(runs.blocks(run))
    assert [len(block.data) for block in cut] == [256 * 32, 256 * 32, 88 * 32]
    assert [int.from_bytes(block.first, "big") for block in cut] == [0, 256, 512]
    assert (runs.read(b"".join([block.data for block in cut])) == run).all()
    assert runs.whole(runs.halves(bytes(range(32)))) == bytes(range(32))


@given(st.lists(st.integers(0, 5), max_size=8))
def test_a_ramp_counts_each(counts: list[int]) -> None:
    expected = [at for count in counts for at in range(count)]
    assert runs.ramp(np.array(counts, np.int64)).tolist() == expected
