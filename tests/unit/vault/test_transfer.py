from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select

from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.ids import new_id
from tigertally.base.secret import SecretText
from tigertally.formats import part as parts
from tigertally.formats.part import PartColumns
from tigertally.vault import (
    NoSuchSubject,
    Rejection,
    SadRefused,
    SubjectDiffers,
    TokenClash,
    TokenNotAccepted,
    ValueNotAccepted,
    check_part,
    commitments_of,
    counts,
    erase_subject,
    export_part,
    find,
    import_part,
    lookup,
    open_value,
    spelling,
    stored_part,
    view,
)
from tigertally.vault.index import runs
from tigertally.vault.index import sql as sql_index
from tigertally.vault.rows import sql as sql_rows

from .conftest import AMEX, MASTERCARD, UNIONPAY_19, VISA, YES, Vault, on_sqlite

PAN, NAME, MOBILE, IBAN = FieldClass.PAN, FieldClass.NAME, FieldClass.MOBILE, FieldClass.IBAN
ALL = [PAN, NAME, MOBILE]


def export(vault: Vault, *, after: str = "", limit: int = 100, bundle: str = "bun_a") -> PartColumns:
    with vault.store.reading() as tx:
        part = export_part(tx, vault.keys, classes=ALL, after=after, limit=limit, bundle=bundle)
    assert part is not None
    return part


def take(vault: Vault, part: PartColumns) -> int:
    keys = vault.keys
    with vault.store.transaction() as tx:
        return import_part(tx, keys, part=part, now=vault.now)


@pytest.fixture
def seller(vault: Vault) -> Vault:
    """Four customers, two of whom share a card, and one leaked card."""
    vault.seal(
        ["C1", "C2", "C3", "C4", ""],
        (PAN, [VISA, MASTERCARD, VISA, None, UNIONPAY_19]),
        (NAME, ["韩测试", "Ann Example", None, "No Card", None]),
        (IBAN, [None, None, None, "GB33BUKB20201555555555", None]),
    )
    vault.seal(["C1"], (PAN, [AMEX]))
    return vault


@on_sqlite
def test_a_part_is_what_the_format_asks_for(seller: Vault) -> None:
    part = export(seller)
    again = parts.read_part(parts.write_part(part), subjects=5)
    assert again == part
    assert parts.counts(part) == {"pan": 5, "name": 3}


def test_parts_follow_each_other_without_gap_or_repeat(seller: Vault) -> None:
    whole = export(seller)
    seen: list[str] = []
    after = ""
    while True:
        with seller.store.reading() as tx:
            part = export_part(tx, seller.keys, classes=ALL, after=after, limit=2, bundle="bun_a")
        if part is None:
            break
        assert len(set(part.subject)) <= 2
        seen += part.subject
        after = part.subject[-1]
    assert seen == whole.subject


@on_sqlite
def test_subjects_without_those_classes_stay(seller: Vault) -> None:
    with seller.store.reading() as tx:
        keys = seller.keys
        part = export_part(tx, keys, classes=[IBAN], after="", limit=1, bundle="bun_a")
        assert part is not None
        assert part.value == ["GB33BUKB20201555555555"]
        last = part.subject[-1]
        assert export_part(tx, keys, classes=[IBAN], after=last, limit=1, bundle="bun_a") is None
        assert export_part(tx, keys, classes=[MOBILE], after="", limit=1, bundle="bun_a") is None
        with pytest.raises(SadRefused):
            export_part(tx, keys, classes=[FieldClass.CVV], after="", limit=1, bundle="bun_a")


@on_sqlite
def test_salts_are_the_bundles_own(seller: Vault) -> None:
    one, again, other = export(seller), export(seller), export(seller, bundle="bun_b")
    assert one == again
    assert not set(one.salt) & set(other.salt)
    assert len(set(one.salt)) == 5


def test_what_came_in_is_what_went_out(seller: Vault, other_vault: Vault) -> None:
    part = export(seller)
    assert take(other_vault, part) == 5
    starts = part.starts()
    with other_vault.store.reading() as tx:
        keys = other_vault.keys
        made, held = commitments_of(
            tx,
            keys,
            subjects=[part.subject[at] for at in starts],
            salts=[part.salt[at] for at in starts],
        )
        assert made == parts.commitments(part)
        assert held == {PAN: 5, NAME: 3}
        assert counts(tx, scope=other_vault.scope) == (5, held)
        (token,) = lookup(tx, keys, cls=PAN, column=[VISA])
        assert token == part.token[list(part.value).index(VISA)]
        assert open_value(tx, keys, decision=YES, place=token) == SecretText(VISA)
        assert len(find(tx, keys, cls=PAN, value=VISA)) == 2


@on_sqlite
def test_it_is_sealed_under_keys_of_its_own(seller: Vault, other_vault: Vault) -> None:
    take(other_vault, export(seller))
    stored = []
    for vault in (seller, other_vault):
        with vault.store.reading() as tx:
            stored.append(
                {bytes(one) for one in tx.scalars(select(sql_rows.record.c.fields))}
                | {
                    key
                    for group in sql_rows.groups_after(tx, scope=vault.scope, after=-1, limit=9)
                    for key in group.each()
                }
                | {
                    tuple(key)
                    for kind in (sql_index.IndexKind.CARD, sql_index.IndexKind.OTHER)
                    for run in sql_index.read_runs(tx, scope=vault.scope, kind=kind)
                    for block in sql_index.blocks_after(tx, run=run.run, after=-1, limit=100)
                    for key in runs.read(block.data)[:, :2].tolist()
                }
            )
    assert not stored[0] & stored[1]


def test_taking_it_again_changes_nothing(seller: Vault, other_vault: Vault) -> None:
    part = export(seller)
    first = export(seller, limit=2)
    assert take(other_vault, first) == 2
    assert take(other_vault, part) == 3
    with other_vault.store.reading() as tx:
        before = tx.all(select(sql_rows.record).order_by(sql_rows.record.c.subject))
    assert take(other_vault, part) == 0
    with other_vault.store.reading() as tx:
        assert tx.all(select(sql_rows.record).order_by(sql_rows.record.c.subject)) == before


@on_sqlite
def test_sealing_afterwards_keeps_the_tokens(seller: Vault, other_vault: Vault) -> None:
    part = export(seller)
    take(other_vault, part)
    assert other_vault.seal([""], (PAN, [VISA])).new_fields == 0
    assert other_vault.seal(["B9"], (PAN, [VISA]), (NAME, ["韩测试"])).new_fields == 2
    with other_vault.store.reading() as tx:
        keys = other_vault.keys
        for cls, value in ((PAN, VISA), (NAME, "韩测试")):
            assert lookup(tx, keys, cls=cls, column=[value]) == [part.token[list(part.value).index(value)]]


def changed(part: PartColumns, at: int, **cells: object) -> PartColumns:
    columns: dict[str, list[object]] = {}
    for name, cell in cells.items():
        column = list(getattr(part, name))
        column[at] = cell
        columns[name] = column
    return replace(part, **columns)  # type: ignore[arg-type]


def without(column: Sequence[object], at: int) -> list[object]:
    return [*column[:at], *column[at + 1 :]]


def refused(vault: Vault, part: PartColumns, why: type[Exception]) -> None:
    with pytest.raises(why):
        take(vault, part)
    with vault.store.reading() as tx:
        assert counts(tx, scope=vault.scope)[0] == 0


@on_sqlite
def test_a_seller_cannot_smuggle(seller: Vault, other_vault: Vault) -> None:
    part = export(seller)
    at = list(part.code).index(FIELD_RULES[PAN].code)
    name = list(part.code).index(FIELD_RULES[NAME].code)
    refused(other_vault, changed(part, at, code=FIELD_RULES[FieldClass.CVV].code), SadRefused)
    refused(other_vault, changed(part, at, code=77), ValueNotAccepted)
    refused(other_vault, changed(part, at, value="4111111111111112"), ValueNotAccepted)
    refused(other_vault, changed(part, name, value=""), ValueNotAccepted)
    refused(other_vault, changed(part, at, token=part.value[at]), TokenNotAccepted)
    refused(other_vault, changed(part, name, token=part.value[name]), TokenNotAccepted)
    refused(other_vault, changed(part, name, token="tok_na" + "\u0660" * 26), TokenNotAccepted)


@on_sqlite
def test_tokens_and_values_pair_one_to_one(seller: Vault, other_vault: Vault) -> None:
    part = export(seller)
    names = [at for at, code in enumerate(part.code) if code == FIELD_RULES[NAME].code]
    one, two = names[:2]
    refused(other_vault, changed(part, one, token=part.token[two]), TokenClash)
    with pytest.raises(TokenClash):
        check_part(changed(part, one, token=part.token[two]))
    refused(other_vault, changed(part, one, value=part.value[two]), TokenClash)
    check_part(part)


def test_a_token_that_is_taken_here_is_named(seller: Vault, other_vault: Vault) -> None:
    part = export(seller)
    other_vault.seal(["B1"], (NAME, ["韩测试"]))  # the same value has its own token here
    with pytest.raises(TokenClash):
        take(other_vault, part)
    assert other_vault.seal(["B2"], (PAN, [MASTERCARD])).new_fields == 1


@on_sqlite
def test_a_token_that_means_something_else_here_is_named(seller: Vault, other_vault: Vault) -> None:
    part = export(seller)
    other_vault.seal(["B1"], (NAME, ["Somebody Else"]))
    with other_vault.store.reading() as tx:
        (taken,) = lookup(tx, other_vault.keys, cls=NAME, column=["Somebody Else"])
    at = list(part.value).index("韩测试")
    with pytest.raises(TokenClash):
        take(other_vault, changed(part, at, token=taken))


def test_another_customer_under_a_known_id_is_named(seller: Vault, other_vault: Vault) -> None:
    part = export(seller)
    take(other_vault, part)
    at = list(part.value).index("Ann Example")
    for wrong in (
        changed(part, at, value="Ann Other"),
        changed(part, at, slot=7),
        replace(part, **{name: without(getattr(part, name), at) for name in PartColumns.__slots__}),  # type: ignore[arg-type]
    ):
        with pytest.raises(SubjectDiffers) as caught:
            take(other_vault, wrong)
        assert caught.value.details["subject"] in part.subject


@on_sqlite
def test_one_value_twice_under_one_subject_is_refused(seller: Vault, other_vault: Vault) -> None:
    part = export(seller)
    at = list(part.value).index("Ann Example")
    twice = {name: [*getattr(part, name)[: at + 1], *getattr(part, name)[at:]] for name in PartColumns.__slots__}
    twice["slot"][at + 1] = 9
    with pytest.raises(ValueNotAccepted):
        take(other_vault, PartColumns(**twice))


@on_sqlite
def test_commitments_need_every_subject(seller: Vault) -> None:
    part = export(seller)
    names = sorted(set(part.subject))
    with seller.store.reading() as tx:
        keys = seller.keys
        with pytest.raises(NoSuchSubject):
            commitments_of(tx, keys, subjects=[*names, new_id("sub")], salts=[bytes(16)] * 6)
        with pytest.raises(NoSuchSubject):
            stored_part(tx, keys, subjects=names, salts=[bytes(16)] * 4)
        with pytest.raises(NoSuchSubject):
            stored_part(tx, keys, subjects=names, salts=[bytes(16)] * 5, classes=[IBAN])


@on_sqlite
def test_one_token_under_two_classes_is_a_clash(seller: Vault, other_vault: Vault) -> None:
    seller.seal(["C1"], (MOBILE, ["13800138000"]))
    part = export(seller)
    name, mobile = list(part.value).index("Ann Example"), list(part.value).index("13800138000")
    wrong = changed(part, mobile, token="tok_mo" + part.token[name].removeprefix("tok_na"))
    with pytest.raises(TokenClash):
        check_part(wrong)
    refused(other_vault, wrong, TokenClash)


def test_a_sellers_slots_do_not_break_a_record_that_grows(other_vault: Vault) -> None:
    with other_vault.store.reading() as tx:
        ours = spelling.subject_text(other_vault.keys.index.of(b"\0source\0B1"))
    tokens = ["tok_na" + "0" * 25 + last for last in "01"]
    part = PartColumns(
        subject=[ours] * 2,
        salt=[bytes(16)] * 2,
        code=[FIELD_RULES[NAME].code] * 2,
        slot=[0, 255],
        value=["Ann Example", "Bo Example"],
        token=tokens,
    )
    assert take(other_vault, part) == 1
    sealed = other_vault.seal(["B1"], (NAME, ["Cy Example"]), (MOBILE, ["13800138000"]))
    assert (sealed.new_fields, dict(sealed.rejected)) == (1, {Rejection.TOO_MANY: 1})
    with other_vault.store.reading() as tx:
        (record,) = view(tx, other_vault.keys, whom=ours)
    assert len(record.fields) == 3


def erase(vault: Vault, *, cls: FieldClass, value: str) -> None:
    ledger = vault.ledger
    with vault.store.transaction() as tx:
        for whom in find(tx, vault.keys, cls=cls, value=value):
            erase_subject(tx, ledger, scope=vault.scope, subject=whom, actor="", now=vault.now)


def test_what_was_ours_comes_back(vault: Vault) -> None:
    vault.seal(["C1", "C2"], (NAME, ["韩测试", "韩测试"]), (PAN, [VISA, MASTERCARD]))
    part = export(vault)
    erase(vault, cls=PAN, value=VISA)
    assert take(vault, part) == 1
    assert take(vault, part) == 0
    assert export(vault) == part
    with vault.store.reading() as tx:
        assert len(find(tx, vault.keys, cls=NAME, value="韩测试")) == 2
        assert sql_index.read_runs(tx, scope=vault.scope, kind=sql_index.IndexKind.OTHER) == []


@on_sqlite
def test_a_token_of_ours_that_a_seller_gave_another_value(seller: Vault, other_vault: Vault) -> None:
    other_vault.seal(["B1"], (NAME, ["Erased Example"]))
    ours = export(other_vault)
    erase(other_vault, cls=NAME, value="Erased Example")
    part = export(seller)
    assert take(other_vault, changed(part, list(part.value).index("Ann Example"), token=ours.token[0])) == 5
    for again in ("B1", ""):
        with pytest.raises(TokenClash):
            other_vault.seal([again], (NAME, ["Erased Example"]))
    with pytest.raises(TokenClash):
        take(other_vault, ours)
    assert other_vault.seal(["B2"], (NAME, ["Cy Example"])).new_fields == 1
