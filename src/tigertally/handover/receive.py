"""Receiving a bundle, in two passes and a reckoning.

1. **verify**: everything of ``checks`` holds before anything is stored; then one entry says so;
2. **store**: part by part, its digest checked again, its rows re-encrypted under our own keys, one transaction
   with cursor and entry each;
3. **reconcile**: commitments are computed again from what our *own* vault opens, and must give the manifest's root
   and counts; then the receipt is signed, stored and returned.

Killed anywhere it resumes; a bundle received already gives its receipt again and changes nothing; another bundle of
the deal, or any after the deal is over, is refused by name. Salts are not stored: the reckoning reads the parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from tigertally import vault
from tigertally.access.policy import Side
from tigertally.base import canon
from tigertally.base.ahead import Ahead, spread
from tigertally.base.text import Text
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.sign import SigningKey
from tigertally.formats import receipt as receipts
from tigertally.formats import statement as dsse
from tigertally.formats.manifest import Manifest, Part
from tigertally.formats.part import PartColumns
from tigertally.formats.receipt import Receipt
from tigertally.formats.shape import Reader, json_counts, parse_canonical
from tigertally.formats.statement import Kind, Statement
from tigertally.handover import checks, copies, events, facts, papers, sql
from tigertally.handover.checks import Checked, Papers, Tally
from tigertally.handover.errors import BundleReplayed, DestructionBegun, NotReconciled, OtherBundle
from tigertally.handover.site import Site, note
from tigertally.handover.sql import BundleRow
from tigertally.handover.terms import OVER, Terms
from tigertally.store import jobs
from tigertally.store.jobs import Job
from tigertally.store.tx import Tx
from tigertally.vault import SealedRows, VaultKeys

JOB_KIND: Final = "handover.receive"
STORING: Final = "storing"
RECEIVED: Final = "received"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """A bundle on its way into the vault."""

    place: Path
    statement: Statement
    manifest: Manifest
    transfer: TransferKey


def receive(
    site: Site, *, terms: Terms, keys: VaultKeys, transfer: TransferKey, signing: SigningKey, place: Path
) -> Statement:
    """Receive the bundle in the folder ``place``; return the signed receipt.

    Raises one problem per flaw (``handover.errors``, ``vault.errors`` for values our vault refuses),
    ``BundleReplayed``, ``OtherBundle``, ``AgreementNotInForce``, ``NotReconciled``.
    """
    terms.need_side(Side.BUYER)
    now = site.clock.now()
    statement, paper = checks.read_manifest(place, terms=terms, now=now)
    with site.reading() as tx:
        row = _standing(tx, terms, statement)
        known = papers.by_digest(tx, row.receipt) if row is not None and row.receipt else None
    if known is not None:
        return known
    terms.need_agreement(now)
    work = _Work(place=place.absolute(), statement=statement, manifest=paper, transfer=transfer)
    if row is None:
        _verify(site, work, terms=terms)
    job = _take(site, work, terms=terms)
    job = _store(site, work, job, terms=terms, keys=keys)
    _reconcile(site, work, keys=keys)
    return _finish(site, work, job, terms=terms, signing=signing)


def _standing(tx: Tx, terms: Terms, statement: Statement) -> BundleRow | None:
    """Return this bundle's row, None if it is new. Raises if the deal takes no bundle, or another one."""
    if terms.stage in OVER:
        raise BundleReplayed(stage=terms.stage)
    if sql.read_destruction(tx, terms.deal) is not None:
        raise DestructionBegun
    rows = sql.read_bundles(tx, deal=terms.deal)
    if any(row.manifest != statement.digest for row in rows):
        raise OtherBundle
    return rows[0] if rows else None


def _verify(site: Site, work: _Work, *, terms: Terms) -> None:
    """Pass one; its outcome is an entry, and with it the bundle is ours to store."""
    found = checks.read_papers(work.place, terms=terms, now=site.clock.now())
    checks.verify_parts(
        work.place,
        work.manifest,
        transfer=work.transfer,
        trusted=(terms.seller, terms.buyer),
        on_step=site.on_step,
        progress=site.progress,
    )
    with site.writing() as tx:
        _record_verified(tx, site, found, terms=terms)
    site.on_step("bundle verified")


def _record_verified(tx: Tx, site: Site, found: Papers, *, terms: Terms) -> None:
    now = site.clock.now()
    paper = found.manifest
    if _standing(tx, terms, found.statement) is not None:
        return
    papers.save(tx, found.release_statement, deal=terms.deal, now=now)
    papers.save(tx, found.statement, deal=terms.deal, now=now)
    row = BundleRow(
        bundle=paper.bundle,
        deal=terms.deal,
        release=paper.release,
        state=STORING,
        folder="",
        created=paper.created,
        manifest=found.statement.digest,
    )
    sql.insert_bundle(tx, row)
    note(
        tx,
        site.ledger,
        events.BUNDLE_VERIFIED,
        deal=terms.deal,
        actor=site.actor,
        now=now,
        bundle=paper.bundle,
        manifest=found.statement.digest,
        subjects=paper.subjects,
        counts=json_counts(paper.counts),
        root=paper.root.hex(),
    )


def _take(site: Site, work: _Work, *, terms: Terms) -> Job:
    """Take the job; the folder is a copy that we can open, so it is known before a row is stored."""
    now = site.clock.now()
    with site.writing() as tx:
        copies.register(
            tx,
            site.ledger,
            deal=terms.deal,
            place=work.place,
            kind=copies.CopyKind.BUNDLE,
            fate=copies.Fate.DELETE,
            actor=site.actor,
            now=now,
        )
        return jobs.start_or_resume(tx, key=f"{JOB_KIND}/{work.manifest.bundle}", kind=JOB_KIND, now=now)


def _store(site: Site, work: _Work, job: Job, *, terms: Terms, keys: VaultKeys) -> Job:
    """Pass two, from the first part that the cursor does not have."""
    done = _done(job)
    site.progress.begin(Text("移交包入库", "storing the bundle"), work.manifest.subjects)
    site.progress.advance(sum(item.subjects for item in work.manifest.parts[:done]))
    rest = work.manifest.parts[done:]
    # Pass one checked what these bytes hold; they are the same bytes, by their digest.
    with Ahead(lambda: (vault.prepare_part(keys, part=one, checked=True) for one in _opened(work, rest))) as opened:
        for number, (item, ready) in enumerate(zip(rest, opened, strict=True), start=done):
            site.on_step(f"{item.name} opened")
            now = site.clock.now()
            with site.writing() as tx:
                vault.store_part(tx, keys, ready=ready, now=now)
                job = jobs.advance(tx, job, cursor=canon.dumps({"parts": number + 1}), now=now)
                note(
                    tx,
                    site.ledger,
                    events.PART_STORED,
                    deal=terms.deal,
                    actor=site.actor,
                    now=now,
                    bundle=work.manifest.bundle,
                    part=item.name,
                    subjects=item.subjects,
                )
            site.on_step(f"{item.name} stored")
            site.progress.advance(item.subjects)
    return job


def _opened(work: _Work, items: Sequence[Part]) -> Iterator[PartColumns]:
    """Yield the rows of each part, from bytes of the right digest."""
    for item in items:
        yield checks.open_part(work.place, item, work.manifest, transfer=work.transfer)


def _done(job: Job) -> int:
    if job.cursor == jobs.NOTHING_DONE:
        return 0
    return Reader(parse_canonical(job.cursor, what="cursor"), what="cursor").integer("parts")


def _reconcile(site: Site, work: _Work, *, keys: VaultKeys) -> None:
    """Hold our vault's own records against the manifest. Raises ``NotReconciled``."""
    site.progress.begin(Text("核对入库内容", "reconciling what is stored"), work.manifest.subjects)
    tally = Tally()
    parts = work.manifest.parts
    commit = partial(_committed, keys)
    with closing(spread(commit, _stored(site, work, keys=keys))) as found:
        for item, checked in zip(parts, found, strict=True):
            tally.add(item, checked)
            site.on_step(f"{item.name} reconciled")
            site.progress.advance(item.subjects)
    if wrong := tally.differences(work.manifest):
        raise NotReconciled(what=", ".join(wrong))
    if tally.frontier.root() != work.manifest.root:
        raise NotReconciled(what="root")


def _stored(site: Site, work: _Work, *, keys: VaultKeys) -> Iterator[tuple[SealedRows, list[bytes]]]:
    """Yield, for each part, our own records of its subjects, unopened, and the salts that the part gives them."""
    with Ahead(lambda: map(_salted, _opened(work, work.manifest.parts))) as salted:
        for subjects, salts in salted:
            with site.reading() as tx:
                rows = vault.rows_of(tx, keys, subjects=subjects)
            yield rows, salts


def _salted(columns: PartColumns) -> tuple[list[str], list[bytes]]:
    return columns.firsts("subject"), columns.firsts("salt")


def _committed(keys: VaultKeys, stored: tuple[SealedRows, list[bytes]]) -> Checked:
    """Open our own records and commit to them. Runs in a helper."""
    rows, salts = stored
    commitments, counts = vault.committed(keys, rows, salts=salts)
    return Checked(
        first=rows.first,
        last=rows.last,
        commitments=commitments,
        counts={cls.value: count for cls, count in counts.items()},
    )


def _finish(site: Site, work: _Work, job: Job, *, terms: Terms, signing: SigningKey) -> Statement:
    """Sign and store the receipt; the bytes stored first are the receipt for ever."""
    paper = work.manifest
    now = site.clock.now()
    with site.writing() as tx:
        row = _standing(tx, terms, work.statement)
        if row is None:
            raise NotReconciled(what="bundle")
        if row.receipt and (known := papers.by_digest(tx, row.receipt)) is not None:
            return known
        made = Receipt(
            bundle=paper.bundle,
            deal=paper.deal,
            manifest=work.statement.digest,
            seller=paper.seller,
            buyer=paper.buyer,
            # the sender's clock may be ahead of ours by what we tolerate
            received=max(now, paper.created),
            subjects=paper.subjects,
            counts=paper.counts,
            root=paper.root,
        )
        signed = dsse.make(Kind.RECEIPT, made.body(), signing)
        receipts.read(signed)
        papers.save(tx, signed, deal=terms.deal, now=now)
        sql.update_bundle(tx, replace(row, state=RECEIVED, receipt=signed.digest))
        jobs.finish(tx, job, now=now)
        note(
            tx,
            site.ledger,
            events.BUNDLE_RECEIVED,
            deal=terms.deal,
            actor=site.actor,
            now=now,
            bundle=paper.bundle,
            manifest=work.statement.digest,
            receipt=signed.digest,
            subjects=paper.subjects,
            counts=json_counts(paper.counts),
            root=paper.root.hex(),
        )
        facts.received(tx, site.ledger, made, signed.digest, actor=site.actor, now=now)
    site.on_step("receipt signed")
    return signed
