"""Copies of the data outside the vault that this installation made or read, remembered until they are destroyed.

A copy may be made before there is a deal (an estate is scanned and sealed first), so it is a fact about its scope;
a destruction takes all of a scope's facts over into the deal's register. Subject: ``scope:<name>``.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from tigertally.app.wire import House
from tigertally.base.ids import DealId
from tigertally.base.text import Text
from tigertally.handover import CopyKind, Fate, decide_copy, known_copies, register_copy
from tigertally.ledger import facts, register_fact
from tigertally.store.tx import Tx

SQLITE: Final = "sqlite:///"
COPY_KNOWN: Final = register_fact(
    "app.copy_known", Text("已知的数据副本", "a copy of the data is known"), place=str, copy=str
)


def remember(house: House, tx: Tx, *, scope: str, place: Path, kind: CopyKind, actor: str, now: datetime) -> None:
    """State that ``place`` holds data of ``scope``; the same place again changes nothing."""
    value = {"place": str(place.resolve()), "copy": kind.value}
    subject = f"scope:{scope}"
    known = facts.read(tx, ledger=house.ledger, kinds=[COPY_KNOWN.name], subjects=[subject])
    if any(dict(fact.value) == value and not fact.withdrawn for fact in known):
        return
    facts.state(tx, house.ledger, COPY_KNOWN, subject=subject, value=value, start=now, until=None, actor=actor, now=now)


def take_over(house: House, tx: Tx, *, scope: str, deal: DealId, keep: bool, actor: str, now: datetime) -> None:
    """Register every known copy of ``scope`` with the deal; originals stay if ``keep``."""
    found = facts.read(tx, ledger=house.ledger, kinds=[COPY_KNOWN.name], subjects=[f"scope:{scope}"])
    for fact in found:
        if fact.withdrawn:
            continue
        kind = CopyKind(str(fact.value["copy"]))
        fate = Fate.KEEP if keep and kind is CopyKind.ORIGINAL else Fate.DELETE
        place = Path(str(fact.value["place"]))
        register_copy(
            tx,
            house.ledger,
            deal=deal,
            place=place,
            kind=kind,
            fate=fate,
            actor=actor,
            now=now,
            protected=protected_places(house),
        )
        for item in known_copies(tx, house.ledger, deal=deal):
            if item.place == place and item.gone is None and item.fate is not fate:
                # Asked again with another wish: the newest one counts.
                decide_copy(tx, house.ledger, deal=deal, copy=item.copy, fate=fate, actor=actor, now=now)


def protected_places(house: House) -> tuple[Path, ...]:
    """Return the places that no destruction may take away: the installation's folder, and its database elsewhere."""
    home = house.settings.home.resolve()
    url = house.settings.store_url
    if not url.startswith(SQLITE):
        return (home,)
    return (home, Path(url[len(SQLITE) :]).resolve())
