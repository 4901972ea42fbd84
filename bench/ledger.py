"""Floor 4: appending in batches, one by one and grouped, checking and proving, each beside the machine's own limit.

The peer of an appending row is plain SQLite under the same settings, given the finished bytes of the same rows: what
is between is our canonical JSON, commitments, pseudonyms, seals, tree and statements. Everything is durable: each
commit waits for the disk. The peer of a proof is the same tree in memory.
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from bench.run import Row
from tigertally.base.canon import Json
from tigertally.base.ids import new_id
from tigertally.base.text import Text
from tigertally.crypto.aead import Cipher, new_key
from tigertally.crypto.digest import KeyedDigest
from tigertally.crypto.merkle import MemoryTree, inclusion_proof
from tigertally.crypto.sign import NoteKey
from tigertally.ledger import Event, Ledger, LedgerKeys, checkpoints, fsck, register_event, sql, tree
from tigertally.store import Store, open_store

NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REVEALED: Final = register_event(
    "bench.card.revealed", Text("查看", "a card was revealed"), "person", "subject", "class", "purpose", "count"
)
BATCH: Final = 10_000
BATCHES: Final = 5
SINGLES: Final = 400
THREADS: Final = 64
TABLES: Final = ("ledger_entry", "ledger_payload", "ledger_about")
# As tigertally.store.connect has them.
PRAGMAS: Final = ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "cache_size = -16384")


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A ledger on a disk."""

    path: Path
    store: Store
    ledger: Ledger
    events: list[Event]


def rows() -> list[Row]:
    """Return the rows; about ten seconds."""
    with book() as opened:
        batches = _batches(opened)
        return [*batches, *_singles(opened), _check(opened), *_proofs(opened)]


@contextmanager
def book() -> Iterator[Book]:
    """Open an empty ledger and draw the events that will be appended: an operator reveals cards of customers."""
    keys = LedgerKeys(
        pseudonym=KeyedDigest(new_key()),
        payload=Cipher(new_key()),
        note=NoteKey.generate(),
        origin="tigertally.invalid/bench",
    )
    person = new_id("per")
    events = []
    for number in range(BATCH):
        subject = new_id("sub")
        payload: dict[str, Json] = {"person": person, "subject": subject, "count": number}
        payload |= {"class": "pan", "purpose": "refund"}
        events.append(Event(kind=REVEALED, payload=payload, actor=person, about=(person, subject)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        with open_store(f"sqlite:///{path}") as store:
            store.migrate()
            yield Book(path=path, store=store, ledger=Ledger(keys), events=events)


def _row(name: str, unit: str, value: float, peer: str, peer_value: float) -> Row:
    return {
        "name": name,
        "value": round(value, 1),
        "unit": unit,
        "peer": peer,
        "peer_value": round(peer_value, 1),
        "ratio": round(value / peer_value, 3),
    }


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _spent(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall and processor seconds (of all threads)."""
    began = time.process_time()
    wall = _seconds(work)
    return wall, time.process_time() - began


def _rows(
    name: str,
    count: int,
    ours: list[tuple[float, float]],
    peer: str,
    peer_count: int,
    theirs: list[tuple[float, float]],
) -> list[Row]:
    """Return the rate by the clock, and by processor time, which says what the code takes on a busy machine."""
    return [
        _row(
            name + suffix,
            unit,
            count / min(item[at] for item in ours),
            peer,
            peer_count / min(item[at] for item in theirs),
        )
        for at, suffix, unit in ((0, "", "entries/s"), (1, ", processor", "entries/processor s"))
    ]


def _batches(opened: Book) -> list[Row]:
    def append() -> None:
        with opened.store.transaction() as tx:
            opened.ledger.append_many(tx, opened.events, now=NOW)

    # Others use the machine too: the shortest is closest to what the code takes.
    ours = [_spent(append) for _ in range(BATCHES)]
    with plain(opened, BATCH) as (connection, columns):
        theirs = [_spent(partial(_insert, connection, part)) for part in columns]
    return _rows("ledger append, batches", BATCH, ours, "plain SQLite, same rows", BATCH, theirs)


def _singles(opened: Book) -> list[Row]:
    def one(event: Event) -> None:
        with opened.store.transaction() as tx:
            opened.ledger.append(tx, event, now=NOW)

    def each() -> None:
        for event in opened.events[:SINGLES]:
            one(event)

    def together() -> None:
        def work(events: list[Event]) -> None:
            for event in events:
                opened.store.grouped(partial(opened.ledger.append, event=event, now=NOW))

        each_s = 4 * SINGLES // THREADS
        shares = [opened.events[at * each_s : (at + 1) * each_s] for at in range(THREADS)]
        threads = [threading.Thread(target=work, args=(share,)) for share in shares]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    single, grouped = [_spent(each) for _ in range(2)], [_spent(together) for _ in range(2)]
    with plain(opened, 1) as (connection, columns):
        parts = columns[:SINGLES]
        theirs = [_spent(partial(_insert_each, connection, parts))]
    peer = "plain SQLite, one per commit"
    return [
        *_rows("ledger append, one per commit", SINGLES, single, peer, len(parts), theirs),
        *_rows(f"ledger append, {THREADS} writers at once", 4 * SINGLES, grouped, peer, len(parts), theirs),
    ]


Columns = dict[str, list[tuple[object, ...]]]


@contextmanager
def plain(opened: Book, size: int) -> Iterator[tuple[sqlite3.Connection, list[Columns]]]:
    """Give a database with the same tables and settings, and the ledger's rows in parts of ``size`` entries."""
    source = sqlite3.connect(opened.path)
    count = min(2 * BATCH, max(size, SINGLES) if size == 1 else 2 * BATCH)
    parts: list[Columns] = [{} for _ in range(count // size)]
    for table in TABLES:
        order = "idx, pseudonym" if table == "ledger_about" else "idx"
        for row in source.execute(f"SELECT * FROM {table} WHERE idx < {count} ORDER BY {order}"):  # noqa: S608 - ours
            at = row[1] if table == "ledger_about" else row[0]
            parts[at // size].setdefault(table, []).append(row)
    source.close()
    path = opened.path.with_name(f"plain{size}.db")
    with open_store(f"sqlite:///{path}") as store:
        store.migrate()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()
    yield connection, parts
    connection.close()


def _insert_each(connection: sqlite3.Connection, parts: list[Columns]) -> None:
    for part in parts:
        _insert(connection, part)


def _insert(connection: sqlite3.Connection, part: Columns) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for table, found in part.items():
        places = ", ".join("?" * len(found[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({places})", found)  # noqa: S608 - our own tables
    connection.execute("COMMIT")


def _check(opened: Book) -> Row:
    def check() -> None:
        with opened.store.reading() as tx:
            assert fsck.check(tx, opened.ledger).clean

    def read() -> None:
        with opened.store.reading() as tx:
            for found in sql.stream_entries(tx, batch_rows=8_192):
                sql.read_payload_range(tx, start=found[0].idx, stop=found[-1].idx + 1)

    with opened.store.reading() as tx:
        size = sql.read_head(tx).size
    return _row("ledger fsck", "entries/s", size / _seconds(check), "reading the same rows", size / _seconds(read))


def _proofs(opened: Book) -> list[Row]:
    draw = random.Random(1)
    with opened.store.reading() as tx:
        size = sql.read_head(tx).size
        memory = MemoryTree(sql.read_leaf_hashes(tx, start=0, stop=size))
        wanted = [draw.randrange(size) for _ in range(200)]
        ours = _seconds(lambda: [tree.inclusion(tx, index=index, size=size) for index in wanted])
        theirs = _seconds(lambda: [inclusion_proof(memory.subtree, index=index, size=size) for index in wanted])

    def sign() -> None:
        with opened.store.transaction() as tx:
            checkpoints.sign_head(tx, opened.ledger, now=NOW)

    return [
        _row("ledger inclusion proof", "proofs/s", len(wanted) / ours, "tree in memory", len(wanted) / theirs),
        {"name": "ledger checkpoint, two signatures", "value": round(_seconds(sign) * 1000, 2), "unit": "ms"},
    ]
