"""Records as the lines of a processor's file: one per card, and why the processor would refuse those it would.

1. a customer's cards are paired with as many expiry dates and scheme transaction ids, by place; with another number
   of them nothing is guessed: ``expiry_unpaired``, ``unpaired``;
2. an expiry date is read only if it can be read one way (MMYY and YYMM are not told apart when both make sense);
3. a value with a line break or a control character, one that is too long, or none where one is needed: refused, never
   mended; refused lines are not written and are listed by customer and place, without a value;
4. every cell is quoted as RFC 4180 says, lines end in CR LF, text is UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final

from tigertally.base.fields import BY_CODE, FieldClass
from tigertally.formats.part import PartColumns
from tigertally.handover.adapters.catalogue import Adapter, AdapterColumn

_SPELLED: Final = (
    (re.compile(r"(\d{1,2})\s*[/\-. ]\s*(\d{2}|\d{4})", re.ASCII), (1, 2)),
    (re.compile(r"(\d{4})\s*[/\-. ]\s*(\d{1,2})", re.ASCII), (2, 1)),
)
_YEARS: Final = 25
_UNCLEAN: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_OF_A_CARD: Final = frozenset({FieldClass.PAN, FieldClass.SCHEME_TXN_ID})
MONTHS: Final = 12
SHORT, LONG = 4, 6


@dataclass(slots=True, kw_only=True, repr=False)
class Lines:
    """What a part became: finished lines (UTF-8), refused ones as (subject, place of the card, reason), and wants."""

    lines: list[bytes] = field(default_factory=list)
    refused: list[tuple[str, int, str]] = field(default_factory=list)
    wanting: dict[str, int] = field(default_factory=dict)
    without_card: int = 0


def header(adapter: Adapter) -> bytes:
    """Return the first line."""
    return _line([column.name for column in adapter.columns])


def lines_of(adapter: Adapter, part: PartColumns, *, given: Mapping[str, str], now: datetime) -> Lines:
    """Return a part's cards as lines of ``adapter``'s file."""
    made = Lines()
    codes, values, tokens = list(part.code), list(part.value), list(part.token)
    starts = [*part.starts(), len(codes)]
    subjects = list(part.subject)
    for start, stop in pairwise(starts):
        held: dict[FieldClass, list[str]] = {}
        cards: list[str] = []
        for at in range(start, stop):
            cls = BY_CODE[codes[at]]
            held.setdefault(cls, []).append(values[at])
            if cls is FieldClass.PAN:
                cards.append(tokens[at])
        _customer(adapter, made, subjects[start], held, cards, given=given, now=now)
    return made


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Card:
    """One card of a customer: its place among them, its token, the customer's values, its expiry or what is wrong."""

    subject: str
    place: int
    token: str
    cards: int
    held: Mapping[FieldClass, list[str]]
    expiry: tuple[int, int] | str
    given: Mapping[str, str]

    def cell(self, column: AdapterColumn) -> str:
        """Return what stands in a column, "" for nothing."""
        kind, _, rest = column.value.partition(":")
        if kind == "exp":
            return "" if isinstance(self.expiry, str) else spelled(self.expiry, rest)
        fixed = {"subject": self.subject, "card": self.token, "empty": "", "const": rest, "given": self.given.get(rest)}
        if kind in fixed:
            return fixed[kind] or ""
        cls = FieldClass(kind)
        there = self.held.get(cls, [])
        if cls in _OF_A_CARD:
            return there[self.place] if len(there) == self.cards else ""
        return there[0] if there else ""


def _customer(
    adapter: Adapter,
    made: Lines,
    subject: str,
    held: Mapping[FieldClass, list[str]],
    cards: list[str],
    *,
    given: Mapping[str, str],
    now: datetime,
) -> None:
    made.without_card += not cards
    expiries = held.get(FieldClass.EXPIRY, [])
    for place, token in enumerate(cards):
        expiry: tuple[int, int] | str = "expiry_unpaired" if expiries else "expiry_missing"
        if len(expiries) == len(cards):
            expiry = expiry_of(expiries[place], now=now)
        card = _Card(subject=subject, place=place, token=token, cards=len(cards), held=held, expiry=expiry, given=given)
        cells = [card.cell(column) for column in adapter.columns]
        reasons = [_wrong(column, cell, expiry) for column, cell in zip(adapter.columns, cells, strict=True)]
        if reason := next(filter(None, reasons), ""):
            made.refused.append((subject, place, reason))
            continue
        made.lines.append(_line(cells))
        for column, cell in zip(adapter.columns, cells, strict=True):
            if column.wanted and not cell:
                made.wanting[column.name] = made.wanting.get(column.name, 0) + 1


def _wrong(column: AdapterColumn, cell: str, expiry: tuple[int, int] | str) -> str:
    """Return why the processor would refuse this cell, "" if it would not."""
    if not cell:
        if column.required and column.value.startswith("exp:") and isinstance(expiry, str):
            return expiry
        return f"missing:{column.name}" if column.required else ""
    if _UNCLEAN.search(cell):
        return f"control_character:{column.name}"
    if column.chars_max and len(cell) > column.chars_max:
        return f"too_long:{column.name}"
    if column.digits and len(cell) not in column.digits:
        return f"length:{column.name}"
    return ""


def expiry_of(text: str, *, now: datetime) -> tuple[int, int] | str:
    """Return (month, year) of an expiry date, or why it would be refused."""
    found: set[tuple[int, int]] = set()
    text = text.strip()
    for pattern, (month, year) in _SPELLED:
        if match := pattern.fullmatch(text):
            found.add((int(match[month]), _full(int(match[year]))))
    if text.isascii() and text.isdigit():
        if len(text) == SHORT:
            found |= {(int(text[:2]), _full(int(text[2:]))), (int(text[2:]), _full(int(text[:2])))}
        elif len(text) == LONG:
            found |= {(int(text[:2]), int(text[2:])), (int(text[4:]), int(text[:4]))}
    possible = {(month, year) for month, year in found if 1 <= month <= MONTHS and abs(year - now.year) <= _YEARS}
    if len(possible) != 1:
        return "expiry_ambiguous" if possible else "expiry_unreadable"
    ((month, year),) = possible
    return "expiry_past" if (year, month) < (now.year, now.month) else (month, year)


def spelled(expiry: tuple[int, int], form: str) -> str:
    """Return an expiry date in one of the catalogue's forms."""
    month, year = expiry
    return form.replace("YYYY", f"{year:04}").replace("YY", f"{year % 100:02}").replace("MM", f"{month:02}")


def _full(year: int) -> int:
    return year + 2000 if year < 100 else year  # noqa: PLR2004 - two digits


def _line(cells: list[str]) -> bytes:
    return (",".join(map(_quoted, cells)) + "\r\n").encode()


def _quoted(cell: str) -> str:
    if any(sign in cell for sign in ',"\r\n') or cell != cell.strip():
        return '"' + cell.replace('"', '""') + '"'
    return cell
