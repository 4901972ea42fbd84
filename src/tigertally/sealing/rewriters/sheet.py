"""The XML of one worksheet: cells out, and the same XML back with other cells.

Works on the text of the part (ECMA-376 part 1 §18.3), not on a model of it, so that styles, widths, filters and
whatever else a sheet holds stay as they are. A cell that is replaced keeps its place and style and loses its formula.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

_NUMBER_MAX: Final = 2**53  # beyond this a spreadsheet's number is not exact

_ROW: Final = re.compile(r"<((?:\w+:)?)row\b[^>]*?(?:/>|>(.*?)</\1row>)", re.DOTALL)
_ITEM: Final = re.compile(r"<((?:\w+:)?)si\b[^>]*?(?:/>|>.*?</\1si>)", re.DOTALL)
_CELL: Final = re.compile(r"<((?:\w+:)?)c\b([^>]*?)(?:/>|>(.*?)</\1c>)", re.DOTALL)
_TYPE: Final = re.compile(r'\bt="(\w+)"')
_REFERENCE: Final = re.compile(r'\br="([A-Z]{1,3})\d+"')
_VALUE: Final = re.compile(r"<(?:\w+:)?v\b[^>]*>([^<]*)</")
_FORMULA: Final = re.compile(r"<((?:\w+:)?)f\b[^>]*?(?:/>|>[^<]*</\1f>)")
_TEXT: Final = re.compile(r"<(?:\w+:)?t\b[^>]*?(?:/>|>([^<]*)</)")
_PHONETIC: Final = re.compile(r"<((?:\w+:)?)rPh\b.*?</\1rPh>", re.DOTALL)
_DATA: Final = re.compile(r"<((?:\w+:)?)sheetData\s*(?:/>|>(.*)</\1sheetData>)", re.DOTALL)


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
    found = _DATA.search(text)
    return found.span(2) if found and found.group(2) is not None else (0, 0)


def rows_of(text: str, start: int, stop: int, shared: SharedStrings) -> Iterator[list[SheetCell]]:
    """Yield the cells of each row between ``start`` and ``stop``. A bad shared string index raises ``ValueError``."""
    for row in _ROW.finditer(text, start, stop):
        cells: list[SheetCell] = []
        if row.group(2) is not None:
            for found in _CELL.finditer(text, *row.span(2)):
                reference = _REFERENCE.search(found.group(2))
                column = _column(reference.group(1)) if reference else len(cells)
                content, index = _content(found.group(2), found.group(3) or "", shared)
                cells.append(SheetCell(found.start(), found.end(), column, content, index))
        yield cells


def strings_of(text: str) -> SharedStrings:
    """Return the strings of a shared string part, phonetic guides left out of the texts."""
    items = [found.group() for found in _ITEM.finditer(text)]
    return SharedStrings([shown(item) for item in items], items)


def shown(xml: str) -> str:
    """Return the text that a string item shows."""
    return html.unescape("".join(_TEXT.findall(_PHONETIC.sub("", xml))))


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
        return shown(body) or None, -1
    value = _VALUE.search(body)
    if value is None or word in {"b", "e"}:
        return None, -1
    if word == "s":
        index = int(value.group(1))
        if not 0 <= index < len(shared.texts):
            raise ValueError("no such shared string")
        return shared.texts[index] or None, index
    return html.unescape(value.group(1)) or None, -1


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
