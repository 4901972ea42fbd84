"""A small XLSX writer whose bytes depend on its input only: no clock, fixed member order.

Writes what Excel itself writes for plain data (ECMA-376 part 1 §18): a shared string table, one sheet per name,
text cells as ``t="s"``, numbers as numbers, one bold style for the header row. For test data only.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

Cell = str | int | float | None

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
FIXED_DATE: Final = (2026, 3, 31, 9, 0, 0)
_STYLES: Final = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf fontId="0" xfId="0"/><xf fontId="1" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sheet: its name, the header row, and columns of equal length under it."""

    name: str
    header: tuple[str, ...]
    columns: tuple[list[Cell], ...]


def workbook(sheets: tuple[Sheet, ...]) -> bytes:
    """Return the bytes of an XLSX file with ``sheets``, in order."""
    shared: dict[str, int] = {}
    bodies = [_sheet_xml(sheet, shared) for sheet in sheets]
    members = [
        ("[Content_Types].xml", _content_types(len(sheets))),
        ("_rels/.rels", _relations([("rId1", "officeDocument", "xl/workbook.xml")])),
        ("xl/workbook.xml", _workbook_xml(sheets)),
        ("xl/_rels/workbook.xml.rels", _workbook_relations(len(sheets))),
        ("xl/styles.xml", _STYLES),
        ("xl/sharedStrings.xml", _shared_xml(shared)),
        *[(f"xl/worksheets/sheet{at}.xml", body) for at, body in enumerate(bodies, start=1)],
    ]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(zipfile.ZipInfo(name, FIXED_DATE), text.encode(), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _sheet_xml(sheet: Sheet, shared: dict[str, int]) -> str:
    letters = [chr(ord("A") + at) for at in range(len(sheet.header))]
    rows = [_row_xml(1, letters, sheet.header, shared, style=1)]
    for number, row in enumerate(zip(*sheet.columns, strict=True), start=2):
        rows.append(_row_xml(number, letters, row, shared, style=0))
    return f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'


def _row_xml(number: int, letters: list[str], row: tuple[Cell, ...], shared: dict[str, int], *, style: int) -> str:
    cells = []
    for letter, value in zip(letters, row, strict=True):
        if isinstance(value, str):
            index = shared.setdefault(value, len(shared))
            cells.append(f'<c r="{letter}{number}" s="{style}" t="s"><v>{index}</v></c>')
        elif value is not None:
            cells.append(f'<c r="{letter}{number}" s="{style}"><v>{value}</v></c>')
    return f'<row r="{number}">{"".join(cells)}</row>'


def _shared_xml(shared: dict[str, int]) -> str:
    items = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in shared)
    return f'{_HEAD}<sst xmlns="{_MAIN}" uniqueCount="{len(shared)}">{items}</sst>'


def _workbook_xml(sheets: tuple[Sheet, ...]) -> str:
    entries = "".join(
        f'<sheet name={quoteattr(sheet.name)} sheetId="{at}" r:id="rId{at}"/>' for at, sheet in enumerate(sheets, 1)
    )
    return f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{entries}</sheets></workbook>'


def _workbook_relations(count: int) -> str:
    sheets = [(f"rId{at}", "worksheet", f"worksheets/sheet{at}.xml") for at in range(1, count + 1)]
    rest = [(f"rId{count + 1}", "styles", "styles.xml"), (f"rId{count + 2}", "sharedStrings", "sharedStrings.xml")]
    return _relations(sheets + rest)


def _relations(entries: list[tuple[str, str, str]]) -> str:
    inner = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/{kind}" Target="{target}"/>' for key, kind, target in entries
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


def _content_types(count: int) -> str:
    parts = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    parts += [("/xl/sharedStrings.xml", "sharedStrings")]
    parts += [(f"/xl/worksheets/sheet{at}.xml", "worksheet") for at in range(1, count + 1)]
    inner = "".join(f'<Override PartName="{name}" ContentType="{_TYPE}.{kind}+xml"/>' for name, kind in parts)
    return (
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{inner}</Types>'
    )
