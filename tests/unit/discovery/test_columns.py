"""What a column is, by its header and its cells."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tigertally.base.fields import FieldClass as F
from tigertally.discovery import Confidence, Evidence, Finding, Inventory
from tigertally.testing import numbers, people

CERTAIN, LIKELY, POSSIBLE = Confidence
Rows = dict[str, list[str]]


def csv(columns: Rows) -> str:
    """A CSV file of columns."""
    return "\n".join([",".join(columns), *(",".join(row) for row in zip(*columns.values(), strict=True))]) + "\n"


def by_column(inventory: Inventory) -> dict[str | None, list[Finding]]:
    """Findings by the name of their column."""
    found: dict[str | None, list[Finding]] = {}
    for one in inventory.findings:
        found.setdefault(one.place.name, []).append(one)
    return found


def only(findings: list[Finding]) -> Finding:
    """The one finding."""
    (found,) = findings
    return found


def test_columns_of_a_customer_table(scanned: Callable[..., Inventory], rng: np.random.Generator) -> None:
    count = 300
    invented = people.invent(rng, count)
    table = {
        "客户编号": invented.customer_no,
        "姓名": invented.name,
        "身份证号": invented.national_id,
        "手机号": invented.mobile,
        "卡号": numbers.card_numbers(rng, count),
        "有效期": numbers.expiries(rng, count),
        "CVV2": [f"{value:03d}" for value in rng.integers(0, 1000, count).tolist()],
        "密码": invented.password_hash,
        "订单号": numbers.order_numbers(rng, ["20240716"] * count),
        "imei": numbers.imeis(rng, count),
    }
    columns = by_column(scanned({"客户.csv": csv(table)}))
    for name, cls in (("姓名", F.NAME), ("身份证号", F.NATIONAL_ID), ("手机号", F.MOBILE), ("卡号", F.PAN)):
        one = only(columns[name])
        assert (one.field, one.tier, one.count, one.cells) == (cls, CERTAIN, count, count)
        assert one.distinct == len(set(table[name]))
    assert (only(columns["CVV2"]).field, only(columns["CVV2"]).tier) == (F.CVV, CERTAIN)
    assert (only(columns["有效期"]).field, only(columns["有效期"]).tier) == (F.EXPIRY, CERTAIN)
    assert {(one.field, one.detail) for one in columns["密码"]} == {
        (F.PASSWORD_HASH, "bcrypt"),
        (F.PASSWORD_HASH, "md5"),
    }
    assert sum(one.count for one in columns["密码"]) == count
    assert all(one.tier is POSSIBLE for name in ("订单号", "imei", "客户编号") for one in columns.get(name, []))


def test_cards_are_proved_by_their_share_without_a_header(
    scanned: Callable[..., Inventory], rng: np.random.Generator
) -> None:
    cards = numbers.card_numbers(rng, 60)
    rows = "".join(f"{index},{card}\n" for index, card in enumerate(cards))
    one = only(by_column(scanned({"x.csv": rows}))["#2"])
    assert (one.field, one.tier, one.count) == (F.PAN, CERTAIN, 60)
    assert Evidence.PASS_RATE in {reason.evidence for reason in one.reasons}


def test_chance_level_is_told_as_chance(scanned: Callable[..., Inventory], rng: np.random.Generator) -> None:
    ids = ["4" + text for text in numbers.texts(numbers.drawn(rng, 2000, 15))]
    found = by_column(scanned({"x.csv": csv({"key": [str(index) for index in range(2000)], "value": ids})}))
    one = only(found["value"])
    assert one.tier is POSSIBLE
    assert 120 < one.count < 280
    assert Evidence.CHANCE in {reason.evidence for reason in one.reasons}


def test_a_card_inside_a_note_is_found_in_its_column(scanned: Callable[..., Inventory]) -> None:
    rows = (
        "id,备注\n" + "".join(f"{index},正常\n" for index in range(50)) + "50,退卡号4111111111111111谢谢，安全码123\n"
    )
    found = by_column(scanned({"n.csv": rows}))["备注"]
    assert {(one.field, one.count, one.cells) for one in found} == {(F.PAN, 1, 51), (F.CVV, 1, 51)}


def test_a_code_column_without_cards_is_likely_only(scanned: Callable[..., Inventory]) -> None:
    rows = "id,cvv\n" + "".join(f"{index},{index + 100}\n" for index in range(50))
    assert only(by_column(scanned({"c.csv": rows}))["cvv"]).tier is LIKELY


@pytest.mark.parametrize(
    ("header", "cells", "detail"),
    [
        ("password", ["hunter22", "Spring2019!", "123456", "qwertz"], "clear"),
        ("pwd", ["5f4dcc3b5aa765d61d8327deb882cf99"] * 4, "md5"),
        ("passwd", ["5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"] * 4, "sha1"),
        ("密码", ["5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"] * 4, "sha256 or sm3"),
        ("x", ["$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA"] * 4, "argon2id"),
        ("x", ["pbkdf2_sha256$260000$salt$aGFzaA=="] * 4, "pbkdf2"),
        ("x", ["scrypt:32768:8:1$salt$00ff"] * 4, "scrypt"),
        ("x", ["$6$saltsalt$" + "a" * 86] * 4, "sha512-crypt"),
    ],
)
def test_passwords_are_named_by_how_they_are_stored(
    scanned: Callable[..., Inventory], header: str, cells: list[str], detail: str
) -> None:
    rows = f"user\t{header}\n" + "".join(f"u{index}\t{cell}\n" for index, cell in enumerate(cells))
    one = only(by_column(scanned({"p.tsv": rows}))[header])
    assert one.field is (F.PASSWORD if detail == "clear" else F.PASSWORD_HASH)
    assert (one.tier, one.detail) == (CERTAIN, detail)


def test_digests_that_nobody_calls_passwords_are_none(scanned: Callable[..., Inventory]) -> None:
    rows = "file,md5\n" + "".join(f"f{index},{index:032x}\n" for index in range(40))
    assert by_column(scanned({"sums.csv": rows})) == {}


@pytest.mark.parametrize("header", ["password_updated_at", "密码修改时间"])
def test_a_column_about_passwords_holds_none(scanned: Callable[..., Inventory], header: str) -> None:
    rows = f"user,{header}\n" + "".join(f"u{index},2024-07-{index + 1:02d}\n" for index in range(20))
    assert by_column(scanned({"p.csv": rows})) == {}


def test_chinese_names_are_known_without_a_header_word(
    scanned: Callable[..., Inventory], rng: np.random.Generator
) -> None:
    names = people.names(rng, 200)
    rows = "编号,谁\n" + "".join(f"{index},{name}\n" for index, name in enumerate(names))
    one = only(by_column(scanned({"n.csv": rows}))["谁"])
    assert (one.field, one.tier) == (F.NAME, LIKELY)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("城市", ["北京", "上海", "广州", "深圳", "成都", "杭州", "武汉", "西安", "重庆", "南京", "黄山", "高雄"]),
        ("什么", ["红色", "黄色", "白色", "蓝色", "绿色", "黑色", "紫色", "灰色", "金色", "银色", "棕色", "粉色"]),
        (
            "商品名称",
            [
                "王老吉",
                "李宁鞋",
                "张飞牛肉",
                "马应龙",
                "康师傅",
                "陈皮糖",
                "徐福记",
                "周黑鸭",
                "江小白",
                "胡辣汤",
                "金龙鱼",
                "安慕希",
            ],
        ),
    ],
)
def test_other_words_are_no_names(scanned: Callable[..., Inventory], header: str, words: list[str]) -> None:
    rows = f"id,{header}\n" + "".join(f"{index},{words[index % len(words)]}\n" for index in range(240))
    assert by_column(scanned({"w.csv": rows})) == {}


def test_emails_ibans_and_latin_names(scanned: Callable[..., Inventory]) -> None:
    rows = "full_name,contact,account\n" + "".join(
        f"Jane Q. Doe{chr(97 + index)},jane{index}@example.com,DE89370400440532013000\n" for index in range(20)
    )
    found = by_column(scanned({"e.csv": rows}))
    assert (only(found["full_name"]).field, only(found["full_name"]).tier) == (F.NAME, CERTAIN)
    assert only(found["contact"]).field is F.EMAIL
    assert (only(found["account"]).field, only(found["account"]).distinct) == (F.IBAN, 1)


def test_a_card_column_that_a_spreadsheet_destroyed_is_reported_as_such(
    scanned: Callable[..., Inventory], rng: np.random.Generator
) -> None:
    cards = [f"{float(card):.14E}".replace("E+", "E+") for card in numbers.card_numbers(rng, 40)]
    rows = "id,卡号\n" + "".join(f"{index},{card}\n" for index, card in enumerate(cards))
    one = only(by_column(scanned({"d.csv": rows}))["卡号"])
    assert (one.field, one.tier, one.detail, one.examples) == (F.PAN, LIKELY, "damaged", ())


def test_published_test_numbers_are_counted(scanned: Callable[..., Inventory]) -> None:
    rows = "id,card_no\n1,4111111111111111\n2,5555555555554444\n3,6222020000000000006\n"
    one = by_column(scanned({"t.csv": rows}))["card_no"][0]
    assert [reason.number for reason in one.reasons if reason.evidence is Evidence.TEST_NUMBERS] == [2]


def test_examples_are_masked_and_few(scanned: Callable[..., Inventory], rng: np.random.Generator) -> None:
    cards = numbers.card_numbers(rng, 30)
    one = only(by_column(scanned({"m.csv": csv({"k": cards, "card_no": cards})}))["card_no"])
    assert len(one.examples) == 3
    assert all(shown.startswith("****") and len(shown) == 8 for shown in one.examples)


def test_tokens_in_a_password_column_are_no_passwords(scanned: Callable[..., Inventory]) -> None:
    tokens = [f"tok_pw0123456789abcdefghjkmnpq{n:02d}" for n in range(40)]
    found = scanned({"copy.csv": csv({"user_name": [f"u{n}" for n in range(40)], "password": tokens})}).findings
    assert [one for one in found if one.field in {F.PASSWORD, F.PASSWORD_HASH}] == []
