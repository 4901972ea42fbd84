"""Floor 5: how long the pure decision takes, and the whole question with loading, proving and recording.

The budget is 10 µs at the 99th percentile for the pure decision over facts that were put in order when they were
read; how long that takes is a row of its own. Its peer is the least that an answer bound to the
ledger can cost: building the canonical bytes of the act and hashing them.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from tests.laws.test_decision_laws import fuzz

from bench.run import Row
from tigertally.access import (
    AGREEMENT_IN_FORCE,
    AGREEMENT_SIGNED,
    DEAL_STAGE,
    KEY_ACTIVE,
    PERSON_PLEDGED,
    PERSON_SCREENED,
    PERSON_TRAINED,
    Access,
    Action,
    Actor,
    Person,
    Request,
    Role,
    decide,
    identities,
)
from tigertally.access.asking import ApprovalView, GrantView
from tigertally.access.facts import INSTALLATION, LEDGER_CHECKED, LEDGER_WITNESSED, PERSON_REVIEWED
from tigertally.access.known import Known
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.base.ids import new_id
from tigertally.base.secret import SecretText
from tigertally.crypto.aead import Cipher, new_key
from tigertally.crypto.digest import KeyedDigest
from tigertally.crypto.kdf import Argon2Cost
from tigertally.crypto.sign import NoteKey
from tigertally.ledger import Fact, FactKind, Ledger, LedgerKeys, facts
from tigertally.store import Store, open_store

NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
YEAR: Final = timedelta(days=365)
ROUNDS: Final = 20_000
QUESTIONS: Final = 300
FUZZED: Final = int(os.environ.get("ROUNDS", "1000000"))
# Older facts of each kind about the same person and deal, some withdrawn, some expired, as years leave them.
OLD: Final = 6

PERSONAL: Final[tuple[tuple[FactKind, dict[str, Json]], ...]] = (
    (PERSON_TRAINED, {"course": "handling", "version": 1, "score": 9}),
    (PERSON_SCREENED, {"by": "per_x", "outcome": "pass"}),
    (PERSON_PLEDGED, {"text_digest": "d", "version": 1}),
    (PERSON_REVIEWED, {"by": "per_x"}),
)
STAGE: Final[dict[str, Json]] = {"stage": "S6", "side": "seller"}
AGREED: Final[dict[str, Json]] = {"agreement": "a", "digest": "d", "classes": ["pan", "name"], "purposes": ["refund"]}
KEY: Final = new_id("key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Microseconds at the median and at the 99th percentile."""

    p50: float
    p99: float


def rows() -> list[Row]:
    """Return the rows; a few seconds."""
    reveal = _reveal()
    release = _release(reveal)
    stated = _facts(reveal.person, reveal.deal)
    known = Known(stated)
    assert decide(reveal, known).allowed
    assert decide(release, known).allowed
    assert len(decide(replace(reveal, roles=frozenset(), factor_at=None), ()).unmet) > 5
    floor = _timing(release.act_digest)
    return [
        *_rows("decision, reveal", _timing(lambda: decide(reveal, known)), floor),
        *_rows("decision, release by two", _timing(lambda: decide(release, known)), floor),
        *_rows("decision, all unmet", _timing(partial(decide, replace(reveal, roles=frozenset()), Known(()))), floor),
        *_rows(f"decision, {len(stated)} facts put in order first", _timing(lambda: decide(reveal, stated)), floor),
        _asked(),
        _fuzzed(),
    ]


def _rows(name: str, taken: Timing, floor: Timing) -> list[Row]:
    return [
        {
            "name": f"{name}, {quantile}",
            "value": round(value, 2),
            "unit": "µs",
            "peer": "bytes and digest of the act",
            "peer_value": round(least, 2),
            "ratio": round(value / least, 2),
        }
        for quantile, value, least in (("p50", taken.p50, floor.p50), ("p99", taken.p99, floor.p99))
    ]


def _timing(work: Callable[[], object], rounds: int = ROUNDS, clock: Callable[[], int] = time.thread_time_ns) -> Timing:
    """Time single calls. The thread's own time by default: a quantile should not be about who else was running."""
    taken = []
    for _ in range(rounds):
        start = clock()
        work()
        taken.append(clock() - start)
    cuts = statistics.quantiles(taken, n=100)
    return Timing(p50=cuts[49] / 1000, p99=cuts[98] / 1000)


def _facts(person: str, deal: str) -> list[Fact]:
    wanted = [(kind, person, value) for kind, value in PERSONAL]
    wanted += [(DEAL_STAGE, deal, STAGE), (AGREEMENT_IN_FORCE, deal, AGREED)]
    wanted += [(AGREEMENT_SIGNED, person, {"deal": deal, "digest": "d"})]
    wanted += [(KEY_ACTIVE, KEY, {"key": KEY, "version": 1}), (LEDGER_CHECKED, INSTALLATION, {"size": 9})]
    wanted += [(LEDGER_WITNESSED, deal, {"size": 9, "witnesses": ["counsel", "escrow"], "policy": "d"})]
    found: list[Fact] = []
    for age in range(OLD, -1, -1):
        for kind, subject, value in wanted:
            start = NOW - age * timedelta(days=20)
            until = NOW + YEAR if age % 2 == 0 else start + timedelta(days=10)
            fact = Fact(
                kind=kind.name,
                subject=subject,
                value=value,
                start=start,
                until=until,
                entry=len(found),
                withdrawn=age % 4 == 2,
            )
            found.append(fact)
    return found


def _reveal() -> Request:
    person, deal = new_id("per"), new_id("dea")
    grant = GrantView(
        grant=new_id("gra"),
        asker=person,
        approver=new_id("per"),
        action=Action.REVEAL.value,
        classes=frozenset({"pan", "expiry"}),
        purpose="refund",
        deal=deal,
        left=3,
        start=NOW,
        until=NOW + YEAR,
        entry=900,
    )
    return Request(
        person=person,
        roles=frozenset({Role.OPERATOR, Role.LEAD}),
        action=Action.REVEAL,
        now=NOW,
        factor_at=NOW,
        factor_kind="webauthn",
        classes=frozenset({FieldClass.PAN}),
        count=1,
        purpose="refund",
        deal=deal,
        key=KEY,
        seen=300,
        details=(("scope", "main"), ("token", "tok_example")),
        grant=grant,
    )


def _release(base: Request) -> Request:
    bare = replace(base, action=Action.RELEASE, classes=frozenset({FieldClass.PAN, FieldClass.NAME}), grant=None)
    view = ApprovalView(
        approval=new_id("apv"),
        digest=bare.act_digest(),
        asker=base.person,
        approver=new_id("per"),
        approver_roles=frozenset({Role.OFFICER}),
        at=NOW,
        until=NOW + YEAR,
        entry=901,
    )
    return replace(bare, approvals=(view,))


def _asked() -> Row:
    """Time the whole question: person, roles, grant and facts proved by the ledger, decided, recorded, durable."""
    with tempfile.TemporaryDirectory() as folder, open_store(f"sqlite:///{Path(folder) / 'access.db'}") as store:
        store.migrate()
        keys = LedgerKeys(
            pseudonym=KeyedDigest(new_key()),
            payload=Cipher(new_key()),
            note=NoteKey.generate(),
            origin="tigertally.invalid/bench",
        )
        access = Access(ledger=Ledger(keys), cipher=Cipher(new_key()))
        person = _hired(store, access)
        actor = Actor(person=person, factor_at=NOW)
        allowed: list[bool] = []

        def ask() -> None:
            with store.transaction() as tx:
                request = access.request(tx, actor=actor, action=Action.VIEW, now=NOW, count=1)
                allowed.append(access.decide(tx, request).allowed)

        taken = _timing(ask, QUESTIONS, time.perf_counter_ns)
        assert all(allowed)
    return {"name": "decision asked, proved, recorded, durable, p50", "value": round(taken.p50, 1), "unit": "µs"}


def _fuzzed() -> Row:
    """Hold a million requests to the oracle of the tests; one that is decided otherwise ends the bench."""
    began = time.process_time()
    decided = fuzz(FUZZED, seed=20260303).decided
    taken = time.process_time() - began
    return {
        "name": f"decisions held to an oracle, {decided:,}, decided otherwise",
        "value": 0,
        "unit": "requests",
        "peer": "processor time, drawing and oracle included, s",
        "peer_value": round(taken, 1),
    }


def _hired(store: Store, access: Access) -> Person:
    cost = Argon2Cost(memory_kib=19_456, passes=2, lanes=1)
    phc = identities.hash_new(SecretText("a passphrase of the bench"), cost=cost)
    with store.transaction() as tx:
        person, _ = identities.add(
            tx,
            access.ledger,
            access.cipher,
            handle="li",
            roles={Role.OPERATOR},
            phc=phc,
            actor="",
            now=NOW,
        )
        for kind, value in PERSONAL:
            facts.state(
                tx,
                access.ledger,
                kind,
                subject=person.person,
                value=value,
                start=NOW,
                until=None,
                actor="",
                now=NOW,
            )
    return person
