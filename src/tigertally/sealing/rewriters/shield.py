"""What becomes of values: tokens for sealed ones, nothing for purged ones, in bulk.

Every rewriter hands its cells and texts to one :class:`Shield` and writes what comes back; the shield counts. What the
vault does not know is purged, never left: the lookup's ``None`` is an answer, not an error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Protocol

import numpy as np

from tigertally.base.fields import FieldClass
from tigertally.discovery import find_spans
from tigertally.sealing.plan import Action, Extent, PlanField
from tigertally.sealing.rewriters.located import located
from tigertally.sealing.values import dressed_as, normalise

STARS: Final = "***"
_PAN_DIGITS_MIN: Final = 12
_ID_DIGITS: Final = (18,)
_MOBILE_DIGITS: Final = (11, 13)  # bare, and with 86
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")
_NUMBER: Final = re.compile(r"\s*\d[\d \-]*\s*")

# What stands in a text cell that the plan does not name is a leak: known values get their token, the rest goes.
UNPLANNED: Final[Mapping[FieldClass, Action]] = {
    FieldClass.PAN: Action.SEAL,
    FieldClass.NATIONAL_ID: Action.SEAL,
    FieldClass.MOBILE: Action.SEAL,
    FieldClass.IBAN: Action.SEAL,
    FieldClass.EMAIL: Action.SEAL,
    FieldClass.LANDLINE: Action.SEAL,
    FieldClass.USCC: Action.SEAL,
    FieldClass.NAME: Action.SEAL,
    FieldClass.ADDRESS: Action.SEAL,
    FieldClass.PASSPORT: Action.SEAL,
    FieldClass.BANK_ACCOUNT: Action.SEAL,
    FieldClass.PASSWORD_HASH: Action.SEAL,
    FieldClass.PAYMENT_TOKEN: Action.SEAL,
    FieldClass.PIN: Action.PURGE,
    FieldClass.PASSWORD: Action.PURGE,
    FieldClass.SECRET: Action.PURGE,
    FieldClass.CVV: Action.PURGE,
    FieldClass.EXPIRY: Action.PURGE,
    FieldClass.TRACK: Action.PURGE,
}


class TokenLookup(Protocol):
    """Tokens of values, in bulk. The same value always has the same token."""

    def __call__(self, cls: FieldClass, values: list[str]) -> Sequence[str | None]:
        """Return the token of each of ``values`` (distinct, normalised), ``None`` where the vault has none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many occurrences of a class were given tokens, purged as planned, and purged because nobody knew them."""

    cls: FieldClass
    sealed: int
    purged: int
    unknown: int


class Shield:
    """Replaces values by what may stand in a protected copy, and counts per class."""

    __slots__ = ("_purged", "_sealed", "_tokens", "_unknown")

    def __init__(self, tokens: TokenLookup) -> None:
        self._tokens = tokens
        self._sealed: Counter[FieldClass] = Counter()
        self._purged: Counter[FieldClass] = Counter()
        self._unknown: Counter[FieldClass] = Counter()

    def counts(self) -> tuple[Count, ...]:
        """Return what was done so far, by class."""
        done = self._sealed + self._purged + self._unknown  # addition drops what is zero
        classes = sorted(done, key=lambda cls: cls.value)
        return tuple(
            Count(cls=cls, sealed=self._sealed[cls], purged=self._purged[cls], unknown=self._unknown[cls])
            for cls in classes
        )

    def cells(self, one: PlanField, values: list[str | None]) -> list[str | None]:
        """Return what replaces whole cells of ``one``; ``None`` is an empty cell. Empty ones stay as they are."""
        if one.action is Action.KEEP:
            return values
        if one.action is Action.PURGE:
            self._purged[one.cls] += sum(1 for value in values if value)
            return [None if value else value for value in values]
        distinct = [value for value in dict.fromkeys(values) if value]
        became = dict(zip(distinct, self._tokens_of(one.cls, distinct), strict=True))
        full = [became[value] for value in values if value]
        known = sum(1 for token in full if token is not None)
        self._sealed[one.cls] += known
        self._unknown[one.cls] += len(full) - known
        return [became[value] if value else value for value in values]

    def spans(self, texts: list[str], actions: Mapping[FieldClass, Action]) -> list[str]:
        """Return ``texts`` with every recognised span replaced as ``actions`` says for its class (absent: kept)."""
        found = located(texts)
        if not found.text:
            return texts
        places = zip(found.text, found.begin, found.end, strict=True)
        written = [found.raw[text][begin:end].decode() for text, begin, end in places]
        fresh = self._replacements(found.classes, written, actions)
        out = list(texts)
        at = 0
        for text, group in groupby(found.text):
            stop = at + sum(1 for _ in group)
            spliced = _spliced(found.raw[text], found.begin[at:stop], found.end[at:stop], fresh[at:stop])
            out[text] = spliced.decode("utf-8", "surrogatepass")
            at = stop
        return out

    def window(self, data: bytes, *, begin: int, end: int, actions: Mapping[FieldClass, Action]) -> bytes:
        """Return ``data[begin:end]`` (UTF-8) with spans replaced; what is outside is context for labels."""
        found = find_spans(data)
        inside = (found.start >= begin) & (found.start < end)
        if not inside.any():
            return data[begin:end]
        chosen = np.flatnonzero(inside).tolist()
        classes = found.classes()
        written = [data[found.start[at] : found.stop[at]].decode() for at in chosen]
        fresh = self._replacements([classes[at] for at in chosen], written, actions)
        starts, stops = (found.start[inside] - begin).tolist(), (found.stop[inside] - begin).tolist()
        return _spliced(data[begin:end], starts, stops, fresh)

    def unplanned(self, texts: list[str]) -> list[str]:
        """Return cells of a column that the plan does not name, with leaks replaced.

        Spans inside other text are replaced as :data:`UNPLANNED` says. A cell that is one number and nothing else was
        judged with its column by the scan: it is replaced only if the vault knows it, so that order numbers survive.
        """
        alone = [at for at, text in enumerate(texts) if _NUMBER.fullmatch(text)]
        if not alone:
            return self.spans(texts, UNPLANNED)
        numbers = self.known_numbers([texts[at] for at in alone])
        rest = list(texts)
        for at in alone:
            rest[at] = ""
        out = self.spans(rest, UNPLANNED)
        for at, number in zip(alone, numbers, strict=True):
            out[at] = number
        return out

    def subjects(self, keys: list[str]) -> list[str]:
        """Return the keys of customers with leaks replaced, the same key always by the same.

        A key that is one number and known to the vault, as a card, an ID or a mobile number, becomes its token, and so
        does an address; one that nobody knows stays, as order numbers do, because tables are joined by it.
        """
        mails = [at for at, key in enumerate(keys) if _ADDRESS.fullmatch(key)]
        fresh = self.unplanned(["" if _ADDRESS.fullmatch(key) else key for key in keys] if mails else keys)
        known = self._tokens_of(FieldClass.EMAIL, [keys[at] for at in mails]) if mails else []
        for at, token in zip(mails, known, strict=True):
            self._sealed[FieldClass.EMAIL] += token is not None
            fresh[at] = token or keys[at]
        left = [
            at for at, (old, new) in enumerate(zip(keys, fresh, strict=True)) if old == new and _NUMBER.fullmatch(new)
        ]
        for cls in (FieldClass.NATIONAL_ID, FieldClass.MOBILE):
            asked = [at for at in left if _fits(cls, fresh[at])]
            became = dict.fromkeys(fresh[at].strip() for at in asked)
            tokens = dict(zip(became, self._tokens_of(cls, [*became]), strict=True)) if became else {}
            for at in asked:
                token = tokens[fresh[at].strip()]
                self._sealed[cls] += token is not None
                fresh[at] = token or fresh[at]
        return fresh

    def known_numbers(self, numbers: list[str]) -> list[str]:
        """Return ``numbers`` with those that are cards known to the vault replaced by their tokens."""
        long = list(dict.fromkeys(number for number in numbers if len(number) >= _PAN_DIGITS_MIN))
        became = dict(zip(long, self._tokens_of(FieldClass.PAN, long), strict=True)) if long else {}
        out = [became.get(number) or number for number in numbers]
        self._sealed[FieldClass.PAN] += sum(1 for old, new in zip(numbers, out, strict=True) if old != new)
        return out

    def _replacements(
        self, classes: list[FieldClass], written: list[str], actions: Mapping[FieldClass, Action]
    ) -> list[str | None]:
        """Return per span, as it is written, its replacement; ``None`` to leave it."""
        out: list[str | None] = [None] * len(classes)
        for cls in set(classes):
            rows = [row for row, one in enumerate(classes) if one is cls]
            action = actions.get(cls, Action.KEEP)
            if action is Action.KEEP:
                continue
            if action is Action.PURGE:
                self._purged[cls] += len(rows)
                for row in rows:
                    out[row] = STARS
                continue
            distinct = list(dict.fromkeys(written[row] for row in rows))
            became = dict(zip(distinct, self._tokens_of(cls, distinct), strict=True))
            for row in rows:
                token = became[written[row]]
                self._sealed[cls] += token is not None
                self._unknown[cls] += token is None
                out[row] = STARS if token is None else token
        return out

    def _tokens_of(self, cls: FieldClass, distinct: list[str]) -> list[str | None]:
        """Return the token of each distinct spelling, separators kept; ``None`` for no value and unknown ones."""
        normal = normalise(cls, distinct)
        asked = list(dict.fromkeys(value for value in normal if value is not None))
        known = dict(zip(asked, self._tokens(cls, asked), strict=True)) if asked else {}
        tokens = [None if value is None else known[value] for value in normal]
        return tokens if cls is not FieldClass.PAN else _dressed(distinct, tokens)


def _fits(cls: FieldClass, key: str) -> bool:
    digits = sum(map(str.isdigit, key))
    return digits in (_ID_DIGITS if cls is FieldClass.NATIONAL_ID else _MOBILE_DIGITS)


def _dressed(spellings: list[str], tokens: list[str | None]) -> list[str | None]:
    """Return card tokens with the separators of what they stand for, except where a part would pass for a card then."""
    out = [None if new is None else dressed_as(old, new) for old, new in zip(spellings, tokens, strict=True)]
    parted = [at for at, (new, bare) in enumerate(zip(out, tokens, strict=True)) if new != bare]
    for text in set(located([out[at] or "" for at in parted]).text) if parted else ():
        out[parted[text]] = tokens[parted[text]]
    return out


def span_actions(fields: tuple[PlanField, ...], name: str) -> Mapping[FieldClass, Action]:
    """Return what happens to spans in column ``name``: what the plan says, and :data:`UNPLANNED` for the rest."""
    said = {one.cls: one.action for one in fields if one.name == name and one.extent is Extent.SPANS}
    return {**UNPLANNED, **said}


def whole_field(fields: tuple[PlanField, ...], name: str) -> PlanField | None:
    """Return the field that column ``name`` is as a whole, if it is one."""
    return next((one for one in fields if one.name == name and one.extent is Extent.CELL), None)


def _spliced(raw: bytes, begin: list[int], end: list[int], fresh: list[str | None]) -> bytes:
    parts: list[bytes] = []
    last = 0
    for start, stop, token in zip(begin, end, fresh, strict=True):
        if token is not None:
            parts += [raw[last:start], token.encode()]
            last = stop
    return b"".join(parts) + raw[last:]
