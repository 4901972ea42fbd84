"""The commands: which room has each, and what it does in a line. In the order that a newcomer needs them.

Help is made from this list, so that it need not load the rooms.
"""

from __future__ import annotations

from typing import Final

from tigertally.base.text import Text

ROOMS: Final[dict[str, tuple[str, Text]]] = {
    "demo": ("demo", Text("一家虚构公司的完整转让演示", "a fictional company is sold, from start to proof")),
    "discover": (
        "discovery",
        Text("查找客户支付信息（不需要安装实例）", "find customer payment data (no installation needed)"),
    ),
    "verify": (
        "verify",
        Text("离线核验文件与证明（不需要安装实例）", "verify files and proofs offline (no installation needed)"),
    ),
    "verifier": ("verify", Text("把验证器写成单个文件", "write the verifier as a single file")),
    "init": ("installation", Text("创建安装实例", "make an installation")),
    "enrol": ("me", Text("凭登记码登记", "enrol with a code")),
    "login": ("sessions", Text("登录", "log in")),
    "whoami": ("sessions", Text("当前以谁的身份、还缺什么", "who acts, and what they still need")),
    "logout": ("sessions", Text("退出登录", "log out")),
    "confirm": ("sessions", Text("再次出示第二因素", "show the second factor again")),
    "me": ("me", Text("本人：口令、因素、恢复码、设备", "oneself: passphrase, factors, recovery codes, devices")),
    "people": ("people", Text("人员、培训、审查、承诺", "people, training, screening, pledges")),
    "service": ("service", Text("服务账户：建立、列出、换密钥、终止", "services: make, list, change keys, end")),
    "provider": (
        "provider",
        Text("登录服务（OpenID Connect）：信任、绑定人员", "sign-in provider (OpenID Connect): trust, bind people"),
    ),
    "approve": ("approving", Text("作为第二人批准", "be the second person")),
    "plan": ("sealing", Text("封存计划：提议、检查", "the sealing plan: propose, check")),
    "seal": ("sealing", Text("把客户数据封存入库", "seal customers into the vault")),
    "protect": ("sealing", Text("生成以令牌代替明文的受保护副本", "write a protected copy with tokens")),
    "in-place": ("inplace", Text("就地把线上数据库改写为令牌", "rewrite a live database to tokens, in place")),
    "show": ("vault", Text("打码显示记录", "show a record, masked")),
    "find": ("vault", Text("按值查找客户", "find who holds a value")),
    "duplicates": ("vault", Text("多少值由多名客户共有", "how many values several customers share")),
    "respell": ("vault", Text("为旧数据建立不论写法的索引", "index old names and numbers by any spelling")),
    "reveal": ("vault", Text("查看一个明文值", "reveal one clear value")),
    "reveal-many": ("vault", Text("把一批明文值写入文件", "write many clear values to a file")),
    "customer": (
        "customer",
        Text(
            "一位客户：验证支付密码、替换值、历史", "one customer: verify a payment password, replace a value, history"
        ),
    ),
    "grant": ("vault", Text("授权：申请、批准", "grants: ask, approve")),
    "glass": ("glass", Text("紧急破窗与复核", "breaking the glass, and its review")),
    "keys": ("keys", Text("密钥：列出、轮换、换套件", "keys: list, rotate, change suites")),
    "custody": ("custody", Text("根密钥由谁保管：移动、多人份额", "who keeps the root key: move, shares")),
    "backup": ("backup", Text("备份与删除清单", "backups, and the list of what was erased")),
    "restore": ("backup", Text("从备份恢复到空目录", "restore a backup into an empty folder")),
    "erase": ("holds", Text("由两人删除一位客户", "erase one customer, by two persons")),
    "hold": ("holds", Text("法律保全与仅限存储", "legal holds, and storage-only")),
    "retention": ("retention", Text("保存期限：规则、到期清点、删除", "retention: rules, who is past them, erasing")),
    "canary": ("canaries", Text("诱饵记录：设置、撤回", "canaries: plant, withdraw")),
    "trace": ("canaries", Text("追查泄露的文件出自谁", "tell whose file leaked")),
    "deal": ("deals", Text("交易：对方、邀请、协议、阶段", "deals: parties, invitations, agreements, stages")),
    "release": ("handover", Text("双方签署的放行书", "the release that both sign")),
    "bundle": ("handover", Text("为受让方写出移交包", "write the bundle for the buyer")),
    "receive": ("handover", Text("受让方接收并核验移交包", "the buyer receives and verifies it")),
    "receipt": ("handover", Text("转让方收下回执", "the seller accepts the receipt")),
    "processor": ("processors", Text("为支付处理机构写出加密文件", "sealed files for payment processors")),
    "copies": ("copies", Text("已登记的副本", "copies that are registered")),
    "destroy": ("handover", Text("凭回执由两人销毁", "destroy against the receipt, by two persons")),
    "certificate": ("handover", Text("销毁证书：核实、会签", "the certificate: validate, keep")),
    "closing-book": ("closing", Text("交割卷：一个文件夹，离线核验", "the closing book: one folder, checked offline")),
    "ledger": ("ledger", Text("台账：检查点、证明、导出", "the ledger: checkpoints, proofs, export")),
    "feed": ("feed", Text("外送台账：syslog、OCSF、webhook", "feed the ledger: syslog, OCSF, webhook")),
    "policy": (
        "policy",
        Text("访问规则：更改、模拟、文本、豁免", "the rules of access: change, simulate, text, waive"),
    ),
    "why": ("why", Text("解释一次访问决定", "explain a decision")),
    "witness": (
        "witness",
        Text("见证方：会签台账检查点（不需要安装实例）", "a witness: cosign ledgers (no installation needed)"),
    ),
    "fsck": ("ledger", Text("核对台账", "check the ledger")),
    "migrate": ("installation", Text("升级数据库结构", "upgrade the database's schema")),
    "status": ("installation", Text("二十项措施的状态", "where the twenty measures stand")),
}
