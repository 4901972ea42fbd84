"""The index of a scope: runs kept in the store, added to by batch, looked into, merged, made to forget.

Five kinds: a token finds the records that hold it, by number; a subject finds its record; a card's digest finds its
token; so does the digest of any other value whose token is not ours to derive (a seller's); the fifth is for search
only (``alike``). Invariants: what a transaction adds is one run, there as soon as it is committed; entries are hints
and the record is the truth, so every record found is held to what it says itself; forgetting a subject rewrites the
blocks that name it, so nothing of it stays.

:class:`Known` keeps a scope's runs in memory for bulk work: 40 bytes for each card and foreign value, 16 for each
subject, 8 for each token if tokens are asked for. It is held to the list of runs at every use, so what another process
did is seen.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.store.tx import Tx
from tigertally.vault.errors import RecordBroken
from tigertally.vault.index import runs, sql
from tigertally.vault.index.runs import Entries, Found, Halves
from tigertally.vault.index.sql import BlockRow, IndexKind, RunRow

FAN: Final = 16
_READ_BLOCKS: Final = 256
_POINT_COST: Final = 256  # looking for one key in one run costs about as much as reading so many entries
_RUN_BITS: Final = 62


def add(tx: Tx, *, scope: str, kind: IndexKind, keys: Halves, payloads: Halves) -> None:
    """Add entries. Runs of one level are merged when there are :data:`FAN` of them."""
    if not len(keys):
        return
    _write(tx, scope=scope, kind=kind, level=0, pieces=iter([runs.entries(keys, payloads)]))
    level = 0
    while len(crowd := [run for run in sql.read_runs(tx, scope=scope, kind=kind) if run.level == level]) >= FAN:
        pieces = runs.merged([_pieces(tx, run.run) for run in crowd])
        _write(tx, scope=scope, kind=kind, level=level + 1, pieces=pieces)
        for run in crowd:
            sql.delete_run(tx, run.run)
        level += 1


def find(tx: Tx, *, scope: str, kind: IndexKind, keys: Halves) -> Found:
    """Return the payloads of ``keys``: by few look-ups or in one pass, whichever reads less."""
    there = sql.read_runs(tx, scope=scope, kind=kind)
    found = [runs.match(np.empty((0, 4), np.uint64), keys)]
    if len(keys) * len(there) * _POINT_COST < sum(run.entries for run in there):
        found += [_found_of(tx, scope, kind, keys[at : at + 1], at) for at in range(len(keys))]
    else:
        order = np.argsort(keys[:, 0], kind="stable")
        inorder = keys[order]
        for run in there:
            for piece in _pieces(tx, run.run):
                # A piece is a narrow part of a run: only keys within it are worth a search.
                left = int(np.searchsorted(inorder[:, 0], piece[0, 0], "left"))
                right = int(np.searchsorted(inorder[:, 0], piece[-1, 0], "right"))
                near = runs.match(piece, inorder[left:right])
                found.append(Found(order[left + near.which], near.payloads))
    return Found(np.concatenate([one.which for one in found]), np.concatenate([one.payloads for one in found]))


def scan(tx: Tx, *, scope: str, kind: IndexKind) -> Iterator[Entries]:
    """Yield all entries of a kind, a piece of a run at a time."""
    for run in sql.read_runs(tx, scope=scope, kind=kind):
        yield from _pieces(tx, run.run)


def between(tx: Tx, *, scope: str, kind: IndexKind, low: int, high: int) -> list[bytes]:
    """Return the different keys from ``low`` to ``high``, 16 bytes as numbers, ascending."""
    first, last = (number.to_bytes(runs.KEY_BYTES, "big") for number in (low, high))
    near = (first[: runs.FIRST_BYTES], last[: runs.FIRST_BYTES])
    found: set[bytes] = set()
    for block in sql.blocks_of(tx, scope=scope, kind=kind, first=near[0], last=near[1]):
        data = block.data
        keys = (data[at : at + runs.KEY_BYTES] for at in range(0, len(data), runs.ENTRY_BYTES))
        found.update(key for key in keys if first <= key <= last)
    return sorted(found)


def following(tx: Tx, *, scope: str, kind: IndexKind, after: bytes, limit: int) -> Entries:
    """Return the next entries, one at least if there are any and about ``limit`` at most, ascending by key.

    ``after`` is a key of 16 bytes, or empty for the first. Entries of one key are never divided.
    """
    there = sql.read_runs(tx, scope=scope, kind=kind)
    total = sum(run.entries for run in there)
    taken: list[Entries] = []
    edges: list[int] = []  # what begins up to there is complete
    for run in there:
        # A run's fair share and some more: of a few runs only little is read in vain.
        share = limit * run.entries // total + runs.BLOCK_ENTRIES
        piece, ended = _run_after(tx, run.run, after, share)
        taken.append(piece)
        if not ended:
            edges.append(int(piece[-1, 0]) - 1)
    if not taken:
        return np.empty((0, 4), np.uint64)
    found = np.concatenate(taken)
    found = found[np.lexsort((found[:, 1], found[:, 0]))]
    if edges:
        found = found[: int(np.searchsorted(found[:, 0], np.uint64(max(0, min(edges))), "right"))]
        if not len(found):  # more than a block of one first half: no index of ours
            raise RecordBroken
    if len(found) <= limit:
        return found
    return found[: int(np.searchsorted(found[:, 0], found[limit - 1, 0], "right"))]


def forget(tx: Tx, *, scope: str, subject: bytes, number: int, tokens: Sequence[bytes]) -> None:
    """Take out a subject's entries, and what leads to tokens that nobody else holds."""
    wanted = runs.halves(b"".join(tokens))
    for kind, key in [(IndexKind.SUBJECT, runs.halves(subject)[0]), *((IndexKind.TOKEN, key) for key in wanted)]:
        _take_out(tx, scope=scope, kind=kind, key=key, payload=np.array([number, 0], np.uint64))
    held_still = find(tx, scope=scope, kind=IndexKind.TOKEN, keys=wanted).which
    dead = np.delete(wanted, np.unique(held_still), axis=0)
    for kind in (IndexKind.CARD, IndexKind.OTHER, IndexKind.ALIKE):
        for run in sql.read_runs(tx, scope=scope, kind=kind):
            for block in _blocks(tx, run.run):
                there = runs.read(block.data)
                near = np.isin(there[:, 2], dead[:, 0])
                if near.any():
                    gone = near & (there[:, None, 2:] == dead[None]).all(axis=2).any(axis=1)
                    _keep(tx, block, there, ~gone)


def forget_value(tx: Tx, *, scope: str, number: int, token: bytes, leading: Sequence[tuple[IndexKind, Halves]]) -> None:
    """Let a token lead to a record no longer; if nobody else holds it, let nothing lead to it.

    ``leading`` are the keys, shape (1, 2), of what may lead to it.
    """
    wanted = runs.halves(token)
    _take_out(tx, scope=scope, kind=IndexKind.TOKEN, key=wanted[0], payload=np.array([number, 0], np.uint64))
    if not len(find(tx, scope=scope, kind=IndexKind.TOKEN, keys=wanted).which):
        for kind, key in leading:
            _take_out(tx, scope=scope, kind=kind, key=key[0], payload=wanted[0])


def drop(tx: Tx, *, scope: str, kind: IndexKind) -> None:
    """Take out all entries of a kind."""
    for run in sql.read_runs(tx, scope=scope, kind=kind):
        sql.delete_run(tx, run.run)


@dataclass(slots=True, repr=False)
class Known:
    """A scope's runs in memory. ``refresh`` first, in the transaction that asks."""

    _runs: dict[tuple[IndexKind, int, int], npt.NDArray[np.uint64]] = field(default_factory=dict)
    _given: dict[tuple[IndexKind, int, int], npt.NDArray[np.uint64]] = field(default_factory=dict)

    def refresh(self, tx: Tx, *, scope: str, kinds: Sequence[IndexKind]) -> None:
        """Read what is new of ``kinds`` and drop what is gone."""
        now: dict[tuple[IndexKind, int, int], npt.NDArray[np.uint64]] = {}
        for kind in kinds:
            for run in sql.read_runs(tx, scope=scope, kind=kind):
                name = (kind, run.run, run.revision)
                had = self._runs.get(name)
                now[name] = _loaded(tx, kind, run) if had is None else had
        asked = frozenset(kinds)
        self._runs = {**{name: run for name, run in self._runs.items() if name[0] not in asked}, **now}

    def tokens_of(self, kind: IndexKind, digests: Halves) -> tuple[npt.NDArray[np.bool_], Halves]:
        """Return which values have a token, and the tokens (zeros where there is none)."""
        there = np.zeros(len(digests), np.bool_)
        tokens = np.zeros((len(digests), 2), np.uint64)
        order = np.argsort(digests[:, 0], kind="stable")
        inorder = digests[order]
        for run in self._of(kind):
            found = runs.match(run, inorder)
            places = order[found.which]
            there[places] = True
            tokens[places] = found.payloads
        return there, tokens

    def numbers_of(self, subjects: Halves) -> tuple[runs.Numbers, runs.Numbers]:
        """Return which subjects may be there, and the record number of each: certain but for the second half."""
        order = np.argsort(subjects[:, 0], kind="stable")
        inorder = subjects[order, 0]
        which: list[runs.Numbers] = [np.empty(0, np.int64)]
        numbers: list[runs.Numbers] = [np.empty(0, np.int64)]
        for run in self._of(IndexKind.SUBJECT):
            left, right = (np.searchsorted(run[:, 0], inorder, side) for side in ("left", "right"))
            counts = right - left
            here = np.flatnonzero(counts)
            places = np.repeat(left[here], counts[here]) + runs.ramp(counts[here])
            which.append(order[np.repeat(here, counts[here])])
            numbers.append(run[places, 1].astype(np.int64))
        return np.concatenate(which), np.concatenate(numbers)

    def beginnings(self, kind: IndexKind) -> list[npt.NDArray[np.uint64]]:
        """Return the first halves of all keys of a kind, each run's in order."""
        return [run[:, 0] for run in self._of(kind)]

    def has(self, kind: IndexKind) -> bool:
        """Return whether there are runs of this kind."""
        return any(name[0] is kind for name in self._runs)

    def has_tokens_like(self, tokens: Halves) -> npt.NDArray[np.bool_]:
        """Return which tokens begin like one that somebody holds: no is certain, yes all but certain (64 bits)."""
        return _among(self._of(IndexKind.TOKEN), tokens[:, 0])

    def card_tokens_like(self, tokens: Halves) -> npt.NDArray[np.bool_]:
        """Return which card tokens are in use. A card token's first half is its number, so yes is certain."""
        return _among(self._given_of(IndexKind.CARD), tokens[:, 0])

    def foreign_tokens_like(self, tokens: Halves) -> npt.NDArray[np.bool_]:
        """Return which tokens begin like one that a seller gave a value: no is certain, yes all but certain."""
        return _among(self._given_of(IndexKind.OTHER), tokens[:, 0])

    def _given_of(self, kind: IndexKind) -> list[npt.NDArray[np.uint64]]:
        """Return the first halves of the tokens that runs of a kind lead to, sorted once for each run."""
        self._given = {name: given for name, given in self._given.items() if name in self._runs}
        for name, run in self._runs.items():
            if name[0] is kind and name not in self._given:
                self._given[name] = np.sort(run[:, 2])
        return [given for name, given in self._given.items() if name[0] is kind]

    def _of(self, kind: IndexKind) -> list[npt.NDArray[np.uint64]]:
        return [run for name, run in self._runs.items() if name[0] is kind]


def _loaded(tx: Tx, kind: IndexKind, run: RunRow) -> npt.NDArray[np.uint64]:
    pieces = list(_pieces(tx, run.run))
    if kind is IndexKind.SUBJECT:
        return np.concatenate([np.empty((0, 2), np.uint64), *(piece[:, [0, 2]] for piece in pieces)])
    if kind is not IndexKind.TOKEN:
        return np.concatenate(pieces) if pieces else np.empty((0, 4), np.uint64)
    return np.unique(np.concatenate([piece[:, 0] for piece in pieces])) if pieces else np.empty(0, np.uint64)


def _among(sorted_runs: Sequence[npt.NDArray[np.uint64]], wanted: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    there = np.zeros(len(wanted), np.bool_)
    order = np.argsort(wanted, kind="stable")
    inorder = wanted[order]
    for run in sorted_runs:
        if len(run):
            at = np.minimum(np.searchsorted(run, inorder), len(run) - 1)
            there[order] |= run[at] == inorder
    return there


def _write(tx: Tx, *, scope: str, kind: IndexKind, level: int, pieces: Iterator[Entries]) -> None:
    run = secrets.randbits(_RUN_BITS)  # never used again, so that nobody takes a run for another one
    count = number = 0
    for piece in pieces:
        made = list(runs.blocks(piece))
        sql.insert_blocks(tx, run=run, number=number, blocks=made)
        number += len(made)
        count += len(piece)
    sql.insert_run(tx, scope=scope, kind=kind, row=RunRow(run=run, level=level, revision=0, entries=count))


def _blocks(tx: Tx, run: int) -> Iterator[BlockRow]:
    after = -1
    while found := sql.blocks_after(tx, run=run, after=after, limit=_READ_BLOCKS):
        yield from found
        after = found[-1].number


def _pieces(tx: Tx, run: int) -> Iterator[Entries]:
    after = -1
    while found := sql.blocks_after(tx, run=run, after=after, limit=_READ_BLOCKS):
        yield runs.read(b"".join([block.data for block in found]))
        after = found[-1].number


def _run_after(tx: Tx, run: int, after: bytes, count: int) -> tuple[Entries, bool]:
    """Return ``count`` entries or some more of a run that follow ``after``, and whether those are all."""
    near = runs.halves(after)[0] if after else None
    number = sql.place_of(tx, run=run, first=_first(near)) - 1 if near is not None else -1
    taken: list[Entries] = [np.empty((0, 4), np.uint64)]
    while sum(map(len, taken)) <= count:
        blocks = sql.blocks_after(tx, run=run, after=number, limit=count // runs.BLOCK_ENTRIES + 2)
        if not blocks:
            return np.concatenate(taken), True
        number = blocks[-1].number
        piece = runs.read(b"".join([block.data for block in blocks]))
        if near is not None:
            piece = piece[(piece[:, 0] > near[0]) | ((piece[:, 0] == near[0]) & (piece[:, 1] > near[1]))]
        taken.append(piece)
    return np.concatenate(taken), False


def _found_of(tx: Tx, scope: str, kind: IndexKind, key: Halves, number: int) -> Found:
    first = _first(key[0])
    blocks = sql.blocks_of(tx, scope=scope, kind=kind, first=first, last=first)
    found = [runs.match(runs.read(block.data), key) for block in blocks]
    payloads = np.concatenate([np.empty((0, 2), np.uint64), *(one.payloads for one in found)])
    return Found(np.full(len(payloads), number, np.int64), payloads)


def _first(key: npt.NDArray[np.uint64]) -> bytes:
    return int(key[0]).to_bytes(runs.FIRST_BYTES, "big")


def _take_out(
    tx: Tx, *, scope: str, kind: IndexKind, key: npt.NDArray[np.uint64], payload: npt.NDArray[np.uint64]
) -> None:
    """Take one entry out."""
    for block in sql.blocks_of(tx, scope=scope, kind=kind, first=_first(key), last=_first(key)):
        held = runs.read(block.data)
        gone = (held[:, :2] == key).all(axis=1) & (held[:, 2:] == payload).all(axis=1)
        _keep(tx, block, held, ~gone)


def _keep(tx: Tx, block: BlockRow, held: Entries, kept: npt.NDArray[np.bool_]) -> None:
    gone = len(held) - int(kept.sum())
    if not gone:
        return
    for made in runs.blocks(held[kept]):
        sql.replace_block(tx, block, data=made.data, gone=gone)
    if gone == len(held):
        sql.delete_block(tx, block, gone=gone)
