"""The whole job on 100,000 customers, phase by phase, against its limits: 60 s on two cores, 1 GiB of memory.

Two installations with real SQLite files, through the verbs of ``app``. Each phase is a process of its own, so that
its peak memory, with that of its helpers, is its own; timed is what happens in it after the imports: opening the
installation, its verbs, their commits. Not timed: generating the estate, making the installations. The scan of the
protected copy is a check, not part of the job: it has its own row.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bench.apart import Measured, apart
from bench.offices import SCOPE, Job, Office, create, office, waive, without_witnesses
from bench.run import Row
from tigertally import discovery
from tigertally.app.verbs import deals, handover, routes, sealing
from tigertally.app.verbs import discovery as inventories
from tigertally.app.verbs import ledger as evidence
from tigertally.base.canon import Json
from tigertally.base.clock import SystemClock
from tigertally.base.fields import FieldClass
from tigertally.deals import route_rules
from tigertally.discovery import Confidence
from tigertally.formats import dealpapers, statement
from tigertally.formats.dealpapers import Structure
from tigertally.formats.statement import Statement
from tigertally.formats.verify import read_trust, verify_path
from tigertally.testing.estate import build

CUSTOMERS = 100_000
SECONDS_MAX = 60
MEMORY_MAX_MIB = 1024
RESCAN = "rescan"


def rows() -> Iterator[Row]:
    """Measure every phase; the limits stand as peers."""
    with tempfile.TemporaryDirectory() as name:
        job = prepare(Path(name), customers=CUSTOMERS)
        phases: dict[str, Measured[Job]] = {}
        for phase in PHASES:
            phases[phase] = apart(measure, phase, job)
            job = phases[phase].result
    counted = [measured for phase, measured in phases.items() if phase != RESCAN]
    total = sum(item.seconds for item in counted)
    yield _row("job total", total, "s", SECONDS_MAX, "limit, 100,000 customers")
    yield _row("job total, processor", sum(item.cpu_seconds for item in counted), "s", None, "")
    yield _row("job peak memory", max(item.peak_mib for item in phases.values()), "MiB", MEMORY_MAX_MIB, "limit")
    for phase, measured in phases.items():
        yield _row(f"job {phase}", measured.seconds, "s", None, "")
        yield _row(f"job {phase}, processor", measured.cpu_seconds, "s", None, "")
        yield _row(f"job {phase}, peak memory", measured.peak_mib, "MiB", None, "")


def prepare(home: Path, *, customers: int) -> Job:
    """Generate the estate and make both installations (not timed)."""
    job = Job(home=home)
    build(job.estate, customers=customers)
    for side in ("seller", "buyer"):
        job = create(job, side)
    return job


def _discover(job: Job) -> Job:
    inventory = discovery.scan(job.estate, clock=SystemClock())
    (job.home / "inventory.json").write_text(discovery.to_json(inventory), encoding="utf-8")
    with office(job, "seller") as seller:
        chen = seller.actors["chen"]
        inventories.record_inventory(seller.house, actor=chen, inventory=inventory)
        found = deals.open_deal(seller.house, actor=chen, title="Fictional sale", structure=Structure.D2, scope=SCOPE)
    return replace(job, deal=found.deal)


def _plan(job: Job) -> Job:
    text = sealing.propose(_inventory(job), job.estate)
    assert not [item for item in sealing.check(text, job.estate, _inventory(job)) if item.grave]
    (job.home / "plan.toml").write_text(text, encoding="utf-8")
    return job


def _seal(job: Job) -> Job:
    with office(job, "seller") as seller:
        done = sealing.seal(
            seller.house,
            actor=seller.actors["qian"],
            text=_plan_text(job),
            root=job.estate,
            inventory=_inventory(job),
            scope=SCOPE,
        )
    assert done.subjects > 0
    return job


def _protect(job: Job) -> Job:
    with office(job, "seller") as seller:
        sealing.protect(
            seller.house,
            actor=seller.actors["qian"],
            text=_plan_text(job),
            root=job.estate,
            out=job.copy,
            inventory=_inventory(job),
            scope=SCOPE,
        )
    return job


def _rescan(job: Job) -> Job:
    found = discovery.scan(job.copy, clock=SystemClock()).findings
    assert not [item for item in found if item.field is FieldClass.PAN and item.tier is not Confidence.POSSIBLE]
    return job


def _agree(job: Job) -> Job:
    with office(job, "seller") as seller, office(job, "buyer") as buyer:
        for one, other, lead, officer in ((seller, buyer, "chen", "wang"), (buyer, seller, "sun", "li")):
            _recognise(one, other, lead=lead, officer=officer)
        invitation = deals.invite(
            seller.house,
            actor=seller.actors["chen"],
            deal=job.deal,
            buyer=buyer.house.card.party,
            classes=handover.sealable(),
            purposes=["continue the present service"],
            days=365,
            destroy_within_days=10,
            penalty_cny=1_000_000,
        )
        answer = deals.accept(buyer.house, actor=buyer.actors["sun"], invitation=invitation, scope=SCOPE)
        deals.conclude(seller.house, actor=seller.actors["chen"], acceptance=answer)
        for condition in ("impact_assessment", "notices", "consents", "contract_consents", "drill"):
            waive(seller, deal=job.deal, condition=condition, first="chen", second="wang")
        answers: dict[str, Json] = {item.name: False for item in route_rules().questions if not item.number}
        seller.two(
            lambda actor: routes.decide(seller.house, actor=actor, deal=job.deal, answers={**answers, "persons": 6000}),
            first="chen",
            second="wang",
        )
        waive(buyer, deal=job.deal, condition="drill", first="sun", second="li")
        without_witnesses(seller, first="chen", second="wang")
        without_witnesses(buyer, first="sun", second="li")
        for stage in ("S1", "S2", "S3", "S4", "S5", "S6"):
            _move(seller, buyer, job, stage)
    return job


def _recognise(one: Office, other: Office, *, lead: str, officer: str) -> None:
    card = other.house.card
    deals.import_card(one.house, actor=one.actors[lead], card=other.house.card_statement)
    one.two(
        lambda actor: deals.confirm_party(one.house, actor=actor, party=card.party, fingerprint=card.fingerprint()),
        first=lead,
        second=officer,
    )


def _move(seller: Office, buyer: Office, job: Job, stage: str) -> None:
    for side, lead in ((seller, "chen"), (buyer, "sun")):
        deals.move(side.house, actor=side.actors[lead], deal=job.deal, to=stage, reason=None)


def _release(job: Job) -> Job:
    classes = handover.sealable()
    with office(job, "seller") as seller, office(job, "buyer") as buyer:
        proposed = seller.two(
            lambda actor: handover.propose_release(seller.house, actor=actor, deal=job.deal, classes=classes, days=7),
            first="chen",
            second="wang",
        )
        released = dealpapers.read_release(proposed).classes
        signed = buyer.two(
            lambda actor: handover.countersign_release(
                buyer.house, actor=actor, deal=job.deal, release=proposed, classes=released
            ),
            first="sun",
            second="li",
        )
        handover.accept_release(seller.house, actor=seller.actors["chen"], deal=job.deal, release=signed)
        _move(seller, buyer, job, "S7")
    return job


def _bundle(job: Job) -> Job:
    with office(job, "seller") as seller:
        handover.bundle(seller.house, actor=seller.actors["qian"], deal=job.deal, place=job.outbox)
    shutil.copytree(job.outbox, job.bundle)
    return job


def _receive(job: Job) -> Job:
    with office(job, "buyer") as buyer:
        _keep(job, "receipt", handover.receive(buyer.house, actor=buyer.actors["sun"], deal=job.deal, place=job.bundle))
    return job


def _receipt(job: Job) -> Job:
    with office(job, "seller") as seller:
        handover.accept_receipt(seller.house, actor=seller.actors["chen"], deal=job.deal, receipt=_kept(job, "receipt"))
    return job


def _destroy(job: Job) -> Job:
    with office(job, "seller") as seller:
        chen = seller.actors["chen"]
        planned = handover.destruction_plan(seller.house, actor=chen, deal=job.deal, keep_originals=False)
        paper = seller.two(
            lambda actor: handover.destroy(seller.house, actor=actor, deal=job.deal, approved=planned.digest()),
            first="chen",
            second="wang",
        )
        assert sealing.holdings(seller.house, scope=SCOPE)[0] == 0
    _keep(job, "certificate", paper)
    return job


def _certificate(job: Job) -> Job:
    with office(job, "seller") as seller, office(job, "buyer") as buyer:
        signed = handover.validate_certificate(
            buyer.house, actor=buyer.actors["sun"], deal=job.deal, certificate=_kept(job, "certificate")
        )
        handover.keep_certificate(seller.house, actor=seller.actors["chen"], deal=job.deal, certificate=signed)
        _keep(job, "certificate", signed)
        evidence.export_to(seller.house, actor=seller.actors["chen"], folder=job.home / "seller-ledger")
        evidence.export_to(buyer.house, actor=buyer.actors["sun"], folder=job.home / "buyer-ledger")
    return job


def _verify(job: Job) -> Job:
    trust = read_trust([job.home / side / "party.json" for side in ("seller", "buyer")], transfer=None)
    for name in ("bundle", "receipt.json", "certificate.json", "seller-ledger", "buyer-ledger"):
        assert verify_path(job.home / name, trust, now=job.at).ok, name
    return job


PHASES: Mapping[str, Callable[[Job], Job]] = {
    "discover": _discover,
    "plan": _plan,
    "seal": _seal,
    "protect": _protect,
    RESCAN: _rescan,
    "agree": _agree,
    "release": _release,
    "bundle": _bundle,
    "receive": _receive,
    "receipt": _receipt,
    "destroy": _destroy,
    "certificate": _certificate,
    "verify": _verify,
}


def _inventory(job: Job) -> discovery.Inventory:
    return discovery.from_json((job.home / "inventory.json").read_text(encoding="utf-8"))


def _plan_text(job: Job) -> str:
    return (job.home / "plan.toml").read_text(encoding="utf-8")


def _keep(job: Job, name: str, paper: Statement) -> None:
    (job.home / f"{name}.json").write_bytes(paper.to_bytes())


def _kept(job: Job, name: str) -> Statement:
    return statement.parse((job.home / f"{name}.json").read_bytes())


def measure(phase: str, job: Job) -> Job:
    """Run a phase; return the job as it is some minutes later."""
    return PHASES[phase](job).later()


def _row(name: str, value: float, unit: str, limit: float | None, peer: str) -> Row:
    return {
        "name": name,
        "value": round(value, 2),
        "unit": unit,
        "peer": peer,
        "peer_value": limit,
        "ratio": None if limit is None else round(value / limit, 3),
    }
