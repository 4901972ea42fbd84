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

from tigertally.access import approvals, events, grants, identities
from tigertally.access.approvals import Approval
from tigertally.access.decision import USED, Decision, Request, decide
from tigertally.access.errors import NotAllowed
from tigertally.access.identities import Person
from tigertally.access.known import Known
from tigertally.access.policy import POLICY, Action, policy_digest
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
        details: tuple[tuple[str, str], ...] = (),
        grant: str = "",
    ) -> Request:
        """Return the request with everything the decision needs loaded: present roles, grant, approvals."""
        person = identities.proved(tx, self.ledger, actor.person.person)
        bare = Request(
            person=actor.person.person,
            roles=frozenset() if person is None else person.roles,
            action=action,
            now=now,
            factor_at=actor.factor_at,
            classes=frozenset(classes),
            count=count,
            purpose=purpose,
            deal=deal,
            scope=scope,
            details=details,
            grant=grants.view(tx, self.ledger, grant) if grant else None,
        )
        if not POLICY[action].second_person:
            return bare
        return replace(bare, approvals=approvals.views(tx, self.ledger, bare.act_digest()))

    def judge(self, tx: Tx, request: Request) -> Decision:
        """Return the decision without recording it."""
        subjects = [request.person, *(item.approver for item in request.approvals)]
        subjects += [request.deal] if request.deal else []
        return decide(request, Known(ledger_facts.read(tx, ledger=self.ledger, kinds=sorted(USED), subjects=subjects)))

    def decide(self, tx: Tx, request: Request) -> Decision:
        """Decide and record. A no raises :class:`NotAllowed`; a yes is in the ledger when ``tx`` commits."""
        decision = self.judge(tx, request)
        if not decision.allowed:
            raise NotAllowed(decision, request)
        self.record(tx, request, decision)
        if request.grant is not None and POLICY[request.action].grant:
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
            "facts": list(decision.facts),
            "policy": policy_digest(),
        }
        about = [request.person]
        if request.deal:
            about.append(request.deal)
        # What a grant or an approval was used for is found by these, and the roll misses one that is taken away.
        used: list[str] = []
        if decision.allowed and request.grant is not None and POLICY[request.action].grant:
            used.append(request.grant.grant)
        used += [item.approval for item in request.approvals if decision.allowed and item.entry in decision.facts]
        event = Event(
            kind=events.DECISION_MADE,
            payload=payload,
            actor=request.person,
            about=(*about, *used),
            counted=tuple((events.USED, name) for name in used),
        )
        return self.ledger.append(tx, event, now=request.now)

    def ask_second(self, tx: Tx, request: Request) -> Approval | None:
        """Leave the request for a second person if the action needs one."""
        if not POLICY[request.action].second_person:
            return None
        return approvals.ensure_open(tx, self.ledger, request)
