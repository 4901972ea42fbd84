"""JSON and JSON Lines: rows out, and the same text back with other values.

Only value tokens are replaced; order, white space, number spellings and everything else keep their characters
(RFC 8259 grammar, checked while walking). Keys are named as discovery names them: dotted, ``[]`` for the items of an
array (``customer.cards[].no``), from the record on in a file of records; a key that is itself a value is ``*``, and its
text counts as a value of that name.

A row is the set of fields that share their innermost array element; its customer is the nearest subject key seen in
that element or in one around it. A line of a JSON Lines file that is not JSON (cut by a crash) is treated as text.
A JSON document is read whole and therefore limited to :data:`DOCUMENT_CHARS_MAX` characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import BinaryIO, Final

from tigertally.base.text import Text
from tigertally.discovery import find_spans
from tigertally.sealing.errors import NotRewritable, SourceNotReadable
from tigertally.sealing.plan import PlanSource
from tigertally.sealing.rewriters.encoded import TextStream, encoded
from tigertally.sealing.rewriters.grid import Grid
from tigertally.sealing.rewriters.located import located
from tigertally.sealing.rewriters.shield import STARS, UNPLANNED, Shield, span_actions, whole_field

DOCUMENT_CHARS_MAX: Final = 64 * 1024 * 1024
DEPTH_MAX: Final = 200
_SAMPLE_LINES: Final = 2048
_STRING: Final = 1  # groups of _TOKEN
_PUNCTUATION: Final = 3
_KEY_DIGITS_MIN: Final = 6
_STARS_RAW: Final = json.dumps(STARS)

_TOKEN: Final = re.compile(
    r'[ \t\r\n]*(?:("[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*)*")'
    r"|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)|([{}\[\],:]))"
)
_TOO_LONG: Final = Text("JSON 文档过大，请拆成 JSON Lines", "the JSON document is too large; split it into JSON Lines")


@dataclass(frozen=True, slots=True)
class _Value:
    """A scalar in the text: where it stands, its dotted key, and the array elements around it (outermost first)."""

    start: int
    stop: int
    key: str
    scope: tuple[int, ...]
    is_key: bool = False


@dataclass(slots=True)
class _Frame:
    """An open object or array while walking."""

    is_object: bool
    path: str
    scope: tuple[int, ...]
    key: str = ""
    due: str = "value"  # key, colon, value, or comma (which may also close)
    empty: bool = True


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of the file that is parsed as one: its text, and its values, ``None`` if it is not JSON."""

    text: str = field(repr=False)
    values: list[_Value] | None


class _NotJsonError(ValueError):
    """The text leaves the grammar."""


def keys(stream: BinaryIO, source: PlanSource, *, wanted: frozenset[str]) -> frozenset[str]:
    """Return keys of the object that hold a scalar: those seen until all of ``wanted`` are; at least one batch's."""
    seen: set[str] = set()
    for batch in _pieces(_open(stream, source), source, per_batch=_SAMPLE_LINES):
        seen.update(value.key for piece in batch for value in piece.values or ())
        if wanted <= seen:
            break
    return frozenset(seen)


def read(stream: BinaryIO, source: PlanSource, *, batch_rows: int) -> Iterator[Grid]:
    """Yield rows of the subject key and the planned keys."""
    names = tuple(dict.fromkeys([*([source.subject] if source.subject else []), *(one.name for one in source.fields)]))
    rows: list[list[str | None]] = []
    first = 0
    for batch in _pieces(_open(stream, source), source, per_batch=batch_rows, chosen=_with_keys(source)):
        for piece in batch:
            rows += _rows(piece, names, source.subject)
        while len(rows) >= batch_rows:
            yield _grid(first, names, rows[:batch_rows])
            first, rows = first + batch_rows, rows[batch_rows:]
    yield _grid(first, names, rows)


def rewrite(stream: BinaryIO, target: BinaryIO, source: PlanSource, shield: Shield, *, batch_rows: int) -> None:
    """Write the object with planned values replaced; other strings are searched for leaks."""
    text = _open(stream, source)
    target.write(text.mark)
    planned = _with_keys(source)

    def chosen(lines: list[str]) -> list[bool]:
        hit = set(located(lines).text)
        return [has or at in hit for at, has in enumerate(planned(lines))]

    for batch in _pieces(text, source, per_batch=batch_rows, chosen=chosen):
        fresh = "".join(_replaced(batch, source, shield))
        target.write(encoded(fresh, source.encoding, source.object))


def _open(stream: BinaryIO, source: PlanSource) -> TextStream:
    return TextStream(stream, encoding=source.encoding, object_path=source.object)


def _with_keys(source: PlanSource) -> Callable[[list[str]], list[bool]]:
    """Return a quick test of which lines may hold a planned key. A key written with escapes counts as there."""
    last = {one.name.rpartition(".")[2].removesuffix("[]") for one in source.fields}
    if last & {"*", "#", ""}:
        return lambda lines: [True] * len(lines)
    needles = [json.dumps(name, ensure_ascii=False) for name in last]
    return lambda lines: [any(needle in line for needle in needles) or "\\u" in line for line in lines]


def _pieces(
    text: TextStream, source: PlanSource, *, per_batch: int, chosen: Callable[[list[str]], list[bool]] | None = None
) -> Iterator[list[_Piece]]:
    """Yield the pieces of the object; lines that are not ``chosen`` are not parsed and have no values."""
    if source.kind == "jsonl":
        for lines in text.lines(per_batch=per_batch):
            wanted = chosen(lines) if chosen else [True] * len(lines)
            yield [
                _parsed(line, records=False) if take else _Piece(line, [])
                for line, take in zip(lines, wanted, strict=True)
            ]
        return
    parts: list[str] = []
    chars = 0
    for chunk in text.chunks():
        chars += len(chunk)
        if chars > DOCUMENT_CHARS_MAX:
            raise NotRewritable(object_path=source.object, why=_TOO_LONG)
        parts.append(chunk)
    piece = _parsed("".join(parts), records=True)
    if piece.values is None:
        raise SourceNotReadable(object=source.object)
    yield [piece]


def _parsed(text: str, *, records: bool) -> _Piece:
    try:
        return _Piece(text, list(_walk(text, records=records)))
    except _NotJsonError:
        return _Piece(text, None)


def _rows(piece: _Piece, names: tuple[str, ...], subject: str) -> Iterator[list[str | None]]:
    """Yield one row per array element that holds a planned value."""
    at = {name: column for column, name in enumerate(names)}
    subjects: dict[tuple[int, ...], str | None] = {}
    rows: dict[tuple[int, ...], list[list[str | None]]] = {}
    for value in piece.values or ():
        if value.key not in at:
            continue
        content = _content(piece.text[value.start : value.stop])
        if value.key == subject:
            subjects.setdefault(value.scope, content)
            continue
        mine = rows.setdefault(value.scope, [[None] * len(names)])
        if mine[-1][at[value.key]] is not None:
            mine.append([None] * len(names))
        mine[-1][at[value.key]] = content
    for scope, mine in rows.items():
        for row in mine:
            if subject:
                around = (scope[:depth] for depth in range(len(scope), -1, -1))
                row[at[subject]] = next((subjects[one] for one in around if one in subjects), None)
            yield row


def _replaced(batch: list[_Piece], source: PlanSource, shield: Shield) -> Iterator[str]:
    """Yield the text of each piece with its values replaced, asking the shield once per key for the whole batch."""
    by_key: dict[str, list[tuple[int, int]]] = {}
    for number, piece in enumerate(batch):
        for at, value in enumerate(piece.values or ()):
            by_key.setdefault(value.key, []).append((number, at))
    fresh: list[dict[int, str]] = [{} for _ in batch]
    for key, places in by_key.items():
        raws = [_raw(batch[number], at) for number, at in places]
        for (number, at), raw, new in zip(places, raws, _new_raws(key, raws, source, shield), strict=True):
            if new != raw:
                is_key = (batch[number].values or [])[at].is_key
                fresh[number][at] = _STARS_RAW if is_key and new == "null" else new
    for piece, changes in zip(batch, fresh, strict=True):
        yield shield.spans([piece.text], UNPLANNED)[0] if piece.values is None else _spliced(piece, changes)


def _new_raws(key: str, raws: list[str], source: PlanSource, shield: Shield) -> list[str]:
    whole = whole_field(source.fields, key)
    contents = [_content(raw) for raw in raws]
    after: list[str | None]
    if whole is not None:
        after = shield.cells(whole, contents)
    elif key == source.subject:
        after = [*shield.subjects([content or "" for content in contents])]
    elif any(one.name == key for one in source.fields):
        after = [*shield.spans([content or "" for content in contents], span_actions(source.fields, key))]
    else:
        after = [*shield.unplanned([content or "" for content in contents])]
    return [
        raw if new == old or (new == "" and old is None) else _as_raw(raw, new)
        for raw, old, new in zip(raws, contents, after, strict=True)
    ]


def _raw(piece: _Piece, at: int) -> str:
    value = (piece.values or [])[at]
    return piece.text[value.start : value.stop]


def _spliced(piece: _Piece, changes: dict[int, str]) -> str:
    if not changes:
        return piece.text
    parts: list[str] = []
    last = 0
    values = piece.values or []
    for at in sorted(changes):
        parts += [piece.text[last : values[at].start], changes[at]]
        last = values[at].stop
    return "".join(parts) + piece.text[last:]


def _content(raw: str) -> str | None:
    """Return the text of a scalar token; ``None`` for null, true and false, which are no customer's value."""
    if raw.startswith('"'):
        return _string(raw)
    return None if raw in {"null", "true", "false"} else raw


def _string(raw: str) -> str:
    return str(json.loads(raw)) if "\\" in raw else raw[1:-1]


def _as_raw(old: str, new: str | None) -> str:
    """Return the token that stands for ``new``: a number stays one if it can, purged values become null."""
    if new is None:
        return "null"
    if not old.startswith('"') and new.isdigit() and not new.startswith("0"):
        return new
    return json.dumps(new, ensure_ascii="\\u" in old)


def _grid(first: int, names: tuple[str, ...], rows: list[list[str | None]]) -> Grid:
    columns: Iterable[tuple[str | None, ...]] = zip(*rows, strict=True) if rows else [()] * len(names)
    return Grid(row=first, names=names, columns=tuple(list(column) for column in columns))


def _walk(text: str, *, records: bool) -> Iterator[_Value]:
    """Yield every scalar of the JSON text; :class:`_NotJsonError` where the grammar is left.

    ``records``: an outermost array is a file of records, whose names begin at each item.
    """
    stack: list[_Frame] = []
    elements = at = 0
    while found := _TOKEN.match(text, at):
        at = found.end()
        kind = found.lastindex or 0
        word = found.group(kind)
        if kind == _PUNCTUATION and word in "}],:":
            _punctuate(stack, word)
        elif stack and stack[-1].due == "key":
            frame = stack[-1]
            if kind != _STRING:
                raise _NotJsonError
            frame.key, frame.due, frame.empty = key_name(_string(word)), "colon", False
            if frame.key == "*":
                yield _Value(found.start(kind), at, _joined(frame.path, "*"), frame.scope, is_key=True)
        else:
            path, scope = _place(stack, elements, records=records)
            elements += 1
            if kind == _PUNCTUATION:
                stack.append(_Frame(word == "{", path, scope, due="key" if word == "{" else "value"))
            else:
                yield _Value(found.start(kind), at, path or "#", scope)
    if stack or text[at:].strip(" \t\r\n"):
        raise _NotJsonError


def _place(stack: list[_Frame], elements: int, *, records: bool) -> tuple[str, tuple[int, ...]]:
    """Return the name and scope of a value that begins here, and note in its frame that it has begun."""
    if not stack:
        if elements:  # one text, one value
            raise _NotJsonError
        return "", (elements,)
    frame = stack[-1]
    if frame.due != "value" or len(stack) > DEPTH_MAX:
        raise _NotJsonError
    frame.due, frame.empty = "comma", False
    if frame.is_object:
        return _joined(frame.path, frame.key), frame.scope
    items = "" if records and len(stack) == 1 else "[]"
    return frame.path + items, (*frame.scope, elements)


def _punctuate(stack: list[_Frame], word: str) -> None:
    if not stack:
        raise _NotJsonError
    frame = stack[-1]
    if word == ":":
        good, frame.due = frame.due == "colon", "value"
    elif word == ",":
        good, frame.due = frame.due == "comma", "key" if frame.is_object else "value"
    else:
        good = (word == "}") == frame.is_object and (frame.due == "comma" or (frame.empty and frame.due != "colon"))
        stack.pop()
    if not good:
        raise _NotJsonError


@lru_cache(maxsize=8192)
def key_name(key: str) -> str:
    """Return how a key is named: itself, or ``*`` if it is long digits or holds a customer's value."""
    if (len(key) >= _KEY_DIGITS_MIN and key.isdigit()) or len(find_spans(key.encode("utf-8", "replace"))):
        return "*"
    return key


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
