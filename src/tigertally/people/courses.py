"""Courses: content with a version, drawn into a quiz in another order each time.

A course is a file in ``data/courses``: questions in both languages, their options, which ones are right and why.
Its digest is SHA-256 over the canonical JSON of the content, so comments and layout do not count and every word
does. A question marked *essential* must be right whatever the score: nobody handles payment data who would keep a
verification code.

Leaves to others: who passed (:mod:`~tigertally.people.quizzes`).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from random import Random, SystemRandom
from typing import Final

from tigertally.base import canon
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_hex
from tigertally.formats.shape import Reader
from tigertally.people.errors import NoSuchCourse

HANDLING: Final = "handling-payment-data"
_ID: Final = re.compile(r"[a-z0-9-]{1,60}")
_TEXT_CHARS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One answer to choose from."""

    text: Text
    right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question with its options; every right one has to be chosen, and no other. ``because`` explains it."""

    id: str
    text: Text
    because: Text
    essential: bool
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A course as shipped. ``pass_percent`` of the questions must be right, and every essential one."""

    id: str
    version: int
    title: Text
    pass_percent: int
    valid_days: int
    questions: tuple[Question, ...]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiz:
    """A course's questions in the order in which one person is asked, each with its options in their order."""

    course: Course
    questions: tuple[Question, ...]


def course_ids() -> tuple[str, ...]:
    """Return the ids of the shipped courses."""
    names = (item.name for item in resources.files("tigertally.data").joinpath("courses").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@cache
def load(course: str = HANDLING) -> Course:
    """Return a shipped course; :class:`NoSuchCourse` for any other id. ``Malformed`` means a broken package."""
    if not _ID.fullmatch(course) or course not in course_ids():
        raise NoSuchCourse(course=course)
    file = resources.files("tigertally.data").joinpath("courses", f"{course}.toml")
    return parse(file.read_text(encoding="utf-8"))


def parse(content: str) -> Course:
    """Return the course in TOML text. Raises ``Malformed`` naming the member that is wrong."""
    raw = tomllib.loads(content)
    reader = Reader(raw, what="course")
    found = Course(
        id=reader.text("id", chars_max=60),
        version=reader.integer("version", minimum=1),
        title=_text(reader.body("title")),
        pass_percent=reader.integer("pass_percent", minimum=1, maximum=100),
        valid_days=reader.integer("valid_days", minimum=1, maximum=365),
        questions=tuple(_question(item) for item in reader.bodies("question")),
        digest=sha256_hex(canon.dumps(raw)),
    )
    reader.end()
    ids = [question.id for question in found.questions]
    if not ids or len(ids) != len(set(ids)) or not _ID.fullmatch(found.id):
        raise reader.wrong("question")
    return found


def draw(course: Course, *, random: Random | None = None) -> Quiz:
    """Return a quiz: all questions, and the options of each, in random order (the system's, unless given)."""
    source = SystemRandom() if random is None else random
    questions = [
        Question(
            id=question.id,
            text=question.text,
            because=question.because,
            essential=question.essential,
            options=tuple(source.sample(question.options, len(question.options))),
        )
        for question in source.sample(course.questions, len(course.questions))
    ]
    return Quiz(course=course, questions=tuple(questions))


def _question(reader: Reader) -> Question:
    options = tuple(_option(item) for item in reader.bodies("option"))
    found = Question(
        id=reader.text("id", chars_max=60),
        text=_text(reader.body("text")),
        because=_text(reader.body("because")),
        essential=reader.flag("essential"),
        options=options,
    )
    reader.end()
    texts = {option.text for option in options}
    if len(texts) != len(options) or {option.right for option in options} != {True, False}:
        raise reader.wrong("option")
    return found


def _option(reader: Reader) -> Option:
    found = Option(text=_text(reader.body("text")), right=reader.flag("right"))
    reader.end()
    return found


def _text(reader: Reader) -> Text:
    found = Text(reader.text("zh", chars_max=_TEXT_CHARS_MAX), reader.text("en", chars_max=_TEXT_CHARS_MAX))
    reader.end()
    return found
