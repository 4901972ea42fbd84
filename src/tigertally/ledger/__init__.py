"""The ledger: an append-only Merkle log that third parties verify, and the facts computed from it.

Floor 4: everybody writes here, so it knows nobody. Rooms: ``events`` (kinds and payload rules), ``entries``
(appending, erasing), ``spelling`` (canonical bytes in bulk), ``facts`` (statements with an effective and an expiry
time, each proved by an entry), ``tree`` (tiles, proofs), ``checkpoints`` (signed heads), ``fsck`` with ``derived`` and
``flaws`` (does the stored ledger still say what was written), ``export`` (a folder anyone can keep).

Invariants: an entry is written in the transaction of the change it records; entries are never updated or
deleted; leaves hold no personal data; payloads can be erased and every proof still stands.
"""

from tigertally.ledger.entries import Ledger, LedgerKeys
from tigertally.ledger.events import Event, EventKind, event_kinds, register_event
from tigertally.ledger.facts import Fact, FactKind, fact_kinds, register_fact

__all__ = [
    "Event",
    "EventKind",
    "Fact",
    "FactKind",
    "Ledger",
    "LedgerKeys",
    "event_kinds",
    "fact_kinds",
    "register_event",
    "register_fact",
]
