"""The one place where a verb meets the database: opens the transaction, and writes refusals that a rollback erased.

1. the verb's work runs in one writing transaction: change and ledger entry stand or fall together; verbs that
   come at the same time share one commit, each in a savepoint of its own (``Store.grouped``);
2. a problem undoes that transaction; its refusal is then written in a second one (``app.verb.refused``; a
   refused decision is written whole, and where a second person is needed, the request for one is left open);
3. anything that is no problem becomes :class:`Unexpected` with an incident id that is in the ledger too, and
   the original exception, which could hold a customer's value, is dropped;
4. long work between transactions runs in :func:`carry_out`, by the same rules;
5. if even the refusal cannot be written (store or clock down), the answer is still no.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from tigertally.access import Action, Actor, Decision, NotAllowed, Request
from tigertally.access.asking import ApprovalView
from tigertally.access.errors import NotForServices
from tigertally.access.serving import is_service
from tigertally.app.bulk import rare_collections
from tigertally.app.errors import BadDigest, Unexpected
from tigertally.app.wire import House
from tigertally.base.canon import Json
from tigertally.base.errors import Problem
from tigertally.base.fields import FieldClass
from tigertally.base.ids import check_id, new_id
from tigertally.base.text import Text
from tigertally.ledger import Event, register_event
from tigertally.store.tx import Tx

T = TypeVar("T")
_DIGEST: Final = re.compile(r"[0-9a-f]+")

VERB_REFUSED: Final = register_event(
    "app.verb.refused", Text("操作被拒绝", "a verb was refused"), "verb", "code", "person"
)
VERB_FAILED: Final = register_event(
    "app.verb.failed", Text("操作意外失败", "a verb failed unexpectedly"), "verb", "incident", "kind"
)


def attempt(house: House, *, verb: str, work: Callable[[Tx, datetime], T], actor: Actor | None = None) -> T:
    """Run ``work`` in one transaction; return its value after the commit.

    ``verb`` is ``wing.verb``. Raises the problem that ``work`` raised, or :class:`Unexpected`.
    """
    incident = ""
    kind = ""
    try:
        # The time is asked for inside: whoever waits for another writer would come with an old one.
        return house.store.grouped(lambda tx: work(tx, house.clock.now()))
    except Problem as problem:
        _refused(house, verb=verb, problem=problem, actor=actor)
        raise
    except Exception as error:  # noqa: BLE001 - the edge: whatever it is, it must not travel further
        incident, kind = new_id("inc"), type(error).__name__
    _failed(house, verb=verb, incident=incident, kind=kind)
    raise Unexpected(incident=incident)


def carry_out(house: House, *, verb: str, work: Callable[[], T], actor: Actor) -> T:
    """Do long work that makes its own transactions, after a decision that had its own :func:`attempt`.

    Refusals are written and what nobody foresaw does not travel on, as there; what was committed stays.
    """
    incident = ""
    kind = ""
    try:
        with rare_collections():
            return work()
    except Problem as problem:
        _refused(house, verb=verb, problem=problem, actor=actor)
        raise
    except Exception as error:  # noqa: BLE001 - the edge: whatever it is, it must not travel further
        incident, kind = new_id("inc"), type(error).__name__
    _failed(house, verb=verb, incident=incident, kind=kind)
    raise Unexpected(incident=incident)


def allow(
    house: House,
    tx: Tx,
    *,
    actor: Actor,
    action: Action,
    now: datetime,
    classes: tuple[FieldClass, ...] = (),
    count: int = 0,
    purpose: str = "",
    deal: str = "",
    scope: str = "",
    key: str = "",
    grant: str = "",
    details: tuple[tuple[str, str], ...] = (),
) -> Decision:
    """Decide and record inside ``tx``; raise :class:`NotAllowed` with every unmet condition if the answer is no.

    A request that waits for a second person is kept where that person reads it: what was typed must have the form of
    what it is (``deal`` here, the details by whoever gives them), so that no customer's value is kept by mistake.
    """
    if deal:
        check_id(deal, "dea")
    request = house.access.request(
        tx,
        actor=actor,
        action=action,
        now=now,
        classes=classes,
        count=count,
        purpose=purpose,
        deal=deal,
        scope=scope,
        key=key,
        grant=grant,
        details=details,
    )
    return house.access.decide(tx, request)


def need_person(actor: Actor) -> None:
    """Raise ``NotForServices`` unless a person acts: where no decision is made, nothing else would stop a service."""
    if is_service(actor.person.person):
        raise NotForServices


def checked_digest(text: str, *, digits: int = 64) -> str:
    """Return ``text`` if it is that many lower-case hexadecimal digits; else raise :class:`BadDigest`."""
    if len(text) != digits or not _DIGEST.fullmatch(text):
        raise BadDigest(digits=digits)
    return text


def second_person(request: Request, decision: Decision) -> ApprovalView:
    """Return the approval that an allowed two-person decision rested on."""
    return next(item for item in request.approvals if item.entry in decision.facts)


def _refused(house: House, *, verb: str, problem: Problem, actor: Actor | None) -> None:
    person = "" if actor is None else actor.person.person
    try:
        with house.store.transaction() as tx:
            now = house.clock.now()
            if isinstance(problem, NotAllowed):
                problem.entry = house.access.record(tx, problem.request, problem.decision)
                only_second = {item.condition for item in problem.decision.unmet} <= {"second_person", "volume"}
                asked = house.access.ask_second(tx, problem.request) if only_second else None
                problem.approval = "" if asked is None else asked.approval
            payload: dict[str, Json] = {"verb": verb, "code": problem.code, "person": person}
            about = (person,) if person else ()
            event = Event(kind=VERB_REFUSED, payload=payload, actor=person, about=about)
            house.ledger.append(tx, event, now=now)
    except Problem:
        return


def _failed(house: House, *, verb: str, incident: str, kind: str) -> None:
    try:
        with house.store.transaction() as tx:
            now = house.clock.now()
            payload: dict[str, Json] = {"verb": verb, "incident": incident, "kind": kind}
            house.ledger.append(tx, Event(kind=VERB_FAILED, payload=payload), now=now)
    except Problem:
        return
