"""Verbs of retention: setting rules, stating events, counting who is past them, erasing those by two persons.

A run is previewed in counts, and a plan names the very customers by digest: the second person approves that. It erases
in batches and goes on where it was killed, without asking again; whoever came under a hold, or has new values, since is
left. The beat counts and states what is overdue, so that ``status`` shows it without reading the vault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from tigertally import vault
from tigertally.access import Action, Actor
from tigertally.app.verbs.attempt import allow, attempt, carry_out, checked_digest, second_person
from tigertally.app.verbs.holds import gone
from tigertally.app.wire import House
from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.ledger import Event, Fact
from tigertally.store import jobs
from tigertally.store.jobs import Job, JobState
from tigertally.store.tx import Tx
from tigertally.vault import KeyPurpose, KeyState, RetentionOtherwise
from tigertally.vault import RetentionSurvey as Survey
from tigertally.vault import RetentionTerms as Terms

_JOB: Final = "vault.retention"
COUNTED_AGE_MAX: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What came of a run: customers erased, and those left because of a hold."""

    erased: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """What was last counted of a scope; ``fact`` is None, or too old, if nobody counted lately."""

    scope: str
    fact: Fact | None
    stale: bool


def present(house: House, *, scope: str) -> tuple[Terms | None, Fact | None, list[Fact]]:
    """Return the rules in force with their fact, None if there are none, and the events stated of a scope."""
    with house.store.reading() as tx:
        fact = vault.retention.newest(tx, house.ledger)
        terms = None if fact is None else vault.retention.in_force(tx, house.ledger)
        return terms, fact, vault.retention.events(tx, house.ledger, scope=scope)


def put(house: House, *, actor: Actor, text: str) -> Terms:
    """Put a document of rules in force; a two-person act, bound to its digest. Raises ``BadRetention``."""
    document = vault.retention.parse(text)

    def work(tx: Tx, now: datetime) -> Terms:
        before = vault.retention.newest(tx, house.ledger)
        version = 1 if before is None else vault.retention.in_force(tx, house.ledger).version + 1
        details = (("rules", vault.retention.terms_of(document, version=version).digest), ("version", str(version)))
        request = house.access.request(tx, actor=actor, action=Action.RETENTION_SET, now=now, details=details)
        second = second_person(request, house.access.decide(tx, request))
        person = actor.person.person
        return vault.retention.put(tx, house.ledger, document, actor=person, approver=second.approver, now=now)

    return attempt(house, verb="vault.retention_set", work=work, actor=actor)


def happened(house: House, *, actor: Actor, scope: str, event: str, on: date) -> int:
    """State when an event was from which periods run; return the entry. Raises ``BadRetention``."""

    def work(tx: Tx, now: datetime) -> int:
        vault.active_key(tx, purpose=KeyPurpose.VAULT, scope=scope)
        vault.retention.check_event(event, on=on, now=now)
        details = (("event", event), ("on", on.isoformat()), ("scope", scope))
        allow(house, tx, actor=actor, action=Action.RETENTION_EVENT, now=now, details=details)
        person = actor.person.person
        return vault.retention.happened(tx, house.ledger, scope=scope, event=event, on=on, actor=person, now=now)

    return attempt(house, verb="vault.retention_event", work=work, actor=actor)


def preview(house: House, *, scope: str) -> Survey:
    """Return in counts what a run would erase today. Raises ``NoRetention``, ``NoSuchKey``."""
    with house.store.reading() as tx:
        vault.active_key(tx, purpose=KeyPurpose.VAULT, scope=scope)
        return _survey(house, tx, scope=scope, day=house.clock.now().date())


def run(house: House, *, actor: Actor, scope: str, plan: str, progress: Progress = SILENT) -> Erased:
    """Erase the customers of a previewed plan, by two persons. Raises ``RetentionOtherwise``, ``NoRetention``."""
    key = f"{_JOB}:{scope}:{checked_digest(plan)}"

    def work(tx: Tx, now: datetime) -> tuple[Job, int]:
        begun = jobs.find(tx, key=key)
        if begun is not None:
            return jobs.start_or_resume(tx, key=key, kind=_JOB, now=now), 0
        vault.active_key(tx, purpose=KeyPurpose.VAULT, scope=scope)
        found = _planned(house, tx, scope=scope, plan=plan, today=now.date())
        rules = vault.retention.in_force(tx, house.ledger).digest
        details = (("scope", scope), ("plan", plan), ("rules", rules), ("held", str(found.held)))
        allow(house, tx, actor=actor, action=Action.RETENTION_RUN, now=now, count=found.due, details=details)
        payload: dict[str, Json] = {"scope": scope, "plan": plan, "rules": rules, "customers": found.due}
        house.ledger.append(tx, Event(kind=vault.RETENTION_BEGUN, payload=payload, actor=actor.person.person), now=now)
        job = jobs.start_or_resume(tx, key=key, kind=_JOB, now=now)
        cursor: dict[str, Json] = {"after": -1, "day": found.day.isoformat(), "erased": 0, "held": 0, "rules": rules}
        return jobs.advance(tx, job, cursor=canon.dumps(cursor), now=now), found.due

    job, due = attempt(house, verb="vault.retention_run", work=work, actor=actor)

    def erase() -> Erased:
        progress.begin(Text("删除过期客户", "erasing customers"), due or None)
        return _erase(house, actor=actor, scope=scope, plan=plan, job=job, progress=progress)

    return carry_out(house, verb="vault.retention_run", work=erase, actor=actor)


def count(house: House) -> None:
    """Count every scope anew and state what is overdue; the beat does it. Nothing without rules."""
    with house.store.reading() as tx:
        if vault.retention.newest(tx, house.ledger) is None:
            return
        scopes = _scopes(tx)
        day = house.clock.now().date()
        found = {scope: _survey(house, tx, scope=scope, day=day) for scope in scopes}

    def work(tx: Tx, now: datetime) -> None:
        for scope, one in found.items():
            vault.retention.note(tx, house.ledger, one, scope=scope, now=now)

    attempt(house, verb="vault.retention_count", work=work)


def overdue(house: House) -> list[Overdue]:
    """Return what was last counted, of each scope that has customers due or was not counted lately."""
    with house.store.reading() as tx:
        if vault.retention.newest(tx, house.ledger) is None:
            return []
        now = house.clock.now()
        rows = []
        for scope in _scopes(tx):
            fact = vault.retention.overdue(tx, house.ledger, scope=scope)
            stale = fact is None or now.date() - date.fromisoformat(str(fact.value["day"])) > COUNTED_AGE_MAX
            if stale or (fact is not None and (fact.value["due"] or fact.value["told"])):
                rows.append(Overdue(scope=scope, fact=fact, stale=stale))
        return rows


def _survey(house: House, tx: Tx, *, scope: str, day: date) -> Survey:
    terms = vault.retention.in_force(tx, house.ledger)
    return vault.retention.survey(tx, house.ledger, terms, scope=scope, day=day)


def _planned(house: House, tx: Tx, *, scope: str, plan: str, today: date) -> Survey:
    """Return what was previewed: today, or before a midnight (UTC) that passed while the second person was asked."""
    for day in (today, today - timedelta(days=1)):
        found = _survey(house, tx, scope=scope, day=day)
        if found.plan == plan:
            return found
    raise RetentionOtherwise


def _scopes(tx: Tx) -> list[str]:
    return sorted(
        key.scope for key in vault.list_keys(tx) if (key.purpose, key.state) == (KeyPurpose.VAULT, KeyState.ACTIVE)
    )


def _erase(house: House, *, actor: Actor, scope: str, plan: str, job: Job, progress: Progress) -> Erased:
    person = actor.person.person

    def batch(tx: Tx, now: datetime) -> Job:
        at = _cursor(job)
        terms = vault.retention.in_force(tx, house.ledger)
        if terms.digest != at["rules"]:
            raise RetentionOtherwise
        day = date.fromisoformat(str(at["day"]))
        going, held, last = vault.retention.next_due(
            tx, house.ledger, terms, scope=scope, day=day, after=_number(at, "after")
        )
        for subject in going:
            gone(house, tx, scope=scope, subject=subject, actor=person, now=now)
        progress.advance(len(going))
        erased, kept = _number(at, "erased") + len(going), _number(at, "held") + held
        if last is not None:
            moved: dict[str, Json] = {**at, "after": last, "erased": erased, "held": kept}
            return jobs.advance(tx, job, cursor=canon.dumps(moved), now=now)
        payload: dict[str, Json] = {"scope": scope, "plan": plan, "erased": erased, "held": kept}
        house.ledger.append(tx, Event(kind=vault.RETENTION_DONE, payload=payload, actor=person), now=now)
        left = vault.retention.survey(tx, house.ledger, terms, scope=scope, day=now.date())
        vault.retention.note(tx, house.ledger, left, scope=scope, now=now)
        return jobs.finish(tx, job, now=now)

    while job.state is not JobState.DONE:
        with house.store.transaction() as tx:
            job = batch(tx, house.clock.now())
    at = _cursor(job)
    return Erased(erased=_number(at, "erased"), held=_number(at, "held"))


def _cursor(job: Job) -> dict[str, Json]:
    found = canon.loads(job.cursor)
    return found if isinstance(found, dict) else {}


def _number(cursor: Mapping[str, Json], name: str) -> int:
    value = cursor.get(name)
    return value if isinstance(value, int) else 0
