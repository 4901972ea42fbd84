"""Error codes, event and fact kinds: unique, in both languages, and documented."""

from __future__ import annotations

import ast
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


def test_a_problem_is_raised_with_what_its_words_name() -> None:
    """A name in a title or hint that its raiser does not give would fail only when somebody is to read it."""
    known = Counter(kind.__name__ for kind in declared())
    kinds = {
        kind.__name__: kind for kind in declared() if kind.__init__ is Problem.__init__ and known[kind.__name__] == 1
    }
    wrong = []
    for path in (ROOT / "src").rglob("*.py"):
        raised = (one.exc for one in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(one, ast.Raise))
        for node in raised:
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in kinds:
                continue
            given = {one.arg for one in node.keywords}
            kind = kinds[node.func.id]
            if None not in given and (missing := (places(kind.title.en) | places(kind.hint.en)) - given):
                wrong.append((path.name, node.lineno, sorted(missing)))
    assert wrong == []
