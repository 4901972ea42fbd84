from __future__ import annotations

import pytest
from sqlalchemy import select, text

from tigertally.base.fields import FieldClass
from tigertally.base.limits import VALUE_CHARS_MAX
from tigertally.formats.part import FIELDS_MAX
from tigertally.store.tx import Tx
from tigertally.vault import (
    Rejection,
    SadRefused,
    counts,
    find,
    lookup,
    resolve,
    rows,
    seal_batch,
    spelling,
    view,
)
from tigertally.vault.index import runs
from tigertally.vault.index import sql as sql_index
from tigertally.vault.rows import sql as sql_rows

from .conftest import AMEX, MASTERCARD, UNIONPAY_19, VISA, Column, Vault, on_sqlite

PAN, NAME, MOBILE = FieldClass.PAN, FieldClass.NAME, FieldClass.MOBILE


def everything(tx: Tx) -> list[list[tuple[object, ...]]]:
    tables = (sql_rows.record, sql_rows.wrap, sql_index.run, sql_index.block, sql_index.tally)
    return [sorted(tuple(row) for row in tx.all(select(table))) for table in tables]


def holds(vault: Vault) -> tuple[int, dict[FieldClass, int]]:
    with vault.store.reading() as tx:
        return counts(tx, scope=vault.scope)


def test_a_batch_goes_in_and_is_counted(vault: Vault) -> None:
    sealed = vault.seal(
        ["C1", "C2"], (PAN, [VISA, MASTERCARD]), (NAME, ["韩测试", None]), (MOBILE, ["", "13800138000"])
    )
    assert (sealed.new_subjects, sealed.new_fields, sealed.known_fields, dict(sealed.rejected)) == (2, 4, 0, {})
    assert holds(vault) == (2, {PAN: 2, MOBILE: 1, NAME: 1})


def test_the_same_batch_again_changes_nothing(vault: Vault) -> None:
    columns: list[Column] = [(PAN, [VISA, MASTERCARD, None]), (NAME, ["韩测试", "Ann Example", "韩测试"])]
    vault.seal(["C1", "C2", ""], *columns)
    with vault.store.reading() as tx:
        before = everything(tx)
    again = vault.seal(["C1", "C2", ""], *columns)
    assert (again.new_subjects, again.new_fields, again.known_fields) == (0, 0, 5)
    with vault.store.reading() as tx:
        assert before == everything(tx)


def test_one_customer_of_two_sources_is_one_subject(vault: Vault) -> None:
    vault.seal(["C1"], (PAN, [VISA]))
    more = vault.seal(["C1", "C1", "C1"], (PAN, [VISA, MASTERCARD, MASTERCARD]), (NAME, ["韩测试", "韩测试", None]))
    assert (more.new_subjects, more.new_fields, more.known_fields) == (0, 2, 3)
    with vault.store.reading() as tx:
        keys = vault.keys
        (whom,) = find(tx, keys, cls=PAN, value=VISA)
        (record,) = view(tx, keys, whom=whom)
        assert [(one.cls, one.slot, one.masked) for one in record.fields] == [
            (PAN, 0, "****1111"),
            (PAN, 1, "****4444"),
            (NAME, 0, "韩**"),
        ]


def test_a_shared_card_has_one_token_and_two_places(vault: Vault) -> None:
    vault.seal(["C1", "C2"], (PAN, [VISA, VISA]))
    vault.seal(["C3"], (PAN, [VISA]))
    with vault.store.reading() as tx:
        (token,) = lookup(tx, vault.keys, cls=PAN, column=[VISA])
        assert token is not None
        places = resolve(tx, scope=vault.scope, token=token)
    assert len({place.subject for place in places}) == 3
    assert {(place.cls, place.slot) for place in places} == {(PAN, 0)}


def test_a_leak_of_a_known_card_adds_nothing(vault: Vault) -> None:
    together = vault.seal(["", "C1", ""], (PAN, [VISA, VISA, VISA]))
    assert (together.new_subjects, together.new_fields, together.known_fields) == (1, 1, 2)
    later = vault.seal(["", ""], (PAN, [VISA, MASTERCARD]))
    assert (later.new_subjects, later.known_fields) == (1, 1)
    assert vault.seal([""], (PAN, [MASTERCARD])).new_subjects == 0


@on_sqlite
def test_leaks_of_one_line_are_not_made_one_customer(vault: Vault) -> None:
    assert vault.seal([""], (PAN, [VISA]), (MOBILE, ["13800138000"])).new_subjects == 2


@on_sqlite
def test_the_same_text_in_two_classes_is_two_values(vault: Vault) -> None:
    vault.seal(["C1"], (MOBILE, ["13800138000"]), (FieldClass.BANK_ACCOUNT, ["13800138000"]))
    with vault.store.reading() as tx:
        keys = vault.keys
        first = lookup(tx, keys, cls=MOBILE, column=["13800138000"])
        second = lookup(tx, keys, cls=FieldClass.BANK_ACCOUNT, column=["13800138000"])
    assert None not in (*first, *second)
    assert first != second


@on_sqlite
@pytest.mark.parametrize("cls", [FieldClass.CVV, FieldClass.TRACK, FieldClass.PIN, FieldClass.PASSWORD])
def test_forbidden_classes_are_refused_as_a_whole(vault: Vault, cls: FieldClass) -> None:
    keys = vault.keys
    with vault.store.transaction() as tx:
        with pytest.raises(SadRefused) as caught:
            seal_batch(tx, keys, subjects=["C1"], fields=[(PAN, [VISA]), (cls, ["123"])], now=vault.now)
        assert "123" not in str(caught.value.details)
        with pytest.raises(SadRefused):
            lookup(tx, keys, cls=cls, column=["123"])
        with pytest.raises(SadRefused):
            find(tx, keys, cls=cls, value="123")
    assert holds(vault) == (0, {})


@on_sqlite
def test_what_is_no_value_is_counted_and_not_kept(vault: Vault) -> None:
    wrong: list[str | None] = [
        "4111111111111112",  # Luhn
        "41111111111",  # too short
        "41111111111111111111",  # too long
        "4111 1111 1111 1111",  # not in its one spelling
        "٤١١١١١١١١١١١١١١١",  # digits, but not ASCII
        VISA,
    ]
    sealed = vault.seal([f"C{at}" for at in range(6)], (PAN, wrong))
    assert (sealed.new_fields, dict(sealed.rejected)) == (1, {Rejection.NOT_A_CARD: 5})
    odd: list[str | None] = ["x" * VALUE_CHARS_MAX, "x" * (VALUE_CHARS_MAX + 1), "\ud800", "\x00", None]
    sealed = vault.seal([f"D{at}" for at in range(5)], (NAME, odd))
    assert (sealed.new_fields, dict(sealed.rejected)) == (2, {Rejection.TOO_LONG: 1, Rejection.NOT_TEXT: 1})


@on_sqlite
def test_a_customer_has_room_for_so_many_values(vault: Vault) -> None:
    names: list[str | None] = [f"Ann Example {at}" for at in range(FIELDS_MAX + 3)]
    sealed = vault.seal(["C1"] * len(names), (NAME, names))
    assert (sealed.new_fields, dict(sealed.rejected)) == (FIELDS_MAX, {Rejection.TOO_MANY: 3})
    again = vault.seal(["C1"], (NAME, ["One Too Many"]), (PAN, [VISA]))
    assert (again.new_fields, dict(again.rejected)) == (0, {Rejection.TOO_MANY: 2})


def test_customer_keys_of_any_text_are_kept_apart(vault: Vault) -> None:
    subjects = ["C1", "C1 ", "客户1", "\ud800", "\\ud800", "'; DROP TABLE vault_record; --"]
    values: list[str | None] = [f"1380013800{at}" for at in range(len(subjects))]
    assert vault.seal(subjects, (MOBILE, values)).new_subjects == len(subjects)
    assert vault.seal(subjects, (MOBILE, values)).new_fields == 0


@on_sqlite
def test_uneven_columns_are_a_programmers_error(vault: Vault) -> None:
    with pytest.raises(ValueError, match="uneven"):
        vault.seal(["C1", "C2"], (PAN, [VISA]))


@on_sqlite
def test_an_empty_batch_is_nothing(vault: Vault) -> None:
    assert vault.seal([]).new_fields == 0
    assert vault.seal(["C1"], (PAN, [None])).new_subjects == 0
    assert holds(vault) == (0, {})


def test_scopes_know_nothing_of_each_other(vault: Vault) -> None:
    sibling = Vault(store=vault.store, clock=vault.clock, keeper=vault.keeper, scope="other")
    vault.seal(["C1"], (PAN, [VISA]), (NAME, ["韩测试"]))
    assert sibling.seal(["C1"], (PAN, [VISA]), (NAME, ["韩测试"])).new_fields == 2
    with vault.store.reading() as tx:
        for cls, value in ((PAN, VISA), (NAME, "韩测试")):
            one, two = (lookup(tx, ring, cls=cls, column=[value]) for ring in (vault.keys, sibling.keys))
            assert one != two
        entries = [runs.read(bytes(data)) for data in tx.scalars(select(sql_index.block.c.data))]
        # Each scope has two tokens, a subject and the digest of a card: nothing leads from one scope to the other.
        assert len({tuple(key) for one in entries for key in one[:, :2].tolist()}) == 8
        numbers = {(0, 0)}
        assert len({tuple(payload) for one in entries for payload in one[:, 2:].tolist()} - numbers) == 2


def test_no_clear_value_is_in_any_column(vault: Vault) -> None:
    held: list[str | None] = [VISA, UNIONPAY_19, AMEX, "韩测试", "13800138000", "CUSTOMER-0001"]
    vault.seal(["CUSTOMER-0001"], *((PAN, [card]) for card in held[:3]), (NAME, held[3:4]), (MOBILE, held[4:5]))
    with vault.store.reading() as tx:
        tables = tx.scalars(
            text("SELECT name FROM sqlite_master WHERE type = 'table'")
            if tx.dialect == "sqlite"
            else text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        stored = b""
        for table in tables:
            for row in tx.all(text(f"SELECT * FROM {table}")):
                stored += b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in row)
    assert b"sub_" not in stored
    for value in filter(None, held):
        assert value.encode() not in stored
        assert value.encode()[:8] not in stored


def test_rows_land_in_their_columns_whatever_the_order(vault: Vault) -> None:
    vault.seal(["C1"], (PAN, [VISA]))
    with vault.store.reading() as tx:
        row = tx.all(select(sql_rows.record))[0]
        assert (row.number, row.version, row.sealed_at) == (0, 1, vault.now)
        group = tx.all(select(sql_rows.wrap))[0]
        assert (group.number, group.key_version, group.held, group.wide) == (0, 1, 1, 2 + 12 + 32 + 16)
        assert len(group.data) == group.wide
        for found in (
            *sql_rows.records_at(tx, scope=vault.scope, numbers=[0, 1, 16]),
            rows.of_subject(tx, scope=vault.scope, subject=row.subject),
            *rows.of_subjects(tx, vault.keys.known, scope=vault.scope, subjects=[bytes(16), row.subject]),
            *rows.in_order(tx, scope=vault.scope, after=b"", limit=5),
        ):
            assert found == (row.subject, 0, 1, group.data, row.fields)


def test_many_digests_are_looked_up_at_once(vault: Vault) -> None:
    mobiles: list[str | None] = [f"138{at:08d}" for at in range(3000)]
    assert vault.seal([f"C{at}" for at in range(3000)], (MOBILE, mobiles)).new_subjects == 3000
    with vault.store.reading() as tx:
        found = lookup(tx, vault.keys, cls=MOBILE, column=[*filter(None, mobiles), "13900000000", "", "13800000001"])
    assert found[3000:3002] == [None, None]
    assert found[3002] == found[1]
    assert len(set(found[:3000])) == 3000


def test_spelling_by_column_is_the_spelling_of_ids() -> None:
    from tigertally.base.ids import base32  # noqa: PLC0415 - only here

    raws = [bytes(16), b"\xff" * 16, bytes(range(16)), *spelling.new_subjects(200)]
    texts = spelling.subjects_text(raws)
    assert texts == ["sub_" + base32(raw) for raw in raws]
    assert spelling.subjects_raw(texts) == raws
    assert sorted(texts) == spelling.subjects_text(sorted(raws))


@on_sqlite
def test_a_leak_of_what_its_owner_has_no_room_for_is_kept(vault: Vault) -> None:
    vault.seal(["C1"] * FIELDS_MAX, (NAME, [f"Ann Example {at}" for at in range(FIELDS_MAX)]))
    sealed = vault.seal(["C1", "", "C1"], (NAME, ["One Too Many", "One Too Many", "Ann Example 0"]), (PAN, [VISA] * 3))
    assert (sealed.new_fields, sealed.known_fields, dict(sealed.rejected)) == (2, 2, {Rejection.TOO_MANY: 2})
    with vault.store.reading() as tx:
        assert len(find(tx, vault.keys, cls=NAME, value="One Too Many")) == 1
        assert len(find(tx, vault.keys, cls=PAN, value=VISA)) == 1
