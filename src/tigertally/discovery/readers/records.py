"""JSON and JSON lines: each path of keys is a column, judged like one of a table.

A path is dotted keys with ``[]`` for the items of an array: ``customer.cards[].pan``. In a file of records
(JSON lines, or one array) paths begin at the record. Keys that look like values (long numbers, or anything
that is found as a customer's) become ``*``, and the key itself is a cell of that column. Numbers keep the
digits that the file has. A large array is read item by item; what does not parse is scanned as text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from tigertally.base.text import Text
from tigertally.discovery.columns import ColumnEvidence, cells_of, finish_columns, folded
from tigertally.discovery.encodings import Encoding
from tigertally.discovery.evidence import TextEvidence
from tigertally.discovery.inventory import IN_TEXT, Finding, Kind, Place, PlaceKind
from tigertally.discovery.naming import safe_name
from tigertally.discovery.readers.stream import Lost, Outcome, Source, settle_encoding, text_windows
from tigertally.discovery.readers.text import read_text, scan_text
from tigertally.discovery.spans import find_spans

Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str | bool | None"

PATHS_MAX: Final = 4_096
DEPTH_MAX: Final = 64
ITEM_CHARS_MAX: Final = 64 * 1024 * 1024
_WHOLE_BYTES_MAX: Final = 32 * 1024 * 1024
_KEY_DIGITS_MIN: Final = 6

_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_NOT_PARSED: Final = Text(
    "不是完整的 JSON，已按文本扫描，未判断各字段", "not whole JSON; scanned as text, keys not judged"
)
_STRAY: Final = Text("有些行不是 JSON，这些行已按文本扫描", "lines that are not JSON were scanned as text")


class _NotJsonError(Exception):
    """The text does not go on as JSON."""


@dataclass(slots=True, kw_only=True)
class PathEvidence:
    """Collects the cells of each path; judged together at the end. Call :meth:`flush` after each batch of records."""

    key: int
    columns: dict[str, ColumnEvidence] = field(default_factory=dict)
    _cells: dict[str, list[str | None]] = field(default_factory=dict)  # by path
    _slots: dict[str, dict[str, list[str | None]]] = field(default_factory=dict)  # by path of the object, then by key
    _paths: dict[str, dict[str, str]] = field(default_factory=dict)  # the same, to paths

    def add(self, value: Tree, path: str = "", depth: int = 0) -> None:
        """Add a record (or a part of one at ``path``)."""
        if type(value) is str:
            self._open(path or "#").append(value)
        elif depth >= DEPTH_MAX:
            self._open(path or "#").append(json.dumps(value, ensure_ascii=False))
        elif isinstance(value, dict):
            self._add_object(value, path, depth)
        elif isinstance(value, list):
            for child in value:
                self.add(child, f"{path}[]", depth + 1)

    def flush(self) -> None:
        """Judge what is pending."""
        for path, cells in self._cells.items():
            if not cells:
                continue
            evidence = self.columns.get(path)
            if evidence is None:
                last = path.rpartition(".")[2].removesuffix("[]")
                evidence = ColumnEvidence(header=last, place=Place(kind=PlaceKind.KEY, name=path), key=self.key)
                self.columns[path] = evidence
            evidence.add(folded(cells_of(cells)))
            cells.clear()

    def finish(self, name: str) -> list[Finding]:
        """Return the findings of all paths."""
        self.flush()
        return finish_columns(list(self.columns.values()), name)

    def _add_object(self, value: dict[str, Tree], path: str, depth: int) -> None:
        slots = self._slots.setdefault(path, {})
        for key, child in value.items():
            if type(child) is str:
                cells = slots.get(key)
                if cells is None:
                    cells = self._open(self._named(path, key))
                    if len(self._slots) < PATHS_MAX and len(slots) < PATHS_MAX and not _is_value(key):
                        slots[key] = cells
                cells.append(child)
            elif child is not None and not isinstance(child, bool):
                self.add(child, self._named(path, key), depth + 1)

    def _open(self, path: str) -> list[str | None]:
        """Return the pending cells of a path; past the limit of paths they all share one."""
        cells = self._cells.get(path)
        if cells is None:
            if len(self._cells) >= PATHS_MAX:
                path = "*"
            cells = self._cells.setdefault(path, [])
        return cells

    def _named(self, path: str, key: str) -> str:
        known = self._paths.setdefault(path, {})
        named = known.get(key)
        if named is not None:
            return named
        dot = f"{path}." if path else ""
        if _is_value(key):
            self._open(f"{dot}*").append(key)
            return f"{dot}*"
        named = dot + safe_name(key)
        if len(self._paths) < PATHS_MAX and len(known) < PATHS_MAX:
            known[key] = named
        return named


def _is_value(key: str) -> bool:
    digits = len(key) >= _KEY_DIGITS_MIN and key.isdigit()
    return digits or len(find_spans(key.encode("utf-8", "replace"))) > 0


def read_json(source: Source, *, kind: Kind, encoding: Encoding, key: int, advance: Callable[[int], None]) -> Outcome:
    """Scan ``source`` by the paths of its keys."""
    outcome = Outcome(kind=kind, encoding=encoding.name)
    lost = Lost()
    paths = PathEvidence(key=key)
    strays = TextEvidence(key=key)
    try:
        with source.open() as stream:
            windows = (text for text, _ in text_windows(stream, encoding, lost, advance))
            if kind is Kind.JSONL:
                _lines(windows, paths, strays, outcome)
            elif source.size <= _WHOLE_BYTES_MAX:
                _whole(b"".join(windows), paths)
            else:
                _array(windows, paths)
        outcome.findings = [*paths.finish(source.name), *strays.finish(name=source.name, place=IN_TEXT, cells=0)]
    except _NotJsonError:
        outcome = read_text(source, kind=kind, encoding=encoding, key=key, advance=_told)
        outcome.weaken(_NOT_PARSED)
        return outcome
    outcome.bytes_read = lost.bytes_read if not encoding.name.startswith("utf-16") else source.size
    settle_encoding(outcome, lost)
    return outcome


def _told(_: int) -> None:
    """Ignore: the first reading told the progress already."""


def _decode(text: str) -> Tree:
    try:
        value: Tree = _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise _NotJsonError from None
    return value


def _lines(windows: Iterator[bytes], paths: PathEvidence, strays: TextEvidence, outcome: Outcome) -> None:
    for window in windows:
        lines = [line for line in window.split(b"\n") if line.strip()]
        for record in _together(lines) or _each(lines, strays, outcome):
            paths.add(record)
        paths.flush()


def _together(lines: list[bytes]) -> list[Tree] | None:
    """Decode a window's lines as one array, which is fast; None if they are not a record each."""
    try:
        records = _decode("[" + b",".join(lines).decode("utf-8", "replace") + "]")
    except _NotJsonError:
        return None
    return records if isinstance(records, list) and len(records) == len(lines) else None


def _each(lines: list[bytes], strays: TextEvidence, outcome: Outcome) -> list[Tree]:
    records: list[Tree] = []
    bad: list[bytes] = []
    for line in lines:
        try:
            records.append(_decode(line.decode("utf-8", "replace")))
        except _NotJsonError:
            bad.append(line)
    if bad:
        scan_text(strays, b"\n".join(bad))
        outcome.reason = outcome.reason or _STRAY
    return records


def _whole(data: bytes, paths: PathEvidence) -> None:
    value = _decode(data.decode("utf-8", "replace"))
    for record in value if isinstance(value, list) else [value]:
        paths.add(record)


def _array(windows: Iterator[bytes], paths: PathEvidence) -> None:
    """Read a large array item by item; anything else of this size is not read as JSON."""
    text = next(windows, b"").decode("utf-8", "replace").lstrip()
    if not text.startswith("["):
        raise _NotJsonError
    place = 1
    while True:
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        if place < len(text) and text[place] == "]":
            return
        try:
            record, end = _DECODER.raw_decode(text, place)
            whole = end < len(text)
        except (ValueError, RecursionError):
            record, end, whole = None, place, False
        if whole:
            paths.add(record)
            place = end
            continue
        paths.flush()
        more = next(windows, None)
        if more is None or len(text) - place > ITEM_CHARS_MAX:
            raise _NotJsonError
        text = text[place:] + more.decode("utf-8", "replace")
        place = 0
