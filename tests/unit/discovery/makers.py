"""Small files of many formats, made here byte by byte or with the libraries that write them; the content is made up."""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from email.message import EmailMessage
from pathlib import Path
from xml.sax.saxutils import escape

import duckdb
import numpy as np
import py7zr
import pyarrow as pa
import xlwt
from pyarrow import parquet

WORDPROCESSING = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def zipped(members: dict[str, bytes | str], *, stored: bool = False) -> bytes:
    """A zip of members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def docx(*paragraphs: list[str], more: dict[str, bytes | str] | None = None) -> bytes:
    """A Word document: each paragraph is a list of runs, which the file dresses differently."""
    body = "".join(
        "<w:p>" + "".join(f"<w:r><w:rPr><w:b/></w:rPr><w:t>{escape(run)}</w:t></w:r>" for run in runs) + "</w:p>"
        for runs in paragraphs
    )
    document = f'<?xml version="1.0"?><w:document xmlns:w="{WORDPROCESSING}"><w:body>{body}</w:body></w:document>'
    return zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": document, **(more or {})})


def pptx(*lines: list[str]) -> bytes:
    """A presentation of one slide."""
    text = "".join("<a:p>" + "".join(f"<a:r><a:t>{run}</a:t></a:r>" for run in runs) + "</a:p>" for runs in lines)
    return zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "ppt/presentation.xml": "<p/>",
            "ppt/slides/slide1.xml": f"<p:sld>{text}</p:sld>",
        }
    )


def odt(*lines: list[str]) -> bytes:
    """A text document of OpenDocument."""
    text = "".join(
        "<text:p>" + "".join(f"<text:span>{run}</text:span>" for run in runs) + "</text:p>" for runs in lines
    )
    content = f"<office:document-content><office:body>{text}</office:body></office:document-content>"
    return zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content})


def ods(rows: list[list[str | float]]) -> bytes:
    """A spreadsheet of OpenDocument with one sheet, 客户."""

    def cell(value: str | float) -> str:
        if isinstance(value, str):
            return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
        return f'<table:table-cell office:value-type="float" office:value="{value!r}"/>'

    table = "".join("<table:table-row>" + "".join(map(cell, row)) + "</table:table-row>" for row in rows)
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0"?><office:document-content {spaces}><office:body><office:spreadsheet>'
        f'<table:table table:name="客户">{table}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": content,
            "META-INF/manifest.xml": manifest,
        }
    )


def xls(rows: list[list[str | float]]) -> bytes:
    """An old workbook with one sheet, 客户."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("客户")
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            sheet.write(at, column, value)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def pdf(*pages: list[str], attached: dict[str, bytes] | None = None, pictures: int = 0) -> bytes:
    """A PDF: a page of lines for each of ``pages`` (any characters, by a ToUnicode map), then pages without text."""
    objects: list[bytes] = [b"", b"", b"", b""]

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    def stream(data: bytes, extra: bytes = b"") -> int:
        packed = zlib.compress(data)
        return add(b"<</Length %d/Filter/FlateDecode%s>>stream\n%s\nendstream" % (len(packed), extra, packed))

    characters = sorted({character for page in pages for line in page for character in line})
    code = {character: index + 1 for index, character in enumerate(characters)}
    pairs = "".join(f"<{code[one]:04x}> <{ord(one):04x}>\n" for one in characters)
    cmap = stream(
        b"/CIDInit /ProcSet findresource begin begincmap /CMapType 2 def 1 begincodespacerange <0000> <ffff>"
        b" endcodespacerange %d beginbfchar\n%sendbfchar endcmap" % (len(characters), pairs.encode())
    )
    objects[2] = (
        b"<</Type/Font/Subtype/Type0/BaseFont/F/Encoding/Identity-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType2"
        b"/BaseFont/F/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW 600"
        b"/FontDescriptor 4 0 R>>]/ToUnicode %d 0 R>>" % cmap
    )
    objects[3] = b"<</Type/FontDescriptor/FontName/F/Flags 4/FontBBox[0 0 600 800]/ItalicAngle 0/Ascent 800/Descent 0>>"
    kids = []
    for page in pages:
        shown = b"".join(b"<%s> Tj 0 -16 Td\n" % "".join(f"{code[one]:04x}" for one in line).encode() for line in page)
        kids.append(stream(b"BT /F 12 Tf 40 760 Td\n" + shown + b"ET"))
    kids += [stream(b"0 0 100 100 re f")] * pictures
    pages_at = [
        add(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>>>" % kid)
        for kid in kids
    ]
    names = b""
    if attached:
        files = b""
        for name, data in attached.items():
            file = stream(data, b"/Type/EmbeddedFile")
            spec = add(b"<</Type/Filespec/F(%s)/UF(%s)/EF<</F %d 0 R>>>>" % (name.encode(), name.encode(), file))
            files += b"(%s) %d 0 R " % (name.encode(), spec)
        names = b"/Names<</EmbeddedFiles<</Names[%s]>>>>" % files
    objects[0] = b"<</Type/Catalog/Pages 2 0 R%s>>" % names
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(pages_at), b" ".join(b"%d 0 R" % at for at in pages_at))
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    return bytes(out)


def mail(text: str, *, html: str | None = None, attached: dict[str, bytes] | None = None) -> bytes:
    """A message."""
    message = EmailMessage()
    message["From"] = "a@example.com"
    message["To"] = "b@example.com"
    message["Subject"] = "对账"
    message["Date"] = "Mon, 02 Mar 2026 09:00:00 +0800"
    message.set_content(text, cte="base64")
    if html is not None:
        message.add_alternative(html, subtype="html", cte="quoted-printable")
    for name, data in (attached or {}).items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def tarred(members: dict[str, bytes], *, kind: int = tarfile.GNU_FORMAT) -> bytes:
    """A tar of members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return buffer.getvalue()


def sevenzip(members: dict[str, bytes], *, password: str | None = None) -> bytes:
    """A 7z of members."""
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", password=password) as archive:
        for name, data in members.items():
            archive.writestr(data, name)
    return buffer.getvalue()


def xz(data: bytes) -> bytes:
    """An xz stream."""
    return lzma.compress(data)


def zstd(data: bytes) -> bytes:
    """A zstd frame."""
    packed = pa.Codec("zstd").compress(data, asbytes=True)
    return bytes(packed)


def parquet_file(columns: dict[str, pa.Array]) -> bytes:
    """A Parquet file."""
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue())


def duckdb_file(path: Path, cards: list[int]) -> None:
    """A DuckDB file with a table ``t`` of numbers and text."""
    with duckdb.connect(str(path)) as database:
        database.execute("CREATE TABLE t (id INTEGER, card_no BIGINT, note VARCHAR)")
        database.executemany("INSERT INTO t VALUES (?, ?, ?)", [(at, card, "x") for at, card in enumerate(cards)])


def ole(streams: dict[str, bytes]) -> bytes:
    """A compound file ([MS-CFB]) of streams, whose names are paths; every stream is in whole sectors."""
    sector = 512
    entries: list[tuple[str, int, list[int], bytes | None]] = [("Root Entry", 5, [], None)]
    places: dict[str, int] = {"": 0}
    for path, data in streams.items():
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            name = "/".join(parts[:depth])
            if name not in places:
                leaf = depth == len(parts)
                places[name] = len(entries)
                entries[places["/".join(parts[: depth - 1])]][2].append(len(entries))
                entries.append((parts[depth - 1], 2 if leaf else 1, [], data if leaf else None))
    directory_sectors = -(-len(entries) * 128 // sector)
    fat: list[int] = []
    content = b""
    starts: dict[int, int] = {}
    for index, (_, _, _, body) in enumerate(entries):
        if body:
            padded = body.ljust(4096, b"\x00")
            count = -(-len(padded) // sector)
            starts[index] = directory_sectors + len(fat)
            fat += [directory_sectors + len(fat) + step + 1 for step in range(count - 1)] + [0xFFFFFFFE]
            content += padded.ljust(count * sector, b"\x00")
    fat = [*range(1, directory_sectors), 0xFFFFFFFE, *fat]
    fat_sectors = -(-(len(fat) + 200) // 128)
    first_fat = len(fat)
    fat += [0xFFFFFFFD] * fat_sectors
    fat += [0xFFFFFFFF] * (fat_sectors * 128 - len(fat))
    directory = b""
    for index, (name, kind, children, body) in enumerate(entries):
        raw = (name + "\x00").encode("utf-16-le")
        siblings = next((one[2] for one in entries if index in one[2]), [])
        after = siblings[siblings.index(index) + 1 :][:1] if siblings else []
        size = len(body.ljust(4096, b"\x00")) if body else 0
        directory += raw.ljust(64, b"\x00") + struct.pack(
            "<HBBIII16sIQQIQ",
            len(raw), kind, 1, 0xFFFFFFFF, after[0] if after else 0xFFFFFFFF, children[0] if children else 0xFFFFFFFF,
            b"", 0, 0, 0, starts.get(index, 0xFFFFFFFE), size,
        )  # fmt: skip
    directory = directory.ljust(directory_sectors * sector, b"\x00")
    header = struct.pack(
        "<8s16sHHHHH6s9I",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, b"",
        0, fat_sectors, 0, 0, 0x1000, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0,
    )[:76]  # fmt: skip
    table = [first_fat + step for step in range(fat_sectors)]
    header += b"".join(struct.pack("<I", one) for one in table + [0xFFFFFFFF] * (109 - len(table)))
    return header + directory + content + b"".join(struct.pack("<I", one) for one in fat)


def msg(text: str, attached: dict[str, bytes]) -> bytes:
    """An Outlook message."""
    streams = {
        "__properties_version1.0": b"\x00" * 32,
        "__substg1.0_0037001F": "对账".encode("utf-16-le"),
        "__substg1.0_1000001F": text.encode("utf-16-le"),
    }
    for index, (name, data) in enumerate(attached.items()):
        folder = f"__attach_version1.0_#{index:08X}"
        streams[f"{folder}/__substg1.0_37010102"] = data
        streams[f"{folder}/__substg1.0_3707001F"] = name.encode("utf-16-le")
    return ole(streams)


def luhn(prefix: str, count: int, rng: np.random.Generator) -> list[int]:
    """Card numbers of 16 digits that begin with ``prefix``."""
    found = []
    for _ in range(count):
        body = prefix + "".join(map(str, rng.integers(0, 10, 15 - len(prefix)).tolist()))
        total = sum(
            digit if at % 2 else (digit * 2 - 9 if digit > 4 else digit * 2) for at, digit in enumerate(map(int, body))
        )
        found.append(int(body + str(-total % 10)))
    return found
