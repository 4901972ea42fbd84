"""What a problem says is words, says what to do next by a command that exists, and counts without grammar."""

from __future__ import annotations

from pathlib import Path

import pytest

from tigertally import deals
from tigertally.access import NotAllowed
from tigertally.app.errors import FeedFailed, NotReadable, NotWritable
from tigertally.base.text import Lang
from tigertally.cli.people import train
from tigertally.deals.errors import GateClosed, ReasonNeeded
from tigertally.formats.verify import NoSuchPath


@pytest.mark.parametrize("kind", [NotReadable, NotWritable])
@pytest.mark.parametrize("reason", ["FileNotFoundError", "UnicodeDecodeError", "TimeoutError", "ENOSPC", "EEXIST"])
def test_a_file_that_fails_is_told_in_words(kind: type[NotReadable | NotWritable], reason: str) -> None:
    problem = kind(path="a.json", reason=reason)
    assert all(reason not in problem.say(lang) for lang in Lang)
    assert problem.details["reason"] == reason


def test_a_reason_without_words_is_said_as_it_is() -> None:
    assert NotReadable(path="a.csv", reason="line 3").say(Lang.ZH).endswith("line 3")


def test_a_feed_that_fails_is_told_in_words() -> None:
    assert "the path is not there" in FeedFailed(why="FileNotFoundError").say(Lang.EN)
    assert "status 503" in FeedFailed(why="status 503").say(Lang.ZH)


def test_one_thing_has_one_name() -> None:
    """The names of the sides, of the receipt and of the copy, in all that is read in Chinese."""
    root = Path(__file__).parents[3]
    files = [*(root / "src").rglob("*.py"), root / "README.zh-CN.md", *(root / "docs").glob("*.md")]
    others = ("卖方", "买方", "收据", "脱敏副本")
    left = {path.name for path in files if any(word in path.read_text("utf-8") for word in others)}
    assert left == set()


def test_one_is_counted_as_well_as_two() -> None:
    assert "not met: {count}" in NotAllowed.title.en
    assert GateClosed(stage="S5", unmet=()).say(Lang.EN) == "S5 cannot be entered; conditions not met: 0"


def test_hints_name_a_command() -> None:
    for kind, words in (
        (deals.StructureUnknown, "tigertally deal structure"),
        (ReasonNeeded, "--reason"),
        (NoSuchPath, "tigertally verify"),
    ):
        assert words in kind.hint.en
        assert words.split()[0] in kind.hint.zh


def test_the_quizs_help_shows_the_flag_as_a_flag() -> None:
    assert "--questions FILE" not in (train.help or "")
