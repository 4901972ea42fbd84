"""Canonical JSON: the one byte string of a value, for everything that is signed or hashed.

Implements RFC 8785 (JCS) for a closed set of types, which removes its hard part:
1. values are objects, arrays, strings, integers in ±(2^53 - 1), true, false, null; no floats;
2. members are sorted by UTF-16 code units of their names (RFC 8785 §3.2.3);
3. strings escape only what §3.2.2.2 says; no lone surrogates; no whitespace;
4. :func:`loads` accepts exactly the bytes that :func:`dumps` makes: ``dumps(loads(b)) == b`` for all
   accepted ``b``; duplicate names, other spellings, depth over 32 and anything else are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from tigertally.base.errors import Invalid
from tigertally.base.text import Text

# Covariant on purpose: a dict of str is a Json object. At run time objects are dicts and arrays are lists.
Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | bool | None"

INT_MAX: Final = 2**53 - 1
DEPTH_MAX: Final = 32
_ASTRAL: Final = re.compile(rb"[\xf0-\xff]")


class NotCanonical(Invalid):
    """Bytes or a value outside canonical JSON."""

    code = "base.not_canonical"
    title = Text("不是规范的 JSON 字节", "not canonical JSON")
    hint = Text("文件可能被编辑或截断；请向对方索取原始文件", "the file was edited or cut; ask for the original file")


def dumps(value: Json) -> bytes:
    """Return the canonical UTF-8 bytes of ``value``; :class:`NotCanonical` if it has none."""
    ordered = _order(value, 0)
    try:
        return _ORDERED.encode(ordered).encode()
    except UnicodeEncodeError:
        raise NotCanonical from None


def loads(data: bytes) -> Json:
    """Return the value of canonical bytes; :class:`NotCanonical` for every other byte string."""
    try:
        value: Json = _DECODER.decode(data.decode())
        same = (_spell(value) if _is_plain(data) else dumps(value)) == data
    except (ValueError, RecursionError):
        raise NotCanonical from None
    if not same:
        raise NotCanonical
    return value


def _is_plain(data: bytes) -> bool:
    """Return whether the JSON library's own order of names is ours, and the depth is surely within bounds.

    Without characters outside the basic plane, code points sort as UTF-16 units do. Most files are like that, and
    reading them costs a third of what ordering them here would.
    """
    return data.count(b"[") + data.count(b"{") <= DEPTH_MAX and not _ASTRAL.search(data)


def _spell(value: Json) -> bytes:
    return _SORTING.encode(value).encode()


def _bounded_int(digits: str) -> int:
    number = int(digits)
    if abs(number) > INT_MAX:
        raise NotCanonical
    return number


def _no_float(_: str) -> float:
    raise NotCanonical


# Built once: the library's functions build theirs again for every call that is not made with its defaults.
_DECODER: Final = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float, parse_int=_bounded_int)
_SORTING: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=True)
_ORDERED: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _order(value: object, depth: int) -> Json:
    if depth > DEPTH_MAX:
        raise NotCanonical
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        if abs(value) > INT_MAX:
            raise NotCanonical
        return value
    if isinstance(value, list):
        return [_order(item, depth + 1) for item in value]
    if isinstance(value, dict):
        names = list(value)
        if not all(isinstance(name, str) for name in names):
            raise NotCanonical
        try:
            names.sort(key=lambda name: name.encode("utf-16-be"))
        except UnicodeEncodeError:
            raise NotCanonical from None
        return {name: _order(value[name], depth + 1) for name in names}
    raise NotCanonical
