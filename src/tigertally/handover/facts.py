"""The facts that a handover states; the deal's stages and status are read from them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.formats.certificate import Certificate
from tigertally.formats.dealpapers import Release
from tigertally.formats.receipt import Receipt
from tigertally.ledger import Ledger, facts, register_fact
from tigertally.store.tx import Tx

RELEASED: Final = register_fact(
    "handover.released", Text("移交许可双签生效", "the release is signed by both"), release=str, subjects=int
)
RECEIVED: Final = register_fact(
    "handover.received",
    Text("移交包已完整接收", "the bundle was received whole"),
    receipt=str, manifest=str, subjects=int, root=str,
)  # fmt: skip
DESTROYED: Final = register_fact(
    "handover.destroyed",
    Text("转出方数据已销毁并出具证明", "the data was destroyed and certified"),
    certificate=str, ground=str, subjects=int,
)  # fmt: skip


def released(tx: Tx, ledger: Ledger, release: Release, digest: str, *, actor: str, now: datetime) -> int:
    """State that a release holds until its end; return the entry's index."""
    value: dict[str, Json] = {"release": digest, "subjects": release.subjects}
    return facts.replace(
        tx, ledger, RELEASED, subject=release.deal, value=value, start=now, until=release.until, actor=actor, now=now
    )


def received(tx: Tx, ledger: Ledger, receipt: Receipt, digest: str, *, actor: str, now: datetime) -> int:
    """State that the buyer has everything; return the entry's index."""
    value: dict[str, Json] = {
        "receipt": digest,
        "manifest": receipt.manifest,
        "subjects": receipt.subjects,
        "root": receipt.root.hex(),
    }
    return facts.replace(
        tx, ledger, RECEIVED, subject=receipt.deal, value=value, start=now, until=None, actor=actor, now=now
    )


def destroyed(tx: Tx, ledger: Ledger, certificate: Certificate, digest: str, *, actor: str, now: datetime) -> int:
    """State that a destruction was certified; return the entry's index."""
    value: dict[str, Json] = {
        "certificate": digest,
        "ground": certificate.ground.value,
        "subjects": certificate.subjects,
    }
    return facts.replace(
        tx, ledger, DESTROYED, subject=certificate.deal, value=value, start=now, until=None, actor=actor, now=now
    )
