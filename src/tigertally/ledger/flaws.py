"""What ``fsck`` found: a bounded list of flaws, each with the number of its check and the entry where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tigertally.base.text import Text

FLAWS_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Something that does not hold: which check (1–12, see ``fsck``; 13: the beat), at which entry, in words."""

    check: int
    index: int
    what: Text


class Flaws:
    """A list that stops growing at ``FLAWS_MAX``."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: list[Flaw] = []

    def add(self, check: int, index: int, zh: str, en: str) -> None:
        """Add one."""
        if len(self.found) < FLAWS_MAX:
            self.found.append(Flaw(check=check, index=index, what=Text(zh, en)))
