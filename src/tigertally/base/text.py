"""Text a user reads, in both languages, and masking of what must never be shown whole.

Invariant: every sentence that reaches a person is a :class:`Text`, so that no face can ship one
language only. A ``Text`` is a template; values are put in by :meth:`Text.render` through
:func:`safe`, which hides long digit runs even when a caller passes one by mistake.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePath
from typing import Final

SAFE_CHARS_MAX: Final = 240
_DIGIT_RUN: Final = re.compile(r"\d(?:[ \-]?\d){8,}")
# C0 and C1 controls, direction marks and overrides, zero-width and line separators: nothing a terminal obeys or
# that makes two different names look alike.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class Lang(Enum):
    """Languages of the faces. Chinese is the first."""

    ZH = "zh"
    EN = "en"


def printable(text: str) -> str:
    """Return ``text`` on one line without anything a terminal would obey; nothing else is hidden."""
    return _CONTROL.sub("·", text)


def safe(value: object) -> str:
    """Return ``value`` as text that may be shown: digit runs of nine or more hidden, one line, bounded.

    Integers are shown whole (they are counts and sizes, never customers' values); anything that is
    not a str, int, Enum or path is shown by its type's name only.
    """
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, (str, PurePath)):
        return f"<{type(value).__name__}>"
    shown = printable(_DIGIT_RUN.sub("…", str(value)))
    return shown if len(shown) <= SAFE_CHARS_MAX else shown[: SAFE_CHARS_MAX - 1] + "…"


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in Chinese and English; ``{name}`` places are filled by :meth:`render`."""

    zh: str
    en: str

    def render(self, lang: Lang, **details: object) -> str:
        """Return the sentence in ``lang`` with every detail passed through :func:`safe`."""
        template = self.zh if lang is Lang.ZH else self.en
        return template.format(**{name: safe(value) for name, value in details.items()})
