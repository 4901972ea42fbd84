"""Context words in the line before a number that has no label of its own: which, and how far away.

The words are those of the ``[kernel]`` detector file of the number's class.
"""

from __future__ import annotations

import re
from functools import cache

from tigertally.base.fields import FieldClass
from tigertally.discovery.detectors import built_in

REACH_BYTES = 80


def keyword_before(cls: FieldClass, data: bytes, start: int) -> tuple[str, int] | None:
    """Return the nearest context word of ``cls`` in the line before ``start`` and the characters between, or None."""
    words = _words(cls)
    before = data[max(start - REACH_BYTES, 0) : start]
    before = before[before.rfind(b"\n") + 1 :]
    found = None if words is None else _last(words, before)
    if found is None:
        return None
    return found.group().decode("utf-8", "replace"), len(before[found.end() :].decode("utf-8", "replace"))


def _last(words: re.Pattern[bytes], before: bytes) -> re.Match[bytes] | None:
    found = None
    for found in words.finditer(before):  # noqa: B007 - the last one is wanted
        pass
    return found


@cache
def _words(cls: FieldClass) -> re.Pattern[bytes] | None:
    known = [word for one in built_in().all if one.cls is cls for word in one.context]
    if not known:
        return None
    longest = b"|".join(re.escape(word.encode()) for word in sorted(known, key=len, reverse=True))
    return re.compile(rb"(?<![A-Za-z])(?:%b)" % longest, re.IGNORECASE)
