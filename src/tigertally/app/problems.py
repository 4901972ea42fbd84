"""One table from a problem's family to its look at the edge: exit code, HTTP status.

Faces add layout only. Anything that is no :class:`Problem` becomes ``Unexpected`` in ``verbs.attempt`` or at the
face's outermost edge; nobody shows ``str(exception)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tigertally.access import NotAllowed, Unmet
from tigertally.app.errors import Unexpected
from tigertally.base.canon import Json
from tigertally.base.errors import Broken, Conflict, Invalid, Missing, Problem, Refused, Unavailable, family_of
from tigertally.base.text import Lang
from tigertally.deals import ClausesFaulty, GateClosed
from tigertally.sealing import PlanIncomplete, PlanNotValid

# Conditions that a factor shown for one act only would meet: the refusal names the act's digest.
_BOUND: Final = frozenset({"factor_bound", "factor_strong"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a family appears at the edge."""

    exit: int
    http: int


LOOKS: Final[Mapping[type[Problem], Look]] = {
    Invalid: Look(exit=2, http=422),
    Refused: Look(exit=3, http=403),
    Missing: Look(exit=4, http=404),
    Conflict: Look(exit=5, http=409),
    Unavailable: Look(exit=6, http=503),
    Broken: Look(exit=7, http=500),
}
UNKNOWN: Final = Look(exit=1, http=500)


def look_of(problem: Problem) -> Look:
    """Return the look of ``problem``."""
    return UNKNOWN if isinstance(problem, Unexpected) else LOOKS[family_of(problem)]


def body_of(problem: Problem, lang: Lang) -> dict[str, Json]:
    """Return the problem as JSON: code, family, title, hint, details, unmet conditions if there are any."""
    body: dict[str, Json] = {
        "code": problem.code,
        "family": family_of(problem).__name__.lower(),
        "title": problem.say(lang),
        "hint": problem.advise(lang),
        "details": dict(problem.details),
    }
    if points := points_of(problem, lang):
        body["unmet"] = [{"condition": item.name, "why": item.why, "how": item.how} for item in points]
    if isinstance(problem, NotAllowed) and any(item.condition in _BOUND for item in problem.decision.unmet):
        body["act"] = problem.request.act_digest()
    if isinstance(problem, NotAllowed) and problem.approval:
        body["approval"] = problem.approval
    if isinstance(problem, NotAllowed) and problem.entry is not None:
        body["entry"] = problem.entry
    return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One line of a problem that has several: a condition, a mistake in a plan, a fault in a clause."""

    name: str
    why: str
    how: str = ""


def points_of(problem: Problem, lang: Lang) -> list[Point]:
    """Return every single thing that is wrong, for problems that list them; empty for the others."""
    if isinstance(problem, NotAllowed):
        unmet: tuple[Unmet, ...] = problem.decision.unmet
    elif isinstance(problem, GateClosed):
        unmet = problem.unmet
    elif isinstance(problem, (PlanNotValid, PlanIncomplete)):
        return [Point(name=str(item.line), why=item.say(lang)) for item in problem.mistakes]
    elif isinstance(problem, ClausesFaulty):
        return [Point(name="", why=item.render(lang)) for item in problem.faults]
    else:
        return []
    return [Point(name=item.condition, why=item.why.render(lang), how=item.how.render(lang)) for item in unmet]
