"""Grading: the only way to be trained is to pass. There is no "mark complete".

1. the quiz is the shipped course, every question once, in any order; anything else is refused;
2. a question is right if exactly its right options were chosen;
3. passed: the course's share of right answers, and every essential question;
4. a pass states ``people.trained`` until the course's term is over; a fail states nothing and leaves an entry;
5. three fails within 24 hours lock the quiz until the first of them is a day old. They are counted in the
   ledger, not in a table that somebody could edit.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tigertally.access import PERSON_TRAINED
from tigertally.base.canon import Json
from tigertally.formats import leaf as leaves
from tigertally.ledger import Event, Ledger, facts
from tigertally.ledger import sql as ledger_rows
from tigertally.people import courses, events
from tigertally.people.courses import Question, Quiz
from tigertally.people.errors import AnswersIncomplete, QuizChanged, QuizLocked
from tigertally.people.standing import need_person
from tigertally.store.tx import Tx

FAILS_MAX: Final = 3
LOCK_WINDOW: Final = timedelta(hours=24)
LOCK: Final = "people.quiz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """How it went. ``score`` is in percent, rounded down; ``missed`` are the questions to read up on.

    ``entry`` proves the training if ``passed`` (until ``until``), the failure otherwise.
    """

    passed: bool
    score: int
    missed: tuple[Question, ...]
    entry: int
    until: datetime | None
    tries_left: int


def grade(
    tx: Tx, ledger: Ledger, *, person: str, quiz: Quiz, answers: Sequence[Collection[int]], now: datetime
) -> Grade:
    """Grade ``answers``: per question, in the quiz's order, the positions (from 0) of the options chosen.

    A fail is a result, not a problem, so that its entry is kept. Raises ``NoSuchPerson``, :class:`QuizChanged`,
    :class:`AnswersIncomplete`, :class:`QuizLocked`.
    """
    need_person(tx, person)
    _check_quiz(quiz)
    _check_answers(quiz, answers)
    tx.lock(LOCK)
    fails = _recent_fails(tx, ledger, person=person, now=now)
    if len(fails) >= FAILS_MAX:
        left = fails[-FAILS_MAX] + LOCK_WINDOW - now
        raise QuizLocked(fails=len(fails), hours=int(left.total_seconds() // 3600) + 1)
    missed = tuple(
        question
        for question, chosen in zip(quiz.questions, answers, strict=True)
        if set(chosen) != {position for position, option in enumerate(question.options) if option.right}
    )
    score = 100 * (len(quiz.questions) - len(missed)) // len(quiz.questions)
    passed = score >= quiz.course.pass_percent and not any(question.essential for question in missed)
    payload: dict[str, Json] = {
        "person": person,
        "course": quiz.course.id,
        "version": quiz.course.version,
        "digest": quiz.course.digest,
        "score": score,
    }
    kind = events.QUIZ_PASSED if passed else events.QUIZ_FAILED
    entry = ledger.append(tx, Event(kind=kind, payload=payload, actor=person, about=(person,)), now=now)
    until = None
    if passed:
        until = now + timedelta(days=quiz.course.valid_days)
        entry = _state(tx, ledger, person=person, quiz=quiz, score=score, until=until, now=now)
    return Grade(
        passed=passed,
        score=score,
        missed=missed,
        entry=entry,
        until=until,
        tries_left=FAILS_MAX - len(fails) - (0 if passed else 1),
    )


def tries_left(tx: Tx, ledger: Ledger, *, person: str, now: datetime) -> int:
    """Return how often ``person`` may still fail before the quiz locks; 0 means locked."""
    return max(0, FAILS_MAX - len(_recent_fails(tx, ledger, person=person, now=now)))


def _state(tx: Tx, ledger: Ledger, *, person: str, quiz: Quiz, score: int, until: datetime, now: datetime) -> int:
    value: dict[str, Json] = {"course": quiz.course.id, "version": quiz.course.version, "score": score}
    return facts.state(
        tx, ledger, PERSON_TRAINED, subject=person, value=value, start=now, until=until, actor=person, now=now
    )


def _check_quiz(quiz: Quiz) -> None:
    shipped = courses.load(quiz.course.id)
    if quiz.course != shipped or len(quiz.questions) != len(shipped.questions):
        raise QuizChanged
    asked = {question.id: question for question in quiz.questions}
    for question in shipped.questions:
        found = asked.get(question.id)
        same = found is not None and (found.text, found.essential) == (question.text, question.essential)
        if found is None or not same or _options(found) != _options(question):
            raise QuizChanged


def _options(question: Question) -> list[tuple[str, bool]]:
    return sorted((option.text.en, option.right) for option in question.options)


def _check_answers(quiz: Quiz, answers: Sequence[Collection[int]]) -> None:
    if len(answers) != len(quiz.questions):
        raise AnswersIncomplete(questions=len(quiz.questions))
    for question, chosen in zip(quiz.questions, answers, strict=True):
        if not chosen or not all(0 <= position < len(question.options) for position in chosen):
            raise AnswersIncomplete(questions=len(quiz.questions))


def _recent_fails(tx: Tx, ledger: Ledger, *, person: str, now: datetime) -> list[datetime]:
    """Return the instants of the fails within the window, oldest first; reads the newest entries only."""
    found: list[datetime] = []
    for index in reversed(ledger.about(tx, person)):
        raw = ledger_rows.read_leaf(tx, index)
        entry = None if raw is None else leaves.parse(raw)
        if entry is None or entry.at <= now - LOCK_WINDOW:
            break
        if entry.kind == events.QUIZ_FAILED.name:
            found.append(entry.at)
    return found[::-1]
