"""How often a customer's password may be tried: a count for each, with waits that grow, and a lock for a day.

1. A try is counted as wrong *before* it is looked at, so that many at once, or a process that is killed, gain nothing;
   the right password takes the count away.
2. From the third wrong one on each makes the next wait: half a minute, twice as long every time; the tenth locks for a
   day. A count that nothing was added to for a day is over.
3. Whoever is asked about is counted, also where there is no such customer: an answer tells nothing about that.

The count is under a keyed pseudonym that the caller makes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from tigertally.store.tx import Tx
from tigertally.vault.errors import TooManyTries
from tigertally.vault.guessing import sql

FREE: Final = 2
WAIT_S: Final = 30
TRIES_MAX: Final = 10
LOCK_S: Final = 24 * 3600


def begin(tx: Tx, *, who: str, now: datetime) -> None:
    """Count a try. Raises :class:`TooManyTries`, and counts nothing, before its time."""
    tx.lock(f"guess:{who}")
    sql.forget_before(tx, now - timedelta(seconds=LOCK_S))
    row = sql.read(tx, who)
    tries, at = row or (0, now)
    left = (at + timedelta(seconds=wait_s(tries)) - now).total_seconds()
    if left > 0:
        raise TooManyTries(minutes=int(left // 60) + 1)
    sql.write(tx, who, tries=tries + 1, at=now)


def end(tx: Tx, *, who: str) -> None:
    """Take the count away: the password was right, or there is a new one."""
    sql.forget(tx, who)


def wait_s(tries: int) -> int:
    """Return how long the next try waits after so many wrong ones."""
    if tries <= FREE:
        return 0
    return LOCK_S if tries >= TRIES_MAX else WAIT_S * 2 ** (tries - FREE - 1)
