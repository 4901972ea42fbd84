"""Tiers of numbers in running text: what the label says, and what the crowd of look-alikes says.

Each hit belongs to a group: the same label before it, or, without a label, the same position in the
line. For cards and IDs the group also counts *misses* (right shape, issuer or region; wrong check
digit). A field of cards has hardly any; numbers of another kind pass the check one time in ten or
eleven. So a group's pass rate tells an order number from a card where one number alone cannot.

Rules for a card, first that applies (strict: the strict issuer table agrees):
1. a label of numbers that pass Luhn by design (IMEI, ICCID): possible;
2. a label that speaks for another number: likely if ten or more look-alikes nearly all pass, else possible;
3. a label that speaks for a card: certain if strict, else likely; at chance level one tier less;
4. six or more look-alikes in its group that mostly pass: certain if strict, else likely;
5. chance level in its group: possible; a group too small to tell is judged by the pool of all small groups
   whose labels say nothing, by rules 4 and 5;
6. alone: certain if strict and written in groups or behind a word for cards in its line, likely if strict, else
   possible.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.base.fields import BY_CODE, FieldClass
from tigertally.data.issuers import TEST_NUMBERS
from tigertally.discovery import core
from tigertally.discovery.banks import most_frequent
from tigertally.discovery.counting import EXACT_MAX, Tally, UInt64s, mixed, unmixed
from tigertally.discovery.detectors import Detector, active
from tigertally.discovery.fingerprints import Fingerprints, fingerprints_in_use, has_fingerprint, is_number, ordered
from tigertally.discovery.hits import (
    ALSO,
    CVV,
    EMAIL,
    EXPIRY,
    GROUPED,
    IBAN,
    ID_15,
    LANDLINE,
    MISS_ID,
    MISS_PAN,
    MOBILE,
    NAME,
    NATIONAL_ID,
    PAN,
    PASSWORD,
    STRICT,
    TRACK,
    USCC,
    WEAK,
    Hits,
)
from tigertally.discovery.inventory import Confidence, Evidence, Finding, Place, Reason
from tigertally.discovery.keywords import keyword_before
from tigertally.discovery.labels import Meaning, meaning
from tigertally.discovery.naming import safe_name
from tigertally.discovery.spans import normal

GROUPS_MAX: Final = 4_096
_POOL: Final = (1 << 64) - 1
_TESTS: Final = np.array(sorted(int(number) for number in TEST_NUMBERS), np.uint64)
_PROOF_COUNT_MIN: Final = 6
_PROOF_RATE: Final = 0.6
_CHANCE_COUNT_MIN: Final = 10
_CHANCE_RATE: Final = 0.3
_NEARLY_ALL: Final = 0.9
_ORDER: Final = tuple(Confidence)
_REASONS_MAX: Final = 8
_LOOKED_MAX: Final = 8
_NOTHING: Final = Meaning(field=None)
# What a number itself says, with strict evidence and without; others have their check digit only.
_BASE: Final[dict[int, tuple[tuple[Evidence, ...], tuple[Evidence, ...]]]] = {
    PAN: ((Evidence.CHECKSUM, Evidence.ISSUER), (Evidence.CHECKSUM, Evidence.ISSUER_BROAD)),
    NATIONAL_ID: ((Evidence.CHECKSUM, Evidence.REGION_DATE), (Evidence.CHECKSUM,)),
    ID_15: ((Evidence.REGION_DATE,),) * 2,
    USCC: ((Evidence.CHECKSUM, Evidence.REGION), (Evidence.CHECKSUM,)),
    MOBILE: ((Evidence.NUMBER_BLOCK,), (Evidence.SHAPE,)),
    NAME: ((Evidence.SHAPE, Evidence.BESIDE_NUMBER),) * 2,
    TRACK: ((Evidence.CHECKSUM, Evidence.SHAPE),) * 2,
    **dict.fromkeys((CVV, EXPIRY), ((Evidence.BESIDE_CARD, Evidence.SHAPE),) * 2),
    **dict.fromkeys((EMAIL, LANDLINE, PASSWORD), ((Evidence.SHAPE,),) * 2),
}
_DETAILS: Final = {PASSWORD: "clear"}


@dataclass(slots=True, kw_only=True)
class _Group:
    """Hits of one kind with one label (or position); ``parts`` by the flags that matter for the tier."""

    label: str
    means: Meaning
    detector: Detector | None = None
    parts: dict[int, Tally] = field(default_factory=dict)
    misses: int = 0
    also: int = 0
    near: tuple[str, int] | None = None  # a context word before one of the hits, and how far
    looked: int = 0

    @property
    def passes(self) -> int:
        return sum(part.count for part in self.parts.values())


@dataclass(slots=True, kw_only=True)
class TextEvidence:
    """Collects the hits of one text (or of the text in one column) window by window; ends in findings."""

    key: int
    _groups: dict[tuple[int, int, int], _Group] = field(default_factory=dict)

    def add(self, data: bytes, hits: Hits) -> None:
        """Add the hits of one window: a settled set and the misses. Offsets are into ``data``."""
        if not len(hits):
            return
        kind = hits.kind.copy()
        missed = (kind == MISS_PAN) | (kind == MISS_ID)
        kind[kind == MISS_PAN] = PAN
        kind[kind == MISS_ID] = NATIONAL_ID
        word, length, label = core.context(data, hits.start)
        tests = (kind == PAN) & _published(hits.value)
        mix = mixed(hits.value, self.key)
        # One number per (label, kind, detector), so that one pass groups them all.
        sort = kind.astype(np.uint64) << np.uint64(56) | hits.row.astype(np.uint64) << np.uint64(40)
        joint = (label * np.uint64(0x9E3779B97F4A7C15)) ^ sort
        under = fingerprints_in_use()
        for rows in core.groups(mixed(joint, 0)):
            first = int(rows[0])
            key = (int(label[first]), int(kind[first]), int(hits.row[first]))
            group = self._group(key, data[int(word[first]) : int(word[first] + length[first])])
            bad = missed[rows]
            group.misses += int(bad.sum())
            good = rows[~bad]
            if key[1] == PAN and group.looked < _LOOKED_MAX and group.means == _NOTHING:
                group.looked += 1
                group.near = group.near or keyword_before(FieldClass.PAN, data, int(hits.start[first]))
            flags = hits.flags[good]
            group.also += int(((flags & ALSO) > 0).sum())
            part_of = flags & (STRICT | GROUPED | WEAK)
            for part in np.flatnonzero(np.bincount(part_of)).tolist():
                chosen = good[part_of == part]
                tally = group.parts.setdefault(part, Tally())
                tally.count += len(chosen)
                tally.tests += int(tests[chosen].sum())
                tally.distinct.add(mix[chosen])
                self._examples(tally, data, hits, chosen, int(kind[first]))
                if under is not None and not is_number(key[1]) and has_fingerprint(key[1]):
                    self._prints(under, tally, data, hits.where(chosen), key[1])

    def finish(self, *, name: str, place: Place, cells: int) -> list[Finding]:
        """Return the findings, one for each class and tier."""
        pool = {kind: self._pool(kind) for kind in {key[1] for key in self._groups}}
        merged: dict[tuple[int, Confidence, str], Tally] = {}
        reasons: dict[tuple[int, Confidence, str], dict[Reason, None]] = {}
        for (_, kind, _), group in self._groups.items():
            if kind == ID_15 and group.means.field is not FieldClass.NATIONAL_ID:
                continue  # no check digit: one number in a hundred of this length looks like one
            for flags, tally in group.parts.items():
                tier, why = _judge(kind, flags, group, pool[kind])
                key = (kind, tier, group.detector.detail if group.detector else _DETAILS.get(kind, ""))
                merged.setdefault(key, Tally()).merge(tally)
                reasons.setdefault(key, {}).update(dict.fromkeys(why))
            if group.also:
                for key in [key for key in merged if key[0] == kind]:
                    reasons[key].update({Reason(evidence=Evidence.ALSO_CARD, number=group.also): None})
        order = sorted(merged, key=lambda key: (key[0], _ORDER.index(key[1]), key[2]))
        return [
            _finding(
                name=name,
                place=place,
                key=self.key,
                cells=cells,
                kind=key[0],
                tier=key[1],
                tally=tally,
                why=reasons[key],
                detail=key[2],
            )
            for key, tally in ((key, merged[key]) for key in order)
        ]

    def _group(self, key: tuple[int, int, int], word: bytes) -> _Group:
        known = self._groups.get(key)
        if known is not None:
            return known
        detector = active().all[key[2] - 1] if key[2] else None
        if len(self._groups) >= GROUPS_MAX:
            rest = _Group(label="", means=Meaning(field=None), detector=detector)
            return self._groups.setdefault((_POOL, *key[1:]), rest)
        text = word.decode("utf-8", "replace")
        means = meaning(text) if text else Meaning(field=None)
        group = _Group(label=safe_name(text), means=means, detector=detector)
        self._groups[key] = group
        return group

    def _pool(self, kind: int) -> tuple[int, int]:
        """Count passes and misses of the small groups of a kind whose labels say nothing."""
        silent = [
            group
            for (_, its, _), group in self._groups.items()
            if its == kind
            and group.means.field is None
            and not group.means.against
            and group.passes + group.misses < _CHANCE_COUNT_MIN
        ]
        return sum(group.passes for group in silent), sum(group.misses for group in silent)

    @staticmethod
    def _prints(under: Fingerprints, tally: Tally, data: bytes, hits: Hits, kind: int) -> None:
        if len(tally.prints) >= EXACT_MAX:
            return
        ends = zip(hits.start.tolist(), hits.stop.tolist(), strict=True)
        values = {normal(data[start:stop], kind) for start, stop in ends}
        tally.prints.update(under.of_texts(kind, sorted(values)))

    @staticmethod
    def _examples(
        tally: Tally, data: bytes, hits: Hits, chosen: np.ndarray[tuple[int], np.dtype[np.int64]], kind: int
    ) -> None:
        cls = BY_CODE[NATIONAL_ID if kind == ID_15 else kind]
        for row in chosen[:3].tolist():
            tally.show(cls, normal(data[int(hits.start[row]) : int(hits.stop[row])], kind))


def _finding(
    *,
    name: str,
    place: Place,
    key: int,
    cells: int, kind: int, tier: Confidence, tally: Tally, why: dict[Reason, None],
    detail: str,
) -> Finding:  # fmt: skip
    distinct = tally.distinct.count()
    extra = issued_by(kind, tally, key)
    if tally.tests:
        extra.append(Reason(evidence=Evidence.TEST_NUMBERS, number=tally.tests))
    if tally.distinct.estimated:
        extra.append(Reason(evidence=Evidence.ESTIMATED))
    return Finding(
        object=name,
        place=place,
        field=BY_CODE[NATIONAL_ID if kind == ID_15 else kind],
        tier=tier,
        count=tally.count,
        distinct=distinct,
        cells=cells,
        examples=tuple(tally.examples),
        reasons=(*list(why)[:_REASONS_MAX], *extra),
        detail=detail,
        fingerprints=fingerprints_of(kind, tally, key),
    )


def issued_by(kind: int, tally: Tally, key: int) -> list[Reason]:
    """Return the reason that names the bank or scheme of most cards of a tally; ``key`` mixed its numbers."""
    best = most_frequent(unmixed(tally.distinct.numbers(), key)) if kind == PAN else None
    return [Reason(evidence=Evidence.ISSUED_BY, number=best[1], word=best[0])] if best else []


def fingerprints_of(kind: int, tally: Tally, key: int) -> bytes:
    """Return the fingerprints of a tally's distinct values, in order, where the scan makes them. ``key`` mixed them."""
    under = fingerprints_in_use()
    if under is None or not has_fingerprint(kind):
        return b""
    if not is_number(kind):
        return b"".join(sorted(tally.prints))
    return ordered(under.of_numbers(kind, unmixed(tally.distinct.numbers(), key)))


def test_numbers(hits: Hits) -> int:
    """Return how many card numbers in ``hits`` are published test numbers."""
    return int(_published(hits.value).sum())


def _published(values: UInt64s) -> npt.NDArray[np.bool_]:
    near = np.minimum(np.searchsorted(_TESTS, values), len(_TESTS) - 1)
    return np.asarray(_TESTS[near] == values, np.bool_)


def chance_level(passes: int, misses: int) -> bool:
    """Return whether so many look-alikes fail that passing is luck."""
    return passes + misses >= _CHANCE_COUNT_MIN and passes < _CHANCE_RATE * (passes + misses)


def crowd_proof(passes: int, misses: int) -> bool:
    """Return whether so many look-alikes pass that it cannot be luck."""
    return passes + misses >= _PROOF_COUNT_MIN and passes >= _PROOF_RATE * (passes + misses)


def base_reasons(kind: int, flags: int) -> list[Reason]:
    """Return what the number itself says."""
    strict, loose = _BASE.get(kind, ((Evidence.CHECKSUM,), (Evidence.CHECKSUM,)))
    grouped = (Evidence.GROUPED,) if flags & GROUPED and kind in (PAN, IBAN) else ()
    return [Reason(evidence=evidence) for evidence in (*(strict if flags & STRICT else loose), *grouped)]


def _judge(kind: int, flags: int, group: _Group, pool: tuple[int, int]) -> tuple[Confidence, list[Reason]]:
    if group.detector is not None:
        return _judge_words(group.detector, flags, group)
    why = base_reasons(kind, flags)
    for_it = group.means.field is BY_CODE[NATIONAL_ID if kind == ID_15 else kind]
    against = group.means.against or (group.means.field is not None and not for_it)
    if for_it:
        why.append(Reason(evidence=Evidence.LABEL, word=group.label))
    elif group.means.against:
        why.append(Reason(evidence=Evidence.AGAINST, word=group.label))
    if kind == PAN:
        tier = _judge_card(flags, group, pool, why, for_it=for_it, against=group.means.against)
    elif kind == NATIONAL_ID:
        tier = _judge_id(flags, group, why, for_it=for_it, against=group.means.against)
    else:
        tier = _judge_plain(kind, flags, group, for_it=for_it, against=against)
    return tier, why


def _judge_plain(kind: int, flags: int, group: _Group, *, for_it: bool, against: bool) -> Confidence:
    """Return the tier of what has no look-alikes to be counted."""
    certain, likely = bool(flags & STRICT), False
    if kind == MOBILE:
        certain, likely = for_it, bool(flags & STRICT) and not against
    elif kind == ID_15:
        certain, likely = False, for_it
    elif kind == LANDLINE:
        certain, likely = False, for_it or group.means.field is FieldClass.MOBILE
    elif kind == NAME:
        certain, likely = False, True
    elif kind == EMAIL:
        certain, likely = for_it, True
    elif kind == TRACK:
        certain = True
    return Confidence.CERTAIN if certain else Confidence.LIKELY if likely else Confidence.POSSIBLE


def _judge_words(detector: Detector, flags: int, group: _Group) -> tuple[Confidence, list[Reason]]:
    hashed = detector.cls is FieldClass.PASSWORD_HASH
    why = [Reason(evidence=Evidence.HASH, word=detector.detail) if hashed else Reason(evidence=Evidence.SHAPE)]
    why.append(Reason(evidence=Evidence.DETECTOR, word=detector.name))
    if detector.text and detector.text.labelled and group.label:
        why.append(Reason(evidence=Evidence.LABEL, word=group.label))
    if flags & STRICT:
        return Confidence.CERTAIN, why
    return Confidence.POSSIBLE if flags & WEAK else Confidence.LIKELY, why


def _judge_card(
    flags: int, group: _Group, pool: tuple[int, int], why: list[Reason], *, for_it: bool, against: bool
) -> Confidence:
    passes, misses = group.passes, group.misses
    number = round(100 * passes / max(passes + misses, 1))
    rate, chance = Reason(evidence=Evidence.PASS_RATE, number=number), Reason(evidence=Evidence.CHANCE, number=number)
    crowd = (passes, misses) if passes + misses >= _CHANCE_COUNT_MIN else pool
    sure, less = Confidence.CERTAIN, Confidence.LIKELY
    if not flags & STRICT:
        sure, less = Confidence.LIKELY, Confidence.POSSIBLE
    tier = Confidence.POSSIBLE
    if group.means.luhn_by_design:  # 1
        pass
    elif against:  # 2
        why.append(rate)
        proven = passes + misses >= _CHANCE_COUNT_MIN and passes >= _NEARLY_ALL * (passes + misses)
        tier = less if proven else Confidence.POSSIBLE
    elif for_it:  # 3
        tier = sure
        if chance_level(passes, misses):
            why.append(chance)
            tier = less
    elif crowd_proof(passes, misses) or crowd_proof(*crowd):  # 4
        why.append(rate)
        tier = sure
    elif chance_level(*crowd):  # 5
        why.append(chance)
    else:  # 6
        if group.near is not None:
            why.append(Reason(evidence=Evidence.KEYWORD, word=group.near[0], number=group.near[1]))
        tier = sure if flags & STRICT and (flags & GROUPED or group.near is not None) else less
    return tier


def _judge_id(flags: int, group: _Group, why: list[Reason], *, for_it: bool, against: bool) -> Confidence:
    if chance_level(group.passes, group.misses):
        number = round(100 * group.passes / (group.passes + group.misses))
        why.append(Reason(evidence=Evidence.CHANCE, number=number))
        return Confidence.LIKELY if for_it else Confidence.POSSIBLE
    if flags & STRICT and not against:
        return Confidence.CERTAIN
    return Confidence.LIKELY if for_it else Confidence.POSSIBLE
