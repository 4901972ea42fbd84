"""Columns of SQL dumps that only their names give away: names, mail addresses, passwords.

A scan finds the numbers of a dump wherever they stand in its text. A name is no such number: it is known by the column
it stands in. So the proposal asks what the columns of each table are called; the words are discovery's own.
"""

from __future__ import annotations

from typing import Final

from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.discovery import ObjectReport, meaning
from tigertally.sealing.errors import NotRewritable, SourceNotReadable
from tigertally.sealing.plan import Action, Estate, PlanField, PlanSource, allowed_actions
from tigertally.sealing.rewriters import dump
from tigertally.sealing.rewriters.containers import opened_object
from tigertally.sealing.values import normalise

_BY_NAME: Final = frozenset(
    {FieldClass.NAME, FieldClass.EMAIL, FieldClass.ADDRESS, FieldClass.PASSWORD, FieldClass.PIN}
)
_HASHED_SHARE_MIN: Final = 0.5


def dump_sources(
    report: ObjectReport, root: Estate, *, known: frozenset[str]
) -> list[tuple[PlanSource, frozenset[str]]]:
    """Return a source, and its columns' names, for each table of a dump with such columns, not the ``known``.

    A dump whose rows cannot be followed has none; it cannot be rewritten by column either.
    """
    running = PlanSource(object=report.path, kind=report.kind.value, encoding=report.encoding or "")
    try:
        with opened_object(root, report.path) as stream:
            tables = dump.tables(stream, running)
    except (NotRewritable, SourceNotReadable):
        return []
    sources: list[tuple[PlanSource, frozenset[str]]] = []
    for table, grid in tables:
        fields = tuple(
            one
            for name, column in zip(grid.names, grid.columns, strict=True)
            if table not in known and (one := _field(name, column)) is not None
        )
        if fields:
            source = PlanSource(
                object=report.path, kind=running.kind, table=table, encoding=running.encoding, fields=fields
            )
            sources.append((source, frozenset(grid.names)))
    return sources


def _field(name: str, column: list[str | None]) -> PlanField | None:
    cls = meaning(name).field
    values = [value for value in column if value]
    if cls not in _BY_NAME or not values:
        return None
    if cls is FieldClass.PASSWORD:
        hashed = sum(1 for value in normalise(FieldClass.PASSWORD_HASH, values) if value is not None)
        cls = FieldClass.PASSWORD_HASH if hashed >= _HASHED_SHARE_MIN * len(values) else cls
    title = FIELD_RULES[cls].title
    return PlanField(
        name=name,
        cls=cls,
        action=Action.SEAL if Action.SEAL in allowed_actions(cls) else Action.PURGE,
        evidence=f"{title.zh} {title.en} · 由列名判断 by the column's name",
    )
