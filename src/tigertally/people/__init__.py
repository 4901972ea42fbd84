"""People: who is trained, screened, pledged or frozen, as facts that the decision consumes.

Verbs take ``tx``, ``ledger`` and keyword arguments; the decision whether the one who acts may do so was made before.
Invariants: nobody is trained without passing the quiz; nobody attests, freezes or unfreezes themselves; a pledge
is bound to the text by digest; a screening leaves its outcome and date only.
"""

from tigertally.people.courses import HANDLING, Course, Option, Question, Quiz, course_ids, draw
from tigertally.people.courses import load as load_course
from tigertally.people.errors import (
    AlreadyFrozen,
    AnswersIncomplete,
    NoSuchCourse,
    NotFrozen,
    PledgeChanged,
    QuizChanged,
    QuizLocked,
)
from tigertally.people.freezing import FreezeReason, freeze, unfreeze
from tigertally.people.pledges import Pledge, current_pledge, stale, withdraw_stale
from tigertally.people.pledges import sign as sign_pledge
from tigertally.people.quizzes import FAILS_MAX, Grade, grade, tries_left
from tigertally.people.screening import Screening, attest

__all__ = [
    "FAILS_MAX",
    "HANDLING",
    "AlreadyFrozen",
    "AnswersIncomplete",
    "Course",
    "FreezeReason",
    "Grade",
    "NoSuchCourse",
    "NotFrozen",
    "Option",
    "Pledge",
    "PledgeChanged",
    "Question",
    "Quiz",
    "QuizChanged",
    "QuizLocked",
    "Screening",
    "attest",
    "course_ids",
    "current_pledge",
    "draw",
    "freeze",
    "grade",
    "load_course",
    "sign_pledge",
    "stale",
    "tries_left",
    "unfreeze",
    "withdraw_stale",
]
