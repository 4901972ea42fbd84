"""Headers of tables: whether the first row names the columns. For CSV and sheets, and those who read them later.

Rules: 1. leading rows with a single filled cell, when wider rows follow, are titles and passed over;
2. the first row after them is the header if none of its cells looks like data and either one of its words
has a meaning or a column holds numbers, addresses or digests below a cell that is none;
3. otherwise there is no header.
"""

from __future__ import annotations

import re
from typing import Final

from tigertally.base.fields import FieldClass
from tigertally.discovery.labels import Meaning, meaning
from tigertally.discovery.spans import find_spans

TITLE_ROWS_MAX: Final = 5
_DATA: Final = re.compile(r"^[\d\s.,:/+\-¥$%()]*\d[\d\s.,:/+\-¥$%()]*$|@.+\.|\d{5,}|^[0-9a-fA-F]{16,}$|^\$\w+\$")
_NUMBER: Final = re.compile(r"^[\s'\"]*[+\-]?\d[\d ,.:/\-]*[\s'\"]*$")


def header_row(rows: list[list[str]]) -> int | None:
    """Return the index of the header among the first rows of a table, or None. A dozen rows, ragged or not, do."""
    width = max((_filled(row) for row in rows), default=0)
    index = 0
    while index < min(len(rows) - 1, TITLE_ROWS_MAX) and _filled(rows[index]) < min(2, width):
        index += 1
    if index >= len(rows) or not _filled(rows[index]):
        return None
    cells = [cell.strip() for cell in rows[index]]
    filled = [cell for cell in cells if cell]
    if any(_DATA.search(cell) or len(cell) > 60 or len(find_spans(cell.encode())) for cell in filled):  # noqa: PLR2004
        return None
    if len(set(filled)) < max(len(filled) * 0.6, 1):
        return None
    speaks = sum(_speaks(meaning(cell)) for cell in filled)
    body = rows[index + 1 :]
    contrast = any(
        cell and any(column < len(row) and _is_data(row[column]) for row in body) for column, cell in enumerate(cells)
    )
    return index if speaks or contrast else None


def _is_data(cell: str) -> bool:
    return bool(_NUMBER.match(cell) or _DATA.search(cell))


def _speaks(means: Meaning) -> bool:
    return means.against or means.field not in (None, FieldClass.PIN)


def _filled(row: list[str]) -> int:
    return sum(1 for cell in row if cell.strip())
