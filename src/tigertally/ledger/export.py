"""Export: the ledger as a folder that anyone can keep and verify without us. docs/formats/ledger.md.

``entries.jsonl`` (leaf, and payload with salt where its kind is public and it was not erased), ``hashes`` (the leaf
hashes: with them a verifier can name the entry that was tampered with), ``checkpoint``, ``party.json`` (whose
keys). Written beside and renamed into place, so a half export is never taken for a whole one. Whether a kind is
public is decided by the leaf, which the payload's seal is bound to, not by the column beside it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import BinaryIO

from tigertally.base.limits import BATCH_ROWS
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.formats import checkpoint as notes
from tigertally.formats import ledgerexport
from tigertally.formats.errors import Malformed
from tigertally.formats.statement import Statement
from tigertally.ledger import spelling, sql
from tigertally.ledger.entries import Ledger
from tigertally.ledger.errors import LedgerBroken
from tigertally.ledger.events import event_kinds
from tigertally.ledger.sql import EntryRow
from tigertally.store.tx import Tx


def write(tx: Tx, ledger: Ledger, *, card: Statement, note: bytes, folder: Path, progress: Progress = SILENT) -> int:
    """Write the entries that the checkpoint ``note`` covers into ``folder`` (made; must not exist).

    A reading transaction is enough, so an export never holds up writers. Returns the number of entries. Raises
    ``FileExistsError`` and other ``OSError``; :class:`LedgerBroken` if an entry or its payload fails its check.
    """
    if folder.exists():
        raise FileExistsError
    partial = folder.with_name(folder.name + ".partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    size = notes.parse(note)[0].size
    progress.begin(Text("导出台账", "exporting the ledger"), size)
    lines, digests = partial / ledgerexport.ENTRIES_NAME, partial / ledgerexport.HASHES_NAME
    with lines.open("wb") as out, digests.open("wb") as hashes:
        written = _entries(tx, ledger, size=size, out=out, hashes=hashes, progress=progress)
        _durable(out)
        _durable(hashes)
    if written != size:
        raise LedgerBroken(index=written, what="entries")
    for name, data in ((ledgerexport.CHECKPOINT_NAME, note), (ledgerexport.PARTY_NAME, card.to_bytes())):
        with (partial / name).open("wb") as file:
            file.write(data)
            _durable(file)
    partial.rename(folder)
    return size


def _entries(tx: Tx, ledger: Ledger, *, size: int, out: BinaryIO, hashes: BinaryIO, progress: Progress) -> int:
    public = {name for name, kind in event_kinds().items() if kind.public}
    written = 0
    for rows in sql.stream_entries(tx, batch_rows=BATCH_ROWS, stop=size):
        stored = sql.read_payload_range(tx, start=rows[0].idx, stop=rows[-1].idx + 1)
        for row in rows:
            if row.idx != written:
                raise LedgerBroken(index=written, what="entries")
            out.write(_line(ledger, row, stored.get(row.idx), public))
            hashes.write(row.leaf_hash)
            written += 1
        progress.advance(len(rows))
    return written


def _line(ledger: Ledger, row: EntryRow, stored: tuple[bytes, bytes] | None, public: set[str]) -> bytes:
    try:
        kind = spelling.read_leaf(row.leaf).kind
    except Malformed:
        raise LedgerBroken(index=row.idx, what="leaf") from None
    if stored is None or kind not in public:
        return ledgerexport.line(row.leaf, None, b"")
    salt, sealed = stored
    return ledgerexport.line(row.leaf, ledger.open_payload(row.idx, row.leaf, salt, sealed), salt)


def _durable(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
