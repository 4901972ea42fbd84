"""The mark: how far the ledger had come when this folder last saw it, in a file beside the database.

Whoever can edit the database but holds no keys can put back one thing only: all of it, as it was at an earlier
moment (``ledger.roll``). So can a restored backup. The mark tells: a ledger that is shorter than the mark, or whose
root at the mark's size is another, is not opened for anything but ``fsck``. To go on from a backup is a decision for a
person: they remove the mark, and the ledger gets an entry that says it was opened without one.

A mark only ever grows. It is a lower bound: of several processes the slowest may write last, and a process that is
killed writes none.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tigertally.app.errors import LedgerRolledBack
from tigertally.app.settings import write_whole
from tigertally.base import canon
from tigertally.base.errors import Problem
from tigertally.base.text import Text
from tigertally.crypto.digest import same
from tigertally.crypto.merkle import Frontier
from tigertally.formats.shape import from_b64, to_b64
from tigertally.ledger import Ledger, register_event, tree
from tigertally.store.tx import Tx

MARK_NAME: Final = "ledger.mark"
BYTES_MAX: Final = 1024

OPENED_WITHOUT: Final = register_event(
    "app.mark.missing", Text("没有账尾标记而打开台账", "the ledger was opened without its mark"), "size"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A size and the root of so many entries."""

    size: int
    root: bytes


def read(home: Path) -> Mark | None:
    """Return the mark in ``home``; None if there is none that can be read."""
    return read_file(home / MARK_NAME)


def read_file(path: Path) -> Mark | None:
    """Return the mark in a file; None if there is none that can be read."""
    try:
        with path.open("rb") as file:
            found = canon.loads(file.read(BYTES_MAX))
    except (OSError, canon.NotCanonical):
        return None
    if not isinstance(found, dict):
        return None
    size, root = found.get("size"), found.get("root")
    raw = from_b64(root) if isinstance(root, str) else None
    return Mark(size=size, root=raw) if isinstance(size, int) and raw is not None else None


def hold(tx: Tx, ledger: Ledger, mark: Mark) -> None:
    """Raise :class:`LedgerRolledBack` unless the ledger has come so far, and by the same entries."""
    size = ledger.head(tx).size
    if size < mark.size:
        raise LedgerRolledBack(seen=mark.size, size=size)
    if not same(tree.root(tx, size=mark.size), mark.root):
        raise LedgerRolledBack(seen=mark.size, size=size)


def advance(tx: Tx, ledger: Ledger, home: Path) -> None:
    """Write how far the ledger is, unless the mark there is ahead. What cannot be written is not: the bound stays."""
    with suppress(OSError, Problem):
        head = ledger.head(tx)
        known = read(home)
        if known is None or known.size < head.size:
            write(home, Mark(size=head.size, root=Frontier(head.size, head.peaks).root()))


def write(home: Path, mark: Mark) -> None:
    """Write a mark, whole or not at all, whoever else does the same."""
    own = home / f".{MARK_NAME}.{os.getpid()}.{secrets.token_hex(4)}"
    write_whole(own, canon.dumps({"size": mark.size, "root": to_b64(mark.root)}))
    own.replace(home / MARK_NAME)
