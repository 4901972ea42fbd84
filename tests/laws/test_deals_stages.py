"""A deal moved, proved, spoilt, waived and aged in any order: it is never where an oracle would not let it be.

The oracle keeps what is true in plain variables and says for each move whether it must pass; it shares no code with the
gates.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.unit.deals.conftest import Firm, drafted, firm
from tests.vectors import world

from tigertally import deals
from tigertally.access.policy import STAGES
from tigertally.base.canon import Json
from tigertally.formats import dealpapers
from tigertally.formats import statement as dsse
from tigertally.formats.dealpapers import Acceptance, Structure
from tigertally.formats.statement import Kind, Statement
from tigertally.handover import facts as handover_facts
from tigertally.ledger import FactKind, facts, fsck
from tigertally.store import open_store
from tigertally.testing.clock import SettableClock

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TERM_DAYS, INVENTORY_DAYS, WAIVER_DAYS = 120, 90, 60
WAIVABLE = ("impact_assessment", "drill", "notices", "inventory_unread")
HANDOVER: dict[str, tuple[FactKind, dict[str, Json]]] = {
    "released": (handover_facts.RELEASED, {"release": "1" * 64, "subjects": 6}),
    "received": (handover_facts.RECEIVED, {"receipt": "1" * 64, "manifest": "1" * 64, "subjects": 6, "root": "1" * 64}),
    "destroyed": (handover_facts.DESTROYED, {"certificate": "1" * 64, "ground": "receipt", "subjects": 6}),
}


@cache
def template() -> bytes:
    """A migrated SQLite database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        with open_store(f"sqlite:///{path}") as store:
            store.migrate()
            store.compact()
        return path.read_bytes()


class StageMachine(RuleBasedStateMachine):
    """The seller's deal, in structure D3."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        (self.folder / "seller.db").write_bytes(template())
        self.clock = SettableClock(START)
        self.store = open_store(f"sqlite:///{self.folder / 'seller.db'}")
        self.seller: Firm = firm(self.store, self.clock, world.seller())
        self.deal = self.seller.open(Structure.D3)
        self.stage = "S0"
        self.confirmed = False
        self.concluded_until: datetime | None = None
        self.inventory: tuple[str, int, datetime] | None = None
        self.purged: tuple[str, str, int] | None = None
        self.sealed: tuple[str, bool] | None = None
        self.copied = ""
        self.waived: dict[str, datetime] = {}
        self.handed: set[str] = set()
        self.routed_until: datetime | None = None

    def teardown(self) -> None:
        """The ledger is whole whatever happened."""
        with self.store.reading() as tx:
            assert fsck.check(tx, self.seller.ledger).clean
        self.store.close()
        shutil.rmtree(self.folder)

    @property
    def now(self) -> datetime:
        """The present."""
        return self.clock.now()

    def oracle(self, to: str) -> bool:
        """Whether the gate of ``to`` must be open."""
        now = self.now
        waives = {code for code, until in self.waived.items() if now < until}
        listed = self.inventory is not None and now < self.inventory[2]
        unread = self.inventory[1] if self.inventory is not None else 0
        agreed = self.confirmed and self.concluded_until is not None and now < self.concluded_until
        clean = listed and self.purged is not None and self.inventory is not None
        clean = clean and self.purged[1] == self.inventory[0] and self.purged[2] == 0  # type: ignore[index]
        packed = self.sealed is not None and self.sealed[1] and self.purged is not None
        packed = packed and self.sealed[0] == self.purged[0] == self.copied  # type: ignore[index]
        return {
            "S1": listed and (unread == 0 or "inventory_unread" in waives),
            "S2": True,
            "S3": agreed,
            "S4": "impact_assessment" in waives,
            "S5": clean,
            "S6": agreed,
            "S7": agreed
            and packed
            and self.routed_until is not None
            and now < self.routed_until
            and "released" in self.handed
            and {"drill", "notices", "impact_assessment"} <= waives,
            "S8": {"received", "destroyed"} <= self.handed,
            "S9": "destroyed" not in self.handed,
        }[to]

    @rule(to=st.sampled_from(STAGES), reason=st.none() | st.sampled_from(deals.MoveReason))
    def move(self, to: str, reason: deals.MoveReason | None) -> None:
        """Any move at all, with or without a reason."""
        self.try_move(to, reason)

    @rule(steps=st.integers(1, 5))
    def forward(self, steps: int) -> None:
        """The next stages: without this rule, few runs would get far."""
        for _ in range(steps):
            self.try_move(STAGES[min(STAGES.index(self.stage) + 1, 8)], None)

    def try_move(self, to: str, reason: deals.MoveReason | None) -> None:
        """Move, and compare with what must happen."""
        at, target = STAGES.index(self.stage), STAGES.index(to)
        possible = at < 8 and (target == at + 1 or to == "S9" or (target == at - 1 and 2 <= at <= 6))
        backward = to == "S9" or target < at
        expected: type[Exception] | None = None
        if not possible:
            expected = deals.BadMove
        elif backward and reason is None:
            expected = deals.ReasonNeeded
        elif (target > at or to == "S9") and not self.oracle(to):
            expected = deals.GateClosed
        with self.seller.tx() as tx:
            arguments = {"deal": self.deal, "to": to, "own": self.seller.id, "actor": self.seller.lead, "now": self.now}
            if expected is None:
                deals.move(tx, self.seller.ledger, reason=reason, **arguments)  # type: ignore[arg-type]
                self.stage = to
            else:
                with pytest.raises(expected):
                    deals.move(tx, self.seller.ledger, reason=reason, **arguments)  # type: ignore[arg-type]

    @precondition(lambda self: self.concluded_until is None and self.stage not in {"S8", "S9"})
    @rule()
    def agree(self) -> None:
        """Confirm the buyer, invite, and conclude on the buyer's signature."""
        self.seller.trust(world.buyer())
        until = self.now + timedelta(days=TERM_DAYS)
        invitation = self.seller.invite(drafted(self.seller, world.buyer(), self.deal, until=until))
        self.seller.conclude(accepted(invitation, self.now))
        self.confirmed, self.concluded_until = True, until

    @precondition(lambda self: self.concluded_until is not None)
    @rule()
    def suspend(self) -> None:
        """A breach: nothing brings this agreement back."""
        with self.seller.tx() as tx:
            deals.suspend(
                tx,
                self.seller.ledger,
                deal=self.deal,
                reason=deals.SuspendReason.BREACH,
                actor=self.seller.lead,
                now=self.now,
            )
        self.concluded_until = START

    @rule(digest=st.sampled_from("ab"), unread=st.sampled_from([0, 0, 1]))
    def scan(self, digest: str, unread: int) -> None:
        """A new inventory."""
        with self.seller.tx() as tx:
            deals.record_inventory(
                tx,
                self.seller.ledger,
                subject=self.deal,
                digest=digest * 64,
                objects=5,
                findings=2,
                unread=unread,
                actor=self.seller.lead,
                now=self.now,
            )
        self.inventory = (digest, unread, self.now + timedelta(days=INVENTORY_DAYS))

    @rule(plan=st.sampled_from("cd"), digest=st.sampled_from("ab"), unresolved=st.sampled_from([0, 0, 2]))
    def purge(self, plan: str, digest: str, unresolved: int) -> None:
        """A plan carried out on some inventory."""
        with self.seller.tx() as tx:
            deals.record_sad_purged(
                tx,
                self.seller.ledger,
                deal=self.deal,
                plan=plan * 64,
                inventory=digest * 64,
                purged=1,
                unresolved=unresolved,
                actor=self.seller.lead,
                now=self.now,
            )
        self.purged = (plan, digest, unresolved)

    @rule(plan=st.sampled_from("cd"), lost=st.sampled_from([0, 0, 1]))
    def seal(self, plan: str, lost: int) -> None:
        """Sealing, with or without a value unaccounted for, and a copy."""
        common = {"deal": self.deal, "plan": plan * 64, "actor": self.seller.lead, "now": self.now}
        with self.seller.tx() as tx:
            deals.record_sealed(tx, self.seller.ledger, subjects=6, found=9 + lost, sealed=8, rejected=1, **common)  # type: ignore[arg-type]
            deals.record_protected(tx, self.seller.ledger, objects=5, left_out=0, unknown=0, **common)  # type: ignore[arg-type]
        self.sealed, self.copied = (plan, lost == 0), plan

    @precondition(lambda self: self.stage not in {"S8", "S9"})
    @rule(code=st.sampled_from(WAIVABLE))
    def waive(self, code: str) -> None:
        """Two persons waive a condition."""
        until = self.now + timedelta(days=WAIVER_DAYS)
        with self.seller.tx() as tx:
            deals.waive(
                tx,
                self.seller.ledger,
                deal=self.deal,
                condition=code,
                reason=deals.WaiverReason.RISK_ACCEPTED,
                until=until,
                actor=self.seller.lead,
                approver=self.seller.officer,
                now=self.now,
            )
        self.waived[code] = until

    @rule(what=st.sampled_from(sorted(HANDOVER)))
    def hand(self, what: str) -> None:
        """What the handover states. Destruction comes last there too."""
        if what == "destroyed" and self.stage not in {"S7", "S8", "S9"}:
            return
        kind, value = HANDOVER[what]
        with self.seller.tx() as tx:
            facts.replace(
                tx,
                self.seller.ledger,
                kind,
                subject=self.deal,
                value=value,
                start=self.now,
                until=None,
                actor=self.seller.lead,
                now=self.now,
            )
        self.handed.add(what)

    @precondition(lambda self: self.stage not in {"S8", "S9"})
    @rule()
    def route(self) -> None:
        """Decide the legal route."""
        self.seller.route(self.deal)
        self.routed_until = deals.route_rules().holds_until(self.now)

    @precondition(lambda self: self.stage not in {"S8", "S9"})
    @rule()
    def do_everything_right(self) -> None:
        """All of it at once, so that runs get far; what expires or is spoilt later is for the other rules."""
        self.scan("a", 0)
        self.purge("c", "a", 0)
        self.seal("c", 0)
        for code in WAIVABLE:
            self.waive(code)
        if self.concluded_until is None:
            self.agree()
        self.route()
        self.hand("released")

    @rule(days=st.sampled_from([1, 20, 59, 90]))
    def wait(self, days: int) -> None:
        """Time passes."""
        self.clock.set_to(self.now + timedelta(days=days))

    @invariant()
    def the_ledger_says_the_same(self) -> None:
        """What a decision would read is what the model thinks."""
        fact = self.seller.current("deals.stage", self.deal)
        assert fact is not None
        assert fact.value == {"stage": self.stage, "side": "seller"}


def accepted(invitation: Statement, now: datetime) -> Statement:
    """What the buyer would answer."""
    paper = dealpapers.read_invitation(invitation)
    buyer = world.buyer()
    answer = Acceptance(
        deal=paper.deal,
        invitation=invitation.digest,
        buyer_card=world.card_paper(buyer.card.name),
        agreement=paper.agreement.signed_by(buyer.signing),
        created=now,
    )
    return dsse.make(Kind.ACCEPTANCE, answer.body(), buyer.signing)


TestStages = StageMachine.TestCase
TestStages.settings = settings(max_examples=12, stateful_step_count=40, deadline=None)
