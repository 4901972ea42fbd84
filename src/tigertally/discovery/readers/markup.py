"""Markup to running text: HTML, and the parts of office documents (DOCX, PPTX, ODT …).

Marks that only dress text are taken away, so that a number split by them is whole again; marks that end a paragraph or
a cell become a line's or a column's end. What stands in attributes follows the text, and so do comments. Entities of
characters are resolved, declared ones never: there is nothing to expand and nothing to fetch.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final
from urllib.parse import unquote

from tigertally.discovery.core import ascii_digits
from tigertally.discovery.encodings import Encoding
from tigertally.discovery.evidence import TextEvidence
from tigertally.discovery.inventory import IN_TEXT, Kind
from tigertally.discovery.readers.stream import Lost, Outcome, Source, settle_encoding, text_windows
from tigertally.discovery.readers.text import scan_text

_WINDOW_BYTES: Final = 4 * 1024 * 1024
_TAG: Final = re.compile(r"<(/?)([A-Za-z!?][^\s<>/]*+)([^<>]*+)>")  # possessive: no text makes it slow
_DRESS: Final = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q ruby s samp small span"
    " strike strong sub sup time tt u var wbr".split()
)
_CELLS: Final = frozenset({"td", "th"})
_SHOWN: Final = re.compile(r"\d")
# What ends a line or a cell in the parts of office documents; every other mark there only dresses.
_LINES: Final = re.compile(
    r"</(?:w:p|a:p|text:p|text:h|w:tr|a:tr|table:table-row|dc:\w+|meta:[\w-]+|cp:\w+|vt:\w+)>"
    r"|<(?:w:br|w:cr|a:br|text:line-break)\b[^<>]*>"
)
_TABS: Final = re.compile(r"</(?:w:tc|a:tc|table:table-cell)>|<(?:w:tab|text:tab)\b[^<>]*>")
_BLANKS: Final = re.compile(r"<text:s\b[^<>]*>")
_ANY: Final = re.compile(r"<[^<>]*>")
_TARGET: Final = re.compile(r"""\b(?:Target|xlink:href)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


def read_html(source: Source, *, encoding: Encoding, key: int, advance: Callable[[int], None]) -> Outcome:
    """Scan ``source`` as HTML."""
    outcome = Outcome(kind=Kind.HTML, encoding=encoding.name)
    evidence = TextEvidence(key=key)
    lost = Lost()
    with source.open() as stream:
        rest = ""
        for text, _ in text_windows(stream, encoding, lost, advance):
            whole = rest + text.decode("utf-8", "replace")
            # A mark that the window cuts goes on in the next one.
            cut = whole.rfind("<")
            cut = len(whole) if cut < 0 or ">" in whole[cut:] or len(whole) - cut > _WINDOW_BYTES else cut
            scan_text(evidence, html_text(whole[:cut]))
            rest = whole[cut:]
        scan_text(evidence, html_text(rest))
    outcome.bytes_read = lost.bytes_read if not encoding.name.startswith("utf-16") else source.size
    outcome.findings = evidence.finish(name=source.name, place=IN_TEXT, cells=0)
    settle_encoding(outcome, lost)
    return outcome


def html_text(text: str) -> bytes:
    """Return the running text of HTML as UTF-8 with ASCII digits; attributes with digits come after it."""
    aside: list[str] = []

    def instead(mark: re.Match[str]) -> str:
        name = mark[2].lower()
        if _SHOWN.search(mark[3]):
            aside.append(f"{name} {mark[3]}" if name[0] not in "!?" else mark[3])
        if name in _DRESS:
            return ""
        return "\t" if name in _CELLS else "\n"

    shown = html.unescape(_TAG.sub(instead, text.replace("<!--", " ").replace("-->", " ")))
    if aside:
        shown += "\n" + html.unescape("\n".join(aside))
    return ascii_digits(shown.encode("utf-8", "replace"))


def part_text(xml: str) -> bytes:
    """Return the running text of a part of an office document; where links lead to comes after it."""
    shown = _BLANKS.sub(" ", _TABS.sub("\t", _LINES.sub("\n", xml)))
    targets = [unquote(one[1] or one[2]) for one in _TARGET.finditer(xml)]
    text = _ANY.sub("", shown) + "".join(f"\n{target}" for target in targets)
    return ascii_digits(html.unescape(text).encode("utf-8", "replace"))


def part_windows(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the text of a part, piece by piece, cut where a paragraph ends."""
    rest = b""
    while chunk := stream.read(_WINDOW_BYTES):
        data = rest + chunk
        cut = max(data.rfind(b"</w:p>") + 6, data.rfind(b"</a:p>") + 6, data.rfind(b"</text:p>") + 9)
        if cut < 10 and len(data) < 4 * _WINDOW_BYTES:  # noqa: PLR2004 - none was found
            rest = data
            continue
        cut = cut if cut >= 10 else len(data)  # noqa: PLR2004
        yield part_text(data[:cut].decode("utf-8", "replace"))
        rest = data[cut:]
    if rest:
        yield part_text(rest.decode("utf-8", "replace"))
