"""Laws of fitting tokens: the value's length, nobody else's token, never a value, nothing that our scanner finds."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.vault.tokentexts import card_texts, derived, nobody

from tigertally import discovery
from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.secret import SecretBytes
from tigertally.crypto.cmac import ColumnMac
from tigertally.testing import numbers, people
from tigertally.testing.clock import SettableClock
from tigertally.vault import fitting
from tigertally.vault.cards import CardTokens
from tigertally.vault.fitting import FittingTokens, is_regular

F = FieldClass
KEY = ColumnMac(SecretBytes(bytes(32)))
TOKENS = FittingTokens(KEY)
COUNT = 600
HEADINGS = {
    F.NATIONAL_ID: "身份证号",
    F.MOBILE: "手机号",
    F.LANDLINE: "固定电话",
    F.BANK_ACCOUNT: "银行账号",
    F.PASSPORT: "护照号码",
    F.USCC: "统一社会信用代码",
    F.IBAN: "iban",
    F.NAME: "姓名",
    F.EMAIL: "email",
    F.ADDRESS: "地址",
    F.PAN: "银行卡号",
}
DIGITS = "0123456789"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def spelled(cls: FieldClass, values: list[str]) -> list[str | None]:
    """Fitting tokens of values that the vault knows."""
    codes = [FIELD_RULES[cls].code] * len(values)
    return TOKENS.spell(cls, values, derived(KEY, codes, [value.encode() for value in values]))


def digits(least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(DIGITS, min_size=least, max_size=most)


def checked(body: st.SearchStrategy[str], cls: FieldClass, ends: list[str], at: int) -> st.SearchStrategy[str]:
    """Bodies with the one of ``ends`` put in at ``at`` that makes a value of the class."""

    def complete(text: str) -> str:
        tried = (text[:at] + end + text[at:] for end in ends)
        return next(value for value in tried if is_regular(cls, value))

    return body.map(complete)


USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
REGULAR: dict[FieldClass, st.SearchStrategy[str]] = {
    F.NATIONAL_ID: checked(digits(17, 17), F.NATIONAL_ID, list(DIGITS + "X"), 17),
    F.MOBILE: digits(10, 10).map("1".__add__),
    F.LANDLINE: st.from_regex(r"0[0-9]{2,3}-?[0-9]{7,8}", fullmatch=True),
    F.BANK_ACCOUNT: digits(9, 30),
    F.PASSPORT: st.from_regex(r"[A-Z]{1,2}[0-9]{6,9}|[0-9]{9}", fullmatch=True),
    F.USCC: checked(st.text(USCC, min_size=17, max_size=17), F.USCC, list(USCC), 17),
    F.IBAN: checked(
        st.tuples(st.text(UPPER, min_size=2, max_size=2), st.text(UPPER + DIGITS, min_size=11, max_size=30)).map(
            "".join
        ),
        F.IBAN,
        [f"{check:02d}" for check in range(2, 99)],
        2,
    ),
}


@pytest.mark.parametrize("cls", list(REGULAR))
def test_values_have_each_their_own_token_of_their_length_and_get_it_back(cls: FieldClass) -> None:
    loose = [F.NATIONAL_ID, F.MOBILE, F.LANDLINE]
    values = st.one_of(REGULAR[cls], digits(5, 30)) if cls in loose else REGULAR[cls]

    @given(st.lists(values, unique=True, min_size=1, max_size=30))
    @settings(deadline=None, max_examples=40)
    def law(values: list[str]) -> None:
        made = spelled(cls, values)
        assert spelled(cls, values) == made
        assert len(set(made)) == len(values)
        for value, token in zip(values, made, strict=True):
            assert token is not None
            assert len(token) == len(value)
            assert not is_regular(cls, token)
            assert TOKENS.values_of([token]).get(0) == (cls, value)
            assert fitting.stored_part(token) is None
        other = FittingTokens(ColumnMac(SecretBytes(b"\x01" * 32)))
        assert set(other.spell(cls, values, [""] * len(values))).isdisjoint(made)

    law()


@given(st.text())
def test_any_text_may_be_asked_about(text: str) -> None:
    found = TOKENS.values_of([text]).get(0)
    assert found is None or spelled(found[0], [found[1]]) == [text]
    stored = fitting.stored_part(text)
    assert stored is None or stored.startswith("tok_")


@pytest.mark.parametrize("cls", list(fitting.FIXED_CHARS))
def test_what_has_no_form_of_its_own_borrows_the_vaults_letters(cls: FieldClass) -> None:
    values = ["虚构甲", "li@example.cn", "", "x" * 900]
    stored = derived(KEY, [FIELD_RULES[cls].code] * 4, [value.encode() for value in values])
    made = TOKENS.spell(cls, values, stored)
    assert len(set(made)) == 4
    for token, whole in zip(made, stored, strict=True):
        assert token is not None
        assert len(token) == fitting.FIXED_CHARS[cls]
        part = fitting.stored_part(token)
        assert part is not None
        assert whole.startswith(part)
        assert (whole == part) is (cls is not F.NAME)
        assert TOKENS.values_of([token]).get(0) is None
    assert TOKENS.spell(cls, ["a", "b"], [None, "7000000000001111"]) == [None, None]


def test_what_has_no_form_has_no_token() -> None:
    assert spelled(F.MOBILE, ["+852 9123 4567", "", "1234", "13800138000"])[:3] == [None, None, None]
    assert spelled(F.NATIONAL_ID, ["11010119900307003X"]) == [None]
    assert TOKENS.spell(F.MOBILE, ["13800138000"], [None]) == [None]
    assert TOKENS.values_of(["pzzzzzzzz"]).get(0) is None
    assert TOKENS.values_of(["bzzzzzzzzz"]).get(0) is None


def test_classes_do_not_share_tokens() -> None:
    """By their first characters, even where the values are the same text."""
    values = ["13800138000", "123456789", "E12345678", "01062345678"]
    made = {cls: [token for token in spelled(cls, values) if token] for cls in REGULAR}
    every = [token for tokens in made.values() for token in tokens]
    assert len(set(every)) == len(every)


def test_a_whole_domain_has_as_many_tokens() -> None:
    """Mobile numbers in a row, accounts, IDs whose tokens' check characters must all be wrong."""
    for cls, values in (
        (F.MOBILE, [f"138{number:08d}" for number in range(300_000)]),
        (F.BANK_ACCOUNT, [f"{number:09d}" for number in range(0, 999_999_999, 9_973)]),
        (F.NATIONAL_ID, numbers.national_ids(np.random.default_rng(1), 50_000)),
    ):
        made = spelled(cls, values)
        assert len(set(made)) == len(set(values))
        assert not any(is_regular(cls, token or "") for token in made)


def samples() -> dict[FieldClass, list[str]]:
    """Invented values of every class."""
    rng = np.random.default_rng(5)
    ids, mobiles, names = (
        numbers.national_ids(rng, COUNT),
        numbers.mobiles(rng, COUNT),
        people.names(rng, COUNT),
    )
    tails = rng.integers(10**7, 10**8, COUNT).tolist()

    def drawn(cls: FieldClass) -> list[str]:
        source = np.random.default_rng(7)
        wide = USCC if cls is F.USCC else DIGITS
        heads = ["91350211"] if cls is F.USCC else ["DE"]
        size = 9 if cls is F.USCC else 18
        out = []
        for _ in range(COUNT):
            body = heads[0] + "".join(wide[at] for at in source.integers(0, len(wide), size))
            tried = (
                (body + end for end in USCC)
                if cls is F.USCC
                else (f"{body[:2]}{n:02d}{body[2:]}" for n in range(2, 99))
            )
            out.append(next(value for value in tried if is_regular(cls, value)))
        return out

    return {
        F.NATIONAL_ID: ids,
        F.MOBILE: mobiles,
        F.LANDLINE: [f"0{10 + at % 20}-{tail}" if at % 2 else f"010{tail}" for at, tail in enumerate(tails)],
        F.BANK_ACCOUNT: [f"12020203{tail}{at:03d}" for at, tail in enumerate(tails)],
        F.PASSPORT: [f"E{tail}" for tail in tails],
        F.USCC: drawn(F.USCC),
        F.IBAN: drawn(F.IBAN),
        F.NAME: names,
        F.EMAIL: [f"user{tail}@example.cn" for tail in tails],
        F.PAN: numbers.card_numbers(rng, COUNT),
        F.ADDRESS: [f"浙江省杭州市西湖区文三路{tail % 900 + 1}号" for tail in tails],
    }


def written(folder: Path, column: dict[FieldClass, list[str]]) -> None:
    """Write the columns as a table, as text with labels, as records and as a database."""
    heads = [HEADINGS[cls] for cls in column]
    rows = list(zip(*column.values(), strict=True))
    table = io.StringIO()
    csv.writer(table).writerows([heads, *rows])
    (folder / "table.csv").write_text(table.getvalue(), encoding="utf-8")
    (folder / "labels.log").write_text(
        "".join(f"{head}：{cell}，已登记\n" for row in rows for head, cell in zip(heads, row, strict=True)),
        encoding="utf-8",
    )
    (folder / "bare.txt").write_text("".join(f"note {cell} end\n" for row in rows for cell in row), encoding="utf-8")
    (folder / "records.jsonl").write_text(
        "".join(json.dumps(dict(zip(heads, row, strict=True)), ensure_ascii=False) + "\n" for row in rows),
        encoding="utf-8",
    )
    with closing(sqlite3.connect(folder / "base.db")) as base:
        base.execute("CREATE TABLE t (" + ", ".join(f'"{head}" TEXT' for head in heads) + ")")
        base.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(heads))})", rows)
        base.commit()


def found(folder: Path) -> list[tuple[str, str, str, int]]:
    inventory = discovery.scan(folder, clock=SettableClock(datetime(2026, 3, 2, tzinfo=UTC)))
    return [(one.object, one.field.value, one.tier.value, one.count) for one in inventory.findings]


def test_our_own_scanner_finds_none_of_them(tmp_path: Path) -> None:
    """The same columns hold values that it does find, so it would see tokens that could be taken for values."""
    clear, sealed = tmp_path / "clear", tmp_path / "sealed"
    clear.mkdir()
    sealed.mkdir()
    values = samples()
    written(clear, values)
    assert {cls.value for cls in values} <= {field for _, field, _, _ in found(clear)}
    cards = values.pop(F.PAN)
    made = {cls: [token or "" for token in spelled(cls, column)] for cls, column in values.items()}
    assert all(all(column) for column in made.values())
    written(sealed, {**made, F.PAN: card_texts(CardTokens(KEY).draw(cards, taken=nobody))})
    assert found(sealed) == []
