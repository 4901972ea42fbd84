"""Verbs of the processors' files: written sealed, rehearsed, answered.

Writing is a two-person act, like a release: both approve adapter, run and the *recipient's fingerprint*, which they
compare with the processor out of band. A rehearsal gives nothing away but counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from tigertally import handover, vault
from tigertally.access import Action, Actor
from tigertally.app.verbs.attempt import allow, attempt, carry_out
from tigertally.app.verbs.handover import site_of, terms_of
from tigertally.app.verbs.vault import scope_keys
from tigertally.app.wire import House
from tigertally.base.progress import SILENT, Progress
from tigertally.crypto import parcels
from tigertally.handover import Account, Adapter, Answered, Terms
from tigertally.store.tx import Tx


def export(
    house: House,
    *,
    actor: Actor,
    deal: str,
    adapter: Adapter,
    given: Mapping[str, str],
    key: bytes,
    place: Path,
    progress: Progress = SILENT,
) -> Account:
    """Write a processor's files, sealed to ``key``, into ``place``; two persons, who approve that very key."""
    recipient = parcels.read_recipient(key, now=house.clock.now())

    def work(tx: Tx, now: datetime) -> Terms:
        terms = terms_of(house, tx, deal=deal, now=now)
        details = (
            ("adapter", adapter.name),
            ("adapter_digest", adapter.digest),
            ("recipient", recipient.fingerprint),
        )
        classes = tuple(sorted(adapter.classes(), key=lambda cls: cls.value))
        allow(house, tx, actor=actor, action=Action.RELEASE, now=now, classes=classes, deal=deal, details=details)
        vault.need_processable(tx, house.ledger, scope=terms.scope)
        vault.canaries.need_none(tx, house.ledger, scope=terms.scope)
        return terms

    terms = attempt(house, verb="handover.export", work=work, actor=actor)
    site = site_of(house, actor=actor, progress=progress)

    def write() -> Account:
        with scope_keys(house, scope=terms.scope) as keys:
            return handover.export(
                site, terms=terms, keys=keys, adapter=adapter, given=given, recipient=recipient, place=place
            )

    return carry_out(house, verb="handover.export", work=write, actor=actor)


def rehearse(
    house: House,
    *,
    actor: Actor,
    deal: str,
    adapter: Adapter,
    given: Mapping[str, str],
    progress: Progress = SILENT,
) -> Account:
    """Do all of an export but the sealing and the files; return what would be written and refused."""

    def work(tx: Tx, now: datetime) -> Terms:
        terms = terms_of(house, tx, deal=deal, now=now)
        details = (("adapter", adapter.name),)
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, deal=deal, details=details)
        vault.need_processable(tx, house.ledger, scope=terms.scope)
        return terms

    terms = attempt(house, verb="handover.rehearse", work=work, actor=actor)
    site = site_of(house, actor=actor, progress=progress)

    def count() -> Account:
        with scope_keys(house, scope=terms.scope) as keys:
            return handover.rehearse(site, terms=terms, keys=keys, adapter=adapter, given=given)

    return carry_out(house, verb="handover.rehearse", work=count, actor=actor)


def answer(house: House, *, actor: Actor, deal: str, adapter: Adapter, path: Path, out: Path) -> Answered:
    """Take a processor's answer: write the map of old and new ids to ``out``, keep its digest and counts."""

    def work(tx: Tx, now: datetime) -> Answered:
        terms = terms_of(house, tx, deal=deal, now=now)
        details = (("adapter", adapter.name),)
        allow(house, tx, actor=actor, action=Action.DEAL_MANAGE, now=now, deal=deal, details=details)
        return handover.take_answer(
            tx,
            house.ledger,
            terms=terms,
            adapter=adapter,
            path=path,
            out=out.absolute(),
            actor=actor.person.person,
            now=now,
        )

    return attempt(house, verb="handover.answer", work=work, actor=actor)
