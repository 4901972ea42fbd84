"""A process that writes until it is killed: each transaction two rows with one number, then the number to stdout.

``writer.py URL single|grouped|hold``. Run by test_faults, not a test itself.
"""

from __future__ import annotations

import itertools
import sys
import threading
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import insert

from tigertally.store import Tx, open_store
from tigertally.store.outbox import store_outbox

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def pair(tx: Tx, number: int) -> None:
    """Write two rows that belong together."""
    for _ in range(2):
        row = {"kind": "k", "body": b"x" * 500, "created": NOW, "not_before": NOW, "attempts": number}
        tx.execute(insert(store_outbox), row)


def confirm(number: int) -> None:
    """Tell the parent, in one write, that the number is durable."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def main(url: str, how: str) -> None:
    """Write for ever, or hold one transaction until a line comes in."""
    with open_store(url) as store:
        if how == "hold":
            with store.transaction() as tx:
                pair(tx, 0)
                confirm(0)
                sys.stdin.readline()
            return
        numbers = itertools.count()

        def work() -> None:
            for number in numbers:
                if how == "single":
                    with store.transaction() as tx:
                        pair(tx, number)
                else:
                    store.grouped(partial(pair, number=number))
                confirm(number)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
