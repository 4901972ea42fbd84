"""The end of a table's way: what may not be kept is emptied, what is kept aside goes, and nothing can be put back.

Values that the plan purges (verification codes, clear passwords) could not be put back, because they are kept nowhere;
so they stay until here. Killed, the next run empties what is left.
"""

from __future__ import annotations

from collections import Counter

from tigertally.sealing.inplace import sql
from tigertally.sealing.inplace.rewrite import plan_page
from tigertally.sealing.inplace.state import COMMITTED, Work
from tigertally.sealing.live.ports import Change, LiveTable, Rows
from tigertally.sealing.rewriters.shield import TokenLookup
from tigertally.store import jobs


def commit(work: Work, tokens: TokenLookup, *, purge_unknown: bool) -> None:
    """Empty what is to be emptied and end the job, whose phase is ``committing``. Raises ``JobTaken``."""
    table = work.live.describe(work.source)
    purged = tuple(one.name for one in work.purged)
    names = (*work.names, *purged)
    while True:
        rows = work.live.read(work.source, names, after=work.after, upto=None, limit=work.batch_rows)
        if not rows.keys:
            break
        changes, cells = _emptied(work, tokens, rows, table, names, purge_unknown=purge_unknown)
        done = work.live.write(work.source, names, changes) if changes else 0
        if done < len(changes):
            continue  # some of it changed meanwhile: the same page again
        with work.begin() as tx:
            work.move(tx, rows.keys[-1], counts=work.state.counts + Counter(purged=cells))
        work.progress.advance(len(rows.keys))
    work.live.settle()
    with work.begin() as tx:
        work.move(tx, None, phase=COMMITTED)
        work.moved(tx)
        sql.drop(tx, job=work.job.key)
        work.job = jobs.finish(tx, work.job, now=work.now())


def _emptied(
    work: Work, tokens: TokenLookup, rows: Rows, table: LiveTable, names: tuple[str, ...], *, purge_unknown: bool
) -> tuple[list[Change], int]:
    """Return what is to become of a page, and how many cells are emptied."""
    width = len(work.names)
    planned = plan_page(work, tokens, Rows(keys=rows.keys, cells=rows.cells[:width]))
    fresh = [list(column) for column in rows.cells]
    place = {key: row for row, key in enumerate(rows.keys)}
    for one in planned.changes:  # what came in since the last round
        for at in range(width):
            fresh[at][place[one.key]] = one.new[at]
    cells = 0
    for at, name in enumerate(names):
        column = table.columns[name]
        empty = None if column.nullable else "" if column.text else "0"
        for row, cell in enumerate(rows.cells[at]):
            if cell and cell != empty and (at >= width or (purge_unknown and planned.unknown(at, cell))):
                fresh[at][row] = empty
                cells += 1
    changes = [
        Change(key=key, old=tuple(column[row] for column in rows.cells), new=tuple(column[row] for column in fresh))
        for row, key in enumerate(rows.keys)
        if any(old[row] != new[row] for old, new in zip(rows.cells, fresh, strict=True))
    ]
    return changes, cells
