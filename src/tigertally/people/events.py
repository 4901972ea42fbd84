"""Event kinds of the people wing. A screening leaves pass or fail and who attested it: the check itself is personal."""

from __future__ import annotations

from typing import Final

from tigertally.base.text import Text
from tigertally.ledger import register_event

QUIZ_PASSED: Final = register_event(
    "people.quiz.passed",
    Text("测验通过", "a quiz was passed"),
    "person", "course", "version", "digest", "score",
)  # fmt: skip
QUIZ_FAILED: Final = register_event(
    "people.quiz.failed",
    Text("测验未通过", "a quiz was failed"),
    "person", "course", "version", "digest", "score",
)  # fmt: skip
SCREENING_ATTESTED: Final = register_event(
    "people.screening.attested",
    Text("登记背景审查结果", "a screening was attested"),
    "person", "by", "outcome",
    public=False,
)  # fmt: skip
PLEDGE_SIGNED: Final = register_event(
    "people.pledge.signed", Text("签署保密承诺", "the pledge was signed"), "person", "text_digest", "version"
)
PERSON_UNFROZEN: Final = register_event(
    "people.person.unfrozen", Text("解除冻结", "a person was unfrozen"), "person", "by"
)
