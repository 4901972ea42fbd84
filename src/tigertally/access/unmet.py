"""Every condition by its code: what it asks, what is said when it does not hold, how to meet it, who may waive it.

A waivable condition rests on a measure that an organisation may have elsewhere, or not yet; two persons may waive it
for some actions, with a reason and an end. Who somebody is, what another person approved and what is never shown is
not waivable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tigertally.access.asking import Unmet
from tigertally.base.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """``title`` is what it asks; ``why`` what does not hold; ``how`` to meet it."""

    title: Text
    why: Text
    how: Text
    waivable: bool = False


_ASK_GRANT: Final = Text(
    "先申请 tigertally grant ask，再由另一人批准 tigertally grant approve",
    "ask with tigertally grant ask; another person approves with tigertally grant approve",
)
_NO_WAY: Final = Text("无法满足", "cannot be met")

ALL: Final[Mapping[str, Condition]] = {
    "action": Condition(
        title=Text("操作在策略表中", "the action is in the policy table"),
        why=Text("策略表中没有这个操作", "the policy table does not have this action"),
        how=_NO_WAY,
    ),
    "role": Condition(
        title=Text("有该操作所需的角色", "a role for this action"),
        why=Text("此人没有该操作所需的角色", "the person has no role for this action"),
        how=Text(
            "由负责人分配角色，或由有角色的同事操作", "have the lead assign a role, or ask a colleague who has it"
        ),
    ),
    "frozen": Condition(
        title=Text("此人未被冻结", "the person is not frozen"),
        why=Text("此人已被冻结", "the person is frozen"),
        how=Text("由合规审批人调查后解除", "a compliance officer has to lift it after looking into it"),
    ),
    "service": Condition(
        title=Text("服务账户有效，有人负责", "a service in force, for which somebody answers"),
        why=Text("服务账户已终止、过期，或负责人已离开", "the service ended, or nobody answers for it"),
        how=Text("由两人重新建立：tigertally service add", "have two persons make it anew: tigertally service add"),
    ),
    "service_fits": Condition(
        title=Text(
            "操作、字段、目的和交易在服务账户的清单中", "an act, classes, purpose and deal on the service's lists"
        ),
        why=Text(
            "操作、字段、目的或交易不在该服务账户的清单中",
            "the act, a class, the purpose or the deal is not on the service's lists",
        ),
        how=Text(
            "由人操作，或由两人建立清单不同的服务账户：tigertally service add",
            "have a person do it, or two persons make a service with other lists: tigertally service add",
        ),
    ),
    "service_left": Condition(
        title=Text("服务账户当日次数未用完", "a service with some of today's number left"),
        why=Text("服务账户当日的次数不足", "the service has not enough left of today's number"),
        how=Text("明天（UTC）再试，或由人操作", "wait for tomorrow (UTC), or have a person do it"),
    ),
    "factor": Condition(
        title=Text("第二因素在有效时间内", "a fresh second factor"),
        why=Text("第二因素验证已过期或缺失", "the second factor is missing or too old"),
        how=Text("运行 tigertally confirm 姓名，输入新动态码", "run tigertally confirm NAME with a new one-time code"),
    ),
    "factor_bound": Condition(
        title=Text("第二因素是为这一操作本身出示的", "a second factor shown for exactly this act"),
        why=Text("第二因素不是为这一操作出示的", "the second factor was not shown for exactly this act"),
        how=Text(
            "运行 tigertally confirm 姓名 --act 摘要（摘要见本次拒绝）",
            "run tigertally confirm NAME --act DIGEST, with the digest that this refusal names",
        ),
    ),
    "factor_strong": Condition(
        title=Text("防钓鱼的第二因素", "a phishing-resistant second factor"),
        why=Text("第二因素不防钓鱼", "the second factor does not resist phishing"),
        how=Text(
            "以通行密钥出示：tigertally confirm 姓名 --browser（先以 tigertally me passkey 登记）；"
            "尚不具备的，由两人豁免：tigertally policy waive factor_strong",
            "show a passkey with tigertally confirm NAME --browser (register one with tigertally me passkey); "
            "without any have two persons waive it: tigertally policy waive factor_strong",
        ),
        waivable=True,
    ),
    "trained": Condition(
        title=Text("培训合格且未过期", "training in force"),
        why=Text("没有有效的培训合格记录", "no valid training on record"),
        how=Text("完成 tigertally people train 的测验", "pass the quiz of tigertally people train"),
        waivable=True,
    ),
    "screened": Condition(
        title=Text("背景审查通过且未过期", "screening in force"),
        why=Text("没有有效的背景审查记录", "no valid screening on record"),
        how=Text(
            "由另一位同事登记审查结果：tigertally people screen",
            "have another person record it: tigertally people screen",
        ),
        waivable=True,
    ),
    "pledged": Condition(
        title=Text("保密承诺有效", "a confidentiality pledge in force"),
        why=Text("没有签署有效的保密承诺", "no confidentiality pledge in force"),
        how=Text("运行 tigertally people pledge", "run tigertally people pledge"),
    ),
    "grant": Condition(
        title=Text("另一人批准的授权，目的、字段、次数、时间均相符", "a grant by another person that fits"),
        why=Text("没有授权", "there is no grant"),
        how=_ASK_GRANT,
    ),
    "grant_waits": Condition(
        title=Text("授权已由另一人批准", "a grant that another person approved"),
        why=Text("授权尚待另一人批准", "the grant waits for another person's approval"),
        how=Text(
            "请负责人或合规审批人运行 tigertally grant approve",
            "have a lead or an officer run tigertally grant approve",
        ),
    ),
    "grant_person": Condition(
        title=Text("授权属于此人，并由另一人批准", "a grant of one's own that another person approved"),
        why=Text("授权不属于此人，或未经另一人批准", "the grant is somebody else's, or no other person approved it"),
        how=_ASK_GRANT,
    ),
    "grant_time": Condition(
        title=Text("授权在有效时间内", "a grant within its time box"),
        why=Text("授权不在有效时间内", "the grant is outside of its time box"),
        how=_ASK_GRANT,
    ),
    "grant_fits": Condition(
        title=Text(
            "授权涵盖该操作、目的、交易、范围和字段", "a grant for this action, purpose, deal, scope and field classes"
        ),
        why=Text(
            "授权的操作、目的、交易、范围或字段不符",
            "the grant is for another action, purpose, deal, scope, or for other field classes",
        ),
        how=_ASK_GRANT,
    ),
    "grant_left": Condition(
        title=Text("授权还有剩余次数", "a grant with enough uses left"),
        why=Text("授权的剩余次数不足", "the grant has not enough uses left"),
        how=_ASK_GRANT,
    ),
    "second_person": Condition(
        title=Text("第二人批准了这一操作本身", "a second person approved exactly this act"),
        why=Text("需要第二人批准这一操作", "a second person has to approve exactly this"),
        how=Text(
            "请另一位负责人或合规审批人运行 tigertally approve",
            "have another lead or officer run tigertally approve",
        ),
    ),
    "agreement": Condition(
        title=Text("保密协议涵盖所请求的字段", "an agreement in force that covers the field classes"),
        why=Text("没有涵盖这些字段的有效保密协议", "no agreement in force covers these field classes"),
        how=Text(
            "由双方签署协议：tigertally deal invite / accept", "have both parties sign: tigertally deal invite / accept"
        ),
    ),
    "agreed_purpose": Condition(
        title=Text("保密协议写明目的，且包含此目的", "an agreement that names its purposes, this one among them"),
        why=Text("保密协议没有写明这个目的", "the agreement does not name this purpose"),
        how=Text(
            "由双方修订协议：tigertally deal invite / accept",
            "have both parties amend it: tigertally deal invite / accept",
        ),
    ),
    "agreed_person": Condition(
        title=Text("此人已签署现行协议文本", "the agreement in force signed by the person"),
        why=Text("此人没有签署现行的协议文本", "the person has not signed the agreement that is in force"),
        how=Text("由本人阅读并签署：tigertally deal sign", "read and sign it oneself: tigertally deal sign"),
    ),
    "stage": Condition(
        title=Text("交易阶段允许此操作", "a stage of the deal that permits this"),
        why=Text("交易阶段不允许此操作", "the deal's stage does not permit this"),
        how=Text("先推进交易：tigertally deal stage", "move the deal on first: tigertally deal stage"),
    ),
    "class": Condition(
        title=Text("该类字段可以显示", "field classes that are ever shown"),
        why=Text("该类字段从不显示", "this class of field is never shown"),
        how=_NO_WAY,
    ),
    "clear_stage": Condition(
        title=Text("本方在此阶段可以查看明文", "a stage at which this side sees clear values"),
        why=Text("在此交易阶段，本方不能查看明文", "at this stage of the deal this side sees no clear values"),
        how=Text("交割后由受让方查看", "after closing the buyer is the one who can"),
    ),
    "volume": Condition(
        title=Text(
            "一天内查看的数量低于刑事门槛的一半，或有第二人批准",
            "less seen within a day than half of what is a crime to provide, or a second person's approval",
        ),
        why=Text(
            "一天内查看的数量已达警戒线（法释 2017 年第 10 号第五条的一半）",
            "too much was seen within a day (half of what 法释 (2017) No. 10, art. 5, counts as serious)",
        ),
        how=Text(
            "等待，或请另一位负责人或合规审批人批准这一次：tigertally approve",
            "wait, or have another lead or officer approve this one: tigertally approve",
        ),
    ),
    "reviewed": Condition(
        title=Text("半年内有另一人复核过此人的权限", "access that somebody else reviewed within half a year"),
        why=Text("此人的权限超过半年未复核", "nobody reviewed the person's access within half a year"),
        how=Text(
            "由另一位负责人或合规审批人运行 tigertally people review",
            "have another lead or officer run tigertally people review",
        ),
        waivable=True,
    ),
    "key": Condition(
        title=Text("密钥在有效期内", "a key within its period"),
        why=Text("该范围的密钥已过有效期", "the key of this scope is past its period"),
        how=Text("由两人轮换密钥：tigertally keys rotate", "have two persons rotate it: tigertally keys rotate"),
        waivable=True,
    ),
    "checked": Condition(
        title=Text("台账近期核对无误", "a ledger that was checked lately and is sound"),
        why=Text("台账超过 31 天未核对，或核对发现问题", "the ledger was not found sound within 31 days"),
        how=Text("运行 tigertally fsck", "run tigertally fsck"),
        waivable=True,
    ),
    "witnessed": Condition(
        title=Text(
            "台账近期由该交易策略所要求的见证方会签",
            "a ledger that enough witnesses by this deal's policy cosigned lately",
        ),
        why=Text(
            "按该交易的见证策略，台账近 31 天内没有足够的见证方会签",
            "by this deal's witness policy not enough witnesses cosigned the ledger within 31 days",
        ),
        how=Text(
            "由两人设定策略 tigertally ledger quorum，再运行 tigertally ledger cosign；没有见证方的，由两人豁免："
            "tigertally policy waive",
            "have two persons set the policy (tigertally ledger quorum), then run tigertally ledger cosign; without "
            "witnesses have two persons waive it: tigertally policy waive",
        ),
        waivable=True,
    ),
}

UNMET: Final[Mapping[str, Unmet]] = {
    code: Unmet(condition=code, why=found.why, how=found.how) for code, found in ALL.items()
}
UNREADABLE: Final[Mapping[str, Unmet]] = {
    code: Unmet(
        condition=code,
        why=Text("该条件的数据无法解读", "what this condition rests on cannot be read"),
        how=Text("运行 tigertally fsck 并检查系统时钟", "run tigertally fsck and check the clock"),
    )
    for code in ALL
}
WAIVABLE: Final = frozenset(code for code, found in ALL.items() if found.waivable)
