"""What an act that waits for a second person is, in words: nobody should agree to a digest they cannot read.

Every action and every member of its description has a title here; a member without one is shown by its own name, so
that nothing of what is approved is left out. What stands behind the digest of a destruction is looked up anew: if it is
not what would be destroyed now, that is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tigertally.access import Action
from tigertally.base.canon import Json
from tigertally.base.text import Text, printable
from tigertally.cli.paperwords import Words, classes, counts, literal
from tigertally.formats.party import GROUP_CHARS
from tigertally.handover import DestructionPlan, Fate

ACTION_TITLES: Final[Mapping[Action, Text]] = {
    Action.PEOPLE_MANAGE: Text("添加人员或更改角色", "add a person or change roles"),
    Action.PEOPLE_SENIOR: Text("更改高级角色的人员", "add or change a person with a senior role"),
    Action.PEOPLE_ATTEST: Text("确认人员的培训或审查", "attest a person's training or screening"),
    Action.DISCOVERY_RECORD: Text("记录一次查找的结果", "record what a scan found"),
    Action.SEAL: Text("把客户数据封存入库", "seal customers' data into the vault"),
    Action.PROTECT: Text("写出受保护副本", "write a protected copy"),
    Action.REWRITE: Text("就地把线上数据库改写为令牌", "rewrite a live database to tokens, in place"),
    Action.REWRITE_UNDO: Text("把就地改写的明文还原", "put the clear values of a live database back"),
    Action.REWRITE_COMMIT: Text("提交就地改写（此后不可还原）", "commit a rewriting in place: nothing can be put back"),
    Action.VIEW: Text("查看打码记录", "look at masked records"),
    Action.REVEAL: Text("查看一个明文值", "reveal one clear value"),
    Action.REVEAL_MANY: Text("把一批明文值写入文件", "write many clear values to a file"),
    Action.REVEAL_PART: Text("查看一个值的一部分", "reveal part of a value"),
    Action.PASSWORD_VERIFY: Text("验证客户的支付密码", "verify a customer's payment password"),
    Action.UPDATE: Text("替换客户的一个值", "replace a customer's value"),
    Action.ERASE: Text("永久删除客户的数据", "erase a customer's data for good"),
    Action.ROTATE: Text("轮换密钥或更换算法套件", "rotate keys or change their suite"),
    Action.CUSTODY: Text("更改根密钥的保管方式", "change who keeps the root key"),
    Action.CUSTODY_OPEN: Text("用份额打开根密钥", "open the root key with shares"),
    Action.BACKUP: Text("备份", "make a backup"),
    Action.HOLD_PLACE: Text("设置保全", "place a hold"),
    Action.HOLD_LIFT: Text("解除保全", "lift a hold"),
    Action.RETENTION_SET: Text("设定保存期限规则", "set the rules of retention"),
    Action.RETENTION_EVENT: Text("登记保存期限起算事件", "state an event from which a retention runs"),
    Action.RETENTION_RUN: Text(
        "永久删除已过保存期限的客户", "erase the customers that are past their retention, for good"
    ),
    Action.CANARY_PLANT: Text("设置诱饵记录", "plant canaries"),
    Action.CANARY_WITHDRAW: Text("撤回并删除诱饵记录", "withdraw canaries, which erases them"),
    Action.CANARY_TRACE: Text("追查泄露的文件", "trace a leaked file"),
    Action.GRANT_ASK: Text("申请授权", "ask for a grant"),
    Action.GRANT_APPROVE: Text("批准授权", "approve a grant"),
    Action.APPROVE: Text("作为第二人批准", "be the second person"),
    Action.DEAL_MANAGE: Text("处理交易", "manage a deal"),
    Action.AGREEMENT_SIGN: Text("亲自签署协议", "sign the agreement oneself"),
    Action.PARTY_CONFIRM: Text("确认对方组织的指纹", "confirm the other side's fingerprint"),
    Action.PARTY_ENGAGE: Text("聘任一方参与交易", "engage a party in a role"),
    Action.ROUTE: Text("确定交易的法律路径", "decide the legal route of a deal"),
    Action.STAGE: Text("推进交易阶段", "move a deal to a stage"),
    Action.WAIVE: Text("豁免交易的一项条件", "waive a condition of a deal"),
    Action.CONDITION_WAIVE: Text("豁免一项访问条件", "waive a condition of access"),
    Action.GLASS_BREAK: Text("紧急破窗：暂时放宽访问", "break the glass: wider access for a time"),
    Action.GLASS_REVIEW: Text("复核一次破窗", "review a broken glass"),
    Action.RULES_CHANGE: Text("更改访问规则", "change the rules of access"),
    Action.SELF_MANAGE: Text("更改本人的登录方式", "change one's own way to log in"),
    Action.SERVICE_ADD: Text("建立服务账户，或登记其密钥", "make a service, or register a key of one"),
    Action.SERVICE_END: Text("终止服务账户", "end a service"),
    Action.PROVIDER_TRUST: Text(
        "信任登录服务，或把人员与其中的身份绑定", "trust a sign-in provider, or bind a person to it"
    ),
    Action.RELEASE: Text("签署移交许可（放行）", "sign the release: customers' data may be handed over"),
    Action.BUNDLE: Text("写出移交包", "write the bundle"),
    Action.RECEIVE: Text("接收移交包", "receive the bundle"),
    Action.DESTROY: Text("永久销毁客户数据、密钥和副本", "destroy customers' data, keys and copies for good"),
    Action.LEDGER_READ: Text("查看台账", "read the ledger"),
    Action.QUORUM_SET: Text("设定谁须见证台账", "set who must have witnessed the ledger"),
}
_BY_VALUE: Final = {action.value: title for action, title in ACTION_TITLES.items()}

MEMBER_TITLES: Final[Mapping[str, Text]] = {
    "act": Text("步骤", "step"),
    "actions": Text("适用操作", "for the acts"),
    "answers": Text("问题的答案", "answers to the questions"),
    "adapter": Text("处理机构的格式", "the processor's format"),
    "adapter_digest": Text("该格式的文件（SHA-256）", "the format's file (SHA-256)"),
    "classes": Text("字段", "classes"),
    "client": Text("客户端编号", "client id"),
    "algorithms": Text("签名算法", "signed with"),
    "acr": Text("可作第二因素的 acr", "acr that counts as a second factor"),
    "amr": Text("可作第二因素的 amr", "amr that counts as a second factor"),
    "condition": Text("条件", "condition"),
    "count": Text("数量", "how many"),
    "covers": Text("可涉及的字段", "field classes it may touch"),
    "daily": Text("每天最多几位客户", "customers a day at most"),
    "days": Text("天数", "days"),
    "deal": Text("交易", "deal"),
    "document": Text("证明文件（SHA-256）", "the paper that shows it (SHA-256)"),
    "draft": Text("份额方案（SHA-256）", "the draft of the shares (SHA-256)"),
    "epoch": Text("轮次", "epoch"),
    "event": Text("事件", "event"),
    "fingerprint": Text("指纹（请与对方口头报出的核对）", "fingerprint (compare with what they read out)"),
    "for_deal": Text("限于交易", "in this deal"),
    "from": Text("出让份额的席位", "seats that give"),
    "glass": Text("破窗的台账条目", "ledger entry of the broken glass"),
    "handle": Text("人员", "person"),
    "held": Text("因保全而留下的客户", "customers left because of holds"),
    "key": Text("公钥指纹（RFC 7638，请核对）", "the public key's thumbprint (RFC 7638; compare)"),
    "identity": Text("登录服务中的身份（SHA-256，请与本人核对）", "identity there (SHA-256; compare with the person)"),
    "issuer": Text("登录服务", "the provider"),
    "kind": Text("种类", "kind"),
    "minutes": Text("分钟", "minutes"),
    "on": Text("日期", "on"),
    "owner": Text("负责人", "who answers for it"),
    "party": Text("对方", "the other side"),
    "place": Text("数据库地址（SHA-256）", "address of the database (SHA-256)"),
    "plan": Text("计划（SHA-256）", "plan (SHA-256)"),
    "policy": Text("见证策略（SHA-256）", "the witness policy (SHA-256)"),
    "purposes": Text("可用目的", "purposes"),
    "purpose": Text("目的", "purpose"),
    "quorum": Text("须会签", "who must cosign"),
    "reason": Text("理由", "reason"),
    "recipient": Text("接收者或接收密钥", "recipient, or recipient key"),
    "refuse": Text("触碰时不予显示", "kept from whoever touches them"),
    "release": Text("移交许可（SHA-256），可用 deal read 阅读", "the release (SHA-256); deal read shows it"),
    "role": Text("角色", "role"),
    "roles": Text("角色", "roles"),
    "rules": Text("规则文件（SHA-256）", "the document of rules (SHA-256)"),
    "scope": Text("数据范围", "scope"),
    "secret": Text("客户端密钥", "client secret"),
    "service": Text("服务账户", "service"),
    "structure": Text("结构", "structure"),
    "set": Text("份额集", "set of shares"),
    "settings": Text("新的保管设置（SHA-256）", "the new keeper's settings (SHA-256)"),
    "suite": Text("算法套件", "suite"),
    "to": Text("改为", "to"),
    "tokens": Text("令牌清单（SHA-256）", "the list of tokens (SHA-256)"),
    "unknown": Text("库中没有的值", "values that the vault does not hold"),
    "verdict": Text("结论", "verdict"),
    "version": Text("版本", "version"),
    "what": Text("对象", "what"),
    "witnesses": Text("见证方及其公钥", "witnesses and their keys"),
}


def title_of(action: str) -> Text:
    """Return what an action does."""
    return _BY_VALUE.get(action, Text(literal(action), literal(action)))


def act_words(what: Json, names: Mapping[str, str]) -> Words:
    """Return the members of an act's description. ``names``: of deals and parties by id."""
    if not isinstance(what, dict):
        return [(Text("内容", "what"), printable(str(what)))]
    return [
        (MEMBER_TITLES.get(name, Text(literal(name), literal(name))), _value(name, value, names))
        for name, value in what.items()
        if name != "action"
    ]


def _value(name: str, value: Json, names: Mapping[str, str]) -> str | Text:
    if name == "classes" and isinstance(value, list):
        return classes(map(str, value))
    plain = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if name == "fingerprint":
        return " ".join(plain[at : at + GROUP_CHARS] for at in range(0, len(plain), GROUP_CHARS))
    return printable(f"{names[plain]} ({plain})" if plain in names else plain)


def plan_words(plan: DestructionPlan | None) -> Words:
    """Return what the plan of a destruction destroys; None: the digest is not that of the present plan."""
    if plan is None:
        return [
            (
                Text("注意", "beware"),
                Text(
                    "这不是现在的销毁计划（范围已变、已开始或不存在）；请先运行 tigertally destroy 交易编号 查看",
                    "this is not the plan as it stands (changed, begun, or none); look first: tigertally destroy DEAL",
                ),
            )
        ]
    rows: Words = [
        (Text("将销毁的客户数", "customers to be destroyed"), str(plan.subjects)),
        (Text("将销毁的值", "values to be destroyed"), counts(plan.values)),
        (Text("将销毁的密钥数", "keys to be destroyed"), str(len(plan.keys))),
    ]
    for item in plan.copies:
        gone = item.fate is Fate.DELETE
        fate = Text("副本：删除", "copy: delete") if gone else Text("副本：保留", "copy: keep")
        rows.append((fate, printable(item.place)))
    rows += [(Text("未覆盖", "not covered"), printable(line)) for line in plan.not_covered]
    return rows
