"""A deal between two installations, ready to hand over; on SQLite, and where asked for on PostgreSQL too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.handover.scene import Scene, make_scene, open_scene


@pytest.fixture(scope="session")
def made_scene(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """A scene on two SQLite files, to copy."""
    home = tmp_path_factory.mktemp("scene")
    for name in ("seller", "buyer"):
        shutil.copyfile(sqlite_template, home / f"{name}.db")
    make_scene(home, seller_url="sqlite:///seller.db", buyer_url="sqlite:///buyer.db")
    return home


@pytest.fixture
def home(made_scene: Path, tmp_path: Path) -> Path:
    """This test's own copy of the scene."""
    return Path(shutil.copytree(made_scene, tmp_path / "home"))


@pytest.fixture
def scene(home: Path) -> Iterator[Scene]:
    """The scene, opened."""
    with open_scene(home) as opened:
        yield opened


@pytest.fixture
def done(scene: Scene) -> Scene:
    """A scene after the accepted receipt."""
    scene.handed_over()
    return scene
