"""Bundle, receive and destroy, in customers per second, beside a plain encrypted copy of the same data.

The peer is what people send today: the customers as one CSV file, encrypted with AES-256-GCM and synced to disk. It
has no counts, no root, no signatures, no second vault and no receipt; the ratio says what those cost.
"""

from __future__ import annotations

import csv
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.unit.handover.scene import CLASSES, SCOPE, Scene, make_scene, open_scene, plan_of

from bench.run import Row
from tigertally import handover, vault
from tigertally.base.limits import PART_SUBJECTS_MAX
from tigertally.crypto import stream
from tigertally.crypto.aead import new_key
from tigertally.store import open_store

CUSTOMERS = 20_000


def rows() -> Iterator[Row]:
    """Measure one handover of ``CUSTOMERS`` customers with four values each, on SQLite."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        for side in ("seller", "buyer"):
            with open_store(f"sqlite:///{home / side}.db") as store:
                store.migrate()
        make_scene(home, seller_url="sqlite:///seller.db", buyer_url="sqlite:///buyer.db", customers=CUSTOMERS)
        with open_scene(home) as scene:
            yield from _measured(scene, home)


def _measured(scene: Scene, home: Path) -> Iterator[Row]:
    scene.release()
    source = _csv(scene, home)
    peer = CUSTOMERS / _seconds(lambda: _plain_copy(source, home / "customers.csv.sealed"))
    yield _row("handover bundle", _seconds(lambda: _bundle(scene)), peer)
    receipt = []
    yield _row("handover receive", _seconds(lambda: receipt.append(scene.receive())), peer)
    assert scene.buyer.held() == (CUSTOMERS, dict.fromkeys(CLASSES, CUSTOMERS))
    scene.accept_receipt(receipt[0])
    yield _row("handover destroy", _seconds(lambda: _destroy(scene)), None)
    assert scene.seller.held() == (0, {})


def _bundle(scene: Scene) -> None:
    handover.write(
        scene.seller.site(),
        terms=scene.seller.terms,
        keys=scene.seller.keys(),
        signing=scene.seller.signing,
        card=scene.seller.card_statement,
        place=scene.folder,
    )


def _destroy(scene: Scene) -> None:
    seller = scene.seller
    handover.destroy(
        seller.site(),
        terms=seller.terms,
        approved=plan_of(seller).digest(),
        signers=seller.signers(),
        keeper=seller.keeper,
        signing=seller.signing,
        compact=seller.store.compact,
    )


def _csv(scene: Scene, home: Path) -> Path:
    """Write the released values as the file that would be sent otherwise (not timed)."""
    path = home / "customers.csv"
    keys = scene.seller.keys()
    after = ""
    with path.open("w", newline="") as file, scene.seller.store.reading() as tx:
        writer = csv.writer(file)
        while part := vault.export_part(tx, keys, classes=CLASSES, after=after, limit=PART_SUBJECTS_MAX, bundle=SCOPE):
            width = len(CLASSES)
            writer.writerows(
                [part.subject[at], *part.value[at : at + width]] for at in range(0, len(part.subject), width)
            )
            after = part.subject[-1]
    return path


def _plain_copy(source: Path, target: Path) -> None:
    with source.open("rb") as plain, target.open("wb") as sealed:
        pieces = iter(lambda: plain.read(1024 * 1024), b"")
        for piece in stream.encrypt_chunks(new_key(), context=b"bench", plaintext=pieces):
            sealed.write(piece)
        sealed.flush()
        os.fsync(sealed.fileno())


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _row(name: str, seconds: float, peer: float | None) -> Row:
    value = CUSTOMERS / seconds
    return {
        "name": name,
        "value": round(value),
        "unit": "customers/s",
        "peer": "" if peer is None else "AES-GCM copy of the CSV",
        "peer_value": None if peer is None else round(peer),
        "ratio": None if peer is None else round(value / peer, 4),
    }
