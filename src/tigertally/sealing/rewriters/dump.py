"""SQL dumps: rows of a table out of INSERT and COPY statements, and the same dump back with other values.

A dump is rewritten twice over in one pass: first the cells of planned columns, then, as running text, whatever numbers
still stand anywhere. Invariants: what is not replaced keeps its characters; if a row of a planned table cannot be
followed (a dialect with other quotes, a cut file), the dump is refused rather than half replaced.

Read are ``INSERT INTO t (…) VALUES (…), (…);`` with ``''`` or backslash escapes, and ``COPY t (…) FROM stdin;``.
Columns are named by the statement or by the CREATE TABLE before it, else ``#1``, ``#2``, … as discovery names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from tigertally.base.text import Text
from tigertally.discovery import column_names
from tigertally.sealing.errors import NotRewritable
from tigertally.sealing.plan import PlanSource
from tigertally.sealing.rewriters import plaintext
from tigertally.sealing.rewriters.encoded import LINE_CHARS_MAX, TextStream
from tigertally.sealing.rewriters.grid import Grid
from tigertally.sealing.rewriters.shield import Shield, whole_field

_NAME: Final = r"(?:[`\"\[]?[\w$]+[`\"\]]?\.)?[`\"\[]?([\w$]+)[`\"\]]?"
_HEAD: Final = re.compile(
    rf"\b(?:insert|replace)\s+(?:or\s+\w+\s+|ignore\s+)?into\s+{_NAME}\s*(?:\(([^()']*)\))?\s*values\b"
    rf"|^copy\s+{_NAME}\s*\(([^()']*)\)\s+from\s+stdin[^;\n]*;[^\n]*\n"
    rf"|\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?{_NAME}\s*\(([^;]*)\)[^();]*;",
    re.IGNORECASE | re.MULTILINE,
)
_HEAD_CHARS_MAX: Final = 65_536
_SAMPLE_ROWS: Final = 1_024
_QUOTED: Final = r"'(?:[^'\\]|\\.|'')*+'"
_CELL: Final = re.compile(rf"\s*((?:{_QUOTED}|\((?:[^'()]|{_QUOTED})*+\)|[^'(),])*+)([,)])", re.DOTALL)
_ROW_OPENS: Final = re.compile(r"\s*\(")
_ROW_ENDS: Final = re.compile(r"\s*(,|;|(?=on\s)|(?=returning\s))", re.IGNORECASE)
_LITERAL: Final = re.compile(r"([A-Za-z_]*)'(.*)'", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)|''", re.DOTALL)
_DEFINED: Final = re.compile(r"\s*[`\"\[]?([\w$]+)[`\"\]]?\s+\w")
_NOT_COLUMNS: Final = frozenset({"primary", "key", "unique", "constraint", "index", "foreign", "check", "fulltext"})
_LOST: Final = Text("转储中有无法逐行解析的语句", "the dump has a statement whose rows cannot be followed")


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell in the text at hand: its column, and where it stands."""

    column: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of one statement in the text at hand; ``copied`` rows are tab-separated."""

    table: str
    names: tuple[str, ...]
    copied: bool
    rows: list[list[_Cell]]


@dataclass(slots=True)
class _Open:
    """The statement that goes on."""

    table: str
    columns: list[str]
    copied: bool


@dataclass(slots=True, kw_only=True)
class _Parser:
    """Follows a dump piece by piece and finds the rows of the tables that are wanted."""

    object: str
    wanted: frozenset[str] | None  # None: every table
    defined: dict[str, list[str]] = field(default_factory=dict)
    types: dict[str, dict[str, str]] = field(default_factory=dict)
    open: _Open | None = None

    def feed(self, text: str, *, last: bool) -> tuple[int, list[_Rows]]:
        """Return how much of ``text`` is done with, and the rows in that part."""
        found: list[_Rows] = []
        at = 0
        while True:
            if self.open is not None:
                at, rows = self._rows(text, at, self.open, last=last)
                found.append(rows)
                if self.open is not None:
                    return at, found
            head = _HEAD.search(text, at)
            if head is None:
                return (len(text) if last else max(at, len(text) - _HEAD_CHARS_MAX)), found
            if head.end() == len(text) and not last:
                return max(at, head.start()), found
            at = head.end()
            self._begin(head)

    def _begin(self, head: re.Match[str]) -> None:
        table, columns, copied, copy_columns, created, body = head.groups()
        if created:
            self.types[created.lower()] = types = _types(body)
            self.defined[created.lower()] = list(types)
        elif copied and (self.wanted is None or copied in self.wanted):
            self.open = _Open(copied, _listed(copy_columns), copied=True)
        elif table and (self.wanted is None or table in self.wanted):
            self.open = _Open(table, _listed(columns or "") or self.defined.get(table.lower(), []), copied=False)

    def _rows(self, text: str, at: int, statement: _Open, *, last: bool) -> tuple[int, _Rows]:
        rows: list[list[_Cell]] = []
        follow = self._copied_row if statement.copied else self._inserted_row
        while self.open is not None:
            step = follow(text, at, last=last)
            if step is None:
                if last or len(text) - at > LINE_CHARS_MAX:
                    raise NotRewritable(object_path=self.object, why=_LOST)
                break
            at, cells = step
            if cells:
                rows.append(cells)
        width = max((len(row) for row in rows), default=0)
        titles = statement.columns if len(statement.columns) == width else None
        return at, _Rows(statement.table, column_names(titles, width), statement.copied, rows)

    def _inserted_row(self, text: str, at: int, *, last: bool) -> tuple[int, list[_Cell]] | None:
        opens = _ROW_OPENS.match(text, at)
        place = opens.end() if opens else at
        cells: list[_Cell] = []
        while opens:
            found = _CELL.match(text, place)
            if found is None:
                return None
            cells.append(_Cell(len(cells), found.start(1), found.start(1) + len(found.group(1).rstrip())))
            place = found.end()
            if found.group(2) == ")":
                break
        ends = _ROW_ENDS.match(text, place)
        if ends is None or not opens:
            if last and opens and not text[place:].strip():
                self.open = None
                return place, cells
            return None
        if ends.group(1) != ",":
            self.open = None
        return ends.end(), cells

    def _copied_row(self, text: str, at: int, *, last: bool) -> tuple[int, list[_Cell]] | None:
        del last  # every line of COPY has an end, the last one too
        end = text.find("\n", at)
        if end < 0:
            return None
        line = text[at:end].removesuffix("\r")
        if line == "\\.":
            self.open = None
            return end + 1, []
        cells: list[_Cell] = []
        place = at
        for part in line.split("\t"):
            cells.append(_Cell(len(cells), place, place + len(part)))
            place += len(part) + 1
        return end + 1, cells


def read(stream: BinaryIO, source: PlanSource, *, batch_rows: int) -> Iterator[Grid]:
    """Yield the rows of table ``source.table``: its subject and planned columns; the first grid always comes."""
    first = 0
    for text, found in _parsed(_open(stream, source), source.object, frozenset({source.table})):
        for rows in found:
            for start in range(0, len(rows.rows), batch_rows):
                part = rows.rows[start : start + batch_rows]
                columns = tuple(_values(text, part, at, rows) for at in range(len(rows.names)))
                yield Grid(row=first, names=rows.names, columns=columns)
                first += len(part)
    if not first:
        yield Grid(row=0, names=(), columns=())


def tables(stream: BinaryIO, source: PlanSource) -> list[tuple[str, Grid]]:
    """Return each table of the dump with its first rows."""
    found: dict[str, Grid] = {}
    for text, statements in _parsed(_open(stream, source), source.object, None):
        for rows in statements:
            if rows.table not in found and rows.rows:
                part = rows.rows[:_SAMPLE_ROWS]
                columns = tuple(_values(text, part, at, rows) for at in range(len(rows.names)))
                found[rows.table] = Grid(row=0, names=rows.names, columns=columns)
    return list(found.items())


def declared(stream: BinaryIO, source: PlanSource) -> dict[str, str]:
    """Return each column's type as the dump's CREATE TABLE of ``source.table`` says it; nothing if it says none."""
    parser = _Parser(object=source.object, wanted=frozenset())
    rest = ""
    for chunk in _open(stream, source).chunks():
        rest += chunk
        done, _ = parser.feed(rest, last=False)
        rest = rest[done:]
        if source.table.lower() in parser.types:
            break
    else:
        parser.feed(rest, last=True)
    return parser.types.get(source.table.lower(), {})


def rewrite(stream: BinaryIO, target: BinaryIO, sources: tuple[PlanSource, ...], shield: Shield) -> None:
    """Write the dump with planned columns replaced, and what its text still holds as the text's own source says."""
    plans = {source.table: source for source in sources if source.table}
    text = _open(stream, sources[0])
    target.write(text.mark)
    running = next((source for source in sources if source.is_text), sources[0])
    pieces = (
        _replaced(piece, found, plans, shield) for piece, found in _parsed(text, running.object, frozenset(plans))
    )
    plaintext.rewrite_pieces(pieces, target, running, shield)


def _open(stream: BinaryIO, source: PlanSource) -> TextStream:
    return TextStream(stream, encoding=source.encoding, object_path=source.object)


def _parsed(text: TextStream, object_path: str, wanted: frozenset[str] | None) -> Iterator[tuple[str, list[_Rows]]]:
    """Yield the dump in pieces with the rows in each."""
    parser = _Parser(object=object_path, wanted=wanted)
    rest = ""
    for chunk in text.chunks():
        rest += chunk
        done, found = parser.feed(rest, last=False)
        if done:
            yield rest[:done], found
            rest = rest[done:]
    done, found = parser.feed(rest, last=True)
    yield rest, found


def _values(text: str, rows: list[list[_Cell]], at: int, kind: _Rows) -> list[str | None]:
    raws = [text[row[at].start : row[at].stop] if at < len(row) else None for row in rows]
    return [None if raw is None else _value(raw, copied=kind.copied) for raw in raws]


def _replaced(text: str, found: list[_Rows], plans: dict[str, PlanSource], shield: Shield) -> str:
    fresh: list[tuple[int, int, str]] = []
    for rows in found:
        source = plans[rows.table]
        for at, name in enumerate(rows.names):
            whole = whole_field(source.fields, name)
            if whole is None or name == source.subject:
                continue
            before = _values(text, rows.rows, at, rows)
            for row, old, new in zip(rows.rows, before, shield.cells(whole, before), strict=True):
                if old is not None and new != old:
                    start, stop = row[at].start, row[at].stop
                    fresh.append((start, stop, _raw(text[start:stop], new, copied=rows.copied)))
    parts: list[str] = []
    done = 0
    for start, stop, raw in sorted(fresh):
        parts += [text[done:start], raw]
        done = stop
    return "".join([*parts, text[done:]])


def _value(raw: str, *, copied: bool) -> str | None:
    if copied:
        return None if raw == "\\N" else _ESCAPE.sub(lambda found: found.group(1) or "''", raw)
    if raw.upper() == "NULL":
        return None
    literal = _LITERAL.fullmatch(raw)
    return raw if literal is None else _ESCAPE.sub(lambda found: found.group(1) or "'", literal.group(2))


def _raw(old: str, new: str | None, *, copied: bool) -> str:
    """Return how ``new`` (a token, or nothing) is written where ``old`` stood."""
    if new is None:
        return "\\N" if copied else "NULL"
    if copied:
        return new
    literal = _LITERAL.fullmatch(old)
    if literal is None and new.isdigit():
        return new
    prefix = literal.group(1) if literal else ""
    return f"{prefix}'{new.replace(chr(39), chr(39) * 2)}'"


def _listed(text: str) -> list[str]:
    return [name.strip().strip('`"[]') for name in text.split(",") if name.strip()]


def _types(body: str) -> dict[str, str]:
    """Return the columns of a CREATE TABLE's body and what is declared of each."""
    found = [(named.group(1), part[named.end() - 1 :]) for part in _parts(body) if (named := _DEFINED.match(part))]
    return {name: declared for name, declared in found if name.lower() not in _NOT_COLUMNS}


def _parts(body: str) -> Iterator[str]:
    """Yield what stands between the commas outside of brackets."""
    depth = start = 0
    quoted = False
    for at, char in enumerate(body):
        quoted ^= char == "'"
        if quoted:
            continue
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            yield body[start:at]
            start = at + 1
    yield body[start:]
