"""Counting without keeping: distinct values, tallies of hits, masked examples.

A value enters as a 64-bit number mixed with a random key of the scan (a bijection, so exact counts stay
exact); the mixed numbers live in memory until the scan ends and are never written. Past
:data:`EXACT_MAX` different values the count becomes the k-minimum-values estimate (standard error about
0.4 % at k = 65,536), so memory stays bounded.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.base.fields import FieldClass, mask

UInt64s = npt.NDArray[np.uint64]

EXACT_MAX: Final = 4_194_304
EXAMPLES_MAX: Final = 3
_KEPT: Final = 65_536
_PENDING_MAX: Final = 262_144


def new_key() -> int:
    """Return a random 64-bit key for one scan."""
    return secrets.randbits(64)


def mixed(values: UInt64s, key: int) -> UInt64s:
    """Return a keyed permutation of 64-bit numbers (splitmix64's finaliser after an exclusive or with the key)."""
    out = values ^ np.uint64(key)
    out = (out ^ (out >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    out = (out ^ (out >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return out ^ (out >> np.uint64(31))


def unmixed(numbers: UInt64s, key: int) -> UInt64s:
    """Return the 64-bit numbers that :func:`mixed` made ``numbers`` of."""
    out: UInt64s = numbers ^ (numbers >> np.uint64(31)) ^ (numbers >> np.uint64(62))
    out = out * np.uint64(0x319642B2D24D8EC3)
    out = out ^ (out >> np.uint64(27)) ^ (out >> np.uint64(54))
    out = out * np.uint64(0x96DE1B173F119089)
    whole: UInt64s = out ^ (out >> np.uint64(30)) ^ (out >> np.uint64(60)) ^ np.uint64(key)
    return whole


@dataclass(slots=True, kw_only=True)
class Distinct:
    """How many different numbers were added. Numbers must be mixed first."""

    exact_max: int = EXACT_MAX
    _parts: list[UInt64s] = field(default_factory=list)
    _pending: int = 0
    estimated: bool = False

    def add(self, numbers: UInt64s) -> None:
        """Add numbers, repeated ones too."""
        if len(numbers):
            self._parts.append(numbers)
            self._pending += len(numbers)
            if self._pending > max(_PENDING_MAX, len(self._parts[0])):  # so that all sorting is linear in what comes
                self._settle()

    def numbers(self) -> UInt64s:
        """Return the different mixed numbers; of an estimate, the smallest ones."""
        return self._settle()

    def merge(self, other: Distinct) -> None:
        """Add what ``other`` has seen."""
        self.estimated = self.estimated or other.estimated
        for part in other._parts:
            self.add(part)

    def count(self) -> int:
        """Return the number of different numbers; an estimate when :attr:`estimated`."""
        numbers = self._settle()
        if not self.estimated or len(numbers) < _KEPT:
            return len(numbers)
        return round((_KEPT - 1) / (float(numbers[_KEPT - 1]) / 2.0**64))

    def _settle(self) -> UInt64s:
        numbers = np.concatenate(self._parts) if self._parts else np.zeros(0, np.uint64)
        if len(numbers) and (len(self._parts) > 1 or self._pending):
            # Not np.unique: it hashes since NumPy 2.3, sixty times slower for numbers that differ.
            numbers.sort()
            numbers = numbers[np.concatenate([[True], numbers[1:] != numbers[:-1]])]
        if self.estimated or len(numbers) > self.exact_max:
            self.estimated = True
            numbers = numbers[:_KEPT]
        self._parts = [numbers]
        self._pending = 0
        return numbers


@dataclass(slots=True, kw_only=True)
class Tally:
    """A count, its distinct values, up to three masked examples, and how many were published test numbers.

    ``prints``: fingerprints of values that are no numbers, where a scan makes them.
    """

    count: int = 0
    tests: int = 0
    distinct: Distinct = field(default_factory=Distinct)
    examples: list[str] = field(default_factory=list)
    prints: set[bytes] = field(default_factory=set)

    def show(self, cls: FieldClass, value: str) -> None:
        """Keep the mask of ``value`` as an example, if it is new and there is room."""
        if len(self.examples) < EXAMPLES_MAX:
            shown = mask(cls, value)
            if shown not in self.examples:
                self.examples.append(shown)

    def merge(self, other: Tally) -> None:
        """Add another tally."""
        self.count += other.count
        self.tests += other.tests
        self.distinct.merge(other.distinct)
        self.prints |= other.prints
        self.examples += [shown for shown in other.examples if shown not in self.examples]
        del self.examples[EXAMPLES_MAX:]
