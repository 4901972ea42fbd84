"""Publishing: the ledger as a folder of C2SP tiles that any web server serves and any C2SP client reads.

Only what is new since the checkpoint in the folder is written. Whole tiles never change; the checkpoint is
written last, so that whoever reads it finds all that it needs. What is published are leaves: nothing personal.
"""

from __future__ import annotations

import os
from pathlib import Path

from tigertally.base.errors import Problem
from tigertally.base.limits import NOTE_BYTES_MAX
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.crypto.digest import same
from tigertally.formats import checkpoint as notes
from tigertally.formats.tiles import CHECKPOINT_PATH, ENTRIES, WIDTH, Tile, bundle, new_tiles
from tigertally.ledger import sql, tree
from tigertally.ledger.entries import Ledger
from tigertally.ledger.errors import LedgerBroken, NotThisLog
from tigertally.store.tx import Tx


def publish(tx: Tx, ledger: Ledger, *, note: bytes, folder: Path, progress: Progress = SILENT) -> int:
    """Bring ``folder`` up to the checkpoint ``note``; return its size. Raises ``OSError``, :class:`LedgerBroken`.

    :class:`NotThisLog` if what lies there is another log's, or a history that this one does not extend.
    """
    size = notes.parse(note)[0].size
    old = _published(tx, ledger, folder)
    if old > size:
        raise NotThisLog
    progress.begin(Text("发布台账", "publishing the ledger"), None)
    for tile in new_tiles(old=old, size=size):
        _write(folder / tile.path, _content(tx, tile))
        progress.advance(1)
    _write(folder / CHECKPOINT_PATH, note)
    return size


def _published(tx: Tx, ledger: Ledger, folder: Path) -> int:
    """Return how many entries the folder has."""
    path = folder / CHECKPOINT_PATH
    if not path.exists():
        return 0
    with path.open("rb") as file:
        data = file.read(NOTE_BYTES_MAX + 1)
    try:
        signed = notes.verify(data, ledger.keys.verifier)
        extended = signed.size <= sql.read_head(tx).size and same(signed.root, tree.root(tx, size=signed.size))
    except Problem:
        raise NotThisLog from None
    if not extended:
        raise NotThisLog
    return signed.size


def _content(tx: Tx, tile: Tile) -> bytes:
    start = tile.index * WIDTH
    if tile.level == ENTRIES:
        leaves = sql.read_leaves(tx, start=start, stop=start + tile.width)
        if len(leaves) != tile.width:
            raise LedgerBroken(index=start + len(leaves), what="entries")
        return bundle(leaves)
    hashes = b"".join(sql.read_leaf_hashes(tx, start=start, stop=start + tile.width)) if tile.level == 0 else None
    if hashes is None:
        hashes = sql.read_tile(tx, level=tile.level, idx=tile.index) or b""
    wanted = tile.width * sql.HASH_BYTES
    if len(hashes) < wanted:
        raise LedgerBroken(index=start, what="tile")
    return hashes[:wanted]


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
