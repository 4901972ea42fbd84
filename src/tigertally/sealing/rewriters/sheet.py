"""The XML of one worksheet: cells out, and the same XML back with other cells.

Works on the text of the part (ECMA-376 part 1 §18.3), not on a model of it, so that styles, widths, filters and
whatever else a sheet holds stay as they are. A cell that is replaced keeps its place and style and loses its formula.

Invariant: what is not understood is refused (:class:`NotUnderstood`), never passed over, as it would be copied as it
stands: CDATA, comments, single-quoted attributes, anything between cells, and cells whose content cannot be told. Rows,
cells and strings are taken one after the other, so hostile XML costs no more time than its length.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

_NUMBER_MAX: Final = 2**53  # beyond this a spreadsheet's number is not exact

_TAG: Final = re.compile(r"\s*<((?:\w+:)?)(\w+)\b([^<>]*)>")
_STRANGE: Final = re.compile(r"<!|<\?(?!xml\s)|<[^<>=?]*(?:=\s*\"[^\"<>]*\"[^<>=]*)*=\s*'")
_PHONETICS_MAX: Final = 1_000  # in one string
_MARKUP: Final = re.compile(r"<[^<>]*>")
_FLAG_CHARS_MAX: Final = 16  # TRUE, 0, #DIV/0!, #GETTING_DATA
_CELL: Final = re.compile(r"<((?:\w+:)?)c\b([^>]*?)(?:/>|>(.*?)</\1c>)", re.DOTALL)
_TYPE: Final = re.compile(r'\bt="(\w+)"')
_REFERENCE: Final = re.compile(r'\br="([A-Z]{1,3})\d+"')
_VALUE: Final = re.compile(r"<(?:\w+:)?v\b[^>]*>([^<]*)</")
_FORMULA: Final = re.compile(r"<((?:\w+:)?)f\b[^>]*?(?:/>|>[^<]*</\1f>)")
_TABLE: Final = re.compile(r"<((?:\w+:)?)sst\b[^<>]*?(/?)>")
_TEXT: Final = re.compile(r"<(?:\w+:)?t\b[^>]*?(?:/>|>([^<]*)</)")
_PHONETIC: Final = re.compile(r"<((?:\w+:)?)rPh\b.*?</\1rPh>", re.DOTALL)
_DATA: Final = re.compile(r"<((?:\w+:)?)sheetData\b[^<>]*>")


class NotUnderstood(ValueError):  # noqa: N818 - told to nobody as such
    """XML that this room would have to guess at."""


@dataclass(frozen=True, slots=True)
class SheetCell:
    """One cell: where its XML stands, its column (0 = A), its content as text (``None``: empty, logical or error)."""

    start: int
    stop: int
    column: int
    content: str | None = field(repr=False)
    shared: int  # index of the shared string it shows, -1 if none


@dataclass(frozen=True, slots=True)
class SharedStrings:
    """The texts of the shared string table, and the XML of each."""

    texts: list[str] = field(repr=False)
    items: list[str] = field(repr=False)


def data_of(text: str) -> tuple[int, int]:
    """Return where the rows stand in a sheet's XML (start, stop); (0, 0) if it has none."""
    if _STRANGE.search(text):
        raise NotUnderstood
    found = _DATA.search(text)
    if found is None or found.group().endswith("/>"):
        if "sheetData" in text[found.end() if found else 0 :]:
            raise NotUnderstood
        return 0, 0
    stop = text.rfind(f"</{found.group(1)}sheetData>")
    if stop < found.end():
        raise NotUnderstood
    return found.end(), stop


def rows_of(text: str, start: int, stop: int, shared: SharedStrings) -> Iterator[list[SheetCell]]:
    """Yield the cells of each row between ``start`` and ``stop``. A bad shared string index raises ``ValueError``."""
    for row in _elements(text, start, stop, "row"):
        cells: list[SheetCell] = []
        for found in _elements(text, row.inside, row.close, "c"):
            reference = _REFERENCE.search(found.attributes)
            column = _column(reference.group(1)) if reference else len(cells)
            content, index = _content(found.attributes, text[found.inside : found.close], shared)
            cells.append(SheetCell(found.start, found.stop, column, content, index))
        yield cells


@dataclass(frozen=True, slots=True)
class _Element:
    """An element: from ``start`` to ``stop``, what is inside from ``inside`` to ``close``."""

    start: int
    inside: int
    close: int
    stop: int
    attributes: str = field(repr=False)


def _elements(text: str, start: int, stop: int, name: str) -> Iterator[_Element]:
    """Yield the elements called ``name`` that fill the text between ``start`` and ``stop``, nothing between them."""
    at = start
    while found := _TAG.match(text, at, stop):
        prefix, tag, attributes = found.groups()
        if tag != name:
            break
        begin = found.start(1) - 1
        if attributes.endswith("/"):
            at = found.end()
            yield _Element(begin, at, at, at, attributes[:-1])
            continue
        mark = f"</{prefix}{name}>"
        close = text.find(mark, found.end(), stop)
        if close < 0:
            raise NotUnderstood
        at = close + len(mark)
        yield _Element(begin, found.end(), close, at, attributes)
    if text[at:stop].strip():
        raise NotUnderstood


def strings_of(text: str) -> SharedStrings:
    """Return the strings of a shared string part, phonetic guides left out of the texts."""
    if _STRANGE.search(text):
        raise NotUnderstood
    table = _TABLE.search(text)
    if table is None:
        raise NotUnderstood
    if table.group(2):
        return SharedStrings([], [])
    stop = text.rfind(f"</{table.group(1)}sst>")
    items = [text[one.start : one.stop] for one in _elements(text, table.end(), stop, "si")]
    return SharedStrings([shown(item) for item in items], items)


def shown(xml: str) -> str:
    """Return the text that a string item shows."""
    if "rPh" in xml:
        if xml.count("rPh") > _PHONETICS_MAX:
            raise NotUnderstood
        xml = _PHONETIC.sub("", xml)
    return html.unescape("".join(_TEXT.findall(xml)))


def with_content(xml: str, content: str | None, index: int) -> str:
    """Return a cell's XML with new content: nothing, a number if it was one and can stay one, else text.

    Text is shared string ``index``, or stands in the cell itself if ``index`` is negative.
    """
    found = _CELL.match(xml)
    if found is None:
        raise ValueError("not a cell")
    prefix, attributes = found.group(1), found.group(2)
    was_number = _TYPE.search(attributes) is None or 't="n"' in attributes
    bare = _TYPE.sub("", attributes).rstrip()
    if content is None:
        return f"<{prefix}c{bare}/>"
    if was_number and content.isdigit() and not content.startswith("0") and int(content) < _NUMBER_MAX:
        return f"<{prefix}c{bare}><{prefix}v>{content}</{prefix}v></{prefix}c>"
    if index < 0:
        text = f"<{prefix}is><{prefix}t>{escape(content)}</{prefix}t></{prefix}is>"
        return f'<{prefix}c{bare} t="inlineStr">{text}</{prefix}c>'
    return f'<{prefix}c{bare} t="s"><{prefix}v>{index}</{prefix}v></{prefix}c>'


def formulas_of(text: str) -> list[tuple[int, int]]:
    """Return where formulas stand in a sheet's XML."""
    return [found.span() for found in _FORMULA.finditer(text)]


def _content(attributes: str, body: str, shared: SharedStrings) -> tuple[str | None, int]:
    kind = _TYPE.search(attributes)
    word = kind.group(1) if kind else "n"
    if word == "inlineStr":
        return _told(shown(body), body), -1
    value = _VALUE.search(body)
    if word in {"b", "e"}:
        if value is not None and len(value.group(1)) > _FLAG_CHARS_MAX:
            raise NotUnderstood
        return None, -1
    if value is None:
        return _told("", body), -1
    if word == "s":
        index = int(value.group(1))
        if not 0 <= index < len(shared.texts):
            raise ValueError("no such shared string")
        return shared.texts[index] or None, index
    return _told(html.unescape(value.group(1)), body), -1


def _told(content: str, body: str) -> str | None:
    """Return a cell's content, ``None`` if it is empty; if it only seems so, the cell is not understood."""
    if not content and body and _MARKUP.sub("", _FORMULA.sub("", body)).strip():
        raise NotUnderstood
    return content or None


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
