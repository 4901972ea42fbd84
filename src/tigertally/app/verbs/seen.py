"""Who saw which fields of whom, between two instants: what an incident, a customer or an auditor asks.

Masked views count too: they name the customers that were on the screen, and no field. Many values to a file are found
by who had them, not by whose they are: that entry names no customers (docs/LIMITS.md). Handles and identifiers only,
never a value. Exact for a ledger in which ``fsck`` finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tigertally.access import Action, Actor, identities
from tigertally.app.verbs.attempt import allow, attempt
from tigertally.app.verbs.revealing import VALUES_REVEALED
from tigertally.app.verbs.vault import PART_REVEALED, RECORD_VIEWED, VALUE_REVEALED
from tigertally.app.wire import House
from tigertally.base.canon import Json
from tigertally.ledger import search
from tigertally.ledger.search import Found
from tigertally.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Something that was seen. ``field`` is "" for a masked view, several for many values.

    Person and subjects are "" and none if erased.
    """

    entry: int
    at: datetime
    person: str
    subjects: tuple[str, ...]
    field: str
    purpose: str


def seen(house: House, *, actor: Actor, start: datetime, until: datetime, who: str = "", whom: str = "") -> list[Seen]:
    """Return what was seen from ``start`` to before ``until``, by the person called ``who``, of the customer ``whom``.

    Raises ``NoSuchPerson``. The question is a decision, and so an entry, itself.
    """

    def work(tx: Tx, now: datetime) -> str:
        person = identities.find(tx, who).person if who else ""
        details = (("who", person), ("whom", whom))
        allow(house, tx, actor=actor, action=Action.LEDGER_READ, now=now, details=details)
        return person

    person = attempt(house, verb="ledger.seen", work=work, actor=actor)
    with house.store.reading() as tx:
        return list(looked_up(tx, house, names=[name for name in (person, whom) if name], start=start, until=until))


def looked_up(tx: Tx, house: House, *, names: Sequence[str], start: datetime, until: datetime) -> Iterator[Seen]:
    """Yield what was seen by or of ``names`` in that time, in order."""
    within = search.window(tx, start=start, until=until)
    kinds = (VALUE_REVEALED, VALUES_REVEALED, PART_REVEALED, RECORD_VIEWED)
    for found in search.about(tx, house.ledger, names=names, within=within, kinds=kinds):
        yield _seen(found)


def _seen(found: Found) -> Seen:
    said: dict[str, Json] = found.payload if isinstance(found.payload, dict) else {}
    several = said.get("subjects")
    classes = said.get("classes")
    field = ",".join(sorted(classes)) if isinstance(classes, dict) else str(said.get("class", ""))
    subjects = several if isinstance(several, list) else [said["subject"]] if "subject" in said else []
    return Seen(
        entry=found.index,
        at=found.at,
        person=str(said.get("person", "")),
        subjects=tuple(str(item) for item in subjects),
        field=field,
        purpose=str(said.get("purpose", "")),
    )
