"""Fixtures: a source of made-up numbers, and a scan of a folder that a test fills."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tigertally.discovery import Confidence, Finding, Inventory, scan
from tigertally.testing.clock import SettableClock

Scan = Callable[..., Inventory]


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded randomness."""
    return np.random.default_rng(7)


@pytest.fixture
def scanned(tmp_path: Path, clock: SettableClock) -> Scan:
    """Write files (name → bytes or text) under a folder and scan it."""

    def run(files: dict[str, bytes | str] | None = None, *, exclude: tuple[str, ...] = ()) -> Inventory:
        root = tmp_path / "estate"
        root.mkdir(exist_ok=True)
        for name, content in (files or {}).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return scan(root, clock=clock, exclude=exclude)

    return run


@pytest.fixture
def sure() -> Callable[[Inventory], list[Finding]]:
    """The findings that are certain or likely."""
    return lambda inventory: [one for one in inventory.findings if one.tier is not Confidence.POSSIBLE]
