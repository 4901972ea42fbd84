"""Verbs on custody: who keeps the root key, and moving it to another keeper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tigertally import vault
from tigertally.access import Action, Actor
from tigertally.app import keepers
from tigertally.app import settings as settings_room
from tigertally.app.keeping import OPENED_NAME, KeeperKind, Keeping
from tigertally.app.verbs.attempt import allow, attempt, carry_out
from tigertally.app.wire import House
from tigertally.base.errors import Problem
from tigertally.base.progress import SILENT, Progress
from tigertally.base.secret import SecretText
from tigertally.crypto.kdf import DEFAULT_COST, Argon2Cost
from tigertally.store.tx import Tx
from tigertally.vault import KeyKeeper, SameKeeper


@dataclass(frozen=True, slots=True, kw_only=True)
class Custody:
    """Who keeps the root key. ``since`` is None in an installation that never said; ``upcoming`` while it moves."""

    keeping: Keeping
    root: str
    since: datetime | None
    keys: int
    upcoming: Keeping | None


def show(house: House) -> Custody:
    """Return who keeps the root key and how many keys it wraps."""
    with house.store.reading() as tx:
        kept = vault.custody(tx)
        keys = sum(info.destroyed is None for info in vault.list_keys(tx))
    return Custody(
        keeping=house.settings.keeper,
        root=house.keeper.key_id,
        since=None if kept is None else kept.since,
        keys=keys,
        upcoming=house.settings.keeper_next,
    )


def move(
    house: House,
    *,
    actor: Actor,
    to: Keeping,
    unlock: SecretText,
    cost: Argon2Cost = DEFAULT_COST,
    progress: Progress = SILENT,
) -> int:
    """Let the keeper that ``to`` names keep the root key; return how many keys it wraps now.

    A killed run goes on where it was. Afterwards ``house`` opens nothing more: open the installation again.
    """

    def work(tx: Tx, now: datetime) -> None:
        if to == house.settings.keeper:
            raise SameKeeper
        details: Sequence[tuple[str, str]] = (("to", to.kind.value), ("settings", to.digest))
        allow(house, tx, actor=actor, action=Action.CUSTODY, now=now, details=tuple(details))

    attempt(house, verb="custody.move", work=work, actor=actor)

    def moved() -> int:
        new = _upcoming(house, to, unlock, cost)
        try:
            count = vault.move(
                house.store.transaction,
                house.ledger,
                old=house.keeper,
                new=new,
                settings_digest=to.digest,
                names=(house.settings.keeper.kind.value, to.kind.value),
                actor=actor.person.person,
                now=house.clock.now,
                progress=progress,
            )
        finally:
            new.close()
        replace(house.settings, keeper=to, keeper_next=None).save()
        (house.settings.home / OPENED_NAME).unlink(missing_ok=True)
        return count

    return carry_out(house, verb="custody.move", work=moved, actor=actor)


def _upcoming(house: House, to: Keeping, unlock: SecretText, cost: Argon2Cost) -> KeyKeeper:
    """Return the next keeper, named in the settings before it begins: a file that a killed run made is found again."""
    home, now = house.settings.home, house.clock.now
    if settings_room.load(home).keeper_next == to and to.kind is KeeperKind.PASSPHRASE and (home / to.file).exists():
        return keepers.open_keeper(home, to, unlock=unlock, now=now)
    replace(house.settings, keeper_next=to).save()
    try:
        return keepers.new_keeper(home, to, unlock=unlock, now=now, cost=cost)
    except Problem:
        replace(house.settings, keeper_next=None).save()
        raise
