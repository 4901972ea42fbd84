"""Legal route of a deal, and counsel's opinion on one. docs/formats/route.md.

A **route** is what an organisation answered about itself and, from that, what must be true before customers' data
moves: each requirement with its rule, source, dates, and how sure we are of it. An unverified rule advises and does not
bind, unless the route says which opinion confirmed it. An **opinion** is counsel's word on one route: which unverified
rules apply as they stand, and which requirements counsel signs off. Each is signed by the party that makes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Final

from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.base.ids import DealId, PartyId
from tigertally.formats.dealpapers import Structure
from tigertally.formats.shape import Reader
from tigertally.formats.statement import Kind, Statement

RULE: Final = re.compile(r"[a-z0-9]+(?:\.[a-z0-9_]+)+")
CONDITION: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
GATE: Final = re.compile(r"S[1-8]")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
Answer = bool | int | None


class Means(Enum):
    """What a requirement asks for."""

    NOTICE = "notice"
    CONSENT = "consent"
    COUNSEL = "counsel"
    APPROVAL = "approval"
    RECORD = "record"
    DELETION = "deletion"
    NEVER = "never"


class Mark(Enum):
    """How sure a rule is: read in its text, this product's own caution, or read by nobody."""

    FOUND = "found"
    DEFAULT = "default"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What must be true. ``confirmed``: digest of the opinion that made an unverified rule bind, or ""."""

    rule: str
    means: Means
    classes: tuple[FieldClass, ...]
    gate: str
    condition: str
    instrument: str
    article: str
    source: str
    valid_from: str
    valid_until: str
    mark: Mark
    confirmed: str
    zh: str
    en: str

    @property
    def binds(self) -> bool:
        """Whether it stops a gate, rather than advising."""
        return self.mark is not Mark.UNVERIFIED or bool(self.confirmed)

    def body(self) -> Json:
        """Return the member of the payload."""
        return {
            "rule": self.rule,
            "means": self.means.value,
            "classes": [item.value for item in self.classes],
            "gate": self.gate,
            "condition": self.condition,
            "instrument": self.instrument,
            "article": self.article,
            "source": self.source,
            "valid_from": self.valid_from,
            "valid_until": self.valid_until,
            "mark": self.mark.value,
            "binds": self.binds,
            "confirmed": self.confirmed,
            "zh": self.zh,
            "en": self.en,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What was answered, and what follows. ``rules``: digest of the rules; an answer of None: not known."""

    deal: DealId
    party: PartyId
    structure: Structure
    rules: str
    answers: tuple[tuple[str, Answer], ...]
    requirements: tuple[Requirement, ...]
    created: datetime

    def body(self) -> Json:
        """Return the payload."""
        answers: dict[str, Json] = dict(self.answers)
        return {
            "deal": self.deal,
            "party": self.party,
            "structure": self.structure.value,
            "rules": self.rules,
            "answers": answers,
            "requirements": [item.body() for item in self.requirements],
            "created": clock.to_text(self.created),
        }


def read(statement: Statement) -> Route:
    """Return the route in ``statement``; the signature is the caller's to verify."""
    reader = statement.expect(Kind.ROUTE).reader()
    found = Route(
        deal=DealId(reader.ident("deal", "dea")),
        party=PartyId(reader.ident("party", "pty")),
        structure=reader.choice("structure", Structure),
        rules=reader.digest("rules"),
        answers=_answers(reader),
        requirements=tuple(_requirement(item) for item in reader.bodies("requirements")),
        created=reader.instant("created"),
    )
    reader.end()
    names = [item.rule for item in found.requirements]
    if names != sorted(set(names)):
        raise reader.wrong("requirements")
    day = found.created.date().isoformat()
    if any(day < item.valid_from or (item.valid_until and day >= item.valid_until) for item in found.requirements):
        raise reader.wrong("created")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """Counsel's word on one route: unverified rules that apply, requirements that counsel signs off; until when."""

    deal: DealId
    counsel: PartyId
    route: str
    confirms: tuple[str, ...]
    approves: tuple[str, ...]
    created: datetime
    until: datetime

    def body(self) -> Json:
        """Return the payload."""
        return {
            "deal": self.deal,
            "counsel": self.counsel,
            "route": self.route,
            "confirms": list(self.confirms),
            "approves": list(self.approves),
            "created": clock.to_text(self.created),
            "until": clock.to_text(self.until),
        }


def read_opinion(statement: Statement) -> Opinion:
    """Return the opinion in ``statement``; the signature is the caller's to verify."""
    reader = statement.expect(Kind.OPINION).reader()
    found = Opinion(
        deal=DealId(reader.ident("deal", "dea")),
        counsel=PartyId(reader.ident("counsel", "pty")),
        route=reader.digest("route"),
        confirms=_rules(reader, "confirms"),
        approves=_rules(reader, "approves"),
        created=reader.instant("created"),
        until=reader.instant("until"),
    )
    reader.end()
    if found.until <= found.created:
        raise reader.wrong("until")
    if not found.confirms and not found.approves:
        raise reader.wrong("confirms")
    return found


def beyond(opinion: Opinion, route: Route) -> tuple[str, ...]:
    """Return the rules that ``opinion`` speaks of and ``route`` does not ask counsel about.

    Counsel confirms what is unverified there, and signs off what asks for counsel.
    """
    unverified = {item.rule for item in route.requirements if item.mark is Mark.UNVERIFIED}
    asked = {item.rule for item in route.requirements if item.means is Means.COUNSEL}
    return tuple(sorted({*set(opinion.confirms) - unverified, *set(opinion.approves) - asked}))


def _rules(reader: Reader, name: str) -> tuple[str, ...]:
    found = reader.texts(name, chars_max=80)
    if list(found) != sorted(set(found)) or not all(RULE.fullmatch(item) for item in found):
        raise reader.wrong(name)
    return found


def _answers(reader: Reader) -> tuple[tuple[str, Answer], ...]:
    value = reader.json("answers")
    if not isinstance(value, dict) or not value:
        raise reader.wrong("answers")
    found: list[tuple[str, Answer]] = []
    for name, item in value.items():
        counted = isinstance(item, int) and item >= 0
        if not _NAME.fullmatch(name) or not (item is None or counted):
            raise reader.wrong("answers")
        found.append((name, item if isinstance(item, int) else None))
    return tuple(found)


def _requirement(reader: Reader) -> Requirement:
    found = Requirement(
        rule=_matching(reader, "rule", RULE),
        means=reader.choice("means", Means),
        classes=reader.choices("classes", FieldClass),
        gate=_matching(reader, "gate", GATE),
        condition=_matching(reader, "condition", CONDITION),
        instrument=reader.text("instrument"),
        article=reader.text("article", empty=True),
        source=reader.text("source", empty=True),
        valid_from=_day(reader, "valid_from"),
        valid_until=_day(reader, "valid_until", empty=True),
        mark=reader.choice("mark", Mark),
        confirmed=_confirmed(reader),
        zh=reader.text("zh"),
        en=reader.text("en"),
    )
    if reader.flag("binds") is not found.binds or (found.confirmed and found.mark is not Mark.UNVERIFIED):
        raise reader.wrong("binds")
    if not found.classes or (found.mark is Mark.FOUND and not found.source):
        raise reader.wrong("source" if found.classes else "classes")
    reader.end()
    return found


def _confirmed(reader: Reader) -> str:
    found = reader.text("confirmed", chars_max=64, empty=True)
    if found and not _DIGEST.fullmatch(found):
        raise reader.wrong("confirmed")
    return found


def _matching(reader: Reader, name: str, form: re.Pattern[str]) -> str:
    found = reader.text(name, chars_max=80)
    if not form.fullmatch(found):
        raise reader.wrong(name)
    return found


def _day(reader: Reader, name: str, *, empty: bool = False) -> str:
    found = reader.text(name, chars_max=10, empty=empty)
    if not found:
        return found
    try:
        date.fromisoformat(found)
    except ValueError:
        raise reader.wrong(name) from None
    if not _DAY.fullmatch(found):
        raise reader.wrong(name)
    return found
