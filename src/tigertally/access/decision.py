"""The decision: request and facts in, *allowed* or **every** unmet condition out. Pure: no I/O, no clock.

Conditions, in order; each can only turn yes into no, and anything it cannot establish is unmet, also by a value of a
type it did not expect:
1. the action is in the table; 2. the person has a role for it; 3. the person is not frozen (a freeze binds even if
it is ill-typed or a few seconds ahead of this clock: it is the one fact whose absence permits); 4. the second
factor is fresh; 5. training; 6. screening; 7. pledge; 8. the grant: approved by another person, this action,
class, purpose, deal, in its time box, with count left; 9. a second person with the right role approved exactly
this request; 10. the agreement in force covers the classes; 11. the stage permits the action; 12. the stage
permits clear values on this side; 13. no class is one that is never shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

# RFC 8785 §3.2.2.2 escapes what this function escapes, and nothing else.
from json.encoder import encode_basestring as _string
from typing import Final

from tigertally.access.facts import (
    AGREEMENT_IN_FORCE,
    DEAL_STAGE,
    PERSON_FROZEN,
    PERSON_PLEDGED,
    PERSON_SCREENED,
    PERSON_TRAINED,
)
from tigertally.access.known import Known
from tigertally.access.policy import CLEAR_STAGES, POLICY, Action, Role, Rule
from tigertally.base.canon import INT_MAX, NotCanonical
from tigertally.base.errors import Problem
from tigertally.base.fields import SEALABLE, FieldClass
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_hex
from tigertally.ledger import Fact, FactKind

CLOCK_AHEAD_MAX_S: Final = 5
_AHEAD: Final = timedelta(seconds=CLOCK_AHEAD_MAX_S)
_CLEAR: Final = {side.value: stages for side, stages in CLEAR_STAGES.items()}

# The kinds of facts that a decision reads, by name.
USED: Final = frozenset(
    kind.name
    for kind in (
        AGREEMENT_IN_FORCE,
        DEAL_STAGE,
        PERSON_FROZEN,
        PERSON_PLEDGED,
        PERSON_SCREENED,
        PERSON_TRAINED,
    )
)


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
    """What somebody asks to do. ``details`` are the act's parameters; the digest binds approvals to them."""

    person: str
    roles: frozenset[Role]
    action: Action
    now: datetime
    factor_at: datetime | None
    classes: frozenset[FieldClass] = frozenset()
    count: int = 0
    purpose: str = ""
    deal: str = ""
    scope: str = ""
    details: tuple[tuple[str, str], ...] = ()
    grant: GrantView | None = None
    approvals: tuple[ApprovalView, ...] = ()

    def act(self) -> bytes:
        """Return *what* is asked, whoever asks and whenever, as canonical JSON; ``NotCanonical`` if it has none.

        Written by template, since it is wanted several times for every act of two; a test holds it to ``base.canon``.
        """
        if type(self.count) is not int or abs(self.count) > INT_MAX:
            raise NotCanonical
        classes = ",".join([_string(name) for name in sorted([item.value for item in self.classes])])
        details = ",".join([f"[{_string(name)},{_string(value)}]" for name, value in self.details])
        try:
            return (
                f'{{"action":{_string(self.action.value)},"classes":[{classes}],"count":{self.count},'
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
    """The outcome, with the ledger indexes of the facts it used."""

    action: Action
    allowed: bool
    unmet: tuple[Unmet, ...]
    facts: tuple[int, ...]


class _Work:
    __slots__ = ("known", "request", "rule", "unmet", "used")

    def __init__(self, request: Request, rule: Rule, known: Known) -> None:
        self.request = request
        self.rule = rule
        self.known = known
        self.unmet: list[Unmet] = []
        self.used: set[int] = set()

    def no(self, condition: str, why: Text, how: Text) -> None:
        self.unmet.append(Unmet(condition=condition, why=why, how=how))

    def fact(self, kind: FactKind, subject: str) -> Fact | None:
        """Return the newest fact that holds now."""
        now = self.request.now
        for fact in self.known.of(kind.name, subject):
            if fact.start <= now and (fact.until is None or now < fact.until):
                self.used.add(fact.entry)
                return fact
        return None

    def frozen_by(self, person: str) -> Fact | None:
        """Return a fact that freezes ``person``; one that begins within the clocks' tolerance counts already."""
        found = self.known.of(PERSON_FROZEN.name, person)
        now = self.request.now
        for fact in found:
            if fact.start <= now + _AHEAD and (fact.until is None or now < fact.until):
                return fact
        return None


def decide(request: Request, facts: Known | Iterable[Fact]) -> Decision:
    """Return the decision on ``request`` given ``facts``. Never raises, whatever the request and the facts' values."""
    rule = POLICY.get(request.action)
    if rule is None:
        unknown = Unmet(
            condition="action",
            why=Text("策略表中没有这个操作", "the policy table does not have this action"),
            how=Text("无法满足", "cannot be met"),
        )
        return Decision(action=request.action, allowed=False, unmet=(unknown,), facts=())
    work = _Work(request, rule, facts if isinstance(facts, Known) else Known(facts))
    for name, condition in _CONDITIONS:
        try:
            condition(work)
        except (TypeError, ValueError, AttributeError, Problem):
            work.no(
                name,
                Text("该条件的数据无法解读", "what this condition rests on cannot be read"),
                Text("运行 tigertally fsck 并检查系统时钟", "run tigertally fsck and check the clock"),
            )
    return Decision(
        action=request.action, allowed=not work.unmet, unmet=tuple(work.unmet), facts=tuple(sorted(work.used))
    )


def _role(work: _Work) -> None:
    person: object = work.request.person
    if not isinstance(person, str) or not person or not work.request.roles & work.rule.roles:
        work.no(
            "role",
            Text("此人没有该操作所需的角色", "the person has no role for this action"),
            Text(
                "由负责人分配角色，或由有角色的同事操作", "have the lead assign a role, or ask a colleague who has it"
            ),
        )


def _frozen(work: _Work) -> None:
    if work.request.now.tzinfo is None:
        raise ValueError("naive datetime")
    fact = work.frozen_by(work.request.person)
    if fact is not None:
        work.used.add(fact.entry)
        work.no(
            "frozen",
            Text("此人已被冻结", "the person is frozen"),
            Text("由合规审批人调查后解除", "a compliance officer has to lift it after looking into it"),
        )


def _factor(work: _Work) -> None:
    limit = work.rule.factor_age_max_s
    if not limit:
        return
    at = work.request.factor_at
    age_s = None if at is None else (work.request.now - at).total_seconds()
    if age_s is None or not -CLOCK_AHEAD_MAX_S <= age_s <= limit:
        work.no(
            "factor",
            Text("第二因素验证已过期或缺失", "the second factor is missing or too old"),
            Text("运行 tigertally confirm 姓名，输入新动态码", "run tigertally confirm NAME with a new one-time code"),
        )


def _trained(work: _Work) -> None:
    if work.rule.trained and work.fact(PERSON_TRAINED, work.request.person) is None:
        work.no(
            "trained",
            Text("没有有效的培训合格记录", "no valid training on record"),
            Text("完成 tigertally people train 的测验", "pass the quiz of tigertally people train"),
        )


def _screened(work: _Work) -> None:
    fact = work.fact(PERSON_SCREENED, work.request.person) if work.rule.screened else None
    if work.rule.screened and (fact is None or fact.value.get("outcome") != "pass"):
        work.no(
            "screened",
            Text("没有有效的背景审查记录", "no valid screening on record"),
            Text(
                "由另一位同事登记审查结果：tigertally people screen",
                "have another person record it: tigertally people screen",
            ),
        )


def _pledged(work: _Work) -> None:
    if work.rule.pledged and work.fact(PERSON_PLEDGED, work.request.person) is None:
        work.no(
            "pledged",
            Text("没有签署有效的保密承诺", "no confidentiality pledge in force"),
            Text("运行 tigertally people pledge", "run tigertally people pledge"),
        )


def _grant(work: _Work) -> None:
    if not work.rule.grant:
        return
    request, grant = work.request, work.request.grant
    if grant is None:
        why = Text("没有授权", "there is no grant")
    elif grant.asker != request.person or not grant.approver or grant.approver == grant.asker:
        why = Text("授权不属于此人，或未经另一人批准", "the grant is somebody else's, or no other person approved it")
    elif not grant.start <= request.now < grant.until:
        why = Text("授权不在有效时间内", "the grant is outside of its time box")
    elif (grant.action, grant.purpose, grant.deal, grant.scope) != (
        request.action.value,
        request.purpose,
        request.deal,
        request.scope,
    ):
        why = Text("授权的操作、目的、交易或范围不符", "the grant is for another action, purpose, deal or scope")
    elif not request.purpose or not {item.value for item in request.classes} <= grant.classes:
        why = Text("授权不包含所请求的字段", "the grant does not cover the field classes")
    elif not 1 <= request.count <= grant.left:
        why = Text("授权的剩余次数不足", "the grant has not enough uses left")
    else:
        work.used.add(grant.entry)
        return
    work.no(
        "grant",
        why,
        Text(
            "先申请 tigertally grant ask，再由另一人批准 tigertally grant approve",
            "ask with tigertally grant ask; another person approves with tigertally grant approve",
        ),
    )


def _second_person(work: _Work) -> None:
    wanted = work.rule.second_person
    if not wanted:
        return
    request = work.request
    digest = request.act_digest()
    for approval in request.approvals:
        if (
            approval.digest == digest
            and approval.approver
            and approval.approver not in (request.person, approval.asker)
            and approval.approver_roles & wanted
            and approval.at <= request.now < approval.until
            and work.frozen_by(approval.approver) is None
        ):
            work.used.add(approval.entry)
            return
    work.no(
        "second_person",
        Text("需要第二人批准这一操作", "a second person has to approve exactly this"),
        Text(
            "请另一位负责人或合规审批人运行 tigertally approve", "have another lead or officer run tigertally approve"
        ),
    )


def _agreement(work: _Work) -> None:
    if not work.rule.agreement:
        return
    fact = work.fact(AGREEMENT_IN_FORCE, work.request.deal)
    covered = fact.value.get("classes") if fact is not None else None
    wanted = {item.value for item in work.request.classes}
    named = set(covered) if isinstance(covered, list) and all(isinstance(item, str) for item in covered) else set()
    if not wanted or not wanted <= named:
        work.no(
            "agreement",
            Text("没有涵盖这些字段的有效保密协议", "no agreement in force covers these field classes"),
            Text(
                "由双方签署协议：tigertally deal invite / accept",
                "have both parties sign: tigertally deal invite / accept",
            ),
        )


def _stage(work: _Work) -> None:
    if not work.rule.stages:
        return
    fact = work.fact(DEAL_STAGE, work.request.deal)
    if fact is None or fact.value.get("stage") not in work.rule.stages:
        work.no(
            "stage",
            Text("交易阶段不允许此操作", "the deal's stage does not permit this"),
            Text("先推进交易：tigertally deal stage", "move the deal on first: tigertally deal stage"),
        )


def _clear(work: _Work) -> None:
    if not work.rule.clear_values:
        return
    if not work.request.classes <= SEALABLE or not work.request.classes:
        work.no(
            "class",
            Text("该类字段从不显示", "this class of field is never shown"),
            Text("无法满足", "cannot be met"),
        )
    if not work.request.deal:
        return
    fact = work.fact(DEAL_STAGE, work.request.deal)
    stages = None if fact is None else _CLEAR.get(str(fact.value.get("side")))
    if fact is None or stages is None or fact.value.get("stage") not in stages:
        work.no(
            "clear_stage",
            Text("在此交易阶段，本方不能查看明文", "at this stage of the deal this side sees no clear values"),
            Text("交割后由买方查看", "after closing the buyer is the one who can"),
        )


# Each with the code it is unmet by when its inputs cannot be read.
_CONDITIONS: Final[tuple[tuple[str, Callable[[_Work], None]], ...]] = (
    ("role", _role),
    ("frozen", _frozen),
    ("factor", _factor),
    ("trained", _trained),
    ("screened", _screened),
    ("pledged", _pledged),
    ("grant", _grant),
    ("second_person", _second_person),
    ("agreement", _agreement),
    ("stage", _stage),
    ("class", _clear),
)
