"""Reading the estate by the plan: customers' values in columns, ready to be sealed.

Invariants: a purged class is counted and never yielded; a value is in its one spelling
(:mod:`tigertally.sealing.values`) or ``None``; rows come in the order of the source, so reading again from
``next_row`` of the last batch that was sealed yields exactly the rest.

Text yields a row per line and value with an empty subject; so does a table without a customer column. Whose they are
is decided by their values, by whoever seals them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

from tigertally.base.fields import FieldClass
from tigertally.base.limits import BATCH_ROWS
from tigertally.sealing.live import rows
from tigertally.sealing.plan import KEYED_KINDS, MEMBER_MARK, Action, Estate, Extent, Plan, PlanField, PlanSource
from tigertally.sealing.rewriters import arrowfile, database, delimited, dump, jsontext, plaintext, workbook
from tigertally.sealing.rewriters.containers import file_of, opened_object, seekable, whole
from tigertally.sealing.rewriters.grid import Grid
from tigertally.sealing.rewriters.located import located
from tigertally.sealing.values import normalise


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldColumn:
    """The values of one field, one per row of the batch; ``slot`` is the column or key it came from, empty for text."""

    cls: FieldClass
    slot: str
    values: list[str | None] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A batch of rows of one source.

    ``subjects`` has the customer key of each row, empty where unknown. All columns have its length. ``row`` is the
    first source row of the batch, ``next_row`` where the next batch begins. ``purged`` counts values that the plan
    purges, ``rejected`` those in sealed fields that are no value of their class.
    """

    row: int
    next_row: int
    subjects: list[str] = field(repr=False)
    fields: tuple[FieldColumn, ...]
    purged: int
    rejected: int


def read(
    plan: Plan, root: Estate, *, source_index: int, batch_rows: int = BATCH_ROWS, start_row: int = 0
) -> Iterator[Columns]:
    """Yield the sealed fields of source ``source_index`` from row ``start_row`` on; no empty batches.

    Raises :class:`~tigertally.sealing.errors.SourceNotReadable` or ``NotRewritable`` for objects that are not what
    the plan says.
    """
    source = plan.sources[source_index]
    if source.is_text:
        yield from _text_columns(source, root, start_row=start_row)
        return
    for grid in grids(source, root, batch_rows=batch_rows):
        rest = _from_row(grid, start_row)
        if rest.height:
            yield _columns(source, rest)


def grids(source: PlanSource, root: Estate, *, batch_rows: int = BATCH_ROWS) -> Iterator[Grid]:
    """Yield the rows of a table, sheet or JSON source as they stand; the first grid, maybe empty, has the names."""
    if source.kind == "sqlite" and MEMBER_MARK not in source.object:
        with closing(database.opened(file_of(root, source.object))) as connection:
            yield from database.read(connection, source, batch_rows=batch_rows)
        return
    if source.kind == "table":
        yield from rows.read(root, source, batch_rows=batch_rows)
        return
    with opened_object(root, source.object) as stream:
        if source.kind == "sqlite":
            with closing(database.deserialized(whole(stream, source.object))) as connection:
                yield from database.read(connection, source, batch_rows=batch_rows)
        elif source.kind == "xlsx":
            yield from workbook.read(seekable(stream, source.object), source, batch_rows=batch_rows)
        elif source.kind in ("parquet", "arrow"):
            yield from arrowfile.read(seekable(stream, source.object), source, batch_rows=batch_rows)
        elif source.kind == "sql":
            yield from dump.read(stream, source, batch_rows=batch_rows)
        elif source.kind in KEYED_KINDS:
            yield from jsontext.read(stream, source, batch_rows=batch_rows)
        else:
            yield from delimited.read(stream, source, batch_rows=batch_rows)


def names_of(source: PlanSource, root: Estate) -> frozenset[str]:
    """Return the names of the columns that the source really has; of JSON, the keys it needs and some more."""
    if source.kind in KEYED_KINDS:
        wanted = frozenset(name for name in (source.subject, *(one.name for one in source.fields)) if name)
        with opened_object(root, source.object) as stream:
            return jsontext.keys(stream, source, wanted=wanted)
    if source.kind == "table":
        return rows.names(root, source)
    if source.kind != "sqlite":
        return frozenset(next(grids(source, root, batch_rows=1)).names)
    if MEMBER_MARK not in source.object:
        with closing(database.opened(file_of(root, source.object))) as connection:
            return frozenset(database.columns(connection, source))
    with (
        opened_object(root, source.object) as stream,
        closing(database.deserialized(whole(stream, source.object))) as connection,
    ):
        return frozenset(database.columns(connection, source))


def _from_row(grid: Grid, start_row: int) -> Grid:
    skip = min(max(start_row - grid.row, 0), grid.height)
    if not skip:
        return grid
    return replace(grid, row=grid.row + skip, columns=tuple(column[skip:] for column in grid.columns))


def _columns(source: PlanSource, grid: Grid) -> Columns:
    by_name = dict(zip(grid.names, grid.columns, strict=True))
    empty: list[str | None] = [None] * grid.height
    subjects = [(key or "").strip() for key in by_name.get(source.subject, empty)]
    fields: list[FieldColumn] = []
    purged = rejected = 0
    inside: list[tuple[PlanField, list[str | None]]] = []
    for one in source.fields:
        cells = by_name.get(one.name, empty)
        full = sum(1 for cell in cells if cell)
        if one.extent is Extent.SPANS:
            if one.action is Action.SEAL:
                inside.append((one, cells))
        elif one.action is Action.PURGE:
            purged += full
        elif one.action is Action.SEAL:
            values = normalise(one.cls, [cell or "" for cell in cells])
            rejected += full - sum(1 for value in values if value is not None)
            fields.append(FieldColumn(cls=one.cls, slot=one.name, values=values))
    _add_spans(inside, subjects, fields)
    return Columns(
        row=grid.row,
        next_row=grid.row + grid.height,
        subjects=subjects,
        fields=tuple(fields),
        purged=purged,
        rejected=rejected,
    )


def _add_spans(
    inside: list[tuple[PlanField, list[str | None]]], subjects: list[str], fields: list[FieldColumn]
) -> None:
    """Add a column for each field that is spans in a cell; a second span in a cell goes to a further row at the end."""
    height = len(subjects)
    further: list[tuple[int, int, str]] = []  # row, field, value
    for name in dict.fromkeys(one.name for one, _ in inside):
        slots = {
            one.cls: len(fields) + at for at, (one, _) in enumerate(pair for pair in inside if pair[0].name == name)
        }
        cells = next(cells for one, cells in inside if one.name == name)
        fields += [FieldColumn(cls=cls, slot=name, values=[None] * height) for cls in slots]
        found = located([cell or "" for cell in cells])
        for row, cls, value in zip(found.text, found.classes, found.values, strict=True):
            slot = slots.get(cls)
            if slot is None:
                continue
            if fields[slot].values[row] is None:
                fields[slot].values[row] = value
            else:
                further.append((row, slot, value))
    for row, slot, value in further:
        subjects.append(subjects[row])
        for at, column in enumerate(fields):
            column.values.append(value if at == slot else None)


def _text_columns(source: PlanSource, root: Estate, *, start_row: int) -> Iterator[Columns]:
    actions = {one.cls.value: one.action for one in source.fields}
    with opened_object(root, source.object) as stream:
        for grid, lines in plaintext.read(stream, source):
            keep = [at for at, line in enumerate(lines) if line >= start_row]
            if not keep:
                continue
            fields: list[FieldColumn] = []
            purged = 0
            for name, column in zip(grid.names, grid.columns, strict=True):
                values = [column[at] for at in keep]
                if actions[name] is Action.SEAL:
                    cls = FieldClass(name)
                    fields.append(
                        FieldColumn(cls=cls, slot="", values=normalise(cls, [value or "" for value in values]))
                    )
                elif actions[name] is Action.PURGE:
                    purged += sum(1 for value in values if value)
            yield Columns(
                row=max(grid.row, start_row),
                next_row=grid.row + grid.source_rows,
                subjects=[""] * len(keep),
                fields=tuple(fields),
                purged=purged,
                rejected=0,
            )
