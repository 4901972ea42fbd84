"""The beat: a canary entry on a schedule, whose absence tells.

An installation under which nothing happens, one whose ledger cannot be written, and one whose feed was cut look alike
from outside. So a scheduler runs ``tigertally ledger beat`` at an even pace: each entry says its number and when the
next is due. Who reads an export sees a missing number or a late beat; who reads a feed, a late one.
Here :func:`health` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tigertally.app.errors import BeatBroken
from tigertally.app.verbs.attempt import attempt
from tigertally.app.wire import House
from tigertally.base.canon import Json
from tigertally.base.errors import Problem
from tigertally.base.text import Text
from tigertally.formats import leaf as leaves
from tigertally.ledger import Event, register_event, sql
from tigertally.ledger.errors import LedgerBroken
from tigertally.store.tx import Tx

BEAT: Final = register_event("ledger.beat.kept", Text("定时哨兵条目", "a beat on schedule"), "number", "every_s")
# Under this name the ledger's roll counts the beats, and under this identifier they are found.
_NAME: Final = ("ledger.beat", "ledger")
_ABOUT: Final = "ledger.beat"
LATE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """The newest beat: its entry, number (from 1), when, and when the next one is late."""

    entry: int
    number: int
    at: datetime
    late: datetime


def beat(house: House, *, every_s: int) -> Beat:
    """Append a beat; the next is due in ``every_s`` seconds. Raises ``LedgerBroken`` if one was taken away."""

    def work(tx: Tx, now: datetime) -> Beat:
        number = len(house.ledger.counted(tx, _NAME, about=_ABOUT, after=-1)) + 1
        payload: dict[str, Json] = {"number": number, "every_s": every_s}
        event = Event(kind=BEAT, payload=payload, about=(_ABOUT,), counted=(_NAME,))
        entry = house.ledger.append(tx, event, now=now)
        return Beat(entry=entry, number=number, at=now, late=now + timedelta(seconds=LATE * every_s))

    return attempt(house, verb="ledger.beat", work=work)


def health(house: House) -> Beat | None:
    """Return the newest beat, None if there never was one. Raises :class:`BeatBroken` if the next one is late.

    ``LedgerBroken`` if a beat was taken away or edited.
    """
    with house.store.reading() as tx:
        found = house.ledger.counted(tx, _NAME, about=_ABOUT, after=-1)
        if not found:
            return None
        raw = sql.read_leaf(tx, found[-1]) or b""
        payload = house.ledger.payload_of(tx, found[-1], kind=BEAT)
    every_s = payload.get("every_s") if isinstance(payload, dict) else None
    at = leaves.read(raw).at
    late = at + timedelta(seconds=LATE * (every_s if isinstance(every_s, int) else 0))
    now = house.clock.now()
    if now >= late:
        raise BeatBroken(number=len(found), minutes=int((now - at).total_seconds() // 60))
    return Beat(entry=found[-1], number=len(found), at=at, late=late)


def stopped(house: House) -> Problem | None:
    """Return what is wrong with the beat, None if it is in time or was never begun."""
    try:
        health(house)
    except (BeatBroken, LedgerBroken) as problem:
        return problem
    return None
