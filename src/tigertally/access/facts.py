"""Kinds of facts that the decision consumes. Wings above state them; here is what each must hold.

Subjects: a person's id, a deal's id, or a key's id. Values are checked when stated and again when read. Two kinds
are this floor's own: what roles a person has and when a session's second factor was shown, so that neither can be
had by editing a row (``identities``).
"""

from __future__ import annotations

from typing import Final

from tigertally.base.text import Text
from tigertally.ledger import register_fact

PERSON_TRAINED: Final = register_fact(
    "people.trained", Text("培训合格", "passed the training"), course=str, version=int, score=int
)
PERSON_SCREENED: Final = register_fact(
    "people.screened", Text("背景审查通过", "passed the screening"), by=str, outcome=str
)
PERSON_PLEDGED: Final = register_fact(
    "people.pledged", Text("已签保密承诺", "signed the confidentiality pledge"), text_digest=str, version=int
)
PERSON_FROZEN: Final = register_fact("people.frozen", Text("已冻结", "frozen"), reason=str)
AGREEMENT_IN_FORCE: Final = register_fact(
    "deals.agreement_in_force",
    Text("保密协议生效", "the agreement is in force"),
    agreement=str,
    digest=str,
    classes=list,
    purposes=list,
)
# Subject: the person; ``digest`` is of the very text. A new version is another text, so it has to be signed anew.
AGREEMENT_SIGNED: Final = register_fact(
    "deals.agreement_signed", Text("本人已签署协议", "a person signed the agreement"), deal=str, digest=str
)
DEAL_STAGE: Final = register_fact("deals.stage", Text("交易阶段", "the deal's stage"), stage=str, side=str)
KEY_ACTIVE: Final = register_fact(
    "vault.key_active", Text("密钥在有效期内", "the key is within its period"), key=str, version=int
)

# What holds for the whole installation has this subject.
INSTALLATION: Final = "installation"
LEDGER_CHECKED: Final = register_fact(
    "ledger.checked", Text("台账核对无误", "the whole ledger was checked and is sound"), size=int
)
LEDGER_WITNESSED: Final = register_fact(
    "ledger.witnessed",
    Text("台账已由足够的见证方会签", "enough witnesses cosigned the ledger"),
    size=int,
    witnesses=list,
    policy=str,
)
# Subject: a deal, or the installation for what belongs to none. ``policy`` is a C2SP tlog-policy; SHA-256 of it.
LEDGER_QUORUM: Final = register_fact(
    "ledger.quorum",
    Text("见证策略", "the witness policy"),
    policy=str,
    digest=str,
    by=str,
    approver=str,
)
CONDITION_WAIVED: Final = register_fact(
    "access.waived",
    Text("经两人批准豁免一项决定条件", "two persons waived a condition of decisions"),
    condition=str,
    actions=list,
    reason=str,
    by=str,
    approver=str,
)

# What an organisation asks beyond the shipped rules; see ``rules``.
RULES_IN_FORCE: Final = register_fact(
    "access.rules",
    Text("本组织的规则", "the organisation's own rules"),
    version=int,
    document=str,
    digest=str,
    by=str,
    approver=str,
)

# Who looked at a person's access; see ``reviews``.
PERSON_REVIEWED: Final = register_fact("access.reviewed", Text("权限已复核", "the access was reviewed"), by=str)
# Subject: the person it was broken for; and the installation while nobody reviewed it. See ``glass``.
GLASS_BROKEN: Final = register_fact(
    "access.glass", Text("紧急破窗访问", "the glass is broken"), reason=str, by=str, approver=str
)
GLASS_OPEN: Final = register_fact(
    "access.glass_open", Text("破窗待复核", "a broken glass waits for its review"), glass=int, person=str
)
GRANT_ENDED: Final = register_fact("access.grant_ended", Text("授权提前终止", "the grant was ended"), reason=str)
DUTY_OPEN: Final = register_fact(
    "access.duty", Text("待办义务", "something is to be done"), duty=str, person=str, because=str
)

# A person's key, and a challenge that waits for its answer; see ``passkeys``.
PASSKEY: Final = register_fact(
    "access.passkey", Text("通行密钥", "a passkey"), credential=str, algorithm=int, key=str, count=int, origin=str
)
PASSKEY_ASKED: Final = register_fact(
    "access.passkey_asked", Text("等待通行密钥", "a passkey was asked for"), challenge=str, use=str, act=str, origin=str
)

# Programs that act here, and the keys that they sign with; subject: the service. See ``services``.
SERVICE: Final = register_fact(
    "access.service",
    Text("服务账户", "a service"),
    called=str, owner=str, actions=list, classes=list, purposes=list, deal=str, daily=int, by=str, approver=str,
)  # fmt: skip
SERVICE_KEY: Final = register_fact(
    "access.service_key",
    Text("服务账户的密钥", "a service's key"),
    id=str, algorithm=str, key=str, by=str, approver=str,
)  # fmt: skip

# An organisation's sign-in provider, and who is whom there (a digest; subject: the person). See ``providers``.
PROVIDER: Final = register_fact(
    "access.provider",
    Text("登录服务", "the sign-in provider"),
    issuer=str, client=str, secret=str, algorithms=list, acr=list, amr=list, by=str, approver=str,
)  # fmt: skip
PERSON_BOUND: Final = register_fact(
    "access.bound", Text("可经登录服务登录", "can sign in through the provider"), identity=str, by=str, approver=str
)

# Roles in order, with commas between them; "" for somebody who was disabled. The newest one counts.
PERSON_ROLES: Final = register_fact("access.roles", Text("人员角色", "a person's roles"), roles=str)
# Subject: the person. ``session`` is the digest of the token; from when the factor was shown to the session's end.
# ``factor`` is its kind; ``act`` the digest of the one act that it was shown for, "" if for any.
FACTOR_SHOWN: Final = register_fact(
    "access.factor", Text("会话的第二因素", "a session's second factor"), session=str, factor=str, act=str, device=str
)
# Digests of codes that the person has; see ``enrolment``.
PERSON_ENROLS: Final = register_fact("access.enrols", Text("可凭登记码登记", "can enrol with a code"), digest=str)
RECOVERY_CODES: Final = register_fact("access.recovery", Text("恢复码", "recovery codes"), digests=list)
