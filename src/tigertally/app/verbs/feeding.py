"""Feeding: the ledger is the outbox. Each feed has a durable cursor, moved after the receiver took the batch.

So verbs write nothing for feeds and never wait for one; a receiver that is slow or away holds up only its own feed. A
feed's cursor is a job with a fence: of two processes that feed the same one, the older stops.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tigertally.app import feeds
from tigertally.app.errors import FeedFailed
from tigertally.app.feeds import Feed
from tigertally.app.wire import House
from tigertally.base import canon
from tigertally.base.errors import Problem
from tigertally.ledger import sql
from tigertally.store import jobs
from tigertally.store.jobs import Job

KIND: Final = "ledger.feed"
BATCH: Final = 500
WAIT_S_MAX: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a feed is: entries delivered, entries there are, and why the last batch failed ("" if it did not)."""

    name: str
    delivered: int
    size: int
    failed: str = ""


def standing(house: House) -> list[Standing]:
    """Return how far each feed of the installation is."""
    with house.store.reading() as tx:
        size = sql.read_head(tx).size
        found = {name: jobs.find(tx, key=_key(name)) for name in feeds.load(house.settings.home)}
    return [Standing(name=name, delivered=0 if job is None else _cursor(job), size=size) for name, job in found.items()]


def feed_once(house: House) -> list[Standing]:
    """Feed every feed to the end of the ledger, each in a thread of its own; return how far each came."""
    known = feeds.load(house.settings.home)
    done: dict[str, Standing] = {}

    def work(name: str, feed: Feed) -> None:
        done[name] = _drain(house, name, feed)

    threads = [threading.Thread(target=work, args=item) for item in known.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [done[name] for name in known if name in done]


def feed_for_ever(house: House, *, every_s: float, stop: threading.Event) -> None:
    """Feed until ``stop`` is set; a feed that fails is tried again after twice as long, a minute at most."""

    def work(name: str, feed: Feed) -> None:
        wait = every_s
        while not stop.wait(wait):
            failed = _drain(house, name, feed, stop=stop).failed
            wait = min(WAIT_S_MAX, 2 * wait) if failed else every_s

    known: Mapping[str, Feed] = feeds.load(house.settings.home)
    threads = [threading.Thread(target=work, args=item, daemon=True) for item in known.items()]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join(feeds.TIMEOUT_S)


def _drain(house: House, name: str, feed: Feed, *, stop: threading.Event | None = None) -> Standing:
    """Deliver batches until the ledger's end, a failure, or ``stop``."""
    delivered = size = 0
    try:
        with house.store.transaction() as tx:
            job = jobs.start_or_resume(tx, key=_key(name), kind=KIND, now=house.clock.now())
        delivered = _cursor(job)
        while True:
            with house.store.reading() as tx:
                size = sql.read_head(tx).size
                raws = sql.read_leaves(tx, start=delivered, stop=min(size, delivered + BATCH))
            if not raws or (stop is not None and stop.is_set()):
                return Standing(name=name, delivered=delivered, size=size)
            feed.send(feeds.fed(delivered, raws), origin=house.ledger.keys.origin, now=house.clock.now())
            with house.store.transaction() as tx:
                moved = canon.dumps({"next": delivered + len(raws)})
                job = jobs.advance(tx, job, cursor=moved, now=house.clock.now())
            delivered += len(raws)
    except FeedFailed as problem:
        return Standing(name=name, delivered=delivered, size=size, failed=str(problem.details["why"]))
    except Problem as problem:
        return Standing(name=name, delivered=delivered, size=size, failed=problem.code)


def _key(name: str) -> str:
    return f"feed/{name}"


def _cursor(job: Job) -> int:
    found = canon.loads(job.cursor)
    following = found.get("next", 0) if isinstance(found, dict) else 0
    return following if isinstance(following, int) else 0
