"""Deleting files and folders so that a certificate can say what was done and what was looked at afterwards.

A place is reached from the root one folder at a time, and a link on the way or in its place is refused: what is
deleted lies where it was registered, and is the file or folder that was. Regular files that hold readable data are
overwritten once and synced before they are unlinked, unless another name leads to the same file: that one is not
ours to destroy, so it is unlinked only, and nothing is said to be verified. Folders go from the bottom up through
their descriptors. Then the parent folder is synced and the name looked up: *verified* means that it was seen to be
absent after we deleted it. What this cannot reach (blocks that a disk or file system moved, snapshots, backups) is
named on every certificate.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tigertally.handover.errors import CopySwapped, DiskRefused

UNLINKED: Final = "unlinked"
OVERWRITTEN: Final = "overwritten once, unlinked"
LINKED: Final = "unlinked; other names of the same file are left"
ABSENT: Final = "absent"
_ZEROS: Final = bytes(1024 * 1024)
_READ: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PASS: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which file or folder it is: device and inode, as decimal text."""

    device: str
    inode: str


def identity_of(place: Path) -> Identity | None:
    """Return what lies at ``place``, None if nothing does. Raises ``CopySwapped`` for a link, ``DiskRefused``."""
    with _parent_of(place) as parent:
        found = None if parent is None else _stat(place, parent)
    return None if found is None else _identity(found)


def method_for(place: Path, *, overwrite: bool) -> str:
    """Return how :func:`erase` would delete what lies at ``place``. Raises like it, has no effects."""
    with _parent_of(place) as parent:
        found = None if parent is None else _stat(place, parent)
        if parent is None or found is None:
            return ABSENT
        try:
            linked = _has_links(place.name, parent, found)
        except OSError as fault:
            raise _refused(place, fault) from None
    return LINKED if linked else OVERWRITTEN if overwrite else UNLINKED


def erase(place: Path, *, overwrite: bool, expected: Identity | None = None) -> str:
    """Delete the file or folder at ``place``; return how, ``ABSENT`` if there is none.

    Raises ``CopySwapped`` if a link leads there or it is not the one ``expected``, ``DiskRefused``.
    """
    with _parent_of(place) as parent:
        found = None if parent is None else _stat(place, parent)
        if parent is None or found is None:
            return ABSENT
        if expected is not None and _identity(found) != expected:
            raise CopySwapped(name=place.name, reason="identity")
        try:
            if stat.S_ISDIR(found.st_mode):
                linked = _erase_folder(place.name, parent, found, overwrite=overwrite)
            else:
                linked = _unlink(place.name, parent, overwrite=overwrite)
            _sync(parent)
        except OSError as fault:
            raise _refused(place, fault) from None
    return LINKED if linked else OVERWRITTEN if overwrite else UNLINKED


def is_absent(place: Path) -> bool:
    """Return whether ``place`` was seen to be absent: its folder is there, no link led to it, and has no such name."""
    try:
        with _parent_of(place) as parent:
            return parent is not None and _stat(place, parent) is None
    except (CopySwapped, DiskRefused):
        return False


@contextmanager
def _parent_of(place: Path) -> Iterator[int | None]:
    """Give the folder of ``place``, reached from the root without a link; None if a folder on the way is absent."""
    handle = os.open(place.anchor, _PASS)
    try:
        for name in place.parent.parts[1:]:
            try:
                below = os.open(name, _PASS, dir_fd=handle)
            except OSError as fault:
                if not _is_absence(fault, name, handle, place):
                    raise _refused(place, fault) from None
                yield None
                return
            os.close(handle)
            handle = below
        yield handle
    finally:
        os.close(handle)


def _is_absence(fault: OSError, name: str, handle: int, place: Path) -> bool:
    """Return whether a folder could not be opened because there is none. Raises ``CopySwapped`` for a link."""
    if isinstance(fault, FileNotFoundError):
        return True
    if fault.errno not in {errno.ENOTDIR, errno.ELOOP}:
        return False
    if stat.S_ISLNK(os.lstat(name, dir_fd=handle).st_mode):
        raise CopySwapped(name=place.name, reason="link")
    return True


def _stat(place: Path, parent: int) -> os.stat_result | None:
    try:
        found = os.lstat(place.name, dir_fd=parent)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise _refused(place, fault) from None
    if stat.S_ISLNK(found.st_mode):
        raise CopySwapped(name=place.name, reason="link")
    return found


def _identity(found: os.stat_result) -> Identity:
    return Identity(device=str(found.st_dev), inode=str(found.st_ino))


def _has_links(name: str, parent: int, found: os.stat_result) -> bool:
    if not stat.S_ISDIR(found.st_mode):
        return _is_linked(found)
    return any(
        _is_linked(os.lstat(item, dir_fd=handle))
        for _, _, files, handle in os.fwalk(name, dir_fd=parent, follow_symlinks=False)
        for item in files
    )


def _is_linked(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and found.st_nlink > 1


def _erase_folder(name: str, parent: int, found: os.stat_result, *, overwrite: bool) -> bool:
    """Delete a folder; return whether a file in it has other names."""
    top = os.open(name, _READ, dir_fd=parent)
    try:
        if not os.path.samestat(os.fstat(top), found):
            raise OSError(errno.ESTALE, "")
        linked = False
        for _, folders, files, handle in os.fwalk(".", topdown=False, follow_symlinks=False, dir_fd=top):
            for item in files:
                linked |= _unlink(item, handle, overwrite=overwrite)
            for item in folders:
                if stat.S_ISLNK(os.lstat(item, dir_fd=handle).st_mode):
                    os.unlink(item, dir_fd=handle)
                else:
                    os.rmdir(item, dir_fd=handle)
            os.fsync(handle)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=parent)
    return linked


def _unlink(name: str, handle: int, *, overwrite: bool) -> bool:
    """Delete a file; return whether it has other names."""
    found = os.lstat(name, dir_fd=handle)
    linked = _is_linked(found)
    if overwrite and stat.S_ISREG(found.st_mode) and not linked:
        linked = not _overwrite(name, handle)
    os.unlink(name, dir_fd=handle)
    return linked


def _overwrite(name: str, handle: int) -> bool:
    """Overwrite a file that has this one name; return whether it had."""
    target = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=handle)
    with os.fdopen(target, "wb", buffering=0) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            return False
        left = found.st_size
        while left > 0:
            left -= file.write(_ZEROS[:left])
        os.fsync(file.fileno())
    return True


def _sync(parent: int) -> None:
    handle = os.open(".", _READ, dir_fd=parent)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refused(place: Path, fault: OSError) -> DiskRefused:
    return DiskRefused(name=place.name, reason=errno.errorcode.get(fault.errno or 0, "EIO"))
