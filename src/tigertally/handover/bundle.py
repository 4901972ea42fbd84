"""Writing the bundle: the released records leave the vault in sealed parts, counted and rooted.

1. a release of both companies stands and is within its term, the agreement too; its key is the buyer's confirmed one;
2. per part: export ≤ ``PART_SUBJECTS_MAX`` subjects ascending → rows → envelope to the buyer in the part's own
   context → file, synced and renamed → then one transaction records digest, length, cursor and an entry;
3. the root is RFC 6962 over the commitments across parts; the cursor keeps the frontier, never a value;
4. at the end every file is read again, subjects and counts are held to the release and to the vault, and the
   manifest is signed and stored before it is written.

Killed anywhere it resumes: a part without its record is written over, a recorded one is kept. Run again when
finished it changes nothing and returns the same bytes. Clear rows are in memory only, one part at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from tigertally import vault
from tigertally.access.policy import Side
from tigertally.base import canon
from tigertally.base.ahead import spread
from tigertally.base.canon import Json
from tigertally.base.ids import BundleId, new_id
from tigertally.base.limits import PART_SUBJECTS_MAX
from tigertally.base.text import Text
from tigertally.crypto.merkle import Frontier, leaf_hash
from tigertally.crypto.sign import SigningKey
from tigertally.formats import envelope, manifest, part
from tigertally.formats import statement as dsse
from tigertally.formats.dealpapers import Release
from tigertally.formats.manifest import MANIFEST_NAME, Manifest, Part, part_context, part_name
from tigertally.formats.shape import Reader, json_counts, parse_canonical
from tigertally.formats.statement import Kind, Statement
from tigertally.handover import copies, events, folder, papers, release, sql
from tigertally.handover.errors import (
    BundleSettled,
    CountMismatch,
    FolderElsewhere,
    NoSuchBundle,
    SubjectsChanged,
)
from tigertally.handover.folder import Written
from tigertally.handover.site import Site, note
from tigertally.handover.sql import BundleRow, PartRow
from tigertally.handover.terms import Terms
from tigertally.ledger import Ledger
from tigertally.store import jobs
from tigertally.store.jobs import Job, JobState
from tigertally.store.tx import Tx
from tigertally.vault import SealedRows, VaultKeys

JOB_KIND: Final = "handover.bundle"
WRITING: Final = "writing"
WRITTEN: Final = "written"
RECEIPTED: Final = "receipted"
ABANDONED: Final = "abandoned"


@dataclass(slots=True, kw_only=True)
class _Cursor:
    """How far a bundle is: last subject, parts, frontier, counts per class. No values."""

    after: str = ""
    parts: int = 0
    frontier: Frontier = field(default_factory=Frontier)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, made: _Made) -> None:
        """Take a part's commitments and counts."""
        for commitment in made.commitments:
            self.frontier.append(leaf_hash(commitment))
        self.counts.update(made.counts)
        self.after = made.last
        self.parts += 1

    def to_bytes(self) -> bytes:
        """Return canonical JSON."""
        peaks: list[Json] = [peak.hex() for peak in self.frontier.peaks]
        return canon.dumps(
            {
                "after": self.after,
                "parts": self.parts,
                "size": self.frontier.size,
                "peaks": peaks,
                "counts": json_counts(self.counts),
            }
        )


def _cursor(data: bytes) -> _Cursor:
    if data == jobs.NOTHING_DONE:
        return _Cursor()
    reader = Reader(parse_canonical(data, what="cursor"), what="cursor")
    peaks = [bytes.fromhex(peak) for peak in reader.texts("peaks")]
    return _Cursor(
        after=reader.text("after", empty=True),
        parts=reader.integer("parts"),
        frontier=Frontier(reader.integer("size"), peaks),
        counts=Counter(reader.counts("counts")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """A bundle in the making."""

    row: BundleRow
    job: Job
    statement: Statement
    release: Release
    folder: Path

    @property
    def bundle(self) -> BundleId:
        return BundleId(self.row.bundle)


def write(
    site: Site,
    *,
    terms: Terms,
    keys: VaultKeys,
    signing: SigningKey,
    card: Statement,
    place: Path,
    part_subjects: int = PART_SUBJECTS_MAX,
) -> Statement:
    """Write the bundle of the standing release into the folder ``place``; return the signed manifest.

    ``card`` is our own party card, put beside the parts. Raises ``NotReleased``, ``ReleaseExpired``,
    ``AgreementNotInForce``, ``RecipientNotConfirmed``, ``SubjectsChanged``, ``FolderNotEmpty``,
    ``FolderElsewhere``, ``DiskRefused``, ``PartAltered``; what was written stays for the next run.
    """
    terms.need_side(Side.SELLER)
    work = _begin(site, terms=terms, place=place)
    site.on_step("bundle begun")
    if work.job.state is not JobState.DONE:
        work = replace(work, job=_write_parts(site, work, terms=terms, keys=keys, part_subjects=part_subjects))
        _check_files(site, work)
        site.on_step("bundle checked")
        _finish(site, work, terms=terms, signing=signing)
        site.on_step("manifest signed")
    else:
        _check_files(site, work)
    with site.reading() as tx:
        signed = _manifest_of(tx, terms, work.row.bundle)
    _write_papers(work, signed=signed, card=card)
    site.on_step("papers written")
    return signed


def abandon(tx: Tx, ledger: Ledger, *, terms: Terms, bundle: str, actor: str, now: datetime) -> None:
    """Give up a bundle that nobody receipted, so that another can be written; its folder stays a known copy.

    Raises ``NoSuchBundle``, ``BundleSettled``.
    """
    terms.need_side(Side.SELLER)
    row = next((row for row in sql.read_bundles(tx, deal=terms.deal) if row.bundle == bundle), None)
    if row is None:
        raise NoSuchBundle(name=bundle)
    if row.state not in {WRITING, WRITTEN}:
        raise BundleSettled(state=row.state)
    sql.update_bundle(tx, replace(row, state=ABANDONED))
    note(tx, ledger, events.BUNDLE_ABANDONED, deal=terms.deal, actor=actor, now=now, bundle=bundle)


def _begin(site: Site, *, terms: Terms, place: Path) -> _Work:
    """Check the grounds and take the job; the folder is a known copy before anything is in it."""
    place = place.absolute()
    now = site.clock.now()
    with site.writing() as tx:
        statement = release.standing(tx, terms=terms)
        row = next(
            (
                row
                for row in sql.read_bundles(tx, deal=terms.deal)
                if row.release == statement.digest and row.state != ABANDONED
            ),
            None,
        )
        finished = row is not None and row.state in {WRITTEN, RECEIPTED}
        paper = release.verified(statement, terms=terms, now=None if finished else now)
        if not finished:
            terms.need_agreement(now)
        if row is None:
            _need_released(tx, paper, terms=terms)
            row = _start(tx, site, terms=terms, statement=statement, place=place, now=now)
        if row.folder != str(place):
            raise FolderElsewhere(folder=row.folder)
        job = jobs.start_or_resume(tx, key=f"{JOB_KIND}/{row.bundle}", kind=JOB_KIND, now=now)
    return _Work(row=row, job=job, statement=statement, release=paper, folder=place)


def _start(tx: Tx, site: Site, *, terms: Terms, statement: Statement, place: Path, now: datetime) -> BundleRow:
    folder.prepare(place, ours=frozenset())
    row = BundleRow(
        bundle=new_id("bun"),
        deal=terms.deal,
        release=statement.digest,
        state=WRITING,
        folder=str(place),
        created=now,
    )
    sql.insert_bundle(tx, row)
    copies.register(
        tx,
        site.ledger,
        deal=terms.deal,
        place=place,
        kind=copies.CopyKind.BUNDLE,
        fate=copies.Fate.DELETE,
        actor=site.actor,
        now=now,
    )
    note(
        tx,
        site.ledger,
        events.BUNDLE_STARTED,
        deal=terms.deal,
        actor=site.actor,
        now=now,
        bundle=row.bundle,
        release=statement.digest,
    )
    return row


def _write_parts(site: Site, work: _Work, *, terms: Terms, keys: VaultKeys, part_subjects: int) -> Job:
    """Write what the cursor does not have yet; return the job as it then is."""
    cursor = _cursor(work.job.cursor)
    job = work.job
    ours = [part_name(number) for number in range(cursor.parts + 1)]
    folder.prepare(work.folder, ours=frozenset([*ours, *folder.PAPER_NAMES]))
    site.progress.begin(Text("写出移交包", "writing the bundle"), work.release.subjects)
    site.progress.advance(cursor.frontier.size)
    make = partial(_made, work, terms=terms, keys=keys)
    rows = _rows(site, work, cursor, keys=keys, part_subjects=part_subjects)
    with closing(spread(make, enumerate(rows, start=cursor.parts))) as parts:
        for made in parts:
            job = _write_one(site, work, job, cursor, made, terms=terms)
    return job


def _rows(site: Site, work: _Work, cursor: _Cursor, *, keys: VaultKeys, part_subjects: int) -> Iterator[SealedRows]:
    """Yield what goes into each part, as it lies in the vault."""
    after = cursor.after
    while True:
        with site.reading() as tx:
            found = vault.read_rows(tx, keys, classes=work.release.classes, after=after, limit=part_subjects)
        if found is None:
            return
        yield found
        after = found.last


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Made:
    """A part, sealed, and what it adds to the manifest."""

    name: str
    sealed: list[bytes]
    last: str
    commitments: list[bytes]
    counts: dict[str, int]


def _made(work: _Work, numbered: tuple[int, SealedRows], *, terms: Terms, keys: VaultKeys) -> _Made:
    """Open rows and seal them to the buyer, in memory. Runs in a helper."""
    number, rows = numbered
    name = part_name(number)
    columns = vault.open_rows(keys, rows, bundle=work.bundle)
    sealed = envelope.seal(
        [terms.buyer.transfer], context=part_context(work.bundle, name), plaintext=[part.write_part(columns)]
    )
    return _Made(
        name=name,
        sealed=list(sealed),
        last=rows.last,
        commitments=part.commitments(columns),
        counts=part.counts(columns),
    )


def _write_one(site: Site, work: _Work, job: Job, cursor: _Cursor, made: _Made, *, terms: Terms) -> Job:
    written = folder.write(work.folder, made.name, iter(made.sealed), on_step=site.on_step)
    cursor.add(made)
    subjects = len(made.commitments)
    now = site.clock.now()
    with site.writing() as tx:
        _record(tx, work, number=cursor.parts - 1, written=written, subjects=subjects)
        job = jobs.advance(tx, job, cursor=cursor.to_bytes(), now=now)
        note(
            tx,
            site.ledger,
            events.PART_WRITTEN,
            deal=terms.deal,
            actor=site.actor,
            now=now,
            bundle=work.row.bundle,
            part=made.name,
            sha256=written.sha256,
            length=written.length,
            subjects=subjects,
        )
    site.on_step(f"{made.name} recorded")
    site.progress.advance(subjects)
    return job


def _record(tx: Tx, work: _Work, *, number: int, written: Written, subjects: int) -> None:
    row = PartRow(number=number, sha256=written.sha256, length=written.length, subjects=subjects)
    sql.insert_part(tx, work.row.bundle, row)


def _check_files(site: Site, work: _Work) -> None:
    """Read every recorded part again. Raises ``MissingPart``, ``PartAltered``."""
    with site.reading() as tx:
        rows = sql.read_parts(tx, work.row.bundle)
    for row in rows:
        folder.read_part(work.folder, _part(row))


def _finish(site: Site, work: _Work, *, terms: Terms, signing: SigningKey) -> None:
    now = site.clock.now()
    with site.writing() as tx:
        cursor = _cursor(work.job.cursor)
        _check_counts(tx, work, cursor, terms=terms)
        paper = _manifest(tx, work, cursor, terms=terms)
        signed = dsse.make(Kind.MANIFEST, paper.body(), signing)
        papers.save(tx, signed, deal=terms.deal, now=now)
        sql.update_bundle(tx, replace(work.row, state=WRITTEN, manifest=signed.digest))
        jobs.finish(tx, work.job, now=now)
        note(
            tx,
            site.ledger,
            events.BUNDLE_WRITTEN,
            deal=terms.deal,
            actor=site.actor,
            now=now,
            bundle=work.row.bundle,
            manifest=signed.digest,
            subjects=paper.subjects,
            counts=json_counts(paper.counts),
            root=paper.root.hex(),
            parts=len(paper.parts),
        )


def _need_released(tx: Tx, paper: Release, *, terms: Terms) -> None:
    """Raise ``SubjectsChanged`` unless the vault holds as many subjects as were released."""
    held = vault.count_holders(tx, scope=terms.scope, classes=paper.classes)
    if held != paper.subjects:
        raise SubjectsChanged(found=held, released=paper.subjects)


def _check_counts(tx: Tx, work: _Work, cursor: _Cursor, *, terms: Terms) -> None:
    """Hold what was written to the release, and to what the vault holds now."""
    if cursor.frontier.size != work.release.subjects:
        raise SubjectsChanged(found=cursor.frontier.size, released=work.release.subjects)
    _need_released(tx, work.release, terms=terms)
    _, values = vault.counts(tx, scope=terms.scope)
    wrong = [cls.value for cls in work.release.classes if values.get(cls, 0) != cursor.counts[cls.value]]
    if wrong:
        raise CountMismatch(classes=", ".join(wrong))


def _manifest(tx: Tx, work: _Work, cursor: _Cursor, *, terms: Terms) -> Manifest:
    return Manifest(
        bundle=work.bundle,
        deal=terms.deal,
        release=work.statement.digest,
        seller=terms.seller.party,
        buyer=terms.buyer.party,
        recipient_key=terms.buyer.transfer.key_id,
        created=work.row.created,
        subjects=cursor.frontier.size,
        counts={name: count for name, count in sorted(cursor.counts.items()) if count},
        root=cursor.frontier.root(),
        parts=tuple(_part(row) for row in sql.read_parts(tx, work.row.bundle)),
    )


def _manifest_of(tx: Tx, terms: Terms, bundle: str) -> Statement:
    row = next(row for row in sql.read_bundles(tx, deal=terms.deal) if row.bundle == bundle)
    signed = papers.by_digest(tx, row.manifest)
    if signed is None:
        raise NoSuchBundle(name=bundle)
    manifest.read(signed)
    return signed


def _write_papers(work: _Work, *, signed: Statement, card: Statement) -> None:
    """Write the papers beside the parts, the manifest last: with it the folder is a bundle."""
    folder.write_if_other(work.folder, folder.RELEASE_NAME, work.statement.to_bytes())
    folder.write_if_other(work.folder, folder.PARTY_NAME, card.to_bytes())
    folder.write_if_other(work.folder, MANIFEST_NAME, signed.to_bytes())


def _part(row: PartRow) -> Part:
    return Part(name=part_name(row.number), sha256=row.sha256, length=row.length, subjects=row.subjects)
