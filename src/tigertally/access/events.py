"""Event kinds of access. Payloads hold ids, codes and counts."""

from __future__ import annotations

from typing import Final

from tigertally.base.text import Text
from tigertally.ledger import register_event

# Under this name the ledger's roll counts the decisions that used a grant or an approval.
USED: Final = "access.used"
# And under this one the decisions that gave a clear value to a person on a day.
GIVEN: Final = "access.given"
# Under this one, what a service did on a day; and a token that worked once.
SERVED: Final = "access.served"
ONCE: Final = "access.once"

PERSON_ADDED: Final = register_event("access.person.added", Text("增加人员", "a person was added"), "person", "roles")
PERSON_CHANGED: Final = register_event(
    "access.person.changed", Text("变更角色", "roles were changed"), "person", "roles"
)
PERSON_MOVED: Final = register_event(
    "access.person.moved",
    Text("人员失去角色，会话和授权结束", "a person lost a role; sessions and grants ended"),
    "person",
    "sessions",
    "grants",
)
PERSON_DISABLED: Final = register_event(
    "access.person.disabled", Text("停用人员", "a person was disabled"), "person", "sessions"
)
LOGIN_SUCCEEDED: Final = register_event(
    "access.login.succeeded", Text("登录成功", "a login succeeded"), "person", "factor"
)
LOGIN_FAILED: Final = register_event(
    "access.login.failed", Text("登录失败", "a login failed"), "person", "failures", "locked"
)
FACTOR_SHOWN: Final = register_event(
    "access.factor.shown", Text("再次验证第二因素", "the second factor was shown again"), "person", "factor"
)
PERSON_ENROLLED: Final = register_event("access.person.enrolled", Text("本人完成登记", "a person enrolled"), "person")
PERSON_RESET: Final = register_event(
    "access.person.reset", Text("重置口令与第二因素", "a person's means of signing in were reset"), "person", "sessions"
)
FACTOR_REPLACED: Final = register_event(
    "access.factor.replaced", Text("更换第二因素", "the second factor was replaced"), "person"
)
PASSPHRASE_REPLACED: Final = register_event(
    "access.passphrase.replaced", Text("更换口令", "the passphrase was replaced"), "person", "sessions"
)
RECOVERY_USED: Final = register_event(
    "access.recovery.used", Text("使用恢复码", "a recovery code was used"), "person", "left"
)
SESSIONS_ENDED: Final = register_event(
    "access.sessions.ended", Text("结束会话", "sessions were ended"), "person", "sessions"
)
SERVICE_SHOWN: Final = register_event(
    "access.service.shown", Text("服务账户验证身份", "a service showed who it is"), "service", "owner", "key"
)
PROVIDER_SHOWN: Final = register_event(
    "access.provider.shown",
    Text("登录服务确认了身份", "the sign-in provider said who somebody is"),
    "issuer",
    "identity",
    "person",
    "second",
)
GLASS_BROKEN: Final = register_event(
    "access.glass.broken",
    Text("紧急破窗", "the glass was broken"),
    "glass", "person", "minutes", "reason", "by", "approver",
)  # fmt: skip
GLASS_REVIEWED: Final = register_event(
    "access.glass.reviewed",
    Text("破窗已复核", "a broken glass was reviewed"),
    "glass", "person", "verdict", "by", "approver",
)  # fmt: skip
GRANT_ASKED: Final = register_event(
    "access.grant.asked",
    Text("申请授权", "a grant was asked for"),
    "grant",
    "person",
    "action",
    "classes",
    "purpose",
    "deal",
    "scope",
    "uses",
    "length_s",
)
GRANT_APPROVED: Final = register_event(
    "access.grant.approved",
    Text("批准授权", "a grant was approved"),
    "grant",
    "asker",
    "approver",
    "action",
    "classes",
    "purpose",
    "deal",
    "scope",
    "uses",
    "from",
    "until",
)
APPROVAL_ASKED: Final = register_event(
    "access.approval.asked",
    Text("请求第二人批准", "a second person was asked"),
    "approval",
    "action",
    "digest",
    "person",
)
APPROVAL_GIVEN: Final = register_event(
    "access.approval.given",
    Text("第二人已批准", "a second person approved"),
    "approval",
    "action",
    "digest",
    "asker",
    "approver",
    "until",
)
DECISION_MADE: Final = register_event(
    "access.decision.made",
    Text("访问决定", "an access decision"),
    "decision",
    "person",
    "action",
    "classes",
    "count",
    "purpose",
    "deal",
    "act",
    "allowed",
    "unmet",
    "waived",
    "facts",
    "policy",
    "inputs",
)
