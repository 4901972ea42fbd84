"""Keyed fingerprints: the specification's vectors, one value, one fingerprint; none for what is never kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.secret import SecretBytes
from tigertally.base.text import Lang
from tigertally.discovery import (
    BadFingerprintKey,
    Finding,
    Fingerprints,
    Inventory,
    fingerprinting,
    from_json,
    origin_of,
    read_key,
    scan_origin,
    to_json,
)
from tigertally.discovery.counting import mixed, unmixed
from tigertally.discovery.fingerprints import has_fingerprint, message
from tigertally.discovery.hits import ID_15, LANDLINE, MOBILE, NATIONAL_ID, PAN
from tigertally.testing import SettableClock

Scan = Callable[..., Inventory]
KEY = bytes(range(32))
PAGE = Path(__file__).parents[3] / "docs/formats/fingerprint.md"
VECTORS = [
    [cell.strip(" `") for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").split("## Vectors")[1].splitlines()
    if line.startswith("| `")
]


@pytest.fixture
def under() -> Fingerprints:
    return Fingerprints(SecretBytes(KEY))


def prints(finding: Finding) -> list[str]:
    """The fingerprints of a finding, which must be in order."""
    text = finding.fingerprints.hex()
    split = [text[at : at + 32] for at in range(0, len(text), 32)]
    assert split == sorted(set(split))
    return split


def by_hand(text: bytes) -> str:
    """AES-256-CMAC by another implementation."""
    mac = CMAC(AES(KEY))
    mac.update(text)
    return mac.finalize().hex()


@pytest.mark.parametrize(("word", "value", "text", "print_"), VECTORS)
def test_the_vectors_of_the_specification(under: Fingerprints, word: str, value: str, text: str, print_: str) -> None:
    code = FIELD_RULES[FieldClass(word)].code
    assert message(code, value).hex() == text
    assert by_hand(bytes.fromhex(text)) == print_
    assert under.of_texts(code, [value])[0].hex() == print_


def test_the_key_has_a_name(under: Fingerprints) -> None:
    assert under.key_id == by_hand(b"tigertally-fp-1")[:16]
    assert f"`{under.key_id}`" in PAGE.read_text(encoding="utf-8")
    assert repr(under) == "<fingerprints>"


def test_numbers_by_column_are_those_one_by_one(under: Fingerprints) -> None:
    spelled = {
        PAN: ["4111111111111111", "6205500000000000004", "30569309025904", "9" * 19, "100000000000"],
        NATIONAL_ID: ["11010119900307002X", "110101199003077715"],
        ID_15: ["110101900307771"],
        MOBILE: ["13800138000"],
        LANDLINE: ["01062345678", "05718123456", "057181234567"],
    }
    for kind, values in spelled.items():
        if kind == NATIONAL_ID:
            column = [int(value[:17]) * 11 + "0123456789X".index(value[17]) for value in values]
        else:
            column = [int(value) for value in values]
        code = NATIONAL_ID if kind == ID_15 else kind
        made = under.of_numbers(kind, np.array(column, np.uint64)).tobytes()
        assert made == b"".join(under.of_texts(code, values))


@given(st.lists(st.integers(0, 2**64 - 1)), st.integers(0, 2**64 - 1))
def test_mixing_is_undone(numbers: list[int], key: int) -> None:
    column = np.array(numbers, np.uint64)
    assert unmixed(mixed(column, key), key).tolist() == numbers


def test_a_value_has_one_fingerprint_wherever_it_stands(under: Fingerprints, scanned: Scan) -> None:
    card, person, mobile, mail = "4111111111111111", "11010119900307002X", "13800138000", "Li@Example.cn"
    rows = "".join(f"{card},{person},+86 {mobile},{mail},张伟,123\n" for _ in range(12))
    records = [{"卡号": card, "身份证": person, "手机": mobile, "邮箱": mail, "姓名": "张伟", "密码": "Hunter22"}] * 12
    with fingerprinting(under):
        found = scanned(
            {
                "a.csv": "卡号,身份证号,手机号,邮箱,姓名,cvv\n" + rows,
                "b.json": json.dumps(records),
                "c.log": f"卡4111 1111 1111 1111 cvv=123 exp=12/27 {person} 电话138-0013-8000 {mail} "
                "姓名：张伟 password=Hunter22\n",
            }
        )
    made: dict[FieldClass, set[str]] = {}
    for finding in found.findings:
        made.setdefault(finding.field, set()).update(prints(finding))
        some = has_fingerprint(FIELD_RULES[finding.field].code)
        assert len(prints(finding)) == (finding.distinct if some else 0)
    values = {
        FieldClass.PAN: card,
        FieldClass.NATIONAL_ID: person,
        FieldClass.MOBILE: mobile,
        FieldClass.EMAIL: mail.lower(),
        FieldClass.NAME: "张伟",
    }
    for cls, value in values.items():
        assert made.pop(cls) == {by_hand(message(FIELD_RULES[cls].code, value))}
    assert set().union(*made.values()) == set()
    assert {FieldClass.CVV, FieldClass.PASSWORD} <= set(made)
    assert found.fingerprint_key == under.key_id
    assert from_json(to_json(found)) == found


def test_without_a_key_there_are_none(scanned: Scan) -> None:
    found = scanned({"a.log": "卡4111111111111111\n"})
    assert found.fingerprint_key is None
    assert [finding.fingerprints for finding in found.findings] == [b""]


def test_a_key_file(tmp_path: Path, under: Fingerprints) -> None:
    path = tmp_path / "fp.key"
    path.write_text(KEY.hex() + "\n")
    with pytest.raises(BadFingerprintKey) as caught:
        path.chmod(0o640)
        read_key(path)
    assert "others may read it" in caught.value.say(Lang.EN)
    path.chmod(0o600)
    assert read_key(path).key_id == under.key_id
    for text in ("", KEY.hex()[:-1], KEY.hex() + "0", KEY.hex().upper(), "g" * 64):
        path.write_text(text)
        with pytest.raises(BadFingerprintKey):
            read_key(path)
    with pytest.raises(BadFingerprintKey):
        read_key(tmp_path / "none")


def test_what_was_scanned_without_the_key_is_read_again(under: Fingerprints, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("卡4111111111111111\n")
    clock = SettableClock(datetime(2026, 3, 2, tzinfo=UTC))

    def rescan(since: Inventory | None) -> Inventory:
        with closing(origin_of(str(tmp_path), clock=clock)) as origin:
            return scan_origin(origin, clock=clock, since=since)

    plain = rescan(None)
    with fingerprinting(under):
        printed = rescan(plain)
        again = rescan(printed)
    assert [len(prints(finding)) for finding in (*printed.findings, *again.findings)] == [1, 1]
    assert [finding.fingerprints for finding in rescan(printed).findings] == [b""]
