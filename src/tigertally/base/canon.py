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
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from tigertally.base.errors import Invalid
from tigertally.base.text import Text

# Covariant on purpose: a dict of str is a Json object. At run time objects are dicts and arrays are lists.
Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | bool | None"

INT_MAX: Final = 2**53 - 1
DEPTH_MAX: Final = 32


class NotCanonical(Invalid):
    """Bytes or a value outside canonical JSON."""

    code = "base.not_canonical"
    title = Text("不是规范的 JSON 字节", "not canonical JSON")
    hint = Text("文件可能被编辑或截断；请向对方索取原始文件", "the file was edited or cut; ask for the original file")


def dumps(value: Json) -> bytes:
    """Return the canonical UTF-8 bytes of ``value``; :class:`NotCanonical` if it has none."""
    ordered = _order(value, 0)
    try:
        return json.dumps(ordered, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeEncodeError:
        raise NotCanonical from None


def loads(data: bytes) -> Json:
    """Return the value of canonical bytes; :class:`NotCanonical` for every other byte string."""
    try:
        value: Json = json.loads(data.decode(), parse_float=_no_float, parse_constant=_no_float)
        same = dumps(value) == data
    except (ValueError, RecursionError):
        raise NotCanonical from None
    if not same:
        raise NotCanonical
    return value


def _no_float(_: str) -> float:
    raise NotCanonical


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
