"""After an emergency: keys that a broken glass let somebody near are replaced by themselves, once its time is over.

Two persons broke it and knew that this follows, so no third decision is asked for. The beat runs it: what was killed
goes on at the next one, and where nothing is to be done nothing is written. A glass ends within an hour even if it was
reviewed before.
"""

from __future__ import annotations

from datetime import datetime

from tigertally import vault
from tigertally.access import duties
from tigertally.access import facts as kinds
from tigertally.access.duties import Duty
from tigertally.app.verbs.attempt import attempt
from tigertally.app.wire import House
from tigertally.ledger import Fact, facts
from tigertally.store.tx import Tx
from tigertally.vault import KeyPurpose, KeyState


def replace_keys(house: House) -> list[str]:
    """Replace the vault keys that are older than the end of a glass that is over; return their scopes."""
    with house.store.reading() as tx:
        if not _over(house, tx, house.clock.now()):
            return []

    def begin(tx: Tx, now: datetime) -> list[str]:
        since = max((until for _, until in _over(house, tx, now)), default=now)
        held = [key for key in vault.list_keys(tx) if key.purpose is KeyPurpose.VAULT and key.state is KeyState.ACTIVE]
        for key in held:
            if key.created < since:  # else a run that was killed made it
                vault.rotate(tx, house.ledger, house.keeper, scope=key.scope, actor="", now=now)
        return sorted(key.scope for key in held if key.created < since or key.version > 1)

    def finish(tx: Tx, now: datetime) -> None:
        for fact, _ in _over(house, tx, now):
            facts.withdraw(tx, house.ledger, entry=fact.entry, reason="done", actor="", now=now)

    scopes = attempt(house, verb="vault.replace_keys", work=begin)
    for scope in scopes:
        with house.store.reading() as tx:
            keys = vault.open_scope(tx, house.keeper, scope=scope)
        vault.rewrap(house.store.transaction, house.ledger, keys, actor="", now=house.clock.now)
    attempt(house, verb="vault.replace_keys", work=finish)
    return scopes


def _over(house: House, tx: Tx, now: datetime) -> list[tuple[Fact, datetime]]:
    """Return the duties that stand for glasses that are over, each with when that was."""
    found = []
    for duty in duties.standing(tx, house.ledger):
        if (duty.value["duty"], duty.value["because"]) != (Duty.REPLACE_KEYS.value, "glass"):
            continue
        broken = facts.read(
            tx, ledger=house.ledger, kinds=[kinds.GLASS_BROKEN.name], subjects=[str(duty.value["person"])]
        )
        ends = [glass.until for glass in broken if glass.start == duty.start and glass.until is not None]
        if ends and max(ends) <= now:
            found.append((duty, max(ends)))
    return found
