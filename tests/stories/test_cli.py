"""The transcripts of ``cli/``: one per thing a user wants to do, or does wrong, played on real installations."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.stories import town as towns
from tests.stories import transcripts
from tests.stories.town import Town

FOLDER = Path(__file__).with_name("cli")
STORIES = {path.stem: path for path in transcripts.stories(FOLDER)}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town set aside at each point where stories start."""
    root = tmp_path_factory.mktemp("stories") / "town"
    town = towns.found_town(root)
    towns.fill(town, customers=100)
    towns.keep(town, "staffed")
    towns.seal(town)
    town.ids["token"] = towns.some_token(town)
    towns.keep(town, "sealed")
    towns.sell(town)
    towns.keep(town, "sold")
    return town


def test_there_are_stories() -> None:
    assert len(STORIES) >= 10


@pytest.mark.parametrize("name", STORIES)
def test_story(town: Town, name: str) -> None:
    start, scenes = transcripts.read(STORIES[name])
    assert scenes
    towns.put_back(town, start if start != "nothing" else "staffed")
    towns.refresh(town)
    transcripts.play(town, scenes)
