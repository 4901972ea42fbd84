"""What an object is, by its first bytes and its name. First bytes win over names; what is unknown is ``bytes``.

Formats that are known but not opened yet (PDF, images, other archives …) are scanned as bytes and reported
*partly*: their text is hidden from a byte scan, and what is not known is not green.
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

HEAD_BYTES: Final = 65_536
_DELIMITED: Final = frozenset({".csv", ".tsv", ".tab", ".psv"})
_MAYBE_DELIMITED: Final = frozenset({".txt", ".dat", ".out", ".export", ""})
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
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
)
# Names that claim a format. Bytes that are no text and do not begin like it are a damaged file, or another one.
_CLAIMS: Final = {
    ".xlsx": "XLSX", ".xls": "XLS", ".docx": "DOCX", ".pptx": "PPTX", ".zip": "ZIP", ".gz": "gzip", ".tgz": "gzip",
    ".db": "SQLite", ".sqlite": "SQLite", ".sqlite3": "SQLite", ".pdf": "PDF", ".png": "PNG", ".jpg": "JPEG",
    ".jpeg": "JPEG", ".7z": "7z", ".rar": "RAR", ".parquet": "Parquet", ".pst": "PST", ".tar": "tar",
}  # fmt: skip
_OPAQUE: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF-", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE (doc, xls, ppt, msg)"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PAR1", "Parquet"),
    (b"!BDN", "PST"),
    (b"ORC", "ORC"),
    (b"Obj\x01", "Avro"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sniffed:
    """Kind, encoding of text kinds, layout of delimited ones, and why more than its bytes cannot be seen, if so."""

    kind: Kind
    encoding: Encoding
    layout: Layout | None = None
    opaque: Text | None = None


def sniff(name: str, head: bytes, *, whole: bool) -> Sniffed:
    """Return what an object called ``name`` is, from its first 64 KiB (``whole``: they are all of it)."""
    raw = Encoding(name="bytes", bom=b"", certain=False)
    for magic, kind in _OPENED:
        if head.startswith(magic):
            return Sniffed(kind=kind, encoding=raw)
    for magic, format_ in _OPAQUE:
        if head.startswith(magic):
            return Sniffed(kind=Kind.BYTES, encoding=raw, opaque=_not_opened(format_))
    if head[257:262] == b"ustar":
        return Sniffed(kind=Kind.BYTES, encoding=raw, opaque=_not_opened("tar"))
    encoding = detect_encoding(head)
    if encoding.name == "bytes":
        claimed = _CLAIMS.get(PurePosixPath(name.lower()).suffix)
        return Sniffed(kind=Kind.BYTES, encoding=encoding, opaque=_not_as_named(claimed) if claimed else None)
    return _text_kind(name, head, encoding, whole=whole)


def _text_kind(name: str, head: bytes, encoding: Encoding, *, whole: bool) -> Sniffed:
    suffix = PurePosixPath(name.lower()).suffix
    text = to_utf8(head[len(encoding.bom) :], encoding.name)[0]
    start = text.lstrip()[:1]
    if suffix in (".jsonl", ".ndjson") or (suffix in (".json", ".log", ".txt", "") and _json_lines(text, whole=whole)):
        return Sniffed(kind=Kind.JSONL, encoding=encoding)
    if suffix == ".json" and start in (b"{", b"["):
        return Sniffed(kind=Kind.JSON, encoding=encoding)
    if suffix == ".sql" or (suffix not in _DELIMITED and _SQL.search(text)):
        return Sniffed(kind=Kind.SQL, encoding=encoding)
    if suffix in _DELIMITED or suffix in _MAYBE_DELIMITED:
        layout = find_layout(head, encoding, agree=_AGREE if suffix in _DELIMITED else _AGREE_UNASKED)
        if layout is not None and (suffix in _DELIMITED or (layout.header and layout.width >= 3)):  # noqa: PLR2004
            return Sniffed(kind=Kind.TSV if layout.delimiter == "\t" else Kind.CSV, encoding=encoding, layout=layout)
    return Sniffed(kind=Kind.TEXT, encoding=encoding)


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


def _not_opened(format_: str) -> Text:
    return Text(
        f"{format_} 格式尚不能打开，只扫描了原始字节", f"{format_} is not opened yet; only its raw bytes were scanned"
    )
