"""Destroying what was handed over (or, in a dead deal, what was received), and certifying exactly that.

Steps, each resumable and idempotent, in this order:
1. the ground holds, the plan is the approved one, two persons stand in the ledger; the plan is stored, and with it
   one sealed value with its wrapped key (never a clear one), so that step 5 survives a crash;
2. rows are deleted in batches; 3. the scope's keys are zeroised;
4. copies marked for deletion are deleted and seen to be absent;
5. the sealed value is shown not to open with any key that is left, then forgotten;
6. the database is rewritten, so that freed pages hold neither rows nor that value;
7. vault, keys, disk and the ledger's own entries are held against each other once more; then the ledger's head is
   signed, and over it the certificate.

The certificate says what was done, what was looked at and what was not covered. It never says "unrecoverable".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Final

from tigertally import __version__, vault
from tigertally.base import canon
from tigertally.base.limits import DELETE_ROWS
from tigertally.base.text import Text
from tigertally.crypto.sign import SigningKey
from tigertally.formats import certificate as certificates
from tigertally.formats import statement as dsse
from tigertally.formats.certificate import METHOD, Certificate, DestroyedCopy, Ground, Signer
from tigertally.formats.shape import Reader, parse_canonical, to_b64
from tigertally.formats.statement import Kind, Statement
from tigertally.handover import copies, deeds, erase, events, facts, papers, sql
from tigertally.handover import plan as plans
from tigertally.handover.copies import CopyKind
from tigertally.handover.deeds import CopyDeed, Deeds
from tigertally.handover.erase import Identity
from tigertally.handover.errors import (
    CertificateDiffers,
    CopySwapped,
    DiskRefused,
    NotProved,
    NotTwoPersons,
    PlanChanged,
    StillOpens,
)
from tigertally.handover.plan import DestructionPlan, PlannedCopy
from tigertally.handover.site import Site, note
from tigertally.handover.sql import DestructionRow
from tigertally.handover.terms import Terms
from tigertally.ledger import checkpoints
from tigertally.store import jobs
from tigertally.store.jobs import Job, JobState
from tigertally.store.tx import Tx
from tigertally.vault import KEY_DESTROYED, KeyKeeper, SealedSample

JOB_KIND: Final = "handover.destroy"
_PERSONS_MIN: Final = 2


class _Step(IntEnum):
    """How far a destruction is: the next step to take."""

    ROWS = 0
    KEYS = 1
    COPIES = 2
    TRY = 3
    COMPACT = 4
    CERTIFY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """A destruction under way. ``rows`` counts what was deleted."""

    plan: DestructionPlan
    job: Job
    step: _Step
    rows: int


def run(
    site: Site,
    *,
    terms: Terms,
    approved: str,
    signers: Sequence[Signer],
    keeper: KeyKeeper,
    signing: SigningKey,
    compact: Callable[[], None],
    protected: Sequence[Path] = (),
    batch: int = DELETE_ROWS,
) -> Statement:
    """Carry out the plan whose digest is ``approved``; return the signed certificate.

    ``signers`` are the persons who asked, approved and act, each with the ledger entry that proves it; ``compact``
    rewrites the database outside of any transaction; ``protected`` are places no copy may contain. Raises
    ``NoGround``, ``PlanChanged``, ``NotTwoPersons``, ``DiskRefused``, ``StillOpens``, ``NotProved``,
    ``StoreUnavailable``.
    Run again it goes on; finished it returns the certificate.
    """
    work = _begin(site, terms=terms, approved=approved, signers=signers, protected=protected)
    site.on_step("plan stored")
    if work.job.state is not JobState.DONE:
        work = _rows(site, work, batch=batch)
        work = _keys(site, work, batch=batch)
        work = _copies(site, work, protected=protected)
        work = _try(site, work, keeper=keeper)
        work = _compact(site, work, compact=compact)
        _certify(site, work, terms=terms, signers=signers, signing=signing)
        site.on_step("certificate signed")
    with site.reading() as tx:
        return certificate_of(tx, terms=terms)


def certificate_of(tx: Tx, *, terms: Terms) -> Statement:
    """Return the certificate of this deal's own destruction. Raises ``CertificateDiffers`` if it is not there."""
    row = sql.read_destruction(tx, terms.deal)
    statement = papers.by_digest(tx, row.certificate) if row is not None and row.certificate else None
    if statement is None:
        raise CertificateDiffers(members="certificate")
    return statement


def _begin(site: Site, *, terms: Terms, approved: str, signers: Sequence[Signer], protected: Sequence[Path]) -> _Work:
    now = site.clock.now()
    with site.writing() as tx:
        row = sql.read_destruction(tx, terms.deal)
        paper = plans.make(tx, site.ledger, terms=terms, now=now) if row is None else plans.parse(row.plan)
        if paper.digest() != approved:
            raise PlanChanged
        if row is None:
            _need_two_persons(tx, site, signers)
            for item in paper.doomed():
                bundle = item.kind is CopyKind.BUNDLE and copies.is_bundle(tx, terms.deal, Path(item.place))
                copies.need_deletable(Path(item.place), protected=protected, bundle=bundle)
            _store_plan(tx, site, paper, now=now)
        job = jobs.start_or_resume(tx, key=f"{JOB_KIND}/{terms.deal}", kind=JOB_KIND, now=now)
    # A destruction that begins here has done nothing yet, whatever a job of that name says.
    step, rows = (_Step.ROWS, 0) if row is None else _cursor(job.cursor)
    return _Work(plan=paper, job=job, step=step, rows=rows)


def _need_two_persons(tx: Tx, site: Site, signers: Sequence[Signer]) -> None:
    """Two persons, each with an entry that is about them."""
    if len({signer.person for signer in signers}) < _PERSONS_MIN:
        raise NotTwoPersons
    if not all(signer.entry in site.ledger.about(tx, signer.person) for signer in signers):
        raise NotTwoPersons


def _store_plan(tx: Tx, site: Site, paper: DestructionPlan, *, now: datetime) -> None:
    sample = vault.sample_sealed(tx, scope=paper.scope)
    packed = None if sample is None else _pack(sample)
    sql.insert_destruction(tx, DestructionRow(deal=paper.deal, plan=paper.to_bytes(), started=now, sample=packed))
    note(
        tx,
        site.ledger,
        events.DESTRUCTION_STARTED,
        deal=paper.deal,
        actor=site.actor,
        now=now,
        plan=paper.digest(),
        ground=paper.ground.value,
        receipt=paper.receipt,
        subjects=paper.subjects,
        keys=[key.key for key in paper.keys],
        copies=len(paper.doomed()),
    )


def _rows(site: Site, work: _Work, *, batch: int) -> _Work:
    """Step 2: delete the scope's rows, a batch and its entry per transaction."""
    if work.step is not _Step.ROWS:
        return work
    total = work.plan.subjects + sum(work.plan.values.values())
    site.progress.begin(Text("删除记录", "deleting rows"), total)
    site.progress.advance(work.rows)
    while True:
        now = site.clock.now()
        with site.writing() as tx:
            deleted = vault.destroy_scope(tx, scope=work.plan.scope, batch=batch)
            if deleted:
                note(tx, site.ledger, events.ROWS_DELETED, deal=work.plan.deal, actor=site.actor, now=now, rows=deleted)
            step = _Step.ROWS if deleted else _Step.KEYS
            work = _advance(tx, work, step=step, rows=work.rows + deleted, now=now)
        site.on_step("rows deleted")
        site.progress.advance(deleted)
        if not deleted:
            return work


def _keys(site: Site, work: _Work, *, batch: int) -> _Work:
    """Step 3: overwrite every key of the scope, and what somebody sealed since step 2 with them."""
    if work.step is not _Step.KEYS:
        return work
    now = site.clock.now()
    planned = {key.key for key in work.plan.keys}
    with site.writing() as tx:
        while late := vault.destroy_scope(tx, scope=work.plan.scope, batch=batch):
            work = replace(work, rows=work.rows + late)
            note(tx, site.ledger, events.ROWS_DELETED, deal=work.plan.deal, actor=site.actor, now=now, rows=late)
        ended = [info for info in vault.destroy_scope_keys(tx, scope=work.plan.scope, now=now) if info.key in planned]
        vault.announce_end(tx, site.ledger, ended, kind=KEY_DESTROYED, actor=site.actor, now=now)
        work = _advance(tx, work, step=_Step.COPIES, rows=work.rows, now=now)
    site.on_step("keys zeroised")
    return work


def _copies(site: Site, work: _Work, *, protected: Sequence[Path]) -> _Work:
    """Step 4: delete the copies that are to go, one after another."""
    if work.step is not _Step.COPIES:
        return work
    with site.reading() as tx:
        gone = {item.copy for item in copies.known(tx, site.ledger, deal=work.plan.deal) if item.gone is not None}
    for item in work.plan.doomed():
        if item.copy not in gone:
            _delete_copy(site, work, item, protected=protected)
    now = site.clock.now()
    with site.writing() as tx:
        return _advance(tx, work, step=_Step.TRY, rows=work.rows, now=now)


def _delete_copy(site: Site, work: _Work, item: PlannedCopy, *, protected: Sequence[Path]) -> None:
    place = Path(item.place)
    deal = work.plan.deal
    # The seller cannot open what it sealed to the buyer: overwriting that would hide nothing more.
    overwrite = not (item.kind is CopyKind.BUNDLE and work.plan.ground is Ground.RECEIPT)
    expected = _begin_copy(site, work, item, overwrite=overwrite, protected=protected)
    method = erase.erase(place, overwrite=overwrite, expected=expected)
    with site.reading() as tx:
        noted = deeds.begun(tx, site.ledger, deal=deal, copy=item.copy)
    # Gone without us is not verified; gone because we were interrupted after deleting it is.
    if noted is not None and (method == erase.ABSENT or noted == erase.LINKED):
        method = noted
    absent = erase.is_absent(place)
    if method != erase.ABSENT and not absent:
        raise DiskRefused(name=place.name, reason="EEXIST")
    verified = absent and method not in {erase.ABSENT, erase.LINKED}
    site.on_step(f"copy {item.copy} deleted")
    now = site.clock.now()
    with site.writing() as tx:
        sql.copy_gone(tx, item.copy, method=method, verified=verified, now=now)
        note(
            tx,
            site.ledger,
            events.COPY_DELETED,
            deal=work.plan.deal,
            actor=site.actor,
            now=now,
            copy=item.copy,
            kind=item.kind.value,
            method=method,
            verified=verified,
        )
    site.on_step(f"copy {item.copy} recorded")


def _begin_copy(
    site: Site, work: _Work, item: PlannedCopy, *, overwrite: bool, protected: Sequence[Path]
) -> Identity | None:
    """Check that a copy may be deleted and note that we begin to; return which file or folder it must be."""
    place = Path(item.place)
    deal = work.plan.deal
    now = site.clock.now()
    with site.writing() as tx:
        bundle = item.kind is CopyKind.BUNDLE and copies.is_bundle(tx, deal, place)
        copies.need_deletable(place, protected=protected, bundle=bundle)
        expected = copies.which(tx, deal=deal, copy=item.copy)
        present = erase.identity_of(place)
        if present is not None and expected is not None and present != expected:
            raise CopySwapped(name=place.name, reason="identity")
        before = deeds.begun(tx, site.ledger, deal=deal, copy=item.copy)
        method = erase.method_for(place, overwrite=overwrite)
        # What an interrupted run found linked stays so, whatever is left of it now.
        if method != erase.ABSENT and before not in {method, erase.LINKED}:
            note(
                tx,
                site.ledger,
                events.COPY_DELETING,
                deal=deal,
                actor=site.actor,
                now=now,
                copy=item.copy,
                method=method,
            )
    return expected


def _try(site: Site, work: _Work, *, keeper: KeyKeeper) -> _Work:
    """Step 5: the value kept aside must not open any more. Raises ``StillOpens``."""
    if work.step is not _Step.TRY:
        return work
    now = site.clock.now()
    with site.writing() as tx:
        row = sql.read_destruction(tx, work.plan.deal)
        if row is not None and row.sample is not None:
            if vault.try_open(tx, keeper, sample=_unpack(row.sample)):
                raise StillOpens
            sql.update_destruction(tx, replace(row, sample=None))
            left = sum(1 for info in vault.list_keys(tx) if info.destroyed is None)
            note(
                tx, site.ledger, events.OPENING_FAILED, deal=work.plan.deal, actor=site.actor, now=now, keys_tried=left
            )
        work = _advance(tx, work, step=_Step.COMPACT, rows=work.rows, now=now)
    site.on_step("opening failed")
    return work


def _compact(site: Site, work: _Work, *, compact: Callable[[], None]) -> _Work:
    """Step 6: rewrite the database without what was deleted."""
    if work.step is not _Step.COMPACT:
        return work
    compact()
    site.on_step("database rewritten")
    now = site.clock.now()
    with site.writing() as tx:
        return _advance(tx, work, step=_Step.CERTIFY, rows=work.rows, now=now)


def _certify(site: Site, work: _Work, *, terms: Terms, signers: Sequence[Signer], signing: SigningKey) -> None:
    """Step 7: sign the head of the ledger and the certificate over it, store both, state the fact."""
    now = site.clock.now()
    with site.writing() as tx:
        row = sql.read_destruction(tx, terms.deal)
        if row is None:
            raise CertificateDiffers(members="plan")
        _need_two_persons(tx, site, signers)
        done = _proved(tx, site, work)
        head = checkpoints.sign_head(tx, site.ledger, now=now)
        paper = _certificate(work, row, done, terms=terms, signers=signers, head=head, now=now)
        signed = dsse.make(Kind.CERTIFICATE, paper.body(), signing)
        certificates.read(signed)
        papers.save(tx, signed, deal=terms.deal, now=now)
        sql.update_destruction(tx, replace(row, certificate=signed.digest))
        jobs.finish(tx, work.job, now=now)
        note(
            tx,
            site.ledger,
            events.CERTIFICATE_SIGNED,
            deal=terms.deal,
            actor=site.actor,
            now=now,
            certificate=signed.digest,
            ground=paper.ground.value,
            subjects=paper.subjects,
            keys=len(paper.keys),
            copies=len(paper.copies),
        )
        facts.destroyed(tx, site.ledger, paper, signed.digest, actor=site.actor, now=now)


def _proved(tx: Tx, site: Site, work: _Work) -> Deeds:
    """Return what the ledger proves was done, if the vault, the keys and the disk agree now. Raises ``NotProved``.

    Neither the job's cursor nor a row is evidence: who can edit the database can edit them.
    """
    plan = work.plan
    done = deeds.of_plan(tx, site.ledger, deal=plan.deal, plan=plan.digest(), keys=plan.keys)
    planned = {key.key for key in plan.keys}
    zeroised = vault.zeroised(tx, scope=plan.scope)
    checks = (
        ("plan", done.started),
        ("vault", vault.counts(tx, scope=plan.scope) == (0, {})),
        ("rows", done.rows > 0 or not plan.subjects),
        ("keys", planned <= zeroised and all(info.key in zeroised for info in vault.list_keys(tx, scope=plan.scope))),
        ("key_entries", planned <= done.keys),
        ("failed_opening", done.opening_failed or not plan.subjects),
        ("copies", all(_is_gone(item, done.copies.get(item.copy)) for item in plan.doomed())),
    )
    if wrong := [name for name, good in checks if not good]:
        raise NotProved(members=", ".join(wrong))
    return done


def _is_gone(item: PlannedCopy, deed: CopyDeed | None) -> bool:
    """Return whether a copy's deletion is on record, and nothing contradicts it now."""
    if deed is None:
        return False
    place = Path(item.place)
    return erase.is_absent(place) if deed.verified else not os.path.lexists(place)


def _certificate(
    work: _Work,
    row: DestructionRow,
    done: Deeds,
    *,
    terms: Terms,
    signers: Sequence[Signer],
    head: bytes,
    now: datetime,
) -> Certificate:
    deleted = tuple(
        DestroyedCopy(place=item.place, kind=item.kind.value, method=deed.method, verified=deed.verified)
        for item, deed in ((item, done.copies[item.copy]) for item in work.plan.doomed())
    )
    return Certificate(
        deal=terms.deal,
        ground=work.plan.ground,
        receipt=work.plan.receipt,
        seller=terms.seller.party,
        buyer=terms.buyer.party,
        started=row.started,
        finished=now,
        method=METHOD,
        tool=f"tigertally {__version__}",
        subjects=work.plan.subjects,
        rows={"vault": done.rows},
        keys=work.plan.keys,
        copies=deleted,
        not_covered=work.plan.not_covered,
        failed_opening=done.opening_failed,
        signers=tuple(signers),
        checkpoint=head.decode(),
    )


def _advance(tx: Tx, work: _Work, *, step: _Step, rows: int, now: datetime) -> _Work:
    job = jobs.advance(tx, work.job, cursor=canon.dumps({"step": int(step), "rows": rows}), now=now)
    return replace(work, job=job, step=step, rows=rows)


def _cursor(data: bytes) -> tuple[_Step, int]:
    if data == jobs.NOTHING_DONE:
        return _Step.ROWS, 0
    reader = Reader(parse_canonical(data, what="cursor"), what="cursor")
    return _Step(reader.integer("step", maximum=max(_Step))), reader.integer("rows")


def _pack(sample: SealedSample) -> bytes:
    return canon.dumps(
        {
            "key_version": sample.key_version,
            "wrapped_key": to_b64(sample.wrapped_key),
            "key_aad": to_b64(sample.key_aad),
            "sealed": to_b64(sample.sealed),
            "aad": to_b64(sample.aad),
        }
    )


def _unpack(data: bytes) -> SealedSample:
    reader = Reader(parse_canonical(data, what="sample"), what="sample")
    return SealedSample(
        key_version=reader.integer("key_version"),
        wrapped_key=reader.b64("wrapped_key"),
        key_aad=reader.b64("key_aad"),
        sealed=reader.b64("sealed"),
        aad=reader.b64("aad"),
    )
