"""A bundle tried without one: every record is opened, checked as the buyer will, spelled and sealed, and nothing kept.

Counts, parts and bytes are what the bundle will have; a part that the buyer's vault would refuse is named with the
problem's code. No file is written and nothing leaves this process; what stays is one entry. Before a release stands,
what the agreement allows is tried.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from tigertally import vault
from tigertally.access.policy import Side
from tigertally.base.ahead import spread
from tigertally.base.canon import Json
from tigertally.base.errors import Problem
from tigertally.base.fields import FieldClass
from tigertally.base.ids import BundleId, new_id
from tigertally.base.limits import PART_SUBJECTS_MAX
from tigertally.base.text import Text
from tigertally.formats import envelope, part
from tigertally.formats.manifest import part_context, part_name
from tigertally.formats.part import PartColumns
from tigertally.formats.shape import json_counts
from tigertally.handover import events, release
from tigertally.handover.errors import NotReleased
from tigertally.handover.site import Site, note
from tigertally.handover.terms import Terms
from tigertally.vault import SealedRows, VaultKeys


@dataclass(slots=True, kw_only=True)
class Trial:
    """What the bundle would hold; ``refused`` is (part, problem's code); ``seconds`` is how long the trial took."""

    subjects: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    parts: int = 0
    sealed_bytes: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What became of one part: sizes and counts, and no value."""

    subjects: int
    counts: dict[str, int]
    sealed_bytes: int
    refused: str


def try_bundle(site: Site, *, terms: Terms, keys: VaultKeys, part_subjects: int = PART_SUBJECTS_MAX) -> Trial:
    """Try the bundle of ``terms``; one entry says what would be in it. Raises ``WrongSide``, ``RecordBroken``."""
    terms.need_side(Side.SELLER)
    with site.reading() as tx:
        try:
            classes = release.verified(release.standing(tx, terms=terms), terms=terms, now=None).classes
        except NotReleased:
            classes = terms.agreement.classes
        whole = vault.count_holders(tx, scope=terms.scope, classes=classes)
    began = time.monotonic()
    site.progress.begin(Text("试写移交包", "trying the bundle"), whole)
    tried = Trial()
    make = partial(_made, keys, terms, BundleId(new_id("bun")))
    rows = _rows(site, keys, classes, part_subjects)
    with closing(spread(make, enumerate(rows))) as parts:
        for made in parts:
            if made.refused:
                tried.refused.append((part_name(tried.parts), made.refused))
            tried.subjects += made.subjects
            tried.counts.update(made.counts)
            tried.sealed_bytes += made.sealed_bytes
            tried.parts += 1
            site.progress.advance(made.subjects)
    tried.seconds = time.monotonic() - began
    refused: list[Json] = [{"part": name, "code": code} for name, code in tried.refused]
    with site.writing() as tx:
        note(
            tx,
            site.ledger,
            events.BUNDLE_TRIED,
            deal=terms.deal,
            actor=site.actor,
            now=site.clock.now(),
            subjects=tried.subjects,
            counts=json_counts(tried.counts),
            parts=tried.parts,
            length=tried.sealed_bytes,
            refused=refused,
        )
    return tried


def _rows(site: Site, keys: VaultKeys, classes: Collection[FieldClass], limit: int) -> Iterator[SealedRows]:
    after = ""
    while True:
        with site.reading() as tx:
            found = vault.read_rows(tx, keys, classes=classes, after=after, limit=limit)
        if found is None:
            return
        yield found
        after = found.last


def _made(keys: VaultKeys, terms: Terms, bundle: BundleId, numbered: tuple[int, SealedRows]) -> _Made:
    """Open, check and seal one part in memory; what is sealed is measured and forgotten. Runs in a helper."""
    number, rows = numbered
    columns = vault.open_rows(keys, rows, bundle=bundle)
    refused, length = "", 0
    try:
        spelled = checked(columns)
    except Problem as problem:
        refused = problem.code
    else:
        context = part_context(bundle, part_name(number))
        length = sum(map(len, envelope.seal([terms.buyer.transfer], context=context, plaintext=[spelled])))
    return _Made(subjects=len(rows.rows), counts=part.counts(columns), sealed_bytes=length, refused=refused)


def checked(columns: PartColumns) -> bytes:
    """Return rows as a part. Raises the problem with which a buyer would refuse them."""
    vault.check_part(columns)
    return part.write_part(columns)
