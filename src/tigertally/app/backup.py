"""The rule of a restore: which evidence there is of a later ledger, and what follows from it.

Evidence is a mark (``ledger.mark`` of the lost folder), checkpoints that somebody keeps, and lists of erasures. All of
it says: the ledger once had so many entries, with this root.

1. evidence up to the backup's size must be of the same history: its root is that of so many entries of the backup;
2. evidence beyond that proves that entries are missing. Then a list of erasures is needed that reaches at least as far
   as the furthest evidence: it names what was erased behind the backup's end, and that must not come back;
3. two pieces of evidence about one size must agree;
4. with no evidence at all nothing can be shown: whoever restores says so, and the ledger records it.

What the missing entries said is lost; the ledger says how far it had been seen. A witness that cosigned them will not
cosign the restored ledger, and is right: docs/OPERATE.md, Restore.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tigertally.app.errors import OlderThanSeen, OtherHistory, SeenNothing
from tigertally.crypto.digest import same
from tigertally.crypto.hpke import TransferKey
from tigertally.formats.backup import Erasures, Seen, Sized
from tigertally.formats.party import PartyCard
from tigertally.ledger import tree
from tigertally.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of the ledger apart from the backup."""

    seen: tuple[Seen, ...] = ()
    lists: tuple[Erasures, ...] = ()

    @property
    def newest(self) -> int:
        """The furthest size that is known; 0 if nothing is."""
        return max((one.size for one in self.every), default=0)

    @property
    def every(self) -> tuple[Seen, ...]:
        """All sizes and roots."""
        return (*self.seen, *(one.ledger for one in self.lists))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody who restores gives: files, the key that opens the backup, the card that they trust."""

    folder: Path
    home: Path
    key: TransferKey
    card: PartyCard
    root_key: Path | None
    marks: Sequence[Path] = ()
    checkpoints: Sequence[Path] = ()
    lists: Sequence[Path] = ()
    forward: bool = False
    alone: bool = False


def to_erase(tx: Tx, *, size: int, evidence: Evidence, alone: bool) -> Erasures | None:
    """Return the list by which a backup of ``size`` entries is brought forward, None if nothing is newer.

    Raises :class:`SeenNothing`, :class:`OtherHistory`, :class:`OlderThanSeen`.
    """
    roots: dict[int, bytes] = {}
    for one in evidence.every:
        expected = tree.root(tx, size=one.size) if one.size <= size else roots.setdefault(one.size, one.root)
        if not same(expected, one.root):
            raise OtherHistory(size=one.size)
    if not evidence.every and not alone:
        raise SeenNothing
    if evidence.newest <= size:
        return None
    reaching = max(evidence.lists, key=lambda one: one.ledger.size, default=None)
    if reaching is None or reaching.ledger.size < evidence.newest:
        raise OlderThanSeen(size=size, seen=evidence.newest)
    return reaching


class Measure:
    """Length and digest of what goes by."""

    __slots__ = ("_digest", "_size")

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._size = 0

    def through(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield ``pieces`` as they are, and measure them."""
        for piece in pieces:
            self._digest.update(piece)
            self._size += len(piece)
            yield piece

    @property
    def sized(self) -> Sized:
        """What went by so far."""
        return Sized(size=self._size, digest=self._digest.hexdigest())
