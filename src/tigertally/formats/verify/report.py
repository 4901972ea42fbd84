"""What a verification says: numbered checks, each *holds*, *fails* or *unknown*, in both languages.

Not known is not green: a report is ``ok`` only if nothing fails and nothing required is unknown. The numbers are
those of the lists in docs/formats/. Everything that comes out of a file passes :func:`tigertally.base.text.safe`
before it becomes part of a sentence; only :class:`Exact` text (fingerprints, digests, identifiers, which were
checked for their form) is shown as it is, because people compare it character by character.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from tigertally.base.errors import Problem
from tigertally.base.text import Lang, Text, safe


class Outcome(Enum):
    """What a check found."""

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "unknown"


class Exact(str):
    """Text of a checked form, shown whole."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One numbered check. ``required`` ones must not be unknown."""

    step: int
    name: Text
    outcome: Outcome
    detail: Text | None = None
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was verified and what was found, in the order of the steps."""

    subject: Text
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing fails and nothing required is unknown."""
        return bool(self.checks) and not any(
            check.outcome is Outcome.FAILS or (check.required and check.outcome is Outcome.UNKNOWN)
            for check in self.checks
        )


@dataclass(slots=True, kw_only=True)
class Checklist:
    """Collects checks of one thing."""

    subject: Text
    found: list[Check] = field(default_factory=list)

    def holds(self, step: int, name: Text, detail: Text | None = None) -> None:
        """Note that a check holds."""
        self.found.append(Check(step=step, name=name, outcome=Outcome.HOLDS, detail=detail))

    def fails(self, step: int, name: Text, detail: Text | None = None) -> None:
        """Note that a check fails."""
        self.found.append(Check(step=step, name=name, outcome=Outcome.FAILS, detail=detail))

    def unknown(self, step: int, name: Text, detail: Text | None = None, *, required: bool = True) -> None:
        """Note that a check could not be made."""
        self.found.append(Check(step=step, name=name, outcome=Outcome.UNKNOWN, detail=detail, required=required))

    def verdict(self, step: int, name: Text, *, good: bool, detail: Text | None = None) -> None:
        """Note that a check holds or, with ``detail``, fails."""
        if good:
            self.holds(step, name)
        else:
            self.fails(step, name, detail)

    def report(self) -> Report:
        """Return the report, checks in the order of their steps."""
        return Report(subject=self.subject, checks=tuple(sorted(self.found, key=lambda check: check.step)))


def told(zh: str, en: str, **details: object) -> Text:
    """Return a sentence with its details filled in, ready to be rendered without any."""
    shown = {name: str(value) if isinstance(value, Exact) else safe(value) for name, value in details.items()}
    return Text(_literal(zh.format(**shown)), _literal(en.format(**shown)))


def said(problem: Problem) -> Text:
    """Return what a problem says, as a detail."""
    return Text(_literal(problem.say(Lang.ZH)), _literal(problem.say(Lang.EN)))


def _literal(sentence: str) -> str:
    return sentence.replace("{", "{{").replace("}", "}}")
