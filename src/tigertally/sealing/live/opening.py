"""From an estate to its live databases: a folder of SQLite files, or the address of a server."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from tigertally.discovery import BadAddress, NeedsExtra, scheme_of
from tigertally.sealing.errors import WriterNotNamed
from tigertally.sealing.live.sqlite import LiveSqlite
from tigertally.sealing.plan import Estate

if TYPE_CHECKING:
    from tigertally.sealing.live.ports import LiveDatabase

_ROOMS: Final = {
    "postgresql": ("postgres", "LivePostgres"),
    "postgres": ("postgres", "LivePostgres"),
    "mysql": ("mysql", "LiveMysql"),
    "mariadb": ("mysql", "LiveMysql"),
}


def opened(root: Estate, *, writing: bool = False) -> LiveDatabase:
    """Return the live databases of an estate. Raises ``BadAddress``, ``NeedsExtra``, ``SourceUnavailable``."""
    if isinstance(root, Path):
        return LiveSqlite(root, writing=writing)
    scheme = scheme_of(root)
    if writing and not urlsplit(root).username:
        raise WriterNotNamed
    if scheme not in _ROOMS:
        raise BadAddress(where=scheme)
    room, name = _ROOMS[scheme]
    try:
        module = importlib.import_module(f"tigertally.sealing.live.{room}")
    except ImportError:
        raise NeedsExtra(extra=room) from None
    return cast("LiveDatabase", getattr(module, name)(root, writing=writing))


def place_of(root: Estate) -> str:
    """Return where an estate is, without anything secret: for digests that a second person agrees to."""
    if isinstance(root, Path):
        return str(root.resolve())
    parts = urlsplit(root)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
