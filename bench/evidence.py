"""Floors 1–4: what third parties and incidents ask of a ledger: proofs, a whole export, who saw whom.

Sizes are 100,000 entries, so that a bench stays short; ``SIZE=1000000`` in the environment asks for the million that
the budgets speak of (minutes). The peer of a query is reading the same rows; of verifying, hashing the same leaves.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bench.run import Row
from tigertally.base.canon import Json
from tigertally.base.ids import PartyId, new_id
from tigertally.base.text import Text
from tigertally.crypto.aead import Cipher, new_key
from tigertally.crypto.digest import KeyedDigest
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.merkle import MemoryTree, inclusion_proof, leaf_hash, range_hash, verify_inclusion
from tigertally.crypto.sign import NoteKey, SigningKey
from tigertally.formats import ledgerexport
from tigertally.formats.party import PartyCard
from tigertally.ledger import Event, Ledger, LedgerKeys, checkpoints, export, register_event, search, sql
from tigertally.store import Store, open_store

SIZE: Final = int(os.environ.get("SIZE", "100000"))
PEOPLE: Final = 200
BEGUN: Final = datetime(2026, 1, 1, tzinfo=UTC)
YEAR_S: Final = 365 * 24 * 3600
SEEN: Final = register_event(
    "bench.value.revealed",
    Text("查看", "a value was revealed"),
    "person",
    "subject",
    "class",
    "purpose",
    "grant",
    "scope",
)
PART: Final = 10_000


def rows() -> list[Row]:
    """Return the rows; about half a minute."""
    found = [_proof()]
    keys = LedgerKeys(
        pseudonym=KeyedDigest(new_key()),
        payload=Cipher(new_key()),
        note=NoteKey.generate(),
        origin="tigertally.invalid/bench",
    )
    ledger = Ledger(keys)
    people = [new_id("per") for _ in range(PEOPLE)]
    subjects = [new_id("sub") for _ in range(SIZE // 10)]
    with tempfile.TemporaryDirectory() as folder, open_store(f"sqlite:///{Path(folder) / 'ledger.db'}") as store:
        store.migrate()
        told = _fill(store, ledger, people, subjects)
        found += _asked(store, ledger, told)
        found += _export(store, ledger, Path(folder) / "export")
    return found


def _proof() -> Row:
    """Time proof and verification against the tree in memory, at the size that the budget names."""
    size = 1_000_000
    leaf = leaf_hash(b"one")
    tree = MemoryTree([leaf] * size)
    root = range_hash(tree.subtree, 0, size)
    draw = random.Random(1)
    wanted = [draw.randrange(size) for _ in range(2_000)]

    def both() -> None:
        for index in wanted:
            path = inclusion_proof(tree.subtree, index=index, size=size)
            assert verify_inclusion(hashed_leaf=leaf, index=index, size=size, proof=path, root=root)

    taken = _seconds(both) / len(wanted) * 1e6
    return {"name": "proof and verify, 1,000,000 leaves", "value": round(taken, 1), "unit": "µs"}


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


Told = list[tuple[datetime, str, str]]


def _fill(store: Store, ledger: Ledger, people: list[str], subjects: list[str]) -> Told:
    """Append ``SIZE`` reveals over a year, one batch per instant."""
    draw = random.Random(2)
    told: Told = []
    step = timedelta(seconds=YEAR_S / (SIZE / 500))
    while len(told) < SIZE:
        with store.transaction() as tx:
            for _ in range(PART // 500):
                now = BEGUN + len(told) // 500 * step
                batch = []
                for _ in range(500):
                    person, subject = draw.choice(people), draw.choice(subjects)
                    payload: dict[str, Json] = {"person": person, "subject": subject, "class": "pan"}
                    payload |= {"purpose": "refund", "grant": "gra_x", "scope": "main"}
                    batch.append(Event(kind=SEEN, payload=payload, actor=person, about=(person, subject)))
                    told.append((now, person, subject))
                ledger.append_many(tx, batch, now=now)
    return told


def _asked(store: Store, ledger: Ledger, told: Told) -> list[Row]:
    _, person, subject = told[len(told) // 2]
    march = BEGUN + timedelta(days=59), BEGUN + timedelta(days=90)
    year = BEGUN, BEGUN + timedelta(days=366)
    asked: tuple[tuple[str, list[str], tuple[datetime, datetime]], ...] = (
        ("of one customer, a year", [subject], year),
        ("by one person, a month", [person], march),
        ("by one person, a year", [person], year),
        ("everything of a day", [], (BEGUN + timedelta(days=40), BEGUN + timedelta(days=41))),
    )
    found: list[Row] = []
    for name, names, (start, until) in asked:
        wanted = [at for at, (when, *who) in enumerate(told) if start <= when < until and set(names) <= set(who)]

        def query(names: list[str] = names, start: datetime = start, until: datetime = until) -> list[int]:
            with store.reading() as tx:
                within = search.window(tx, start=start, until=until)
                hits = list(search.about(tx, ledger, names=names, within=within, kinds=[SEEN]))
                assert all(item.payload is not None for item in hits)
                return [item.index for item in hits]

        def read(wanted: list[int] = wanted) -> None:
            with store.reading() as tx:
                for at in range(0, len(wanted), 500):
                    sql.read_rows(tx, wanted[at : at + 500])

        assert query() == wanted, "exact"
        ours, theirs = min(_seconds(query) for _ in range(3)), min(_seconds(read) for _ in range(3))
        found.append(
            {
                "name": f"who saw whom: {name} ({len(wanted):,} of {SIZE:,})",
                "value": round(ours * 1000, 1),
                "unit": "ms",
                "peer": "reading the same rows",
                "peer_value": round(theirs * 1000, 1),
                "ratio": round(ours / max(theirs, 1e-9), 2),
            }
        )
    return found


def _export(store: Store, ledger: Ledger, folder: Path) -> list[Row]:
    signing = SigningKey.generate()
    card = PartyCard(
        party=PartyId(new_id("pty")),
        name="Bench",
        signing=signing.public,
        transfer=TransferKey.generate().public,
        log=ledger.keys.verifier,
        created=BEGUN,
    )
    with store.transaction() as tx:
        note = checkpoints.sign_head(tx, ledger, now=BEGUN + timedelta(days=366))
    with store.reading() as tx:
        export.write(tx, ledger, card=card.sign(signing), note=note, folder=folder)

    def verify() -> None:
        assert not ledgerexport.verify_export(folder, ledger.keys.verifier).flaws

    def hashed() -> None:
        with (folder / ledgerexport.ENTRIES_NAME).open("rb") as file:
            for line in file:
                leaf_hash(line)

    began = time.process_time()
    ours = SIZE / _seconds(verify)
    by_processor, theirs = SIZE / (time.process_time() - began), SIZE / _seconds(hashed)
    return [
        {
            "name": f"export of {SIZE:,} entries verified{suffix}",
            "value": round(value),
            "unit": unit,
            "peer": "reading and hashing the lines",
            "peer_value": round(theirs),
            "ratio": round(value / theirs, 3),
        }
        for value, suffix, unit in (
            (ours, "", "entries/s"),
            (by_processor, ", processor", "entries/processor s"),
        )
    ]
