"""Tokens made from a key, and a small estate scanned once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tigertally.base.fields import FieldClass
from tigertally.discovery import Inventory, scan
from tigertally.sealing import Plan
from tigertally.testing import SettableClock, Truth

LETTERS = str.maketrans("0123456789", "ghjkmnpqrs")


def luhn_ok(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[0::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


class Tokens:
    """A token for every value, or those ``known``, but ``unknown`` ones; a card's begins with 7 and fails Luhn."""

    def __init__(self, *unknown: str, known: frozenset[str] | None = None) -> None:
        self.unknown = set(unknown)
        self.known = known
        self.asked: list[tuple[FieldClass, str]] = []

    def __call__(self, cls: FieldClass, values: list[str]) -> Sequence[str | None]:
        self.asked += [(cls, value) for value in values]
        return [self.of(cls, value) if self.knows(value) else None for value in values]

    def knows(self, value: str) -> bool:
        return value not in self.unknown and (self.known is None or value in self.known)

    def of(self, cls: FieldClass, value: str) -> str:
        digest = hashlib.sha256(f"{cls.value} {value}".encode()).hexdigest()
        if cls is not FieldClass.PAN:
            return "tok_zz" + digest[:26].translate(LETTERS)
        body = str(int(digest, 16))[: len(value) - 6]
        return next(token for fix in "0123456789" if not luhn_ok(token := f"7{body}{fix}{value[-4:]}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    truth: Truth
    inventory: Inventory
    plan: Plan

    @property
    def root(self) -> Path:
        return self.truth.root

    def tokens(self) -> Tokens:
        """Tokens as a vault has them that sealed this estate."""
        return Tokens(known=frozenset().union(*(held.values for held in self.truth.held)))


def survey(root: Path) -> Inventory:
    return scan(root, clock=SettableClock(datetime(2026, 3, 31, tzinfo=UTC)))
