"""Wings on floors 6 and 7 are entered by their doors only (import-linter holds the floors themselves)."""

from __future__ import annotations

import functools
import importlib

import grimp
import pytest

# Floors 6 and 7. Lower floors are libraries, and floor 8 is made of rooms for the faces.
WINGS = frozenset(
    {
        *("discovery", "vault", "deals", "watch", "assurance", "people", "portal"),
        *("sealing", "handover", "response"),
    }
)


@functools.cache
def graph() -> grimp.ImportGraph:
    """Return who imports whom."""
    return grimp.build_graph("tigertally")


def wing(module: str) -> str:
    """tigertally.vault.keys → vault."""
    return [*module.split("."), ""][1]


def wrong(importer: str, imported: str) -> bool:
    """Whether this import goes around a door."""
    return wing(imported) in WINGS and wing(importer) != wing(imported) and imported.count(".") > 1


def test_a_way_around_a_door_would_be_seen() -> None:
    assert wrong("tigertally.app.verbs", "tigertally.vault.keys")
    assert not wrong("tigertally.app.verbs", "tigertally.vault")
    assert not wrong("tigertally.vault.tokens", "tigertally.vault.keys")
    assert not wrong("tigertally.vault.sql", "tigertally.store.schema")


def test_nobody_goes_around_a_door() -> None:
    imports = [
        (importer, imported)
        for importer in graph().modules
        for imported in graph().find_modules_directly_imported_by(importer)
    ]
    assert len(imports) > 50, "the graph was not built"
    # The counterparts for tests may look inside what they stand for.
    around = sorted(pair for pair in imports if wrong(*pair) and wing(pair[0]) != "testing")
    if around:
        pytest.fail("\n".join(f"{importer} imports {imported}" for importer, imported in around))


def test_a_door_lists_what_it_offers() -> None:
    for name in sorted({wing(module) for module in graph().modules} & WINGS):
        door = importlib.import_module(f"tigertally.{name}")
        offered = getattr(door, "__all__", None)
        assert offered is not None, f"{name} has no __all__"
        assert all(hasattr(door, item) for item in offered), name
