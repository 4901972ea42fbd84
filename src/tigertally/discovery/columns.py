"""Columns: counts in each what validates and what it looks like, batch by batch; ``verdicts`` judges them.

A table's columns arrive as Arrow batches of text. Numbers (card, ID, mobile, IBAN) that fill a cell are found
by the core and counted with their look-alikes. Shapes (names, hashes, e-mail, dates) are counted by Arrow's
expressions, for which a sample of each batch opens the gate. Cells that merely contain a number go to
:class:`TextEvidence`, as text would. One column's memory is its tallies and one batch.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tigertally.base.fields import BY_CODE, FieldClass
from tigertally.discovery import core, shapes
from tigertally.discovery.counting import EXACT_MAX, EXAMPLES_MAX, Tally, mixed
from tigertally.discovery.detectors import active
from tigertally.discovery.evidence import TextEvidence, test_numbers
from tigertally.discovery.fingerprints import code_of, fingerprints_in_use, has_fingerprint, is_number
from tigertally.discovery.folding import fold_text
from tigertally.discovery.hits import (
    ALSO,
    CELL_BYTES_MAX,
    EMAIL,
    FULL,
    IBAN,
    ID_15,
    LANDLINE,
    MISS_ID,
    MISS_PAN,
    MOBILE,
    NATIONAL_ID,
    PAN,
    STRICT,
    TRACK,
    USCC,
    Hits,
)
from tigertally.discovery.inventory import Finding, Place, PlaceKind
from tigertally.discovery.labels import Meaning, meaning
from tigertally.discovery.spans import found, normal, settle
from tigertally.discovery.verdicts import SHARE_MIN, ColumnFacts, ShapeCount, column_findings, holds_cards

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_SAMPLE_CELLS: Final = 256
_SHARE_TRACE: Final = 0.02
_NUMBERS: Final = (PAN, NATIONAL_ID, ID_15, MOBILE, LANDLINE, IBAN, USCC, TRACK)
_MISS_OF: Final = {PAN: MISS_PAN, NATIONAL_ID: MISS_ID}


def folded(column: pa.Array) -> pa.Array:
    """Return a large_string array with full-width digits as ASCII."""
    data = column.buffers()[2]
    if data is None:
        return column
    raw = memoryview(data).tobytes()
    if core.ascii_digits(raw) is raw:
        return column
    return cells_of([None if value is None else fold_text(value) for value in column.to_pylist()])


def cells_of(values: list[str | None]) -> pa.Array:
    """Return text cells as a large_string array; characters that UTF-8 cannot write are replaced."""
    try:
        return pa.array(values, pa.large_string())
    except (pa.ArrowInvalid, UnicodeEncodeError):
        cleaned = [None if value is None else value.encode("utf-8", "replace").decode() for value in values]
        return pa.array(cleaned, pa.large_string())


class ColumnEvidence:
    """Collects one column batch by batch; :meth:`finish` ends in findings."""

    def __init__(self, *, header: str | None, place: Place, key: int) -> None:
        means = meaning(header) if header else Meaning(field=None)
        self.facts = ColumnFacts(place=place, means=means, key=key)
        self._key = key
        self._text: TextEvidence | None = None
        wanted = [*shapes.ALWAYS, *(shape for shape in shapes.BY_HEADER if shape.cls is self.facts.means.field)]
        self.facts.shapes = [
            ShapeCount(cls=shape.cls, name=shape.name, pattern=shape.pattern, gate=shape.gate) for shape in wanted
        ]
        self.facts.shapes += [
            ShapeCount(cls=one.cls, name=one.name, pattern=one.column.shape, gate=shapes.always, detector=one)
            for one in active().all
            if one.column is not None and one.column.under(header or "")
        ]

    def add(self, column: pa.Array) -> None:
        """Add one batch: a large_string array without full-width digits."""
        data, offsets = _buffers(column)
        sizes = np.diff(offsets)
        filled = int((sizes > 0).sum())
        if filled:
            self.facts.cells += filled
            self._add_numbers(data, offsets, sizes)
            self._add_shapes(column, sizes)

    def finish(self, *, name: str, beside_cards: bool) -> list[Finding]:
        """Return the findings of the column. ``beside_cards``: another column of the table holds cards."""
        findings = column_findings(self.facts, name=name, beside_cards=beside_cards)
        if self._text is not None:
            findings += self._text.finish(name=name, place=self.facts.place, cells=self.facts.cells)
        return findings

    def _add_numbers(self, data: memoryview, offsets: Int64s, sizes: Int64s) -> None:
        hits = core.scan_cells(data, offsets)
        full = (hits.flags & FULL) > 0
        partial = hits.row[~np.isin(hits.kind, (MISS_PAN, MISS_ID)) & ~full]
        rows = np.union1d(partial, np.flatnonzero(sizes > CELL_BYTES_MAX))
        rows = np.union1d(rows, _with_words(data, offsets))
        whole = hits.where(full & ~np.isin(hits.row, rows))
        for kind in _NUMBERS:
            chosen = whole.where(whole.kind == kind)
            if len(chosen):
                self._count(kind, chosen, data)
        for kind, miss in _MISS_OF.items():
            self.facts.misses[kind] += int((whole.kind == miss).sum())
        if len(rows):
            self._add_text(b"\n".join(bytes(data[offsets[row] : offsets[row + 1]]) for row in rows.tolist()))

    def _add_text(self, text: bytes) -> None:
        if self._text is None:
            self._text = TextEvidence(key=self._key)
        raw = found(text)
        # What is all of its cell was counted as a cell; the rest is judged as text.
        settled = settle(raw)
        inside = np.array([text[at - 1 : at] in (b"", b"\n") for at in settled.start.tolist()], np.bool_)
        inside &= np.array([text[at : at + 1] in (b"", b"\n") for at in settled.stop.tolist()], np.bool_)
        self._text.add(text, settled.where(~(inside & ((settled.row > 0) | (settled.kind == EMAIL)))))
        self._text.add(text, raw.where(np.isin(raw.kind, (MISS_PAN, MISS_ID))))

    def _count(self, kind: int, hits: Hits, data: memoryview) -> None:
        facts = self.facts
        tally = facts.numbers.setdefault(kind, Tally())
        tally.count += len(hits)
        tally.distinct.add(mixed(hits.value, self._key))
        facts.strict[kind] = facts.strict.get(kind, 0) + int(((hits.flags & STRICT) > 0).sum())
        if kind == PAN:
            tally.tests += test_numbers(hits)
        if kind == NATIONAL_ID:
            facts.also_cards += int(((hits.flags & ALSO) > 0).sum())
        under = fingerprints_in_use()
        if under is not None and not is_number(kind) and has_fingerprint(kind) and len(tally.prints) < EXACT_MAX:
            ends = zip(hits.start.tolist(), hits.stop.tolist(), strict=True)
            values = {normal(bytes(data[start:stop]), kind) for start, stop in ends}
            tally.prints.update(under.of_texts(kind, sorted(values)))
        if len(tally.examples) < EXAMPLES_MAX:
            cls = BY_CODE[NATIONAL_ID if kind == ID_15 else kind]
            ends = zip(hits.start[:EXAMPLES_MAX].tolist(), hits.stop[:EXAMPLES_MAX].tolist(), strict=True)
            for start, stop in ends:
                tally.show(cls, normal(bytes(data[start:stop]), kind))

    def _add_shapes(self, column: pa.Array, sizes: Int64s) -> None:
        facts = self.facts
        filled = np.flatnonzero(sizes > 0)
        step = max(len(filled) // _SAMPLE_CELLS, 1)
        sample = column.take(pa.array(filled[::step][:_SAMPLE_CELLS]))
        texts = sample.to_pylist()
        gates = {shape.gate for shape in facts.shapes}
        open_ = {gate: sum(map(gate, texts)) >= _SHARE_TRACE * len(texts) for gate in gates}
        for shape in facts.shapes:
            if open_[shape.gate] and _matches(sample, shape.pattern).mean() >= _SHARE_TRACE:
                self._tally(shape.tally, shape.cls, column, _matches(column, shape.pattern))
        if facts.means.field is FieldClass.PASSWORD:
            hashed = np.zeros(len(column), np.bool_)
            for form in shapes.HASH_FORMS:
                hashed |= _matches(column, form.pattern)
            clear = (sizes > 0) & ~hashed & ~_matches(column, shapes.OTHER_CELLS)
            self._tally(facts.clear, FieldClass.PASSWORD, column, clear)
        suspect = sum(map(shapes.may_be_damaged, texts)) >= SHARE_MIN * len(texts)
        if suspect and not facts.means.against and _matches(sample, shapes.DAMAGED).mean() >= SHARE_MIN:
            damaged = _matches(column, shapes.DAMAGED)
            self._tally(facts.damaged, FieldClass.PAN, column, damaged)
            facts.damaged_cards += int((damaged & _matches(column, shapes.DAMAGED_CARD)).sum())

    def _tally(self, tally: Tally, cls: FieldClass, column: pa.Array, chosen: Bools) -> None:
        count = int(chosen.sum())
        if not count:
            return
        tally.count += count
        kept = column.filter(pa.array(chosen))
        data, offsets = _buffers(kept)
        tally.distinct.add(core.digest_cells(data, offsets, key=self._key))
        under = fingerprints_in_use()
        if under is not None and has_fingerprint(code_of(cls)) and len(tally.prints) < EXACT_MAX:
            values = [value.strip() for value in pc.unique(kept).to_pylist() if value and value.strip()]
            tally.prints.update(under.of_texts(code_of(cls), values))
        for value in kept[:EXAMPLES_MAX].to_pylist():
            tally.show(cls, value)


class TableEvidence:
    """The columns of one table, sheet or file of records, which are judged together."""

    def __init__(
        self, *, kind: PlaceKind, table: str | None, names: tuple[str, ...], headers: list[str | None], key: int
    ) -> None:
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
    cards = any(holds_cards(column.facts) for column in columns)
    return [finding for column in columns for finding in column.finish(name=name, beside_cards=cards)]


def _with_words(data: memoryview, offsets: Int64s) -> Int64s:
    """Return the cells in which a word stands that a detector waits for."""
    first = int(offsets[0])
    place, _ = core.words(data[first : int(offsets[-1])], active().words)
    return np.unique(np.searchsorted(offsets, place + first, side="right") - 1)


def _buffers(column: pa.Array) -> tuple[memoryview, Int64s]:
    """Return data and offsets of a large_string array; cells that are null have no bytes."""
    if column.null_count:
        column = column.fill_null("")
    _, offsets, data = column.buffers()
    if len(column) == 0 or offsets is None:
        return memoryview(b""), np.zeros(1, np.int64)
    bounds = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    return memoryview(data) if data is not None else memoryview(b""), np.ascontiguousarray(bounds)


def _matches(column: pa.Array, pattern: str) -> Bools:
    matched = pc.match_substring_regex(column, pattern)
    return np.asarray(pc.fill_null(matched, fill_value=False).to_numpy(zero_copy_only=False), np.bool_)
