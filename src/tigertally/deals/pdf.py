"""An agreement as a PDF that people print and sign: both languages, the digest on every page, lines for signatures.

Written here and not by a library: the text is plain, and the same agreement must give the same bytes, so that the PDF
has a digest as well. No date, no name of a producer, no compression.

1. Chinese is set in ``STSong-Light``, which PDF predefines (ISO 32000-1, 9.7.5.2 and 9.7.6), by the predefined
   character map ``UniGB-UTF16-H``. It is not embedded: the reader's own Chinese font is used, so that no file of ten
   megabytes is shipped. A reader without any leaves the Chinese blank; what is signed is the digest.
2. ASCII is set in Courier, which every reader has, narrowed to half the width of a Chinese character.
3. Characters outside of the Basic Multilingual Plane are written as their surrogate pairs (UTF-16BE).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from tigertally.base import clock
from tigertally.base.fields import FIELD_RULES
from tigertally.base.text import printable
from tigertally.deals.clauses import BLOCK_TITLES
from tigertally.formats.agreement import BLOCKS, Agreement

_WIDTH, _HEIGHT, _MARGIN = 595, 842, 57  # A4 and 2 cm, in points
_SIZE, _SMALL, _LEADING = 10, 8, 15
_COLUMN: Final = (_WIDTH - 2 * _MARGIN) * 2 // _SIZE  # in half-widths
_LINES: Final = (_HEIGHT - 2 * _MARGIN) // _LEADING - 3
_RUNS: Final = re.compile(r"[ -~]+|[^ -~]+")
_FIXED: Final = 6  # objects before the pages
_CHINESE: Final = (
    b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light-UniGB-UTF16-H /Encoding /UniGB-UTF16-H"
    b" /DescendantFonts [4 0 R] >>"
)
_DESCENDANT: Final = (
    b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /FontDescriptor 5 0 R /DW 1000"
    b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> >>"
)
_DESCRIPTOR: Final = (
    b"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0"
    b" /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>"
)
_RULE: Final = "_" * 36


def agreement_pdf(agreement: Agreement, *, digest: str, seller: str, buyer: str, signers: Sequence[str] = ()) -> bytes:
    """Return the agreement as a PDF. ``digest`` is of the statement; ``seller`` and ``buyer`` are names on cards.

    ``signers`` are names of persons who get a line to sign on. The same arguments give the same bytes.
    """
    return text_pdf(_texts(agreement, digest, seller, buyer, signers), digest=digest)


def text_pdf(texts: Iterable[str], *, digest: str) -> bytes:
    """Return lines of text as a PDF, ``digest`` (hex) at the foot of each page."""
    lines = [line for text in texts for line in _wrapped(text)]
    pages = [lines[at : at + _LINES] for at in range(0, len(lines), _LINES)]
    return _file([_page(page, digest, number, len(pages)) for number, page in enumerate(pages, 1)], digest)


def _texts(agreement: Agreement, digest: str, seller: str, buyer: str, signers: Sequence[str]) -> Iterable[str]:
    classes = [FIELD_RULES[item].title for item in agreement.classes]
    start, until = (clock.to_text(at)[:10] for at in (agreement.start, agreement.until))
    yield "客户信息保密协议  Agreement on customers' data"
    yield ""
    yield f"转让方 Seller: {seller} ({agreement.seller})"
    yield f"受让方 Buyer: {buyer} ({agreement.buyer})"
    yield f"交易 Deal: {agreement.deal}    协议 Agreement: {agreement.agreement}, v{agreement.version}"
    yield f"期限 Term: {start} — {until} (UTC)"
    yield f"字段 Data: {'、'.join(item.zh for item in classes)} / {', '.join(item.en for item in classes)}"
    yield f"目的 Purposes: {', '.join(agreement.purposes)}"
    yield f"销毁期限（天）Days to destroy: {agreement.destroy_within_days}"
    yield f"违约金（元）Penalty (CNY): {agreement.penalty_cny}"
    yield f"再提供 Onward: {', '.join(agreement.onward) or '无 none'}"
    clauses = dict(agreement.clauses)
    for number, name in enumerate(BLOCKS, 1):
        title, clause = BLOCK_TITLES[name], clauses[name]
        yield ""
        yield f"{number}. {title.zh}  {title.en}"
        yield from clause.zh.splitlines()
        yield from clause.en.splitlines()
    yield ""
    yield f"本文件与签名文件一致，其摘要（SHA-256）为 The digest (SHA-256) of the signed file is: {digest}"
    for role, name in (
        ("转让方 Seller", seller),
        ("受让方 Buyer", buyer),
        *(("本人 In person", name) for name in signers),
    ):
        yield ""
        yield f"{role}: {name}"
        yield f"签字 Signature {_RULE}  日期 Date ____________"


def _wide(char: str) -> int:
    return 1 if " " <= char <= "~" else 2


def _wrapped(text: str) -> list[str]:
    """Cut into lines that fit; at a space where a line has one in its second half, else anywhere."""
    lines, line, width = [], "", 0
    for char in printable(text):
        if width + _wide(char) > _COLUMN:
            cut = line.rfind(" ") + 1
            cut = cut if cut * 2 > len(line) and char != " " else len(line)
            lines.append(line[:cut].rstrip())
            line = line[cut:]
            width = sum(_wide(one) for one in line)
        line += char
        width += _wide(char)
    return [*lines, line]


def _show(text: str, size: int = _SIZE) -> bytes:
    """Return the operators that draw a line: runs of ASCII and of everything else, each in its font."""
    runs = []
    for run in _RUNS.findall(text):
        latin = " " <= run[0] <= "~"
        font, coded = (b"/F2 %d Tf 83.333 Tz", "ascii") if latin else (b"/F1 %d Tf 100 Tz", "utf-16-be")
        runs.append(font % size + b" <" + run.encode(coded).hex().upper().encode() + b"> Tj")
    return b" ".join(runs)


def _page(lines: Sequence[str], digest: str, number: int, pages: int) -> bytes:
    found = [b"BT", b"%d TL" % _LEADING, b"1 0 0 1 %d %d Tm" % (_MARGIN, _HEIGHT - _MARGIN)]
    found += [_show(line) + b" T*" for line in lines]
    foot = f"SHA-256 {digest}    {number} / {pages}"
    found += [b"1 0 0 1 %d %d Tm" % (_MARGIN, _MARGIN - 15), _show(foot, _SMALL)]
    return b"\n".join([*found, b"ET"])


def _file(contents: Sequence[bytes], digest: str) -> bytes:
    """Return the file: the objects of the whole, then a page and its content in turn, and where each begins."""
    first = 1 + _FIXED
    kids = b" ".join(b"%d 0 R" % (first + 2 * at) for at in range(len(contents)))
    fonts = b"/Font << /F1 3 0 R /F2 6 0 R >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d /MediaBox [0 0 %d %d] /Resources << %s >> >>"
        % (kids, len(contents), _WIDTH, _HEIGHT, fonts),
        _CHINESE,
        _DESCENDANT,
        _DESCRIPTOR,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
    ]
    for at, content in enumerate(contents):
        objects.append(b"<< /Type /Page /Parent 2 0 R /Contents %d 0 R >>" % (first + 1 + 2 * at))
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    out, places = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    ident = digest[:32].encode()
    out += b"trailer\n<< /Size %d /Root 1 0 R /ID [<%s> <%s>] >>\n" % (len(objects) + 1, ident, ident)
    out += b"startxref\n%d\n%%%%EOF\n" % table
    return bytes(out)
