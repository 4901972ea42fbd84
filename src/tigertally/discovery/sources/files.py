"""A file, or a tree of files, opened for reading only; links are not followed, pipes and devices not opened."""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

from tigertally.base.text import Text
from tigertally.discovery.errors import NoSuchRoot, Unreadable
from tigertally.discovery.inventory import Status
from tigertally.discovery.readers.dispatch import read_object
from tigertally.discovery.readers.members import Run
from tigertally.discovery.readers.stream import Source
from tigertally.discovery.sources.ports import Entry, unread

_LINK: Final = Text("符号链接，不跟随", "a symbolic link; not followed")
_SPECIAL: Final = Text("不是普通文件（管道、套接字或设备）", "not a regular file (pipe, socket or device)")
EXCLUDED: Final = Text("按排除规则跳过", "left out by the exclude rules")
_NO_FOLDER: Final = Text("无法列出此文件夹", "this folder cannot be listed")
GONE: Final = Text("扫描时文件已消失或无法打开", "the file is gone or cannot be opened")
_CHANGED: Final = Text("读取期间文件发生了变化", "the file changed while it was read")


class Files:
    """The file or tree at ``root``. Raises :class:`NoSuchRoot` if there is none."""

    def __init__(self, root: Path, *, exclude: tuple[str, ...] = ()) -> None:
        try:
            os.lstat(root)
        except OSError:
            raise NoSuchRoot from None
        self._root = root
        self._exclude = exclude

    @property
    def name(self) -> str:
        """Return the root's last name, so that no machine path leaves the house."""
        return self._root.resolve().name or "/"

    def entries(self) -> Iterator[Entry]:
        """Yield every entry that is not a folder, and folders that cannot be listed, in a stable order."""
        top = os.fspath(self._root)
        info = os.lstat(top)
        if not stat.S_ISDIR(info.st_mode):
            yield self._entry(top, self._root.name, info)
            return
        folders = [(top, "")]
        while folders:
            folder, name = folders.pop()
            try:
                with os.scandir(folder) as listing:
                    children = sorted(listing, key=lambda child: os.fsencode(child.name))
            except OSError:
                yield Entry(name=name or ".", size=0, read=unread, skip=_NO_FOLDER, failed=True)
                continue
            inner = [child for child in children if child.is_dir(follow_symlinks=False)]
            folders += [(child.path, f"{name}{child.name}/") for child in reversed(inner)]
            for child in children:
                if child.is_dir(follow_symlinks=False):
                    continue
                try:
                    yield self._entry(child.path, f"{name}{child.name}", child.stat(follow_symlinks=False))
                except OSError:
                    yield Entry(name=f"{name}{child.name}", size=0, read=unread, skip=GONE, failed=True)

    def count(self) -> tuple[int, int | None]:
        """Count entries and bytes of the tree again."""
        files = size = 0
        for entry in self.entries():
            files += 1
            size += entry.size
        return files, size

    def close(self) -> None:
        """Nothing is held."""

    def _entry(self, path: str, name: str, info: os.stat_result) -> Entry:
        skip = None
        if stat.S_ISLNK(info.st_mode):
            skip = _LINK
        elif not stat.S_ISREG(info.st_mode):
            skip = _SPECIAL
        elif any(fnmatch.fnmatchcase(name, pattern) for pattern in self._exclude):
            skip = EXCLUDED
        regular = stat.S_ISREG(info.st_mode)
        return Entry(
            name=name,
            size=info.st_size if regular else 0,
            read=lambda run, shown: _read(run, path, shown),
            stamp=f"{info.st_size}:{info.st_mtime_ns}:{info.st_ctime_ns}:{info.st_dev}:{info.st_ino}"
            if regular
            else "",
            skip=skip,
        )


def _read(run: Run, path: str, shown: str) -> None:
    before = Path(path).lstat()
    source = Source(name=shown, size=before.st_size, open=_opener(path), path=path)
    index = len(run.collected.objects)
    read_object(run, source)
    try:
        after = Path(path).lstat()
    except OSError:
        after = None
    if after is None or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        report = run.collected.objects[index]
        if report.status is Status.SCANNED:
            run.collected.objects[index] = replace(report, status=Status.PARTLY, reason=_CHANGED)


def _opener(path: str) -> Callable[[], BinaryIO]:
    def open_() -> BinaryIO:
        # O_NONBLOCK: a pipe that took the file's place since the walk must not hang the scan.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Unreadable(_SPECIAL)
        return os.fdopen(descriptor, "rb")

    return open_
