"""The port of live databases: SQLite, PostgreSQL, MySQL and MariaDB.

Cells are text, as discovery shows them; ``None`` is NULL. Rows come in the order of their primary key, a page at a
time, so nothing is held open between two pages and any work goes on after the last key.

Invariant of every ``write``: one transaction of that database; a row changes only while each of its planned columns
still holds what was read (compare and set), so nobody's change is ever overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tigertally.base.text import Text
from tigertally.sealing.plan import PlanSource

Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveColumn:
    """A column: its declared type, whether NULL may stand in it, and why no token may, if so."""

    declared: str
    nullable: bool
    text: bool
    bar: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTable:
    """A table: its columns, the columns of its primary key, and why it cannot be rewritten, if so."""

    columns: Mapping[str, LiveColumn]
    key: tuple[str, ...]
    bar: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows in the order of the key: n keys, and a list of n cells for each column that was asked for."""

    keys: list[Key] = field(repr=False)
    cells: tuple[list[str | None], ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to become of one row: all its planned cells as they were read, and as they shall be."""

    key: Key = field(repr=False)
    old: tuple[str | None, ...] = field(repr=False)
    new: tuple[str | None, ...] = field(repr=False)


class LiveDatabase(Protocol):
    """A database in use. Its methods raise ``LiveUnavailable`` if it does not answer, ``NotInPlace`` if it refuses."""

    @property
    def place(self) -> str:
        """Return where it is, without any secret: the same for the same database."""
        ...

    def describe(self, source: PlanSource) -> LiveTable:
        """Return what the table of ``source`` declares. Raises ``SourceNotReadable`` if there is none."""
        ...

    def stamp(self, source: PlanSource) -> str:
        """Return a text that is another one when the table holds something else."""
        ...

    def read(
        self, source: PlanSource, names: tuple[str, ...], *, after: Key | None, upto: Key | None, limit: int
    ) -> Rows:
        """Return at most ``limit`` rows beyond ``after``, none beyond ``upto``."""
        ...

    def write(self, source: PlanSource, names: tuple[str, ...], changes: list[Change]) -> int:
        """Carry out ``changes`` in one transaction; return how many rows still were as they had been read."""
        ...

    def settle(self) -> None:
        """Put aside what the database itself lets one put aside of old pages, after the last write."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


def beyond(columns: list[str], marks: list[str], *, above: bool) -> str:
    """Return the SQL condition of keys beyond (or not beyond) one, in a form for which any server uses the key's index.

    ``columns`` are quoted names, ``marks`` what stands for the values: used in the order of :func:`beyond_values`.
    """
    sign = ">" if above else "<"
    either = []
    for at, column in enumerate(columns):
        same = [f"{one} = {mark}" for one, mark in zip(columns[:at], marks[:at], strict=True)]
        last = sign if above or at < len(columns) - 1 else "<="
        either.append(" AND ".join([*same, f"{column} {last} {marks[at]}"]))
    return f"{columns[0]} {sign}= {marks[0]} AND (" + " OR ".join(f"({one})" for one in either) + ")"


def beyond_values(key: Key) -> list[str | int]:
    """Return the values for the marks of :func:`beyond`."""
    return [key[0], *(value for at in range(len(key)) for value in key[: at + 1])]


def bounds(columns: list[str], marks: list[str], *, after: Key | None, upto: Key | None) -> tuple[str, list[str | int]]:
    """Return the WHERE clause of a range of keys, "" for all of them, and its values."""
    conditions, values = [], []
    for key, above in ((after, True), (upto, False)):
        if key is not None:
            conditions.append(f"({beyond(columns, marks, above=above)})")
            values += beyond_values(key)
    return (" WHERE " + " AND ".join(conditions) if conditions else ""), values


NO_KEY = Text("没有主键", "it has no primary key")
NO_TABLE = Text("不是普通表", "it is no ordinary table")
TRIGGERS = Text(
    "有 UPDATE 触发器，会在改写时运行（先停用）", "its UPDATE triggers would run at each change; take them away first"
)
KEY_COLUMN = Text("是主键或外键的一部分", "it is part of a primary or foreign key")
GENERATED = Text("是计算列", "its value is computed")
WRONG_TYPE = Text("的类型不能存放文本或整数令牌", "its type takes neither text nor whole numbers exactly")
KEY_TYPE = Text("主键的类型不受支持", "its primary key is of a type that is not supported")
BINARY = Text("含有二进制或浮点值", "it holds binary or floating values")
REFUSED = Text("数据库拒绝改写（约束、权限或类型）", "the database refused the change (a constraint, a right, a type)")
