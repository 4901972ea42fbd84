"""Long work on columns: how often Python looks for cyclic garbage while it runs.

Columns are lists of hundreds of thousands of small objects that form no cycles; looking through them again and again
is a fifth of the time. Here the collector is asked for less often, never switched off: a library's cycles still go,
and memory stays bounded. The setting belongs to the process, so the last one to leave puts the old one back.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Objects that may be new before the youngest are looked at; then 10 such rounds, then 50 of those for all.
_THRESHOLDS: Final = (200_000, 10, 50)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect cyclic garbage rarely inside the block."""
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
