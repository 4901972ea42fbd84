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

    @property
    def unchecked(self) -> tuple[Check, ...]:
        """What could not be checked, required or not."""
        return tuple(check for check in self.checks if check.outcome is Outcome.UNKNOWN)

    def verdict(self) -> Text:
        """Return the last line: *everything holds* is said only if everything was checked. README.md §6.6."""
        if any(check.outcome is Outcome.FAILS for check in self.checks) or not self.checks:
            return Text("不能认可：见上", "not accepted: see above")
        if not self.unchecked:
            return Text("全部成立", "everything holds")
        count = len(self.unchecked)
        zh = "；".join(f"{check.step}. {check.name.zh}" for check in self.unchecked)
        en = "; ".join(f"{check.step}. {check.name.en}" for check in self.unchecked)
        were = "1 check was" if count == 1 else f"{count} checks were"
        if not self.ok:
            return Text(
                f"不能认可：已检查的均成立，但有 {count} 项未能检查：{zh}",
                f"not accepted: nothing that was checked fails, but {were} not possible: {en}",
            )
        return Text(
            f"已检查的均成立；有 {count} 项未能检查：{zh}",
            f"nothing that was checked fails; {were} not possible: {en}",
        )


NUMBERS = Text(
    "编号是格式说明（docs/formats）中的编号；同一编号可有多行（如双方签名各一行），不适用的编号不出现",
    "the numbers are those of the format's page (docs/formats); one number may have several lines (one per signer, "
    "say), and one that does not apply is left out",
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
