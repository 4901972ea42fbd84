"""Kinds of facts about deals that the gates consume, besides the two that access declares.

Subject: the deal's id; an inventory may also be about the organisation (its party id), a confirmation is about the
counterparty. The facts of the handover (``handover.*``) are declared a floor above and read here by name.
Who records them computes their numbers; :mod:`~tigertally.deals.records` states them.
"""

from __future__ import annotations

from typing import Final

from tigertally.base.text import Text
from tigertally.ledger import register_fact

INVENTORY_RECORDED: Final = register_fact(
    "deals.inventory",
    Text("已登记数据清单", "an inventory is on record"),
    digest=str, objects=int, findings=int, unread=int,
)  # fmt: skip
STRUCTURE_ANSWERED: Final = register_fact(
    "deals.structure", Text("已确定交易结构", "the deal's structure is known"), structure=str
)
PARTY_CONFIRMED: Final = register_fact(
    "deals.party_confirmed", Text("对方指纹已核对", "the party's fingerprint was confirmed"), fingerprint=str
)
SAD_PURGED: Final = register_fact(
    "deals.sad_purged",
    Text("敏感验证数据和明文密码已有去处", "sensitive authentication data and clear passwords are dealt with"),
    plan=str, inventory=str, purged=int, unresolved=int,
)  # fmt: skip
SEALED: Final = register_fact(
    "deals.sealed",
    Text("数据已封存并核对数量", "the data is sealed and counted"),
    plan=str, subjects=int, found=int, sealed=int, rejected=int,
)  # fmt: skip
PROTECTED: Final = register_fact(
    "deals.protected",
    Text("已生成受保护副本", "protected copies are written"),
    plan=str, objects=int, left_out=int, unknown=int,
)  # fmt: skip
WAIVED: Final = register_fact(
    "deals.waived",
    Text("经两人批准豁免一项条件", "two persons waived a condition"),
    condition=str, reason=str, document=str, asker=str, approver=str,
)  # fmt: skip
ROUTE_DECIDED: Final = register_fact(
    "deals.route",
    Text("已确定法律路径", "the legal route is decided"),
    route=str, structure=str, rules=str, asks=list, advises=list, asker=str, approver=str,
)  # fmt: skip
PARTY_ENGAGED: Final = register_fact(
    "deals.party_engaged", Text("某方已受聘参与交易", "a party is engaged in a role"), role=str, fingerprint=str
)
RULE_CONFIRMED: Final = register_fact(
    "deals.rule_confirmed",
    Text("律师确认了未核实的规则", "counsel confirmed rules that nobody verified"),
    opinion=str, counsel=str, rules=list,
)  # fmt: skip
SIGNED_OFF: Final = register_fact(
    "deals.signed_off",
    Text("律师已签署意见", "counsel signed off"),
    opinion=str, counsel=str, fingerprint=str, route=str, rules=list,
)  # fmt: skip
TASK_DONE: Final = register_fact(
    "deals.task_done", Text("交易的待办已完成", "a task of a deal was done"), task=str, document=str
)

# Declared by the wing of the handover; what a gate reads of them is listed there.
RELEASED: Final = "handover.released"
RECEIVED: Final = "handover.received"
DESTROYED: Final = "handover.destroyed"
