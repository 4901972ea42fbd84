"""Clear values back into a live table, from the vault, held against the keyed digests of what had stood there.

1. Range by range, as the notes of the first round divide the table; each range is whole before the next begins, and a
   run that was killed begins its range again: what is back is no token any more.
2. A token is put back if what it becomes is what had stood there by its digest; or, if no cell was a token before, in
   any case: the application may have copied it to another row.
3. At the end every digest was met again (``same``) or is counted (``gone``): the application changed or deleted the
   row since, or its customer was erased.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from tigertally.access import Decision
from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.sealing.errors import LiveBusy
from tigertally.sealing.inplace import journal, sql
from tigertally.sealing.inplace.journal import Digests, Moulds
from tigertally.sealing.inplace.spelled import cast, plain
from tigertally.sealing.inplace.state import UNDOING, UNDONE, Work
from tigertally.sealing.live.ports import Change, Key, Rows
from tigertally.sealing.values import bare_digits
from tigertally.store import jobs
from tigertally.vault import meant, open_values, read_meant

TRIES_MAX: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Kept:
    """All notes in short: where each range of the first round ends, what later rounds kept, how many tokens were there.

    ``total`` is the number of different digests.
    """

    ends: list[tuple[int, Key]] = field(default_factory=list)
    digests: Digests
    moulds: Moulds
    were: int
    total: int


def undo(work: Work, decision: Decision) -> None:
    """Put clear values back. ``decision`` is the proof that they may be opened. Raises ``LiveBusy``, ``JobTaken``."""
    kept = _kept(work)
    if work.state.phase != UNDOING:
        with work.begin() as tx:
            work.move(tx, None, phase=UNDOING, round=0)
            work.moved(tx)
    begin: Key | None = None
    for number, (seq, end) in enumerate([*kept.ends, (0, None)]):
        if number >= work.state.round:
            _range(work, decision, kept, seq=seq, after=begin, upto=end, last=end is None)
        begin = end
    with work.begin() as tx:
        counts = Counter(work.state.counts)
        counts["gone"] = max(kept.total - counts["same"], 0)
        work.move(tx, None, phase=UNDONE, counts=counts)
        work.moved(tx)
        sql.drop(tx, job=work.job.key)
        work.job = jobs.finish(tx, work.job, now=work.now())


def _kept(work: Work) -> _Kept:
    ends: list[tuple[int, Key]] = []
    later: list[Digests] = []
    moulds: Moulds = {}
    were = total = 0
    for seq, note in _notes(work):
        were += note.were if note.first else 0
        if note.first:
            ends.append((seq, note.upto))
            total += len(note.digests)
        else:
            later.append(note.digests)
            moulds |= note.moulds
    extra = np.unique(np.concatenate(later)) if later else np.empty(0, np.uint64)
    for _, note in _notes(work) if len(extra) else ():
        extra = np.setdiff1d(extra, note.digests) if note.first else extra
    return _Kept(ends=ends, digests=extra, moulds=moulds, were=were, total=total + len(extra))


def _notes(work: Work) -> Iterator[tuple[int, journal.Note]]:
    seq = 1
    while True:
        with work.reading() as tx:
            note = journal.get(tx, work.aside, job=work.job.key, seq=seq)
        if note is None:
            return
        yield seq, note
        seq += 1


def _range(
    work: Work, decision: Decision, kept: _Kept, *, seq: int, after: Key | None, upto: Key | None, last: bool
) -> None:
    digests, moulds = kept.digests, kept.moulds
    if seq:
        with work.reading() as tx:
            note = journal.get(tx, work.aside, job=work.job.key, seq=seq)
        if note is not None:
            digests, moulds = np.union1d(digests, note.digests), note.moulds | moulds
    back = same = 0
    for before, rows in _pages(work, after, upto):
        more, met = _page(work, decision, kept, before, rows, digests, moulds)
        back += more
        same += met
    counts = work.state.counts + Counter(back=back, same=same)
    with work.begin() as tx:
        work.move(tx, None, round=work.state.round + (not last), counts=counts)


def _pages(work: Work, after: Key | None, upto: Key | None) -> Iterator[tuple[Key | None, Rows]]:
    """Yield pages of a range, each with the key before it."""
    while True:
        rows = work.live.read(work.source, work.names, after=after, upto=upto, limit=work.batch_rows)
        if not rows.keys:
            return
        yield after, rows
        after = rows.keys[-1]
        work.progress.advance(len(rows.keys))


def _page(
    work: Work,
    decision: Decision,
    kept: _Kept,
    before: Key | None,
    rows: Rows,
    digests: Digests,
    moulds: Moulds,
) -> tuple[int, int]:
    """Put a page back; return how many cells that were, and how many are now what had stood there."""
    end = rows.keys[-1]
    back = 0
    for _ in range(TRIES_MAX):
        changes, cells = _changes(work, decision, kept, rows, digests, moulds)
        if not changes:
            break
        done = work.live.write(work.source, work.names, changes)
        back += cells if done == len(changes) else 0
        # Rows may have come into the range: only what was a page is looked at again, the rest by the next page.
        rows = work.live.read(work.source, work.names, after=before, upto=end, limit=2 * work.batch_rows)
    else:
        raise LiveBusy(object=work.source.object)
    met = 0
    for at, column in enumerate(rows.cells):
        mine = [row for row, cell in enumerate(column) if cell]
        made = journal.digests(work.aside, [rows.keys[row] for row in mine], at, [column[row] or "" for row in mine])
        met += int(np.isin(made, digests).sum())
    return back, met


def _changes(
    work: Work, decision: Decision, kept: _Kept, rows: Rows, digests: Digests, moulds: Moulds
) -> tuple[list[Change], int]:
    """Return what to put back in a page, and how many cells that is."""
    fresh = [list(column) for column in rows.cells]
    cells = 0
    for at, (one, column) in enumerate(zip(work.fields, rows.cells, strict=True)):
        values = _values(work, decision, one.cls, [cell for cell in dict.fromkeys(column) if cell])
        mine = [row for row, cell in enumerate(column) if cell in values]
        if not mine:
            continue
        keys = [rows.keys[row] for row in mine]
        bare = [plain(column[row] or "", values[column[row] or ""]) for row in mine]
        odd = [
            cast(moulds[key, at], values[column[row] or ""]) if (key, at) in moulds else text
            for key, row, text in zip(keys, mine, bare, strict=True)
        ]
        as_it_was = [np.isin(journal.digests(work.aside, keys, at, texts), digests).tolist() for texts in (odd, bare)]
        for row, first, second, moulded, simple in zip(mine, odd, bare, *as_it_was, strict=True):
            if moulded or simple or not kept.were:
                fresh[at][row] = first if moulded else second
                cells += 1
    changes = [
        Change(key=key, old=tuple(column[row] for column in rows.cells), new=tuple(column[row] for column in fresh))
        for row, key in enumerate(rows.keys)
        if any(old[row] != new[row] for old, new in zip(rows.cells, fresh, strict=True))
    ]
    return changes, cells


def _values(work: Work, decision: Decision, cls: FieldClass, texts: list[str]) -> dict[str, str]:
    """Return the value of each different cell that is a token of this class."""
    asked = {text: bare_digits(text) if cls is FieldClass.PAN else text for text in texts}
    different = list(dict.fromkeys(asked.values()))
    if not different:
        return {}
    with work.reading() as tx:
        found = meant(tx, work.keys, texts=different)
        sealed = read_meant(tx, work.keys, meant=found, start=0, stop=len(different))
    opened = open_values(work.keys, decision=decision, found=sealed)
    code = FIELD_RULES[cls].code
    known = {
        different[at]: value for at, value in zip(opened.at, opened.values, strict=True) if found.codes[at] == code
    }
    return {text: known[token] for text, token in asked.items() if token in known}
