"""The scan of a tree: every file once, each with a coverage row, whatever it holds.

1. Read-only: files are opened for reading, nothing is written beside them, links are not followed.
2. Every entry of the tree ends in one :class:`ObjectReport`; members of archives have their own.
3. One bad file never ends the run: what a reader cannot read becomes ``partly`` or ``failed`` with a reason.
4. After the scan the tree is walked again; :attr:`Totals.complete` says whether files and bytes agree.
"""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final

from tigertally.base.clock import Clock
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.discovery.counting import new_key
from tigertally.discovery.errors import NoSuchRoot, Unreadable
from tigertally.discovery.inventory import (
    RULESET,
    Collected,
    Inventory,
    Kind,
    ObjectReport,
    Status,
    Totals,
    root_name,
)
from tigertally.discovery.naming import safe_name
from tigertally.discovery.readers.dispatch import Run, read_object
from tigertally.discovery.readers.stream import Source

_LINK: Final = Text("符号链接，不跟随", "a symbolic link; not followed")
_SPECIAL: Final = Text("不是普通文件（管道、套接字或设备）", "not a regular file (pipe, socket or device)")
_EXCLUDED: Final = Text("按排除规则跳过", "left out by the exclude rules")
_NO_FOLDER: Final = Text("无法列出此文件夹", "this folder cannot be listed")
_GONE: Final = Text("扫描时文件已消失或无法打开", "the file is gone or cannot be opened")
_DENIED: Final = Text("没有读取权限", "no permission to read")
_CHANGED: Final = Text("读取期间文件发生了变化", "the file changed while it was read")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One thing in the tree: its real path, its path in the inventory, and why it is not read, if so."""

    path: str
    name: str
    size: int
    skip: Text | None = None
    failed: bool = False


def scan(root: Path, *, clock: Clock, progress: Progress = SILENT, exclude: tuple[str, ...] = ()) -> Inventory:
    """Scan the file or tree at ``root`` and return the inventory.

    ``exclude``: shell patterns over paths relative to the root (``backup/*``, ``*.iso``); what they leave
    out is reported as skipped. Raises :class:`NoSuchRoot` only; every other trouble is a coverage row.
    """
    try:
        os.lstat(root)
    except OSError:
        raise NoSuchRoot from None
    started = clock.now()
    entries = list(_walk(root, exclude))
    progress.begin(Text("扫描", "scanning"), sum(entry.size for entry in entries if entry.skip is None))
    run = Run(clock=clock, key=new_key(), advance=progress.advance, collected=Collected())
    shown: dict[str, int] = {}
    for entry in entries:
        _scan_entry(run, replace(entry, name=_unique(safe_name(entry.name), shown)))
    tree_files, tree_bytes = _tree(root, exclude)
    objects = tuple(run.collected.objects)
    return Inventory(
        root=safe_name(root_name(root)),
        ruleset=RULESET,
        started=started,
        finished=clock.now(),
        objects=objects,
        findings=tuple(run.collected.findings),
        totals=_totals(objects, tree_files, tree_bytes),
    )


def _scan_entry(run: Run, entry: _Entry) -> None:
    if entry.skip is not None:
        status = Status.FAILED if entry.failed else Status.SKIPPED
        run.collected.objects.append(_row(entry, status, entry.skip))
        return
    mark = run.collected.mark()
    try:
        before = Path(entry.path).lstat()
        source = Source(name=entry.name, size=before.st_size, open=_opener(entry.path), path=entry.path)
        index = len(run.collected.objects)
        read_object(run, source, depth=0)
        after = Path(entry.path).lstat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            report = run.collected.objects[index]
            if report.status is Status.SCANNED:
                run.collected.objects[index] = replace(report, status=Status.PARTLY, reason=_CHANGED)
    except (OSError, Unreadable) as problem:
        run.collected.back_to(mark)
        why = (
            problem.why
            if isinstance(problem, Unreadable)
            else _DENIED
            if isinstance(problem, PermissionError)
            else _GONE
        )
        run.collected.objects.append(_row(entry, Status.FAILED, why))


def _row(entry: _Entry, status: Status, reason: Text) -> ObjectReport:
    return ObjectReport(
        path=entry.name, kind=Kind.BYTES, encoding=None, status=status, reason=reason,
        size=entry.size, bytes_read=0, seconds=0.0,
    )  # fmt: skip


def _opener(path: str) -> Callable[[], BinaryIO]:
    def open_() -> BinaryIO:
        # O_NONBLOCK: a pipe that took the file's place since the walk must not hang the scan.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Unreadable(_SPECIAL)
        return os.fdopen(descriptor, "rb")

    return open_


def _walk(root: Path, exclude: tuple[str, ...]) -> Iterator[_Entry]:
    """Yield every entry that is not a folder, and folders that cannot be listed, in a stable order."""
    top = os.fspath(root)
    info = os.lstat(top)
    if not stat.S_ISDIR(info.st_mode):
        yield _entry(top, root.name, info, exclude)
        return
    folders = [(top, "")]
    while folders:
        folder, name = folders.pop()
        try:
            with os.scandir(folder) as listing:
                children = sorted(listing, key=lambda child: os.fsencode(child.name))
        except OSError:
            yield _Entry(path=folder, name=name or ".", size=0, skip=_NO_FOLDER, failed=True)
            continue
        inner = [child for child in children if child.is_dir(follow_symlinks=False)]
        folders += [(child.path, f"{name}{child.name}/") for child in reversed(inner)]
        for child in children:
            if child.is_dir(follow_symlinks=False):
                continue
            try:
                yield _entry(child.path, f"{name}{child.name}", child.stat(follow_symlinks=False), exclude)
            except OSError:
                yield _Entry(path=child.path, name=f"{name}{child.name}", size=0, skip=_GONE, failed=True)


def _entry(path: str, name: str, info: os.stat_result, exclude: tuple[str, ...]) -> _Entry:
    skip = None
    if stat.S_ISLNK(info.st_mode):
        skip = _LINK
    elif not stat.S_ISREG(info.st_mode):
        skip = _SPECIAL
    elif any(fnmatch.fnmatchcase(name, pattern) for pattern in exclude):
        skip = _EXCLUDED
    return _Entry(path=path, name=name, size=info.st_size if stat.S_ISREG(info.st_mode) else 0, skip=skip)


def _tree(root: Path, exclude: tuple[str, ...]) -> tuple[int, int]:
    """Count entries and bytes of the tree again."""
    entries = list(_walk(root, exclude))
    return len(entries), sum(entry.size for entry in entries)


def _unique(name: str, shown: dict[str, int]) -> str:
    """Names that became equal when values were starred get a number."""
    shown[name] = shown.get(name, 0) + 1
    return name if shown[name] == 1 else f"{name} ({shown[name]})"


def _totals(objects: tuple[ObjectReport, ...], tree_files: int, tree_bytes: int) -> Totals:
    by_status = {status: sum(1 for report in objects if report.status is status) for status in Status}
    own = [report for report in objects if "!/" not in report.path]
    return Totals(
        objects=len(objects),
        scanned=by_status[Status.SCANNED],
        partly=by_status[Status.PARTLY],
        skipped=by_status[Status.SKIPPED],
        failed=by_status[Status.FAILED],
        files=len(own),
        bytes=sum(report.size for report in own),
        tree_files=tree_files,
        tree_bytes=tree_bytes,
    )
