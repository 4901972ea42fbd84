"""What an object is, by its first bytes and its name. First bytes win over names; what is unknown is ``bytes``.

What is known but not opened is :mod:`tigertally.discovery.readers.opaque`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from tigertally.base.text import Text
from tigertally.discovery.encodings import Encoding, detect_encoding, to_utf8
from tigertally.discovery.inventory import Kind
from tigertally.discovery.readers.delimited import Layout, find_layout
from tigertally.discovery.readers.mail import looks_like_mail, looks_like_mbox
from tigertally.discovery.readers.opaque import OLE, why_opaque, without_order
from tigertally.discovery.readers.tars import is_tar

HEAD_BYTES: Final = 65_536
_DELIMITED: Final = frozenset({".csv", ".tsv", ".tab", ".psv"})
_MAYBE_DELIMITED: Final = frozenset({".txt", ".dat", ".out", ".export", ""})
_HTML: Final = frozenset({".html", ".htm", ".xhtml", ".mht", ".mhtml"})
_XML: Final = frozenset({".xml", ".xsd", ".xsl", ".rss", ".atom", ".svg", ".config", ".rdf", ".kml", ".xliff"})
_HTML_START: Final = re.compile(
    rb"(?i)\s*(?:<!--.{0,2000}?-->\s*)?(?:<!doctype html|<html[\s>]|<head[\s>]|<body[\s>])", re.DOTALL
)
_XML_START: Final = re.compile(rb"\s*<\?xml[\s]")
_PDF_WITHIN: Final = 1_024
_AGREE: Final = 0.5  # of the first lines, in a file that calls itself delimited
_AGREE_UNASKED: Final = 0.9
_SQL: Final = re.compile(
    rb"(?i)^\s*(?:insert into|create table|drop table|/\*!\d|begin transaction;|pragma |"
    rb"-- (?:mysql|mariadb|postgresql|sqlite) ?dump)",
    re.MULTILINE,
)
_OPENED: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"SQLite format 3\x00", Kind.SQLITE),
    (b"\x1f\x8b", Kind.GZIP),
    (b"BZh", Kind.BZIP2),
    (b"\xfd7zXZ\x00", Kind.XZ),
    (b"\x28\xb5\x2f\xfd", Kind.ZSTD),
    (b"7z\xbc\xaf\x27\x1c", Kind.SEVENZIP),
    (b"PAR1", Kind.PARQUET),
    (b"ORC", Kind.ORC),
    (b"ARROW1", Kind.ARROW),
    (b"{\\rtf", Kind.RTF),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
)
# Names that claim a format. Bytes that are no text and do not begin like it are a damaged file, or another one.
_CLAIMS: Final = {
    ".xlsx": "XLSX", ".xls": "XLS", ".docx": "DOCX", ".pptx": "PPTX", ".zip": "ZIP", ".gz": "gzip", ".tgz": "gzip",
    ".db": "SQLite", ".sqlite": "SQLite", ".sqlite3": "SQLite", ".pdf": "PDF", ".png": "PNG", ".jpg": "JPEG",
    ".jpeg": "JPEG", ".7z": "7z", ".rar": "RAR", ".parquet": "Parquet", ".pst": "PST", ".tar": "tar",
    ".ods": "ODS", ".odt": "ODT", ".msg": "MSG", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd", ".rtf": "RTF",
    ".duckdb": "DuckDB", ".xlsb": "XLSB",
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Sniffed:
    """Kind, encoding of text kinds, layout of delimited ones, and why more than its bytes cannot be seen, if so.

    ``ole``: a container of Microsoft's, whose kind its directory tells.
    """

    kind: Kind
    encoding: Encoding
    layout: Layout | None = None
    opaque: Text | None = None
    ole: bool = False


def sniff(name: str, head: bytes, *, whole: bool) -> Sniffed:
    """Return what an object called ``name`` is, from its first 64 KiB (``whole``: they are all of it)."""
    raw = Encoding(name="bytes", bom=b"", certain=False)
    kind = _by_magic(name, head)
    if kind is not None:
        return Sniffed(kind=kind, encoding=raw)
    opaque = why_opaque(head)
    if opaque is not None:
        return Sniffed(kind=Kind.BYTES, encoding=raw, opaque=opaque, ole=head.startswith(OLE))
    encoding = detect_encoding(head)
    if encoding.name == "bytes":
        claimed = _CLAIMS.get(PurePosixPath(name.lower()).suffix)
        opaque = _not_as_named(claimed) if claimed else without_order(head)
        return Sniffed(kind=Kind.BYTES, encoding=encoding, opaque=opaque)
    return _text_kind(name, head, encoding, whole=whole)


def _by_magic(name: str, head: bytes) -> Kind | None:
    """Return the kind of a file whose bytes say it."""
    for magic, kind in _OPENED:
        if head.startswith(magic):
            return kind
    if head[257:262] == b"ustar" or (name.lower().endswith(".tar") and is_tar(head)):
        return Kind.TAR
    if head[8:12] == b"DUCK":
        return Kind.DUCKDB
    return Kind.PDF if b"%PDF-" in head[:_PDF_WITHIN] else None


def _text_kind(name: str, head: bytes, encoding: Encoding, *, whole: bool) -> Sniffed:
    suffix = PurePosixPath(name.lower()).suffix
    text = to_utf8(head[len(encoding.bom) :], encoding.name)[0]
    kind = _records_kind(suffix, text, whole=whole) or _marked_kind(suffix, text)
    if kind is None and (suffix == ".sql" or (suffix not in _DELIMITED and _SQL.search(text))):
        kind = Kind.SQL
    if kind is None and (suffix in _DELIMITED or suffix in _MAYBE_DELIMITED):
        layout = find_layout(head, encoding, agree=_AGREE if suffix in _DELIMITED else _AGREE_UNASKED)
        if layout is not None and (suffix in _DELIMITED or (layout.header and layout.width >= 3)):  # noqa: PLR2004
            return Sniffed(kind=Kind.TSV if layout.delimiter == "\t" else Kind.CSV, encoding=encoding, layout=layout)
    return Sniffed(kind=kind or Kind.TEXT, encoding=encoding)


def _records_kind(suffix: str, text: bytes, *, whole: bool) -> Kind | None:
    if suffix in (".jsonl", ".ndjson") or (suffix in (".json", ".log", ".txt", "") and _json_lines(text, whole=whole)):
        return Kind.JSONL
    return Kind.JSON if suffix == ".json" and text.lstrip()[:1] in (b"{", b"[") else None


def _marked_kind(suffix: str, text: bytes) -> Kind | None:
    """Return the kind of a mail or of markup."""
    if suffix == ".eml" or looks_like_mail(text):
        return Kind.MAIL
    if looks_like_mbox(text):
        return Kind.MBOX
    if suffix in _HTML or _HTML_START.match(text):
        return Kind.HTML
    marked = text.lstrip()[:1] == b"<" and (suffix in _XML or _XML_START.match(text))
    return Kind.XML if marked else None


def _json_lines(text: bytes, *, whole: bool) -> bool:
    """Whether each of the first lines is one JSON object."""
    lines = text.split(b"\n")
    if not whole:
        lines = lines[:-1]
    lines = [line.strip() for line in lines[:50] if line.strip()]
    if len(lines) < 2:  # noqa: PLR2004
        return False
    return all(line.startswith(b"{") and line.endswith(b"}") for line in lines)


def _not_as_named(format_: str) -> Text:
    return Text(
        f"名称是 {format_}，内容却不是，只扫描了原始字节",
        f"called {format_} but is none, or is damaged; only its raw bytes were scanned",
    )
