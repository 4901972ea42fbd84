"""The conditions of gates: how to tell each from facts, on which sides, and the words when it does not hold.

Source: law facts §8 and §3, operate §9 rows 1, 2 and 15. A condition holds only on a current, well-typed fact; what
is missing, expired, withdrawn or contradicts another fact is unmet. Conditions that the product cannot check yet are
in the table too, as *not built*: never green, and the only ones that may be waived, but for the objects of an estate
that no scanner can read. Which gate asks what is in :mod:`~tigertally.deals.gates`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tigertally.access import AGREEMENT_IN_FORCE, PERSON_FROZEN
from tigertally.access.policy import Side
from tigertally.base.text import Text
from tigertally.deals.facts import (
    DESTROYED,
    INVENTORY_RECORDED,
    PARTY_CONFIRMED,
    PARTY_ENGAGED,
    PROTECTED,
    RECEIVED,
    RELEASED,
    ROUTE_DECIDED,
    RULE_CONFIRMED,
    SAD_PURGED,
    SEALED,
    SIGNED_OFF,
    STRUCTURE_ANSWERED,
)
from tigertally.deals.roles import PartyRole
from tigertally.formats.dealpapers import Structure
from tigertally.ledger import Fact
from tigertally.ledger.facts import current

_BOTH: Final = frozenset(Side)
_SELLER: Final = frozenset({Side.SELLER})


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """Everything a gate looks at. ``facts`` are about the deal, all parties and the ``leads`` (persons' ids).

    ``fingerprint`` is that of the counterparty's card on file, ``agreement_digest`` that of the agreement on file;
    both "" if there is none. ``rules`` is the digest of the rules that a legal route has to rest on.
    """

    deal: str
    side: Side
    own: str
    counterparty: str
    fingerprint: str
    agreement_digest: str
    leads: tuple[str, ...]
    rules: str
    facts: Sequence[Fact]
    now: datetime


@dataclass(slots=True)
class Work:
    """One condition being looked at: what is known, and the entries used so far."""

    known: GateFacts
    used: set[int] = field(default_factory=set)

    def fact(self, kind: str, subject: str = "") -> Fact | None:
        """Return the current fact of ``kind`` about ``subject`` (the deal, unless given), and note that it was used."""
        known = self.known
        found = current(known.facts, kind=kind, subject=subject or known.deal, at=known.now)
        if found is not None:
            self.used.add(found.entry)
        return found

    def inventory(self) -> Fact | None:
        """Return the newest inventory, of the deal or of the organisation."""
        known = self.known
        both = [
            current(known.facts, kind=INVENTORY_RECORDED.name, subject=subject, at=known.now)
            for subject in (known.deal, known.own)
        ]
        newest = max((fact for fact in both if fact is not None), key=lambda fact: fact.entry, default=None)
        if newest is not None:
            self.used.add(newest.entry)
        return newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition: on which sides, how to tell (None: not built), and the words when it does not hold.

    ``nearer`` gives other words, why and how, for a cause that can be told from the rest.
    """

    sides: frozenset[Side]
    holds: Callable[[Work], bool] | None
    why: Text
    how: Text
    waivable: bool = False
    nearer: Callable[[Work], tuple[Text, Text] | None] | None = None

    def words(self, work: Work) -> tuple[Text, Text]:
        """Return why it does not hold, and how to meet it."""
        found = None if self.nearer is None else self.nearer(work)
        return found or (self.why, self.how)


def _number(fact: Fact, name: str) -> int:
    value = fact.value[name]
    return value if isinstance(value, int) else -1


def structure_of(work: Work) -> Structure | None:
    """Return the structure that the ledger holds for the deal."""
    fact = work.fact(STRUCTURE_ANSWERED.name)
    return next((item for item in Structure if fact is not None and fact.value["structure"] == item.value), None)


def required(work: Work) -> tuple[tuple[str, str, str], ...]:
    """Return what the legal route asks: gate, condition and rule; unverified rules if counsel confirmed them."""
    fact, known = work.fact(ROUTE_DECIDED.name), work.known
    if fact is None:
        return ()
    mine = [item for item in known.facts if (item.kind, item.subject) == (RULE_CONFIRMED.name, known.deal)]
    confirmed = {rule for item in mine if item.current(known.now) for rule in words(item, "rules")}
    advised = (line for line in words(fact, "advises") if line.split()[2] in confirmed)
    asked = (line.split() for line in (*words(fact, "asks"), *advised))
    return tuple((gate, condition, rule) for gate, condition, rule in asked)


def words(fact: Fact, name: str) -> tuple[str, ...]:
    """Return the strings in a list of a fact's value."""
    value = fact.value.get(name)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def engaged(work: Work, *, party: str, role: PartyRole, fingerprint: str) -> bool:
    """Return whether ``party`` is engaged in ``role`` and confirmed, both by the card of that fingerprint."""
    confirmed = work.fact(PARTY_CONFIRMED.name, party)
    if confirmed is None or confirmed.value["fingerprint"] != fingerprint:
        return False
    value = {"role": role.value, "fingerprint": fingerprint}
    same = [fact for fact in work.known.facts if (fact.kind, fact.subject) == (PARTY_ENGAGED.name, party)]
    found = [fact.entry for fact in same if fact.current(work.known.now) and fact.value == value]
    work.used.update(found)
    return bool(found)


def _route(work: Work) -> bool:
    fact, structure = work.fact(ROUTE_DECIDED.name), structure_of(work)
    if fact is None or structure is None:
        return False
    return (fact.value["structure"], fact.value["rules"]) == (structure.value, work.known.rules)


def _signed_off(work: Work) -> bool:
    route, fact = work.fact(ROUTE_DECIDED.name), work.fact(SIGNED_OFF.name)
    if route is None or fact is None or fact.value["route"] != route.value["route"]:
        return False
    wanted = {rule for _, condition, rule in required(work) if condition == "counsel_signoff"}
    counsel, print_ = str(fact.value["counsel"]), str(fact.value["fingerprint"])
    signed = wanted <= set(words(fact, "rules"))
    return signed and engaged(work, party=counsel, role=PartyRole.COUNSEL, fingerprint=print_)


def _lead(work: Work) -> bool:
    known = work.known
    frozen = {fact.subject for fact in known.facts if fact.kind == PERSON_FROZEN.name and fact.current(known.now)}
    return any(lead not in frozen for lead in known.leads)


def _inventory_read(work: Work) -> bool:
    fact = work.inventory()
    return fact is not None and _number(fact, "unread") == 0


def _parties(work: Work) -> bool:
    known = work.known
    fact = work.fact(PARTY_CONFIRMED.name, known.counterparty) if known.counterparty and known.fingerprint else None
    return fact is not None and fact.value["fingerprint"] == known.fingerprint


def _agreement(work: Work) -> bool:
    fact, on_file = work.fact(AGREEMENT_IN_FORCE.name), work.known.agreement_digest
    return fact is not None and bool(on_file) and fact.value["digest"] == on_file


def _sad_purged(work: Work) -> bool:
    fact, inventory = work.fact(SAD_PURGED.name), work.inventory()
    if fact is None or inventory is None:
        return False
    return _number(fact, "unresolved") == 0 and fact.value["inventory"] == inventory.value["digest"]


_NOT_AS_WHAT_IT_IS: Final = (
    Text(
        "现行计划没有把全部敏感验证数据和明文密码按其本身的类别清除",
        "the present plan does not purge all sensitive authentication data and clear passwords as the class they are",
    ),
    Text(
        'tigertally plan check PLAN ROOT --inventory FILE 会指出是哪些列；在计划中改 class（如 "password_hash" 改为 '
        '"password"），action = "purge"，再运行 tigertally protect，写到新的目录',
        "tigertally plan check PLAN ROOT --inventory FILE names the columns; in the plan correct their class (such as "
        '"password_hash" to "password") with action = "purge", then run tigertally protect again, to a new folder',
    ),
)


def _unpurged(work: Work) -> tuple[Text, Text] | None:
    """Return the words for a copy of another inventory than the newest, or of a plan that purges too little."""
    fact, inventory = work.fact(SAD_PURGED.name), work.inventory()
    if fact is None or inventory is None:
        return None
    if fact.value["inventory"] == inventory.value["digest"]:
        return _NOT_AS_WHAT_IT_IS
    return (
        Text(
            "受保护副本所依据的清单不是最新登记的那份",
            "the protected copy was made from another inventory than the newest on record",
        ),
        Text(
            "用最新登记的清单重新运行 tigertally protect（--inventory 同一文件），写到新的目录",
            "run tigertally protect again, to a new folder, with the newest recorded inventory (--inventory FILE)",
        ),
    )


def _sealed(work: Work) -> bool:
    fact, purge = work.fact(SEALED.name), work.fact(SAD_PURGED.name)
    if fact is None or purge is None or fact.value["plan"] != purge.value["plan"]:
        return False
    counted = _number(fact, "sealed") + _number(fact, "rejected")
    return _number(fact, "subjects") > 0 and _number(fact, "found") == counted


def _protected(work: Work) -> bool:
    fact, sealed = work.fact(PROTECTED.name), work.fact(SEALED.name)
    if fact is None or sealed is None or fact.value["plan"] != sealed.value["plan"]:
        return False
    return _number(fact, "objects") > 0


def _not_destroyed(work: Work) -> bool:
    known = work.known
    stated = [fact for fact in known.facts if (fact.kind, fact.subject) == (DESTROYED, known.deal)]
    return not any(fact.current(known.now) for fact in stated)


def _not_built(zh: str, en: str, sides: frozenset[Side] = _SELLER) -> Condition:
    return Condition(
        sides=sides,
        holds=None,
        why=Text(f"{zh}：本版本尚不能核验", f"{en}: this version cannot check it yet"),
        how=Text(
            "在别处完成并由两人豁免：tigertally deal waive",
            "do it elsewhere and have two persons waive it: tigertally deal waive",
        ),
        waivable=True,
    )


CONDITIONS: Final[dict[str, Condition]] = {
    "lead": Condition(
        sides=_BOTH,
        holds=_lead,
        why=Text("没有指定（未被冻结的）数据安全负责人", "no data-security lead is named, or all are frozen"),
        how=Text("给一位人员分配负责人角色", "give a person the role of lead"),
    ),
    "structure": Condition(
        sides=_BOTH,
        holds=lambda work: structure_of(work) is not None,
        why=Text("尚未确定交易结构（D1–D9）", "the deal's structure (D1–D9) is not known"),
        how=Text("运行 tigertally deal structure", "run tigertally deal structure"),
    ),
    "inventory": Condition(
        sides=_SELLER,
        holds=lambda work: work.inventory() is not None,
        why=Text("没有登记 90 天内的数据清单", "no inventory of the last 90 days is on record"),
        how=Text("扫描并登记：tigertally discover --record", "scan and record: tigertally discover --record"),
    ),
    "inventory_unread": Condition(
        sides=_SELLER,
        holds=_inventory_read,
        why=Text("清单中有未能读完的对象", "the inventory has objects that could not be read"),
        how=Text(
            "处理读不了的对象后重新扫描，或由两人说明理由后豁免",
            "deal with what could not be read and scan again, or have two persons waive it for a reason",
        ),
        waivable=True,
    ),
    "parties": Condition(
        sides=_BOTH,
        holds=_parties,
        why=Text("对方的指纹尚未经两人核对，或名片已变更", "the other party is not confirmed, or its card changed"),
        how=Text("运行 tigertally deal confirm", "run tigertally deal confirm"),
    ),
    "agreement": Condition(
        sides=_BOTH,
        holds=_agreement,
        why=Text("没有双方签署且在有效期内的协议", "no agreement signed by both is in force"),
        how=Text("由双方签署：tigertally deal invite / accept", "have both sign: tigertally deal invite / accept"),
    ),
    "sad_purged": Condition(
        sides=_SELLER,
        holds=_sad_purged,
        why=Text(
            "最新清单中的敏感验证数据或明文密码尚未全部清除",
            "sensitive authentication data or clear passwords of the newest inventory are not all purged",
        ),
        how=Text("在计划中全部设为清除并执行", "have the plan purge all of them, and carry it out"),
        nearer=_unpurged,
    ),
    "sealed": Condition(
        sides=_SELLER,
        holds=_sealed,
        why=Text("封存未完成，或数量核对不上", "sealing is not finished, or its counts do not add up"),
        how=Text("按现行计划封存：tigertally seal", "seal by the present plan: tigertally seal"),
    ),
    "protected": Condition(
        sides=_SELLER,
        holds=_protected,
        why=Text("没有按同一计划生成受保护副本", "no protected copy is written by the same plan"),
        how=Text("运行 tigertally protect", "run tigertally protect"),
    ),
    "released": Condition(
        sides=_BOTH,
        holds=lambda work: work.fact(RELEASED) is not None,
        why=Text("没有双方签署且在有效期内的移交许可", "no release signed by both is in force"),
        how=Text("运行 tigertally release propose / countersign", "run tigertally release propose / countersign"),
    ),
    "received": Condition(
        sides=_BOTH,
        holds=lambda work: work.fact(RECEIVED) is not None,
        why=Text("没有经核验的移交回执", "there is no verified receipt of the handover"),
        how=Text("由受让方接收并签署回执", "have the buyer receive the bundle and sign the receipt"),
    ),
    "destroyed": Condition(
        sides=_SELLER,
        holds=lambda work: work.fact(DESTROYED) is not None,
        why=Text("本方数据尚未销毁并出具证明", "our data is not destroyed and certified"),
        how=Text("由两人执行销毁：tigertally destroy", "have two persons destroy it: tigertally destroy"),
    ),
    "not_destroyed": Condition(
        sides=_BOTH,
        holds=_not_destroyed,
        why=Text(
            "转让方的数据已经销毁，此时终止交易会使客户数据灭失",
            "the seller's data is destroyed; ending the deal now would lose the customers' data",
        ),
        how=Text("完成交割，进入 S8", "finish the closing and enter S8"),
    ),
    "route": Condition(
        sides=_SELLER,
        holds=_route,
        why=Text(
            "没有针对本结构和现行规则的法律路径", "there is no legal route for this structure and the present rules"
        ),
        how=Text(
            "回答问题并由两人确定：tigertally deal route decide",
            "answer the questions, and have two persons decide it: tigertally deal route decide",
        ),
    ),
    "counsel_signoff": Condition(
        sides=_SELLER,
        holds=_signed_off,
        why=Text("律师尚未就现行法律路径签署意见", "counsel has not signed off the present route"),
        how=Text(
            "请律师签署（tigertally deal route opinion），再登记：tigertally deal route take",
            "have counsel sign (tigertally deal route opinion), then tigertally deal route take",
        ),
    ),
    "closing_notice": _not_built(
        "停业公示满 30 日（电子商务法第 16 条）", "thirty days' notice of closing (E-Commerce 16)"
    ),
    "contract_consents": _not_built(
        "合同相对方的同意（民法典第 555 条）", "consent to transferring contracts (Civil Code 555)"
    ),
    "disposal_plan": _not_built(
        "重要数据处置方案的报告（网数条例第 32 条）", "the reported disposal plan (Network Data 32)"
    ),
    "expiry_left": _not_built("卡有效期不移交", "card expiry dates are left behind"),
    "gdpr_basis": _not_built("欧盟居民信息的移交依据", "the basis for residents of the EU (GDPR)"),
    "officer_filed": _not_built("个人信息保护负责人的报送", "the filing of the officer for personal information"),
    "officer_named": _not_built("个人信息保护负责人的指定", "the naming of an officer for personal information"),
    "pboc_data_rules": _not_built("人民银行数据安全要求的核对", "the central bank's rules on data"),
    "retained_records": _not_built(
        "身份和交易记录的移交（反洗钱法第 34 条）", "the hand-over of kept records (AML 34)"
    ),
    "small_handler_forms": _not_built(
        "小型处理者的简化表格（第 25 号令）", "the short forms for small handlers (Order 25)"
    ),
    "user_information_plan": _not_built("用户资金和信息处理方案", "the plan for users' funds and information (PSP 14)"),
    "impact_assessment": _not_built("个人信息保护影响评估（个保法第 55 条）", "the impact assessment (PIPL 55)"),
    "notices": _not_built("客户告知的送达情况（N1/N2）", "delivery of the notices to customers (N1/N2)"),
    "drill": _not_built("12 个月内的应急演练", "an incident drill within 12 months", _BOTH),
    "consents": _not_built("客户单独同意的覆盖情况", "coverage of customers' separate consents"),
    "split_map": _not_built("分立的记录划分表", "the map of which records go where"),
    "clean_shell": _not_built("“净壳”证明", "the clean-shell certificate"),
    "regulator_approval": _not_built("人民银行的批准", "the central bank's approval", _BOTH),
    "export_route": _not_built("个人信息出境路径", "the route for the export of personal information"),
    "acquirer_letter": _not_built("收单机构的书面同意", "the acquirer's letter", _BOTH),
}

WAIVABLE: Final = frozenset(code for code, condition in CONDITIONS.items() if condition.waivable)
