"""Recall and precision on a small mixed corpus with exact truth: forms × carriers, and decoys that must stay decoys."""

from __future__ import annotations

import hashlib
import io
import json
import uuid
from collections.abc import Callable

import numpy as np
import openpyxl
import pytest

from tigertally.base.fields import FieldClass as F
from tigertally.discovery import Confidence, Inventory
from tigertally.testing import numbers

Scan = Callable[..., Inventory]
Rng = np.random.Generator
COUNT = 400


def grouped(card: str, separator: str) -> str:
    """In groups of four."""
    return separator.join(card[start : start + 4] for start in range(0, len(card), 4))


def wide(card: str) -> str:
    """In full-width digits."""
    return card.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})


FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda card: card,
    "blanks": lambda card: grouped(card, " "),
    "dashes": lambda card: grouped(card, "-"),
    "wide": wide,
    "wide groups": lambda card: wide(grouped(card, " ")).replace(" ", "\u3000"),
    "glued": lambda card: f"卡号{card}元",
    "amount beside": lambda card: f"2024-07-16 {card} 100.00",
}
CARRIERS: dict[str, Callable[[list[str]], bytes]] = {
    "a.log": lambda cells: "".join(f"INFO pay card: {cell} ok\n" for cell in cells).encode(),
    "gbk.txt": lambda cells: "".join(f"客户来电，卡号：{cell}，已核对\n" for cell in cells).encode("gb18030"),
    "wide.txt": lambda cells: "".join(f"客户来电，卡号：{cell}，已核对\n" for cell in cells).encode("utf-16-le"),
    "a.csv": lambda cells: (
        "序号,卡号,金额\n" + "".join(f"{n},{cell},1.00\n" for n, cell in enumerate(cells))
    ).encode(),
    "gbk.csv": lambda cells: ("a,备注\n" + "".join(f"{n},卡{cell}退\n" for n, cell in enumerate(cells))).encode(
        "gb18030"
    ),
    "a.jsonl": lambda cells: "".join(json.dumps({"card": {"no": cell}}) + "\n" for cell in cells).encode(),
    "a.json": lambda cells: json.dumps({"rows": [{"msg": f"银行卡{cell}。"} for cell in cells]}).encode(),
    "a.sql": lambda cells: "".join(f"INSERT INTO t VALUES ({n},'{cell}');\n" for n, cell in enumerate(cells)).encode(),
}


def workbook(cells: list[str]) -> bytes:
    """One sheet with a card column."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["序号", "卡号"])
    for index, cell in enumerate(cells):
        sheet.append([index, cell])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


CARRIERS["a.xlsx"] = workbook


def counts(inventory: Inventory, cls: F) -> tuple[int, int]:
    """How many values at certain or likely, and at any tier."""
    mine = [one for one in inventory.findings if one.field is cls]
    return sum(one.count for one in mine if one.tier is not Confidence.POSSIBLE), sum(one.count for one in mine)


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("form", FORMS)
def test_cards_are_found_in_every_form_and_carrier(scanned: Scan, rng: Rng, form: str, carrier: str) -> None:
    cards = numbers.card_numbers(rng, COUNT)
    found = scanned({carrier: CARRIERS[carrier]([FORMS[form](card) for card in cards])})
    sure, at_all = counts(found, F.PAN)
    assert sure >= 0.999 * COUNT
    assert at_all <= 1.01 * COUNT


@pytest.mark.parametrize("carrier", ["a.log", "gbk.txt", "wide.txt", "a.jsonl", "a.sql"])
def test_ids_are_found_as_ids(scanned: Scan, rng: Rng, carrier: str) -> None:
    ids = numbers.national_ids(rng, COUNT)
    found = scanned({carrier: CARRIERS[carrier]([f"身份证{id_}" for id_ in ids])})
    assert counts(found, F.NATIONAL_ID)[0] >= 0.999 * COUNT
    assert counts(found, F.PAN)[0] == 0


DECOYS: dict[str, Callable[[Rng], list[str]]] = {
    "order_no": lambda rng: numbers.order_numbers(rng, ["20240716"] * COUNT),
    "订单号": lambda rng: numbers.texts(numbers.drawn(rng, COUNT, 16)),
    "payment ref": lambda rng: ["4" + text for text in numbers.texts(numbers.drawn(rng, 3 * COUNT, 15))],
    "imei": lambda rng: numbers.imeis(rng, COUNT),
    "iccid": lambda rng: ["898600" + text for text in numbers.texts(numbers.drawn(rng, COUNT, 14))],
    "tracking": lambda rng: numbers.tracking_numbers(rng, COUNT),
    "snowflake": lambda rng: numbers.snowflakes(rng, COUNT),
    "ts": lambda rng: [str(1_700_000_000_000 + value) for value in rng.integers(0, 10**11, COUNT).tolist()],
    "time": lambda rng: [f"20240716{value:06d}" for value in rng.integers(0, 235959, COUNT).tolist()],
    "uuid": lambda rng: [str(uuid.UUID(bytes=rng.bytes(16))) for _ in range(COUNT)],
    "digits": lambda rng: [str(uuid.UUID(int=int(text))) for text in numbers.texts(numbers.drawn(rng, COUNT, 32))],
    "rate": lambda rng: [f"0.{text}" for text in numbers.texts(numbers.drawn(rng, COUNT, 16))],
    "sha": lambda rng: [hashlib.sha256(rng.bytes(8)).hexdigest() for _ in range(COUNT)],
    "wechat": lambda rng: ["42000020240716" + text for text in numbers.texts(numbers.drawn(rng, COUNT, 14))],
    "damaged": lambda rng: [f"{card[:-1]}{(int(card[-1]) + 1) % 10}" for card in numbers.card_numbers(rng, COUNT)],
}


@pytest.mark.parametrize("label", DECOYS)
@pytest.mark.parametrize("name", ["a.log", "a.csv", "a.jsonl"])
def test_decoys_stay_decoys(scanned: Scan, rng: Rng, label: str, name: str) -> None:
    values = DECOYS[label](rng)
    content = {
        "a.log": "".join(f"2024-07-16 08:00:00.123 INFO {label}={value} done in 12 ms\n" for value in values),
        "a.csv": f"n,{label},x\n" + "".join(f"{index},{value},y\n" for index, value in enumerate(values)),
        "a.jsonl": "".join(json.dumps({"n": index, label: value}) + "\n" for index, value in enumerate(values)),
    }[name]
    found = scanned({name: content})
    assert [one for one in found.findings if one.tier is not Confidence.POSSIBLE] == []
