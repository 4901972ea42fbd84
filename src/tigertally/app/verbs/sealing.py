"""Verbs of sealing: propose and check a plan, seal an estate, write the protected copy."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tigertally import deals, sealing, vault
from tigertally.access import Action, Actor
from tigertally.app.errors import NotWritable
from tigertally.app.verbs import copies
from tigertally.app.verbs.attempt import allow, attempt, carry_out
from tigertally.app.verbs.deals import deal_of_scope
from tigertally.app.verbs.discovery import inventory_digest
from tigertally.app.verbs.vault import ensure_scope, scope_keys
from tigertally.app.wire import House
from tigertally.base.fields import FIELD_RULES, Destiny, FieldClass
from tigertally.base.progress import SILENT, Progress
from tigertally.crypto.digest import sha256_hex
from tigertally.discovery import Confidence, Inventory
from tigertally.handover import CopyKind
from tigertally.sealing import (
    Estate,
    Plan,
    PlanIncomplete,
    PlanMistake,
    PlanNotValid,
    ProtectReport,
    SealReport,
    TokenForm,
)
from tigertally.store.tx import Tx
from tigertally.vault import CardKind, VaultKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What sealing came to, and what the scope holds now."""

    report: SealReport
    subjects: int
    values: dict[FieldClass, int]


def propose(inventory: Inventory, root: Estate) -> str:
    """Return the text of a plan for what a scan of ``root`` found; a person edits it."""
    return sealing.dump(sealing.propose(inventory, root))


def check(text: str, root: Estate, inventory: Inventory | None) -> tuple[PlanMistake, ...]:
    """Return every mistake of a plan, by line. Raises ``PlanNotValid`` if it cannot even be read."""
    return sealing.check(sealing.load(text), root, inventory)


def plan_digest(plan: Plan) -> str:
    """Return SHA-256 (hex) of a plan's written form without its comments: what facts refer to."""
    return sha256_hex(sealing.dump(plan).encode())


def seal(
    house: House,
    *,
    actor: Actor,
    text: str,
    root: Estate,
    inventory: Inventory,
    scope: str,
    progress: Progress = SILENT,
) -> Sealed:
    """Seal every source of the plan into ``scope``. Killed anywhere, running it again goes on.

    Raises ``PlanNotValid`` if the plan names what the estate does not have, ``PlanIncomplete`` if it has no answer for
    what the scan found: a verification code sealed as a reference number would stay for ever.
    """
    plan = sealing.load(text)
    person = actor.person.person
    digest = plan_digest(plan)

    def begin(tx: Tx, now: datetime) -> None:
        details = (("plan", digest), ("scope", scope), ("inventory", inventory_digest(inventory)))
        allow(house, tx, actor=actor, action=Action.SEAL, now=now, classes=classes_of(plan), details=details)
        ensure_scope(house, tx, scope=scope, actor=person, now=now)
        if FieldClass.PAN in classes_of(plan):
            computed = FieldClass.PAN in _having(plan, TokenForm.FF1)
            kind = CardKind.FF1 if computed else CardKind.RANDOM
            vault.settle_cards(tx, house.ledger, scope=scope, kind=kind, actor=person, now=now)
        if isinstance(root, Path):  # a server's tables are not ours to destroy
            copies.remember(house, tx, scope=scope, place=root, kind=CopyKind.ORIGINAL, actor=person, now=now)

    attempt(house, verb="sealing.seal", work=begin, actor=actor)

    def work() -> SealReport:
        with scope_keys(house, scope=scope) as keys:
            must_fit(plan, root)
            if left := sealing.uncovered(plan, inventory):
                raise PlanIncomplete(mistakes=left)
            return sealing.seal_estate(
                plan,
                root,
                begin=house.store.transaction,
                ledger=house.ledger,
                keys=keys,
                actor=person,
                now=house.clock.now,
                progress=progress,
            )

    report = carry_out(house, verb="sealing.seal", work=work, actor=actor)

    def finish(tx: Tx, now: datetime) -> Sealed:
        subjects, values = vault.counts(tx, scope=scope)
        sealed = report.new_fields + report.known_fields
        rejected = sum(report.rejected.values())
        deal = deal_of_scope(house, tx, scope=scope, now=now)
        if deal is not None:
            deals.record_sealed(
                tx,
                house.ledger,
                deal=deal.deal,
                plan=digest,
                subjects=subjects,
                found=sealed + rejected,
                sealed=sealed,
                rejected=rejected,
                actor=person,
                now=now,
            )
        return Sealed(report=report, subjects=subjects, values=values)

    return attempt(house, verb="sealing.seal", work=finish, actor=actor)


def protect(
    house: House,
    *,
    actor: Actor,
    text: str,
    root: Path,
    out: Path,
    inventory: Inventory,
    scope: str,
    progress: Progress = SILENT,
) -> ProtectReport:
    """Write the protected copy of the estate to ``out``. Killed anywhere, running it again goes on."""
    plan = sealing.load(text)
    person = actor.person.person
    digest = plan_digest(plan)

    def begin(tx: Tx, now: datetime) -> None:
        details = (("plan", digest), ("scope", scope), ("inventory", inventory_digest(inventory)))
        allow(house, tx, actor=actor, action=Action.PROTECT, now=now, classes=classes_of(plan), details=details)
        vault.need_processable(tx, house.ledger, scope=scope)
        copies.remember(house, tx, scope=scope, place=out, kind=CopyKind.PROTECTED, actor=person, now=now)

    attempt(house, verb="sealing.protect", work=begin, actor=actor)

    def work() -> ProtectReport:
        with scope_keys(house, scope=scope) as keys:
            tokens = Tokens(house, keys, plan=plan)
            try:
                return sealing.protect(plan, root, out, inventory=inventory, tokens=tokens, progress=progress)
            except OSError as error:
                raise NotWritable(path=out, reason=errno.errorcode.get(error.errno or 0, "EIO")) from None

    report = carry_out(house, verb="sealing.protect", work=work, actor=actor)

    def finish(tx: Tx, now: datetime) -> ProtectReport:
        deal = deal_of_scope(house, tx, scope=scope, now=now)
        if deal is not None:
            deals.record_protected(
                tx,
                house.ledger,
                deal=deal.deal,
                plan=digest,
                objects=len(report.objects),
                left_out=len(report.left_out),
                unknown=sum(count.unknown for count in report.totals()),
                actor=person,
                now=now,
            )
            deals.record_sad_purged(
                tx,
                house.ledger,
                deal=deal.deal,
                plan=digest,
                inventory=inventory_digest(inventory),
                purged=sum(1 for item in inventory.findings if _forbidden(item.field, item.tier)),
                unresolved=_unresolved(plan, inventory),
                actor=person,
                now=now,
            )
        return report

    return attempt(house, verb="sealing.protect", work=finish, actor=actor)


def holdings(house: House, *, scope: str) -> tuple[int, dict[FieldClass, int]]:
    """Return how many subjects and values a scope holds."""
    with house.store.reading() as tx:
        return vault.counts(tx, scope=scope)


class Tokens:
    """Gives tokens from the vault to a protected copy or a live table, in bulk, of the sort that the plan says."""

    def __init__(self, house: House, keys: VaultKeys, *, plan: Plan) -> None:
        self._house = house
        self._keys = keys
        self._fitting = _having(plan, TokenForm.FIT)

    def __call__(self, cls: FieldClass, values: list[str]) -> Sequence[str | None]:
        """Return the token of each value, ``None`` for those the scope does not hold."""
        with self._house.store.reading() as tx:
            look = vault.lookup_fitting if cls in self._fitting else vault.lookup
            return look(tx, self._keys, cls=cls, column=values)


def must_fit(plan: Plan, root: Estate) -> None:
    """Refuse a plan that names what the estate does not have: a column spelled wrong would be sealed as nothing."""
    grave = tuple(item for item in sealing.check(plan, root) if item.grave)
    if grave:
        raise PlanNotValid(mistakes=grave)


def classes_of(plan: Plan) -> tuple[FieldClass, ...]:
    """Return the classes that a plan seals, by name."""
    found = {one.cls for source in plan.sources for one in source.fields if one.action is sealing.Action.SEAL}
    return tuple(sorted(found, key=lambda cls: cls.value))


def _having(plan: Plan, form: TokenForm) -> frozenset[FieldClass]:
    return frozenset(one.cls for source in plan.sources for one in source.fields if one.token is form)


def _forbidden(cls: FieldClass, tier: Confidence) -> bool:
    return FIELD_RULES[cls].destiny is Destiny.PURGE and tier is not Confidence.POSSIBLE


def _unresolved(plan: Plan, inventory: Inventory) -> int:
    """Return how many findings of forbidden classes the plan does not purge."""
    purged = {
        (source.object, source.table, one.name, one.cls)
        for source in plan.sources
        for one in source.fields
        if one.action is sealing.Action.PURGE
    }
    return sum(
        1
        for item in inventory.findings
        if _forbidden(item.field, item.tier)
        and (item.object, item.place.table or "", item.place.name or "", item.field) not in purged
    )
