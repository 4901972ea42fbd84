"""Courses: what is shipped is whole and in both languages, and a quiz is that and nothing else."""

from __future__ import annotations

from random import Random

import pytest

from tigertally.base.text import Text
from tigertally.formats.errors import Malformed
from tigertally.people import HANDLING, NoSuchCourse, course_ids, courses, draw, load_course

SMALL = """
id = "small"
version = 3
pass_percent = 50
valid_days = 30
[title]
zh = "小课"
en = "small"
[[question]]
id = "one"
essential = false
text = {zh = "问", en = "ask"}
because = {zh = "因为", en = "because"}
[[question.option]]
right = true
text = {zh = "对", en = "yes"}
[[question.option]]
right = false
text = {zh = "错", en = "no"}
"""


def test_every_shipped_course_is_well_formed() -> None:
    assert HANDLING in course_ids()
    for course_id in course_ids():
        course = load_course(course_id)
        assert course.id == course_id
        assert any(question.essential for question in course.questions)
        for question in course.questions:
            for text in (question.text, question.because, *(option.text for option in question.options)):
                assert bilingual(text), (course_id, question.id, text)


def bilingual(text: Text) -> bool:
    """Chinese in the first, none in the second."""
    return any("一" <= sign <= "鿿" for sign in text.zh) and not any("一" <= sign <= "鿿" for sign in text.en)


def test_the_course_covers_the_rules_of_this_product() -> None:
    ids = {question.id for question in load_course().questions}
    assert ids >= {"sad-never-kept", "masked-by-default", "two-persons", "phishing-during-the-sale", "purpose"}


def test_the_longest_option_does_not_give_the_answer_away() -> None:
    questions = load_course().questions
    longest = [max(question.options, key=lambda option: len(option.text.zh)).right for question in questions]
    assert sum(longest) < len(longest)


@pytest.mark.parametrize("name", ["", "none", "../pledges/confidentiality", "handling-payment-data.toml"])
def test_other_names_are_no_courses(name: str) -> None:
    with pytest.raises(NoSuchCourse):
        load_course(name)


def test_a_digest_covers_every_word_and_no_comment() -> None:
    course = courses.parse(SMALL)
    assert courses.parse("# a comment\n" + SMALL).digest == course.digest
    assert courses.parse(SMALL.replace("because =", "because  =")).digest == course.digest
    for old, new in (("version = 3", "version = 4"), ("对", "是"), ('"no"', '"nope"')):
        assert courses.parse(SMALL.replace(old, new, 1)).digest != course.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pass_percent = 50", "pass_percent = 0"),
        ("pass_percent = 50", "pass_percent = 101"),
        ("valid_days = 30", "valid_days = 366"),
        ("version = 3", "version = 0"),
        ("right = false", "right = true"),
        ("right = true", "right = false"),
        ('en = "no"', 'en = ""'),
        ("essential = false", ""),
        ('id = "small"', 'id = "small"\nextra = 1'),
        ('id = "small"', 'id = "Small course"'),
    ],
)
def test_content_with_a_flaw_is_refused(old: str, new: str) -> None:
    assert old in SMALL
    with pytest.raises(Malformed):
        courses.parse(SMALL.replace(old, new, 1))


def test_a_quiz_is_the_course_in_another_order() -> None:
    course = load_course()
    quizzes = [draw(course, random=Random(seed)) for seed in range(20)]
    for quiz in quizzes:
        assert {question.id: set(question.options) for question in quiz.questions} == {
            question.id: set(question.options) for question in course.questions
        }
    assert len({tuple(question.id for question in quiz.questions) for quiz in quizzes}) > 10
    assert len({tuple(quiz.questions[0].options) for quiz in quizzes}) > 5
    assert draw(course, random=Random(1)) == draw(course, random=Random(1))
    assert draw(course) != draw(course)
