"""A database of before records were numbered is upgraded: the same customers, values and tokens, found the same way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

from tigertally.base.fields import FieldClass
from tigertally.store import open_store
from tigertally.vault import lookup, view
from tigertally.vault.index import runs
from tigertally.vault.rows import sql as sql_rows

from .conftest import MASTERCARD, VISA, Vault, on_sqlite

NAME = FieldClass.NAME
CUSTOMERS = 40


def config(connection: Connection) -> Config:
    made = Config()
    made.set_main_option("script_location", "tigertally.store:migrations")
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


@on_sqlite
def test_records_of_before_are_numbered(vault: Vault, tmp_path: Path) -> None:
    names: list[str | None] = [f"Ann Example {at}" for at in range(CUSTOMERS)]
    vault.seal([f"C{at}" for at in range(CUSTOMERS)], (NAME, names))
    vault.seal(["D1", "D2"], (FieldClass.PAN, [VISA, MASTERCARD]))
    path = tmp_path / "before.db"
    engine = create_engine(f"sqlite:///{path}")
    with vault.store.reading() as tx, engine.begin() as old:
        command.upgrade(config(old), "0010_sealing_aside")
        rows = sql_rows.records_at(tx, scope=vault.scope, numbers=list(range(100)))
        subject = {row.number: row.subject for row in rows}
        for row in rows:
            old.execute(
                text("INSERT INTO vault_record VALUES (:s, :u, :v, :w, :f, '2026-03-02 09:00:00.000000', 1)"),
                {"s": vault.scope, "u": row.subject, "v": row.key_version, "w": row.wrapped_key, "f": row.fields},
            )
        for table in ("vault_key", "vault_tally", "vault_run", "vault_block"):
            for line in tx.all(text(f"SELECT * FROM {table}")):
                values = dict(line._mapping)  # noqa: SLF001 - its only way
                old.execute(text(f"INSERT INTO {table} VALUES ({', '.join(':' + name for name in values)})"), values)
        old.execute(text("DELETE FROM vault_block WHERE run IN (SELECT run FROM vault_run WHERE kind = 5)"))
        old.execute(text("DELETE FROM vault_run WHERE kind = 5"))
        for run, number, data in old.execute(
            text(
                "SELECT b.run, b.number, b.data FROM vault_block AS b JOIN vault_run AS r ON r.run = b.run AND kind = 1"
            )
        ).all():
            there = runs.read(data)
            there[:, 2:] = runs.halves(b"".join(subject[one] for one in there[:, 2].tolist()))
            old.execute(
                text("UPDATE vault_block SET data = :data WHERE run = :run AND number = :number"),
                {"data": there.astype(">u8").tobytes(), "run": run, "number": number},
            )
    with engine.begin() as connection:
        command.upgrade(config(connection), "head")
    engine.dispose()
    column = [one or "" for one in names]
    with open_store(f"sqlite:///{path}") as after, vault.store.reading() as tx, after.reading() as then:
        keys = vault.keys
        assert lookup(then, keys, cls=NAME, column=column) == lookup(tx, keys, cls=NAME, column=column)
        assert sql_rows.records_by_version(then, scope=vault.scope) == {1: CUSTOMERS + 2}
        tokens = [one or "" for one in lookup(tx, keys, cls=NAME, column=column)]
        for token in (*tokens, *filter(None, lookup(tx, keys, cls=FieldClass.PAN, column=[VISA, MASTERCARD]))):
            assert view(then, keys, whom=token) == view(tx, keys, whom=token)
        numbers = [number for number, _ in sql_rows.subjects_after(then, scope=vault.scope, after=-1, limit=100)]
        assert np.diff(numbers).tolist() == [1] * (CUSTOMERS + 1)
