"""Checks that a detector file may ask for by name, beyond the shape of a value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from math import log2
from typing import Final

from tigertally.data.issuers import luhn_ok
from tigertally.discovery.shapes import NAME_HAN

_NAME: Final = NAME_HAN.replace(r"\p{Han}", "[\u4e00-\u9fff\u3400-\u4dbf]")
_ENTROPY_BITS_MIN: Final = 3.0


def mixed(value: str) -> bool:
    """Return whether ``value`` is as irregular as a generated secret: three bits of entropy a character or more."""
    counts = Counter(value).values()
    return -sum(count / len(value) * log2(count / len(value)) for count in counts) >= _ENTROPY_BITS_MIN


def person(value: str) -> bool:
    """Return whether ``value`` can be a person's name: a Chinese surname and one or two characters, or not Chinese."""
    return value.isascii() or re.match(_NAME, value) is not None


CHECKS: Final[Mapping[str, Callable[[str], bool]]] = {
    "luhn": luhn_ok,
    "not-luhn": lambda value: not luhn_ok(value),
    "mixed": mixed,
    "person": person,
}
