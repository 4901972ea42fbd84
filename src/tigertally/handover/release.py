"""The release: both companies say in one signed paper what may go, to which key, until when.

1. the seller proposes: classes within the agreement, subjects counted in the vault, the buyer's confirmed key;
2. the buyer countersigns what is of this deal, under this agreement, to its *own* key;
3. the seller accepts it back: the very paper it proposed last, now with both signatures.

:func:`verified` is the one reading of a release that everything after relies on. That two persons of each company
agreed is decided before (``Action.RELEASE``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tigertally import vault
from tigertally.access.policy import Side
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.fields import SEALABLE, FieldClass
from tigertally.crypto.sign import SigningKey
from tigertally.formats import dealpapers
from tigertally.formats import statement as dsse
from tigertally.formats.dealpapers import Release
from tigertally.formats.statement import Kind, Statement
from tigertally.handover import events, facts, papers
from tigertally.handover.errors import (
    AnotherAgreement,
    BadTerm,
    ClassNotAgreed,
    NothingToRelease,
    NotOurRelease,
    NotReleased,
    RecipientNotConfirmed,
    ReleaseExpired,
    WrongRecipient,
)
from tigertally.handover.site import note
from tigertally.handover.terms import SKEW_MAX, Terms
from tigertally.ledger import Ledger
from tigertally.store.tx import Tx


def propose(
    tx: Tx,
    ledger: Ledger,
    *,
    terms: Terms,
    classes: Iterable[FieldClass],
    until: datetime,
    signing: SigningKey,
    actor: str,
    now: datetime,
) -> Statement:
    """Seller: make and sign a release for every subject that has a value of ``classes``; keep and return it.

    Raises ``WrongSide``, ``AgreementNotInForce``, ``ClassNotAgreed``, ``BadTerm``, ``NothingToRelease``.
    """
    terms.need_side(Side.SELLER)
    terms.need_agreement(now)
    chosen = tuple(sorted(set(classes), key=lambda item: item.value))
    _need_sealable(chosen)
    terms.need_agreed(chosen)
    if not now < until <= terms.agreement.until:
        raise BadTerm
    subjects = vault.count_holders(tx, scope=terms.scope, classes=chosen)
    if not subjects:
        raise NothingToRelease
    release = Release(
        deal=terms.deal,
        agreement=terms.agreement_digest,
        seller=terms.seller.party,
        buyer=terms.buyer.party,
        recipient_key=terms.buyer.transfer.key_id,
        classes=chosen,
        subjects=subjects,
        created=now,
        until=until,
    )
    statement = dsse.make(Kind.RELEASE, release.body(), signing)
    papers.save(tx, statement, deal=terms.deal, now=now)
    named: list[Json] = [item.value for item in chosen]
    note(
        tx,
        ledger,
        events.RELEASE_PROPOSED,
        deal=terms.deal,
        actor=actor,
        now=now,
        release=statement.digest,
        classes=named,
        subjects=subjects,
        until=clock.to_text(until),
    )
    return statement


def countersign(
    tx: Tx, ledger: Ledger, statement: Statement, *, terms: Terms, signing: SigningKey, actor: str, now: datetime
) -> Statement:
    """Buyer: check the seller's release and add our signature; keep and return it.

    Raises what :func:`verified` raises, and ``WrongRecipient`` if it is not for our own transfer key.
    """
    terms.need_side(Side.BUYER)
    statement.expect(Kind.RELEASE).require({terms.seller.name: terms.seller.signing})
    release = dealpapers.read_release(statement)
    if release.recipient_key != terms.buyer.transfer.key_id:
        raise WrongRecipient(name="release")
    _check(release, terms=terms, now=now)
    signed = statement.signed_by(signing)
    verified(signed, terms=terms, now=now)
    papers.save(tx, signed, deal=terms.deal, now=now)
    note(tx, ledger, events.RELEASE_COUNTERSIGNED, deal=terms.deal, actor=actor, now=now, release=signed.digest)
    facts.released(tx, ledger, release, signed.digest, actor=actor, now=now)
    return signed


def accept_release(tx: Tx, ledger: Ledger, statement: Statement, *, terms: Terms, actor: str, now: datetime) -> Release:
    """Seller: take back our last proposal with the buyer's signature; from now on a bundle may be written.

    Raises what :func:`verified` raises, and ``NotOurRelease``. Accepting it again changes nothing.
    """
    terms.need_side(Side.SELLER)
    release = verified(statement, terms=terms, now=now)
    ours = papers.last(tx, deal=terms.deal, kind=Kind.RELEASE)
    if ours is None or ours.digest != statement.digest:
        raise NotOurRelease
    if _signed_by_both(ours, terms):
        return release
    papers.save(tx, statement, deal=terms.deal, now=now)
    note(tx, ledger, events.RELEASE_ACCEPTED, deal=terms.deal, actor=actor, now=now, release=statement.digest)
    facts.released(tx, ledger, release, statement.digest, actor=actor, now=now)
    return release


def standing(tx: Tx, *, terms: Terms) -> Statement:
    """Return the deal's newest release if both companies signed it. Raises ``NotReleased``."""
    statement = papers.last(tx, deal=terms.deal, kind=Kind.RELEASE)
    if statement is None or not _signed_by_both(statement, terms):
        raise NotReleased
    return statement


def verified(statement: Statement, *, terms: Terms, now: datetime | None) -> Release:
    """Return the release in ``statement``, signed by both and matching the deal; ``now`` None skips the term.

    Raises ``NotReleased``, ``SignatureInvalid``, ``AnotherDeal``, ``AnotherAgreement``, ``ClassNotAgreed``,
    ``RecipientNotConfirmed``, ``ReleaseExpired``, ``Malformed``.
    """
    release = dealpapers.read_release(statement)
    if not _signed_by_both(statement, terms):
        raise NotReleased
    for card in (terms.seller, terms.buyer):
        statement.require({card.name: card.signing})
    _check(release, terms=terms, now=now)
    return release


def _check(release: Release, *, terms: Terms, now: datetime | None) -> None:
    terms.need_same("release", deal=release.deal, seller=release.seller, buyer=release.buyer)
    if release.agreement != terms.agreement_digest:
        raise AnotherAgreement
    _need_sealable(release.classes)
    terms.need_agreed(release.classes)
    if release.recipient_key != terms.buyer.transfer.key_id:
        raise RecipientNotConfirmed
    if release.until > terms.agreement.until:
        raise BadTerm
    if now is not None and not release.created <= now + SKEW_MAX < release.until + SKEW_MAX:
        raise ReleaseExpired


def _need_sealable(classes: tuple[FieldClass, ...]) -> None:
    """No agreement can release what must not exist (PCI DSS 3.3.1)."""
    never = sorted(item.value for item in set(classes) - SEALABLE)
    if never or not classes:
        raise ClassNotAgreed(classes=", ".join(never) or "-")


def _signed_by_both(statement: Statement, terms: Terms) -> bool:
    keys = {terms.seller.signing.key_id, terms.buyer.signing.key_id}
    return keys <= set(statement.signers())
