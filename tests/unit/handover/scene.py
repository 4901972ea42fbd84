"""Two installations in the middle of a deal: a seller with sealed customers and a buyer with an empty vault.

Everything a process needs lies in one folder (databases or their addresses, root key files, cards, agreement), so a
test can open the same scene in a child process that is then killed. Not a test itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from tigertally import handover, vault
from tigertally.access.events import APPROVAL_ASKED
from tigertally.access.policy import Side
from tigertally.base.fields import FieldClass
from tigertally.base.ids import AgreementId, DealId, PartyId, new_id
from tigertally.base.secret import SecretText
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.kdf import Argon2Cost
from tigertally.crypto.sign import SigningKey
from tigertally.formats import agreement as agreements
from tigertally.formats import party, statement
from tigertally.formats.agreement import BLOCKS, Agreement, Clause
from tigertally.formats.certificate import Signer
from tigertally.formats.party import PartyCard
from tigertally.formats.statement import Kind, Statement
from tigertally.handover import Site, Terms
from tigertally.ledger import Event, Ledger
from tigertally.ledger.entries import origin_of
from tigertally.ledger.fsck import check
from tigertally.store import Store, open_store
from tigertally.testing import numbers, people
from tigertally.testing.clock import SettableClock
from tigertally.vault import KeyKeeper, VaultKeys

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CHEAP = Argon2Cost(memory_kib=19_456, passes=2, lanes=1)
PASSPHRASE = "obviously-not-a-real-passphrase"
CLASSES = (FieldClass.MOBILE, FieldClass.NAME, FieldClass.NATIONAL_ID, FieldClass.PAN)
SCOPE = "shop"
PART = 16


def no_step(_: str) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """One side's installation, opened. ``persons`` are two invented employees."""

    side: Side
    store: Store
    keeper: KeyKeeper
    ledger: Ledger
    signing: SigningKey
    transfer: TransferKey
    card: PartyCard
    card_statement: Statement
    persons: tuple[str, str]
    terms: Terms
    clock: SettableClock

    def keys(self) -> VaultKeys:
        """The scope's keys."""
        with self.store.reading() as tx:
            return vault.open_scope(tx, self.keeper, scope=SCOPE)

    def site(self, on_step: Callable[[str], None] = no_step) -> Site:
        """Where long work runs."""
        return Site(
            writing=self.store.transaction,
            reading=self.store.reading,
            ledger=self.ledger,
            clock=self.clock,
            actor=self.persons[0],
            on_step=on_step,
        )

    def at(self, stage: str) -> Office:
        """The same office with the deal at another stage."""
        return replace(self, terms=replace(self.terms, stage=stage))

    def signers(self) -> tuple[Signer, ...]:
        """Two persons with entries about each."""
        acts = ("asked", "approved")
        shared = {"approval": new_id("apv"), "action": "handover.destroy", "digest": "0" * 64}
        found = []
        with self.store.transaction() as tx:
            for person, act in zip(self.persons, acts, strict=True):
                payload = {**shared, "person": person}
                event = Event(kind=APPROVAL_ASKED, payload=payload, actor=person, about=(person,))
                found.append(Signer(person=person, act=act, entry=self.ledger.append(tx, event, now=self.clock.now())))
        return tuple(found)

    def held(self) -> tuple[int, dict[FieldClass, int]]:
        """What the vault holds."""
        with self.store.reading() as tx:
            return vault.counts(tx, scope=SCOPE)

    def events(self, *kinds: str) -> list[str]:
        """The kinds of handover entries in the ledger, in order; of these kinds only, if given."""
        from tigertally.ledger import sql  # noqa: PLC0415 - the stored log itself

        with self.store.reading() as tx:
            names = [row[2] for rows in sql.stream_entries(tx, batch_rows=500) for row in rows]
        return [name for name in names if (name in kinds if kinds else name.startswith("handover."))]

    def assert_sound(self) -> None:
        """The ledger says what was written."""
        with self.store.reading() as tx:
            findings = check(tx, self.ledger)
        assert findings.clean, findings.flaws


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Both offices, and the folder that the bundle travels in."""

    seller: Office
    buyer: Office
    folder: Path

    def release(self) -> Statement:
        """A release signed by both and accepted by the seller."""
        now = self.seller.clock.now()
        with self.seller.store.transaction() as tx:
            proposed = handover.propose(
                tx,
                self.seller.ledger,
                terms=self.seller.terms,
                classes=CLASSES,
                until=now + timedelta(days=7),
                signing=self.seller.signing,
                actor=self.seller.persons[0],
                now=now,
            )
        with self.buyer.store.transaction() as tx:
            signed = handover.countersign(
                tx,
                self.buyer.ledger,
                proposed,
                terms=self.buyer.terms,
                signing=self.buyer.signing,
                actor=self.buyer.persons[0],
                now=now,
            )
        with self.seller.store.transaction() as tx:
            handover.accept_release(
                tx, self.seller.ledger, signed, terms=self.seller.terms, actor=self.seller.persons[0], now=now
            )
        return signed

    def write(self, on_step: Callable[[str], None] = no_step) -> Statement:
        """The seller writes the bundle."""
        return handover.write(
            self.seller.site(on_step),
            terms=self.seller.terms,
            keys=self.seller.keys(),
            signing=self.seller.signing,
            card=self.seller.card_statement,
            place=self.folder,
            part_subjects=PART,
        )

    def receive(self, on_step: Callable[[str], None] = no_step, folder: Path | None = None) -> Statement:
        """The buyer receives it."""
        return handover.receive(
            self.buyer.site(on_step),
            terms=self.buyer.terms,
            keys=self.buyer.keys(),
            transfer=self.buyer.transfer,
            signing=self.buyer.signing,
            place=folder or self.folder,
        )

    def accept_receipt(self, receipt: Statement) -> None:
        """The seller accepts the receipt."""
        with self.seller.store.transaction() as tx:
            handover.accept_receipt(
                tx,
                self.seller.ledger,
                receipt,
                terms=self.seller.terms,
                actor=self.seller.persons[0],
                now=self.seller.clock.now(),
            )

    def handed_over(self) -> Statement:
        """Everything up to the accepted receipt; return it."""
        self.release()
        self.write()
        receipt = self.receive()
        self.accept_receipt(receipt)
        return receipt


def plan_of(office: Office) -> handover.DestructionPlan:
    """What that office would destroy."""
    with office.store.reading() as tx:
        return handover.plan(tx, office.ledger, terms=office.terms, now=office.clock.now())


def destroy(
    office: Office,
    *,
    approved: str,
    signers: tuple[Signer, ...],
    on_step: Callable[[str], None] = no_step,
    protected: tuple[Path, ...] = (),
) -> Statement:
    """Carry out a plan."""
    return handover.destroy(
        office.site(on_step),
        terms=office.terms,
        approved=approved,
        signers=signers,
        keeper=office.keeper,
        signing=office.signing,
        compact=office.store.compact,
        protected=protected,
        batch=50,
    )


def finished(office: Office, on_step: Callable[[str], None] = no_step) -> Statement:
    """Destroy what that office would, as approved; return the certificate."""
    plan = plan_of(office)
    return destroy(office, approved=plan.digest(), signers=office.signers(), on_step=on_step)


def validate(office: Office, paper: Statement) -> Statement:
    """That office validates the other side's certificate."""
    with office.store.transaction() as tx:
        return handover.validate_certificate(
            tx,
            office.ledger,
            paper,
            terms=office.terms,
            signing=office.signing,
            actor=office.persons[0],
            now=office.clock.now(),
        )


def make_scene(home: Path, *, seller_url: str, buyer_url: str, customers: int = 40) -> None:
    """Create both installations, exchange cards, agree, and seal the seller's customers."""
    deal = new_id("dea")
    cards = {}
    for side, url in ((Side.SELLER, seller_url), (Side.BUYER, buyer_url)):
        cards[side] = _found(home, side, url)
    agreement = _agreement(DealId(deal), cards[Side.SELLER].party, cards[Side.BUYER].party)
    signed = statement.make(Kind.AGREEMENT, agreement.body(), _signing(home, Side.SELLER, seller_url))
    signed = signed.signed_by(_signing(home, Side.BUYER, buyer_url))
    (home / "agreement.json").write_bytes(signed.to_bytes())
    (home / "scene.json").write_text(json.dumps({"deal": deal, "seller": seller_url, "buyer": buyer_url}))
    with open_scene(home) as scene:
        _fill(scene.seller, customers)


@contextmanager
def open_scene(home: Path, *, stage: str = "S7", now: datetime = START) -> Iterator[Scene]:
    """Open the scene in ``home``."""
    told = json.loads((home / "scene.json").read_text())
    clock = SettableClock(now)
    with open_store(_url(home, told["seller"])) as seller, open_store(_url(home, told["buyer"])) as buyer:
        cards = {side: _card(home, side) for side in Side}
        agreed = statement.parse((home / "agreement.json").read_bytes())

        def office(side: Side, store: Store) -> Office:
            terms = Terms(
                deal=DealId(told["deal"]),
                side=side,
                scope=SCOPE,
                stage=stage,
                seller=cards[Side.SELLER],
                buyer=cards[Side.BUYER],
                agreement=agreements.read(agreed),
                agreement_digest=agreed.digest,
            )
            return _office(home, side, store, terms, clock)

        yield Scene(
            seller=office(Side.SELLER, seller), buyer=office(Side.BUYER, buyer), folder=home / "travel" / "bundle"
        )


def _url(home: Path, url: str) -> str:
    """A database named without a folder lies in the scene's own."""
    name = url.removeprefix("sqlite:///")
    return f"sqlite:///{home / name}" if name != url else url


def _office(home: Path, side: Side, store: Store, terms: Terms, clock: SettableClock) -> Office:
    keeper = vault.open_passphrase_keeper(home / f"{side.value}.key", passphrase=SecretText(PASSPHRASE))
    card = _card(home, side)
    with store.reading() as tx:
        return Office(
            side=side,
            store=store,
            keeper=keeper,
            ledger=Ledger(vault.ledger_keys(tx, keeper, origin=origin_of(card.party))),
            signing=vault.signing_key(tx, keeper),
            transfer=vault.transfer_key(tx, keeper),
            card=card,
            card_statement=statement.parse((home / f"{side.value}.json").read_bytes()),
            persons=tuple(json.loads((home / f"{side.value}-persons.json").read_text())),
            terms=terms,
            clock=clock,
        )


def _found(home: Path, side: Side, url: str) -> PartyCard:
    keeper = vault.create_passphrase_keeper(home / f"{side.value}.key", passphrase=SecretText(PASSPHRASE), cost=CHEAP)
    name = "云杉优选" if side is Side.SELLER else "山海生活"
    with open_store(_url(home, url)) as store, store.transaction() as tx:
        vault.create_installation_keys(tx, keeper, now=START)
        vault.create_scope_keys(tx, keeper, scope=SCOPE, now=START)
        party_id = PartyId(new_id("pty"))
        signing = vault.signing_key(tx, keeper)
        ledger = Ledger(vault.ledger_keys(tx, keeper, origin=origin_of(party_id)))
        card = PartyCard(
            party=party_id,
            name=name,
            signing=signing.public,
            transfer=vault.transfer_key(tx, keeper).public,
            log=ledger.keys.verifier,
            created=START,
        )
    (home / f"{side.value}.json").write_bytes(card.sign(signing).to_bytes())
    (home / f"{side.value}-persons.json").write_text(json.dumps([new_id("per"), new_id("per")]))
    return card


def _card(home: Path, side: Side) -> PartyCard:
    return party.read(statement.parse((home / f"{side.value}.json").read_bytes()))


def _signing(home: Path, side: Side, url: str) -> SigningKey:
    keeper = vault.open_passphrase_keeper(home / f"{side.value}.key", passphrase=SecretText(PASSPHRASE))
    with open_store(_url(home, url)) as store, store.reading() as tx:
        return vault.signing_key(tx, keeper)


def _agreement(deal: DealId, seller: PartyId, buyer: PartyId) -> Agreement:
    return Agreement(
        agreement=AgreementId(new_id("agr")),
        version=1,
        deal=deal,
        seller=seller,
        buyer=buyer,
        classes=tuple(sorted([*CLASSES, FieldClass.EXPIRY], key=lambda cls: cls.value)),
        purposes=("customer_service",),
        start=START - timedelta(days=1),
        until=START + timedelta(days=60),
        destroy_within_days=30,
        penalty_cny=1_000_000,
        onward=(),
        clauses=tuple((name, Clause(zh="条款", en="clause")) for name in BLOCKS),
    )


def _fill(office: Office, customers: int) -> None:
    rng = np.random.default_rng(7)
    folk = people.invent(rng, customers)
    with office.store.transaction() as tx:
        vault.seal_batch(
            tx,
            office.keys(),
            subjects=folk.customer_no,
            fields=[
                (FieldClass.NAME, folk.name),
                (FieldClass.MOBILE, folk.mobile),
                (FieldClass.NATIONAL_ID, folk.national_id),
                (FieldClass.PAN, numbers.card_numbers(rng, customers)),
                (FieldClass.EXPIRY, numbers.expiries(rng, customers)),
            ],
            now=office.clock.now(),
        )
