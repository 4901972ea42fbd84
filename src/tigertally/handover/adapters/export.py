"""Processor-ready files: what was released leaves the vault as sealed lines, or is rehearsed without any.

1. grounds: the seller has a release of both companies within its term, or the buyer has received the bundle; the
   adapter's classes are among the released ones; the processor takes another run;
2. the folder is a known copy and an entry says that it begins before a line is made;
3. lines go straight into parcels (``crypto.parcels``), never clear to a disk; a new file begins before a limit of
   lines or bytes is passed; ``refused.csv`` lists what the processor would refuse, without values;
4. at the end one entry holds every file's digest, the list's digest, counts and the recipient, and counts as a run.

Killed, it leaves ``.partial`` files that the next run writes over; the finished folder is never written into again.
A dry run does all of it but the sealing and the files, and leaves one entry.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Final

from tigertally import vault
from tigertally.access.policy import Side
from tigertally.base.ahead import spread
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.base.ids import new_id
from tigertally.base.limits import PART_SUBJECTS_MAX
from tigertally.base.text import Text
from tigertally.crypto import parcels
from tigertally.crypto.parcels import Recipient
from tigertally.formats.shape import json_counts
from tigertally.handover import copies, events, folder, receipt, release, sql
from tigertally.handover.adapters.catalogue import Adapter
from tigertally.handover.adapters.errors import NotGiven, RunsSpent
from tigertally.handover.adapters.lines import Lines, header, lines_of
from tigertally.handover.errors import (
    ClassNotAgreed,
    DiskRefused,
    NotReleased,
)
from tigertally.handover.receive import RECEIVED
from tigertally.handover.site import Site, note
from tigertally.handover.terms import Terms
from tigertally.ledger import Event
from tigertally.store.tx import Tx
from tigertally.vault import SealedRows, VaultKeys

REFUSED_NAME: Final = "refused.csv"
_RUNS: Final = "handover.export"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFile:
    """A file as it lies there: sealed bytes' SHA-256 (hex) and length, lines without the header."""

    name: str
    sha256: str
    length: int
    lines: int


@dataclass(slots=True, kw_only=True)
class Account:
    """What an export holds, or a dry run would; ``seconds`` is how long the lines took."""

    adapter: str
    subjects: int = 0
    lines: int = 0
    clear_bytes: int = 0
    files: list[ExportFile] = field(default_factory=list)
    files_wanted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    wanting: Counter[str] = field(default_factory=Counter)
    without_card: int = 0
    refused_sha256: str = ""
    run: int = 0
    seconds: float = 0.0

    def members(self) -> dict[str, Json]:
        """Return what an entry says of it."""
        return {
            "adapter": self.adapter,
            "run": self.run,
            "subjects": self.subjects,
            "lines": self.lines,
            "refused": json_counts(self.refused),
            "wanting": json_counts(self.wanting),
            "without_card": self.without_card,
        }


def export(
    site: Site,
    *,
    terms: Terms,
    keys: VaultKeys,
    adapter: Adapter,
    given: Mapping[str, str],
    recipient: Recipient,
    place: Path,
) -> Account:
    """Write the processor's files into the new or empty folder ``place``; return the account of them.

    Raises ``NotReleased``, ``ReleaseExpired``, ``ClassNotAgreed``, ``RunsSpent``, ``NotGiven``, ``FolderNotEmpty``,
    ``DiskRefused``, ``ParcelFailed``.
    """
    place = place.absolute()
    now = site.clock.now()
    with site.writing() as tx:
        run = _need_grounds(tx, site, terms=terms, adapter=adapter, given=given)
        folder.prepare(place, ours=frozenset(), partial_only=True)
        copies.register(
            tx,
            site.ledger,
            deal=terms.deal,
            place=place,
            kind=copies.CopyKind.PROCESSOR,
            fate=copies.Fate.DELETE,
            actor=site.actor,
            now=now,
        )
        note(
            tx,
            site.ledger,
            events.EXPORT_STARTED,
            deal=terms.deal,
            actor=site.actor,
            now=now,
            adapter=adapter.name,
            digest=adapter.digest,
            recipient=recipient.fingerprint,
            run=run,
        )
    site.on_step("export begun")
    account = Account(adapter=adapter.name, run=run)
    target = _Files(place, adapter, recipient, account)
    try:
        _fill(site, account, target, terms=terms, keys=keys, adapter=adapter, given=given)
        target.finish()
    except OSError as fault:
        raise DiskRefused(name=place.name, reason=type(fault).__name__) from None
    finally:
        target.close()
    site.on_step("export written")
    _finish(site, account, terms=terms, adapter=adapter, recipient=recipient)
    return account


def rehearse(site: Site, *, terms: Terms, keys: VaultKeys, adapter: Adapter, given: Mapping[str, str]) -> Account:
    """Do all of an export but the sealing and the files; one entry says that it was done and what would be refused."""
    with site.reading() as tx:
        _need_given(adapter, given)
        run = _runs(tx, site, terms=terms, adapter=adapter) + 1
    account = Account(adapter=adapter.name, run=run)
    _fill(site, account, _Nowhere(adapter, account), terms=terms, keys=keys, adapter=adapter, given=given)
    now = site.clock.now()
    with site.writing() as tx:
        note(
            tx,
            site.ledger,
            events.EXPORT_REHEARSED,
            deal=terms.deal,
            actor=site.actor,
            now=now,
            files=account.files_wanted,
            **account.members(),
        )
    return account


def _need_grounds(tx: Tx, site: Site, *, terms: Terms, adapter: Adapter, given: Mapping[str, str]) -> int:
    """Return the number of this run. Raises as :func:`export` says."""
    _need_given(adapter, given)
    now = site.clock.now()
    if terms.side is Side.SELLER:
        terms.need_agreement(now)
        paper = release.verified(release.standing(tx, terms=terms), terms=terms, now=now)
        if receipt.accepted(tx, terms=terms, now=now) is not None:
            # From here on the data is the buyer's to send.
            raise NotReleased
    else:
        if not any(row.state == RECEIVED for row in sql.read_bundles(tx, deal=terms.deal)):
            raise NotReleased
        paper = release.verified(release.standing(tx, terms=terms), terms=terms, now=None)
    _need_classes(adapter, paper.classes)
    run = _runs(tx, site, terms=terms, adapter=adapter) + 1
    if adapter.runs_max and run > adapter.runs_max:
        raise RunsSpent(adapter=adapter.name, runs=adapter.runs_max)
    return run


def _need_classes(adapter: Adapter, classes: Collection[FieldClass]) -> None:
    """Refuse if what a file cannot do without is not released; what else is not is left empty (:func:`_classes`)."""
    needed = {FieldClass.PAN}
    for column in adapter.columns:
        if column.required and column.value.startswith("exp:"):
            needed.add(FieldClass.EXPIRY)
    if beyond := sorted(cls.value for cls in needed - set(classes)):
        raise ClassNotAgreed(classes=", ".join(beyond))


def _need_given(adapter: Adapter, given: Mapping[str, str]) -> None:
    needed = {one.value.partition(":")[2] for one in adapter.columns if one.required and one.value.startswith("given:")}
    if missing := sorted(needed - {name for name, text in given.items() if text}):
        raise NotGiven(names=", ".join(missing))
    if unknown := sorted(set(given) - adapter.given()):
        raise NotGiven(names=", ".join(unknown))


def _runs_name(terms: Terms, adapter: Adapter) -> tuple[str, str]:
    return (_RUNS, f"{terms.deal}.{adapter.name}")


def _runs(tx: Tx, site: Site, *, terms: Terms, adapter: Adapter) -> int:
    name = _runs_name(terms, adapter)
    return len(site.ledger.counted(tx, name, about=".".join(name), after=-1))


def _classes(tx: Tx, *, terms: Terms, adapter: Adapter) -> frozenset[FieldClass]:
    """Return what may be opened: the adapter's classes that were released, or (before that) agreed."""
    try:
        allowed = release.verified(release.standing(tx, terms=terms), terms=terms, now=None).classes
    except NotReleased:
        allowed = terms.agreement.classes
    return adapter.classes() & frozenset(allowed)


class _Nowhere:
    """Where a dry run writes: limits are counted, nothing is kept."""

    def __init__(self, adapter: Adapter, account: Account) -> None:
        self.adapter, self.account = adapter, account
        self.head = header(adapter)
        self.in_file = self.bytes_in_file = 0

    def write(self, found: Lines) -> None:
        """Take finished lines, as many at once as go into one file."""
        at = begun = 0
        while at < len(found.ends):
            if self.account.files_wanted == 0 or self.full(int(found.ends[at]) - begun):
                self.begin()
            fitting = int(found.ends.searchsorted(begun + self.adapter.bytes_max - self.bytes_in_file, "right"))
            stop = max(at + 1, min(fitting, at + self.adapter.lines_max - 1 - self.in_file))
            end = int(found.ends[stop - 1])
            self.put(memoryview(found.body)[begun:end])
            self.in_file += stop - at
            self.bytes_in_file += end - begun
            at, begun = stop, end
        self.account.lines += len(found.ends)
        self.account.clear_bytes += len(found.body)

    def put(self, lines: memoryview) -> None:
        """Take lines that go into the present file."""

    def full(self, more: int) -> bool:
        """Return whether a line of ``more`` bytes goes into another file. The header counts as a line."""
        return self.in_file + 2 > self.adapter.lines_max or self.bytes_in_file + more > self.adapter.bytes_max

    def begin(self) -> None:
        """Begin another file."""
        self.account.files_wanted += 1
        self.in_file, self.bytes_in_file = 0, len(self.head)

    def refuse(self, found: Lines) -> None:
        """Take what the processor would refuse."""


class _Files(_Nowhere):
    """Where an export writes: parcels in a folder, and the list of refused lines."""

    def __init__(self, place: Path, adapter: Adapter, recipient: Recipient, account: Account) -> None:
        super().__init__(adapter, account)
        self.place, self.recipient = place, recipient
        self.stack = ExitStack()
        self.stream: IO[bytes] | None = None
        self.name = ""
        self.refused = _create(place / (REFUSED_NAME + folder.PARTIAL))
        self.refused.write(b"subject,card,reason\r\n")

    def begin(self) -> None:
        """Finish the present file and begin another."""
        self._end()
        super().begin()
        self.name = f"{self.adapter.name}-{self.account.files_wanted:04}.csv.{self.recipient.kind.value}"
        out = self.stack.enter_context(_create(self.place / (self.name + folder.PARTIAL)))
        self.stream = self.stack.enter_context(parcels.sealing(self.recipient, out))
        self.stream.write(self.head)

    def put(self, lines: memoryview) -> None:
        """Seal lines."""
        if self.stream is not None:
            self.stream.write(lines)

    def refuse(self, found: Lines) -> None:
        """List what the processor would refuse."""
        for subject, card, reason in found.refused:
            self.refused.write(f"{subject},{card + 1},{reason}\r\n".encode())

    def finish(self) -> None:
        """Make everything durable, under its own name."""
        self._end()
        self.refused.close()
        written = _settle(self.place, REFUSED_NAME)
        self.account.refused_sha256 = written[0]
        folder.sync_folder(self.place)

    def close(self) -> None:
        """Let go of what is open; an unfinished parcel is none."""
        self.refused.close()
        self.stack.__exit__(ParcelAbandoned, ParcelAbandoned(), None)

    def _end(self) -> None:
        if self.stream is None:
            return
        lines, self.stream = self.in_file, None
        self.stack.close()
        digest, length = _settle(self.place, self.name)
        self.account.files.append(ExportFile(name=self.name, sha256=digest, length=length, lines=lines))


class ParcelAbandoned(Exception):  # noqa: N818 - never seen: it tells the helper that its parcel is given up
    """An export ended before its parcel."""


def _create(path: Path) -> IO[bytes]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def _settle(place: Path, name: str) -> tuple[str, int]:
    """Sync a finished file and give it its name; return its digest and length."""
    partial_path = place / (name + folder.PARTIAL)
    with partial_path.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        length = file.tell()
    partial_path.replace(place / name)
    return digest, length


def _fill(
    site: Site,
    account: Account,
    target: _Nowhere,
    *,
    terms: Terms,
    keys: VaultKeys,
    adapter: Adapter,
    given: Mapping[str, str],
) -> None:
    with site.reading() as tx:
        classes = _classes(tx, terms=terms, adapter=adapter)
        account.subjects = vault.count_holders(tx, scope=terms.scope, classes=tuple(classes))
    began = time.monotonic()
    site.progress.begin(Text("生成处理机构文件", "making the processor's file"), account.subjects)
    make = partial(_made, keys, adapter, given, site.clock.now(), new_id("bun"))
    with closing(spread(make, _rows(site, keys, classes))) as parts:
        for subjects, found in parts:
            target.write(found)
            target.refuse(found)
            account.refused.update(reason for _, _, reason in found.refused)
            account.wanting.update(found.wanting)
            account.without_card += found.without_card
            site.progress.advance(subjects)
    account.seconds = time.monotonic() - began


def _rows(site: Site, keys: VaultKeys, classes: Collection[FieldClass]) -> Iterator[SealedRows]:
    after = ""
    while True:
        with site.reading() as tx:
            found = vault.read_rows(tx, keys, classes=classes, after=after, limit=PART_SUBJECTS_MAX)
        if found is None:
            return
        yield found
        after = found.last


def _made(
    keys: VaultKeys, adapter: Adapter, given: Mapping[str, str], now: datetime, salt: str, rows: SealedRows
) -> tuple[int, Lines]:
    """Open rows and spell them, in memory. Runs in a helper."""
    return len(rows.rows), lines_of(adapter, vault.open_rows(keys, rows, bundle=salt), given=given, now=now)


def _finish(site: Site, account: Account, *, terms: Terms, adapter: Adapter, recipient: Recipient) -> None:
    now = site.clock.now()
    name = _runs_name(terms, adapter)
    files: list[Json] = [
        {"name": one.name, "sha256": one.sha256, "length": one.length, "lines": one.lines} for one in account.files
    ]
    with site.writing() as tx:
        payload: dict[str, Json] = {
            "deal": terms.deal,
            "recipient": recipient.fingerprint,
            "files": files,
            "refused_sha256": account.refused_sha256,
            **account.members(),
        }
        about = (terms.deal, ".".join(name))
        event = Event(kind=events.EXPORT_WRITTEN, payload=payload, actor=site.actor, about=about, counted=(name,))
        site.ledger.append(tx, event, now=now)
