"""Problems carry our words, in both languages, and never the world's values."""

from __future__ import annotations

import importlib
import pkgutil
import string

import pytest

import tigertally
from tigertally.base.errors import FAMILIES, Broken, Invalid, Problem, family_of
from tigertally.base.text import Lang, Text

for module in pkgutil.walk_packages(tigertally.__path__, "tigertally."):
    if module.name.split(".")[1] in {"base", "crypto", "formats"}:
        importlib.import_module(module.name)


def concrete(cls: type[Problem]) -> list[type[Problem]]:
    found = [sub for below in cls.__subclasses__() for sub in concrete(below)]
    return found if cls in FAMILIES or cls is Problem else [cls, *found]


OURS = [cls for cls in concrete(Problem) if cls.__module__.split(".")[1] in {"base", "crypto", "formats"}]


class Sample(Invalid):
    code = "test.sample"
    title = Text("第 {line} 行有误", "line {line} is wrong")
    hint = Text("看 {where}", "look at {where}")


def test_details_are_made_safe_and_the_string_is_the_code() -> None:
    problem = Sample(line=7, where="4111111111111111", secret=b"bytes")
    assert (str(problem), problem.args) == ("test.sample", ("test.sample",))
    assert problem.say(Lang.EN) == "line 7 is wrong"
    assert problem.advise(Lang.ZH) == "看 …"
    assert "4111" not in repr(problem.details)
    assert problem.details["secret"] == "<bytes>"


def test_families() -> None:
    assert family_of(Sample()) is Invalid
    assert family_of(Problem()) is Broken


@pytest.mark.parametrize("cls", OURS, ids=lambda cls: cls.__name__)
def test_every_problem_of_these_floors_is_worded(cls: type[Problem]) -> None:
    assert issubclass(cls, FAMILIES)
    assert cls.code.split(".")[0] in {"base", "crypto", "formats"}
    for text in (cls.title, cls.hint):
        names = [{name for _, name, _, _ in string.Formatter().parse(words) if name} for words in (text.zh, text.en)]
        assert names[0] == names[1], "a detail is missing in one language"
    assert cls.title.zh
    assert cls.title.en
    assert bool(cls.hint.zh) is bool(cls.hint.en)


def test_codes_are_their_own() -> None:
    codes = [cls.code for cls in OURS]
    assert len(set(codes)) == len(codes)
