"""Two installations, a seller's and a buyer's, each with its own store, ledger and keys; and the steps of a deal."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.vectors import world

from tigertally import deals
from tigertally.access import sql as access_rows
from tigertally.access.policy import Side
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.base.ids import DealId, PartyId, new_id
from tigertally.base.secret import SecretBytes
from tigertally.crypto.aead import Cipher, new_key
from tigertally.crypto.digest import KeyedDigest
from tigertally.formats.agreement import Agreement
from tigertally.formats.dealpapers import Structure
from tigertally.formats.statement import Statement
from tigertally.ledger import Fact, Ledger, LedgerKeys, facts
from tigertally.ledger import sql as ledger_rows
from tigertally.store import Store, Tx, open_store
from tigertally.testing.clock import SettableClock

CLASSES = (FieldClass.PAN, FieldClass.NAME, FieldClass.MOBILE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Firm:
    """One installation of one company."""

    store: Store
    clock: SettableClock
    company: world.Company
    ledger: Ledger
    lead: str = field(default_factory=lambda: new_id("per"))
    officer: str = field(default_factory=lambda: new_id("per"))

    def __post_init__(self) -> None:
        with self.tx() as tx:
            for handle, person, roles in (("lead", self.lead, "lead"), ("officer", self.officer, "officer")):
                access_rows.insert_person(
                    tx, id=person, handle=handle, roles=roles, phc="-", totp=b"-", created=self.now
                )

    @property
    def id(self) -> PartyId:
        """Its party id."""
        return self.company.id

    @property
    def card(self) -> Statement:
        """Its card."""
        return world.card_paper(self.company.card.name)

    @property
    def now(self) -> datetime:
        """The present."""
        return self.clock.now()

    @contextmanager
    def tx(self) -> Iterator[Tx]:
        """A writing transaction."""
        with self.store.transaction() as tx:
            yield tx

    def current(self, kind: str, subject: str) -> Fact | None:
        """The fact that a decision would see now."""
        with self.store.reading() as tx:
            found = facts.read(tx, ledger=self.ledger, subjects=[subject])
        return facts.current(found, kind=kind, subject=subject, at=self.now)

    def head(self) -> int:
        """How many entries the ledger has."""
        with self.store.reading() as tx:
            return ledger_rows.read_head(tx).size

    def trust(self, other: world.Company) -> None:
        """Import and confirm another company's card."""
        with self.tx() as tx:
            deals.import_card(
                tx,
                self.ledger,
                statement=world.card_paper(other.card.name),
                own=self.id,
                actor=self.lead,
                now=self.now,
            )
            deals.confirm(
                tx,
                self.ledger,
                party=other.id,
                fingerprint=other.card.fingerprint(),
                actor=self.lead,
                now=self.now,
            )

    def open(self, structure: Structure | None = Structure.D3, *, scope: str = "shop") -> DealId:
        """Open a deal as the seller."""
        with self.tx() as tx:
            return deals.open_deal(
                tx,
                self.ledger,
                title="云杉优选转让（虚构）",
                structure=structure,
                side=Side.SELLER,
                scope=scope,
                actor=self.lead,
                now=self.now,
            ).deal

    def invite(self, agreement: Agreement) -> Statement:
        """Invite the buyer that ``agreement`` names."""
        with self.tx() as tx:
            return deals.invite(
                tx,
                self.ledger,
                deal=agreement.deal,
                agreement=agreement,
                own=self.card,
                signing=self.company.signing,
                actor=self.lead,
                now=self.now,
            )

    def accept(self, invitation: Statement) -> Statement:
        """Accept an invitation."""
        with self.tx() as tx:
            return deals.accept(
                tx,
                self.ledger,
                invitation=invitation,
                own=self.card,
                signing=self.company.signing,
                scope="bought",
                actor=self.lead,
                now=self.now,
            )

    def conclude(self, acceptance: Statement) -> deals.Deal:
        """Conclude on an acceptance."""
        with self.tx() as tx:
            return deals.conclude(tx, self.ledger, acceptance=acceptance, own=self.card, actor=self.lead, now=self.now)

    def deal(self, deal: DealId) -> deals.Deal:
        """The deal as known here."""
        with self.store.reading() as tx:
            return deals.find_deal(tx, self.ledger, deal, now=self.now)

    def route(self, deal: DealId, **answers: Json) -> Statement:
        """Decide the deal's legal route: all questions answered no, 6,000 persons, but for ``answers``."""
        said: dict[str, Json] = {item.name: False for item in deals.route_rules().questions if not item.number}
        with self.tx() as tx:
            return deals.decide_route(
                tx,
                self.ledger,
                deal=deal,
                answers={**said, "persons": 6000, **answers},
                own=self.id,
                signing=self.company.signing,
                actor=self.lead,
                approver=self.officer,
                now=self.now,
            )

    def standing(self, deal: DealId) -> deals.Standing:
        """The concluded deal, verified anew."""
        with self.store.reading() as tx:
            return deals.standing(tx, self.ledger, deal, own=self.company.card, now=self.now)


def firm(store: Store, clock: SettableClock, company: world.Company) -> Firm:
    """An installation of ``company`` over ``store``."""
    keys = LedgerKeys(
        pseudonym=KeyedDigest(SecretBytes(b"p" * 32)),
        payload=Cipher(new_key()),
        note=company.log,
        origin=company.card.log.name,
    )
    return Firm(store=store, clock=clock, company=company, ledger=Ledger(keys))


@contextmanager
def fresh_store(template: Path, path: Path) -> Iterator[Store]:
    """A SQLite store copied from a migrated one."""
    shutil.copyfile(template, path)
    with open_store(f"sqlite:///{path}") as opened:
        yield opened


@pytest.fixture
def seller(sqlite_template: Path, tmp_path: Path, clock: SettableClock) -> Iterator[Firm]:
    """The seller's installation."""
    with fresh_store(sqlite_template, tmp_path / "seller.db") as opened:
        yield firm(opened, clock, world.seller())


@pytest.fixture
def buyer(sqlite_template: Path, tmp_path: Path, clock: SettableClock) -> Iterator[Firm]:
    """The buyer's installation."""
    with fresh_store(sqlite_template, tmp_path / "buyer.db") as opened:
        yield firm(opened, clock, world.buyer())


@pytest.fixture
def any_seller(store: Store, clock: SettableClock) -> Firm:
    """A seller's installation on each database in turn."""
    return firm(store, clock, world.seller())


@pytest.fixture
def acquainted(seller: Firm, buyer: Firm) -> tuple[Firm, Firm]:
    """Seller and buyer who confirmed each other's cards."""
    seller.trust(buyer.company)
    buyer.trust(seller.company)
    return seller, buyer


def drafted(seller: Firm, buyer: world.Company, deal: DealId, **changes: object) -> Agreement:
    """An agreement of ``deal`` in the standard words; ``changes`` are arguments of the draft."""
    terms: dict[str, object] = {
        "deal": deal,
        "seller": seller.company.card,
        "buyer": buyer.card,
        "classes": CLASSES,
        "purposes": ("continue_service", "refunds"),
        "start": seller.now,
        "until": seller.now + timedelta(days=300),
        "destroy_within_days": 30,
        "penalty_cny": 1_000_000,
    }
    return deals.draft(**{**terms, **changes})  # type: ignore[arg-type]
