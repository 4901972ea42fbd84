"""Packed texts: a column of byte strings as one array and the places where each begins.

What is done to hundreds of thousands of short values (digests, checks, tokens) is done to all of one length at once, as
rows of an array; nothing here makes an object per value but :meth:`Packed.each`. Shapes: n values; ``data`` is uint8,
``edges`` int64 (n + 1), the value at i is ``data[edges[i]:edges[i + 1]]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

_Bytes = npt.NDArray[np.uint8]
_Numbers = npt.NDArray[np.int64]
_GATHER_MAX = 1 << 20  # values gathered at once: what fits a cache


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Packed:
    """A column of byte strings."""

    data: _Bytes
    edges: _Numbers

    @classmethod
    def of(cls, values: Sequence[bytes]) -> Packed:
        """Return ``values`` packed."""
        lengths = np.fromiter(map(len, values), np.int64, len(values))
        return cls(data=np.frombuffer(b"".join(values), np.uint8), edges=edges_of(lengths))

    @classmethod
    def joined(cls, parts: Sequence[Packed]) -> Packed:
        """Return several columns as one."""
        data = np.concatenate([np.empty(0, np.uint8), *(part.data[part.edges[0] : part.edges[-1]] for part in parts)])
        return cls(data=data, edges=edges_of(np.concatenate([np.empty(0, np.int64), *(one.lengths for one in parts)])))

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def lengths(self) -> _Numbers:
        """The length of each value, in bytes."""
        return np.diff(self.edges)

    def each(self) -> list[bytes]:
        """Return the values one by one."""
        data, edges = self.data.tobytes(), self.edges.tolist()
        return [data[start:stop] for start, stop in pairwise(edges)]

    def take(self, at: npt.NDArray[np.integer]) -> Packed:
        """Return the values at these positions, in this order."""
        lengths = self.lengths[at]
        edges = edges_of(lengths)
        data = np.empty(int(edges[-1]), np.uint8)
        for positions, rows in _by_length(self.data, self.edges[:-1][at], lengths):
            data[edges[positions, None] + np.arange(rows.shape[1])] = rows
        return Packed(data=data, edges=edges)

    def by_length(self) -> Iterator[tuple[_Numbers, _Bytes]]:
        """Yield, for each length, the positions of values of that length, and they as rows."""
        yield from _by_length(self.data, self.edges[:-1], self.lengths)


def edges_of(lengths: _Numbers) -> _Numbers:
    """Return where pieces of these lengths begin when one follows another, and where the last ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


def _by_length(data: _Bytes, begins: _Numbers, lengths: _Numbers) -> Iterator[tuple[_Numbers, _Bytes]]:
    order = np.argsort(lengths, kind="stable")
    bounds = np.flatnonzero(np.diff(lengths[order], prepend=-1, append=-1)).tolist()
    for start, stop in pairwise(bounds):
        length = int(lengths[order[start]])
        step = max(1, _GATHER_MAX // max(1, length))
        for first in range(start, stop, step):
            positions = order[first : min(first + step, stop)]
            yield positions, data[begins[positions, None] + np.arange(length)]
