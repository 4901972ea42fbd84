"""The store: opens a database, hands out transactions, and knows when not to.

Invariants:
1. a write is durable when its ``with`` block (or ``grouped``) has returned, and gone if it raised;
2. one writing transaction per thread; on SQLite one per process at a time, in order of arrival;
3. no transaction is given on a database whose schema is not exactly the one this code knows;
4. no driver's exception leaves (see ``faults``).

Left to others: what the tables mean (the wings), who may open a transaction (``app.verbs``, ``app.jobs``).
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self, TypeVar

from tigertally.store import migrate, upkeep
from tigertally.store.connect import engines_for, make_file
from tigertally.store.errors import CopyElsewhere, StoreMisused, StoreUnavailable
from tigertally.store.faults import FAULTS, translate
from tigertally.store.grouping import Group
from tigertally.store.tx import Tx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from tigertally.store.connect import Engines
    from tigertally.store.upkeep import Vitals

T = TypeVar("T")

WAIT_S: Final = 30


class Store:
    """One database. Thread-safe. Made by :func:`open_store`; close it when done."""

    __slots__ = ("_checked", "_engines", "_group", "_thread", "_wait_s", "_writing_gate")

    def __init__(self, engines: Engines, *, wait_s: int) -> None:
        self._engines = engines
        self._wait_s = wait_s
        self._thread = threading.local()
        # SQLite's own waiting is a sleep-and-retry without order; a lock in front of it is fair.
        self._writing_gate = threading.Lock() if engines.path is not None else None
        self._group = Group(self._writing)
        self._checked = False

    def __repr__(self) -> str:
        return f"<Store {self._engines.writer.dialect.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection. Transactions still open elsewhere end with their own block."""
        self._engines.writer.dispose()
        self._engines.reader.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Give a transaction that may write; commit at the end of the block, undo if it raises.

        Raises :class:`StoreUnavailable` if no lock or connection can be had in time, :class:`StoreFull`,
        :class:`StoreBroken`, ``SchemaOlder``, ``SchemaNewer``; :class:`StoreMisused` when nested.
        """
        self._check_schema()
        with self._writing() as tx:
            yield tx
        for action in tx.take_actions():
            action()

    @contextmanager
    def reading(self) -> Iterator[Tx]:
        """Give one consistent snapshot that cannot write and that never waits for writers (raises as above)."""
        self._check_schema()
        with self._session(self._engines.reader, read_only=True) as tx:
            yield tx

    def grouped(self, function: Callable[[Tx], T]) -> T:
        """Run ``function`` in a transaction shared with concurrent callers; return its value after the commit.

        ``function`` gets a savepoint of its own and may run in another caller's thread. It must be short and
        must not open a transaction. Its exception is raised here and undoes its own work only.
        """
        self._check_schema()
        self._refuse_nesting()
        return self._group.submit(function)

    def migrate(self) -> str:
        """Bring the schema to this code's version; return that version. Safe to call from many processes."""
        with self._writing() as tx:
            tx.guarded(lambda: migrate.upgrade(tx.connection))
        self._checked = False
        return migrate.latest()

    def schema_version(self) -> str | None:
        """Return the schema's version, None for an empty database."""
        with self._session(self._engines.reader, read_only=True) as tx:
            return tx.guarded(lambda: migrate.version_of(tx.connection))

    def compact(self) -> None:
        """Rewrite the database without what was deleted, its write-ahead log too. Needs room for a second copy.

        What it cannot reach is in docs/LIMITS.md: copies by the file system or disk, backups, PostgreSQL's
        own log and replicas.
        """
        with self._alone() as connection:
            upkeep.compact(connection)

    def copy_to(self, path: Path, *, told: Callable[[int, int], None] = lambda _done, _all: None) -> None:
        """Write one consistent snapshot of a SQLite database to ``path`` (0600), which must not exist.

        Writers go on meanwhile. ``told`` hears pages copied and pages in all. Raises :class:`CopyElsewhere` on
        PostgreSQL, whose own tools do that; ``StoreUnavailable``, ``StoreFull``.
        """
        if self._engines.path is None:
            raise CopyElsewhere
        make_file(path)
        with self._session(self._engines.reader, read_only=True) as tx:
            tx.guarded(lambda: upkeep.copy(tx.connection, path, told=told))

    def vitals(self, *, deep: bool = False) -> Vitals:
        """Return the database's health; ``deep`` reads every page (SQLite) and takes time."""
        with self._session(self._engines.reader, read_only=True) as tx:
            return tx.guarded(lambda: upkeep.vitals(tx.connection, path=self._engines.path, deep=deep))

    def _check_schema(self) -> None:
        if self._checked:
            return
        migrate.require_current(self.schema_version())
        self._checked = True

    def _refuse_nesting(self) -> None:
        if getattr(self._thread, "writing", False):
            raise StoreMisused("a writing transaction inside another one")

    @contextmanager
    def _gate(self) -> Iterator[None]:
        self._refuse_nesting()
        gate = self._writing_gate
        if gate is not None and not gate.acquire(timeout=self._wait_s):
            raise StoreUnavailable(reason="writers busy")
        self._thread.writing = True
        try:
            yield
        finally:
            self._thread.writing = False
            if gate is not None:
                gate.release()

    @contextmanager
    def _writing(self) -> Iterator[Tx]:
        with self._gate(), self._session(self._engines.writer, read_only=False) as tx:
            yield tx

    @contextmanager
    def _session(self, engine: Engine, *, read_only: bool) -> Iterator[Tx]:
        connection = _opened(engine)
        tx = Tx(connection, read_only=read_only)
        try:
            tx.guarded(connection.begin)
            yield tx
            if tx.spoilt is not None:
                # The caller swallowed an error; what it thinks it wrote is not there.
                raise tx.spoilt
            tx.guarded(connection.rollback if read_only else connection.commit)
        finally:
            tx.close()
            _closed(connection, broken=tx.lost)

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        """Give a connection outside of any transaction, with no other writer in this process."""
        with self._gate():
            connection = _opened(self._engines.writer.execution_options(isolation_level="AUTOCOMMIT"))
            tx = Tx(connection, read_only=False)
            try:
                yield connection
            except FAULTS as fault:
                problem = translate(fault)
            else:
                return
            finally:
                tx.close()
                # Settings of long work (no time limits) must not go back to the pool.
                _closed(connection, broken=True)
            raise problem


def open_store(url: str, *, wait_s: int = WAIT_S) -> Store:
    """Open ``sqlite:///path`` (made if missing, mode 0600) or ``postgresql://…``; connect once to see that it answers.

    ``wait_s``: how long a caller waits for a lock or a connection before :class:`StoreUnavailable`.
    Raises :class:`BadStoreUrl`, :class:`StoreUnavailable`, :class:`StoreBroken`. The schema may be of any
    version; see :meth:`Store.migrate`.
    """
    engines = engines_for(url, wait_s=wait_s)
    if engines.path is not None:
        make_file(engines.path)
    store = Store(engines, wait_s=wait_s)
    try:
        store.schema_version()
    except BaseException:
        store.close()
        raise
    return store


def _opened(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except FAULTS as fault:
        problem = translate(fault)
    raise problem


def _closed(connection: Connection, *, broken: bool) -> None:
    """Undo what is open and give the connection back, or throw it away. Failures here change nothing any more."""
    try:
        if connection.in_transaction():
            connection.rollback()
    except FAULTS:
        broken = True
    try:
        if broken:
            connection.invalidate()
        connection.close()
    except FAULTS:
        return
