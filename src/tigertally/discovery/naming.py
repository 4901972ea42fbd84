"""Names of places: paths, tables, columns and keys, without a customer's value in them.

A file can be called after a customer, and a file without a header looks as if its first customer were
the header. So each name is searched like any text, and digits of what is found become ``*``.
"""

from __future__ import annotations

import re
from typing import Final

from tigertally.discovery.spans import find_spans

NAME_CHARS_MAX: Final = 200
_VALUE_DIGITS_MIN: Final = 8  # no value that is found has fewer
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_DIGIT: Final = re.compile(rb"[0-9]")


def safe_name(text: str) -> str:
    """Return ``text`` on one line, digits of customer values starred. Nearly always that is ``text`` itself."""
    shown = _CONTROL.sub("·", text)
    if sum(map(str.isdecimal, shown)) < _VALUE_DIGITS_MIN:
        return shown
    data = shown.encode("utf-8", "replace")
    spans = find_spans(data)
    if len(spans):
        pieces, done = [], 0
        for start, stop in zip(spans.start.tolist(), spans.stop.tolist(), strict=True):
            pieces += [data[done:start], _DIGIT.sub(b"*", data[start:stop])]
            done = stop
        shown = b"".join([*pieces, data[done:]]).decode("utf-8", "replace")
    return shown


def column_names(cells: list[str] | None, count: int) -> tuple[str, ...]:
    """Return ``count`` different names of columns: the header's cells, ``#1``, ``#2`` … where there is none.

    A name that comes again gets its column's number behind it: ``备注``, ``备注#4``.
    """
    names: list[str] = []
    seen: set[str] = set()
    for index in range(count):
        given = cells[index].strip() if cells is not None and index < len(cells) else ""
        name = safe_name(given)[:NAME_CHARS_MAX] if given else f"#{index + 1}"
        if name in seen:
            name = f"{name}#{index + 1}"
        seen.add(name)
        names.append(name)
    return tuple(names)
