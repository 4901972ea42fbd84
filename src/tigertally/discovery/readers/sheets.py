"""Spreadsheets (XLSX, XLSB, XLS, ODS): each sheet is a table, its cells read by calamine in a child process.

A zip's limits are checked before a parser sees it. A workbook too large to be opened in memory is read as its XML
members instead. A spreadsheet keeps 15 digits of a number; longer card numbers typed as numbers are destroyed, and a
column of them is reported as damaged. The first row that is not a title names the columns
(:mod:`tigertally.discovery.headers`). What stands around the cells (comments, properties, drawings, and where links
lead to) is scanned as text.
"""

from __future__ import annotations

import html
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import BinaryIO, Final
from urllib.parse import unquote

from tigertally.base.text import Text
from tigertally.discovery.core import ascii_digits
from tigertally.discovery.evidence import TextEvidence
from tigertally.discovery.inventory import IN_TEXT, Finding, Kind
from tigertally.discovery.parsers.frames import Task
from tigertally.discovery.readers.documents import read_parsed
from tigertally.discovery.readers.stream import Outcome, Source
from tigertally.discovery.readers.text import scan_text

SHEET_BYTES_MAX: Final = 256 * 1024 * 1024  # of XML, unfolded

_AROUND_BROKEN: Final = Text("批注或链接无法读取", "comments or links cannot be read")
_AROUND: Final = re.compile(
    r"(?:.*/)?_rels/[^/]*\.rels|docProps/[^/]+\.xml|meta\.xml|xl/(?:comments|threadedComments|drawings).*\.xml"
)
_TARGET: Final = re.compile(r"""\bTarget\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_ENDS: Final = re.compile(
    r"</(?:a:p|xdr:\w+|comment|[\w:]*title|[\w:]*creator|[\w:]*keywords|text|dc:\w+|cp:\w+|vt:\w+)>"
)
_MARKUP: Final = re.compile(r"<[^<>]*>")


def read_sheets(source: Source, kind: Kind, *, key: int, advance: Callable[[int], None]) -> Outcome:
    """Scan the cells of every sheet. Raises :class:`Unreadable` if the workbook cannot be opened."""
    outcome = read_parsed(source, Task.BOOK, kind, key=key, advance=advance)
    if kind is not Kind.XLS:
        with source.open() as stream:
            outcome.findings += _around(stream, source.name, key, outcome)
    return outcome


def _around(stream: BinaryIO, object_: str, key: int, outcome: Outcome) -> list[Finding]:
    """Return what lies in comments, properties and the targets of links, as running text."""
    evidence = TextEvidence(key=key)
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            for member in archive.infolist():
                if not _AROUND.fullmatch(member.filename):
                    continue
                with archive.open(member) as part:
                    text = part.read(SHEET_BYTES_MAX).decode("utf-8", "replace")
                if member.filename.endswith(".rels"):
                    text = "\n".join(unquote(one[1] or one[2]) for one in _TARGET.finditer(text))
                else:
                    text = _MARKUP.sub("", _ENDS.sub("\n", text))
                scan_text(evidence, ascii_digits(html.unescape(text).encode("utf-8", "replace")))
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError, ValueError):
        outcome.weaken(_AROUND_BROKEN)
    return evidence.finish(name=object_, place=IN_TEXT, cells=0)
