"""Problems of the people wing. None says what a screening found or which answer was wrong."""

from __future__ import annotations

from tigertally.base.errors import Conflict, Invalid, Missing, Refused
from tigertally.base.text import Text


class NoSuchCourse(Missing):
    """No course with that id is shipped."""

    code = "people.no_such_course"
    title = Text("没有这门课程（{course}）", "there is no such course ({course})")


class QuizChanged(Conflict):
    """A quiz that is not the shipped course in some order: another version, questions left out or added."""

    code = "people.quiz_changed"
    title = Text("试卷与现行课程不符", "the quiz is not of the present course")
    hint = Text("重新开始测验", "start the quiz again")


class AnswersIncomplete(Invalid):
    """Not one answer per question, or an answer that is not one of its options."""

    code = "people.answers_incomplete"
    title = Text("答案与试卷不符：共 {questions} 题", "the answers do not fit the quiz of {questions} questions")
    hint = Text("每题都要作答，只选列出的选项", "answer every question with the options shown")


class QuizLocked(Refused):
    """Three failures within a day."""

    code = "people.quiz_locked"
    title = Text(
        "一天内 {fails} 次未通过，{hours} 小时后再试", "{fails} failures within a day; try again in {hours} hours"
    )
    hint = Text("先重读课程内容，或请负责人讲解", "read the course again, or have the lead explain it")


class PledgeChanged(Conflict):
    """The text that was signed is not the one in force."""

    code = "people.pledge_changed"
    title = Text("所签承诺不是现行文本", "the text signed is not the present pledge")
    hint = Text("阅读现行文本后重新签署", "read the present text and sign again")


class AlreadyFrozen(Conflict):
    """The person is frozen."""

    code = "people.already_frozen"
    title = Text("此人已处于冻结状态", "the person is frozen already")


class NotFrozen(Conflict):
    """The person is not frozen."""

    code = "people.not_frozen"
    title = Text("此人未被冻结", "the person is not frozen")
