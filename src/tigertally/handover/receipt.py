"""The seller's side of a receipt: the buyer's signed word, held against our own manifest.

1. signed by the buyer's confirmed key; 2. of this deal and these parties; 3. it answers a manifest that we signed
in this deal, by digest; 4. it differs from it in nothing: subjects, counts per class, root; 5. it is not from the
future, and later than the bundle; 6. no receipt was accepted before. Then, and only then, may anything be destroyed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tigertally.access.policy import Side
from tigertally.formats import manifest as manifests
from tigertally.formats import receipt as receipts
from tigertally.formats.receipt import Receipt
from tigertally.formats.statement import Statement
from tigertally.handover import events, facts, papers, sql
from tigertally.handover.bundle import RECEIPTED
from tigertally.handover.errors import (
    DatedInFuture,
    OtherReceipt,
    ReceiptDiffers,
    ReceiptReplayed,
    UnknownManifest,
)
from tigertally.handover.site import note
from tigertally.handover.terms import SKEW_MAX, Terms
from tigertally.ledger import Ledger
from tigertally.store.tx import Tx


def accept_receipt(tx: Tx, ledger: Ledger, statement: Statement, *, terms: Terms, actor: str, now: datetime) -> Receipt:
    """Seller: verify the buyer's receipt, keep it and state the fact that it proves; return it.

    Raises ``AnotherDeal``, ``NotSigned``, ``SignatureInvalid``, ``UnknownManifest``, ``ReceiptDiffers``,
    ``DatedInFuture``, ``ReceiptReplayed`` for the same one again, ``OtherReceipt`` for a second one.
    """
    terms.need_side(Side.SELLER)
    paper = verified(tx, statement, terms=terms, now=now)
    for row in sql.read_bundles(tx, deal=terms.deal):
        if row.receipt == statement.digest:
            raise ReceiptReplayed
        if row.receipt:
            raise OtherReceipt
    row = next(row for row in sql.read_bundles(tx, deal=terms.deal) if row.manifest == paper.manifest)
    papers.save(tx, statement, deal=terms.deal, now=now)
    sql.update_bundle(tx, replace(row, state=RECEIPTED, receipt=statement.digest))
    note(
        tx,
        ledger,
        events.RECEIPT_ACCEPTED,
        deal=terms.deal,
        actor=actor,
        now=now,
        bundle=paper.bundle,
        manifest=paper.manifest,
        receipt=statement.digest,
    )
    facts.received(tx, ledger, paper, statement.digest, actor=actor, now=now)
    return paper


def accepted(tx: Tx, *, terms: Terms, now: datetime) -> tuple[Statement, Receipt] | None:
    """Return the receipt accepted in this deal, verified again from its bytes; None if there is none."""
    for row in sql.read_bundles(tx, deal=terms.deal):
        statement = papers.by_digest(tx, row.receipt) if row.receipt else None
        if statement is not None:
            return statement, verified(tx, statement, terms=terms, now=now)
    return None


def verified(tx: Tx, statement: Statement, *, terms: Terms, now: datetime) -> Receipt:
    """Return the receipt in ``statement`` if it is the buyer's and matches a manifest of ours: numbers 1–5."""
    paper = receipts.read(statement)
    terms.need_same("receipt", deal=paper.deal, seller=paper.seller, buyer=paper.buyer)
    statement.require({terms.buyer.name: terms.buyer.signing})
    ours = [row.manifest for row in sql.read_bundles(tx, deal=terms.deal) if row.manifest]
    answered = papers.by_digest(tx, paper.manifest) if paper.manifest in ours else None
    if answered is None:
        raise UnknownManifest
    account = manifests.read(answered)
    answered.require({terms.seller.name: terms.seller.signing})
    if wrong := paper.differences(account, answered.digest):
        raise ReceiptDiffers(members=", ".join(wrong))
    if paper.received > now + SKEW_MAX:
        raise DatedInFuture(what="receipt")
    if paper.received < account.created:
        raise ReceiptDiffers(members="received")
    return paper
