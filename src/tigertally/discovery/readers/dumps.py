"""SQL dumps: numbers as in any text, and the columns of INSERT and COPY for what only a column can show.

Cards, IDs, mobile numbers and IBANs of a dump are findings of its text, wherever they stand. Names,
passwords, e-mail and codes are no numbers with a check digit: they are judged by column, as in a table,
from the rows that ``INSERT INTO t (…) VALUES (…), (…);`` and ``COPY t (…) FROM stdin;`` carry. Columns take
their names from the statement, or from the CREATE TABLE before it. A row that does not parse is still text.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from tigertally.base.fields import FieldClass
from tigertally.base.limits import BATCH_ROWS
from tigertally.discovery.columns import TableEvidence, cells_of
from tigertally.discovery.encodings import Encoding
from tigertally.discovery.evidence import TextEvidence
from tigertally.discovery.inventory import IN_TEXT, Finding, Kind, PlaceKind
from tigertally.discovery.naming import column_names, safe_name
from tigertally.discovery.readers.stream import Lost, Outcome, Source, settle_encoding, text_windows
from tigertally.discovery.readers.text import scan_text

TABLES_MAX: Final = 1_024
COLUMNS_MAX: Final = 4_096
_HEAD_CHARS_MAX: Final = 65_536
_PENDING_CHARS_MAX: Final = 16 * 1024 * 1024

_NAME: Final = r"(?:[`\"\[]?[\w$]+[`\"\]]?\.)?[`\"\[]?([\w$]+)[`\"\]]?"
_STATEMENT: Final = re.compile(
    rf"\b(?:insert|replace)\s+(?:or\s+\w+\s+|ignore\s+)?into\s+{_NAME}\s*(?:\(([^()']*)\))?\s*values\b\s*"
    rf"|^copy\s+{_NAME}\s*\(([^()']*)\)\s+from\s+stdin[^;\n]*;[^\n]*\n"
    rf"|\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?{_NAME}\s*\(([^;]*?)\)[^();]*;",
    re.IGNORECASE | re.MULTILINE,
)
_VALUE: Final = r"(?:[NnEeXxBb]?'(?:[^'\\]|\\.|'')*+'|[^'(),]++|\((?:[^'()]|'(?:[^'\\]|\\.|'')*+')*+\))"
_ROW: Final = re.compile(rf"\s*\(((?:{_VALUE}|,)*+)\)\s*([,;])?", re.DOTALL)
_FIELD: Final = re.compile(rf"\s*((?:{_VALUE})*+)\s*(,|$)", re.DOTALL)
_COLUMN: Final = re.compile(r"^\s*[`\"\[]?([\w$]+)[`\"\]]?\s+\w")
_NO_COLUMN: Final = frozenset(
    {"primary", "key", "unique", "constraint", "index", "foreign", "check", "fulltext", "spatial"}
)
_BETWEEN: Final = re.compile(r"\)\s*,\s*\(")
_ESCAPED: Final = re.compile(r"\\(.)|''", re.DOTALL)
# What text cannot show; the rest of a dump's columns is found as text already.
_BY_COLUMN: Final = frozenset(
    {
        FieldClass.NAME,
        FieldClass.PASSWORD,
        FieldClass.PASSWORD_HASH,
        FieldClass.EMAIL,
        FieldClass.CVV,
        FieldClass.PIN,
        FieldClass.EXPIRY,
    }
)


def read_dump(source: Source, *, encoding: Encoding, key: int, advance: Callable[[int], None]) -> Outcome:
    """Scan ``source`` as text and its rows by column."""
    outcome = Outcome(kind=Kind.SQL, encoding=encoding.name)
    evidence = TextEvidence(key=key)
    rows = DumpRows(key=key)
    lost = Lost()
    with source.open() as stream:
        for text, raw in text_windows(stream, encoding, lost, advance):
            scan_text(evidence, text)
            if raw:
                scan_text(evidence, raw, besides=text)
            rows.feed(text.decode("utf-8", "replace"))
    columns = rows.finish(source.name)
    outcome.findings = [*_besides(evidence.finish(name=source.name, place=IN_TEXT, cells=0), columns), *columns]
    outcome.bytes_read = lost.bytes_read if not encoding.name.startswith("utf-16") else source.size
    settle_encoding(outcome, lost)
    return outcome


def _besides(text: list[Finding], columns: list[Finding]) -> list[Finding]:
    """Return findings of the text without the values that a column already counts (addresses show in both)."""
    counted = Counter[FieldClass]()
    for finding in columns:
        counted[finding.field] += finding.count
    return [
        replace(finding, count=finding.count - counted[finding.field]) if counted[finding.field] else finding
        for finding in text
        if finding.count > counted[finding.field]
    ]


@dataclass(slots=True, kw_only=True)
class _Table:
    """Rows of one table that wait to be judged."""

    width: int
    evidence: TableEvidence
    rows: list[list[str | None]] = field(default_factory=list)

    def add(self, row: list[str | None]) -> None:
        if len(row) == self.width:
            self.rows.append(row)
            if len(self.rows) >= BATCH_ROWS:
                self.flush()

    def flush(self) -> None:
        if self.rows:
            self.evidence.add([cells_of(list(column)) for column in zip(*self.rows, strict=True)])
        self.rows = []


@dataclass(slots=True, kw_only=True)
class DumpRows:
    """A parser of dumps that is fed window by window; a statement may go on in the next window."""

    key: int
    _known: dict[str, list[str]] = field(default_factory=dict)  # columns by CREATE TABLE
    _tables: dict[str, _Table] = field(default_factory=dict)
    _rest: str = ""
    _open: tuple[str, list[str], bool] | None = None  # table, columns, whether COPY

    def feed(self, text: str) -> None:
        """Take the next window."""
        if len(self._rest) > _PENDING_CHARS_MAX:  # a row that never ends
            self._open = None
        else:
            text = self._rest + text
        self._rest = ""
        place = 0
        while True:
            if self._open is not None:
                place = self._go_on(text, place)
                if self._open is not None:
                    self._rest = text[place:]
                    return
            head = _STATEMENT.search(text, place)
            if head is None:
                # A statement's head may be cut: what follows the last whole statement is looked at again.
                whole = text.rfind(";\n", place)
                cut = max(whole + 2 if whole >= 0 else 0, place, len(text) - _HEAD_CHARS_MAX)
                self._rest = text[cut:]
                return
            place = head.end()
            self._begin(head)

    def finish(self, name: str) -> list[Finding]:
        """Return the findings that only columns show."""
        if self._open is not None and not self._open[2]:
            self._each_row(self._rest + ";", 0, self._open[0], self._open[1])
        findings: list[Finding] = []
        for table in self._tables.values():
            table.flush()
            findings += [finding for finding in table.evidence.finish(name) if finding.field in _BY_COLUMN]
        return findings

    def _begin(self, head: re.Match[str]) -> None:
        insert, insert_columns, copy, copy_columns, create, body = head.groups()
        if create is not None:
            if len(self._known) < TABLES_MAX:
                self._known[create.lower()] = _columns_of(body)
        elif copy is not None:
            self._open = (copy, _names(copy_columns), True)
        else:
            self._open = (insert, _names(insert_columns or ""), False)

    def _go_on(self, text: str, place: int) -> int:
        if self._open is None:
            return place
        table, columns, copied = self._open
        return self._copied(text, place, table, columns) if copied else self._inserted(text, place, table, columns)

    def _inserted(self, text: str, place: int, table: str, columns: list[str]) -> int:
        """Take rows from ``place``; leave the statement open while it may go on in the next window."""
        last = text.find(");", place)
        stop = (last if last >= 0 else text.rfind("),", place)) + 1
        rows = _plain_rows(text[place:stop].strip()) if stop > place else None
        if rows is not None:
            for row in rows:
                self._add(table, columns, [None if cell == "NULL" else cell for cell in row])
            if last >= 0:
                self._open = None
            return stop + 1
        return self._each_row(text, place, table, columns)

    def _each_row(self, text: str, place: int, table: str, columns: list[str]) -> int:
        while True:
            row = _ROW.match(text, place)
            waiting = not text[place : place + 64].strip() or text[place : place + 64].lstrip().startswith("(")
            if row is None or (row[2] is None and not text[row.end() : row.end() + 64].strip()):
                if not waiting:
                    self._open = None
                return place
            self._row(table, columns, row[1])
            place = row.end()
            if row[2] != ",":
                self._open = None
                return place

    def _copied(self, text: str, place: int, table: str, columns: list[str]) -> int:
        while (end := text.find("\n", place)) >= 0:
            line = text[place:end].rstrip("\r")
            place = end + 1
            if line == "\\.":
                self._open = None
                return place
            self._add(table, columns, [None if cell == "\\N" else cell for cell in line.split("\t")])
        return place

    def _row(self, table: str, columns: list[str], body: str) -> None:
        cells: list[str | None] = []
        for found in _FIELD.finditer(body):
            cells.append(_literal(found[1].strip()))
            if not found[2] or len(cells) > COLUMNS_MAX:
                break
        self._add(table, columns, cells)

    def _add(self, name: str, columns: list[str], cells: list[str | None]) -> None:
        table = self._tables.get(name)
        if table is None:
            if len(self._tables) >= TABLES_MAX or not cells or len(cells) > COLUMNS_MAX:
                return
            columns = columns or self._known.get(name.lower(), [])
            headers: list[str | None] = list(columns) if len(columns) == len(cells) else [None] * len(cells)
            names = column_names([header or "" for header in headers], len(cells))
            evidence = TableEvidence(
                kind=PlaceKind.COLUMN, table=safe_name(name), names=names, headers=headers, key=self.key
            )
            table = self._tables.setdefault(name, _Table(width=len(cells), evidence=evidence))
        table.add(cells)


def _plain_rows(body: str) -> list[list[str]] | None:
    """Rows of ``(…), (…)`` when its quotes are plain enough for a CSV parser, else None."""
    if not (body.startswith("(") and body.endswith(")")) or "\\'" in body:
        return None
    pieces = _BETWEEN.split(body[1:-1])
    if any(piece.count("'") % 2 for piece in pieces):
        return None
    try:
        rows = list(csv.reader(pieces, quotechar="'", escapechar="\\", skipinitialspace=True))
    except csv.Error:
        return None
    return rows if len(rows) == len(pieces) else None


def _names(text: str) -> list[str]:
    return [name.strip().strip('`"[]') for name in text.split(",") if name.strip()]


def _columns_of(body: str) -> list[str]:
    """Column names of a CREATE TABLE's body, one definition a line or separated by commas outside brackets."""
    flat = re.sub(r"\([^()]*\)", "", body)
    names = (_COLUMN.match(part) for part in flat.split(","))
    return [found[1] for found in names if found is not None and found[1].lower() not in _NO_COLUMN]


def _literal(text: str) -> str | None:
    if text.upper() == "NULL" or not text:
        return None
    quote = text.find("'")
    if 0 <= quote <= 1 and text.endswith("'") and len(text) > quote + 1:
        return _ESCAPED.sub(lambda found: found[1] or "'", text[quote + 1 : -1])
    return text
