"""XML as records: each path of elements is a column, judged like one of a table; ``@name`` is an attribute.

Read by expat, which loads nothing from outside; a document that declares entities is not parsed on (there is
nothing in them that its text does not show) but scanned as text, and so is one that is not well formed. Paths begin
below the root element. An element's own text is one cell, whatever marks stand inside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from xml.parsers import expat

from tigertally.base.text import Text
from tigertally.discovery.encodings import Encoding
from tigertally.discovery.evidence import TextEvidence
from tigertally.discovery.inventory import IN_TEXT, Kind
from tigertally.discovery.naming import NAME_CHARS_MAX, safe_name
from tigertally.discovery.readers.markup import html_text
from tigertally.discovery.readers.records import PathEvidence
from tigertally.discovery.readers.stream import Lost, Outcome, Source, settle_encoding, text_windows
from tigertally.discovery.readers.text import scan_text

DEPTH_MAX: Final = 256
_CELL_CHARS_MAX: Final = 16 * 1024 * 1024
_FLUSH_CELLS: Final = 65_536
_NOT_WELL: Final = Text(
    "不是规范的 XML，已按文本扫描，未判断各元素", "not well-formed XML; scanned as text, elements not judged"
)
_ENTITIES: Final = Text(
    "声明了实体，未展开，已按文本扫描", "it declares entities, which were not expanded; scanned as text"
)


class _EntitiesError(Exception):
    """The document declares entities."""


class _Cells:
    """Collects the text of elements by their paths."""

    def __init__(self, paths: PathEvidence) -> None:
        self._paths = paths
        self._path: list[str] = []
        self._texts: list[list[str]] = []
        self._held = 0
        self.pending = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        own = safe_name(name.rpartition(":")[2])[:NAME_CHARS_MAX]
        path = f"{self._path[-1]}.{own}" if len(self._path) > 1 else own if self._path else ""
        self._path.append(path)
        self._texts.append([])
        if len(self._path) > DEPTH_MAX:
            raise ValueError("too deep")
        for key, value in attributes.items():
            self._add(
                value, f"{path}.@{safe_name(key)[:NAME_CHARS_MAX]}" if path else f"@{safe_name(key)[:NAME_CHARS_MAX]}"
            )

    def text(self, data: str) -> None:
        """Add text of the present element."""
        self._held += len(data)
        if self._held > _CELL_CHARS_MAX:
            raise ValueError("too much text without an end")
        if self._texts:
            self._texts[-1].append(data)

    def end(self, _: str) -> None:
        """End an element: its text is a cell."""
        pieces, path = self._texts.pop(), self._path.pop()
        cell = "".join(pieces).strip()
        self._held = max(self._held - sum(map(len, pieces)), 0)
        if cell:
            self._add(cell, path)

    def _add(self, cell: str, path: str) -> None:
        self._paths.add(cell, path)
        self.pending += 1


def read_xml(source: Source, *, encoding: Encoding, key: int, advance: Callable[[int], None]) -> Outcome:
    """Scan ``source`` by the paths of its elements."""
    outcome = Outcome(kind=Kind.XML, encoding=encoding.name)
    lost = Lost()
    paths = PathEvidence(key=key)
    cells = _Cells(paths)
    comments = TextEvidence(key=key)
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = cells.start
    parser.EndElementHandler = cells.end
    parser.CharacterDataHandler = cells.text
    parser.CommentHandler = lambda text: scan_text(comments, text.encode("utf-8", "replace"))
    parser.ProcessingInstructionHandler = lambda _, text: scan_text(comments, text.encode("utf-8", "replace"))
    parser.EntityDeclHandler = _refuse
    try:
        with source.open() as stream:
            for text, _ in text_windows(stream, encoding, lost, advance):
                parser.Parse(text, False)  # noqa: FBT003 - expat's own signature
                if cells.pending > _FLUSH_CELLS:
                    paths.flush()
                    cells.pending = 0
            parser.Parse(b"", True)  # noqa: FBT003
    except (expat.ExpatError, ValueError, _EntitiesError) as problem:
        entities = isinstance(problem, _EntitiesError)
        return _as_text(source, encoding, key, _ENTITIES if entities else _NOT_WELL)
    outcome.findings = [*paths.finish(source.name), *comments.finish(name=source.name, place=IN_TEXT, cells=0)]
    outcome.bytes_read = lost.bytes_read if not encoding.name.startswith("utf-16") else source.size
    settle_encoding(outcome, lost)
    return outcome


def _refuse(*_: object) -> None:
    raise _EntitiesError


def _as_text(source: Source, encoding: Encoding, key: int, why: Text) -> Outcome:
    outcome = Outcome(kind=Kind.XML, encoding=encoding.name)
    lost = Lost()
    evidence = TextEvidence(key=key)
    with source.open() as stream:
        for text, _ in text_windows(stream, encoding, lost, _told):
            scan_text(evidence, html_text(text.decode("utf-8", "replace")))
    outcome.findings = evidence.finish(name=source.name, place=IN_TEXT, cells=0)
    outcome.bytes_read = lost.bytes_read
    outcome.weaken(why)
    return outcome


def _told(_: int) -> None:
    """Ignore: the first reading told the progress already."""
