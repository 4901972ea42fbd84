from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import select, update

from tigertally.access import Action
from tigertally.base.fields import FieldClass
from tigertally.base.ids import BadId, SubjectId, new_id
from tigertally.base.secret import SecretText
from tigertally.vault import (
    CardTooShort,
    NoSuchSubject,
    NoSuchToken,
    Place,
    RecordBroken,
    count_holders,
    find,
    lookup,
    open_bin,
    open_value,
    resolve,
    rows,
    spelling,
    tokens,
    view,
)
from tigertally.vault.index import runs
from tigertally.vault.index import sql as sql_index
from tigertally.vault.records import open_subject_key
from tigertally.vault.rows import sql as sql_rows

from .conftest import MASTERCARD, VISA, YES, Vault, on_sqlite

PAN, NAME, MOBILE = FieldClass.PAN, FieldClass.NAME, FieldClass.MOBILE


@pytest.fixture
def filled(vault: Vault) -> Vault:
    """Two customers, two fields each."""
    vault.seal(["C1", "C2"], (PAN, [VISA, MASTERCARD]), (NAME, ["韩测试", "Ann Example"]))
    return vault


def token_of(vault: Vault, value: str) -> str:
    with vault.store.reading() as tx:
        (token,) = lookup(tx, vault.keys, cls=PAN, column=[value])
    assert token is not None
    return token


def raw_of(token: str) -> runs.Halves:
    meant = tokens.raw(token)
    assert meant is not None
    return runs.halves(meant[1])


def test_a_view_is_masked(filled: Vault) -> None:
    with filled.store.reading() as tx:
        (record,) = view(tx, filled.keys, whom=token_of(filled, VISA))
    assert [(one.cls, one.masked) for one in record.fields] == [(PAN, "****1111"), (NAME, "韩**")]
    assert record.fields[0].token == token_of(filled, VISA)
    assert VISA not in repr(record)


def test_a_value_opens_by_token_and_by_place(filled: Vault) -> None:
    with filled.store.reading() as tx:
        keys = filled.keys
        token = token_of(filled, VISA)
        (place,) = resolve(tx, scope=filled.scope, token=token)
        assert open_value(tx, keys, decision=YES, place=token) == SecretText(VISA)
        assert open_value(tx, keys, decision=YES, place=place) == SecretText(VISA)
        name = replace(place, cls=NAME)
        assert open_value(tx, keys, decision=YES, place=name) == SecretText("韩测试")
        assert VISA not in repr(open_value(tx, keys, decision=YES, place=token))


@on_sqlite
@pytest.mark.parametrize(
    "decision", [replace(YES, allowed=False), replace(YES, action=Action.VIEW), replace(YES, action=Action.SEAL)]
)
def test_without_the_decision_nothing_opens(filled: Vault, decision: object) -> None:
    with filled.store.reading() as tx, pytest.raises(ValueError, match="decision"):
        open_value(tx, filled.keys, decision=decision, place=token_of(filled, VISA))  # type: ignore[arg-type]


def test_the_first_six_of_a_card_need_another_decision_and_a_long_card(vault: Vault) -> None:
    vault.seal(["C1", "C2"], (PAN, [VISA, "4222222222222"]), (NAME, ["Ann", None]))
    keys = vault.keys
    part = replace(YES, action=Action.REVEAL_PART)
    with vault.store.reading() as tx:
        (first,), (second,) = (find(tx, keys, cls=PAN, value=value) for value in (VISA, "4222222222222"))
        card = Place(subject=first, cls=PAN, slot=0)
        assert open_bin(tx, keys, decision=part, place=card).expose() == VISA[:6]
        for decision in (YES, replace(part, allowed=False)):
            with pytest.raises(ValueError, match="no decision"):
                open_bin(tx, keys, decision=decision, place=card)
        with pytest.raises(ValueError, match="no decision"):
            open_bin(tx, keys, decision=part, place=Place(subject=first, cls=NAME, slot=0))
        with pytest.raises(ValueError, match="no decision"):
            open_value(tx, keys, decision=part, place=card)
        with pytest.raises(CardTooShort):
            open_bin(tx, keys, decision=part, place=Place(subject=second, cls=PAN, slot=0))


def test_what_is_not_there_is_missing(filled: Vault) -> None:
    stranger = SubjectId(new_id("sub"))
    with filled.store.reading() as tx:
        keys = filled.keys
        for whom in ("7000000000001111", "tok_na" + "0" * 26, "", VISA):
            with pytest.raises(NoSuchToken):
                view(tx, keys, whom=whom)
            with pytest.raises(NoSuchToken):
                open_value(tx, keys, decision=YES, place=whom)
        with pytest.raises(NoSuchSubject):
            view(tx, keys, whom=stranger)
        with pytest.raises(BadId):
            view(tx, keys, whom="sub_' OR 1=1")
        (known,) = find(tx, keys, cls=PAN, value=VISA)
        for place in (
            Place(subject=stranger, cls=PAN, slot=0),
            Place(subject=known, cls=PAN, slot=1),
            Place(subject=known, cls=MOBILE, slot=0),
        ):
            with pytest.raises(NoSuchSubject):
                open_value(tx, keys, decision=YES, place=place)
        assert find(tx, keys, cls=PAN, value="4242424242424242") == []
        assert find(tx, keys, cls=PAN, value="\ud800") == []
        assert lookup(tx, keys, cls=PAN, column=["", "\ud800", "4242424242424242"]) == [None, None, None]


def test_holders_are_counted_once(filled: Vault) -> None:
    filled.seal(["C1", "C3"], (PAN, ["4242424242424242", None]), (MOBILE, [None, "13800138000"]))
    with filled.store.reading() as tx:
        assert count_holders(tx, scope=filled.scope, classes=[PAN]) == 2
        assert count_holders(tx, scope=filled.scope, classes=[PAN, NAME, MOBILE]) == 3
        assert count_holders(tx, scope=filled.scope, classes=[FieldClass.IBAN]) == 0
        assert count_holders(tx, scope=filled.scope, classes=[]) == 0


@on_sqlite
def test_a_token_pointed_at_somebody_else_does_not_open(filled: Vault) -> None:
    mine, theirs = token_of(filled, VISA), token_of(filled, MASTERCARD)
    with filled.store.transaction() as tx:
        (place,) = resolve(tx, scope=filled.scope, token=theirs)
        whose = spelling.subject_raw(place.subject)
        number = tx.scalar(select(sql_rows.record.c.number).where(sql_rows.record.c.subject == whose))
        for row in tx.all(select(sql_index.block)):
            found = runs.read(bytes(row.data))
            found[(found[:, :2] == raw_of(mine)).all(axis=1), 2:] = np.array((number, 0), np.uint64)
            (made,) = runs.blocks(found)
            tx.execute(update(sql_index.block).where(sql_index.block.c.run == row.run).values(data=made.data))
        for asking in (
            lambda: resolve(tx, scope=filled.scope, token=mine),
            lambda: view(tx, filled.keys, whom=mine),
            lambda: open_value(tx, filled.keys, decision=YES, place=mine),
        ):
            with pytest.raises(RecordBroken):
                asking()
        # And if the record's own copy of the token is changed as well, the value does not open.
        row = tx.all(select(sql_rows.record).where(sql_rows.record.c.subject == whose))[0]
        fields = bytes(row.fields).replace(runs.whole(raw_of(theirs)), runs.whole(raw_of(mine)))
        tx.execute(update(sql_rows.record).where(sql_rows.record.c.subject == whose).values(fields=fields))
        (place,) = resolve(tx, scope=filled.scope, token=mine)
        with pytest.raises(RecordBroken):
            open_value(tx, filled.keys, decision=YES, place=place)


@on_sqlite
def test_values_swapped_between_records_do_not_open(filled: Vault) -> None:
    with filled.store.transaction() as tx:
        one, two = tx.all(select(sql_rows.record.c.subject, sql_rows.record.c.fields))
        tx.execute(update(sql_rows.record).where(sql_rows.record.c.subject == one.subject).values(fields=two.fields))
        broken = 0
        for value in (VISA, MASTERCARD):
            try:
                view(tx, filled.keys, whom=find(tx, filled.keys, cls=PAN, value=value)[0])
            except RecordBroken:
                broken += 1
        assert broken == 1


@on_sqlite
def test_whole_records_swapped_do_not_open(filled: Vault) -> None:
    with filled.store.transaction() as tx:
        one, two = tx.all(select(sql_rows.record))
        table = sql_rows.record
        tx.execute(update(table).where(table.c.subject == one.subject).values(fields=two.fields))
        (group,) = tx.all(select(sql_rows.wrap))
        wide = group.wide
        tx.execute(update(sql_rows.wrap).values(data=group.data[wide:] + group.data[wide:]))
        broken = 0
        for value in (VISA, MASTERCARD):
            try:
                view(tx, filled.keys, whom=find(tx, filled.keys, cls=PAN, value=value)[0])
            except RecordBroken:
                broken += 1
        assert broken == 1


@on_sqlite
def test_a_subject_key_opens_for_its_subject_only(filled: Vault) -> None:
    with filled.store.reading() as tx:
        keys = filled.keys
        (mine,), (theirs,) = (find(tx, keys, cls=PAN, value=value) for value in (VISA, MASTERCARD))
        row = rows.of_subject(tx, scope=filled.scope, subject=spelling.subject_raw(mine))
        assert row
    assert open_subject_key(keys, row, mine)
    with pytest.raises(RecordBroken):
        open_subject_key(keys, row, theirs)
    with pytest.raises(RecordBroken):
        open_subject_key(keys, row._replace(key_version=2), mine)


@on_sqlite
def test_no_byte_of_a_record_can_be_changed(filled: Vault) -> None:
    keys = filled.keys
    with filled.store.transaction() as tx:
        (whom,) = find(tx, keys, cls=PAN, value=VISA)
        subject = spelling.subject_raw(whom)
        row = tx.all(select(sql_rows.record).where(sql_rows.record.c.subject == subject))[0]
        group = tx.all(select(sql_rows.wrap))[0]
        at = row.number * group.wide
        edits = (
            (
                update(sql_rows.record).where(sql_rows.record.c.subject == subject),
                "fields",
                bytes(row.fields),
                b"",
                b"",
            ),
            (
                update(sql_rows.wrap),
                "data",
                group.data[at : at + group.wide],
                group.data[:at],
                group.data[at + group.wide :],
            ),
        )
        for change, column, good, before, after in edits:
            for at in range(len(good)):
                bad = good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :]
                tx.execute(change.values(**{column: before + bad + after}))
                with pytest.raises(RecordBroken):
                    view(tx, keys, whom=whom)
            for bad in (good[:-1], good + b"\x00", b"", good + good):
                tx.execute(change.values(**{column: before + bad + after}))
                if (bad and column == "fields") or (len(bad) < len(good) and column == "data"):
                    with pytest.raises(RecordBroken):
                        view(tx, keys, whom=whom)
            tx.execute(change.values(**{column: before + good + after}))
        assert view(tx, keys, whom=whom)
