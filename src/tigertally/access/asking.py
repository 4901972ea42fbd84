"""What is asked and what is answered: the request with all that a decision needs of it, and the decision.

Nothing here decides. A request's *act* is what is asked, whoever asks and whenever; approvals and second factors are
bound to its digest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

# RFC 8785 §3.2.2.2 escapes what this function escapes, and nothing else.
from json.encoder import encode_basestring as _string

from tigertally.access.policy import SHIPPED, Action, Role, Rules
from tigertally.base.canon import INT_MAX, NotCanonical
from tigertally.base.fields import FieldClass
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_hex


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantView:
    """A grant as the decision sees it."""

    grant: str
    asker: str
    approver: str
    action: str
    classes: frozenset[str]
    purpose: str
    deal: str
    scope: str = ""
    left: int
    start: datetime
    until: datetime
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView:
    """A second person's approval as the decision sees it; ``digest`` is of the request approved."""

    approval: str
    digest: str
    asker: str
    approver: str
    approver_roles: frozenset[Role]
    at: datetime
    until: datetime
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody asks to do. ``details`` are the act's parameters; the digest binds approvals to them.

    ``factor_kind`` and ``factor_act`` say how the second factor was shown and for which act ("" for any); ``key`` is
    the vault key that would be used; ``seen`` are the units (:mod:`~tigertally.access.volume`) that the person was
    given within a day. ``rules`` are those in force when it was loaded. For a service, ``owner`` is the person who
    answers for it and ``served`` what it did today; for a person they are empty.
    """

    person: str
    roles: frozenset[Role]
    action: Action
    now: datetime
    factor_at: datetime | None
    factor_kind: str = ""
    factor_act: str = ""
    classes: frozenset[FieldClass] = frozenset()
    count: int = 0
    purpose: str = ""
    deal: str = ""
    scope: str = ""
    key: str = ""
    seen: int = 0
    details: tuple[tuple[str, str], ...] = ()
    grant: GrantView | None = None
    approvals: tuple[ApprovalView, ...] = ()
    rules: Rules = field(default=SHIPPED, repr=False)
    owner: str = ""
    served: int = 0

    @property
    def answers(self) -> str:
        """Return whose training, pledge, grant … count: the person's own, or those of who answers for a service."""
        return self.owner or self.person

    def act(self) -> bytes:
        """Return *what* is asked, whoever asks and whenever, as canonical JSON; ``NotCanonical`` if it has none.

        Written by template, since it is wanted several times for every act of two; a test holds it to ``base.canon``.
        """
        if type(self.count) is not int or abs(self.count) > INT_MAX:
            raise NotCanonical
        classes = ",".join([_string(name) for name in sorted([item._value_ for item in self.classes])])
        details = ",".join([f"[{_string(name)},{_string(value)}]" for name, value in self.details])
        try:
            return (
                f'{{"action":{_string(self.action._value_)},"classes":[{classes}],"count":{self.count},'
                f'"deal":{_string(self.deal)},"details":[{details}],'
                f'"purpose":{_string(self.purpose)},"scope":{_string(self.scope)}}}'
            ).encode()
        except UnicodeEncodeError:
            raise NotCanonical from None

    def act_digest(self) -> str:
        """Return SHA-256 (hex) of :meth:`act`: what approvals are bound to."""
        return sha256_hex(self.act())


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """One condition that does not hold: a code, why, and how to meet it."""

    condition: str
    why: Text
    how: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome, with the ledger indexes of the facts it used, and the conditions that a waiver stood in for."""

    action: Action
    allowed: bool
    unmet: tuple[Unmet, ...]
    facts: tuple[int, ...]
    waived: tuple[str, ...] = ()
