"""From an address to its source: ``postgresql://``, ``mysql://``, ``s3://``; anything else is a path of files."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

from tigertally.base.clock import Clock
from tigertally.discovery.errors import BadAddress, NeedsExtra
from tigertally.discovery.sources.bucket import Bucket
from tigertally.discovery.sources.files import Files
from tigertally.discovery.sources.ports import Origin

# A scheme's room and class, and the extra that brings its driver.
_SERVERS: Final = {
    "postgresql": ("postgres", "Postgres", ""),
    "postgres": ("postgres", "Postgres", ""),
    "mysql": ("mysql", "Mysql", "mysql"),
    "mariadb": ("mysql", "Mysql", "mysql"),
}


def origin_of(address: str, *, clock: Clock, exclude: tuple[str, ...] = ()) -> Origin:
    """Return the source at ``address``.

    Raises :class:`BadAddress`, :class:`NeedsExtra` (its driver is not installed), and what the source raises when it
    cannot be reached.
    """
    if "://" not in address:
        return Files(Path(address), exclude=exclude)
    try:
        scheme = urlsplit(address).scheme.lower()
    except ValueError:
        raise BadAddress(where="url") from None
    if scheme == "s3":
        return Bucket(address, clock=clock)
    if scheme not in _SERVERS:
        raise BadAddress(where=scheme)
    room, name, extra = _SERVERS[scheme]
    try:
        module = importlib.import_module(f"tigertally.discovery.sources.{room}")
    except ImportError:
        raise NeedsExtra(extra=extra or "all") from None
    return cast("Callable[[str], Origin]", getattr(module, name))(address)
