"""What a column is: header words, and the share of its cells that validate.

A table's columns arrive in Arrow batches. Numbers (card, ID, mobile, IBAN) are found by the core in whole
cells; the share of cells, and the share of look-alikes that pass the check, decide. Shapes (names,
hashes, e-mail, dates) are counted by Arrow's expressions, tried on a sample of each batch first. Cells
that merely contain a number go to :class:`TextEvidence`, as text would.

Rules for whole cells of a card or ID (n look-alikes: passes and misses):
1. eight or more look-alikes at chance level: possible (likely under a header that speaks for the class);
2. eight or more that mostly pass: certain; under a header of another number likely; Luhn by design: possible;
3. fewer: certain under a header that speaks for it and strict evidence, likely if strict, else possible;
4. a class that fits under a tenth of the non-empty cells without header or pass rate is possible.
CVV, PIN, loose expiry dates and clear passwords need their header. A CVV column is certain when the table
holds cards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tigertally.base.fields import BY_CODE, FieldClass
from tigertally.discovery import core, shapes
from tigertally.discovery.counting import Tally, mixed
from tigertally.discovery.encodings import FULL_WIDTH, fold_text
from tigertally.discovery.evidence import TextEvidence, base_reasons, chance_level, crowd_proof, test_numbers
from tigertally.discovery.hits import (
    ALSO,
    CELL_BYTES_MAX,
    FULL,
    IBAN,
    ID_15,
    MISS_ID,
    MISS_PAN,
    MOBILE,
    NATIONAL_ID,
    PAN,
    STRICT,
    TRACK,
    Hits,
)
from tigertally.discovery.inventory import Confidence, Evidence, Finding, Place, PlaceKind, Reason
from tigertally.discovery.labels import Meaning, meaning
from tigertally.discovery.spans import found, normal, settle

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_SAMPLE_CELLS: Final = 256
_SHARE_MIN: Final = 0.5
_SHARE_TRACE: Final = 0.02
_CROWD_MIN: Final = 8
_NUMBERS: Final = (PAN, NATIONAL_ID, ID_15, MOBILE, IBAN, TRACK)
_MISS_OF: Final = {PAN: MISS_PAN, NATIONAL_ID: MISS_ID}


def folded(column: pa.Array) -> pa.Array:
    """Return a large_string array with full-width digits as ASCII."""
    data = column.buffers()[2]
    if data is None or not any(lead in memoryview(data).tobytes() for lead in FULL_WIDTH):
        return column
    return cells_of([None if value is None else fold_text(value) for value in column.to_pylist()])


def cells_of(values: list[str | None]) -> pa.Array:
    """Return text cells as an Arrow array; characters that UTF-8 cannot write are replaced."""
    try:
        return pa.array(values, pa.large_string())
    except (pa.ArrowInvalid, UnicodeEncodeError):
        cleaned = [None if value is None else value.encode("utf-8", "replace").decode() for value in values]
        return pa.array(cleaned, pa.large_string())


@dataclass(slots=True, kw_only=True)
class _Shape:
    cls: FieldClass
    name: str
    pattern: str
    gate: Callable[[str], bool]
    tally: Tally = field(default_factory=Tally)


class ColumnEvidence:
    """Collects one column batch by batch; :meth:`finish` ends in findings."""

    def __init__(self, *, header: str | None, place: Place, key: int) -> None:
        self.place = place
        self.header = header or ""
        self.means = meaning(header) if header else Meaning(field=None)
        self.cells = 0
        self._key = key
        self._numbers: dict[int, Tally] = {}
        self._strict: dict[int, int] = {}
        self._misses = {PAN: 0, NATIONAL_ID: 0}
        self._also = 0
        self._text: TextEvidence | None = None
        self._damaged = Tally()
        self._damaged_cards = 0
        wanted = [*shapes.ALWAYS, *(shape for shape in shapes.BY_HEADER if shape.cls is self.means.field)]
        self._shapes = [
            _Shape(cls=shape.cls, name=shape.name, pattern=shape.pattern, gate=shape.gate) for shape in wanted
        ]
        self._clear = Tally()

    def add(self, column: pa.Array) -> None:
        """Add one batch: a large_string array without full-width digits."""
        data, offsets = _buffers(column)
        sizes = np.diff(offsets)
        filled = int((sizes > 0).sum())
        if not filled:
            return
        self.cells += filled
        self._add_numbers(data, offsets, sizes)
        self._add_shapes(column, sizes)

    def holds_cards(self) -> bool:
        """Whether this column looks like one of cards (asked by its neighbours)."""
        cards = self._numbers.get(PAN)
        return cards is not None and cards.count >= _SHARE_MIN * (cards.count + self._misses[PAN]) and (
            cards.count >= _SHARE_MIN * self.cells or self.means.field is FieldClass.PAN
        )

    def finish(self, *, name: str, beside_cards: bool) -> list[Finding]:
        """Return the findings of the column. ``beside_cards``: another column of the table holds cards."""
        findings: list[Finding] = []
        damaged = self._damaged_findings(name)
        for kind, tally in self._numbers.items():
            if self._by_chance(kind, tally) or (kind == PAN and damaged):
                continue
            tier, why = self._judge(kind, tally)
            findings.append(self._finding(name, BY_CODE[NATIONAL_ID if kind == ID_15 else kind], tier, tally, why))
        if self._text is not None:
            findings += self._text.finish(name=name, place=self.place, cells=self.cells)
        findings += self._shape_findings(name, beside_cards=beside_cards)
        return findings + damaged

    def _by_chance(self, kind: int, tally: Tally) -> bool:
        """15-digit IDs have no check digit: without header or share, one number in a hundred looks like one."""
        return kind == ID_15 and self.means.field is not FieldClass.NATIONAL_ID and tally.count < 0.1 * self.cells  # noqa: PLR2004

    def _add_numbers(self, data: memoryview, offsets: Int64s, sizes: Int64s) -> None:
        hits = core.scan_cells(data, offsets)
        long = np.flatnonzero(sizes > CELL_BYTES_MAX)
        partial = ~np.isin(hits.kind, (MISS_PAN, MISS_ID)) & ((hits.flags & FULL) == 0)
        rows = np.union1d(hits.row[partial], long)
        whole = hits.where(((hits.flags & FULL) > 0) & ~np.isin(hits.row, rows))
        for kind in _NUMBERS:
            chosen = whole.where(whole.kind == kind)
            if len(chosen):
                self._count(kind, chosen, data)
        for kind, miss in _MISS_OF.items():
            self._misses[kind] += int((whole.kind == miss).sum())
        if len(rows):
            text = b"\n".join(bytes(data[offsets[row] : offsets[row + 1]]) for row in rows.tolist())
            if self._text is None:
                self._text = TextEvidence(key=self._key)
            raw = found(text)
            misses = raw.where(np.isin(raw.kind, (MISS_PAN, MISS_ID)))
            self._text.add(text, settle(raw))
            self._text.add(text, misses)

    def _count(self, kind: int, hits: Hits, data: memoryview) -> None:
        tally = self._numbers.setdefault(kind, Tally())
        tally.count += len(hits)
        tally.distinct.add(mixed(hits.value, self._key))
        self._strict[kind] = self._strict.get(kind, 0) + int(((hits.flags & STRICT) > 0).sum())
        if kind == PAN:
            tally.tests += test_numbers(hits)
        if kind == NATIONAL_ID:
            self._also += int(((hits.flags & ALSO) > 0).sum())
        if len(tally.examples) < 3:  # noqa: PLR2004
            cls = BY_CODE[NATIONAL_ID if kind == ID_15 else kind]
            for start, stop in zip(hits.start[:3].tolist(), hits.stop[:3].tolist(), strict=True):
                tally.show(cls, normal(bytes(data[start:stop]), kind))

    def _add_shapes(self, column: pa.Array, sizes: Int64s) -> None:
        filled = np.flatnonzero(sizes > 0)
        step = max(len(filled) // _SAMPLE_CELLS, 1)
        sample = column.take(pa.array(filled[::step][:_SAMPLE_CELLS]))
        texts = sample.to_pylist()
        open_ = {gate: sum(map(gate, texts)) >= _SHARE_TRACE * len(texts) for gate in {one.gate for one in self._shapes}}
        for shape in self._shapes:
            if open_[shape.gate] and _matches(sample, shape.pattern).mean() >= _SHARE_TRACE:
                self._tally(shape.tally, shape.cls, column, _matches(column, shape.pattern))
        if self.means.field is FieldClass.PASSWORD:
            hashed = np.zeros(len(column), np.bool_)
            for form in shapes.HASH_FORMS:
                hashed |= _matches(column, form.pattern)
            clear = (sizes > 0) & ~hashed & ~_matches(column, shapes.NOT_PASSWORD)
            self._tally(self._clear, FieldClass.PASSWORD, column, clear)
        long = sum(map(shapes.may_be_damaged, texts)) >= _SHARE_MIN * len(texts)
        if long and not self.means.against and _matches(sample, shapes.DAMAGED).mean() >= _SHARE_MIN:
            damaged = _matches(column, shapes.DAMAGED)
            self._tally(self._damaged, FieldClass.PAN, column, damaged)
            self._damaged_cards += int((damaged & _matches(column, shapes.DAMAGED_CARD)).sum())

    def _tally(self, tally: Tally, cls: FieldClass, column: pa.Array, chosen: Bools) -> None:
        count = int(chosen.sum())
        if not count:
            return
        tally.count += count
        kept = column.filter(pa.array(chosen))
        data, offsets = _buffers(kept)
        tally.distinct.add(core.digest_cells(data, offsets, key=self._key))
        for value in kept[:3].to_pylist():
            tally.show(cls, value)

    def _judge(self, kind: int, tally: Tally) -> tuple[Confidence, list[Reason]]:
        strict = 2 * self._strict.get(kind, 0) > tally.count
        why = base_reasons(kind, STRICT if strict else 0)
        for_it = self.means.field is BY_CODE[NATIONAL_ID if kind == ID_15 else kind]
        why += self._header_reason(for_it=for_it)
        why.append(Reason(evidence=Evidence.SHARE, number=round(100 * tally.count / max(self.cells, 1))))
        if kind == NATIONAL_ID and self._also:
            why.append(Reason(evidence=Evidence.ALSO_CARD, number=self._also))
        share = tally.count / max(self.cells, 1)
        if kind in _MISS_OF:
            return self._judge_checked(kind, tally, why, for_it=for_it, strict=strict, share=share), why
        if kind == IBAN or kind == TRACK:
            return Confidence.CERTAIN, why
        if kind == ID_15:
            return (Confidence.CERTAIN if for_it and share >= _SHARE_MIN else Confidence.LIKELY if for_it else Confidence.POSSIBLE), why
        if for_it:
            return Confidence.CERTAIN, why
        other = self.means.against or self.means.field is not None
        return (Confidence.LIKELY if share >= 0.8 and strict and not other else Confidence.POSSIBLE), why  # noqa: PLR2004

    def _judge_checked(
        self, kind: int, tally: Tally, why: list[Reason], *, for_it: bool, strict: bool, share: float
    ) -> Confidence:
        misses = self._misses[kind]
        total = tally.count + misses
        rate = round(100 * tally.count / total)
        if kind == PAN and self.means.luhn_by_design:
            return Confidence.POSSIBLE
        if total >= _CROWD_MIN and chance_level(tally.count, max(misses, 10 - tally.count)):  # 1
            why.append(Reason(evidence=Evidence.CHANCE, number=rate))
            return Confidence.LIKELY if for_it else Confidence.POSSIBLE
        if total >= _CROWD_MIN and crowd_proof(tally.count, misses):  # 2
            why.append(Reason(evidence=Evidence.PASS_RATE, number=rate))
            return Confidence.LIKELY if self.means.against and kind == PAN else Confidence.CERTAIN
        if share < 0.1 and not for_it:  # 4  # noqa: PLR2004
            return Confidence.POSSIBLE
        if for_it and strict:  # 3
            return Confidence.CERTAIN
        if self.means.against:
            return Confidence.POSSIBLE
        return Confidence.LIKELY if strict or for_it else Confidence.POSSIBLE

    def _header_reason(self, *, for_it: bool) -> list[Reason]:
        if for_it:
            return [Reason(evidence=Evidence.HEADER, word=self.place.name)]
        return [Reason(evidence=Evidence.AGAINST, word=self.place.name)] if self.means.against else []

    def _shape_findings(self, name: str, *, beside_cards: bool) -> list[Finding]:
        findings: list[Finding] = []
        hashes = [shape for shape in self._shapes if shape.cls is FieldClass.PASSWORD_HASH and shape.tally.count]
        for shape in self._shapes:
            if shape.cls is FieldClass.PASSWORD_HASH or not shape.tally.count:
                continue
            tier = self._shape_tier(shape, beside_cards=beside_cards)
            if tier is not None:
                findings.append(self._shape_finding(name, shape.cls, tier, shape.tally, beside=beside_cards))
        findings += self._hash_findings(name, hashes)
        if self._clear.count and self._clear.count + sum(shape.tally.count for shape in hashes) >= _SHARE_MIN * self.cells:
            few = self._clear.count < 0.05 * self.cells  # noqa: PLR2004 - strays among hashes
            tier = Confidence.POSSIBLE if few else Confidence.CERTAIN
            findings.append(self._shape_finding(name, FieldClass.PASSWORD, tier, self._clear, detail="clear"))
        return findings

    def _hash_findings(self, name: str, hashes: list[_Shape]) -> list[Finding]:
        total = sum(shape.tally.count for shape in hashes)
        findings: list[Finding] = []
        for shape in hashes:
            for_it = self.means.field is FieldClass.PASSWORD
            if shape.name in shapes.NAMED_FORMS:
                tier = Confidence.CERTAIN
            elif for_it and total >= _SHARE_MIN * self.cells:
                tier = Confidence.CERTAIN
            elif for_it:
                tier = Confidence.LIKELY
            else:  # hexadecimal text that nobody calls a password: a checksum, an id
                continue
            why = [Reason(evidence=Evidence.HASH, word=shape.name)]
            findings.append(self._shape_finding(name, FieldClass.PASSWORD_HASH, tier, shape.tally, why, detail=shape.name))
        return findings

    def _shape_tier(self, shape: _Shape, *, beside_cards: bool) -> Confidence | None:
        share = shape.tally.count / max(self.cells, 1)
        for_it = self.means.field is shape.cls
        if shape.cls is FieldClass.EMAIL:
            return Confidence.CERTAIN if share >= _SHARE_MIN else None
        if share < _SHARE_MIN:
            return None
        if shape.cls is FieldClass.NAME:
            return self._name_tier(shape, share, for_it=for_it)
        if shape.cls is FieldClass.EXPIRY and shape.name == "slashed":
            if for_it:
                return None  # the wider shape counts it
            return Confidence.LIKELY if beside_cards and share >= 0.9 and self.means == Meaning(field=None) else None  # noqa: PLR2004
        if shape.cls is FieldClass.EXPIRY:
            return Confidence.CERTAIN if beside_cards else Confidence.LIKELY
        return Confidence.CERTAIN if beside_cards else Confidence.LIKELY  # CVV, PIN: only under their header

    def _name_tier(self, shape: _Shape, share: float, *, for_it: bool) -> Confidence | None:
        if for_it:
            return Confidence.CERTAIN
        if self.means.against or self.means.field is not None or shape.name == "latin":
            return None
        varied = shape.tally.distinct.count() >= max(5, min(shape.tally.count // 50, 50))
        return Confidence.LIKELY if share >= 0.7 and varied and self.cells >= 10 else None  # noqa: PLR2004

    def _damaged_findings(self, name: str) -> list[Finding]:
        tally = self._damaged
        if tally.count < max(5, 0.9 * self.cells):
            return []
        tally.examples.clear()  # the last digits are zeros that nobody wrote
        for_it = self.means.field is FieldClass.PAN
        if not for_it and self._damaged_cards < 0.9 * tally.count:  # noqa: PLR2004
            return []
        why = [Reason(evidence=Evidence.DAMAGED), *self._header_reason(for_it=for_it)]
        tier = Confidence.LIKELY if for_it else Confidence.POSSIBLE
        return [self._finding(name, FieldClass.PAN, tier, tally, why, detail="damaged")]

    def _shape_finding(
        self,
        name: str,
        cls: FieldClass,
        tier: Confidence,
        tally: Tally,
        why: list[Reason] | None = None,
        *,
        beside: bool = False,
        detail: str = "",
    ) -> Finding:
        for_it = self.means.field is cls or (cls is FieldClass.PASSWORD_HASH and self.means.field is FieldClass.PASSWORD)
        reasons = [*(why or [Reason(evidence=Evidence.SHAPE)]), *self._header_reason(for_it=for_it)]
        reasons.append(Reason(evidence=Evidence.SHARE, number=round(100 * tally.count / max(self.cells, 1))))
        if beside and cls in (FieldClass.CVV, FieldClass.EXPIRY, FieldClass.PIN):
            reasons.append(Reason(evidence=Evidence.BESIDE_CARD))
        return self._finding(name, cls, tier, tally, reasons, detail=detail)

    def _finding(
        self, name: str, cls: FieldClass, tier: Confidence, tally: Tally, why: list[Reason], *, detail: str = ""
    ) -> Finding:
        extra = [Reason(evidence=Evidence.TEST_NUMBERS, number=tally.tests)] if tally.tests else []
        distinct = tally.distinct.count()
        if tally.distinct.estimated:
            extra.append(Reason(evidence=Evidence.ESTIMATED))
        return Finding(
            object=name,
            place=self.place,
            field=cls,
            tier=tier,
            count=tally.count,
            distinct=distinct,
            cells=self.cells,
            examples=tuple(tally.examples),
            reasons=(*why, *extra),
            detail=detail,
        )


class TableEvidence:
    """The columns of one table, sheet or file of records, which are judged together."""

    def __init__(self, *, kind: PlaceKind, table: str | None, names: tuple[str, ...], headers: list[str | None], key: int) -> None:
        self.columns = [
            ColumnEvidence(header=header, place=Place(kind=kind, table=table, name=name), key=key)
            for name, header in zip(names, headers, strict=True)
        ]

    def add(self, columns: list[pa.Array]) -> None:
        """Add one batch, an array for each column."""
        for evidence, column in zip(self.columns, columns, strict=True):
            evidence.add(column)

    def finish(self, name: str) -> list[Finding]:
        """Return the findings of all columns."""
        return finish_columns(self.columns, name)


def finish_columns(columns: list[ColumnEvidence], name: str) -> list[Finding]:
    """Return the findings of columns that belong together."""
    cards = any(column.holds_cards() for column in columns)
    return [finding for column in columns for finding in column.finish(name=name, beside_cards=cards)]


def _buffers(column: pa.Array) -> tuple[memoryview, Int64s]:
    """Return data and offsets of a large_string array; cells that are null have no bytes."""
    _, offsets, data = column.buffers()
    if len(column) == 0 or offsets is None:
        return memoryview(b""), np.zeros(1, np.int64)
    bounds = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    if column.null_count:
        column = column.fill_null("")
        return _buffers(column)
    return memoryview(data) if data is not None else memoryview(b""), np.ascontiguousarray(bounds)


def _matches(column: pa.Array, pattern: str) -> Bools:
    matched = pc.match_substring_regex(column, pattern)
    return np.asarray(pc.fill_null(matched, fill_value=False).to_numpy(zero_copy_only=False), np.bool_)
