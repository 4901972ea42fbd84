"""The rules of the legal route, as data: read from a file, asked of a structure and answers. Pure.

``data/routes/china.toml`` says which questions there are and which rules; each rule has its source, the days between
which it holds, and a mark (law facts, head and §2–§3). A rule applies if its structure is the deal's and nothing that
was answered excludes it: what is not known excludes nothing, so that not knowing never opens a gate.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Final

from tigertally.base.canon import Json
from tigertally.base.fields import FIELD_RULES, SEALABLE, FieldClass
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_hex
from tigertally.deals.errors import BadAnswers
from tigertally.formats.dealpapers import Structure
from tigertally.formats.route import Answer, Mark, Means, Requirement
from tigertally.formats.shape import Reader

HOLDS_MAX: Final = timedelta(days=180)
"""How long answers count, if no rule changes before [default: a sale changes the company]."""

_CLASSES: Final = {
    "all": SEALABLE,
    "sensitive": frozenset(cls for cls in SEALABLE if FIELD_RULES[cls].sensitive),
}
_PERSONS: Final = "persons"
_PERSONS_MAX: Final = 2 * 10**9
_WORD: Final = re.compile(r"!?[a-z_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question; ``number``: answered by a number, else yes or no."""

    name: str
    number: bool
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: to what it applies, and the requirement that follows (nothing confirmed)."""

    structures: frozenset[Structure]
    when: tuple[str, ...]
    persons: tuple[int, int]
    asks: Requirement

    def applies(self, structure: Structure, answers: Mapping[str, Answer], day: str) -> bool:
        """Return whether the rule is asked on ``day``; what is not known excludes nothing."""
        if structure not in self.structures or day < self.asks.valid_from:
            return False
        if self.asks.valid_until and day >= self.asks.valid_until:
            return False
        persons = answers[_PERSONS]
        if persons is not None and not self.persons[0] <= persons <= self.persons[1]:
            return False
        return all(answers[word.lstrip("!")] in (None, not word.startswith("!")) for word in self.when)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything in the file. ``digest``: SHA-256 of its bytes, which a route names."""

    digest: str
    questions: tuple[Question, ...]
    rules: tuple[Rule, ...]

    def check(self, answers: Mapping[str, Json]) -> dict[str, Answer]:
        """Return ``answers`` in the order of the questions, what was not said as not known (None).

        Raises :class:`BadAnswers` with the question that is unknown or answered in another form.
        """
        for name in sorted(set(answers) - {item.name for item in self.questions}):
            raise BadAnswers(question=name if _WORD.fullmatch(name) else "-")
        checked: dict[str, Answer] = {}
        for item in self.questions:
            value = answers.get(item.name)
            good = isinstance(value, int) and isinstance(value, bool) is not item.number
            if value is not None and not (good and 0 <= int(value) <= _PERSONS_MAX):  # type: ignore[arg-type]
                raise BadAnswers(question=item.name)
            checked[item.name] = value if isinstance(value, int) else None
        return checked

    def asked(
        self, structure: Structure, answers: Mapping[str, Answer], *, confirmed: Mapping[str, str], now: datetime
    ) -> tuple[Requirement, ...]:
        """Return what is required, by rule. ``confirmed``: the opinion (digest) on an unverified rule."""
        day = now.date().isoformat()
        found = [rule.asks for rule in self.rules if rule.applies(structure, answers, day)]
        return tuple(_with(item, confirmed.get(item.rule, "")) for item in found)

    def holds_until(self, now: datetime) -> datetime:
        """Return until when a route of ``now`` counts: 180 days, or the next day on which a rule begins or ends."""
        day = now.date().isoformat()
        changes = {edge for rule in self.rules for edge in (rule.asks.valid_from, rule.asks.valid_until) if edge > day}
        limits = [now + HOLDS_MAX, *(_midnight(edge, now) for edge in changes)]
        return min(limits)


@cache
def shipped() -> Rules:
    """Return the rules that this version has."""
    return read(resources.files("tigertally.data").joinpath("routes", "china.toml").read_bytes())


def read(data: bytes) -> Rules:
    """Return the rules in a file's bytes. ``Malformed`` for anything that is not exactly of the form."""
    reader = Reader(tomllib.loads(data.decode("utf-8")), what="rules")
    reader.integer("version", minimum=1)
    questions = tuple(_question(item) for item in reader.bodies("question"))
    names = {item.name for item in questions if not item.number}
    rules = tuple(_rule(item, names) for item in reader.bodies("rule"))
    reader.end()
    rules = tuple(sorted(rules, key=lambda rule: rule.asks.rule))
    if len({rule.asks.rule for rule in rules}) != len(rules) or len(names) + 1 != len(questions):
        raise reader.wrong("rule")
    return Rules(digest=sha256_hex(data), questions=questions, rules=rules)


def answers_of(text: str) -> dict[str, Json]:
    """Return the answers in a TOML file's text: names with true, false or a number. Raises :class:`BadAnswers`."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise BadAnswers(question="-") from None
    return {name: value if isinstance(value, int | str) else "" for name, value in found.items()}


def by_class(requirements: Sequence[Requirement]) -> dict[FieldClass, tuple[Requirement, ...]]:
    """Return what must be true for each class of field: the route per class of record."""
    classes = sorted({cls for item in requirements for cls in item.classes}, key=lambda cls: cls.value)
    return {cls: tuple(item for item in requirements if cls in item.classes) for cls in classes}


def _question(reader: Reader) -> Question:
    kind = reader.text("kind")
    found = Question(name=reader.text("name"), number=kind == "number", text=Text(reader.text("zh"), reader.text("en")))
    reader.end()
    if kind not in {"number", "yes_no"} or found.number is not (found.name == _PERSONS):
        raise reader.wrong("kind")
    return found


def _rule(reader: Reader, names: set[str]) -> Rule:
    asks = Requirement(
        rule=reader.text("id"),
        means=reader.choice("means", Means),
        classes=_classes(reader),
        gate=reader.text("gate"),
        condition=reader.text("condition"),
        instrument=reader.text("instrument"),
        article=reader.text("article", empty=True),
        source=reader.text("source", empty=True),
        valid_from=reader.text("valid_from"),
        valid_until=reader.text("valid_until") if reader.has("valid_until") else "",
        mark=reader.choice("mark", Mark),
        confirmed="",
        zh=reader.text("zh"),
        en=reader.text("en"),
    )
    found = Rule(
        structures=frozenset(reader.choices("structures", Structure)),
        when=reader.texts("when") if reader.has("when") else (),
        persons=(
            reader.integer("persons_min") if reader.has("persons_min") else 0,
            reader.integer("persons_max") if reader.has("persons_max") else _PERSONS_MAX,
        ),
        asks=asks,
    )
    reader.end()
    if any(not _WORD.fullmatch(word) or word.lstrip("!") not in names for word in found.when):
        raise reader.wrong("when")
    return found


def _classes(reader: Reader) -> tuple[FieldClass, ...]:
    named = reader.json("classes")
    if isinstance(named, str) and named in _CLASSES:
        return tuple(sorted(_CLASSES[named], key=lambda cls: cls.value))
    return Reader({"classes": named}, what="rules", where="rule").choices("classes", FieldClass)


def _with(item: Requirement, opinion: str) -> Requirement:
    return replace(item, confirmed=opinion) if item.mark is Mark.UNVERIFIED and opinion else item


def _midnight(day: str, now: datetime) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=now.tzinfo)
