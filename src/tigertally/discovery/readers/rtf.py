r"""RTF to running text: control words away, escaped characters back, groups that are not text passed over.

Rich Text Format 1.9.1: ``\'hh`` is a byte in the code page of ``\ansicpg``, ``\uN`` a UTF-16 unit followed by
``\uc`` characters for older readers. Fonts, colours, styles and pictures are no text; what an unknown destination
(``\*``) holds is kept, because hidden text is text.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from typing import Final

from tigertally.base.text import Text
from tigertally.discovery.core import ascii_digits
from tigertally.discovery.errors import Unreadable
from tigertally.discovery.evidence import TextEvidence
from tigertally.discovery.inventory import IN_TEXT, Kind
from tigertally.discovery.readers.stream import Outcome, Source
from tigertally.discovery.readers.text import scan_text

RTF_BYTES_MAX: Final = 256 * 1024 * 1024
_TOKEN: Final = re.compile(
    rb"\\'([0-9a-fA-F]{2})|\\([a-zA-Z]{1,32})(-?[0-9]{1,10})? ?|\\([^a-zA-Z'])|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\"
)
_LARGE: Final = Text("文档过大，未打开", "the document is too large to be opened")
_PICTURES: Final = Text("其中的图像或嵌入对象未读取", "pictures or embedded objects in it were not read")
_NOT_TEXT: Final = frozenset(b"fonttbl colortbl stylesheet themedata colorschememapping datastore".split())
_HIDDEN: Final = frozenset({b"pict", b"objdata"})
_WRITTEN: Final = {
    b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\n", b"row": "\n", b"tab": "\t", b"cell": "\t",
    b"emdash": "—", b"endash": "–", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”",
}  # fmt: skip
_SIGNS: Final = {b"~": " ", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}"}
_CODE_PAGES: Final = {936: "gb18030", 950: "big5hkscs", 932: "cp932", 949: "cp949", 65001: "utf-8", 10000: "mac_roman"}


def read_rtf(source: Source, *, key: int, advance: Callable[[int], None]) -> Outcome:
    """Scan ``source`` as RTF."""
    outcome = Outcome(kind=Kind.RTF, bytes_read=source.size)
    with source.open() as stream:
        data = stream.read(RTF_BYTES_MAX + 1)
    if len(data) > RTF_BYTES_MAX:
        raise Unreadable(_LARGE)
    evidence = TextEvidence(key=key)
    text, pictures = rtf_text(data)
    scan_text(evidence, ascii_digits(text.encode("utf-8", "replace")))
    outcome.findings = evidence.finish(name=source.name, place=IN_TEXT, cells=0)
    outcome.bytes_read = len(data)
    if pictures:
        outcome.weaken(_PICTURES)
    advance(source.size)
    return outcome


class _Writer:
    """Collects the text of a document token by token; bytes are in its code page until they are text."""

    def __init__(self) -> None:
        self.pictures = False
        self._codec = "cp1252"
        self._out: list[str] = []
        self._bytes = bytearray()
        # What holds inside each pair of braces: silent or not, and how many characters follow an escaped unit.
        self._groups: list[tuple[bool, int]] = []
        self._silent, self._fallback = False, 1
        self._skip = 0

    def take(self, token: re.Match[bytes]) -> None:
        """Take the next token."""
        escaped, word, number, sign, brace, plain = token.groups()
        if brace is not None:
            self._brace(brace)
        elif word is not None:
            self._word(word, int(number) if number else None)
        elif self._silent:
            return
        elif escaped is not None:
            self._raw(bytes.fromhex(escaped.decode()))
        elif sign is not None:
            self._text(_SIGNS.get(sign, ""))
        elif plain is not None:
            self._raw(plain)

    def whole(self) -> str:
        """Return everything; halves of surrogate pairs are joined."""
        self._text("")
        return "".join(self._out).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def _brace(self, brace: bytes) -> None:
        self._skip = 0
        if brace == b"{":
            self._groups.append((self._silent, self._fallback))
        elif self._groups:
            self._silent, self._fallback = self._groups.pop()

    def _word(self, word: bytes, value: int | None) -> None:
        if word in _NOT_TEXT or word in _HIDDEN:
            self._silent, self.pictures = True, self.pictures or word in _HIDDEN
        elif word == b"ansicpg" and value is not None:
            self._codec = _codec_of(value)
        elif word == b"uc" and value is not None:
            self._fallback = max(value, 0)
        elif self._silent:
            return
        elif word == b"u" and value is not None:
            self._text(chr(value % 0x10000))
            self._skip = self._fallback
        elif word in _WRITTEN:
            self._text(_WRITTEN[word])

    def _raw(self, data: bytes) -> None:
        self._bytes += data[self._skip :]
        self._skip = max(self._skip - len(data), 0)

    def _text(self, text: str) -> None:
        if self._bytes:
            self._out.append(self._bytes.decode(self._codec, "replace"))
            self._bytes.clear()
        self._out.append(text)


def rtf_text(data: bytes) -> tuple[str, bool]:
    """Return the text of an RTF document, and whether pictures or objects were passed over."""
    writer = _Writer()
    for token in _TOKEN.finditer(data):
        writer.take(token)
    return writer.whole(), writer.pictures


def _codec_of(page: int) -> str:
    name = _CODE_PAGES.get(page, f"cp{page}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name
