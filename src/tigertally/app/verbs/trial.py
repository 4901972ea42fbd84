"""The verb that tries a bundle: decided, then everything but the data, then one entry."""

from __future__ import annotations

from datetime import datetime

from tigertally import handover, vault
from tigertally.access import Action, Actor
from tigertally.app.verbs.attempt import allow, attempt, carry_out
from tigertally.app.verbs.handover import site_of, terms_of
from tigertally.app.verbs.vault import scope_keys
from tigertally.app.wire import House
from tigertally.base.progress import SILENT, Progress
from tigertally.handover import Terms, Trial
from tigertally.store.tx import Tx


def try_bundle(house: House, *, actor: Actor, deal: str, progress: Progress = SILENT) -> Trial:
    """Return what the bundle of ``deal`` would hold, and what the buyer would refuse of it. Writes no file."""

    def work(tx: Tx, now: datetime) -> Terms:
        terms = terms_of(house, tx, deal=deal, now=now)
        details = (("bundle", "dry run"),)
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, deal=deal, details=details)
        vault.need_processable(tx, house.ledger, scope=terms.scope)
        return terms

    terms = attempt(house, verb="handover.trial", work=work, actor=actor)
    site = site_of(house, actor=actor, progress=progress)

    def count() -> Trial:
        with scope_keys(house, scope=terms.scope) as keys:
            return handover.try_bundle(site, terms=terms, keys=keys)

    return carry_out(house, verb="handover.trial", work=count, actor=actor)
