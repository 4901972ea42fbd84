"""Tables for a terminal: ids, tokens and masks stay in one piece wherever the width allows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text as Cell

_WHOLE: Final = re.compile(r"[\w*@.+\-]{4,40}")
_NARROWEST: Final = 12


def table(title: str | None, headings: Sequence[str], rows: Sequence[Sequence[Cell]], *, width: int) -> Table:
    """Return a table for a terminal of ``width`` columns.

    Columns of ids are not broken if the others keep a readable width; else everything folds, and nothing is lost.
    """
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    widths = [_whole(column) for column in zip(*rows, strict=True)] if rows else [0] * len(headings)
    fits = sum(found or _NARROWEST for found in widths) + len(headings) <= width
    for heading, found in zip(headings, widths, strict=True):
        made.add_column(heading, overflow="fold", no_wrap=fits and found > 0)
    for row in rows:
        made.add_row(*row)
    return made


def _whole(cells: Sequence[Cell]) -> int:
    """Return the width of a column whose cells are ids or masks, which are of no use in two pieces; else 0."""
    if not any(cells) or not all(_WHOLE.fullmatch(cell.plain) for cell in cells if cell):
        return 0
    return max(cell.cell_len for cell in cells)
