"""Passing is the only way to be trained, and trying is limited."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.people.conftest import Office

from tigertally.access.errors import NoSuchPerson
from tigertally.base.ids import new_id
from tigertally.ledger import fsck
from tigertally.people import AnswersIncomplete, Grade, QuizChanged, QuizLocked, draw, grade, load_course, tries_left
from tigertally.people.courses import Quiz


def right(quiz: Quiz, *, but: frozenset[str] = frozenset()) -> list[set[int]]:
    """The right answers; the questions named in ``but`` get every option."""
    answers = []
    for question in quiz.questions:
        chosen = {at for at, option in enumerate(question.options) if option.right}
        wrong = {at for at, option in enumerate(question.options) if not option.right}
        answers.append(chosen | wrong if question.id in but else chosen)
    return answers


def take(office: Office, person: str, *, but: frozenset[str] = frozenset()) -> Grade:
    """Draw a quiz and answer it."""
    quiz = draw(load_course())
    with office.tx() as tx:
        return grade(tx, office.ledger, person=person, quiz=quiz, answers=right(quiz, but=but), now=office.now)


def easy() -> list[str]:
    """Ids of the questions that are not essential."""
    return sorted(question.id for question in load_course().questions if not question.essential)


def test_a_pass_is_a_fact_for_a_year(office: Office) -> None:
    outcome = take(office, office.wang)
    assert (outcome.passed, outcome.score, outcome.missed) == (True, 100, ())
    fact = office.current("people.trained", office.wang)
    assert fact is not None
    assert fact.entry == outcome.entry
    assert fact.value == {"course": "handling-payment-data", "version": 1, "score": 100}
    office.clock.set_to(office.now + timedelta(days=365) - timedelta(seconds=1))
    assert office.current("people.trained", office.wang) is not None
    office.clock.advance(1)
    assert office.current("people.trained", office.wang) is None


def test_the_pass_names_the_content_by_digest(office: Office) -> None:
    outcome = take(office, office.wang)
    with office.store.reading() as tx:
        payload = office.ledger.payload_of(tx, outcome.entry - 1)
    assert isinstance(payload, dict)
    assert payload["digest"] == load_course().digest


def test_one_of_eight_may_be_wrong_and_two_may_not(office: Office) -> None:
    assert take(office, office.wang, but=frozenset(easy()[:1])).passed
    outcome = take(office, office.li, but=frozenset(easy()[:2]))
    assert (outcome.passed, outcome.score, outcome.until) == (False, 75, None)
    assert sorted(question.id for question in outcome.missed) == easy()[:2]
    assert office.current("people.trained", office.li) is None


@pytest.mark.parametrize("essential", sorted(q.id for q in load_course().questions if q.essential))
def test_an_essential_question_must_be_right(office: Office, essential: str) -> None:
    outcome = take(office, office.wang, but=frozenset({essential}))
    assert (outcome.passed, outcome.score) == (False, 87)
    assert office.current("people.trained", office.wang) is None


def test_one_right_option_of_two_is_not_right(office: Office) -> None:
    quiz = draw(load_course())
    answers = [{min(chosen)} for chosen in right(quiz)]
    with office.tx() as tx:
        outcome = grade(tx, office.ledger, person=office.wang, quiz=quiz, answers=answers, now=office.now)
    several = {q.id for q in quiz.questions if sum(option.right for option in q.options) > 1}
    assert several
    assert {question.id for question in outcome.missed} == several


def test_three_fails_lock_for_a_day(office: Office) -> None:
    wrong = frozenset(easy()[:2])
    for left in (2, 1, 0):
        assert take(office, office.wang, but=wrong).tries_left == left
        office.clock.advance(3600)
    with pytest.raises(QuizLocked) as locked:
        take(office, office.wang)
    assert locked.value.details == {"fails": 3, "hours": 22}
    assert take(office, office.li).passed, "another person is not locked"
    office.clock.advance(21 * 3600 - 1)
    with pytest.raises(QuizLocked):
        take(office, office.wang)
    office.clock.advance(1)
    with office.store.reading() as tx:
        assert tries_left(tx, office.ledger, person=office.wang, now=office.now) == 1
    assert take(office, office.wang).passed
    with office.store.reading() as tx:
        assert fsck.check(tx, office.ledger).clean


def test_fails_are_counted_across_other_entries(office: Office) -> None:
    take(office, office.wang, but=frozenset(easy()[:2]))
    for _ in range(3):
        take(office, office.wang)
    with office.store.reading() as tx:
        assert tries_left(tx, office.ledger, person=office.wang, now=office.now) == 2


def test_a_quiz_of_ones_own_is_refused(office: Office) -> None:
    quiz = draw(load_course())
    first = quiz.questions[0]
    lenient = replace(first, options=tuple(replace(option, right=True) for option in first.options))
    fewer = replace(first, options=first.options[:-1])
    mild = replace(first, essential=not first.essential)
    forged = [
        replace(quiz, questions=quiz.questions[1:]),
        replace(quiz, questions=(first, *quiz.questions[:-1])),
        replace(quiz, questions=(lenient, *quiz.questions[1:])),
        replace(quiz, questions=(fewer, *quiz.questions[1:])),
        replace(quiz, questions=(mild, *quiz.questions[1:])),
        replace(quiz, course=replace(quiz.course, pass_percent=1)),
        replace(quiz, course=replace(quiz.course, version=2)),
    ]
    for other in forged:
        with pytest.raises(QuizChanged), office.tx() as tx:
            grade(tx, office.ledger, person=office.wang, quiz=other, answers=right(other), now=office.now)
    assert office.current("people.trained", office.wang) is None


def test_answers_must_fit(office: Office) -> None:
    quiz = draw(load_course())
    good = right(quiz)
    for answers in (good[1:], [*good, {0}], [set[int](), *good[1:]], [{9}, *good[1:]], [{-1}, *good[1:]]):
        with pytest.raises(AnswersIncomplete), office.tx() as tx:
            grade(tx, office.ledger, person=office.wang, quiz=quiz, answers=answers, now=office.now)


def test_nobody_is_trained_who_does_not_exist(office: Office) -> None:
    with pytest.raises(NoSuchPerson):
        take(office, new_id("per"))
