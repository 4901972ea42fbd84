"""Values behind words in running text: what the detector files describe, found as columns of hits.

One pass of the core finds where literals stand; only there a detector's expression is tried, on a window of text with
a bounded reach. Hits are those of :mod:`tigertally.discovery.hits`, with ``row`` telling the detector.
"""

from __future__ import annotations

import hashlib
import re

import numpy as np

from tigertally.base.fields import FIELD_RULES
from tigertally.discovery import core
from tigertally.discovery.detectors import Detector, Detectors, TextRule
from tigertally.discovery.gaps import label_start
from tigertally.discovery.hits import STRICT, WEAK, Hits, empty_hits
from tigertally.discovery.inventory import Confidence
from tigertally.discovery.labels import Meaning, meaning

BEFORE_BYTES = 96
AFTER_BYTES = 512


def find_words(data: bytes, detectors: Detectors) -> Hits:
    """Return the hits of all text detectors in ``data`` (UTF-8, folded), overlapping ones too."""
    place, which = core.words(data, detectors.words)
    if not len(place):
        return empty_hits()
    rows: list[tuple[int, int, int, int, int, int]] = []
    text, own, lo = "", 0, -1
    for at, literal in zip(place.tolist(), which.tolist(), strict=True):
        if at != lo:
            lo = at
            before = data[max(at - BEFORE_BYTES, 0) : at].decode("utf-8", "surrogateescape")
            before = before[before.rfind("\n") + 1 :]
            text = before + data[at : at + AFTER_BYTES].decode("utf-8", "surrogateescape")
            own = len(before)
        for index, label in detectors.of_literal[literal]:
            found = match(detectors.all[index], text, own, label)
            if found is not None:
                start, stop, flags = found
                head = at + len(text[own:start].encode("utf-8", "surrogateescape"))
                value = text[start:stop].encode("utf-8", "surrogateescape")
                code = FIELD_RULES[detectors.all[index].cls].code
                rows.append((head, head + len(value), code, flags, _number(value), index + 1))
    return _columns(sorted(set(rows)))


def match(detector: Detector, text: str, place: int, literal: str) -> tuple[int, int, int] | None:
    """Return (start, stop, flags) of the value that ``detector`` sees in ``text``; its literal stands at ``place``."""
    rule = detector.text
    if rule is None:
        return None
    found = rule.expression.made().match(text, place + len(literal) if rule.labelled else place)
    if found is None:
        return None
    span = _span(found)
    if rule.labelled:
        label = text[place - label_start(text[:place]) : found.end("label")]
        span = _behind_label(rule, found, label, literal)
    flags = _worth(detector, rule, found, text[span[0] : span[1]])
    return None if flags is None else (*span, flags)


def _worth(detector: Detector, rule: TextRule, found: re.Match[str], value: str) -> int | None:
    """Return the flags of a value, ``None`` if it is none."""
    if not value or (rule.reject is not None and rule.reject.made().fullmatch(value)):
        return None
    if detector.check is not None and not detector.check(value):
        return None
    strong = rule.strong is not None and rule.strong.made().fullmatch(value) is not None
    if rule.labelled and found["gap"] is None and not (rule.blank and strong):
        return None
    if detector.score is Confidence.CERTAIN or strong:
        return STRICT
    return WEAK if detector.score is Confidence.POSSIBLE else 0


def _behind_label(rule: TextRule, found: re.Match[str], label: str, literal: str) -> tuple[int, int]:
    """Return the span of the value, an empty one if the whole label says something else than the literal does."""
    own, whole = meaning(literal), meaning(label)
    if whole != own and (own.field is not None or whole != Meaning(field=None)):
        return 0, 0
    if found["quoted"] is None:
        return found.span("bare")
    start, stop = found.span("quoted")
    return (start, stop) if rule.quoted.made().fullmatch(found.string, start, stop) else (0, 0)


def _span(found: re.Match[str]) -> tuple[int, int]:
    return found.span("value") if "value" in found.re.groupindex else found.span()


def _number(value: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(value, digest_size=8).digest(), "little")


def _columns(rows: list[tuple[int, int, int, int, int, int]]) -> Hits:
    parts = list(zip(*rows, strict=True)) or [()] * 6
    return Hits(
        start=np.array(parts[0], np.int64),
        stop=np.array(parts[1], np.int64),
        kind=np.array(parts[2], np.uint8),
        flags=np.array(parts[3], np.uint8),
        value=np.array(parts[4], np.uint64),
        row=np.array(parts[5], np.int64),
    )
