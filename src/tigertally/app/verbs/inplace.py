"""Verbs of rewriting live tables in place: tokens in, clear values back by two persons, or committed by two persons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from tigertally import sealing, vault
from tigertally.access import Action, Actor, Decision
from tigertally.app.verbs.attempt import allow, attempt, carry_out
from tigertally.app.verbs.sealing import Tokens, classes_of, must_fit, plan_digest
from tigertally.app.verbs.vault import scope_keys
from tigertally.app.wire import House
from tigertally.base.progress import SILENT, Progress
from tigertally.crypto.digest import sha256_hex
from tigertally.sealing import Estate, LiveReport, LiveWork, Plan
from tigertally.store.tx import Tx
from tigertally.vault import VaultKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class InPlace:
    """What came of each table, and what the plan names and nobody wrote to."""

    tables: tuple[LiveReport, ...]
    untouched: tuple[str, ...]


def rewrite(
    house: House, *, actor: Actor, text: str, estate: Estate, scope: str, progress: Progress = SILENT
) -> InPlace:
    """Rewrite the live tables of a plan to tokens. Killed anywhere, running it again goes on.

    Raises ``PlanNotValid``, ``NothingLive``, ``NotInPlace``, ``LiveBusy``, ``LiveUnavailable``, ``RewriteElsewhere``.
    """
    plan = sealing.load(text)
    _may_rewrite(house, actor=actor, plan=plan, estate=estate, scope=scope)

    def work() -> InPlace:
        with scope_keys(house, scope=scope) as keys:
            must_fit(plan, estate)
            done = sealing.rewrite_all(
                _work(house, keys, plan, estate, actor, progress), Tokens(house, keys, plan=plan)
            )
        return InPlace(tables=done, untouched=sealing.untouched(plan))

    return carry_out(house, verb="sealing.rewrite", work=work, actor=actor)


def undo(
    house: House, *, actor: Actor, text: str, estate: Estate, scope: str, reason: str, progress: Progress = SILENT
) -> InPlace:
    """Put the clear values back, by two persons. Killed, the same approval carries on.

    Raises ``NoRewrite``, ``RewriteElsewhere``, ``LiveBusy``, ``LiveUnavailable``.
    """
    plan = sealing.load(text)

    def decide(tx: Tx, now: datetime) -> Decision:
        vault.need_processable(tx, house.ledger, scope=scope)
        details = _details(plan, estate, scope, reason)
        classes = classes_of(plan)
        return allow(house, tx, actor=actor, action=Action.REWRITE_UNDO, now=now, classes=classes, details=details)

    standing(house, text=text, estate=estate, scope=scope)
    decision = attempt(house, verb="sealing.rewrite_undo", work=decide, actor=actor)

    def work() -> InPlace:
        with scope_keys(house, scope=scope) as keys:
            done = sealing.undo_all(_work(house, keys, plan, estate, actor, progress), decision)
        return InPlace(tables=done, untouched=sealing.untouched(plan))

    return carry_out(house, verb="sealing.rewrite_undo", work=work, actor=actor)


def commit(
    house: House,
    *,
    actor: Actor,
    text: str,
    estate: Estate,
    scope: str,
    reason: str,
    purge_unknown: bool,
    progress: Progress = SILENT,
) -> InPlace:
    """End the possibility of putting values back, by two persons, after a last look at every row.

    Raises ``ClearValuesLeft``, ``NoRewrite``, ``RewriteElsewhere``, and like :func:`rewrite`.
    """
    plan = sealing.load(text)
    phases = {one.phase for one in standing(house, text=text, estate=estate, scope=scope).tables}
    if not phases & {"rewriting", "rewritten", "committing"}:
        raise sealing.NoRewrite(object=plan.sources[0].object)
    if "committing" not in phases:
        rewrite(house, actor=actor, text=text, estate=estate, scope=scope, progress=progress)

    def decide(keys: VaultKeys, tx: Tx, now: datetime) -> None:
        details = (*_details(plan, estate, scope, reason), ("unknown", "purge" if purge_unknown else "refuse"))
        classes = classes_of(plan)
        allow(house, tx, actor=actor, action=Action.REWRITE_COMMIT, now=now, classes=classes, details=details)
        sealing.begin_commit(tx, _work(house, keys, plan, estate, actor, progress), purge_unknown=purge_unknown)

    with scope_keys(house, scope=scope) as keys:
        attempt(house, verb="sealing.rewrite_commit", work=partial(decide, keys), actor=actor)

        def work() -> InPlace:
            done = sealing.commit_all(
                _work(house, keys, plan, estate, actor, progress),
                Tokens(house, keys, plan=plan),
                purge_unknown=purge_unknown,
            )
            return InPlace(tables=done, untouched=sealing.untouched(plan))

        return carry_out(house, verb="sealing.rewrite_commit", work=work, actor=actor)


def standing(house: House, *, text: str, estate: Estate, scope: str) -> InPlace:
    """Return how far each table is. Reads only."""
    plan = sealing.load(text)
    with scope_keys(house, scope=scope) as keys:
        work = _work(house, keys, plan, estate, None, SILENT)
        return InPlace(tables=sealing.stand(work), untouched=sealing.untouched(plan))


def _may_rewrite(house: House, *, actor: Actor, plan: Plan, estate: Estate, scope: str) -> None:
    def decide(tx: Tx, now: datetime) -> None:
        details = _details(plan, estate, scope, "")
        allow(house, tx, actor=actor, action=Action.REWRITE, now=now, classes=classes_of(plan), details=details)
        vault.need_processable(tx, house.ledger, scope=scope)

    attempt(house, verb="sealing.rewrite", work=decide, actor=actor)


def _work(
    house: House, keys: VaultKeys, plan: Plan, estate: Estate, actor: Actor | None, progress: Progress
) -> LiveWork:
    return LiveWork(
        plan=plan,
        estate=estate,
        keys=keys,
        begin=house.store.transaction,
        reading=house.store.reading,
        ledger=house.ledger,
        actor="" if actor is None else actor.person.person,
        now=house.clock.now,
        progress=progress,
        writing=actor is not None,
    )


def _details(plan: Plan, estate: Estate, scope: str, reason: str) -> tuple[tuple[str, str], ...]:
    """Return what the second person agrees to. An address may hold a password, and a path a name: digests."""
    place = sha256_hex(sealing.place_of(estate).encode())
    said = (("reason", reason),) if reason else ()
    return (("plan", plan_digest(plan)), ("place", place), ("scope", scope), *said)
