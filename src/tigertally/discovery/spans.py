"""Exact spans of customer values in a UTF-8 buffer, for those who replace them.

Spans do not overlap and are in order. Where two readings overlap, the longer-lived secret wins: track,
then IBAN, card, ID, mobile, then the codes beside a card. Numbers are taken at any tier: whoever
replaces values would rather replace one too many.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.base.fields import BY_CODE, FieldClass
from tigertally.discovery import core
from tigertally.discovery.core import ascii_digits
from tigertally.discovery.detectors import active
from tigertally.discovery.finder import find_words
from tigertally.discovery.folding import bare_number, fold, fold_text
from tigertally.discovery.hits import (
    CVV,
    EMAIL,
    EXPIRY,
    IBAN,
    ID_15,
    LANDLINE,
    MISS_ID,
    MISS_PAN,
    MOBILE,
    NATIONAL_ID,
    PAN,
    PASSWORD,
    SECRET,
    TRACK,
    USCC,
    Hits,
    join_hits,
)
from tigertally.discovery.neighbours import names_beside

# How far a labelled code may stand from a card and still be that card's, in bytes.
BESIDE_BYTES: Final = 200
_NUMBERS: Final = frozenset((PAN, NATIONAL_ID, ID_15, MOBILE, LANDLINE, IBAN, CVV))
_BY_RANK: Final = (PASSWORD, SECRET, TRACK, IBAN, PAN, NATIONAL_ID, EMAIL, MOBILE, LANDLINE, USCC, CVV, EXPIRY, ID_15)
_RANKS: Final = np.full(256, 9, np.int64)
for _rank, _kind in enumerate(_BY_RANK):
    _RANKS[_kind] = _rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Equal-length columns: byte offsets ``start``, ``stop`` and ``code`` (wire number of the field class)."""

    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]
    code: npt.NDArray[np.uint8]
    data: bytes = field(repr=False)

    def __len__(self) -> int:
        return len(self.start)

    def classes(self) -> list[FieldClass]:
        """Return the field class of each span."""
        return [BY_CODE[code] for code in self.code.tolist()]

    def values(self) -> list[str]:
        """Return each value in its one spelling: ASCII digits (letters for IBAN and X) without blanks and dashes.

        A mobile number is its 11 digits; an expiry date and track data stay as they are written.
        """
        return [
            normal(self.data[start:stop], code)
            for start, stop, code in zip(self.start.tolist(), self.stop.tolist(), self.code.tolist(), strict=True)
        ]


def normal(raw: bytes, code: int) -> str:
    """Return the one spelling of a value of the class with wire number ``code``."""
    text = raw.decode("utf-8", "replace")
    text = bare_number(text) if code in _NUMBERS else fold_text(text)
    if code == NATIONAL_ID:
        return text.upper()
    return text[-11:] if code == MOBILE else text


def find_spans(data: bytes) -> Spans:
    """Return the spans of PAN, national ID, mobile, IBAN, track data, and of CVV and expiry labelled near a card.

    ``data`` is UTF-8 (other bytes are survived). 15-digit IDs are left out: without a check digit they are
    too weak to replace in running text.
    """
    folded = ascii_digits(data)
    raw = found(folded)
    hits = settle(raw.where(raw.kind != ID_15))
    start, stop = hits.start, hits.stop
    if len(folded) != len(data):
        _, keep, width = fold(data)
        place = np.flatnonzero(keep)
        last = place[stop - 1]
        start, stop = place[start], last + width[last]
    return Spans(start=start, stop=stop, code=hits.kind, data=data)


def found(data: bytes, *, start: int = 0, stop: int | None = None) -> Hits:
    """Return every hit that begins in ``data[start:stop]``, codes beside cards included, misses too, unsettled."""
    hits = _with_words(core.scan(data, start=start, stop=stop), data, start, len(data) if stop is None else stop)
    names = names_beside(data, hits)
    if len(names):
        hits = join_hits([hits, _apart(names, hits)])
    cards = hits.kind == PAN
    if not cards.any():
        return hits
    first, last = hits.start[cards], hits.stop[cards]
    if not (first[1:] >= first[:-1]).all():
        order = np.argsort(first, kind="stable")
        first, last = first[order], last[order]
    codes = core.beside(data, start=first, stop=last, reach=BESIDE_BYTES)
    return join_hits([hits, codes]) if len(codes) else hits


def _with_words(hits: Hits, data: bytes, start: int, stop: int) -> Hits:
    """Add what detector files find, but for values that the core found as something more exact, or cut into."""
    words = find_words(data, active())
    words = words.where((words.start >= start) & (words.start < stop))
    if not len(words):
        return hits
    exact = hits.where((hits.kind != MISS_PAN) & (hits.kind != MISS_ID) & (hits.kind != ID_15))
    if len(exact):
        exact = exact.where(np.argsort(exact.start, kind="stable"))
        reach = np.maximum.accumulate(exact.stop)
        first = np.searchsorted(reach, words.start, side="right")
        last = np.searchsorted(exact.start, words.stop, side="left")
        apart = first >= last
        near = np.minimum(first, len(exact) - 1)
        longer = (words.stop - words.start) > (exact.stop[near] - exact.start[near])
        around = (words.start <= exact.start[near]) & (words.stop >= exact.stop[np.maximum(last - 1, 0)])
        words = words.where(apart | (around & longer))
    return join_hits([hits, words])


def _apart(names: Hits, hits: Hits) -> Hits:
    """Return the names that no other hit touches (one behind a label is found already)."""
    ordered = hits.where(np.argsort(hits.start, kind="stable"))
    reach = np.maximum.accumulate(ordered.stop)
    first = np.searchsorted(reach, names.start, side="right")
    last = np.searchsorted(ordered.start, names.stop, side="left")
    return names.where(first >= last)


def settle(hits: Hits) -> Hits:
    """Return the hits in order without overlaps and without misses."""
    missed = (hits.kind == MISS_PAN) | (hits.kind == MISS_ID)
    hits = hits.where(~missed) if missed.any() else hits
    if (hits.start[1:] >= hits.stop[:-1]).all():  # nearly always: in order, and apart
        return hits
    hits = hits.where(np.lexsort((-hits.stop, _RANKS[hits.kind], hits.start)))
    while True:
        clash = np.flatnonzero(hits.start[1:] < hits.stop[:-1])
        if not len(clash):
            return hits
        keep = np.ones(len(hits), np.bool_)
        right_wins = _RANKS[hits.kind[clash + 1]] < _RANKS[hits.kind[clash]]
        keep[np.where(right_wins, clash, clash + 1)] = False
        hits = hits.where(keep)
