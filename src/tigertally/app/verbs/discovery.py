"""Verbs on inventories: recording that a scan was made and what it found, without any of it."""

from __future__ import annotations

from datetime import datetime

from tigertally import deals, discovery
from tigertally.access import Action, Actor
from tigertally.app.verbs.attempt import allow, attempt
from tigertally.app.wire import House
from tigertally.crypto.digest import sha256_hex
from tigertally.discovery import Inventory, Status
from tigertally.store.tx import Tx


def inventory_digest(inventory: Inventory) -> str:
    """Return SHA-256 (hex) of an inventory's written form: what facts refer to."""
    return sha256_hex(discovery.to_json(inventory).encode())


def record_inventory(house: House, *, actor: Actor, inventory: Inventory) -> int:
    """State as a fact what a scan found (digest and counts); return the entry. It holds for 90 days."""

    def work(tx: Tx, now: datetime) -> int:
        digest = inventory_digest(inventory)
        allow(house, tx, actor=actor, action=Action.DISCOVERY_RECORD, now=now, details=(("inventory", digest),))
        return deals.record_inventory(
            tx,
            house.ledger,
            subject=house.settings.party,
            digest=digest,
            objects=len(inventory.objects),
            findings=len(inventory.findings),
            unread=sum(1 for item in inventory.objects if item.status is not Status.SCANNED),
            actor=actor.person.person,
            now=now,
        )

    return attempt(house, verb="discovery.record", work=work, actor=actor)
