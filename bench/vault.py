"""The vault on SQLite: sealing, sealing again, tokens, revealing one value, out to a part and in from one.

The peer of the bulk rows is a bare AES-256-GCM loop over the same values with nonces of its own, in the same run: it
stores nothing, finds nothing again and has one key for all, so the ratio tells what a vault costs above encryption.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.run import Row
from tigertally.access import Action, Decision
from tigertally.base.ahead import spread
from tigertally.base.fields import FieldClass
from tigertally.base.ids import new_id
from tigertally.crypto.packed import Packed
from tigertally.formats.part import PartColumns
from tigertally.store import Store, open_store
from tigertally.testing import numbers
from tigertally.testing.keeper import MemoryKeeper
from tigertally.vault import (
    Meant,
    SealedPiece,
    VaultKeys,
    create_scope_keys,
    export_part,
    import_part,
    lookup,
    meant,
    open_scope,
    open_value,
    open_values,
    read_meant,
    seal_batch,
    tokens,
)
from tigertally.vault.batches import digests_of

SUBJECTS = 5 * 8_192
BATCH = 8_192
FIELDS = 4
REVEALS = 300
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
YES = Decision(action=Action.REVEAL, allowed=True, unmet=(), facts=())
PEER = "AES-256-GCM loop, same values"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customers:
    """Invented customers, four values each, as columns."""

    keys: list[str]
    columns: list[tuple[FieldClass, list[str]]]

    def batches(self) -> Iterator[tuple[list[str], list[tuple[FieldClass, list[str]]]]]:
        """Yield the customers as the sealing crossing does."""
        for start in range(0, len(self.keys), BATCH):
            chosen = slice(start, start + BATCH)
            yield self.keys[chosen], [(cls, values[chosen]) for cls, values in self.columns]


def rows() -> list[Row]:
    """Return the vault's rows; about fifteen seconds."""
    customers = _customers()
    plain = _plain(customers)
    made: list[Row] = []
    with _vault() as (store, keys):
        first = _timed(lambda: _seal(store, keys, customers))
        again = _timed(lambda: _seal(store, keys, customers))
        made += [
            _row("vault seal, 4 values each", "records/s", SUBJECTS, first, SUBJECTS / plain),
            _row("vault seal again, all known", "records/s", SUBJECTS, again, SUBJECTS / plain),
            *_tokens(store, keys, customers),
            *_reading(store, keys, customers),
            *_revealing(store, keys, customers, plain),
            *_transfer(store, keys, plain),
        ]
    return made


def _row(name: str, unit: str, amount: float, seconds: float, peer_value: float | None, peer: str = PEER) -> Row:
    value = amount / seconds
    if peer_value is None:
        return {"name": name, "value": value, "unit": unit}
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "peer": peer,
        "peer_value": peer_value,
        "ratio": value / peer_value,
    }


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _customers() -> Customers:
    rng = np.random.default_rng(7)
    return Customers(
        keys=[f"C{at:08d}" for at in range(SUBJECTS)],
        columns=[
            (FieldClass.PAN, numbers.card_numbers(rng, SUBJECTS)),
            (FieldClass.NATIONAL_ID, numbers.national_ids(rng, SUBJECTS)),
            (FieldClass.MOBILE, numbers.mobiles(rng, SUBJECTS)),
            (FieldClass.NAME, [f"虚构{at}" for at in range(SUBJECTS)]),
        ],
    )


def _plain(customers: Customers) -> float:
    """Return the seconds of the peer: best of three."""
    values = [value.encode() for _, column in customers.columns for value in column]
    gcm = AESGCM(secrets.token_bytes(32))

    def loop() -> None:
        sealed = []
        for value in values:
            nonce = secrets.token_bytes(12)
            sealed.append(nonce + gcm.encrypt(nonce, value, None))
        assert len(sealed) == SUBJECTS * FIELDS

    return min(_timed(loop) for _ in range(3))


@contextmanager
def _vault() -> Iterator[tuple[Store, VaultKeys]]:
    with tempfile.TemporaryDirectory() as folder, open_store(f"sqlite:///{Path(folder) / 'vault.db'}") as store:
        store.migrate()
        yield store, _scope(store)


def _scope(store: Store, name: str = "bench") -> VaultKeys:
    keeper = MemoryKeeper()
    with store.transaction() as tx:
        create_scope_keys(tx, keeper, scope=name, now=NOW)
    with store.reading() as tx:
        return open_scope(tx, keeper, scope=name)


def _seal(store: Store, keys: VaultKeys, customers: Customers) -> None:
    """Seal in transactions of one batch each, as the sealing crossing does."""
    touched = 0
    for subjects, fields in customers.batches():
        with store.transaction() as tx:
            counts = seal_batch(tx, keys, subjects=subjects, fields=fields, now=NOW)
        assert not counts.rejected
        touched += counts.new_fields + counts.known_fields
    assert touched == SUBJECTS * FIELDS


def _tokens(store: Store, keys: VaultKeys, customers: Customers) -> list[Row]:
    """Return what making tokens costs, and finding those that are there."""
    cards = customers.columns[0][1]
    packed = Packed.of([card.encode() for card in cards])
    make = min(_timed(lambda: tokens.draw(packed, taken=lambda made: np.zeros(len(made), np.bool_))) for _ in range(3))

    def find() -> None:
        with store.reading() as tx:
            assert None not in lookup(tx, keys, cls=FieldClass.PAN, column=cards)

    encoded = [card.encode() for card in cards]
    codes = [tokens.PAN_CODE] * len(encoded)
    keyed = min(_timed(lambda: digests_of(keys, codes, encoded)) for _ in range(3))
    return [
        _row("vault index keys of cards made", "values/s", SUBJECTS, keyed, None),
        _row("vault card tokens made", "tokens/s", SUBJECTS, make, None),
        _row("vault card tokens looked up", "tokens/s", SUBJECTS, min(_timed(find) for _ in range(3)), None),
    ]


def _reading(store: Store, keys: VaultKeys, customers: Customers) -> list[Row]:
    """Return the time of one clear value by its token: a transaction, the token, the record, two decryptions."""
    cards = customers.columns[0][1][:REVEALS]
    with store.reading() as tx:
        chosen = [token for token in lookup(tx, keys, cls=FieldClass.PAN, column=cards) if token]
    timings: list[float] = []
    for token in chosen:
        start = time.perf_counter()
        with store.reading() as tx:
            assert open_value(tx, keys, decision=YES, place=token)
        timings.append(time.perf_counter() - start)
    median = sorted(timings)[len(timings) // 2]
    return [{"name": "vault reveal one value, without the decision", "value": median * 1e6, "unit": "µs"}]


def _revealing(store: Store, keys: VaultKeys, customers: Customers, plain: float) -> list[Row]:
    """Return what many clear values cost by their tokens, in two processes, without the decision and the file."""
    with store.reading() as tx:
        texts = [token for token in lookup(tx, keys, cls=FieldClass.PAN, column=customers.columns[0][1]) if token]
    decision = replace(YES, action=Action.REVEAL_MANY)

    def pieces(meaning: Meant) -> Iterator[SealedPiece]:
        for start in range(0, len(texts), BATCH):
            with store.reading() as tx:
                piece = read_meant(tx, keys, meant=meaning, start=start, stop=start + BATCH)
            yield piece

    def reveal() -> None:
        with store.reading() as tx:
            meaning = meant(tx, keys, texts=texts)
        opened = spread(lambda found: open_values(keys, decision=decision, found=found), pieces(meaning))
        assert sum(len(piece.values) for piece in opened) == SUBJECTS

    return [_row("vault reveal many by token", "values/s", SUBJECTS, _timed(reveal), SUBJECTS * FIELDS / plain)]


def _transfer(store: Store, keys: VaultKeys, plain: float) -> list[Row]:
    """Return what it costs to go out as the columns of parts, and in again under other keys."""
    classes = [FieldClass.PAN, FieldClass.NATIONAL_ID, FieldClass.MOBILE, FieldClass.NAME]
    taken: list[PartColumns] = []

    def out() -> None:
        after = ""
        bundle = new_id("bun")
        while True:
            with store.reading() as tx:
                part = export_part(tx, keys, classes=classes, after=after, limit=BATCH, bundle=bundle)
            if part is None:
                return
            taken.append(part)
            after = part.subject[-1]

    exported = _timed(out)
    assert sum(len(part.subject) for part in taken) == SUBJECTS * FIELDS
    with _vault() as (other, own):

        def bring() -> None:
            for part in taken:
                with other.transaction() as tx:
                    assert import_part(tx, own, part=part, now=NOW) == len(part.starts())

        imported = _timed(bring)
    return [
        _row("vault export to parts", "records/s", SUBJECTS, exported, SUBJECTS / plain),
        _row("vault import from parts", "records/s", SUBJECTS, imported, SUBJECTS / plain),
    ]
