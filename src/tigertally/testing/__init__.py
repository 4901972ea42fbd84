"""Test counterparts, shipped with the product: a settable clock and the estate of a fictional seller.

The demo, the bench and the tests use the same ones. Invariants: everything is generated from a seed, nobody in it
exists, and no part of the product's own floors depends on this package.
"""

from __future__ import annotations

from tigertally.testing.clock import SettableClock
from tigertally.testing.estate import build
from tigertally.testing.truth import Held, Truth

__all__ = ["Held", "SettableClock", "Truth", "build"]
