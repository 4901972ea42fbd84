"""The estate of a fictional seller: 云杉优选 (Yunshan Youxuan), an online shop about to be sold.

:func:`build` writes what such a company really has lying about: an order database with cards in text and in integer
columns, a customer export in GB18030, a refunds workbook, gateway logs in which card numbers (and a few CVVs) leaked,
a zipped old backup with a backup inside it, service notes in which a card number touches Chinese text, and the file
of clear passwords that nobody admits to. Between them stand decoys: order numbers, millisecond timestamps, IMEIs,
parcel numbers, snowflake ids. The same arguments give the same bytes; nothing here is a real person or card.

Text objects (logs, notes, archive) are in :mod:`tigertally.testing.papers`.
"""

from __future__ import annotations

import csv
import io
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from tigertally.base.fields import FieldClass
from tigertally.testing import numbers, papers, people
from tigertally.testing.numbers import Rng
from tigertally.testing.people import People
from tigertally.testing.truth import Recorder, Truth
from tigertally.testing.workbook import Cell, Sheet, workbook

SELLER_ZH: Final = "云杉优选"
ORDERS_DB: Final = "orders.db"
CRM_CSV: Final = "crm/客户导出.csv"
REFUNDS_XLSX: Final = "finance/退款.xlsx"
BINDINGS_JSONL: Final = "api/bindings.jsonl"
PASSWORDS_CSV: Final = "passwords-old.csv"

_SCHEMA: Final = """
CREATE TABLE customers (
    customer_no TEXT PRIMARY KEY, name TEXT NOT NULL, national_id TEXT NOT NULL UNIQUE, mobile TEXT NOT NULL,
    email TEXT, password_hash TEXT NOT NULL, created TEXT NOT NULL
);
CREATE TABLE cards (
    card_id INTEGER PRIMARY KEY, customer_no TEXT NOT NULL REFERENCES customers, card_no TEXT NOT NULL,
    exp TEXT NOT NULL, device_imei TEXT
);
CREATE TABLE orders (
    order_no INTEGER PRIMARY KEY, customer_no TEXT NOT NULL REFERENCES customers, card_no BIGINT,
    amount_fen INTEGER NOT NULL, paid_at_ms INTEGER NOT NULL, tracking_no TEXT NOT NULL, trace_id INTEGER NOT NULL
);
CREATE INDEX cards_card_no ON cards (card_no);
CREATE INDEX orders_card_no ON orders (card_no);
CREATE VIEW paid_by_card AS
    SELECT o.order_no, c.card_id FROM orders o JOIN cards c ON CAST(o.card_no AS TEXT) = c.card_no;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cards:
    """Columns of equal length, one entry per bound card; ``owner`` is an index into the people."""

    owner: list[int]
    number: list[str] = field(repr=False)
    expiry: list[str] = field(repr=False)


def build(root: Path, *, customers: int = 20_000, seed: int = 1) -> Truth:
    """Write the estate under ``root`` (created; must be empty) and return the truth about it.

    ``customers`` is at least 100. Raises ``ValueError`` for fewer, ``FileExistsError`` if ``root`` holds anything.
    """
    if customers < 100:  # noqa: PLR2004 - shares below this round to nothing
        raise ValueError(customers)
    root.mkdir(parents=True, exist_ok=True)
    if any(root.iterdir()):
        raise FileExistsError(root)
    rng = np.random.default_rng(seed)
    folk = people.invent(rng, customers)
    cards = _bind_cards(rng, customers)
    bound = set(cards.number)
    strangers = [number for number in numbers.card_numbers(rng, customers // 40 + 8) if number not in bound]
    recorder = Recorder()
    _write_orders_db(root / ORDERS_DB, rng, folk, cards, recorder)
    _write_crm(root / CRM_CSV, rng, folk, cards, recorder)
    _write_refunds(root / REFUNDS_XLSX, rng, folk, cards, recorder)
    _write_bindings(root / BINDINGS_JSONL, rng, folk, cards, recorder)
    accounts = _write_passwords(root / PASSWORDS_CSV, rng, folk, recorder)
    sample = papers.Sample(
        people=folk, owner=cards.owner, number=cards.number, expiry=cards.expiry, strangers=strangers
    )
    papers.write_all(root, rng, sample, recorder)
    owners = {number: folk.customer_no[owner] for number, owner in zip(cards.number, cards.owner, strict=True)}
    return recorder.truth(root, customers=customers, owners=owners, accounts=accounts)


def _bind_cards(rng: Rng, customers: int) -> Cards:
    second = np.flatnonzero(rng.random(customers) < 0.25)  # noqa: PLR2004 - share of customers with two cards
    owner = np.concatenate([np.arange(customers), second]).tolist()
    return Cards(owner=owner, number=numbers.card_numbers(rng, len(owner)), expiry=numbers.expiries(rng, len(owner)))


def _write_orders_db(path: Path, rng: Rng, folk: People, cards: Cards, recorder: Recorder) -> None:
    count = len(folk.name) * 3 // 2
    at = rng.integers(0, len(cards.owner), size=count).tolist()
    by_card = (rng.random(count) < 0.7).tolist()  # noqa: PLR2004 - the rest paid with a wallet
    paid_with = [cards.number[card] if paid else None for card, paid in zip(at, by_card, strict=True)]
    order_no = list(dict.fromkeys(numbers.order_numbers(rng, papers.compact_days(rng, count))))
    at, paid_with = at[: len(order_no)], paid_with[: len(order_no)]
    paid_at = papers.millis(rng, len(at))
    parcels, traces = numbers.tracking_numbers(rng, len(at)), numbers.snowflakes(rng, len(at))
    devices = numbers.imeis(rng, len(cards.owner))
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + _SCHEMA)
        database.execute("BEGIN")
        database.executemany(
            "INSERT INTO customers VALUES (?,?,?,?,?,?,?)",
            zip(
                folk.customer_no,
                folk.name,
                folk.national_id,
                folk.mobile,
                folk.email,
                folk.password_hash,
                folk.created,
                strict=True,
            ),
        )
        owners = [folk.customer_no[owner] for owner in cards.owner]
        database.executemany(
            "INSERT INTO cards (customer_no, card_no, exp, device_imei) VALUES (?,?,?,?)",
            zip(owners, cards.number, cards.expiry, devices, strict=True),
        )
        database.executemany(
            "INSERT INTO orders VALUES (?,?,?,?,?,?,?)",
            zip(
                map(int, order_no),
                [owners[card] for card in at],
                [int(number) if number else None for number in paid_with],
                rng.integers(990, 900_000, size=len(at)).tolist(),
                map(int, paid_at),
                parcels,
                map(int, traces),
                strict=True,
            ),
        )
        database.execute("COMMIT")
    recorder.wrote(ORDERS_DB, FieldClass.NAME, folk.name)
    recorder.wrote(ORDERS_DB, FieldClass.NATIONAL_ID, folk.national_id)
    recorder.wrote(ORDERS_DB, FieldClass.MOBILE, folk.mobile)
    recorder.wrote(ORDERS_DB, FieldClass.EMAIL, folk.email)
    recorder.wrote(ORDERS_DB, FieldClass.PASSWORD_HASH, folk.password_hash)
    recorder.wrote(ORDERS_DB, FieldClass.EXPIRY, cards.expiry)
    recorder.wrote(ORDERS_DB, FieldClass.PAN, [*cards.number, *paid_with])
    for decoys in (order_no, paid_at, parcels, traces, devices):
        recorder.lures(ORDERS_DB, decoys)


def _write_crm(path: Path, rng: Rng, folk: People, cards: Cards, recorder: Recorder) -> None:
    first_card = dict(zip(reversed(cards.owner), reversed(cards.number), strict=True))
    remarks, leaked = papers.remarks(rng, [first_card[owner] for owner in range(len(folk.name))])
    header = ("客户编号", "姓名", "身份证号", "手机号", "备注")
    columns = (folk.customer_no, folk.name, folk.national_id, folk.mobile, remarks)
    _write(path, _csv_text(header, columns).encode("gb18030"))
    recorder.wrote(CRM_CSV, FieldClass.NAME, folk.name)
    recorder.wrote(CRM_CSV, FieldClass.NATIONAL_ID, folk.national_id)
    recorder.wrote(CRM_CSV, FieldClass.MOBILE, folk.mobile)
    recorder.wrote(CRM_CSV, FieldClass.PAN, leaked)


def _write_refunds(path: Path, rng: Rng, folk: People, cards: Cards, recorder: Recorder) -> None:
    count = max(20, len(folk.name) // 25)
    sheets = []
    for year in ("2025", "2026"):
        at = rng.integers(0, len(cards.owner), size=count).tolist()
        numbers_of, names = [cards.number[card] for card in at], [folk.name[cards.owner[card]] for card in at]
        orders = numbers.order_numbers(rng, [f"{year}0{1 + card % 3}15" for card in at])
        amounts: list[Cell] = [round(fen / 100, 2) for fen in rng.integers(100, 300_000, size=count).tolist()]
        sheets.append(
            Sheet(
                name=f"{year}年退款",
                header=("客户编号", "持卡人", "卡号", "退款单号", "金额", "日期"),
                columns=(
                    [folk.customer_no[cards.owner[card]] for card in at],
                    [*names],
                    [*numbers_of],
                    [*orders],
                    amounts,
                    [*people.days(rng, count, first=f"{year}-01-01", last=f"{year}-03-31")],
                ),
            )
        )
        recorder.wrote(REFUNDS_XLSX, FieldClass.NAME, names)
        recorder.wrote(REFUNDS_XLSX, FieldClass.PAN, numbers_of)
        recorder.lures(REFUNDS_XLSX, orders)
    _write(path, workbook(tuple(sheets)))


def _write_bindings(path: Path, rng: Rng, folk: People, cards: Cards, recorder: Recorder) -> None:
    at = rng.integers(0, len(cards.owner), size=max(20, len(folk.name) // 10)).tolist()
    stamps, devices = papers.millis(rng, len(at)), numbers.imeis(rng, len(at))
    lines = [
        f'{{"ts": {stamp}, "customer_no": "{folk.customer_no[cards.owner[card]]}", "device": {{"imei": "{imei}"}}, '
        f'"card": {{"no": "{cards.number[card]}", "exp": "{cards.expiry[card]}"}}, "ok": true}}'
        for card, stamp, imei in zip(at, stamps, devices, strict=True)
    ]
    _write(path, ("\n".join(lines) + "\n").encode())
    recorder.wrote(BINDINGS_JSONL, FieldClass.PAN, [cards.number[card] for card in at])
    recorder.wrote(BINDINGS_JSONL, FieldClass.EXPIRY, [cards.expiry[card] for card in at])
    recorder.lures(BINDINGS_JSONL, [*stamps, *devices])


def _write_passwords(path: Path, rng: Rng, folk: People, recorder: Recorder) -> int:
    count = min(len(folk.name), max(50, len(folk.name) // 50))
    picks = rng.choice(len(folk.name), size=count, replace=False).tolist()
    passwords = people.clear_passwords(rng, count)
    names = [folk.name[at] for at in picks]
    columns = (
        [folk.customer_no[at] for at in picks],
        names,
        passwords,
        people.days(rng, count, first="2016-01-01", last="2019-12-31"),
    )
    _write(path, _csv_text(("customer_no", "name", "password", "last_login"), columns).encode("utf-8-sig"))
    recorder.wrote(PASSWORDS_CSV, FieldClass.NAME, names)
    recorder.wrote(PASSWORDS_CSV, FieldClass.PASSWORD, passwords)
    return count


def _csv_text(header: tuple[str, ...], columns: tuple[list[str], ...]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
