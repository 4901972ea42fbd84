"""Which entries differ between a log's leaf hashes and the leaves at hand, in one pass and bounded memory.

Both sequences are seen index by index. A hash that one side has and the other has not shown yet waits; when
it appears, the entry has only moved. What still waits at the end was deleted, added, or (both at one index)
edited. Memory grows with how far entries moved, not with the log; past ``WAITING_MAX`` the answer is vague.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WAITING_MAX: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """Indexes in the signed log (``added``: at hand), ascending; at most one each of ``moved`` and ``cut``."""

    edited: tuple[int, ...]
    deleted: tuple[int, ...]
    added: tuple[int, ...]
    moved: tuple[int, ...]
    cut: tuple[int, ...]


class LeafDiff:
    """See pairs in order, then the rest of the signed log, then finish."""

    __slots__ = ("_cut", "_extra", "_missing", "_moved", "_seen", "_vague")

    def __init__(self) -> None:
        self._missing: dict[bytes, int] = {}
        self._extra: dict[bytes, int] = {}
        self._moved: int | None = None
        self._cut: int | None = None
        self._seen = 0
        self._vague = False

    def see(self, *, index: int, expected: bytes, got: bytes) -> None:
        """Take position ``index`` of both; ``expected`` is empty past the signed end."""
        if expected:
            self._seen = index + 1
        if expected == got or self._vague:
            return
        if got in self._missing:
            self._place(self._missing.pop(got))
        else:
            self._extra[got] = index
        if expected in self._extra:
            self._place(index)
            del self._extra[expected]
        elif expected:
            self._missing[expected] = index
        if len(self._missing) + len(self._extra) > WAITING_MAX:
            self._missing.clear()
            self._extra.clear()
            self._vague = True

    def rest(self, expected: bytes) -> None:
        """Take the next of the signed hashes that have no counterpart at their index: ours has ended."""
        index = self._seen
        self._seen += 1
        if expected in self._extra:
            self._place(index)
            del self._extra[expected]
        elif self._cut is None:
            self._cut = index

    def finish(self) -> Differences:
        """Return what differs; nothing at all if too much does to tell."""
        if self._vague:
            return Differences(edited=(), deleted=(), added=(), moved=(), cut=())
        missing, extra = set(self._missing.values()), set(self._extra.values())
        edited = missing & extra
        shifted = bool(missing - edited or extra - edited)
        return Differences(
            edited=tuple(sorted(edited)),
            deleted=tuple(sorted(missing - edited)),
            added=tuple(sorted(extra - edited)),
            # behind a deletion or an addition every entry stands elsewhere; that is not a move
            moved=() if self._moved is None or shifted else (self._moved,),
            cut=() if self._cut is None else (self._cut,),
        )

    def _place(self, signed: int) -> None:
        """Note the first entry that stands at another index than the signed one."""
        self._moved = signed if self._moved is None else min(self._moved, signed)
