"""The scan of a source: every object once, each with a coverage row, whatever it holds.

1. Read-only: nothing is written to a source or beside it, links are not followed.
2. Every entry of the source ends in one :class:`ObjectReport`; members of archives have their own.
3. One bad object never ends the run: what a reader cannot read becomes ``partly`` or ``failed`` with a reason.
4. After the scan the source is counted again; :attr:`Totals.complete` says whether objects and bytes agree.
5. An object that an earlier inventory of the same rules has seen, and whose stamp is the same, is taken over from it.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Final

from tigertally.base.clock import Clock
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.discovery.counting import new_key
from tigertally.discovery.errors import Unreadable
from tigertally.discovery.fingerprints import fingerprints_in_use
from tigertally.discovery.inventory import (
    Collected,
    Inventory,
    Kind,
    ObjectReport,
    Status,
    Totals,
)
from tigertally.discovery.journal import Journal, Known
from tigertally.discovery.naming import safe_name
from tigertally.discovery.readers.members import Run
from tigertally.discovery.ruleset import ruleset
from tigertally.discovery.sources.files import GONE, Files
from tigertally.discovery.sources.ports import Entry, Origin

_UNFORESEEN: Final = Text(
    "读取时发生意外错误，未扫描；请报告此问题", "its reader failed in a way that was not foreseen; please report it"
)
_DENIED: Final = Text("没有读取权限", "no permission to read")


def scan(
    root: Path,
    *,
    clock: Clock,
    progress: Progress = SILENT,
    exclude: tuple[str, ...] = (),
    since: Inventory | None = None,
    journal: Path | None = None,
) -> Inventory:
    """Scan the file or tree at ``root`` and return the inventory.

    ``exclude``: shell patterns over paths relative to the root (``backup/*``, ``*.iso``); what they leave
    out is reported as skipped. ``since``, ``journal``: as in :func:`scan_origin`. Raises :class:`NoSuchRoot` only;
    every other trouble is a coverage row.
    """
    return scan_origin(Files(root, exclude=exclude), clock=clock, progress=progress, since=since, journal=journal)


def scan_origin(
    origin: Origin,
    *,
    clock: Clock,
    progress: Progress = SILENT,
    since: Inventory | None = None,
    journal: Path | None = None,
) -> Inventory:
    """Scan any source and return the inventory.

    ``since``: an earlier inventory; what it has scanned and what has not changed since is taken over. ``journal``: a
    file in which every finished object is noted at once, so that a killed scan goes on where it was; it holds what an
    inventory holds, and goes when the scan is done. Raises what the source raises when it cannot be listed, and
    :class:`NoJournal`.
    """
    started = clock.now()
    entries = list(origin.entries())
    progress.begin(Text("扫描", "scanning"), sum(entry.size for entry in entries if entry.skip is None))
    run = Run(clock=clock, key=new_key(), advance=progress.advance, collected=Collected())
    shown: dict[str, int] = {}
    known = Known.of(since)
    with Journal(journal, root=safe_name(origin.name)) as notes:
        known.add(notes.earlier)
        for entry in entries:
            named = replace(entry, name=_unique(safe_name(entry.name), shown))
            mark = run.collected.mark()
            if not known.take(named.name, stamp_of(entry), run.collected):
                _scan_entry(run, named, stamp_of(entry))
                notes.note(run.collected, mark)
            elif entry.skip is None:
                progress.advance(entry.size)
        count, size = origin.count()
        under = fingerprints_in_use()
        objects = tuple(run.collected.objects)
        return Inventory(
            root=safe_name(origin.name),
            ruleset=ruleset(),
            started=started,
            finished=clock.now(),
            objects=objects,
            findings=tuple(run.collected.findings),
            totals=_totals(objects, count, size),
            fingerprint_key=under.key_id if under else None,
        )


def stamp_of(entry: Entry) -> str | None:
    """Return what an inventory keeps of an entry's stamp: a digest, as inodes and times are nobody's business."""
    if not entry.stamp or entry.skip is not None:
        return None
    return hashlib.blake2b(entry.stamp.encode(), digest_size=16).hexdigest()


def _scan_entry(run: Run, entry: Entry, stamp: str | None) -> None:
    if entry.skip is not None:
        status = Status.FAILED if entry.failed else Status.SKIPPED
        run.collected.objects.append(_row(entry, status, entry.skip))
        return
    mark = run.collected.mark()
    try:
        entry.read(run, entry.name)
    except (OSError, Unreadable) as problem:
        run.collected.back_to(mark)
        why = (
            problem.why
            if isinstance(problem, Unreadable)
            else _DENIED
            if isinstance(problem, PermissionError)
            else GONE
        )
        run.collected.objects.append(_row(entry, Status.FAILED, why))
        return
    except Exception:  # noqa: BLE001 - one bad object never ends the run, whatever its reader did not foresee
        run.collected.back_to(mark)
        run.collected.objects.append(_row(entry, Status.FAILED, _UNFORESEEN))
        return
    report = run.collected.objects[mark[0]]
    if report.status in (Status.SCANNED, Status.PARTLY):
        run.collected.objects[mark[0]] = replace(report, stamp=stamp)


def _row(entry: Entry, status: Status, reason: Text) -> ObjectReport:
    return ObjectReport(
        path=entry.name, kind=Kind.BYTES, encoding=None, status=status, reason=reason,
        size=entry.size, bytes_read=0, seconds=0.0,
    )  # fmt: skip


def _unique(name: str, shown: dict[str, int]) -> str:
    """Names that became equal when values were starred get a number."""
    shown[name] = shown.get(name, 0) + 1
    return name if shown[name] == 1 else f"{name} ({shown[name]})"


def _totals(objects: tuple[ObjectReport, ...], tree_files: int, tree_bytes: int | None) -> Totals:
    by_status = {status: sum(1 for report in objects if report.status is status) for status in Status}
    own = [report for report in objects if "!/" not in report.path]
    size = sum(report.size for report in own)
    return Totals(
        objects=len(objects),
        scanned=by_status[Status.SCANNED],
        partly=by_status[Status.PARTLY],
        skipped=by_status[Status.SKIPPED],
        failed=by_status[Status.FAILED],
        files=len(own),
        bytes=size,
        tree_files=tree_files,
        tree_bytes=size if tree_bytes is None else tree_bytes,
    )
