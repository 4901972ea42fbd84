"""Export: the ledger as a folder that anyone can keep and verify without us. docs/formats/ledger.md.

``entries.jsonl`` (leaf, and payload with salt where its kind is public and it was not erased),
``checkpoint`` (signed now), ``party.json`` (whose keys). Written beside and renamed into place, so a half
export is never taken for a whole one.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tigertally.base.limits import BATCH_ROWS
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.formats import checkpoint as notes
from tigertally.formats import leaf as leaves
from tigertally.formats import ledgerexport
from tigertally.formats.statement import Statement
from tigertally.ledger import sql
from tigertally.ledger.entries import Ledger
from tigertally.ledger.events import event_kinds
from tigertally.store.tx import Tx


def write(
    tx: Tx, ledger: Ledger, *, card: Statement, note: bytes, folder: Path, progress: Progress = SILENT
) -> int:
    """Write the entries that the checkpoint ``note`` covers into ``folder`` (made; must not exist).

    A reading transaction is enough, so an export never holds up writers. Returns the number of entries.
    """
    partial = folder.with_name(folder.name + ".partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    size = notes.parse(note)[0].size
    public = {name for name, kind in event_kinds().items() if kind.public}
    progress.begin(Text("导出台账", "exporting the ledger"), size)
    with (partial / ledgerexport.ENTRIES_NAME).open("wb") as out:
        for rows in sql.stream_entries(tx, batch_rows=BATCH_ROWS):
            stored = sql.read_payload_range(tx, start=rows[0][0], stop=rows[-1][0] + 1)
            for index, _, kind, raw, _ in rows[: max(0, size - rows[0][0])]:
                kept = stored.get(index) if kind in public else None
                if kept is None:
                    out.write(ledgerexport.line(raw, None, b""))
                else:
                    out.write(ledgerexport.line(raw, ledger.open_payload(index, leaves.parse(raw), *kept), kept[0]))
            progress.advance(len(rows))
        out.flush()
        os.fsync(out.fileno())
    (partial / ledgerexport.CHECKPOINT_NAME).write_bytes(note)
    (partial / ledgerexport.PARTY_NAME).write_bytes(card.to_bytes())
    partial.rename(folder)
    return size
