"""Tokens into the columns of a live table, in batches, until a round through the whole table finds nothing clear.

1. A batch: its note is kept, the other database commits, then the cursor and the entry. Killed between any two of
   these, the next run knows tokens as its own and goes on; nothing is rewritten twice.
2. Every change compares and sets. A row that changed meanwhile is left as it is and read again in the next round.
3. The last round is the verification: it read every row and found no value that the vault holds. What it does not
   hold (never sealed, or no value of the class) stays and is counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from tigertally.base.fields import BY_CODE, FieldClass
from tigertally.sealing.errors import LiveBusy
from tigertally.sealing.inplace import journal
from tigertally.sealing.inplace.journal import Moulds, Note
from tigertally.sealing.inplace.spelled import mould, plain
from tigertally.sealing.inplace.state import BATCH_WRITTEN, REWRITING, REWRITTEN, Work
from tigertally.sealing.live.ports import Change, Key, Rows
from tigertally.sealing.plan import PlanField
from tigertally.sealing.rewriters.shield import Shield, TokenLookup
from tigertally.sealing.values import bare_digits, normalise
from tigertally.vault import meant

ROUNDS_MAX: Final = 10


@dataclass(slots=True, kw_only=True, repr=False)
class Planned:
    """What is to become of a page: changes, and of their cells digests and moulds; tokens and unknown values."""

    changes: list[Change]
    cells: int = 0
    were: int = 0
    left: int = 0
    digests: list[journal.Digests] = field(default_factory=list)
    moulds: Moulds = field(default_factory=dict)
    known: list[set[str]] = field(default_factory=list)

    def unknown(self, column: int, cell: str) -> bool:
        """Return whether a cell is neither a value that the vault holds nor a token."""
        return cell not in self.known[column]


def rewrite(work: Work, tokens: TokenLookup) -> None:
    """Rewrite a table, or go on, or look again whether anything clear came in. Raises ``LiveBusy``, ``JobTaken``."""
    if work.state.phase == REWRITTEN:
        _next_round(work)
    for _ in range(ROUNDS_MAX):
        _one_round(work, tokens)
        counts = work.state.counts
        if not counts["found"] and not counts["stale"]:
            with work.begin() as tx:
                work.move(tx, None, phase=REWRITTEN)
                work.moved(tx)
            return
        _next_round(work)
    raise LiveBusy(object=work.source.object)


def plan_page(work: Work, tokens: TokenLookup, rows: Rows) -> Planned:
    """Return what is to become of a page of rows."""
    new: list[list[str | None]] = []
    out = Planned(changes=[])
    for at, (one, cells) in enumerate(zip(work.fields, rows.cells, strict=True)):
        became, moulds, were = _cells(work, tokens, one, cells)
        new.append([became.get(cell, cell) if cell else cell for cell in cells])
        mine = [row for row, cell in enumerate(cells) if cell and cell in became]
        keys, texts = [rows.keys[row] for row in mine], [cells[row] or "" for row in mine]
        out.digests.append(journal.digests(work.aside, keys, at, texts))
        out.moulds |= {(key, at): moulds[text] for key, text in zip(keys, texts, strict=True) if text in moulds}
        out.known.append(were | became.keys())
        out.cells += len(mine)
        full = sum(1 for cell in cells if cell)
        tokens_here = sum(1 for cell in cells if cell in were)
        out.were += tokens_here
        out.left += full - len(mine) - tokens_here
    for row, key in enumerate(rows.keys):
        old, fresh = tuple(cells[row] for cells in rows.cells), tuple(cells[row] for cells in new)
        if old != fresh:
            out.changes.append(Change(key=key, old=old, new=fresh))
    return out


def tokens_of(work: Work, cls: FieldClass, texts: list[str]) -> set[str]:
    """Return those of some different cells that are tokens of the scope, of this class."""
    asked = {text: bare_digits(text) if cls is FieldClass.PAN else text for text in texts}
    different = list(dict.fromkeys(asked.values()))
    if not different:
        return set()
    with work.reading() as tx:
        found = meant(tx, work.keys, texts=different)
    mine = {text for text, code in zip(different, found.codes.tolist(), strict=True) if code and BY_CODE[code] is cls}
    return {text for text, token in asked.items() if token in mine}


def _one_round(work: Work, tokens: TokenLookup) -> None:
    while True:
        rows = work.live.read(work.source, work.names, after=work.after, upto=None, limit=work.batch_rows)
        if not rows.keys:
            return
        _batch(work, tokens, rows)
        work.progress.advance(len(rows.keys))


def _batch(work: Work, tokens: TokenLookup, rows: Rows) -> None:
    planned = plan_page(work, tokens, rows)
    last, first = rows.keys[-1], work.state.round == 1
    seq = work.state.seq
    cells = planned.cells
    if planned.changes or first:
        seq += 1
        fresh = Note(
            upto=last,
            first=first,
            were=planned.were,
            digests=np.unique(np.concatenate(planned.digests)),
            moulds=planned.moulds,
        )
        with work.begin() as tx:
            earlier = journal.get(tx, work.aside, job=work.job.key, seq=seq)
            note = fresh.with_earlier(earlier)
            journal.put(tx, work.aside, job=work.job.key, seq=seq, note=note)
            work.move(tx, work.after)
        cells = len(note.digests) if earlier is not None else cells
        planned.were = note.were
    done = work.live.write(work.source, work.names, planned.changes) if planned.changes else 0
    stale = len(planned.changes) - done
    if stale:
        cells = _landed(work, planned.changes)
    counts = work.state.counts + Counter(
        rows=len(rows.keys), cells=cells, found=cells, stale=stale, left=planned.left, were=planned.were if first else 0
    )
    with work.begin() as tx:
        work.move(tx, last, seq=seq, counts=counts)
        if planned.changes:
            work.note(tx, BATCH_WRITTEN, rows=done, cells=cells)


def _landed(work: Work, changes: list[Change]) -> int:
    """Return how many cells are now what they should become, after some rows had changed meanwhile."""
    there: dict[Key, tuple[str | None, ...]] = {}
    after: Key | None = None
    upto = changes[-1].key
    for _ in range(ROUNDS_MAX):
        rows = work.live.read(work.source, work.names, after=after, upto=upto, limit=work.batch_rows)
        there |= dict(zip(rows.keys, zip(*rows.cells, strict=True), strict=True))
        if len(rows.keys) < work.batch_rows:
            break
        after = rows.keys[-1]
    return sum(
        new is not None and old != new and now == new
        for one in changes
        for old, new, now in zip(one.old, one.new, there.get(one.key, one.old), strict=True)
    )


def _cells(
    work: Work, tokens: TokenLookup, one: PlanField, cells: list[str | None]
) -> tuple[dict[str, str], dict[str, str], set[str]]:
    """Return the token of each different cell that is to be rewritten, moulds of odd ones, and what is a token already.

    A cell that could not be put back as it was written is not rewritten.
    """
    different = [cell for cell in dict.fromkeys(cells) if cell]
    spelled = Shield(tokens).cells(one, [*different])
    values = normalise(one.cls, different)
    became: dict[str, str] = {}
    moulds: dict[str, str] = {}
    unknown: list[str] = []
    for cell, token, value in zip(different, spelled, values, strict=True):
        if token is None or value is None:
            unknown.append(cell)
        elif plain(token, value) == cell:
            became[cell] = token
        elif (shape := mould(cell, value)) is not None:
            became[cell], moulds[cell] = token, shape
    return became, moulds, tokens_of(work, one.cls, unknown)


def _next_round(work: Work) -> None:
    counts = Counter(work.state.counts)
    for name in ("rows", "left", "found", "stale"):
        counts[name] = 0
    with work.begin() as tx:
        work.move(tx, None, phase=REWRITING, round=work.state.round + 1, counts=counts)
