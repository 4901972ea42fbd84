"""Verbs about persons: login, second factor, adding people, approvals, training, screening, pledges, freezing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tigertally import people
from tigertally.access import (
    PERSON_FROZEN,
    PERSON_PLEDGED,
    PERSON_SCREENED,
    PERSON_TRAINED,
    Action,
    Actor,
    Approval,
    Person,
    Role,
    approvals,
    duties,
    enrolment,
    identities,
    leaving,
    reviews,
    sessions,
)
from tigertally.access.duties import Duty
from tigertally.access.enrolment import Invited
from tigertally.access.errors import LoginFailed
from tigertally.access.leaving import Left
from tigertally.access.policy import SENIOR
from tigertally.access.reviews import Row
from tigertally.app.verbs.attempt import allow, attempt, checked_digest, need_person
from tigertally.app.wire import House
from tigertally.base.errors import Problem
from tigertally.base.secret import SecretText
from tigertally.ledger import facts
from tigertally.people import FreezeReason, Grade, Quiz, Screening
from tigertally.store.tx import Tx
from tigertally.vault import SHARES_HOLD


def actor_of(house: House, *, handle: str, token: SecretText) -> Actor:
    """Return who acts, from an open session. Raises ``NotLoggedIn``."""
    with house.store.reading() as tx:
        session = sessions.resume(tx, house.ledger, token=token, handle=handle, now=house.clock.now())
    return Actor(
        person=session.person,
        factor_at=session.factor_at,
        factor_kind=session.factor_kind,
        factor_act=session.factor_act,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A person as they stand now: what the decision would find in force."""

    person: Person
    factor_at: datetime | None
    trained: bool
    screened: bool
    pledged: bool
    frozen: bool


def standing(house: House, *, actor: Actor) -> Standing:
    """Return how ``actor`` stands, from the facts that the decision reads. Changes nothing, decides nothing."""
    kinds = [kind.name for kind in (PERSON_TRAINED, PERSON_SCREENED, PERSON_PLEDGED, PERSON_FROZEN)]
    person = actor.person
    with house.store.reading() as tx:
        now = house.clock.now()
        found = facts.read(tx, ledger=house.ledger, kinds=kinds, subjects=[person.person])
    held = [facts.current(found, kind=kind, subject=person.person, at=now) for kind in kinds]
    trained, screened, pledged, frozen = held
    return Standing(
        person=person,
        factor_at=actor.factor_at,
        trained=trained is not None,
        screened=screened is not None and screened.value.get("outcome") == Screening.PASS.value,
        pledged=pledged is not None,
        frozen=frozen is not None,
    )


def login(house: House, *, handle: str, passphrase: SecretText, code: SecretText, device: str = "") -> SecretText:
    """Open a session; return its token. Failures are counted, recorded and lock the person after five."""
    with house.store.reading() as reading:
        stored = identities.stored_hash(reading, handle=handle, now=house.clock.now())
    tried = identities.try_passphrase(passphrase, stored)

    def work(tx: Tx, now: datetime) -> SecretText:
        row = identities.check_factors(tx, house.access.cipher, handle=handle, tried=tried, code=code, now=now)
        if row is None:
            raise LoginFailed
        return sessions.open_session(tx, house.ledger, row=row, now=now, device=device)

    try:
        return attempt(house, verb="access.login", work=work)
    except LoginFailed:
        count_failure(house, handle=handle)
        raise


def confirm(house: House, *, handle: str, token: SecretText, code: SecretText, act: str = "") -> datetime:
    """Show the second factor again; return when. A used or wrong code is a failed login.

    ``act`` is the digest of the one act it is shown for, as a refusal names it; "" for any.
    """
    bound = checked_digest(act) if act else ""

    def work(tx: Tx, now: datetime) -> datetime:
        return sessions.show_factor(
            tx, house.ledger, house.access.cipher, token=token, handle=handle, code=code, now=now, act=bound
        ).factor_at

    try:
        return attempt(house, verb="access.confirm", work=work)
    except LoginFailed:
        count_failure(house, handle=handle)
        raise


def add_person(house: House, *, actor: Actor, handle: str, roles: Iterable[Role]) -> Invited:
    """Add a person, who then enrols with the code that comes back (``verbs.identity.enrol``)."""
    wanted = frozenset(roles)

    def work(tx: Tx, now: datetime) -> Invited:
        details = (("handle", handle), ("roles", ",".join(sorted(role.value for role in wanted))))
        action = managing(tx, actor=actor, handle=handle, wanted=wanted)
        allow(house, tx, actor=actor, action=action, now=now, details=details)
        return enrolment.invite(tx, house.ledger, handle=handle, roles=wanted, actor=actor.person.person, now=now)

    return attempt(house, verb="access.person_add", work=work, actor=actor)


def change_roles(house: House, *, actor: Actor, handle: str, roles: Iterable[Role]) -> Person:
    """Replace a person's roles; of who loses one, sessions and grants end at once."""
    wanted = frozenset(roles)

    def work(tx: Tx, now: datetime) -> Person:
        details = (("handle", handle), ("roles", ",".join(sorted(role.value for role in wanted))))
        before = identities.find(tx, handle)
        action = managing(tx, actor=actor, handle=handle, wanted=wanted)
        allow(house, tx, actor=actor, action=action, now=now, details=details)
        by = actor.person.person
        after = identities.change_roles(tx, house.ledger, handle=handle, roles=wanted, actor=by, now=now)
        leaving.move(tx, house.ledger, person=before, roles=wanted, actor=by, now=now)
        return after

    return attempt(house, verb="access.roles", work=work, actor=actor)


def disable(house: House, *, actor: Actor, handle: str) -> Left:
    """Disable a person, who leaves: sessions, grants and codes end at once, and the keys are to be replaced."""

    def work(tx: Tx, now: datetime) -> Left:
        left = identities.find(tx, handle)
        action = managing(tx, actor=actor, handle=handle, wanted=frozenset())
        allow(house, tx, actor=actor, action=action, now=now, details=(("handle", handle),))
        by = actor.person.person
        gone = leaving.leave(tx, house.ledger, person=left, actor=by, now=now)
        # Whose a share is the set says by name and key, not by person: whoever could hold one may have seen it.
        held = facts.read(tx, ledger=house.ledger, kinds=[SHARES_HOLD.name])
        if gone.replace_keys and any(fact.current(now) for fact in held):
            duties.raise_it(
                tx, house.ledger, duty=Duty.DEAL_SHARES, person=left.person, because="left", actor=by, now=now
            )
        return gone

    return attempt(house, verb="access.disable", work=work, actor=actor)


def review(house: House) -> list[Row]:
    """Return what everybody may do, for somebody to look at."""
    with house.store.reading() as tx:
        return reviews.rows(tx, house.ledger, now=house.clock.now())


def keep(house: House, *, actor: Actor, handle: str, digest: str) -> int:
    """Record that another person's access was looked at, row by row, and stays for half a year. Returns the entry."""

    def work(tx: Tx, now: datetime) -> int:
        details = (("handle", handle), ("row", checked_digest(digest, digits=reviews.DIGEST_CHARS)))
        identities.find(tx, handle)
        allow(house, tx, actor=actor, action=Action.PEOPLE_ATTEST, now=now, details=details)
        return reviews.keep(tx, house.ledger, handle=handle, digest=digest, by=actor.person.person, now=now)

    return attempt(house, verb="access.review", work=work, actor=actor)


def everybody(house: House) -> list[Person]:
    """Return all persons that are not disabled."""
    with house.store.reading() as tx:
        return identities.everybody(tx)


def approve(house: House, *, actor: Actor, approval: str) -> Approval:
    """Be the second person for an act that somebody else began."""

    def work(tx: Tx, now: datetime) -> Approval:
        allow(house, tx, actor=actor, action=Action.APPROVE, now=now, details=(("approval", approval),))
        return approvals.give(tx, house.ledger, approval_id=approval, approver=actor.person.person, now=now)

    return attempt(house, verb="access.approve", work=work, actor=actor)


def find_approval(house: House, approval: str) -> Approval | None:
    """Return what is asked of a second person, to be read before it is given; None if it cannot be read."""
    try:
        with house.store.reading() as tx:
            return approvals.find(tx, approval)
    except Problem:
        return None


def open_approvals(house: House) -> list[Approval]:
    """Return the acts that wait for a second person."""
    with house.store.reading() as tx:
        return approvals.still_open(tx, house.clock.now())


def managing(tx: Tx, *, actor: Actor, handle: str, wanted: frozenset[Role]) -> Action:
    """Return which action a change of people is.

    Making, changing or disabling somebody who can be a second person takes two persons, as soon as there is (or ever
    was) somebody besides the actor who could be the second: or one lead could make a second person of their own.
    """
    held = identities.ever(tx)
    touched = wanted | frozenset().union(*(person.roles for person in held if person.handle == handle))
    others = [person for person in held if person.person != actor.person.person and person.roles & SENIOR]
    return Action.PEOPLE_SENIOR if touched & SENIOR and others else Action.PEOPLE_MANAGE


def count_failure(house: House, *, handle: str) -> None:
    """Count a failed login of ``handle``, in a transaction of its own; it locks after five."""
    now = house.clock.now()
    try:
        with house.store.transaction() as tx:
            identities.record_failure(tx, house.ledger, handle=handle, now=now)
    except Problem:
        return


def quiz(*, course: str = people.HANDLING) -> Quiz:
    """Draw a quiz of a shipped course, questions and options in random order."""
    return people.draw(people.load_course(course))


def train(house: House, *, actor: Actor, drawn: Quiz, answers: Sequence[Collection[int]]) -> Grade:
    """Grade a person's answers; a pass is a fact until it expires, a fail is an entry."""

    def work(tx: Tx, now: datetime) -> Grade:
        need_person(actor)
        return people.grade(tx, house.ledger, person=actor.person.person, quiz=drawn, answers=answers, now=now)

    return attempt(house, verb="people.train", work=work, actor=actor)


def screen(house: House, *, actor: Actor, handle: str, outcome: Screening) -> int:
    """Record the outcome of another person's screening: outcome and date only. Returns the entry."""

    def work(tx: Tx, now: datetime) -> int:
        subject = identities.find(tx, handle)
        allow(house, tx, actor=actor, action=Action.PEOPLE_ATTEST, now=now, details=(("handle", handle),))
        return people.attest(tx, house.ledger, subject=subject.person, by=actor.person.person, outcome=outcome, now=now)

    return attempt(house, verb="people.screen", work=work, actor=actor)


def pledge(house: House, *, actor: Actor, digest: str) -> int:
    """Sign the confidentiality text whose digest is given; it must be the present one. Returns the entry."""

    def work(tx: Tx, now: datetime) -> int:
        need_person(actor)
        return people.sign_pledge(tx, house.ledger, person=actor.person.person, digest=digest, now=now)

    return attempt(house, verb="people.pledge", work=work, actor=actor)


def freeze(house: House, *, actor: Actor, handle: str, reason: FreezeReason) -> int:
    """Freeze another person: every decision about them is no until somebody lifts it."""

    def work(tx: Tx, now: datetime) -> int:
        subject = identities.find(tx, handle)
        allow(house, tx, actor=actor, action=Action.PEOPLE_ATTEST, now=now, details=(("handle", handle),))
        return people.freeze(tx, house.ledger, subject=subject.person, by=actor.person.person, reason=reason, now=now)

    return attempt(house, verb="people.freeze", work=work, actor=actor)


def unfreeze(house: House, *, actor: Actor, handle: str) -> int:
    """Lift a freeze of another person."""

    def work(tx: Tx, now: datetime) -> int:
        subject = identities.find(tx, handle)
        allow(house, tx, actor=actor, action=Action.PEOPLE_ATTEST, now=now, details=(("handle", handle),))
        return people.unfreeze(tx, house.ledger, subject=subject.person, by=actor.person.person, now=now)

    return attempt(house, verb="people.unfreeze", work=work, actor=actor)
