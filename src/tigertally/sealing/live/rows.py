"""A server's table as a source of a plan: its rows in columns, in the order of its key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing

from tigertally.sealing.errors import NotRewritable, SourceNotReadable
from tigertally.sealing.live.opening import opened
from tigertally.sealing.live.ports import NO_KEY, Key, LiveDatabase
from tigertally.sealing.plan import Estate, PlanSource
from tigertally.sealing.rewriters.grid import Grid


def read(root: Estate, source: PlanSource, *, batch_rows: int) -> Iterator[Grid]:
    """Yield the planned columns of a table. Raises ``SourceNotReadable``; ``NotRewritable`` if it has no key."""
    with closing(_server(root, source)) as live:
        table = live.describe(source)
        if not table.key:
            raise NotRewritable(object_path=source.object, why=NO_KEY)
        wanted = dict.fromkeys([*([source.subject] if source.subject else []), *(one.name for one in source.fields)])
        chosen = tuple(name for name in wanted if name in table.columns)
        first, after = 0, None
        while True:
            rows = live.read(source, chosen, after=after, upto=None, limit=batch_rows)
            if rows.keys or not first:
                yield Grid(row=first, names=chosen, columns=rows.cells)
            if not rows.keys:
                return
            first += len(rows.keys)
            after = _last(rows.keys)


def names(root: Estate, source: PlanSource) -> frozenset[str]:
    """Return the names of a table's columns."""
    return frozenset(declared(root, source))


def declared(root: Estate, source: PlanSource) -> Mapping[str, str]:
    """Return the declared type of each column."""
    with closing(_server(root, source)) as live:
        return {name: column.declared for name, column in live.describe(source).columns.items()}


def stamp(root: Estate, source: PlanSource) -> str:
    """Return a text that is another one when the table holds something else."""
    with closing(_server(root, source)) as live:
        return live.stamp(source)


def _server(root: Estate, source: PlanSource) -> LiveDatabase:
    if not isinstance(root, str):
        raise SourceNotReadable(object=source.object)
    return opened(root)


def _last(keys: list[Key]) -> Key:
    return keys[-1]
