"""Records made ahead: whatever was guessed, what is stored is what would be stored without guessing."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tigertally.base.fields import FieldClass
from tigertally.testing import numbers
from tigertally.vault import MaskedRecord, counts, prepare_batch, rotate, store_batch, view
from tigertally.vault import foresight as foresights
from tigertally.vault.foresight import Foresight
from tigertally.vault.keys import KeyPurpose, list_keys
from tigertally.vault.rows import sql as sql_rows
from tigertally.vault.spelling import subject_text

from .conftest import Vault, on_sqlite

PAN, NAME, MOBILE = FieldClass.PAN, FieldClass.NAME, FieldClass.MOBILE
CARDS = numbers.card_numbers(np.random.default_rng(5), 12)
Table = tuple[list[str], list[tuple[FieldClass, list[str | None]]]]


def tables(seed: int) -> list[Table]:
    """Batches that share customers, cards and names, within themselves and with each other; some have no customer."""
    draw = random.Random(seed)
    made: list[Table] = []
    for _ in range(4):
        rows = draw.randrange(1, 14)
        subjects = [draw.choice(["", *(f"C{at}" for at in range(9))]) for _ in range(rows)]
        cards = [draw.choice([None, *CARDS]) for _ in range(rows)]
        names = [draw.choice([None, "韩测试", "Ann Example", "Bo Example"]) for _ in range(rows)]
        mobiles = [draw.choice([None, "13800138000", "138 0013 8001"]) for _ in range(rows)]
        made.append((subjects, [(PAN, cards), (NAME, names), (MOBILE, mobiles)]))
    return made


def seen(vault: Vault) -> list[MaskedRecord]:
    with vault.store.reading() as tx:
        held = sql_rows.subjects_after(tx, scope=vault.scope, after=-1, limit=1000)
        return [view(tx, vault.keys, whom=subject_text(subject))[0] for _, subject in held]


def shape(records: list[MaskedRecord]) -> list[list[tuple[str, str]]]:
    """What records say, without what chance decides: subjects of nobody, slots' order, cards' tokens."""
    return sorted(sorted((one.cls.value, one.masked) for one in record.fields) for record in records)


@on_sqlite
@pytest.mark.parametrize("seed", range(12))
def test_guesses_change_nothing(vault: Vault, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foresights, "SHARE", (1.0, 0.5)[seed % 2])
    keys = vault.keys
    with vault.store.reading() as tx:
        foresight = Foresight.of(tx, keys)
    ahead = [prepare_batch(keys, subjects=who, fields=fields, foresight=foresight) for who, fields in tables(seed)]
    if seed % 3 == 0:  # somebody else sealed in between: what was guessed to be new is not
        vault.seal(["C1", "C2"], (PAN, [CARDS[0], CARDS[1]]))
    with vault.store.transaction() as tx:
        for batch in ahead:
            store_batch(tx, keys, batch=batch, now=vault.now)
    plain = Vault(store=vault.store, clock=vault.clock, keeper=vault.keeper, scope="plain")
    if seed % 3 == 0:
        plain.seal(["C1", "C2"], (PAN, [CARDS[0], CARDS[1]]))
    for who, fields in tables(seed):
        plain.seal(who, *fields)
    with vault.store.reading() as tx:
        assert counts(tx, scope=vault.scope) == counts(tx, scope="plain")
    one, two = seen(vault), seen(plain)
    assert shape(one) == shape(two)
    by_card: dict[str, set[str]] = {}
    for record in one:
        for field in record.fields:
            if field.cls is PAN:
                by_card.setdefault(field.masked, set()).add(field.token)
    assert all(len(tokens) == 1 for tokens in by_card.values())


@on_sqlite
def test_what_was_made_under_an_old_key_is_made_anew(vault: Vault) -> None:
    keys = vault.keys
    with vault.store.reading() as tx:
        foresight = Foresight.of(tx, keys)
    batch = prepare_batch(keys, subjects=["C1"], fields=[(NAME, ["韩测试"])], foresight=foresight)
    guess = batch.guess
    assert guess is not None
    assert guess.version == 1
    with vault.store.transaction() as tx:
        rotate(tx, vault.ledger, vault.keeper, scope=vault.scope, actor="", now=vault.now)
    with vault.store.transaction() as tx:
        store_batch(tx, vault.keys, batch=batch, now=vault.now)
    with vault.store.reading() as tx:
        assert [info.uses for info in list_keys(tx, purpose=KeyPurpose.VAULT)] == [
            0,
            2,
        ]  # the one that was made in vain is counted
    assert [one.masked for record in seen(vault) for one in record.fields] == ["韩**"]
