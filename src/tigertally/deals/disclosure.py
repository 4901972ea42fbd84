"""What the buyer's side may see at each stage, and statistics that do not give a single customer away.

Source: DESIGN §5.5, law facts §8. Identifiable data never goes into a data room: the first clear values that the
buyer gets are those in the bundle at closing. At S6 migrations are tried on synthetic data, so pseudonymised rows are
not for that stage; a dead deal discloses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

K_MIN: Final = 10
"""No cell with fewer customers is shown (law facts §8: k ≥ 10)."""


class Level(Enum):
    """How much a disclosure tells, least first."""

    COUNTS = "counts"
    BANDED = "banded"
    PSEUDONYMISED = "pseudonymised"
    CLEAR = "clear"


PERMITTED: Final[dict[str, frozenset[Level]]] = {
    "S0": frozenset({Level.COUNTS}),
    "S1": frozenset({Level.COUNTS}),
    "S2": frozenset({Level.COUNTS, Level.BANDED}),
    "S3": frozenset({Level.COUNTS, Level.BANDED}),
    "S4": frozenset({Level.COUNTS, Level.BANDED, Level.PSEUDONYMISED}),
    "S5": frozenset({Level.COUNTS, Level.BANDED, Level.PSEUDONYMISED}),
    "S6": frozenset({Level.COUNTS, Level.BANDED}),
    "S7": frozenset({Level.COUNTS, Level.CLEAR}),
    "S8": frozenset({Level.COUNTS, Level.CLEAR}),
    "S9": frozenset(),
}
# Before the confidentiality agreement even totals are told as ranges only ("blind").
BLIND_STAGES: Final = frozenset({"S0", "S1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A range of customers, ``low`` ≤ n < ``high``."""

    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a statistic; ``band`` is None where it is suppressed."""

    label: str
    band: Band | None


def permits(stage: str, level: Level) -> bool:
    """Return whether the buyer's side may be told ``level`` at ``stage``; an unknown stage permits nothing."""
    return level in PERMITTED.get(stage, frozenset())


def ranged(count: int) -> Band:
    """Return the blind range of a total, in steps of 1, 2, 5, 10, 20, 50 …: 63 is 50–100.

    A negative count is a ``ValueError``.
    """
    if count < 0:
        raise ValueError("a count is not negative")
    if count == 0:
        return Band(low=0, high=1)
    power = 10 ** (len(str(count)) - 1)
    low = power * max(step for step in (1, 2, 5) if count >= step * power)
    high = low * 5 // 2 if low == 2 * power else low * 2
    return Band(low=low, high=high)


def banded(counts: Mapping[str, int], *, k: int = K_MIN) -> tuple[Cell, ...]:
    """Return the statistic in bands, in the order given, with cells of fewer than ``k`` customers suppressed.

    If exactly one cell is suppressed, the smallest of the others is too: the total would otherwise give it away.
    ``k`` below :data:`K_MIN` is a ``ValueError``.
    """
    if k < K_MIN:
        raise ValueError("k is too small")
    hidden = {label for label, count in counts.items() if count < k}
    if len(hidden) == 1 and len(counts) > 1:
        hidden.add(min((label for label in counts if label not in hidden), key=lambda label: counts[label]))
    return tuple(Cell(label=label, band=None if label in hidden else ranged(count)) for label, count in counts.items())
