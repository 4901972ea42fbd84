"""The guard: load, decide, record. The only way from a wish to a permission.

:meth:`Access.decide` runs in the caller's transaction: it loads the person, grant, approvals and facts, asks
the pure decision and appends the outcome. The caller must not act on a yes before that transaction has
committed if the act gives a value away (``app.verbs`` sees to that); a no raises :class:`NotAllowed`, which
undoes the transaction, so ``app.verbs`` writes the refusal again in a second one through
:meth:`Access.record`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from tigertally.access import approvals, events, given, grants, identities, services
from tigertally.access.approvals import Approval
from tigertally.access.asking import ApprovalView, Decision, GrantView, Request
from tigertally.access.conditions import USED
from tigertally.access.decision import decide
from tigertally.access.errors import NotAllowed
from tigertally.access.facts import INSTALLATION
from tigertally.access.identities import Person
from tigertally.access.known import Known
from tigertally.access.policy import NOTHING, Action
from tigertally.access.rules import in_force
from tigertally.access.serving import SERVICE_ROLES, is_service
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.base.ids import new_id
from tigertally.crypto.aead import Cipher
from tigertally.ledger import Event, Ledger
from tigertally.ledger import facts as ledger_facts
from tigertally.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who is acting: a person with an open session, and when their second factor was last shown."""

    person: Person
    factor_at: datetime | None
    factor_kind: str = ""
    factor_act: str = ""


class Access:
    """The guard of one installation. ``cipher`` opens TOTP secrets."""

    __slots__ = ("cipher", "ledger")

    def __init__(self, *, ledger: Ledger, cipher: Cipher) -> None:
        self.ledger = ledger
        self.cipher = cipher

    def request(
        self,
        tx: Tx,
        *,
        actor: Actor,
        action: Action,
        now: datetime,
        classes: Iterable[FieldClass] = (),
        count: int = 0,
        purpose: str = "",
        deal: str = "",
        scope: str = "",
        key: str = "",
        details: tuple[tuple[str, str], ...] = (),
        grant: str = "",
    ) -> Request:
        """Return the request with everything the decision needs loaded: present roles, grant, approvals."""
        rules = in_force(tx, self.ledger)
        rule = rules.table.get(action, NOTHING)
        who = actor.person.person
        owner, served = "", 0
        if is_service(who):
            owner, served = (
                services.owner_of(tx, self.ledger, who, now=now),
                services.served(tx, self.ledger, who, now=now),
            )
            roles = SERVICE_ROLES if owner else frozenset()
        else:
            person = identities.proved(tx, self.ledger, who)
            roles = frozenset() if person is None else person.roles
        bare = Request(
            person=who,
            owner=owner,
            served=served,
            roles=roles,
            action=action,
            now=now,
            factor_at=actor.factor_at,
            factor_kind=actor.factor_kind,
            factor_act=actor.factor_act,
            classes=frozenset(classes),
            count=count,
            purpose=purpose,
            deal=deal,
            scope=scope,
            key=key,
            seen=given.within_day(tx, self.ledger, owner or who, now=now) if rule.volume else 0,
            details=details,
            grant=grants.view(tx, self.ledger, grant) if grant else None,
            rules=rules,
        )
        if not rule.second_person and not rule.volume:
            return bare
        return replace(bare, approvals=approvals.views(tx, self.ledger, bare.act_digest()))

    def judge(self, tx: Tx, request: Request) -> Decision:
        """Return the decision without recording it."""
        subjects = [request.person, *(item.approver for item in request.approvals)]
        subjects += [subject for subject in (request.owner, request.deal, request.key, INSTALLATION) if subject]
        known = Known(ledger_facts.read(tx, ledger=self.ledger, kinds=sorted(USED), subjects=subjects))
        return decide(request, known, request.rules)

    def decide(self, tx: Tx, request: Request) -> Decision:
        """Decide and record. A no raises :class:`NotAllowed`; a yes is in the ledger when ``tx`` commits."""
        decision = self.judge(tx, request)
        if not decision.allowed:
            raise NotAllowed(decision, request)
        self.record(tx, request, decision)
        if request.grant is not None and request.rules.table.get(request.action, NOTHING).grant:
            grants.use(tx, grant_id=request.grant.grant, count=request.count)
        return decision

    def record(self, tx: Tx, request: Request, decision: Decision) -> int:
        """Append a decision; return its index."""
        unmet: list[Json] = [item.condition for item in decision.unmet]
        payload: dict[str, Json] = {
            "decision": new_id("dec"),
            "person": request.person,
            "action": request.action.value,
            "classes": sorted(item.value for item in request.classes),
            "count": request.count,
            "purpose": request.purpose,
            "deal": request.deal,
            "act": request.act_digest(),
            "allowed": decision.allowed,
            "unmet": unmet,
            "waived": list(decision.waived),
            "facts": list(decision.facts),
            "policy": request.rules.digest,
            "inputs": inputs_of(request),
        }
        about = [request.person]
        if request.owner:
            about.append(request.owner)
        if request.deal:
            about.append(request.deal)
        # What a grant or an approval was used for is found by these, and the roll misses one that is taken away.
        used: list[str] = []
        rule = request.rules.table.get(request.action, NOTHING)
        if decision.allowed and request.grant is not None and rule.grant:
            used.append(request.grant.grant)
        used += [item.approval for item in request.approvals if decision.allowed and item.entry in decision.facts]
        counted = [(events.USED, name) for name in used]
        if decision.allowed and rule.volume:
            day = given.name_of(request.answers, request.now)
            about.append(day)
            counted.append((events.GIVEN, day))
        if decision.allowed and is_service(request.person):
            day = services.day_of(request.person, request.now)
            about.append(day)
            counted.append((events.SERVED, day))
        event = Event(
            kind=events.DECISION_MADE,
            payload=payload,
            actor=request.person,
            about=(*about, *used),
            counted=tuple(counted),
        )
        return self.ledger.append(tx, event, now=request.now)

    def ask_second(self, tx: Tx, request: Request) -> Approval | None:
        """Leave the request for a second person if the action needs one."""
        rule = request.rules.table.get(request.action, NOTHING)
        if (not rule.second_person and not rule.volume) or is_service(request.person):
            return None
        return approvals.ensure_open(tx, self.ledger, request)


def inputs_of(request: Request) -> dict[str, Json]:
    """Return what a decision knew beside the act and the facts, so that it can be asked again under other rules."""
    return {
        "now": clock.to_text(request.now),
        "roles": sorted(role.value for role in request.roles),
        "factor_at": None if request.factor_at is None else clock.to_text(request.factor_at),
        "factor_kind": request.factor_kind,
        "factor_act": request.factor_act,
        "scope": request.scope,
        "key": request.key,
        "seen": request.seen,
        "grant": None if request.grant is None else _grant_body(request.grant),
        "approvals": [_approval_body(item) for item in request.approvals],
        **({"owner": request.owner, "served": request.served} if is_service(request.person) else {}),
    }


def _grant_body(grant: GrantView) -> dict[str, Json]:
    return {
        "grant": grant.grant,
        "asker": grant.asker,
        "approver": grant.approver,
        "action": grant.action,
        "classes": sorted(grant.classes),
        "purpose": grant.purpose,
        "deal": grant.deal,
        "scope": grant.scope,
        "left": grant.left,
        "from": clock.to_text(grant.start),
        "until": clock.to_text(grant.until),
        "entry": grant.entry,
    }


def _approval_body(approval: ApprovalView) -> dict[str, Json]:
    return {
        "approval": approval.approval,
        "digest": approval.digest,
        "asker": approval.asker,
        "approver": approval.approver,
        "roles": sorted(role.value for role in approval.approver_roles),
        "at": clock.to_text(approval.at),
        "until": clock.to_text(approval.until),
        "entry": approval.entry,
    }
