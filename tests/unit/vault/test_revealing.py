"""Many values at once: all that a list names, nothing without the decision, nothing that a record does not hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete, select

from tigertally.access import Action, Decision
from tigertally.base.fields import FieldClass
from tigertally.vault import (
    Meant,
    RecordBroken,
    VaultKeys,
    classes_of,
    find,
    lookup,
    lookup_fitting,
    meant,
    open_values,
    read_meant,
    spelling,
)
from tigertally.vault.destruction import erase_subject
from tigertally.vault.rows import sql as sql_rows

from .conftest import AMEX, MASTERCARD, UNIONPAY_19, VISA, YES, Vault

MANY = replace(YES, action=Action.REVEAL_MANY)
PAN, NAME, MOBILE, ID = FieldClass.PAN, FieldClass.NAME, FieldClass.MOBILE, FieldClass.NATIONAL_ID
CARDS = [VISA, MASTERCARD, AMEX, UNIONPAY_19]
NAMES = ["韩测试", "Ann Example", "韩测试", "Bo Example"]
MOBILES = ["13800138000", "13900139000", "13700137000", "13600136000"]


@pytest.fixture
def filled(vault: Vault) -> Vault:
    """Four customers; the first and the third share a name."""
    vault.seal(["C1", "C2", "C3", "C4"], (PAN, [*CARDS]), (NAME, [*NAMES]), (MOBILE, [*MOBILES]))
    return vault


def told(vault: Vault, keys: VaultKeys, texts: list[str], decision: Decision = MANY) -> dict[str, str]:
    with vault.store.reading() as tx:
        found = meant(tx, keys, texts=texts)
        piece = read_meant(tx, keys, meant=found, start=0, stop=len(texts))
    opened = open_values(keys, decision=decision, found=piece)
    return {texts[at]: value for at, value in zip(opened.at, opened.values, strict=True)}


def of(vault: Vault, keys: VaultKeys, cls: FieldClass, values: list[str], *, fitting: bool = False) -> list[str]:
    with vault.store.reading() as tx:
        found = (lookup_fitting if fitting else lookup)(tx, keys, cls=cls, column=values)
    return [token for token in found if token is not None]


def test_every_token_of_a_list_opens_whatever_its_form(filled: Vault) -> None:
    keys = filled.keys
    wanted: dict[str, str] = {}
    for cls, values in ((PAN, CARDS), (NAME, sorted(set(NAMES))), (MOBILE, MOBILES)):
        wanted |= zip(of(filled, keys, cls, [*values]), values, strict=True)
    for cls, values in ((NAME, sorted(set(NAMES))), (MOBILE, MOBILES)):
        wanted |= zip(of(filled, keys, cls, [*values], fitting=True), values, strict=True)
    texts = list(wanted)[::-1]
    assert told(filled, keys, texts) == wanted
    with filled.store.reading() as tx:
        found = meant(tx, keys, texts=texts)
    assert found.counts() == {PAN: 4, NAME: 6, MOBILE: 8}
    assert classes_of(found).count("name") == 6


def test_what_stands_for_nothing_is_unknown(filled: Vault) -> None:
    keys = filled.keys
    (card,) = of(filled, keys, PAN, [VISA])
    texts = ["", VISA, "tok_pa", card, "tok_na" + "z" * 26, "tok_mo" + "0" * 26, "7" * 16, "9" * 40, "虚构"]
    texts.append("tn" + "0" * 24)
    with filled.store.reading() as tx:
        found = meant(tx, keys, texts=texts)
    assert found.unknown() == [at for at in range(len(texts)) if at != 3]
    assert told(filled, keys, texts) == {card: VISA}
    with filled.store.reading() as tx:
        assert meant(tx, keys, texts=[]).counts() == {}


@pytest.mark.parametrize("decision", [YES, replace(MANY, allowed=False)])
def test_without_the_decision_about_many_nothing_opens(filled: Vault, decision: Decision) -> None:
    keys = filled.keys
    with pytest.raises(ValueError, match="no decision"):
        told(filled, keys, of(filled, keys, PAN, [VISA]), decision)


def _erase(vault: Vault, customer: str) -> None:
    with vault.store.transaction() as tx:
        erase_subject(tx, vault.ledger, scope=vault.scope, subject=customer, actor="", now=vault.now)


def test_a_subject_that_went_meanwhile_is_gone_and_a_shared_value_is_not(filled: Vault) -> None:
    keys = filled.keys
    texts = of(filled, keys, PAN, [VISA, MASTERCARD]) + of(filled, keys, NAME, ["韩测试"])
    with filled.store.reading() as tx:
        found = meant(tx, keys, texts=texts)
        holders = find(tx, keys, cls=NAME, value="韩测试")
        (first,) = find(tx, keys, cls=PAN, value=VISA)
    named = runs_text(filled, found, 2)
    _erase(filled, named)
    with filled.store.reading() as tx:
        piece = read_meant(tx, keys, meant=found, start=0, stop=3)
    opened = open_values(keys, decision=MANY, found=piece)
    assert named in holders
    assert piece.gone == ([0] if named == first else [])
    assert opened.values == ([MASTERCARD, "韩测试"] if named == first else [VISA, MASTERCARD, "韩测试"])


def runs_text(vault: Vault, found: Meant, at: int) -> str:
    with vault.store.reading() as tx:
        ((_, subject),) = sql_rows.subjects_at(tx, scope=vault.scope, numbers=[int(found.numbers[at])])
    return spelling.subject_text(subject)


def test_an_index_that_names_nobody_is_broken(filled: Vault) -> None:
    keys = filled.keys
    texts = of(filled, keys, PAN, [VISA])
    with filled.store.reading() as tx:
        found = meant(tx, keys, texts=texts)
        assert len(tx.all(select(sql_rows.record))) == 4
    with filled.store.transaction() as tx:
        tx.execute(delete(sql_rows.record))
    with filled.store.reading() as tx, pytest.raises(RecordBroken):
        read_meant(tx, keys, meant=found, start=0, stop=1)
