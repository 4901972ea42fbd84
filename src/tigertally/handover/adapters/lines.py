"""Records as the lines of a processor's file: one per card, and why the processor would refuse those it would.

1. a customer's cards are paired with as many expiry dates and scheme transaction ids, by place; with another number
   of them nothing is guessed: ``expiry_unpaired``, ``unpaired``;
2. an expiry date is read only if it can be read one way (MMYY and YYMM are not told apart when both make sense);
3. a value with a line break or a control character, one that is too long, or none where one is needed: refused, never
   mended; refused lines are not written and are listed by customer and place, without a value;
4. every cell is quoted as RFC 4180 says, lines end in CR LF, text is UTF-8.

A part is spelled column by column: a million cards cost no Python object each. Each distinct expiry date is read once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.formats.part import PartColumns
from tigertally.handover.adapters.catalogue import Adapter, AdapterColumn

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

_SPELLED: Final = (
    (re.compile(r"(\d{1,2})\s*[/\-. ]\s*(\d{2}|\d{4})", re.ASCII), (1, 2)),
    (re.compile(r"(\d{4})\s*[/\-. ]\s*(\d{1,2})", re.ASCII), (2, 1)),
)
_YEARS: Final = 25
_UNCLEAN: Final = r"[\x00-\x1f\x7f\x{85}\x{2028}\x{2029}]"
_QUOTED: Final = r'[,"]|^\p{Zs}|\p{Zs}$'
_OF_A_CARD: Final = frozenset({FieldClass.PAN, FieldClass.SCHEME_TXN_ID})
MONTHS: Final = 12
SHORT, LONG = 4, 6


@dataclass(slots=True, kw_only=True, repr=False)
class Lines:
    """What a part became: finished lines (UTF-8), one after the other in ``body``; ``ends``, shape (n,), in bytes.

    Refused ones are (subject, place of the card, reason); ``wanting`` counts empty cells that ought not to be.
    """

    body: bytes = b""
    ends: npt.NDArray[np.int64]
    refused: list[tuple[str, int, str]] = field(default_factory=list)
    wanting: Counter[str] = field(default_factory=Counter)
    without_card: int = 0


def header(adapter: Adapter) -> bytes:
    """Return the first line."""
    return (",".join(column.name for column in adapter.columns) + "\r\n").encode()


def lines_of(adapter: Adapter, part: PartColumns, *, given: Mapping[str, str], now: datetime) -> Lines:
    """Return a part's cards as lines of ``adapter``'s file."""
    import numpy as np  # noqa: PLC0415 - see formats.part: loaded by those who move records
    import pyarrow as pa  # noqa: PLC0415

    cards = _Cards(part, given=given, now=now)
    cells = [cards.cells(column) for column in adapter.columns]
    wrong = _Wrong(cards)
    for column, found in zip(adapter.columns, cells, strict=True):
        wrong.look(column, found)
    good = pa.array(wrong.why < 0)
    kept = [found.filter(good) for found in cells]
    lines = _joined(_joined(*map(_quoted, kept), by=","), "\r\n")
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, np.int64)[lines.offset : lines.offset + len(lines) + 1]
    wanting = {
        column.name: empty
        for column, found in zip(adapter.columns, kept, strict=True)
        if column.wanted and (empty := int(np.count_nonzero(_lengths(found) == 0)))
    }
    bad = np.flatnonzero(wrong.why >= 0)
    subjects = cards.subject.take(pa.array(bad)).to_pylist()
    reasons = [wrong.reasons[why] for why in wrong.why[bad]]
    return Lines(
        body=data.to_pybytes()[ends[0] : ends[-1]] if data is not None else b"",
        ends=ends[1:] - ends[0],
        refused=list(zip(subjects, cards.place[bad].tolist(), reasons, strict=True)),
        wanting=Counter(wanting),
        without_card=cards.without,
    )


class _Cards:
    """The cards of a part, by column: ``subject`` and ``place`` among the customer's, from 0; what an expiry date says.

    ``expiry_why`` is the index in ``expiry_reasons`` of what is wrong with each card's expiry date, -1 if nothing is.
    """

    def __init__(self, part: PartColumns, *, given: Mapping[str, str], now: datetime) -> None:
        import numpy as np  # noqa: PLC0415
        import pyarrow as pa  # noqa: PLC0415

        self.given = given
        self.codes = part.numbers("code")
        self.value = part.arrow("value").cast(pa.large_string())
        first = np.zeros(len(self.codes), np.int64)
        first[part.starts()] = 1
        self.owner = np.cumsum(first) - 1
        self.customers = int(first.sum())
        self.rows, self.count, self.begin = self._held(FieldClass.PAN)
        self.mine = self.owner[self.rows]
        self.place = np.arange(len(self.rows)) - self.begin[self.mine]
        self.without = int(np.count_nonzero(self.count == 0))
        at = pa.array(self.rows)
        self.subject = part.arrow("subject").cast(pa.large_string()).take(at)
        self.token = part.arrow("token").cast(pa.large_string()).take(at)
        self._read_expiry(now)

    def cells(self, column: AdapterColumn) -> pa.Array[Any]:
        """Return what stands in a column, "" for nothing: large strings, shape (cards,)."""
        import pyarrow as pa  # noqa: PLC0415

        kind, _, rest = column.value.partition(":")
        if kind == "exp":
            told = ["" if isinstance(one, str) else spelled(one, rest) for one in self.expiry_read]
            return _filled(pa.array(told, pa.large_string()).take(self.expiry_at))
        if kind == "subject":
            return self.subject
        if kind == "card":
            return self.token
        fixed = {"empty": "", "const": rest, "given": self.given.get(rest, "")}
        if kind in fixed:
            return pa.repeat(_text(fixed[kind]), len(self.rows))
        cls = FieldClass(kind)
        return _filled(self.value.take(self._at(cls, paired=cls in _OF_A_CARD)))

    def _held(self, cls: FieldClass) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return a class's rows, how many of them each customer has, and where in them each customer's begin."""
        import numpy as np  # noqa: PLC0415

        rows = np.flatnonzero(self.codes == FIELD_RULES[cls].code)
        count = np.bincount(self.owner[rows], minlength=self.customers)
        return rows, count, np.cumsum(count) - count

    def _at(self, cls: FieldClass, *, paired: bool) -> pa.Array[Any]:
        """Return the row of each card's value of a class, null for none: its own, or unpaired the customer's first."""
        import numpy as np  # noqa: PLC0415
        import pyarrow as pa  # noqa: PLC0415

        rows, count, begin = self._held(cls)
        mine = count[self.mine]
        there = (mine == self.count[self.mine]) if paired else mine > 0
        at = begin[self.mine] + (self.place if paired else 0)
        return pa.array(rows[np.where(there, at, 0)] if len(rows) else np.zeros(len(there), np.int64), mask=~there)

    def _read_expiry(self, now: datetime) -> None:
        import numpy as np  # noqa: PLC0415
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.compute as pc  # noqa: PLC0415

        _, count, _ = self._held(FieldClass.EXPIRY)
        found = self.value.take(self._at(FieldClass.EXPIRY, paired=True)).dictionary_encode()
        self.expiry_at = found.indices
        self.expiry_read = [expiry_of(text, now=now) for text in found.dictionary.to_pylist()]
        self.expiry_reasons = [*(one if isinstance(one, str) else "" for one in self.expiry_read), "", ""]
        self.expiry_reasons[-2:] = ["expiry_missing", "expiry_unpaired"]
        missing, unpaired = len(self.expiry_read), len(self.expiry_read) + 1
        none = np.where(count[self.mine] == 0, missing, unpaired)
        at = pc.fill_null(found.indices.cast(pa.int64()), pa.scalar(-1, pa.int64())).to_numpy(zero_copy_only=False)
        self.expiry_why = np.where(at < 0, none, at)


class _Wrong:
    """Why the processor would refuse each card's line: ``why`` is an index in ``reasons``, -1 if it would not.

    The first column that is wrong gives the reason.
    """

    def __init__(self, cards: _Cards) -> None:
        import numpy as np  # noqa: PLC0415

        self.cards = cards
        self.why = np.full(len(cards.rows), -1, np.int64)
        self.reasons = list(cards.expiry_reasons)

    def look(self, column: AdapterColumn, cells: pa.Array[Any]) -> None:
        """Look at one column's cells."""
        import numpy as np  # noqa: PLC0415
        import pyarrow.compute as pc  # noqa: PLC0415

        empty = _lengths(cells) == 0
        if column.required:
            if column.value.startswith("exp:"):
                self._say(empty, self.cards.expiry_why)
            self._say(empty, f"missing:{column.name}")
        unclean = pc.match_substring_regex(cells, _UNCLEAN).to_numpy(zero_copy_only=False)
        self._say(unclean, f"control_character:{column.name}")
        if column.chars_max or column.digits:
            chars = pc.utf8_length(cells).to_numpy(zero_copy_only=False)
            if column.chars_max:
                self._say(chars > column.chars_max, f"too_long:{column.name}")
            if column.digits:
                self._say(~empty & ~np.isin(chars, column.digits), f"length:{column.name}")

    def _say(self, where: npt.NDArray[np.bool_], reason: str | npt.NDArray[np.int64]) -> None:
        new = where & (self.why < 0)
        if isinstance(reason, str):
            if new.any():
                self.why[new] = len(self.reasons)
                self.reasons.append(reason)
        else:
            self.why[new] = reason[new]


def _filled(cells: pa.Array[Any]) -> pa.Array[Any]:
    import pyarrow.compute as pc  # noqa: PLC0415

    return pc.fill_null(cells, _text("")) if cells.null_count else cells


def _text(value: str) -> pa.Scalar[Any]:
    import pyarrow as pa  # noqa: PLC0415

    return pa.scalar(value, pa.large_string())


def _joined(*cells: pa.Array[Any] | str, by: str = "") -> pa.Array[Any]:
    import pyarrow.compute as pc  # noqa: PLC0415

    parts = [_text(one) if isinstance(one, str) else one for one in cells]
    return pc.binary_join_element_wise(*parts, _text(by))


def _lengths(cells: pa.Array[Any]) -> npt.NDArray[np.int64]:
    import pyarrow.compute as pc  # noqa: PLC0415

    found: npt.NDArray[np.int64] = pc.binary_length(cells).to_numpy(zero_copy_only=False)
    return found


def _quoted(cells: pa.Array[Any]) -> pa.Array[Any]:
    """Return cells as they stand in a line. None holds a line break: such lines are refused."""
    import pyarrow.compute as pc  # noqa: PLC0415

    needed = pc.match_substring_regex(cells, _QUOTED)
    if not pc.any(needed).as_py():
        return cells
    spelt = _joined('"', pc.replace_substring(cells, '"', '""'), '"')
    return pc.if_else(needed, spelt, cells)


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
