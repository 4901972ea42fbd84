"""Deleting files and folders so that a certificate can say what was done and what was looked at afterwards.

Regular files that hold readable data are overwritten once and synced before they are unlinked; folders go from the
bottom up through their descriptors, so no link is followed out of them. Then the parent folder is synced and the
name looked up: *verified* means that it was seen to be absent. What this cannot reach (blocks that a disk or file
system moved, snapshots, backups) is named on every certificate.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

from tigertally.handover.errors import DiskRefused
from tigertally.handover.folder import sync_folder

UNLINKED: Final = "unlinked"
OVERWRITTEN: Final = "overwritten once, unlinked"
ABSENT: Final = "already absent"
_ZEROS: Final = bytes(1024 * 1024)


def erase(place: Path, *, overwrite: bool) -> str:
    """Delete the file or folder at ``place``; return how, ``ABSENT`` if there is none. Raises ``DiskRefused``."""
    try:
        mode = place.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except OSError as fault:
        raise _refused(place, fault) from None
    try:
        if stat.S_ISDIR(mode):
            _erase_folder(place, overwrite=overwrite)
        else:
            _erase_file(place.name, _opened(place.parent), overwrite=overwrite)
        sync_folder(place.parent)
    except OSError as fault:
        raise _refused(place, fault) from None
    return OVERWRITTEN if overwrite else UNLINKED


def is_absent(place: Path) -> bool:
    """Return whether ``place`` was seen to be absent: its folder is there and does not have the name."""
    try:
        place.lstat()
    except FileNotFoundError:
        return place.parent.is_dir()
    except OSError:
        return False
    return False


def _erase_folder(place: Path, *, overwrite: bool) -> None:
    for _, folders, files, handle in os.fwalk(place, topdown=False, follow_symlinks=False):
        for name in files:
            _unlink(name, handle, overwrite=overwrite)
        for name in folders:
            if stat.S_ISLNK(os.lstat(name, dir_fd=handle).st_mode):
                os.unlink(name, dir_fd=handle)
            else:
                os.rmdir(name, dir_fd=handle)
        os.fsync(handle)
    place.rmdir()


def _opened(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _erase_file(name: str, handle: int, *, overwrite: bool) -> None:
    try:
        _unlink(name, handle, overwrite=overwrite)
    finally:
        os.close(handle)


def _unlink(name: str, handle: int, *, overwrite: bool) -> None:
    if overwrite and stat.S_ISREG(os.lstat(name, dir_fd=handle).st_mode):
        _overwrite(name, handle)
    os.unlink(name, dir_fd=handle)


def _overwrite(name: str, handle: int) -> None:
    target = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle)
    with os.fdopen(target, "wb", buffering=0) as file:
        left = os.fstat(file.fileno()).st_size
        while left > 0:
            left -= file.write(_ZEROS[:left])
        os.fsync(file.fileno())


def _refused(place: Path, fault: OSError) -> DiskRefused:
    return DiskRefused(name=place.name, reason=errno.errorcode.get(fault.errno or 0, "EIO"))
