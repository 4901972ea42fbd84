"""Laws of the vault: it holds what a dictionary would, tokens pair with values, packed records have one reading."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tigertally.base.errors import Problem
from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.secret import SecretBytes
from tigertally.crypto.aead import Cipher
from tigertally.crypto.packed import Packed
from tigertally.data.issuers import PAN_DIGITS_MAX, PAN_DIGITS_MIN, issued, luhn_ok
from tigertally.formats.record import Field
from tigertally.store import Store, open_store
from tigertally.testing.keeper import MemoryKeeper
from tigertally.vault import (
    VaultKeys,
    counts,
    create_scope_keys,
    entries,
    export_part,
    lookup,
    open_scope,
    seal_batch,
    tokens,
)
from tigertally.vault.index import runs

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PAN, NAME = FieldClass.PAN, FieldClass.NAME
CARDS = ["4111111111111111", "5555555555554444", "378282246310005"]
NAMES = ["虚构甲", "虚构乙", "Ann Example"]


@st.composite
def cards(draw: st.DrawFn) -> str:
    """A number that passes Luhn, of any length a card may have."""
    length = draw(st.integers(PAN_DIGITS_MIN, PAN_DIGITS_MAX))
    body = draw(st.text("0123456789", min_size=length - 1, max_size=length - 1))
    return next(body + check for check in "0123456789" if luhn_ok(body + check))


batches = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(["", "C1", "C2", "C3"]),
            st.sampled_from([None, "", *CARDS]),
            st.sampled_from([None, *NAMES]),
        ),
        max_size=6,
    ),
    max_size=4,
)
Row = tuple[str, str | None, str | None]


@contextmanager
def vault(template: Path) -> Iterator[tuple[Store, VaultKeys]]:
    """An empty vault."""
    keeper = MemoryKeeper()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        shutil.copyfile(template, path)
        with open_store(f"sqlite:///{path}") as store:
            with store.transaction() as tx:
                create_scope_keys(tx, keeper, scope="law", now=NOW)
            with store.reading() as tx:
                keys = open_scope(tx, keeper, scope="law")
            yield store, keys


class Model:
    """What a dictionary would hold: per owner the set of values; owners of leaks are their values."""

    def __init__(self) -> None:
        self.held: dict[object, set[tuple[FieldClass, str]]] = {}

    def seal(self, rows: list[Row]) -> int:
        cells = [
            (owner, (cls, value)) for owner, card, name in rows for cls, value in ((PAN, card), (NAME, name)) if value
        ]
        before = self.size
        for owner, value in cells:
            if owner:
                self.held.setdefault(owner, set()).add(value)
        for owner, value in cells:
            if not owner and not any(value in values for values in self.held.values()):
                self.held[value] = {value}
        return self.size - before

    @property
    def size(self) -> int:
        return sum(map(len, self.held.values()))


def seal(store: Store, keys: VaultKeys, rows: list[Row]) -> int:
    columns = [(PAN, [card for _, card, _ in rows]), (NAME, [name for _, _, name in rows])]
    with store.transaction() as tx:
        return seal_batch(tx, keys, subjects=[owner for owner, _, _ in rows], fields=columns, now=NOW).new_fields


@settings(max_examples=40, deadline=None)
@given(history=batches)
def test_a_vault_holds_what_a_dictionary_would(sqlite_template: Path, history: list[list[Row]]) -> None:
    model = Model()
    with vault(sqlite_template) as (store, keys):
        for rows in history:
            assert seal(store, keys, rows) == model.seal(rows)
            assert seal(store, keys, rows) == 0
        with store.reading() as tx:
            subjects, held = counts(tx, scope="law")
            part = export_part(tx, keys, classes=[PAN, NAME], after="", limit=100, bundle="bun_law")
            known = {value: lookup(tx, keys, cls=PAN, column=[value])[0] for value in CARDS}
    assert (subjects, sum(held.values())) == (len(model.held), model.size)
    if part is None:
        assert model.size == 0
        return
    classes = {FIELD_RULES[cls].code: cls for cls in (PAN, NAME)}
    stored: dict[str, set[tuple[FieldClass, str]]] = {}
    for subject, code, value in zip(part.subject, part.code, part.value, strict=True):
        stored.setdefault(subject, set()).add((classes[code], value))
    assert sorted(map(sorted, (((c.value, v) for c, v in values) for values in stored.values()))) == sorted(
        map(sorted, (((c.value, v) for c, v in values) for values in model.held.values()))
    )
    pairs = {(code, value, token) for code, value, token in zip(part.code, part.value, part.token, strict=True)}
    assert len(pairs) == len({token for _, _, token in pairs}) == len({pair[:2] for pair in pairs})
    held_cards = {value for _, value in set().union(*model.held.values()) if value in CARDS}
    assert {value for value, token in known.items() if token} == held_cards


@given(number=cards())
def test_a_token_of_any_card_is_no_card(number: str) -> None:
    code = FIELD_RULES[PAN].code
    drawn = tokens.draw(Packed.of([number.encode()]), taken=lambda made: np.zeros(len(made), np.bool_))
    (token,) = tokens.texts(np.array([code], np.uint8), drawn)
    assert tokens.raw(token) == (True, runs.whole(drawn))
    assert len(token) == len(number)
    assert token[-4:] == number[-4:]
    assert not luhn_ok(token)
    assert not issued(token)
    assert tokens.misformed([code], [number], [token]) == []
    assert tokens.misformed([code], [number], [number]) == [0]


places = st.dictionaries(
    st.tuples(st.integers(1, 255), st.integers(0, 255)),
    st.tuples(st.binary(min_size=16, max_size=16), st.text(max_size=40).map(str.encode)),
    max_size=8,
)


@given(fields=places, cut=st.integers(0, 400), noise=st.binary(max_size=20), flip=st.integers(0, 10_000))
def test_a_stored_record_has_one_reading(
    fields: dict[tuple[int, int], tuple[bytes, bytes]], cut: int, noise: bytes, flip: int
) -> None:
    there = sorted(fields)
    texts = [fields[place][1] for place in there]
    ordered = [
        Field(code, slot, text, tokens.text(code, fields[code, slot][0]).encode())
        for (code, slot), text in zip(there, texts, strict=True)
    ]
    head = entries.head_of(b"".join([bytes(place) + fields[place][0] for place in there]))
    body = entries.body_of(b"".join([len(text).to_bytes(4, "big") for text in texts]), b"".join(texts))
    cipher = Cipher(SecretBytes(bytes(32)))
    stored = head + cipher.seal(body, entries.aad("s", "who", head))
    joined, edges = entries.texts(entries.heads([stored, stored]), [body, body])
    assert [joined[start:stop] for start, stop in pairwise(edges.tolist())] == texts * 2

    def opened(data: bytes, *, scope: str = "s", subject: str = "who") -> list[Field] | None:
        try:
            return entries.open_record(cipher, scope=scope, subject=subject, stored=data)
        except Problem:
            return None

    assert opened(stored) == ordered
    assert [(place.code, place.slot) for place in entries.places(stored)] == there
    assert opened(stored, scope="t") is None
    assert opened(stored, subject="else") is None
    at = flip % len(stored)
    for other in (stored[:cut], stored + noise, noise, stored[:at] + bytes((stored[at] ^ 1,)) + stored[at + 1 :]):
        assert other == stored or opened(other) is None
