"""The store floor: one database, SQLite or PostgreSQL, and what every wing needs of it.

It knows transactions, columns, messages, jobs and schema versions; it knows no wing's meaning.
Rooms: ``engine`` (open, transactions, group commit), ``tx``, ``schema`` (the one metadata), ``outbox``,
``jobs``, ``migrate``, ``upkeep``, ``errors``; inside: ``connect``, ``columns``, ``grouping``, ``faults``.
"""

from tigertally.store.engine import Store, open_store
from tigertally.store.errors import (
    BadStoreUrl,
    CopyElsewhere,
    JobOfOtherKind,
    JobTaken,
    SchemaNewer,
    SchemaOlder,
    StoreBroken,
    StoreConflict,
    StoreFull,
    StoreMisused,
    StoreUnavailable,
)
from tigertally.store.schema import AutoId, Blob, Instant, metadata
from tigertally.store.tx import Tx
from tigertally.store.upkeep import Vitals

__all__ = [
    "AutoId",
    "BadStoreUrl",
    "Blob",
    "CopyElsewhere",
    "Instant",
    "JobOfOtherKind",
    "JobTaken",
    "SchemaNewer",
    "SchemaOlder",
    "Store",
    "StoreBroken",
    "StoreConflict",
    "StoreFull",
    "StoreMisused",
    "StoreUnavailable",
    "Tx",
    "Vitals",
    "metadata",
    "open_store",
]
