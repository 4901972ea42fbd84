"""The other side's answer to a certificate: validation (NIST SP 800-88r2 §4.5), which is not verification.

Whoever destroyed verified that the operation finished; the other side looks whether the certificate is of this deal,
rests on *our* receipt, covers as many customers, came after it, shows that a sealed value no longer opens, leaves no
known copy unchecked, names what it does not cover and stands on a signed head of the destroyer's log; then it signs
too. A seller's certificate is validated by the buyer; in a dead deal it is the other way round.
"""

from __future__ import annotations

from datetime import datetime

from tigertally.access.policy import Side
from tigertally.base.errors import Problem
from tigertally.crypto.sign import SigningKey
from tigertally.formats import certificate as certificates
from tigertally.formats import checkpoint
from tigertally.formats import receipt as receipts
from tigertally.formats.certificate import Certificate, Ground
from tigertally.formats.party import PartyCard
from tigertally.formats.statement import Statement
from tigertally.handover import events, facts, papers, sql
from tigertally.handover.errors import CertificateDiffers, DatedInFuture, NotOurCertificate
from tigertally.handover.site import note
from tigertally.handover.terms import SKEW_MAX, Terms
from tigertally.ledger import Ledger
from tigertally.store.tx import Tx


def validate_certificate(
    tx: Tx, ledger: Ledger, statement: Statement, *, terms: Terms, signing: SigningKey, actor: str, now: datetime
) -> Statement:
    """Check the other side's certificate, add our signature, keep and return it. Validating it again changes nothing.

    Raises ``WrongSide``, ``AnotherDeal``, ``NotSigned``, ``SignatureInvalid``, ``DatedInFuture``,
    ``CertificateDiffers`` with every member that does not fit.
    """
    paper = certificates.read(statement)
    terms.need_same("certificate", deal=paper.deal, seller=paper.seller, buyer=paper.buyer)
    terms.need_side(Side.BUYER if paper.ground is Ground.RECEIPT else Side.SELLER)
    statement.require({terms.theirs.name: terms.theirs.signing})
    if paper.finished > now + SKEW_MAX:
        raise DatedInFuture(what="certificate")
    if wrong := _differences(tx, paper, terms=terms):
        raise CertificateDiffers(members=", ".join(wrong))
    kept = papers.by_digest(tx, statement.digest)
    if kept is not None:
        return kept
    signed = statement.signed_by(signing)
    papers.save(tx, signed, deal=terms.deal, now=now)
    note(
        tx,
        ledger,
        events.CERTIFICATE_VALIDATED,
        deal=terms.deal,
        actor=actor,
        now=now,
        certificate=signed.digest,
    )
    facts.destroyed(tx, ledger, paper, signed.digest, actor=actor, now=now)
    return signed


def keep_validated(tx: Tx, ledger: Ledger, statement: Statement, *, terms: Terms, actor: str, now: datetime) -> None:
    """Keep our own certificate with the other side's signature added.

    Raises ``NotOurCertificate``, ``NotSigned``, ``SignatureInvalid``.
    """
    certificates.read(statement)
    row = sql.read_destruction(tx, terms.deal)
    if row is None or row.certificate != statement.digest:
        raise NotOurCertificate
    for card in (terms.seller, terms.buyer):
        statement.require({card.name: card.signing})
    kept = papers.by_digest(tx, statement.digest)
    if kept is not None and terms.theirs.signing.key_id in kept.signers():
        return
    papers.save(tx, statement, deal=terms.deal, now=now)
    note(
        tx,
        ledger,
        events.CERTIFICATE_VALIDATED,
        deal=terms.deal,
        actor=actor,
        now=now,
        certificate=statement.digest,
    )


def _differences(tx: Tx, paper: Certificate, *, terms: Terms) -> list[str]:
    """Return the names of what does not fit, in the certificate's order."""
    found = [name for name, good in _against_receipt(tx, paper, terms=terms) if not good]
    if not paper.failed_opening:
        found.append("failed_opening")
    if not all(item.verified for item in paper.copies):
        found.append("copies")
    found += [name for name in paper.shortfalls() if name not in found]
    if not _stands_on_log(paper, terms.theirs):
        found.append("checkpoint")
    return found


def _against_receipt(tx: Tx, paper: Certificate, *, terms: Terms) -> list[tuple[str, bool]]:
    """Hold a certificate to the deal's receipt: ours if the seller destroyed, the buyer's if it unwound."""
    statement = next(
        (
            found
            for row in sql.read_bundles(tx, deal=terms.deal)
            if row.receipt and (found := papers.by_digest(tx, row.receipt)) is not None
        ),
        None,
    )
    if statement is None:
        return [("receipt", paper.ground is Ground.DEAL_DEAD)]
    ours = receipts.read(statement)
    return [
        ("receipt", paper.ground is Ground.DEAL_DEAD or paper.receipt == statement.digest),
        ("subjects", paper.subjects >= ours.subjects),
        ("started", paper.started + SKEW_MAX >= ours.received),
        ("keys", bool(paper.keys)),
    ]


def _stands_on_log(paper: Certificate, card: PartyCard) -> bool:
    try:
        head = checkpoint.verify(paper.checkpoint.encode(), card.log)
    except Problem:
        return False
    return all(signer.entry < head.size for signer in paper.signers)
