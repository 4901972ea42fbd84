"""The register of copies: the same place again, and something else at it."""

from __future__ import annotations

from pathlib import Path

from tests.unit.handover.scene import Scene
from tests.unit.handover.test_destruction import register


def test_what_was_exchanged_before_the_plan_is_an_entry(done: Scene, tmp_path: Path) -> None:
    place = tmp_path / "estate"
    place.mkdir()
    first = register(done.seller, place)
    kind = "handover.copy.reidentified"
    assert register(done.seller, place) == first
    assert done.seller.events(kind) == []
    place.rename(tmp_path / "moved")
    place.mkdir()
    assert register(done.seller, place) == first
    assert register(done.seller, place) == first
    assert done.seller.events(kind) == [kind]
