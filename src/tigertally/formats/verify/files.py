"""Reading what lies on a disk, suspiciously: regular files only, bounded, and nobody's word in a name.

Links are not followed inside a folder under verification, and nothing that could block (a pipe, a device) is
opened. ``OSError`` becomes a problem without its text, which may quote paths.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from tigertally.base.errors import Problem
from tigertally.base.limits import STATEMENT_BYTES_MAX
from tigertally.formats import statement as dsse
from tigertally.formats.manifest import MANIFEST_NAME
from tigertally.formats.statement import Kind, Statement
from tigertally.formats.verify.errors import NoSuchPath, Unreadable

NEIGHBOURS_MAX: Final = 200


def is_regular(path: Path) -> bool:
    """Return whether ``path`` is a regular file, not a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def read_small(path: Path, *, bytes_max: int) -> bytes:
    """Return a file's bytes, at most one more than ``bytes_max`` (so that a reader sees the excess)."""
    try:
        with path.open("rb") as file:
            return file.read(bytes_max + 1)
    except FileNotFoundError:
        raise NoSuchPath(name=path.name) from None
    except OSError:
        raise Unreadable(name=path.name) from None


def listing(folder: Path) -> list[Path]:
    """Return what lies in ``folder``, by name."""
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        raise NoSuchPath(name=folder.name) from None
    except OSError:
        raise Unreadable(name=folder.name) from None


def paper_at(path: Path) -> Statement | None:
    """Return the statement in a file; None if it is none."""
    if not is_regular(path):
        return None
    try:
        return dsse.parse(read_small(path, bytes_max=STATEMENT_BYTES_MAX))
    except Problem:
        return None


def papers_beside(path: Path) -> tuple[Statement, ...]:
    """Return the statements near ``path``: in its folder, in the folder above, and manifests one level below its own.

    These are helpers, not trusted: a caller picks by digest or checks against the signed content.
    """
    here = path.resolve()
    near = here if here.is_dir() else here.parent
    found: dict[Path, Statement] = {}
    for candidate in islice(_candidates(near), NEIGHBOURS_MAX):
        paper = paper_at(candidate) if candidate != here and candidate not in found else None
        if paper is not None:
            found[candidate] = paper
    return tuple(found.values())


def of_kind(papers: tuple[Statement, ...], kind: Kind) -> tuple[Statement, ...]:
    """Return the statements of ``kind`` among ``papers``, without repeats."""
    return tuple(dict.fromkeys(paper for paper in papers if paper.kind is kind))


def by_digest(papers: tuple[Statement, ...], kind: Kind, digest: str) -> Statement | None:
    """Return the paper that another refers to; of several copies the one with most signatures attached."""
    copies = [paper for paper in of_kind(papers, kind) if paper.digest == digest]
    return max(copies, key=lambda paper: len(paper.signatures), default=None)


def _candidates(near: Path) -> Iterator[Path]:
    for folder in (near, near.parent):
        try:
            inside = sorted(folder.iterdir())
        except OSError:
            continue
        yield from (item for item in inside if item.suffix == ".json" and is_regular(item))
        if folder == near:
            below = (item / MANIFEST_NAME for item in inside if item.is_dir() and not item.is_symlink())
            yield from (item for item in below if is_regular(item))
