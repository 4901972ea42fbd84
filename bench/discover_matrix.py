"""Forms × carriers: in how many of 100 cells of each kind a card is found, sure or at all; ``make bench ONLY=matrix``.

A form is how a number is written, a carrier what the text lies in. Prints the whole table: ``100`` is found as certain
or likely, ``·`` is a form that the carrier cannot hold, anything else is a gap. The row that it returns is the share
of the pairs in which every card is found.
"""

from __future__ import annotations

import base64
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote, quote_plus

import numpy as np
import openpyxl

from tigertally.base.clock import SystemClock
from tigertally.base.fields import FieldClass
from tigertally.discovery import Confidence, scan
from tigertally.testing import numbers

_CARDS = 100
Row = dict[str, str | float]


def grouped(card: str, separator: str) -> str:
    """Return a card in groups of four."""
    return separator.join(card[start : start + 4] for start in range(0, len(card), 4))


def wide(text: str) -> str:
    """Return text in full-width digits."""
    return text.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})


FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda card: card,
    "blanks": lambda card: grouped(card, " "),
    "dashes": lambda card: grouped(card, "-"),
    "dots": lambda card: grouped(card, "."),
    "no-break": lambda card: grouped(card, "\u00a0"),
    "thin": lambda card: grouped(card, "\u2009"),
    "wide blanks": lambda card: grouped(card, "\u3000"),
    "en dashes": lambda card: grouped(card, "\u2013"),
    "full width": wide,
    "wide groups": lambda card: wide(grouped(card, "\u3000")),
    "zero width": lambda card: grouped(card, "\u200b"),
    "glued to Han": lambda card: f"卡号{card}金额",
    "date beside": lambda card: f"2024-07-16 {card} 100.00",
    "URL": lambda card: f"/pay?q=a%3D{card}%26b",
    "URL blanks": lambda card: "/pay?q=" + quote(grouped(card, " ")),
    "form": lambda card: "q=" + quote_plus(grouped(card, " ")) + "&r=1",
    "JSON escape": lambda card: json.dumps({"a": f"卡{card}\n"}),
}


def _lines(cells: list[str]) -> str:
    return "".join(f"INFO pay card: {cell} ok\n" for cell in cells)


def _markup(cells: list[str]) -> str:
    return "<html>" + "".join(f"<p>card: <b>{cell[:9]}</b><i>{cell[9:]}</i></p>" for cell in cells) + "</html>"


def _workbook(cells: list[str]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["序号", "备注"])
    for index, cell in enumerate(cells):
        sheet.append([index, cell])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _zip(cells: list[str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/a.log", _lines(cells))
    return buffer.getvalue()


def _docx(cells: list[str]) -> bytes:
    kind = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    runs = "".join(
        "<w:p>" + "".join(f"<w:r><w:t>{_escaped(part)}</w:t></w:r>" for part in (cell[:7], cell[7:])) + "</w:p>"
        for cell in cells
    )
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Override PartName="/word/document.xml"'
        ' ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("word/document.xml", f'<w:document xmlns:w="{kind}"><w:body>{runs}</w:body></w:document>')
    return buffer.getvalue()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _mail(cells: list[str], *, encoding: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "list"
    message.set_content(_lines(cells), cte=encoding)
    return message.as_bytes()


CARRIERS: dict[str, Callable[[list[str]], bytes]] = {
    "a.log": lambda cells: _lines(cells).encode(),
    "gbk.txt": lambda cells: _lines(cells).encode("gb18030"),
    "utf16.txt": lambda cells: _lines(cells).encode("utf-16"),
    "a.csv": lambda cells: ("n,备注\n" + "".join(f'{n},"{_csv(cell)}"\n' for n, cell in enumerate(cells))).encode(),
    "a.jsonl": lambda cells: "".join(json.dumps({"card": {"no": cell}}) + "\n" for cell in cells).encode(),
    "a.sql": lambda cells: "".join(f"INSERT INTO t VALUES ({n},'{c}');\n" for n, c in enumerate(cells)).encode(),  # noqa: S608
    "a.xlsx": _workbook,
    "a.html": lambda cells: _markup(cells).encode(),
    "a.docx": _docx,
    "b64.eml": lambda cells: _mail(cells, encoding="base64"),
    "qp.eml": lambda cells: _mail(cells, encoding="quoted-printable"),
    "a.zip": _zip,
    "b64.txt": lambda cells: base64.encodebytes(_lines(cells).encode()),
}


def _csv(cell: str) -> str:
    return cell.replace('"', '""')


def rows() -> list[Row]:
    """Return the row of this bench, and print the table."""
    cards = numbers.card_numbers(np.random.default_rng(5), _CARDS)
    whole = 0
    print("form".ljust(14) + "".join(name.rjust(10) for name in CARRIERS))
    with tempfile.TemporaryDirectory() as folder:
        for form, write in FORMS.items():
            line = form.ljust(14)
            for carrier, wrap in CARRIERS.items():
                found = _found(Path(folder), carrier, wrap([write(card) for card in cards]))
                whole += found == _CARDS
                line += str(found).rjust(10)
            print(line)
    pairs = len(FORMS) * len(CARRIERS)
    return [
        {
            "name": "discover matrix: pairs of form and carrier with every card found",
            "value": whole,
            "unit": "pairs",
            "peer": "all pairs",
            "peer_value": pairs,
            "ratio": round(whole / pairs, 3),
        }
    ]


def _found(folder: Path, name: str, data: bytes) -> int:
    path = folder / name
    path.write_bytes(data)
    findings = scan(path, clock=SystemClock()).findings
    path.unlink()
    sure = (one for one in findings if one.field is FieldClass.PAN and one.tier is not Confidence.POSSIBLE)
    return min(sum(one.distinct for one in sure), _CARDS)
