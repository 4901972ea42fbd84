"""XLSX: rows of a sheet out, and the same workbook back with other cells.

Invariants:

1. every part of the package is one this room understands, else the workbook is refused: pivot caches, charts,
   embedded objects and pictures hold copies of cells that nobody would replace;
2. a shared string that no remaining cell shows is emptied, so no value stays behind in the table;
3. comments, drawings, formulas, filters and names are searched for leaks like any text;
4. links out of the workbook lose their targets, screen tips and shown addresses: they say whom they are for;
5. XML that :mod:`~tigertally.sealing.rewriters.sheet` does not understand is refused;
6. the calculation chain is dropped (a spreadsheet rebuilds it), because replaced cells lose their formulas.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import BinaryIO, Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from tigertally.base.text import Text
from tigertally.discovery import column_names
from tigertally.sealing.errors import NotRewritable, SourceNotReadable
from tigertally.sealing.plan import PlanSource
from tigertally.sealing.rewriters import sheet
from tigertally.sealing.rewriters.grid import HEADER_ROWS_MAX, Grid, header_at
from tigertally.sealing.rewriters.sheet import SharedStrings, SheetCell
from tigertally.sealing.rewriters.shield import UNPLANNED, Shield, span_actions, whole_field

PART_BYTES_MAX: Final = 256 * 1024 * 1024
STRINGS_PART: Final = "xl/sharedStrings.xml"
CHAIN_PART: Final = "xl/calcChain.xml"

_KNOWN_PARTS: Final = re.compile(
    r"\[Content_Types\]\.xml|(?:.*/)?_rels/[^/]*\.rels|docProps/(?:app|core|custom)\.xml|xl/workbook\.xml"
    r"|xl/(?:styles|sharedStrings|calcChain|metadata)\.xml|xl/theme/[^/]+\.xml|xl/worksheets/[^/]+\.xml"
    r"|xl/(?:tables|threadedComments|persons)/[^/]+\.xml|xl/comments[^/]*\.xml|xl/comments/[^/]+\.xml"
    r"|xl/drawings/[^/]+\.(?:xml|vml)|xl/printerSettings/[^/]+\.bin"
)
_VERBATIM_PARTS: Final = re.compile(
    r"\[Content_Types\]\.xml|xl/styles\.xml|xl/theme/[^/]+\.xml|xl/printerSettings/[^/]+\.bin"
)
_RELATIONSHIP: Final = re.compile(r"<(?:\w+:)?Relationship\b[^<>]*>")
_EXTERNAL: Final = re.compile(r"""\bTargetMode\s*=\s*["']External["']""")
_TARGET: Final = re.compile(r"""\bTarget\s*=\s*(?:"[^"]*"|'[^']*')""")
_HYPERLINK: Final = re.compile(r"<(?:\w+:)?hyperlink\b[^<>]*>")
_SHOWN: Final = re.compile(r"""\s(?:display|tooltip)\s*=\s*(?:"[^"]*"|'[^']*')""")
_NOWHERE: Final = 'Target="about:blank"'
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_UNKNOWN_PART: Final = Text("工作簿含有无法改写的部件", "the workbook has a part that cannot be rewritten")
_STRANGE_XML: Final = Text("工作簿的 XML 写法无法确认", "the workbook's XML is written in a way that cannot be judged")
_LARGE_PART: Final = Text("工作簿的部件过大", "a part of the workbook is too large")


@dataclass(slots=True, kw_only=True)
class _Book:
    """An open package: its members' bytes are read on demand; sheets by name."""

    archive: zipfile.ZipFile
    object: str
    sheets: dict[str, str]
    strings: SharedStrings
    has_strings: bool
    used: set[int] = field(default_factory=set)
    added: dict[str, int] = field(default_factory=dict, repr=False)

    def index_of(self, text: str) -> int:
        """Return the shared string index of a new text; -1 if the workbook has no table of them."""
        if not self.has_strings:
            return -1
        return self.added.setdefault(text, len(self.strings.texts) + len(self.added))


def read(stream: BinaryIO, source: PlanSource, *, batch_rows: int) -> Iterator[Grid]:
    """Yield the rows of sheet ``source.table`` under its header; the first grid always comes."""
    with _understood(source.object), zipfile.ZipFile(stream) as archive:
        book = _open(archive, source.object)
        part = book.sheets.get(source.table)
        if part is None:
            raise SourceNotReadable(object=source.object)
        text = _text(book, part)
        rows = sheet.rows_of(text, *sheet.data_of(text), book.strings)
        top = list(islice(rows, HEADER_ROWS_MAX))
        at, names, left = _header(top, source)
        first = 0
        body = chain(top[at + 1 :], rows)
        while batch := list(islice(body, batch_rows)):
            yield _grid(first, names, left, batch)
            first += len(batch)
        if not first:
            yield _grid(0, names, left, [])


def rewrite(
    stream: BinaryIO, target: BinaryIO, sources: tuple[PlanSource, ...], shield: Shield, *, batch_rows: int
) -> None:
    """Write the workbook with planned cells of each sheet replaced and everything else searched for leaks."""
    plans = {source.table: source for source in sources}
    object_path = sources[0].object
    with (
        _understood(object_path),
        zipfile.ZipFile(stream) as archive,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out,
    ):
        book = _open(archive, object_path)
        names = {part: name for name, part in book.sheets.items()}
        for info in archive.infolist():
            if info.filename in (STRINGS_PART, CHAIN_PART) or info.is_dir():
                continue
            if info.filename in names:
                name = names[info.filename]
                empty = PlanSource(object=object_path, kind="xlsx", table=name)
                fresh = _sheet(book, info.filename, plans.get(name, empty), shield, batch_rows=batch_rows).encode()
            else:
                fresh = _other_part(book, info.filename, shield)
            out.writestr(_same(info), fresh)
        if book.has_strings:
            out.writestr(_same(archive.getinfo(STRINGS_PART)), _strings_xml(book).encode())


@contextmanager
def _understood(object_path: str) -> Iterator[None]:
    try:
        yield
    except sheet.NotUnderstood:
        raise NotRewritable(object_path=object_path, why=_STRANGE_XML) from None


def _open(archive: zipfile.ZipFile, object_path: str) -> _Book:
    """Return the package if this room understands all of it (invariant 1)."""
    book = _Book(
        archive=archive,
        object=object_path,
        sheets={},
        strings=SharedStrings([], []),
        has_strings=STRINGS_PART in archive.namelist(),
    )
    for info in archive.infolist():
        if not info.is_dir() and not _KNOWN_PARTS.fullmatch(info.filename):
            raise NotRewritable(object_path=object_path, why=_UNKNOWN_PART)
        if info.file_size > PART_BYTES_MAX:
            raise NotRewritable(object_path=object_path, why=_LARGE_PART)
    targets = {one.get("Id", ""): one.get("Target", "") for one in _tree(book, "xl/_rels/workbook.xml.rels")}
    for one in _tree(book, "xl/workbook.xml").iter():
        if one.tag.rpartition("}")[2] == "sheet":
            target = targets.get(one.get(_RELATION, ""), "")
            book.sheets[one.get("name", "")] = posixpath.normpath(posixpath.join("xl", target)).lstrip("/")
    if book.has_strings:
        book.strings = sheet.strings_of(_text(book, STRINGS_PART))
    return book


def _text(book: _Book, part: str) -> str:
    """Return the text of a part, bounded; a document type declaration is refused (nothing of ours has one)."""
    try:
        with book.archive.open(part) as member:
            data = member.read(PART_BYTES_MAX + 1)
        text = data.decode("utf-8-sig")
    except (KeyError, OSError, RuntimeError, NotImplementedError, UnicodeError, zipfile.BadZipFile, zlib.error):
        raise SourceNotReadable(object=book.object) from None
    if len(data) > PART_BYTES_MAX:
        raise NotRewritable(object_path=book.object, why=_LARGE_PART)
    if "<!DOCTYPE" in text[:4096]:
        raise SourceNotReadable(object=book.object)
    return text


def _tree(book: _Book, part: str) -> ET.Element:
    try:
        return ET.fromstring(_text(book, part))  # noqa: S314 - no document type gets here
    except ET.ParseError:
        raise SourceNotReadable(object=book.object) from None


def _header(top: list[list[SheetCell]], source: PlanSource) -> tuple[int, tuple[str, ...], int]:
    """Return which of the top rows is the header (-1: none), the column names, and the first column (0 = A)."""
    filled = [cell.column for row in top for cell in row if cell.content is not None]
    if not filled:
        return -1, (), 0
    left, width = min(filled), max(filled) - min(filled) + 1
    titles: list[list[str]] = []
    for row in top:
        cells = {cell.column: (cell.content or "").strip() for cell in row}
        titles.append([cells.get(left + at, "") for at in range(width)])
    if not source.header:
        return -1, column_names(None, width), left
    at = header_at(titles, source)
    return at, column_names(titles[at], width), left


def _grid(first: int, names: tuple[str, ...], left: int, rows: list[list[SheetCell]]) -> Grid:
    columns: list[list[str | None]] = [[None] * len(rows) for _ in names]
    for at, row in enumerate(rows):
        for cell in row:
            if 0 <= cell.column - left < len(columns):
                columns[cell.column - left][at] = cell.content
    return Grid(row=first, names=names, columns=tuple(columns))


def _sheet(book: _Book, part: str, source: PlanSource, shield: Shield, *, batch_rows: int) -> str:
    text = _text(book, part)
    start, stop = sheet.data_of(text)
    rows = sheet.rows_of(text, start, stop, book.strings)
    top = list(islice(rows, HEADER_ROWS_MAX))
    at, names, left = _header(top, source)
    pieces = [_searched(text[:start], shield)]
    done = start
    if above := [cell for row in top[: at + 1] for cell in row]:
        fresh = shield.spans([cell.content or "" for cell in above], UNPLANNED)
        pieces.append(_spliced(book, text, done, above, fresh))
        done = above[-1].stop
    body = chain(top[at + 1 :], rows)
    while batch := list(islice(body, batch_rows)):
        if cells := [cell for row in batch for cell in row]:
            pieces.append(_cells(book, text, done, cells, names, left, source, shield))
            done = cells[-1].stop
    tail = _HYPERLINK.sub(lambda found: _SHOWN.sub("", found.group()), text[stop:])
    return "".join([*pieces, text[done:stop], _searched(tail, shield)])


def _cells(
    book: _Book,
    text: str,
    done: int,
    batch: list[SheetCell],
    names: tuple[str, ...],
    left: int,
    source: PlanSource,
    shield: Shield,
) -> str:
    """Return the XML from ``done`` to the end of the last cell of ``batch``, with cells replaced column by column."""
    after: dict[int, str | None] = {}
    for column in sorted({cell.column for cell in batch}):
        mine = [cell for cell in batch if cell.column == column]
        at = column - left
        name = names[at] if 0 <= at < len(names) else f"#{at + 1}"
        before = [cell.content for cell in mine]
        became = _column(before, name, source, shield)
        after.update(zip([cell.start for cell in mine], became, strict=True))
    fresh = _spliced(book, text, done, batch, [after[cell.start] for cell in batch])
    return _without_leaks_in_formulas(fresh, shield)


def _spliced(book: _Book, text: str, done: int, cells: list[SheetCell], after: Sequence[str | None]) -> str:
    """Return the XML from ``done`` to the end of the last cell, with changed cells written anew."""
    pieces: list[str] = []
    for cell, new in zip(cells, after, strict=True):
        if cell.content is None or new == cell.content:
            book.used.update([cell.shared] if cell.shared >= 0 else [])
            continue
        index = book.index_of(new) if new else -1
        pieces += [text[done : cell.start], sheet.with_content(text[cell.start : cell.stop], new or None, index)]
        done = cell.stop
    return "".join([*pieces, text[done : cells[-1].stop]])


def _column(before: list[str | None], name: str, source: PlanSource, shield: Shield) -> list[str | None]:
    whole = whole_field(source.fields, name)
    if whole is not None:
        return shield.cells(whole, before)
    texts = [content or "" for content in before]
    if name == source.subject:
        return [*shield.subjects(texts)]
    if any(one.name == name for one in source.fields):
        return [*shield.spans(texts, span_actions(source.fields, name))]
    return [*shield.unplanned(texts)]


def _without_leaks_in_formulas(text: str, shield: Shield) -> str:
    places = sheet.formulas_of(text)
    if not places:
        return text
    fresh = shield.spans([text[start:stop] for start, stop in places], UNPLANNED)
    pieces: list[str] = []
    done = 0
    for (start, stop), formula in zip(places, fresh, strict=True):
        pieces += [text[done:start], formula]
        done = stop
    return "".join([*pieces, text[done:]])


def _other_part(book: _Book, part: str, shield: Shield) -> bytes:
    if part.endswith(".bin"):
        with book.archive.open(part) as member:
            return member.read(PART_BYTES_MAX)
    text = _text(book, part)
    if part == "[Content_Types].xml":
        text = re.sub(r'<Override\b[^>]*PartName="/xl/calcChain\.xml"[^>]*/>', "", text)
    if part == "xl/_rels/workbook.xml.rels":
        text = re.sub(r'<Relationship\b[^>]*Target="(?:/xl/)?calcChain\.xml"[^>]*/>', "", text)
    if part.endswith(".rels"):
        text = _RELATIONSHIP.sub(lambda found: _without_target(found.group()), text)
    return (text if _VERBATIM_PARTS.fullmatch(part) else _searched(text, shield)).encode()


def _without_target(relationship: str) -> str:
    return _TARGET.sub(_NOWHERE, relationship) if _EXTERNAL.search(relationship) else relationship


def _searched(text: str, shield: Shield) -> str:
    return shield.spans([text], UNPLANNED)[0]


def _strings_xml(book: _Book) -> str:
    """Return the string table: what cells still show, empty items for the rest, and the new texts (invariant 2)."""
    text = _text(book, STRINGS_PART)
    opening = re.search(r"<((?:\w+:)?)sst\b([^>]*?)/?>", text)
    if opening is None:
        raise SourceNotReadable(object=book.object)
    prefix = opening.group(1)
    attributes = re.sub(r'\s(?:count|uniqueCount)="\d*"', "", opening.group(2))
    kept = [
        item if at in book.used else f"<{prefix}si><{prefix}t/></{prefix}si>"
        for at, item in enumerate(book.strings.items)
    ]
    new = [f'<{prefix}si><{prefix}t xml:space="preserve">{escape(one)}</{prefix}t></{prefix}si>' for one in book.added]
    return "".join(
        [
            text[: opening.start()],
            f'<{prefix}sst{attributes} uniqueCount="{len(kept) + len(new)}">',
            *kept,
            *new,
            f"</{prefix}sst>",
        ]
    )


def _same(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(info.filename, info.date_time)
    made.compress_type = zipfile.ZIP_DEFLATED
    made.external_attr = info.external_attr
    return made
