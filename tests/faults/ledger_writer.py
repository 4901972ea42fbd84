"""A process that appends until it is killed, and says which index is durable. Run by test_ledger, not a test itself.

``ledger_writer.py URL KEY batch|grouped``: KEY is 64 hex digits from which all keys of the ledger come.
"""

from __future__ import annotations

import itertools
import sys
import threading
from datetime import UTC, datetime
from functools import partial

from tigertally.base.errors import Problem
from tigertally.base.secret import SecretBytes
from tigertally.base.text import Text
from tigertally.crypto.aead import Cipher
from tigertally.crypto.digest import KeyedDigest
from tigertally.crypto.sign import NoteKey
from tigertally.ledger import Event, Ledger, LedgerKeys, checkpoints, facts, register_event, register_fact
from tigertally.store import Store, Tx, open_store

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MADE = register_event("fault.thing.made", Text("", ""), "number")
HELD = register_fact("fault.held", Text("", ""), number=int)


def ledger_of(key: str) -> Ledger:
    """Return the ledger whose keys come from ``key``."""
    raw = bytes.fromhex(key)
    return Ledger(
        LedgerKeys(
            pseudonym=KeyedDigest(SecretBytes(raw)),
            payload=Cipher(SecretBytes(raw)),
            note=NoteKey(SecretBytes(raw + raw)),
            origin="tigertally.invalid/faults",
        )
    )


def step(tx: Tx, ledger: Ledger, number: int) -> int:
    """Append in every way there is; return the last index."""
    who = f"per_{number % 3}"
    batch = [Event(kind=MADE, payload={"number": number}, about=(who,))] * (40 if number % 4 else 300)
    ledger.append_many(tx, batch, now=NOW)
    index = facts.replace(
        tx, ledger, HELD, subject=who, value={"number": number}, start=NOW, until=None, actor=who, now=NOW
    )
    if number % 5 == 0:
        ledger.erase_payloads(tx, who, now=NOW)
        checkpoints.sign_head(tx, ledger, now=NOW)
    return index


def confirm(index: int) -> None:
    """Tell the parent, in one write, that an index is durable."""
    sys.stdout.write(f"{index}\n")
    sys.stdout.flush()


def batches(store: Store, ledger: Ledger) -> int:
    """Append 60 batches, going on after every problem as a service would; return how many failed."""
    failed = 0
    for number in range(60):
        try:
            with store.transaction() as tx:
                index = step(tx, ledger, number)
        except Problem:
            failed += 1
        else:
            confirm(index)
    return failed


def singles(store: Store, ledger: Ledger) -> None:
    """Append one by one from six threads that share their commits, for ever."""
    numbers = itertools.count()

    def work() -> None:
        for number in numbers:
            event = Event(kind=MADE, payload={"number": number})
            confirm(store.grouped(partial(ledger.append, event=event, now=NOW)))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main(url: str, key: str, how: str) -> int:
    """Append; 3 if something failed."""
    with open_store(url) as store:
        if how == "batch":
            return 3 if batches(store, ledger_of(key)) else 0
        singles(store, ledger_of(key))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
