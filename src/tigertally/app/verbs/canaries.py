"""Verbs of canaries: planting, withdrawing, the alert when one is touched, naming who leaked a file.

:func:`watched` runs a verb that looks at customers. If one of them is a canary, an entry says so whatever came of the
verb, allowed or not, and feeds carry it out. By the planting's setting the canary is then shown like anybody, or kept
away as if there were none; the person is told nothing either way.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from tigertally import vault
from tigertally.access import Action, Actor
from tigertally.app.errors import BadHold, NotReadable
from tigertally.app.verbs.attempt import allow, attempt, carry_out
from tigertally.app.verbs.holds import gone
from tigertally.app.wire import House
from tigertally.base.canon import Json
from tigertally.base.errors import Problem
from tigertally.base.text import Text
from tigertally.ledger import Event, Fact, register_event
from tigertally.store.tx import Tx
from tigertally.vault import HOLD_REASON, VaultKeys

T = TypeVar("T")

CANARY_TOUCHED: Final = register_event(
    "vault.canary.touched",
    Text("警报：触碰诱饵记录", "alert: a canary was touched"),
    "person", "verb", "scope", "recipients", "customers", "kept",
    public=False,
)  # fmt: skip
TRACED: Final = register_event(
    "vault.file.traced", Text("追查泄露文件", "a leaked file was traced"), "scope", "rows", "known", "named"
)
_BYTES_MAX: Final = 64 * 2**20
_CELLS_MAX: Final = 400_000
_CHARS: Final = range(2, 65)


@dataclass(slots=True, kw_only=True)
class Watch:
    """What one run of a verb came upon."""

    house: House
    actor: Actor
    scope: str
    verb: str
    found: list[vault.Touched] = field(default_factory=list)

    def look(self, tx: Tx, keys: VaultKeys, subjects: Sequence[str]) -> frozenset[str]:
        """Note the canaries among ``subjects``; return those that are to be kept away."""
        new = vault.canaries.touched(tx, self.house.ledger, keys, subjects=subjects)
        self.found += new
        return frozenset(one.subject for one in new if one.refuse)

    def keep(self, tx: Tx, keys: VaultKeys, meant: vault.Meant) -> None:
        """Note the canaries among what tokens stand for, and let those that are kept away stand for nothing."""
        if not vault.canaries.standing(tx, self.house.ledger, scope=self.scope):
            return
        asked = np.flatnonzero(meant.codes)
        names = vault.canaries.names(tx, scope=self.scope, numbers=np.unique(meant.numbers[asked]).tolist())
        hidden = self.look(tx, keys, [*names.values()])
        gone = [at for at in asked.tolist() if names.get(int(meant.numbers[at])) in hidden]
        meant.codes[gone] = 0

    def tell(self, tx: Tx, now: datetime) -> None:
        """Append the alert, if there is anything to tell."""
        if not self.found:
            return
        person = self.actor.person.person
        payload: dict[str, Json] = {
            "person": person,
            "verb": self.verb,
            "scope": self.scope,
            "recipients": sorted({one.recipient for one in self.found}),
            "customers": len({one.subject for one in self.found}),
            "kept": any(one.refuse for one in self.found),
        }
        self.house.ledger.append(
            tx, Event(kind=CANARY_TOUCHED, payload=payload, actor=person, about=(person,)), now=now
        )


def watched(house: House, *, verb: str, scope: str, actor: Actor, work: Callable[[Tx, datetime, Watch], T]) -> T:
    """Run a verb that looks at customers; raises what it raises, after the alert."""
    watch = Watch(house=house, actor=actor, scope=scope, verb=verb)

    def watching(tx: Tx, now: datetime) -> T:
        watch.found.clear()
        done = work(tx, now, watch)
        watch.tell(tx, now)
        return done

    try:
        return attempt(house, verb=verb, work=watching, actor=actor)
    except Problem:
        with suppress(Problem), house.store.transaction() as tx:
            watch.tell(tx, house.clock.now())
        raise


def plant(house: House, *, actor: Actor, scope: str, recipient: str, count: int, refuse: bool) -> int:
    """Plant canaries for a recipient, by two persons; return the entry.

    Raises ``BadHold``, ``AlreadyPlanted``, ``NoCanaryShape``.
    """
    check_recipient(recipient)

    def work(tx: Tx, now: datetime) -> int:
        keys = vault.open_scope(tx, house.keeper, scope=scope)
        details = (("recipient", recipient), ("scope", scope), ("refuse", "yes" if refuse else "no"))
        allow(house, tx, actor=actor, action=Action.CANARY_PLANT, now=now, count=count, details=details)
        person = actor.person.person
        return vault.canaries.plant(
            tx, house.ledger, keys, recipient=recipient, count=count, refuse=refuse, actor=person, now=now
        )

    return attempt(house, verb="vault.canary_plant", work=work, actor=actor)


def withdraw(house: House, *, actor: Actor, scope: str, recipient: str) -> int:
    """Erase a recipient's canaries, by two persons; return how many. Raises ``NotPlanted``."""
    check_recipient(recipient)

    def work(tx: Tx, now: datetime) -> int:
        keys = vault.open_scope(tx, house.keeper, scope=scope)
        details = (("recipient", recipient), ("scope", scope))
        allow(house, tx, actor=actor, action=Action.CANARY_WITHDRAW, now=now, details=details)
        person = actor.person.person
        going = vault.canaries.withdraw(tx, house.ledger, keys, recipient=recipient, actor=person, now=now)
        for subject in going:
            gone(house, tx, scope=scope, subject=subject, actor=person, now=now)
        return len(going)

    return attempt(house, verb="vault.canary_withdraw", work=work, actor=actor)


def listed(house: House, *, scope: str) -> list[Fact]:
    """Return the plantings that stand: recipients and counts, never who the canaries are."""
    with house.store.reading() as tx:
        return vault.canaries.standing(tx, house.ledger, scope=scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """Rows of a file, rows with anything known here, and by recipient: rows they got, rows that only they got.

    ``named`` is the one recipient who got every known row, with rows that nobody else got; "" if nobody is that.
    """

    rows: int
    known: int
    got: dict[str, tuple[int, int]]
    named: str


def trace(house: House, *, actor: Actor, scope: str, source: Path) -> Traced:
    """Tell who got the values or tokens in a leaked file. Raises ``NotReadable``, ``NoSuchKey``."""
    cells = _cells(source)

    def work(tx: Tx, now: datetime) -> None:
        allow(house, tx, actor=actor, action=Action.CANARY_TRACE, now=now, details=(("scope", scope),))

    attempt(house, verb="vault.trace", work=work, actor=actor)

    def traced() -> Traced:
        with house.store.reading() as tx:
            keys = vault.open_scope(tx, house.keeper, scope=scope)
            texts = list(dict.fromkeys(text for _, text in cells))
            raws, held = vault.recognise(tx, keys, texts=texts)
            holders = vault.canaries.holders(tx, keys, raws=raws)
        number = {text: at for at, text in enumerate(texts)}
        row = np.array([at for at, _ in cells], np.int64)
        cell = np.array([number[text] for _, text in cells], np.int64)
        rows = int(row.max()) + 1 if len(row) else 0
        got = {
            name: np.bincount(row[(held & mine)[cell]], minlength=rows) > 0
            for name, mine in holders.items()
            if (held & mine).any()
        }
        known = np.bincount(row[held[cell]], minlength=rows) > 0
        times = np.sum([*got.values()], axis=0) if got else np.zeros(rows, np.int64)
        only = {name: int((mine & (times == 1)).sum()) for name, mine in got.items()}
        whole = [name for name, mine in got.items() if only[name] and not (known & ~mine).any()]
        found = Traced(
            rows=len(np.unique(row)),
            known=int(known.sum()),
            got={name: (int(mine.sum()), only[name]) for name, mine in sorted(got.items())},
            named=whole[0] if len(whole) == 1 else "",
        )
        with house.store.transaction() as tx:
            payload: dict[str, Json] = {"scope": scope, "rows": found.rows, "known": found.known, "named": found.named}
            event = Event(kind=TRACED, payload=payload, actor=actor.person.person)
            house.ledger.append(tx, event, now=house.clock.now())
        return found

    return carry_out(house, verb="vault.trace", work=traced, actor=actor)


def check_recipient(recipient: str) -> None:
    """Raise ``BadHold`` unless it is a word that may stand in the ledger."""
    if not HOLD_REASON.fullmatch(recipient):
        raise BadHold


def _cells(source: Path) -> list[tuple[int, str]]:
    """Return the pieces of each line that may be a value or a token, with the line's number."""
    try:
        with source.open("rb") as file:
            lines = file.read(_BYTES_MAX).decode("utf-8-sig", "replace").splitlines()
    except OSError as error:
        raise NotReadable(path=source, reason=type(error).__name__) from None
    return [(at, text) for at, line in enumerate(lines) for text in _pieces(line)][:_CELLS_MAX]


def _pieces(line: str) -> Iterator[str]:
    found: dict[str, None] = {}
    for mark in (",", ";", "\t", "|"):
        for cell in next(csv.reader([line.replace("\0", "")], delimiter=mark), []):
            found[cell.strip()] = None
            found["".join(one for one in cell if one not in " -")] = None
    for word in line.replace(",", " ").replace('"', " ").replace("=", " ").split():
        found[word.strip("'\":;()[]{}<>")] = None
    yield from (one for one in found if len(one) in _CHARS)
