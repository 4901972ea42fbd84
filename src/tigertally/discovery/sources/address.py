"""From an address to its source: ``postgresql://``, ``mysql://``, ``s3://``; anything else is a path of files."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from tigertally.base.clock import Clock
from tigertally.discovery.errors import BadAddress, NeedsExtra
from tigertally.discovery.sources.bucket import Bucket
from tigertally.discovery.sources.files import Files
from tigertally.discovery.sources.ports import Origin

if TYPE_CHECKING:
    import psycopg
    import pymysql

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
    scheme = scheme_of(address)
    if scheme == "s3":
        return Bucket(address, clock=clock)
    name, module = _room(scheme)
    return cast("Callable[[str], Origin]", getattr(module, name))(address)


def connect_server(address: str, *, writing: bool) -> psycopg.Connection | pymysql.Connection[pymysql.cursors.Cursor]:
    """Return a connection to the database server at ``address``; one that may write only if that is asked for.

    Raises like :func:`origin_of`.
    """
    _, module = _room(scheme_of(address))
    opened: psycopg.Connection | pymysql.Connection[pymysql.cursors.Cursor] = module.connect(address, writing=writing)
    return opened


def scheme_of(address: str) -> str:
    """Return the scheme of an address with ``://``. Raises :class:`BadAddress`."""
    try:
        return urlsplit(address).scheme.lower()
    except ValueError:
        raise BadAddress(where="url") from None


def _room(scheme: str) -> tuple[str, ModuleType]:
    if scheme not in _SERVERS:
        raise BadAddress(where=scheme)
    room, name, extra = _SERVERS[scheme]
    try:
        return name, importlib.import_module(f"tigertally.discovery.sources.{room}")
    except ImportError:
        raise NeedsExtra(extra=extra or "all") from None
