"""Verdicts on columns: from what was counted in one to findings with a tier and reasons.

Rules for whole cells of a card or ID (look-alikes: passes and misses of the check digit), first that applies:
1. numbers with Luhn by design under their header: possible;
2. eight or more look-alikes at chance level: possible (likely under a header that speaks for the class);
3. eight or more that mostly pass: certain; for cards under a header of another number likely;
4. fewer than a tenth of the non-empty cells, without a header that speaks for the class: possible;
5. the rest: certain under a header that speaks for it with strict evidence, likely if either, else possible;
   a header of another number: possible.
CVV, PIN, loose expiry dates and clear passwords need their header; a CVV column is certain when another column
of the table holds cards. 15-digit IDs have no check digit: without header they need a tenth of the cells. A card
column that a spreadsheet has damaged is reported as such, in place of what passes in it by chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from tigertally.base.fields import BY_CODE, FieldClass
from tigertally.discovery.counting import Tally
from tigertally.discovery.detectors import Detector
from tigertally.discovery.evidence import base_reasons, chance_level, crowd_proof, fingerprints_of, issued_by
from tigertally.discovery.hits import ID_15, LANDLINE, MOBILE, NATIONAL_ID, PAN, STRICT, USCC
from tigertally.discovery.inventory import Confidence, Evidence, Finding, Place, Reason
from tigertally.discovery.labels import Meaning
from tigertally.discovery.shapes import NAMED_FORMS

SHARE_MIN: Final = 0.5
_CROWD_MIN: Final = 8
_SHARE_TRACE: Final = 0.1
_SHARE_CLEAR: Final = 0.9
_SHARE_NAMES: Final = 0.7  # of Chinese names without a header: above all other words (facts §6), with room
_SHARE_MOBILES: Final = 0.8
_SHARE_STRAYS: Final = 0.05  # clear passwords among hashes: fewer are values of another kind
_NAMES_MIN: Final = 10
_DAMAGED_MIN: Final = 5


@dataclass(slots=True, kw_only=True)
class ShapeCount:
    """A shape and how many cells have it; ``gate`` as in :class:`tigertally.discovery.shapes.Shape`."""

    cls: FieldClass
    name: str
    pattern: str
    gate: Callable[[str], bool]
    tally: Tally = field(default_factory=Tally)
    detector: Detector | None = None


@dataclass(slots=True, kw_only=True)
class ColumnFacts:
    """What was counted in one column. ``numbers`` and ``strict`` are by kind of hit, over whole cells."""

    place: Place
    means: Meaning
    cells: int = 0
    numbers: dict[int, Tally] = field(default_factory=dict)
    strict: dict[int, int] = field(default_factory=dict)
    misses: dict[int, int] = field(default_factory=lambda: {PAN: 0, NATIONAL_ID: 0})
    also_cards: int = 0
    shapes: list[ShapeCount] = field(default_factory=list)
    clear: Tally = field(default_factory=Tally)
    damaged: Tally = field(default_factory=Tally)
    damaged_cards: int = 0
    key: int = 0  # that distinct numbers were mixed with

    def share(self, tally: Tally) -> float:
        """Return which part of the non-empty cells a tally is."""
        return tally.count / max(self.cells, 1)

    def speaks_for(self, cls: FieldClass) -> bool:
        """Return whether the header speaks for the class."""
        return self.means.field is cls or (cls is FieldClass.PASSWORD_HASH and self.means.field is FieldClass.PASSWORD)


def holds_cards(facts: ColumnFacts) -> bool:
    """Return whether the column looks like one of cards (asked by its neighbours)."""
    cards = facts.numbers.get(PAN)
    if cards is None or cards.count < SHARE_MIN * (cards.count + facts.misses[PAN]):
        return False
    return facts.share(cards) >= SHARE_MIN or facts.means.field is FieldClass.PAN


def column_findings(facts: ColumnFacts, *, name: str, beside_cards: bool) -> list[Finding]:
    """Return the findings of a column's whole cells. ``beside_cards``: another column of the table holds cards."""
    damaged = _damaged(facts, name)
    findings: list[Finding] = []
    for kind, tally in facts.numbers.items():
        if kind == ID_15 and not facts.speaks_for(FieldClass.NATIONAL_ID) and facts.share(tally) < _SHARE_TRACE:
            continue
        if kind == PAN and damaged:
            continue
        tier, why = _number_tier(facts, kind, tally)
        why += issued_by(kind, tally, facts.key)
        found = _finding(facts, name, _class_of(kind), tier, tally, why)
        findings.append(replace(found, fingerprints=fingerprints_of(kind, tally, facts.key)))
    findings += _shape_findings(facts, name, beside_cards=beside_cards)
    findings += _hash_findings(facts, name)
    findings += _clear_findings(facts, name)
    return findings + damaged


def _class_of(kind: int) -> FieldClass:
    return BY_CODE[NATIONAL_ID if kind == ID_15 else kind]


def _number_tier(facts: ColumnFacts, kind: int, tally: Tally) -> tuple[Confidence, list[Reason]]:
    strict = 2 * facts.strict.get(kind, 0) > tally.count
    for_it = facts.speaks_for(_class_of(kind))
    why = [*base_reasons(kind, STRICT if strict else 0), *_header_reason(facts, for_it=for_it), _share(facts, tally)]
    if kind == NATIONAL_ID and facts.also_cards:
        why.append(Reason(evidence=Evidence.ALSO_CARD, number=facts.also_cards))
    if kind in facts.misses:
        return _checked_tier(facts, kind, tally, why, for_it=for_it, strict=strict), why
    return _plain_tier(facts, kind, tally, for_it=for_it, strict=strict), why


def _plain_tier(facts: ColumnFacts, kind: int, tally: Tally, *, for_it: bool, strict: bool) -> Confidence:
    """Return the tier of numbers whose look-alikes are not counted."""
    other = facts.means.against or facts.means.field is not None
    most = facts.share(tally) >= SHARE_MIN
    likely = False
    if kind == USCC:
        certain = strict
    elif kind == LANDLINE:
        phone = for_it or facts.means.field is FieldClass.MOBILE
        certain, likely = phone and most, phone or most
    elif kind == MOBILE:
        certain, likely = for_it, strict and not other and facts.share(tally) >= _SHARE_MOBILES
    elif kind == ID_15:
        certain, likely = for_it and most, for_it
    else:
        certain = True
    return Confidence.CERTAIN if certain else Confidence.LIKELY if likely else Confidence.POSSIBLE


def _checked_tier(
    facts: ColumnFacts, kind: int, tally: Tally, why: list[Reason], *, for_it: bool, strict: bool
) -> Confidence:
    misses = facts.misses[kind]
    total = tally.count + misses
    rate = round(100 * tally.count / total)
    against = facts.means.against
    tier = Confidence.POSSIBLE
    if kind == PAN and facts.means.luhn_by_design:  # 1
        pass
    elif total >= _CROWD_MIN and chance_level(tally.count, max(misses, 10 - tally.count)):  # 2
        why.append(Reason(evidence=Evidence.CHANCE, number=rate))
        tier = Confidence.LIKELY if for_it else Confidence.POSSIBLE
    elif total >= _CROWD_MIN and crowd_proof(tally.count, misses):  # 3
        why.append(Reason(evidence=Evidence.PASS_RATE, number=rate))
        tier = Confidence.LIKELY if against and kind == PAN else Confidence.CERTAIN
    elif against or (facts.share(tally) < _SHARE_TRACE and not for_it):  # 4
        pass
    elif for_it and strict:  # 5
        tier = Confidence.CERTAIN
    elif for_it or strict:
        tier = Confidence.LIKELY
    return tier


def _shape_findings(facts: ColumnFacts, name: str, *, beside_cards: bool) -> list[Finding]:
    findings: list[Finding] = []
    for shape in facts.shapes:
        if shape.detector is not None:
            findings += _detector_findings(facts, shape, name)
            continue
        if shape.cls is FieldClass.PASSWORD_HASH or facts.share(shape.tally) < SHARE_MIN:
            continue
        tier = _shape_tier(facts, shape, beside_cards=beside_cards)
        if tier is None:
            continue
        why = [Reason(evidence=Evidence.SHAPE), *_header_reason(facts, for_it=facts.speaks_for(shape.cls))]
        why.append(_share(facts, shape.tally))
        if beside_cards and shape.cls in (FieldClass.CVV, FieldClass.EXPIRY, FieldClass.PIN):
            why.append(Reason(evidence=Evidence.BESIDE_CARD))
        findings.append(_finding(facts, name, shape.cls, tier, shape.tally, why))
    return findings


def _detector_findings(facts: ColumnFacts, shape: ShapeCount, name: str) -> list[Finding]:
    """Return the finding of a detector file, unless most cells are numbers that the core knows as something else."""
    detector = shape.detector
    if detector is None or detector.column is None or facts.share(shape.tally) < detector.column.share:
        return []
    if any(facts.share(tally) >= SHARE_MIN for tally in facts.numbers.values()):
        return []
    why = [Reason(evidence=Evidence.SHAPE), Reason(evidence=Evidence.DETECTOR, word=detector.name)]
    why += [*_header_reason(facts, for_it=bool(detector.column.headers)), _share(facts, shape.tally)]
    return [_finding(facts, name, shape.cls, detector.column.score, shape.tally, why, detail=detector.detail)]


def _shape_tier(facts: ColumnFacts, shape: ShapeCount, *, beside_cards: bool) -> Confidence | None:
    if shape.cls is FieldClass.EMAIL:
        return Confidence.CERTAIN
    if shape.cls is FieldClass.NAME:
        return _name_tier(facts, shape)
    if shape.cls is FieldClass.EXPIRY and shape.name == "slashed":
        if facts.speaks_for(FieldClass.EXPIRY):
            return None  # the wider shape counts it
        sure = beside_cards and facts.share(shape.tally) >= _SHARE_CLEAR and facts.means == Meaning(field=None)
        return Confidence.LIKELY if sure else None
    return Confidence.CERTAIN if beside_cards else Confidence.LIKELY  # CVV, PIN, expiry: only under their header


def _name_tier(facts: ColumnFacts, shape: ShapeCount) -> Confidence | None:
    if facts.speaks_for(FieldClass.NAME):
        return Confidence.CERTAIN
    if facts.means.against or facts.means.field is not None:
        return None
    varied = shape.tally.distinct.count() >= max(5, min(shape.tally.count // 50, 50))
    sure = varied and facts.cells >= _NAMES_MIN and facts.share(shape.tally) >= _SHARE_NAMES
    return Confidence.LIKELY if sure else None


def _hash_findings(facts: ColumnFacts, name: str) -> list[Finding]:
    forms = [shape for shape in facts.shapes if shape.cls is FieldClass.PASSWORD_HASH and not shape.detector]
    forms = [shape for shape in forms if shape.tally.count]
    for_it = facts.speaks_for(FieldClass.PASSWORD_HASH)
    most = sum(shape.tally.count for shape in forms) >= SHARE_MIN * facts.cells
    findings: list[Finding] = []
    for shape in forms:
        named = shape.name in NAMED_FORMS
        if not named and not for_it:  # hexadecimal text that nobody calls a password: a checksum, an id
            continue
        tier = Confidence.CERTAIN if named or most else Confidence.LIKELY
        why = [Reason(evidence=Evidence.HASH, word=shape.name), *_header_reason(facts, for_it=for_it)]
        why.append(_share(facts, shape.tally))
        findings.append(_finding(facts, name, FieldClass.PASSWORD_HASH, tier, shape.tally, why, detail=shape.name))
    return findings


def _clear_findings(facts: ColumnFacts, name: str) -> list[Finding]:
    hashed = sum(shape.tally.count for shape in facts.shapes if shape.cls is FieldClass.PASSWORD_HASH)
    if not facts.clear.count or facts.clear.count + hashed < SHARE_MIN * facts.cells:
        return []
    strays = hashed > 0 and facts.share(facts.clear) < _SHARE_STRAYS
    tier = Confidence.POSSIBLE if strays else Confidence.CERTAIN
    why = [Reason(evidence=Evidence.SHAPE), *_header_reason(facts, for_it=True), _share(facts, facts.clear)]
    return [_finding(facts, name, FieldClass.PASSWORD, tier, facts.clear, why, detail="clear")]


def _damaged(facts: ColumnFacts, name: str) -> list[Finding]:
    tally = facts.damaged
    if tally.count < max(_DAMAGED_MIN, _SHARE_CLEAR * facts.cells):
        return []
    for_it = facts.speaks_for(FieldClass.PAN)
    if not for_it and facts.damaged_cards < _SHARE_CLEAR * tally.count:
        return []
    tally.examples.clear()  # the last digits are zeros that nobody wrote
    why = [Reason(evidence=Evidence.DAMAGED), *_header_reason(facts, for_it=for_it), _share(facts, tally)]
    tier = Confidence.LIKELY if for_it else Confidence.POSSIBLE
    return [_finding(facts, name, FieldClass.PAN, tier, tally, why, detail="damaged")]


def _share(facts: ColumnFacts, tally: Tally) -> Reason:
    return Reason(evidence=Evidence.SHARE, number=round(100 * facts.share(tally)))


def _header_reason(facts: ColumnFacts, *, for_it: bool) -> list[Reason]:
    if for_it:
        return [Reason(evidence=Evidence.HEADER, word=facts.place.name)]
    return [Reason(evidence=Evidence.AGAINST, word=facts.place.name)] if facts.means.against else []


def _finding(
    facts: ColumnFacts,
    name: str,
    cls: FieldClass,
    tier: Confidence,
    tally: Tally,
    why: list[Reason],
    *,
    detail: str = "",
) -> Finding:
    extra = [Reason(evidence=Evidence.TEST_NUMBERS, number=tally.tests)] if tally.tests else []
    distinct = tally.distinct.count()
    if tally.distinct.estimated:
        extra.append(Reason(evidence=Evidence.ESTIMATED))
    return Finding(
        object=name,
        place=facts.place,
        field=cls,
        tier=tier,
        count=tally.count,
        distinct=distinct,
        cells=facts.cells,
        examples=tuple(tally.examples),
        reasons=(*why, *extra),
        detail=detail,
        fingerprints=b"".join(sorted(tally.prints)),
    )
