"""Columns of the classes that have no check digit of their own, and the algorithms of password hashes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tigertally.base.fields import FieldClass as F
from tigertally.discovery import Confidence, Inventory, PlaceKind

Scan = Callable[..., Inventory]
COUNT = 30
COLUMNS: dict[str, tuple[F, Callable[[int], str]]] = {
    "护照号码": (F.PASSPORT, lambda at: f"E{12345678 + at * 7919:08d}"[:9]),
    "收货地址": (F.ADDRESS, lambda at: f"浙江省杭州市西湖区文三路{at + 1}号2单元"),
    "home_address": (F.ADDRESS, lambda at: f"{at + 1} Baker Street"),
    "座机": (F.LANDLINE, lambda at: f"0571-8123{4000 + at}"),
    "公司电话": (F.LANDLINE, lambda at: f"(010)6234{5000 + at}"),
    "收款账号": (F.BANK_ACCOUNT, lambda at: f"3305016161350000{at:04d}"),
    "cardToken": (F.PAYMENT_TOKEN, lambda at: f"pt_8Kd73hJs92kL{at:04d}"),
    "pin_block": (F.PIN, lambda at: f"{0xA1B2C3D4E5F60718 + at * 104729:016X}"),
    "邮箱": (F.EMAIL, lambda at: f"user{at}@example.com"),
    "iban": (F.IBAN, lambda _: "DE89370400440532013000"),
}


@pytest.mark.parametrize("header", COLUMNS)
def test_a_column_is_what_it_is(scanned: Scan, header: str) -> None:
    cls, cell = COLUMNS[header]
    text = f"n,{header}\n" + "".join(f"{at},{cell(at)}\n" for at in range(COUNT))
    firm = [one for one in scanned({"a.csv": text}).findings if one.tier is not Confidence.POSSIBLE]
    assert [(one.field, one.place.name, one.count) for one in firm] == [(cls, header, COUNT)]


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("ip_address", lambda at: f"10.0.{at}.7"),
        ("email_address_type", lambda at: ("home", "work")[at % 2]),
        ("account", lambda at: f"user{at}"),
        ("telephone_type", lambda _: "fax"),
        ("csrf_token", lambda at: f"8Kd73hJs92kL{at:04d}"),
        ("passport_status", lambda _: "valid"),
    ],
)
def test_a_column_of_something_else_is_not(scanned: Scan, header: str, cell: Callable[[int], str]) -> None:
    text = f"n,{header}\n" + "".join(f"{at},{cell(at)}\n" for at in range(COUNT))
    assert [one for one in scanned({"a.csv": text}).findings if one.tier is not Confidence.POSSIBLE] == []


HASHES = {
    "bcrypt": "$2b$12$" + "abcdefghijklmnopqrstuuWl7G4jJ0r8VtqZlW1mWvXq5nJpP0Jm6"[:53].ljust(53, "a"),
    "argon2id": "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo",
    "scrypt": "scrypt:32768:8:1$saltsaltsalt$" + "0a1b" * 32,
    "pbkdf2": "pbkdf2_sha256$600000$saltsalt$Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmE=",
    "md5": "5f4dcc3b5aa765d61d8327deb882cf99",
    "sha1": "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
    "sha256 or sm3": "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
}


@pytest.mark.parametrize("algorithm", HASHES)
@pytest.mark.parametrize("name", ["a.log", "a.csv", "notes.csv"])
def test_a_password_hash_has_its_algorithm(scanned: Scan, algorithm: str, name: str) -> None:
    value = HASHES[algorithm]
    text = {
        "a.log": f"user=li password={value} ok\n",
        "a.csv": "n,password\n" + "".join(f'{at},"{value}"\n' for at in range(COUNT)),
        "notes.csv": "n,备注\n" + "".join(f'{at},"用户 li 的密码：{value} 已重置"\n' for at in range(COUNT)),
    }[name]
    found = scanned({name: text}).findings
    assert {(one.field, one.detail) for one in found} == {(F.PASSWORD_HASH, algorithm)}
    assert found[0].place.kind is (PlaceKind.TEXT if name == "a.log" else PlaceKind.COLUMN)
