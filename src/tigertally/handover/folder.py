"""The bundle's folder on a disk: parts that are there whole or not at all, and suspicious reading.

A part is written as ``<name>.partial``, its bytes synced, renamed, and the folder synced; so after a crash a part
under its own name is complete. Reading follows no links, opens regular files only, bounds what it reads and checks
length and digest before a byte is used. ``OSError`` becomes ``DiskRefused`` with the error's name only.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tigertally.base.limits import STATEMENT_BYTES_MAX
from tigertally.formats import statement as dsse
from tigertally.formats.manifest import MANIFEST_NAME, Part
from tigertally.formats.statement import Statement
from tigertally.handover.errors import DiskRefused, FolderNotEmpty, MissingPart, NoSuchBundle, PartAltered
from tigertally.handover.site import no_step

RELEASE_NAME: Final = "release.json"
PARTY_NAME: Final = "party.json"
PAPER_NAMES: Final = (RELEASE_NAME, PARTY_NAME, MANIFEST_NAME)
PARTIAL: Final = ".partial"
PART_BYTES_MAX: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file as it was written: SHA-256 (hex) and length in bytes."""

    sha256: str
    length: int


def prepare(folder: Path, *, ours: frozenset[str], partial_only: bool = False) -> None:
    """Make ``folder`` (0700) if need be; it may hold files named in ``ours`` (finished or partial) only.

    ``partial_only``: unfinished files only, whatever their names; they are taken away.

    Raises ``FolderNotEmpty``, ``DiskRefused``.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        inside = sorted(item.name for item in folder.iterdir())
    except OSError as fault:
        raise _refused(folder, fault) from None
    for name in inside:
        if partial_only and name.endswith(PARTIAL) and is_regular(folder / name):
            (folder / name).unlink()
        elif name.removesuffix(PARTIAL) not in ours:
            raise FolderNotEmpty(folder=folder, name=name)


def prepare_empty(folder: Path) -> None:
    """Make ``folder`` if need be; nothing may be in it. Raises ``FolderNotEmpty``, ``DiskRefused``."""
    prepare(folder.absolute(), ours=frozenset())


def write(folder: Path, name: str, pieces: Iterable[bytes], *, on_step: Callable[[str], None] = no_step) -> Written:
    """Write ``pieces`` as the file ``name``, durable when this returns. Raises ``DiskRefused``."""
    path = folder / name
    partial = folder / (name + PARTIAL)
    try:
        written = _write_synced(partial, pieces)
        on_step(f"{name} written")
        partial.replace(path)
        on_step(f"{name} renamed")
        sync_folder(folder)
    except OSError as fault:
        partial.unlink(missing_ok=True)
        raise _refused(path, fault) from None
    return written


def write_if_other(folder: Path, name: str, data: bytes) -> None:
    """Write a small file unless it holds ``data`` already."""
    path = folder / name
    if is_regular(path) and read_small(path) == data:
        return
    write(folder, name, [data])


def sync_folder(folder: Path) -> None:
    """Make renames and removals in ``folder`` durable. Raises ``OSError``."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def names_in(folder: Path) -> list[str]:
    """Return the names in ``folder``, sorted. Raises ``NoSuchBundle``, ``DiskRefused``."""
    try:
        return sorted(item.name for item in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        raise NoSuchBundle(name=folder.name) from None
    except OSError as fault:
        raise _refused(folder, fault) from None


def is_regular(path: Path) -> bool:
    """Return whether ``path`` is a regular file and no link."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def read_small(path: Path) -> bytes:
    """Return a small file's bytes, at most one more than a statement may have."""
    return _read(path, STATEMENT_BYTES_MAX + 1)


def paper_in(folder: Path, name: str) -> Statement | None:
    """Return the statement in a file of ``folder``; None if there is no such file. Raises ``Malformed``."""
    path = folder / name
    return dsse.parse(read_small(path)) if is_regular(path) else None


def read_part(folder: Path, item: Part) -> bytes:
    """Return a part's sealed bytes, of the length and digest that the manifest gives.

    Raises ``MissingPart``, ``PartAltered``, ``DiskRefused``.
    """
    path = folder / item.name
    if not is_regular(path):
        raise MissingPart(name=item.name)
    if item.length > PART_BYTES_MAX:
        raise PartAltered(name=item.name)
    data = _read(path, item.length + 1)
    if len(data) != item.length or hashlib.sha256(data).hexdigest() != item.sha256:
        raise PartAltered(name=item.name)
    return data


def _read(path: Path, bytes_max: int) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return file.read(bytes_max)
    except OSError as fault:
        raise _refused(path, fault) from None


def _write_synced(path: Path, pieces: Iterable[bytes]) -> Written:
    digest = hashlib.sha256()
    length = 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
            length += len(piece)
        file.flush()
        os.fsync(file.fileno())
    return Written(sha256=digest.hexdigest(), length=length)


def _refused(path: Path, fault: OSError) -> DiskRefused:
    return DiskRefused(name=path.name, reason=errno.errorcode.get(fault.errno or 0, "EIO"))
