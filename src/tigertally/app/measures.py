"""The twenty measures, computed from facts: met, not met, or not built. Nobody can type "pass".

A measure is *met* only if every part of it that DESIGN §3 names is built and its facts are current; one that is
built in part says *not built* and what is missing, because what is not known is not green. Each row carries the
ledger index that proves it and when it lapses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from tigertally.access import (
    AGREEMENT_IN_FORCE,
    KEY_ACTIVE,
    PERSON_PLEDGED,
    PERSON_SCREENED,
    PERSON_TRAINED,
    Person,
    Role,
    identities,
)
from tigertally.app.wire import House
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.text import Lang, Text
from tigertally.deals import INVENTORY_RECORDED
from tigertally.ledger import Fact, facts

INVENTORY_AGE_MAX: Final = timedelta(days=90)


class State(Enum):
    """Where a measure stands."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_BUILT = "not_built"

    @property
    def title(self) -> Text:
        """The state in words."""
        return {
            State.MET: Text("已满足", "met"),
            State.NOT_MET: Text("未满足", "not met"),
            State.NOT_BUILT: Text("尚未实现", "not built"),
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One row of the status: ``entry`` proves it, ``lapses`` is when it stops being true."""

    number: int
    title: Text
    state: State
    why: Text
    entry: int | None = None
    lapses: datetime | None = None

    def body(self, lang: Lang) -> dict[str, Json]:
        """Return the row as JSON."""
        return {
            "number": self.number,
            "title": self.title.render(lang),
            "state": self.state.value,
            "state_title": self.state.title.render(lang),
            "why": self.why.render(lang),
            "entry": self.entry,
            "lapses": None if self.lapses is None else clock.to_text(self.lapses),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    facts: Sequence[Fact]
    people: Sequence[Person]
    now: datetime

    def current(self, kind: str) -> list[Fact]:
        return [fact for fact in self.facts if fact.kind == kind and fact.current(self.now)]


def _row(number: int, title: Text, state: State, why: Text, proof: Fact | None = None) -> Measure:
    return Measure(
        number=number,
        title=title,
        state=state,
        why=why,
        entry=None if proof is None else proof.entry,
        lapses=None if proof is None else proof.until,
    )


def _inventory(known: _Known, number: int, title: Text) -> Measure:
    found = known.current(INVENTORY_RECORDED.name)
    leads = [person for person in known.people if Role.LEAD in person.roles]
    if not found or not leads:
        return _row(number, title, State.NOT_MET, Text("没有登记数据清单", "no inventory on record"))
    newest = found[-1]
    if known.now - newest.start > INVENTORY_AGE_MAX:
        return _row(
            number, title, State.NOT_MET, Text("数据清单已超过 90 天", "the inventory is over 90 days old"), newest
        )
    why = Text("已登记数据清单并指定负责人", "inventory on record, a lead is named")
    lapses = newest.start + INVENTORY_AGE_MAX
    return Measure(number=number, title=title, state=State.MET, why=why, entry=newest.entry, lapses=lapses)


def _agreements(known: _Known, number: int, title: Text) -> Measure:
    found = known.current(AGREEMENT_IN_FORCE.name)
    if not found:
        return _row(number, title, State.NOT_MET, Text("没有生效的保密协议", "no agreement is in force"))
    return _row(
        number, title, State.MET, Text("双方签署的协议生效中", "an agreement signed by both is in force"), found[-1]
    )


def _management(known: _Known, number: int, title: Text) -> Measure:
    handling = [person for person in known.people if person.roles - {Role.AUDITOR}]
    first: Fact | None = None
    for person in handling:
        for kind in (PERSON_TRAINED, PERSON_SCREENED, PERSON_PLEDGED):
            fact = facts.current(known.facts, kind=kind.name, subject=person.person, at=known.now)
            if fact is None:
                why = Text(f"{person.handle} 缺少：{kind.title.zh}", f"{person.handle} lacks: {kind.title.en}")
                return _row(number, title, State.NOT_MET, why)
            if first is None or (fact.until is not None and first.until is not None and fact.until < first.until):
                first = fact
    why = Text(
        "所有接触数据的人员均已培训、审查并承诺保密", "everyone who handles data is trained, screened and pledged"
    )
    return _row(number, title, State.MET, why, first)


def _encryption(known: _Known, number: int, title: Text) -> Measure:
    stated = [fact for fact in known.facts if fact.kind == KEY_ACTIVE.name and not fact.withdrawn]
    if not stated:
        return _row(number, title, State.NOT_MET, Text("还没有启用的保险库密钥", "no vault key in use yet"))
    over = [fact for fact in stated if not fact.current(known.now)]
    if over:
        return _row(
            number,
            title,
            State.NOT_MET,
            Text("有密钥超过使用期限，请轮换", "a key is past its period; rotate it"),
            over[0],
        )
    first = min(stated, key=lambda fact: fact.until or datetime.max.replace(tzinfo=known.now.tzinfo))
    why = Text("数据加密存储，密钥均在使用期限内", "values are sealed, every key is within its period")
    return _row(number, title, State.MET, why, first)


def _unbuilt(zh: str, en: str) -> Callable[[_Known, int, Text], Measure]:
    def row(_: _Known, number: int, title: Text) -> Measure:
        return _row(number, title, State.NOT_BUILT, Text(zh, en))

    return row


_MEASURES: Final[tuple[tuple[Text, Callable[[_Known, int, Text], Measure]], ...]] = (
    (Text("支付信息为首要任务", "payment data comes first"), _inventory),
    (Text("严格保密协议", "strict confidentiality agreements"), _agreements),
    (Text("内部管理", "internal management"), _management),
    (Text("加密与密钥轮换", "encryption and key rotation"), _encryption),
    (
        Text("安全审计", "security audit"),
        _unbuilt(
            "台账已有；漏洞扫描导入与异常分析尚未实现", "the ledger is there; scan import and anomaly analysis are not"
        ),
    ),
    (
        Text("物理安全", "physical security"),
        _unbuilt("介质与场所登记尚未实现", "registers of media and sites are missing"),
    ),
    (
        Text("泄露应急响应", "incident response"),
        _unbuilt(
            "已可查询谁看过谁；应急流程与时钟尚未实现", "who saw whom can be asked; runbooks and clocks are missing"
        ),
    ),
    (Text("遵循法律与标准", "laws and standards"), _unbuilt("规则库尚未实现", "the rule book is missing")),
    (Text("合作伙伴", "partners"), _unbuilt("合作伙伴登记尚未实现", "the partner register is missing")),
    (Text("安全宣传", "awareness"), _unbuilt("宣传活动尚未实现", "campaigns are missing")),
    (Text("评估体系", "assessment"), _unbuilt("评估与整改跟踪尚未实现", "assessments and findings are missing")),
    (Text("客户教育", "customer education"), _unbuilt("客户门户尚未实现", "the customer portal is missing")),
    (
        Text("多重验证与监控", "multi-factor and monitoring"),
        _unbuilt(
            "员工双因素已有；客户验证与交易监控尚未实现",
            "staff log in with two factors; customers' checks and transaction watch are missing",
        ),
    ),
    (
        Text("培训体系", "training system"),
        _unbuilt(
            "课程与测验已有；培训计划与效果评估尚未实现", "courses and quizzes are there; plan and effect are missing"
        ),
    ),
    (Text("应急响应团队", "response team"), _unbuilt("名册与演练尚未实现", "roster and drills are missing")),
    (
        Text("技术研发与升级", "technology upgrades"),
        _unbuilt(
            "已有算法清单；组件清单与升级计划尚未实现",
            "the inventory of algorithms is there; that of components and the plan are missing",
        ),
    ),
    (Text("安全合作关系", "security partners"), _unbuilt("情报收发尚未实现", "intelligence feeds are missing")),
    (Text("安全文化", "security culture"), _unbuilt("手册与调查尚未实现", "handbook and surveys are missing")),
    (Text("激励机制", "incentives"), _unbuilt("积分与奖励尚未实现", "points and rewards are missing")),
    (Text("关注发展趋势", "trends"), _unbuilt("趋势跟踪尚未实现", "trend intake is missing")),
)


def compute(house: House) -> list[Measure]:
    """Return the twenty measures as of now."""
    with house.store.reading() as tx:
        known = _Known(
            facts=facts.read(tx, ledger=house.ledger), people=identities.everybody(tx), now=house.clock.now()
        )
    return [rule(known, number, title) for number, (title, rule) in enumerate(_MEASURES, start=1)]
