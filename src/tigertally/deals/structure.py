"""Deal structures D1–D9: what each is, whether customers' data moves, by which legal route, and what it asks first.

A table of code, because each row decides which conditions stand at the closing gate. Source: law facts §3; routes
are a summary with article numbers, not legal advice. The structure itself is recorded as a fact: a row edited in
the database changes no gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tigertally.base.text import Text
from tigertally.formats.dealpapers import Structure


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureRule:
    """One structure. ``conditions`` are codes of :mod:`~tigertally.deals.conditions` asked before closing (S7)."""

    title: Text
    moves_data: Text
    route: Text
    before: Text
    conditions: tuple[str, ...] = ()


STRUCTURES: Final[dict[Structure, StructureRule]] = {
    Structure.D1: StructureRule(
        title=Text("股权转让", "share sale"),
        moves_data=Text(
            "本身不移交：法人主体不变；受让方集团取得访问即构成提供",
            "not by itself: the legal person stays; access by the buyer's group is providing",
        ),
        route=Text(
            "名称、联系方式或目的变更时更新告知（个保法第 17 条）；集团访问按第 23 条或第 21 条",
            "update the notice if name, contact or purpose change (PIPL 17); group access under art. 23 or 21",
        ),
        before=Text(
            "隐私告知版本已更新；依据登记之前，受让方人员访问名单为空",
            "the privacy notice is updated; the buyer's access list is empty until a basis is recorded",
        ),
        conditions=("notices",),
    ),
    Structure.D2: StructureRule(
        title=Text("资产或业务转让", "asset or business sale"),
        moves_data=Text("移交给新的处理者", "yes, to a new handler"),
        route=Text(
            "个保法第 23 条：告知接收方名称、联系方式、目的、方式和种类，并取得单独同意；"
            "合同转让另须相对方同意（民法典第 555 条）",
            "PIPL 23: name, contact, purpose, method, categories, and separate consent; contracts need consent too"
            " (Civil Code 555)",
        ),
        before=Text(
            "每条记录有单独同意或经律师确认的其他依据；其余留存或删除",
            "each record has separate consent or another basis confirmed by counsel; the rest stays or is deleted",
        ),
        conditions=("notices", "consents"),
    ),
    Structure.D3: StructureRule(
        title=Text("合并", "merger"),
        moves_data=Text("移交给合并后的主体", "yes, to the merged entity"),
        route=Text(
            "个保法第 22 条：告知接收方名称和联系方式，接收方继续履行义务；变更目的或方式须重新取得同意",
            "PIPL 22: tell the recipient's name and contact; it carries on the duties; a new purpose needs new consent",
        ),
        before=Text("转移告知（N1）已送达并有凭证", "the transfer notice (N1) is delivered, with proof"),
        conditions=("notices",),
    ),
    Structure.D4: StructureRule(
        title=Text("分立", "split"),
        moves_data=Text("移交给分立后的主体", "yes, to the entities after the split"),
        route=Text("同合并：个保法第 22 条", "as a merger: PIPL 22"),
        before=Text(
            "转移告知（N1）已送达，并有记录划分表", "the transfer notice (N1) is delivered, and a map of who gets what"
        ),
        conditions=("notices", "split_map"),
    ),
    Structure.D5: StructureRule(
        title=Text("解散、清算或破产", "dissolution, liquidation or bankruptcy"),
        moves_data=Text("移交或删除", "transfer or deletion"),
        route=Text(
            "移交按个保法第 22 条，否则按第 47 条删除；法定保存期未满的仅存储",
            "PIPL 22 if transferred, else deletion under art. 47; storage only while a retention term runs",
        ),
        before=Text("删除或移交证明", "a certificate of erasure or of handover"),
        conditions=("notices",),
    ),
    Structure.D6: StructureRule(
        title=Text("空壳或执照转让", "shell or licence sale"),
        moves_data=Text("不应有任何客户信息", "there should be none"),
        route=Text("证明不存在客户个人信息", "prove that there is no customer data"),
        before=Text(
            "“净壳”证明：数据清单为空，商户号、域名、小程序和云账户已关闭或列明",
            "a clean-shell certificate: empty inventory; merchant ids, domains, apps, accounts closed or listed",
        ),
        conditions=("clean_shell",),
    ),
    Structure.D7: StructureRule(
        title=Text("持牌支付机构转让", "sale of a licensed payment institution"),
        moves_data=Text("须先获批", "only after approval"),
        route=Text(
            "须经人民银行批准（非银行支付机构条例第 13 条）；许可证本身不得转让（第 16 条）",
            "the central bank approves first (PSP regulation 13); the licence itself cannot be sold (16)",
        ),
        before=Text("批准文件及其摘要", "the approval document and its digest"),
        conditions=("notices", "regulator_approval"),
    ),
    Structure.D8: StructureRule(
        title=Text("境外受让方或境外资料室", "foreign buyer or offshore data room"),
        moves_data=Text("构成出境", "yes, an export"),
        route=Text(
            "个保法第 38–40 条：安全评估、标准合同或认证之一，另须单独同意",
            "PIPL 38–40: one of assessment, standard contract or certification, and separate consent",
        ),
        before=Text("出境路径登记之前，数据不离开境内", "no data leaves the country until the route is recorded"),
        conditions=("notices", "consents", "export_route"),
    ),
    Structure.D9: StructureRule(
        title=Text("商户或收单合同转让", "merchant or acquiring contract"),
        moves_data=Text("原则上不可转让", "not assignable by default"),
        route=Text(
            "与收单机构另订协议；留存卡仅以令牌在支付机构之间迁移",
            "a new agreement with the acquirer; cards on file move as tokens between payment institutions only",
        ),
        before=Text("收单机构的书面同意", "the acquirer's letter"),
        conditions=("notices", "acquirer_letter"),
    ),
}
