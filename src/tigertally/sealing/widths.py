"""Whether what will stand in a column fits it: the column's declared type against the longest token of its class.

Declarations come from the schema: a SQLite table's, or the CREATE TABLE of a dump (PostgreSQL, MySQL). Files without
one (CSV, JSON, workbooks) take anything. A dump with a token that is too long would not load, so that is grave; SQLite
keeps lengths as notes only, so there it is advice, except in STRICT tables, whose columns of integers take no text.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

from tigertally.base.fields import FieldClass
from tigertally.base.text import Text
from tigertally.sealing.errors import NotRewritable, SourceNotReadable
from tigertally.sealing.live import rows as live_rows
from tigertally.sealing.plan import (
    MEMBER_MARK,
    Action,
    Estate,
    Extent,
    Plan,
    PlanField,
    PlanMistake,
    PlanSource,
    TokenForm,
    advice,
    mistake,
)
from tigertally.sealing.rewriters import database, dump
from tigertally.sealing.rewriters.containers import file_of, opened_object, whole
from tigertally.vault import FITTING_CLASSES, FITTING_FIXED_CHARS, STORED_CHARS

# The type at the begin of what is declared: words, and a length in brackets.
_TYPE: Final = re.compile(r"\s*((?:national\s+)?\w+(?:\s+varying)?)\s*(\([^)]*\))?", re.IGNORECASE)
_LENGTH: Final = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?(?:char|byte)?\s*\)", re.IGNORECASE)
_TEXTS: Final = re.compile(r"\b(?:n?char|character|n?varchar2?|bpchar|string)\b|varying", re.IGNORECASE)
_NUMBERS: Final = re.compile(r"\b(?:numeric|decimal|number|dec)\b", re.IGNORECASE)
_INTEGERS: Final[Mapping[str, int]] = {  # decimal digits that every number of the type's size may have
    "tinyint": 2, "smallint": 4, "int2": 4, "mediumint": 6, "integer": 9, "int": 9, "int4": 9, "serial": 9,
    "bigint": 18, "int8": 18, "bigserial": 18,
}  # fmt: skip
_INTEGER: Final = re.compile(r"^\s*(" + "|".join(_INTEGERS) + r")\b", re.IGNORECASE)
_SQLITE_INTEGER_DIGITS: Final = 18
_MOBILE_DIGITS: Final = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a column takes: at most ``chars`` characters, or only whole numbers of at most ``digits`` digits."""

    chars: int | None = None
    digits: int | None = None
    enforced: bool = True


def room_of(declared: str, *, enforced: bool = True) -> Room | None:
    """Return the room of a declared type; None if it sets no bound that a token could break."""
    begin = _TYPE.match(declared)
    if begin is None:
        return None
    declared = begin.group()
    length = _LENGTH.search(declared)
    if _TEXTS.search(declared):
        return None if length is None else Room(chars=int(length.group(1)), enforced=enforced)
    if _NUMBERS.search(declared) and length is not None:
        return Room(digits=int(length.group(1)) - int(length.group(2) or 0), enforced=enforced)
    kind = _INTEGER.match(declared)
    return Room(digits=_INTEGERS[kind.group(1).lower()], enforced=enforced) if kind else None


def rooms(source: PlanSource, root: Estate) -> Mapping[str, Room]:
    """Return the room of each column that declares one. Raises ``SourceNotReadable``, ``NotRewritable``."""
    if source.kind == "sqlite":
        return dict(_sqlite_rooms(source, root))
    if source.kind == "table":
        declared = ((name, room_of(kind)) for name, kind in live_rows.declared(root, source).items())
        return {name: room for name, room in declared if room is not None}
    if source.kind == "sql" and source.table:
        with opened_object(root, source.object) as stream:
            types = dump.declared(stream, source)
        found = ((name, room_of(kind)) for name, kind in types.items())
        return {name: room for name, room in found if room is not None}
    return {}


def width_mistakes(source: PlanSource, root: Estate) -> Iterator[PlanMistake]:
    """Yield a mistake for each sealed column that has no room for its tokens, with what would fit if anything does."""
    for one, room in _sealed_rooms(source, root):
        if not fits(one.cls, one.token, room):
            say = mistake if room.enforced else advice
            yield say(
                one.line, _what(one, room), column=one.name, cls=one.cls.value, room=room.chars or room.digits or 0
            )


def with_room(plan: Plan, root: Estate) -> Plan:
    """Return ``plan`` with fitting tokens for each class that the default ones would be too long for somewhere."""
    cramped = {
        one.cls
        for source in plan.sources
        for one, room in _sealed_rooms(source, root)
        if room.enforced and not fits(one.cls, TokenForm.DEFAULT, room)
    }
    chosen = cramped & FITTING_CLASSES
    if not chosen:
        return plan
    return Plan(
        sources=tuple(
            replace(
                source,
                fields=tuple(
                    replace(one, token=TokenForm.FIT) if one.cls in chosen and one.action is Action.SEAL else one
                    for one in source.fields
                ),
            )
            for source in plan.sources
        )
    )


def fits(cls: FieldClass, form: TokenForm, room: Room) -> bool:
    """Return whether the tokens of values that stood in the column fit it."""
    if cls is FieldClass.PAN:
        return True  # as long as the card, and of digits; 19 of them that begin with 7 are still below 2^63
    if room.digits is not None:
        return form is TokenForm.FIT and cls is FieldClass.MOBILE and room.digits >= _MOBILE_DIGITS
    chars = room.chars or 0
    if form is TokenForm.FIT:
        return chars >= FITTING_FIXED_CHARS.get(cls, 0)  # else as long as the value, which stood there
    return chars >= STORED_CHARS


def _sealed_rooms(source: PlanSource, root: Estate) -> Iterator[tuple[PlanField, Room]]:
    sealed = [one for one in source.fields if one.action is Action.SEAL and one.extent is Extent.CELL]
    if not sealed:
        return
    try:
        known = rooms(source, root)
    except (NotRewritable, SourceNotReadable):
        return  # another mistake already
    yield from ((one, known[one.name]) for one in sealed if one.name in known)


def _what(one: PlanField, room: Room) -> Text:
    if one.token is not TokenForm.FIT and one.cls in FITTING_CLASSES and fits(one.cls, TokenForm.FIT, room):
        return _TRY_FIT
    return _NO_TOKEN_FITS if room.chars is not None else _NOT_INTEGER


def _sqlite_rooms(source: PlanSource, root: Estate) -> Iterator[tuple[str, Room]]:
    if MEMBER_MARK not in source.object:
        with closing(database.opened(file_of(root, source.object))) as connection:
            types, strict = _sqlite_types(connection, source)
    else:
        with (
            opened_object(root, source.object) as stream,
            closing(database.deserialized(whole(stream, source.object))) as connection,
        ):
            types, strict = _sqlite_types(connection, source)
    for name, declared in types:
        room = room_of(declared, enforced=strict)
        if room is not None and room.digits is not None:
            # Every integer has 64 bits there, whatever it is called; only STRICT tables refuse a text.
            room = Room(digits=_SQLITE_INTEGER_DIGITS, enforced=True) if strict else None
        if room is not None:
            yield name, room


def _sqlite_types(connection: sqlite3.Connection, source: PlanSource) -> tuple[list[tuple[str, str]], bool]:
    try:
        rows = connection.execute("SELECT name, type FROM pragma_table_xinfo(?)", (source.table,)).fetchall()
        strict = connection.execute("SELECT strict FROM pragma_table_list WHERE name = ?", (source.table,)).fetchall()
    except sqlite3.Error:
        raise SourceNotReadable(object=source.object) from None
    return [(str(name), str(kind)) for name, kind in rows], any(one for (one,) in strict)


_TRY_FIT: Final = Text(
    '{column} 只容得下 {room} 个字符，放不下默认的令牌；可写 token = "fit"',
    '{column} has room for {room} characters, too few for a token of {cls}; token = "fit" gives one that fits',
)
_NO_TOKEN_FITS: Final = Text(
    "{column} 只容得下 {room} 个字符，放不下 {cls} 的任何令牌；请改为 purge，或先加宽这一列",
    "{column} has room for {room} characters, and no token of {cls} fits: purge it, or widen the column first",
)
_NOT_INTEGER: Final = Text(
    "{column} 是不超过 {room} 位的整数列，放不下 {cls} 的任何令牌；请改为 purge，或先改列的类型",
    "{column} takes whole numbers of {room} digits, and no token of {cls} is one: purge it, or change the type first",
)
