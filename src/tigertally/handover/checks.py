"""Pass one of receiving: everything about a bundle is verified before anything of it is stored.

Numbers of docs/formats/bundle.md §4, here against *confirmed* cards and our own keys, each flaw by its own name:
1. the manifest is well formed and 2. signed by the confirmed seller; it is of this deal, these parties, not from
the future; 3. the release it names lies beside it, 4. signed by both companies, under the agreement in force;
5. the manifest stays within it; 6. no part is missing; 7. nothing else lies there but the release and a card, signed by
the parties; 8. every part
has its length and digest; 9. is an envelope in its own place, sealed to us alone; 10. opens; 11. holds strict rows,
no class that may never be kept, subjects ascending from part to part, values and tokens
that our vault would store; 12. the counts and 13. the root are the
manifest's. Parts are opened in memory, one at a time; nothing clear is written anywhere.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from tigertally import vault
from tigertally.base.ahead import spread
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.crypto.errors import DecryptionFailed
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.merkle import Frontier, leaf_hash
from tigertally.formats import envelope, manifest, part
from tigertally.formats.dealpapers import Release
from tigertally.formats.errors import Malformed, NotForUs, WrongContext
from tigertally.formats.manifest import MANIFEST_NAME, Manifest, Part, part_context
from tigertally.formats.part import PartColumns
from tigertally.formats.party import PartyCard
from tigertally.formats.statement import Statement
from tigertally.formats.verify import Trust
from tigertally.formats.verify.bundles import BESIDE, beyond
from tigertally.formats.verify.trust import signed_by_trusted
from tigertally.handover import folder, release
from tigertally.handover.errors import (
    BeyondRelease,
    CountMismatch,
    DatedInFuture,
    ExtraPart,
    ForbiddenClass,
    MissingPart,
    NoSuchBundle,
    NotReleased,
    OutOfOrder,
    PartClosed,
    PartMalformed,
    RootMismatch,
    WrongRecipient,
)
from tigertally.handover.terms import SKEW_MAX, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """A bundle's verified papers: what the manifest says, and the release it rests on."""

    statement: Statement
    manifest: Manifest
    release_statement: Statement
    release: Release


def read_papers(place: Path, *, terms: Terms, now: datetime) -> Papers:
    """Return the papers in a bundle's folder, verified: numbers 1–5. Nothing of the parts is read."""
    statement, paper = read_manifest(place, terms=terms, now=now)
    if paper.recipient_key != terms.buyer.transfer.key_id:
        raise WrongRecipient(name=MANIFEST_NAME)
    beside = folder.paper_in(place, folder.RELEASE_NAME)
    if beside is None or beside.digest != paper.release:
        raise NotReleased
    # A release ends the right to make a bundle, not to receive one that was made in time (number 5).
    allowed = release.verified(beside, terms=terms, now=None)
    if wrong := beyond(paper, allowed):
        raise BeyondRelease(members=", ".join(wrong))
    return Papers(statement=statement, manifest=paper, release_statement=beside, release=allowed)


def read_manifest(place: Path, *, terms: Terms, now: datetime) -> tuple[Statement, Manifest]:
    """Return the manifest in a folder: well formed, of this deal, signed by the confirmed seller, not future."""
    folder.names_in(place)
    statement = folder.paper_in(place, MANIFEST_NAME)
    if statement is None:
        raise NoSuchBundle(name=MANIFEST_NAME)
    paper = manifest.read(statement)
    terms.need_same("manifest", deal=paper.deal, seller=paper.seller, buyer=paper.buyer)
    statement.require({terms.seller.name: terms.seller.signing})
    if paper.created > now + SKEW_MAX:
        raise DatedInFuture(what="manifest")
    return statement, paper


def verify_parts(
    place: Path,
    paper: Manifest,
    *,
    transfer: TransferKey,
    trusted: Sequence[PartyCard],
    on_step: Callable[[str], None],
    progress: Progress = SILENT,
) -> None:
    """Check numbers 6–13 on the parts in ``place``."""
    check_names(place, paper, trusted=trusted)
    for item in paper.parts:
        folder.read_part(place, item)
    progress.begin(Text("核验移交包", "verifying the bundle"), paper.subjects)
    tally = Tally()
    check = partial(_checked, place, paper=paper, transfer=transfer)
    with closing(spread(check, paper.parts)) as parts:
        for item, checked in zip(paper.parts, parts, strict=True):
            tally.add(item, checked)
            progress.advance(item.subjects)
            on_step(f"{item.name} verified")
    tally.check(paper)


def check_names(place: Path, paper: Manifest, *, trusted: Sequence[PartyCard]) -> None:
    """Check that every part is there and nothing else but the release and a card of the parties (numbers 6 and 7)."""
    listed = {item.name for item in paper.parts}
    for item in paper.parts:
        if not folder.is_regular(place / item.name):
            raise MissingPart(name=item.name)
    for name in folder.names_in(place):
        if name not in listed and name != MANIFEST_NAME and not _belongs(place, name, trusted):
            raise ExtraPart(name=name)


def _belongs(place: Path, name: str, trusted: Sequence[PartyCard]) -> bool:
    """Return whether a file is the release or a card under its name, signed by one of the parties."""
    try:
        statement = folder.paper_in(place, name) if name in BESIDE else None
    except Malformed:
        return False
    if statement is None or statement.kind is not BESIDE[name]:
        return False
    return signed_by_trusted(statement, Trust(cards=tuple(trusted)))


def open_part(place: Path, item: Part, paper: Manifest, *, transfer: TransferKey) -> PartColumns:
    """Return a part's rows, from bytes of the right digest, in memory (numbers 8–11)."""
    source = io.BytesIO(folder.read_part(place, item))
    try:
        header = envelope.read_header(source.read)
        if [key for key, _ in header.recipients] != [paper.recipient_key]:
            raise WrongRecipient(name=item.name)
        source.seek(0)
        pieces = envelope.open_stream(transfer, context=part_context(paper.bundle, item.name), read=source.read)
        data = b"".join(pieces)
    except NotForUs:
        raise WrongRecipient(name=item.name) from None
    except (Malformed, WrongContext, DecryptionFailed):
        raise PartClosed(name=item.name) from None
    try:
        return part.read_part(data, subjects=item.subjects)
    except Malformed as flaw:
        where = str(flaw.details.get("where", ""))
        if where == "code":
            raise ForbiddenClass(name=item.name) from None
        raise PartMalformed(name=item.name, where=where) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a part adds to the tally: its first and last subject, a commitment per subject, counts per class."""

    first: str
    last: str
    commitments: Sequence[bytes]
    counts: Mapping[str, int]


def _checked(place: Path, item: Part, *, paper: Manifest, transfer: TransferKey) -> Checked:
    """Open and check one part (numbers 8–11). Runs in a helper."""
    columns = open_part(place, item, paper, transfer=transfer)
    vault.check_part(columns)
    return Checked(
        first=columns.arrow("subject")[0].as_py(),
        last=columns.arrow("subject")[-1].as_py(),
        commitments=part.commitments(columns),
        counts=part.counts(columns),
    )


class Tally:
    """What opened parts add up to: order, counts, root."""

    __slots__ = ("counts", "frontier", "last")

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.frontier = Frontier()
        self.last = ""

    def add(self, item: Part, checked: Checked) -> None:
        """Take a part's commitments and counts. Raises ``OutOfOrder``."""
        if checked.first <= self.last:
            raise OutOfOrder(name=item.name)
        self.last = checked.last
        for commitment in checked.commitments:
            self.frontier.append(leaf_hash(commitment))
        self.counts.update(checked.counts)

    def differences(self, paper: Manifest) -> list[str]:
        """Return the classes whose counts are not the manifest's."""
        named = sorted({*paper.counts, *self.counts})
        return [name for name in named if paper.counts.get(name, 0) != self.counts[name]]

    def check(self, paper: Manifest) -> None:
        """Raise ``CountMismatch`` or ``RootMismatch`` unless this is what the manifest says (12 and 13)."""
        if wrong := self.differences(paper):
            raise CountMismatch(classes=", ".join(wrong))
        if self.frontier.size != paper.subjects or self.frontier.root() != paper.root:
            raise RootMismatch
