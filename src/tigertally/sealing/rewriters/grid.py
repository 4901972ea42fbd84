"""Rows of one table in columns: what every reader yields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tigertally.discovery import column_names
from tigertally.sealing.plan import PlanSource

HEADER_ROWS_MAX: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A batch of rows. ``row`` is the number of the first (from 0, headers not counted).

    ``source_rows`` is how many rows of the source it covers where that is not its height: lines of text.

    ``columns`` has one list per name, all of equal length; ``None`` is an absent or empty cell. Names may repeat.
    """

    row: int
    names: tuple[str, ...]
    columns: tuple[list[str | None], ...] = field(repr=False)
    source_rows: int = 0

    @property
    def height(self) -> int:
        """Return the number of rows."""
        return len(self.columns[0]) if self.columns else 0


def header_at(rows: list[list[str]], source: PlanSource) -> int:
    """Return which of the top rows names the columns: the first that has every name in the plan, else the first filled.

    ``rows`` holds the stripped cells of at least one row.
    """
    wanted = {one.name for one in source.fields} | ({source.subject} if source.subject else set())
    for at, cells in enumerate(rows):
        if wanted <= set(column_names(cells, len(cells))):
            return at
    return next((at for at, cells in enumerate(rows) if any(cells)), 0)
