"""CSV and TSV: rows out, and the same file back with other cells.

Reads RFC 4180 with what the world adds: any one-character delimiter, quotes only where needed, ragged rows, blank
lines, line breaks inside quotes. Invariant: a cell that is not replaced keeps its bytes, quotes included; a replaced
cell keeps its quotes. Columns are named as discovery names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from tigertally.base.text import Text
from tigertally.discovery import column_names
from tigertally.sealing.errors import NotRewritable
from tigertally.sealing.plan import PlanSource
from tigertally.sealing.rewriters.encoded import LINE_CHARS_MAX, TextStream, encoded
from tigertally.sealing.rewriters.grid import HEADER_ROWS_MAX, Grid, header_at
from tigertally.sealing.rewriters.shield import UNPLANNED, Shield, span_actions, whole_field

_QUOTED: Final = re.compile(r'"((?>[^"]+|"")*+)"')
_OPEN_QUOTE: Final = Text("引号没有闭合", "a quote is never closed")


@dataclass(slots=True, kw_only=True)
class _Rows:
    """A batch: raw cells (quotes included) and line end of each row."""

    cells: list[list[str]] = field(repr=False, default_factory=list)
    ends: list[str] = field(default_factory=list)

    def column(self, at: int) -> list[str | None]:
        """Return the values of column ``at``, ``None`` where a row is too short."""
        return [_value(row[at]) if at < len(row) else None for row in self.cells]

    def put(self, at: int, before: list[str | None], after: Sequence[str | None]) -> None:
        """Write the values that changed back into column ``at``."""
        for row, old, new in zip(self.cells, before, after, strict=True):
            if old is not None and new != old:
                row[at] = _raw(new or "", quoted=row[at].startswith('"'))

    def lines(self, delimiter: str) -> list[str]:
        """Return each row as it stands in the file, with its end."""
        return [delimiter.join(row) + end for row, end in zip(self.cells, self.ends, strict=True)]

    def text(self, delimiter: str) -> str:
        """Return the batch as it stands in the file."""
        return "".join(self.lines(delimiter))


def read(stream: BinaryIO, source: PlanSource, *, batch_rows: int) -> Iterator[Grid]:
    """Yield the data rows as grids of at most about ``batch_rows`` rows; the first, maybe empty, always comes."""
    names: tuple[str, ...] = ()
    first = 0
    for at, batch in enumerate(_batches(_open(stream, source), source, batch_rows=batch_rows)):
        if at == 0:
            names, _ = _headed(batch, source)
        yield Grid(row=first, names=names, columns=tuple(batch.column(column) for column in range(len(names))))
        first += len(batch.cells)


def rewrite(stream: BinaryIO, target: BinaryIO, source: PlanSource, shield: Shield, *, batch_rows: int) -> None:
    """Write the file with its cells replaced as the plan says; cells outside the plan are searched for leaks."""
    text = _open(stream, source)
    target.write(text.mark)
    names: tuple[str, ...] = ()
    for at, batch in enumerate(_batches(text, source, batch_rows=batch_rows)):
        head = ""
        if at == 0:
            names, above = _headed(batch, source)
            head = shield.spans([above.text(source.delimiter)], UNPLANNED)[0]
        for column, name in enumerate(names):
            _replace(batch, column, name, source, shield)
        fresh = head + _searched(batch, len(names), source.delimiter, shield)
        target.write(encoded(fresh, source.encoding, source.object))


def _replace(batch: _Rows, column: int, name: str, source: PlanSource, shield: Shield) -> None:
    before = batch.column(column)
    whole = whole_field(source.fields, name)
    if whole is not None:
        batch.put(column, before, shield.cells(whole, before))
        return
    texts = [value or "" for value in before]
    if name == source.subject:
        batch.put(column, before, shield.subjects(texts))
        return
    named = any(one.name == name for one in source.fields)
    after = shield.spans(texts, span_actions(source.fields, name)) if named else shield.unplanned(texts)
    batch.put(column, before, after)


def _searched(batch: _Rows, width: int, delimiter: str, shield: Shield) -> str:
    """Return the batch as text. Rows of another width do not line up with the plan: they are searched as text."""
    astray = [at for at, row in enumerate(batch.cells) if len(row) != width and row != [""]]
    lines = batch.lines(delimiter)
    for at, line in zip(astray, shield.spans([lines[at] for at in astray], UNPLANNED) if astray else [], strict=True):
        lines[at] = line
    return "".join(lines)


def _open(stream: BinaryIO, source: PlanSource) -> TextStream:
    return TextStream(stream, encoding=source.encoding, object_path=source.object)


def _headed(batch: _Rows, source: PlanSource) -> tuple[tuple[str, ...], _Rows]:
    """Take the header, and any lines above it, off the first batch; return the column names and what was taken.

    The header is the first of the top rows that has all the names in the plan, else the first row.
    """
    if not source.header or not batch.cells:
        return column_names(None, max((len(row) for row in batch.cells[:HEADER_ROWS_MAX]), default=0)), _Rows()
    titles = [[value.strip() for value in map(_value, row)] for row in batch.cells[:HEADER_ROWS_MAX]]
    at = header_at(titles, source)
    above = _Rows(cells=batch.cells[: at + 1], ends=batch.ends[: at + 1])
    del batch.cells[: at + 1], batch.ends[: at + 1]
    return column_names(titles[at], len(titles[at])), above


def _batches(text: TextStream, source: PlanSource, *, batch_rows: int) -> Iterator[_Rows]:
    """Yield rows, at least one maybe empty batch; a row whose quotes are open goes on in the next line."""
    pattern = _cells_of(source.delimiter)
    batch = _Rows()
    pending = ""
    for lines in text.lines(per_batch=batch_rows):
        for line in lines:
            row = pending + line
            body = row.rstrip("\r\n")
            cells = pattern.findall(body) if '"' in body else body.split(source.delimiter)
            pending = row if '"' in body and _is_open(cells[-1]) else ""
            if not pending:
                batch.cells.append(cells)
                batch.ends.append(row[len(body) :])
            elif len(pending) > LINE_CHARS_MAX:
                break
        if len(batch.cells) >= batch_rows:
            yield batch
            batch = _Rows()
        if len(pending) > LINE_CHARS_MAX:
            break
    if pending:
        raise NotRewritable(object_path=source.object, why=_OPEN_QUOTE)
    yield batch


def _cells_of(delimiter: str) -> re.Pattern[str]:
    """Return a pattern whose matches are the raw cells of a row: quoted with what follows, left open, or bare."""
    mark = re.escape(delimiter)
    return re.compile(rf'(?:\A|{mark})("(?>[^"]+|"")*+"[^{mark}]*|"(?>[^"]+|"")*+\Z|[^{mark}]*)')


def _is_open(cell: str) -> bool:
    """Return whether a raw cell begins with a quote that is never closed."""
    return cell.startswith('"') and _QUOTED.match(cell) is None


def _value(cell: str) -> str:
    found = _QUOTED.match(cell) if cell.startswith('"') else None
    return cell if found is None else found.group(1).replace('""', '"') + cell[found.end() :]


def _raw(value: str, *, quoted: bool) -> str:
    return '"' + value.replace('"', '""') + '"' if quoted else value
