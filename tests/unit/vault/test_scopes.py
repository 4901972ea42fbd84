"""A scope that computes its card tokens, and fitting tokens against what a vault holds."""

from __future__ import annotations

import pytest
from tests.unit.vault.conftest import AMEX, MASTERCARD, SCOPE, VISA, Column, Vault, on_sqlite
from tests.unit.vault.tokentexts import card_texts, nobody

from tigertally.base.fields import FieldClass
from tigertally.crypto.packed import Packed
from tigertally.vault import (
    CardKind,
    CardTokensSettled,
    NoSuchToken,
    as_stored,
    card_kind,
    export_part,
    import_part,
    lookup,
    lookup_fitting,
    resolve,
    settle_cards,
)

F = FieldClass


def settle(vault: Vault, kind: CardKind) -> None:
    ledger = vault.ledger
    with vault.store.transaction() as tx:
        settle_cards(tx, ledger, scope=SCOPE, kind=kind, actor="per_x", now=vault.now)


def tokens_of(vault: Vault, cls: FieldClass, values: list[str], *, fitting: bool = False) -> list[str | None]:
    look = lookup_fitting if fitting else lookup
    with vault.store.reading() as tx:
        return look(tx, vault.keys, cls=cls, column=values)


def test_cards_of_a_scope_are_computed_once_that_is_settled(vault: Vault) -> None:
    with vault.store.reading() as tx:
        assert card_kind(tx, scope=SCOPE) is CardKind.RANDOM
    settle(vault, CardKind.FF1)
    settle(vault, CardKind.FF1)
    vault.seal(["C1", "C2"], (F.PAN, [VISA, AMEX]))
    made = tokens_of(vault, F.PAN, [VISA, AMEX, MASTERCARD])
    cards = vault.keys.cards
    assert cards is not None
    assert made == [*card_texts(cards.draw(Packed.of([VISA.encode(), AMEX.encode()]), taken=nobody)), None]
    with pytest.raises(CardTokensSettled) as caught:
        settle(vault, CardKind.RANDOM)
    assert caught.value.details == {"kind": "ff1"}


@on_sqlite
def test_what_has_random_tokens_keeps_to_them(vault: Vault) -> None:
    settle(vault, CardKind.RANDOM)
    vault.seal(["C1"], (F.MOBILE, ["13800138000"]))
    settle(vault, CardKind.RANDOM)
    vault.seal(["C1"], (F.PAN, [VISA]))
    with pytest.raises(CardTokensSettled):
        settle(vault, CardKind.FF1)


@on_sqlite
def test_computed_tokens_travel(vault: Vault, other_vault: Vault) -> None:
    settle(vault, CardKind.FF1)
    vault.seal(["C1", "C2"], (F.PAN, [VISA, "7000000000000005"]))
    with vault.store.reading() as tx:
        part = export_part(tx, vault.keys, classes=[F.PAN], after="", limit=9, bundle="bun_x")
    assert part is not None
    assert sorted(token[0] for token in part.token) == ["0", "7"]
    keys = other_vault.keys
    with other_vault.store.transaction() as tx:
        assert import_part(tx, keys, part=part, now=other_vault.now) == 2


def test_fitting_tokens_name_what_the_vault_holds(vault: Vault) -> None:
    column: dict[FieldClass, list[str]] = {
        F.MOBILE: ["13800138000", "85291234567"],
        F.NATIONAL_ID: ["11010119900307002X", "110101900307001"],
        F.NAME: ["虚构甲", "虚构乙"],
        F.EMAIL: ["a@example.cn", "b@example.cn"],
        F.IBAN: ["DE89370400440532013000", "not one"],
    }
    fields: list[Column] = [(cls, [*values]) for cls, values in column.items()]
    vault.seal(["C1", "C2"], *fields)
    for cls, values in column.items():
        stored, fitting = tokens_of(vault, cls, values), tokens_of(vault, cls, values, fitting=True)
        for whole, token in zip(stored, fitting, strict=True):
            assert whole is not None
            if token is None:
                assert cls is F.IBAN  # what is no IBAN has no form
                continue
            assert len(token) < len(whole) or cls is F.EMAIL
            with vault.store.reading() as tx:
                assert as_stored(tx, vault.keys, token=token) == whole
                assert len(resolve(tx, scope=SCOPE, token=whole)) == 1
        assert tokens_of(vault, cls, ["unknown"], fitting=True) == [None]
    with vault.store.reading() as tx:
        assert as_stored(tx, vault.keys, token="tok_x") == "tok_x"
        for nobodys in ("29999999999", "tn" + "0" * 14):
            with pytest.raises(NoSuchToken):
                as_stored(tx, vault.keys, token=nobodys)
