"""One transaction, as the rooms named ``sql`` see it.

Invariants:
1. rows are fetched before a method returns, so no driver's exception can be raised outside of it;
2. after an error the transaction is *spoilt*: every further use raises the same error and a commit
   rolls back, on both databases, unless the error happened inside :meth:`Tx.savepoint`, which undoes
   that part only. (SQLite would go on after some errors, and even outside of any transaction after a
   full disk; PostgreSQL never does.)
3. what a caller wants done after the commit is done only then (:meth:`Tx.after_commit`).

Opening, committing and closing belong to ``engine``.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, TypeVarTuple, cast, overload

from sqlalchemy import Column, String, Table, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert

from tigertally.base.errors import Problem
from tigertally.store.columns import fetch_tuples, insert_columns
from tigertally.store.errors import StoreConflict, StoreMisused
from tigertally.store.faults import FAULTS, READ_ONLY, state_of, translate
from tigertally.store.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Executable, Row, TextClause
    from sqlalchemy.sql.selectable import TypedReturnsRows

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

Dialect = Literal["sqlite", "postgresql"]
Params: TypeAlias = "Mapping[str, object] | Sequence[Mapping[str, object]] | None"

store_lock = Table("store_lock", metadata, Column("name", String(128), primary_key=True))


class Tx:
    """A transaction. Given by ``Store.transaction``, ``Store.reading`` or ``Store.grouped``; never built by hand.

    Not for more than one thread at a time; useless after its ``with`` block.
    """

    __slots__ = ("_after", "_connection", "_depth", "_open", "_spoilt", "dialect", "read_only")

    def __init__(self, connection: Connection, *, read_only: bool) -> None:
        self._connection = connection
        self._after: list[Callable[[], None]] = []
        self._spoilt: Problem | StoreMisused | None = None
        self._open = True
        self._depth = 0
        self.dialect: Dialect = "sqlite" if connection.dialect.name == "sqlite" else "postgresql"
        self.read_only = read_only

    def execute(self, statement: Executable, params: Params = None) -> int:
        """Run a statement, once or (``params`` a list) once per mapping; return the number of rows it changed.

        Raises :class:`StoreConflict` for a row that exists already, ``Unavailable`` or ``Broken`` problems of
        this wing, or :class:`StoreMisused`. For rows that come back (``RETURNING``) use :meth:`all`.
        """

        def work() -> int:
            options = {"preserve_rowcount": True}  # without it, inserts are not counted
            with self._connection.execute(statement, cast("Any", params), execution_options=options) as result:
                return result.rowcount

        return self.guarded(work)

    @overload
    def all(self, statement: TypedReturnsRows[*Ts], params: Params = None) -> Sequence[Row[*Ts]]: ...
    @overload
    def all(self, statement: Executable, params: Params = None) -> Sequence[Row[*tuple[Any, ...]]]: ...
    def all(self, statement: Executable, params: Params = None) -> Sequence[Row[*tuple[Any, ...]]]:
        """Return every row. For results that may be large use :meth:`stream`. Raises like :meth:`execute`."""
        return self.guarded(lambda: self._connection.execute(statement, cast("Any", params)).all())

    @overload
    def one_or_none(self, statement: TypedReturnsRows[*Ts], params: Params = None) -> Row[*Ts] | None: ...
    @overload
    def one_or_none(self, statement: Executable, params: Params = None) -> Row[*tuple[Any, ...]] | None: ...
    def one_or_none(self, statement: Executable, params: Params = None) -> Row[*tuple[Any, ...]] | None:
        """Return the only row, or None. More than one is :class:`StoreMisused`."""
        return self.guarded(lambda: self._connection.execute(statement, cast("Any", params)).one_or_none())

    @overload
    def scalar(self, statement: TypedReturnsRows[T], params: Params = None) -> T | None: ...
    @overload
    def scalar(self, statement: Executable, params: Params = None) -> Any: ...  # noqa: ANN401 - an untyped statement
    def scalar(self, statement: Executable, params: Params = None) -> Any:
        """Return the first column of the first row, or None if there is no row."""
        return self.guarded(lambda: self._connection.execute(statement, cast("Any", params)).scalar())

    @overload
    def scalars(self, statement: TypedReturnsRows[T], params: Params = None) -> Sequence[T]: ...
    @overload
    def scalars(self, statement: Executable, params: Params = None) -> Sequence[Any]: ...
    def scalars(self, statement: Executable, params: Params = None) -> Sequence[Any]:
        """Return the first column of every row."""
        return self.guarded(lambda: self._connection.execute(statement, cast("Any", params)).scalars().all())

    def tuples(self, statement: TextClause, params: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Return every row of a text statement as the driver gives it; its columns are bytes and numbers.

        The bulk path back: half of what :meth:`all` takes. Raises like :meth:`execute`.
        """
        return self.guarded(lambda: fetch_tuples(self._connection, statement, params))

    def stream(
        self, statement: TypedReturnsRows[*Ts], *, batch_rows: int, params: Mapping[str, object] | None = None
    ) -> Iterator[Sequence[Row[*Ts]]]:
        """Yield the rows in batches of at most ``batch_rows``; memory does not grow with the result.

        Consume it inside the transaction. On SQLite do not change the tables being read meanwhile.
        """
        result = self.guarded(
            lambda: self._connection.execute(
                statement, cast("Any", params), execution_options={"yield_per": batch_rows}
            )
        )
        try:
            while batch := self.guarded(lambda: result.fetchmany(batch_rows)):
                yield batch
        finally:
            self.quietly(result.close)

    def insert_columns(self, table: Table, columns: Mapping[str, Sequence[object]]) -> int:
        """Insert rows given as one list per column, all of one length; return how many.

        The bulk path: one prepared statement over tuples on SQLite, binary ``COPY`` on PostgreSQL. Columns
        left out get their database default. Raises like :meth:`execute`; ``ValueError`` for uneven lists.
        """
        return self.guarded(lambda: insert_columns(self._connection, table, columns))

    @contextmanager
    def savepoint(self) -> Iterator[Tx]:
        """Open a part that can fail alone: leaving it by an exception undoes this part, and the rest goes on.

        A spoilt part that is left without an exception raises its error. Lost connections, full disks and
        damaged files spoil the whole transaction.
        """
        before = len(self._after)
        self._depth += 1
        part = f"part_{self._depth}"
        try:
            self.guarded(lambda: self._say(f"SAVEPOINT {part}"))
            try:
                yield self
            except BaseException:
                self._undo_part(part, before)
                raise
            if (spoilt := self._spoilt) is not None:
                self._undo_part(part, before)
                raise spoilt
            self.guarded(lambda: self._say(f"RELEASE SAVEPOINT {part}"))
        finally:
            self._depth -= 1

    def lock(self, name: str) -> None:
        """Wait for, and hold until the end of the transaction, the lock ``name``.

        PostgreSQL: a row of ``store_lock``. SQLite: nothing to do, writers run one at a time.
        """
        if self.read_only:
            raise StoreMisused("lock in a reading transaction")
        if self.dialect == "sqlite":
            return
        self.execute(postgres_insert(store_lock).values(name=name).on_conflict_do_nothing())
        self.execute(select(store_lock.c.name).where(store_lock.c.name == name).with_for_update())

    def after_commit(self, action: Callable[[], None]) -> None:
        """Have ``action`` called after the commit; never if it does not come. Savepoints undone take theirs along."""
        self._after.append(action)

    @property
    def connection(self) -> Connection:
        """The SQLAlchemy connection, for rooms of the store only."""
        return self._connection

    @property
    def spoilt(self) -> Problem | StoreMisused | None:
        """The error after which nothing of this transaction will be kept, if there was one."""
        return self._spoilt

    @property
    def lost(self) -> bool:
        """Whether not even a savepoint can save it."""
        return isinstance(self._spoilt, Problem) and not isinstance(self._spoilt, StoreConflict)

    def mark(self) -> int:
        """Return how many actions wait for the commit."""
        return len(self._after)

    def take_actions(self, start: int = 0) -> list[Callable[[], None]]:
        """Remove and return the actions registered from ``start`` on."""
        taken = self._after[start:]
        del self._after[start:]
        return taken

    def close(self) -> None:
        """Refuse any further use."""
        self._open = False

    def guarded(self, work: Callable[[], T]) -> T:
        """Return ``work()``; turn what SQLAlchemy or a driver raises into ours, and spoil the transaction."""
        if not self._open:
            raise StoreMisused("transaction used after its end")
        if self._spoilt is not None:
            raise self._spoilt
        try:
            return work()
        except FAULTS as fault:
            if self.read_only and state_of(fault) in READ_ONLY:
                problem: Problem | StoreMisused = StoreMisused("write in a reading transaction")
            else:
                problem = translate(fault)
        # Outside of the handler, so that the driver's exception is not kept as the context of ours.
        self._spoilt = problem
        raise problem

    def quietly(self, work: Callable[[], object]) -> None:
        """Run a clean-up whose failure changes nothing (the transaction is over or lost already)."""
        try:
            work()
        except FAULTS:
            return

    def _undo_part(self, part: str, before: int) -> None:
        del self._after[before:]
        if self.lost:
            return
        self._spoilt = None
        try:
            self._say(f"ROLLBACK TO SAVEPOINT {part}")
            self._say(f"RELEASE SAVEPOINT {part}")
        except FAULTS as fault:
            self._spoilt = translate(fault)

    def _say(self, command: str) -> None:
        """Send a command past SQLAlchemy, whose own savepoints cost four times as much (group commit uses many)."""
        cursor = self._connection.connection.cursor()
        try:
            cursor.execute(command)
        finally:
            cursor.close()
