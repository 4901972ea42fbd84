"""Strict reading of JSON bodies: every member is asked for, checked, and nothing may be left over.

A format's ``from_body`` takes a :class:`Reader`, asks for each member in turn and calls :meth:`Reader.end`.
Anything missing, ill-typed, out of bounds or unknown raises :class:`Malformed` with the member's name
(never its value).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Final, TypeVar

from tigertally.base import canon, clock, ids
from tigertally.base.canon import Json
from tigertally.base.errors import Invalid
from tigertally.formats.errors import Malformed

_HEX: Final = re.compile(r"(?:[0-9a-f]{2})*")
TEXT_CHARS_MAX: Final = 400
ITEMS_MAX: Final = 100_000

E = TypeVar("E", bound=Enum)


def to_b64(data: bytes) -> str:
    """Return standard base 64 with padding."""
    return base64.b64encode(data).decode()


def from_b64(text: str) -> bytes | None:
    """Return the bytes whose one spelling is ``text``; None for any other text."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if to_b64(data) == text else None


class Reader:
    """A JSON object being read; ``what`` is the format's name for messages."""

    def __init__(self, value: Json, *, what: str, where: str = "body") -> None:
        if not isinstance(value, dict):
            raise Malformed(what=what, where=where)
        self._left: dict[str, Json] = dict(value)
        self._what = what
        self._where = where

    def wrong(self, name: str) -> Malformed:
        """Return the problem that member ``name`` is wrong."""
        return Malformed(what=self._what, where=f"{self._where}.{name}")

    def _take(self, name: str) -> Json:
        if name not in self._left:
            raise self.wrong(name)
        return self._left.pop(name)

    def has(self, name: str) -> bool:
        """Return whether member ``name`` is there and not yet read."""
        return name in self._left

    def text(self, name: str, *, chars_max: int = TEXT_CHARS_MAX, empty: bool = False) -> str:
        """Return a string member; empty ones only if ``empty``."""
        value = self._take(name)
        if not isinstance(value, str) or len(value) > chars_max or not (value or empty):
            raise self.wrong(name)
        return value

    def const(self, name: str, expected: str) -> None:
        """Check a string member that can have one value only."""
        if self._take(name) != expected:
            raise self.wrong(name)

    def integer(self, name: str, *, minimum: int = 0, maximum: int = canon.INT_MAX) -> int:
        """Return an integer member within bounds."""
        value = self._take(name)
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise self.wrong(name)
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean member."""
        value = self._take(name)
        if not isinstance(value, bool):
            raise self.wrong(name)
        return value

    def digest(self, name: str) -> str:
        """Return a SHA-256 digest member: 64 lower-case hex digits."""
        value = self._take(name)
        if not isinstance(value, str) or len(value) != 64 or not _HEX.fullmatch(value):  # noqa: PLR2004
            raise self.wrong(name)
        return value

    def hexbytes(self, name: str, *, length: int) -> bytes:
        """Return a member of ``length`` bytes in lower-case hex."""
        value = self._take(name)
        if not isinstance(value, str) or len(value) != 2 * length or not _HEX.fullmatch(value):
            raise self.wrong(name)
        return bytes.fromhex(value)

    def b64(self, name: str) -> bytes:
        """Return a base 64 member's bytes."""
        value = self._take(name)
        data = from_b64(value) if isinstance(value, str) else None
        if data is None:
            raise self.wrong(name)
        return data

    def instant(self, name: str) -> datetime:
        """Return an instant member."""
        value = self._take(name)
        try:
            return clock.from_text(value if isinstance(value, str) else "")
        except Invalid:
            raise self.wrong(name) from None

    def ident(self, name: str, kind: str) -> str:
        """Return an identifier member of ``kind``."""
        value = self._take(name)
        try:
            return ids.check_id(value if isinstance(value, str) else "", kind)
        except Invalid:
            raise self.wrong(name) from None

    def choice(self, name: str, options: type[E]) -> E:
        """Return an enum member by its value."""
        value = self._take(name)
        for option in options:
            if option.value == value:
                return option
        raise self.wrong(name)

    def choices(self, name: str, options: type[E]) -> tuple[E, ...]:
        """Return an array of enum values, sorted by value and without repeats."""
        by_value = {option.value: option for option in options}
        values = self.texts(name)
        if any(value not in by_value for value in values) or list(values) != sorted(set(values)):
            raise self.wrong(name)
        return tuple(by_value[value] for value in values)

    def texts(self, name: str, *, chars_max: int = TEXT_CHARS_MAX) -> tuple[str, ...]:
        """Return an array of strings."""
        value = self._take(name)
        if not isinstance(value, list) or len(value) > ITEMS_MAX:
            raise self.wrong(name)
        found: list[str] = []
        for item in value:
            if not isinstance(item, str) or len(item) > chars_max:
                raise self.wrong(name)
            found.append(item)
        return tuple(found)

    def counts(self, name: str) -> dict[str, int]:
        """Return an object of non-negative integers."""
        value = self._take(name)
        if not isinstance(value, dict) or len(value) > ITEMS_MAX:
            raise self.wrong(name)
        found: dict[str, int] = {}
        for key, item in value.items():
            if not isinstance(item, int) or isinstance(item, bool) or item < 0:
                raise self.wrong(name)
            found[key] = item
        return found

    def body(self, name: str) -> Reader:
        """Return an object member for reading."""
        return Reader(self._take(name), what=self._what, where=f"{self._where}.{name}")

    def bodies(self, name: str) -> list[Reader]:
        """Return an array of objects for reading."""
        value = self._take(name)
        if not isinstance(value, list) or len(value) > ITEMS_MAX:
            raise self.wrong(name)
        return [
            Reader(item, what=self._what, where=f"{self._where}.{name}[{position}]")
            for position, item in enumerate(value)
        ]

    def json(self, name: str) -> Json:
        """Return a member as it is; the caller checks it."""
        return self._take(name)

    def end(self) -> None:
        """Check that every member was read."""
        for name in sorted(self._left):
            raise self.wrong(name)


def parse_canonical(data: bytes, *, what: str) -> Json:
    """Return the value of canonical JSON bytes; :class:`Malformed` otherwise."""
    try:
        return canon.loads(data)
    except canon.NotCanonical:
        raise Malformed(what=what, where="json") from None


def json_counts(counts: Mapping[str, int]) -> Json:
    """Return counts as a JSON object."""
    return dict(counts.items())
