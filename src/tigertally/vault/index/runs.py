"""Sorted runs: how a token finds its subjects and a value its token, without a row of its own in the database.

An entry is a key of 16 bytes and a payload of 16 bytes; a run is many of them in order of the key's first half, cut
into blocks of at most :data:`BLOCK_ENTRIES`; keys may repeat. A batch of values adds one run instead of a row and two
index entries for each: 0.25 against 4 microseconds a value. Runs of one size are merged into a larger one, so that
there are few to look into (a log-structured merge tree: O'Neil et al. 1996).

Here is arithmetic only: ``index`` keeps runs in the store. Shapes: ``Entries`` is uint64 (n, 4), the big-endian halves
of key and payload; ``Halves`` is uint64 (n, 2). Stored, an entry is its 32 bytes, so a block begins with its first key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from tigertally.vault.errors import RecordBroken

Entries: TypeAlias = npt.NDArray[np.uint64]
Halves: TypeAlias = npt.NDArray[np.uint64]
Numbers: TypeAlias = npt.NDArray[np.int64]

KEY_BYTES: Final = 16
ENTRY_BYTES: Final = 32
FIRST_BYTES: Final = 8
BLOCK_ENTRIES: Final = 256
_STORED: Final = ">u8"


class Block(NamedTuple):
    """A piece of a run as stored: the first half of its first key, and its entries."""

    first: bytes
    data: bytes


class Found(NamedTuple):
    """What was found: ``which`` numbers the keys that were looked for (repeats if there are several), and payloads."""

    which: Numbers
    payloads: Halves


def halves(packed: bytes | npt.NDArray[np.uint8]) -> Halves:
    """Return 16 bytes each as two numbers each."""
    return np.frombuffer(packed, _STORED).reshape(-1, 2).astype(np.uint64)


def whole(found: Halves) -> bytes:
    """Return the packed 16 bytes each of :func:`halves`."""
    return found.astype(_STORED).tobytes()


def entries(keys: Halves, payloads: Halves) -> Entries:
    """Return entries in order."""
    return ordered(np.concatenate([keys, payloads], axis=1))


def ordered(unordered: Entries) -> Entries:
    """Return entries sorted by the first half of their keys."""
    found: Entries = unordered[np.argsort(unordered[:, 0])]
    return found


def blocks(run: Entries) -> Iterator[Block]:
    """Yield the blocks of entries that are in order."""
    data = run.astype(_STORED).tobytes()
    step = BLOCK_ENTRIES * ENTRY_BYTES
    for at in range(0, len(data), step):
        yield Block(first=data[at : at + FIRST_BYTES], data=data[at : at + step])


def read(data: bytes) -> Entries:
    """Return the entries of one block, or of several put together. Raises ``RecordBroken``."""
    if len(data) % ENTRY_BYTES:
        raise RecordBroken
    return np.frombuffer(data, _STORED).reshape(-1, 4).astype(np.uint64)


def match(run: Entries, keys: Halves) -> Found:
    """Return the payloads of ``keys`` (in any order; the same key twice is found twice)."""
    firsts = run[:, 0]
    left = np.searchsorted(firsts, keys[:, 0], "left")
    there = np.flatnonzero(left < len(run))
    there = there[firsts[left[there]] == keys[there, 0]]
    if not len(there):
        return Found(np.empty(0, np.int64), np.empty((0, 2), np.uint64))
    left = left[there]
    counts = np.searchsorted(firsts, keys[there, 0], "right") - left
    which = np.repeat(there, counts)
    places = np.repeat(left, counts) + ramp(counts)
    same = run[places, 1] == keys[which, 1]
    return Found(which[same], run[places[same], 2:])


def ramp(counts: Numbers) -> Numbers:
    """Return 0, 1, … of each count, one after another: 2, 3 gives 0 1 0 1 2."""
    total = int(counts.sum())
    return np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)


def firsts(keys: Halves) -> tuple[Numbers, Numbers]:
    """Return where each distinct key stands first, in order of keys, and for each key the number of its equal there."""
    order = np.argsort(keys[:, 0], kind="stable")
    inorder = keys[order]
    new = np.append(True, (inorder[1:] != inorder[:-1]).any(axis=1))
    if (new[1:] & (inorder[1:, 0] == inorder[:-1, 0])).any():  # half of a key is not all of it
        order = np.lexsort((keys[:, 1], keys[:, 0]))
        inorder = keys[order]
        new = np.append(True, (inorder[1:] != inorder[:-1]).any(axis=1))
    number = np.empty(len(keys), np.int64)
    number[order] = np.cumsum(new[: len(keys)]) - 1
    return order[new[: len(keys)]], number


def merged(sources: Sequence[Iterator[Entries]]) -> Iterator[Entries]:
    """Yield the entries of several runs in one order, some at a time. Each source yields its run in order."""
    heads = [(source, piece) for source in sources if len(piece := _next(source))]
    while heads:
        # All that is at most the least last key is complete: no source has more of it, but for keys equal to it.
        least = min(piece[-1, 0] for _, piece in heads)
        ready: list[Entries] = []
        rest: list[tuple[Iterator[Entries], Entries]] = []
        for source, piece in heads:
            edge = int(np.searchsorted(piece[:, 0], least, "right"))
            ready.append(piece[:edge])
            left = piece[edge:] if edge < len(piece) else _next(source)
            if len(left):
                rest.append((source, left))
        heads = rest
        yield ordered(np.concatenate(ready))


def _next(source: Iterator[Entries]) -> Entries:
    return next(source, np.empty((0, 4), np.uint64))
