"""Error codes, event and fact kinds: unique, in both languages, and documented."""

from __future__ import annotations

import string
import subprocess
import sys
from collections import Counter
from pathlib import Path

from docs import generate

from tigertally.base.errors import Problem

ROOT = Path(__file__).parents[2]


def declared() -> list[type[Problem]]:
    """Every problem of the product."""
    generate.import_everything()
    return list(dict.fromkeys(generate.problems()))


def test_codes_are_unique_and_name_their_wing() -> None:
    problems = declared()
    assert len(problems) > 20
    counts = Counter(problem.code for problem in problems)
    assert [code for code, count in counts.items() if count > 1] == []
    strangers = [
        problem.__qualname__ for problem in problems if problem.code.split(".")[0] != problem.__module__.split(".")[1]
    ]
    assert strangers == []


def test_every_problem_speaks_both_languages_and_about_the_same() -> None:
    for problem in declared():
        assert "title" in vars(problem), f"{problem.code} has no title of its own"
        for text in (problem.title, problem.hint):
            assert bool(text.zh) == bool(text.en), problem.code
            assert places(text.zh) == places(text.en), problem.code


def places(template: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_the_generated_pages_are_current() -> None:
    # In a process of its own: tests may have declared kinds of theirs in this one.
    check = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (check.returncode, check.stdout.split()) == (0, []), f"run make docs\n{check.stderr}"
