"""Problems of access."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tigertally.base.errors import Broken, Conflict, Invalid, Missing, Refused, Unavailable
from tigertally.base.text import Text

if TYPE_CHECKING:
    from tigertally.access.asking import Decision, Request


class NotAllowed(Refused):
    """The decision was no. ``decision`` lists every unmet condition and how to meet it."""

    code = "access.not_allowed"
    title = Text("不允许：{count} 项条件未满足", "not allowed; conditions not met: {count}")
    hint = Text("逐项满足后重试", "meet each of them, then try again")

    def __init__(self, decision: Decision, request: Request) -> None:
        super().__init__(count=len(decision.unmet))
        self.decision = decision
        self.request = request
        self.approval = ""  # set by app.verbs when a second person was asked
        self.entry: int | None = None  # and this, when the refusal was recorded


class NoSuchDecision(Missing):
    """The entry is no decision, or its content was erased."""

    code = "access.no_such_decision"
    title = Text(
        "台账第 {entry} 条不是访问决定，或内容已擦除", "entry {entry} is no decision, or its content was erased"
    )
    hint = Text("用 tigertally ledger log 查找条目", "find the entry with tigertally ledger log")


class LoginFailed(Refused):
    """Wrong name, passphrase or code; deliberately not told apart."""

    code = "access.login_failed"
    title = Text("登录失败", "login failed")
    hint = Text("核对用户名、口令和动态码", "check the name, the passphrase and the one-time code")


class Locked(Refused):
    """Too many failures."""

    code = "access.locked"
    title = Text("账户已锁定，{minutes} 分钟后再试", "locked; try again in {minutes} minutes")


class NotLoggedIn(Refused):
    """No session, or it ended."""

    code = "access.not_logged_in"
    title = Text("{handle} 未登录或会话已过期", "{handle} is not logged in, or the session ended")
    hint = Text("运行 tigertally login {handle}", "run tigertally login {handle}")


class NoSuchPerson(Missing):
    """No person of that name."""

    code = "access.no_such_person"
    title = Text("没有这个人员", "no such person")


class PersonExists(Conflict):
    """The handle is taken."""

    code = "access.person_exists"
    title = Text("用户名 {handle} 已存在", "the name {handle} is taken")


class BadHandle(Invalid):
    """A handle that is not 2–32 of a–z, 0–9, dot, dash."""

    code = "access.bad_handle"
    title = Text(
        "用户名须为 2–32 个小写字母、数字、点或横线", "a name is 2–32 lower-case letters, digits, dots, dashes"
    )


class WeakPassphrase(Invalid):
    """Too short."""

    code = "access.weak_passphrase"
    title = Text("口令太短，至少 {chars} 个字符", "the passphrase is too short; at least {chars} characters")
    hint = Text("用几个不相关的词组成一句", "use a few unrelated words")


class NoSuchGrant(Missing):
    """No grant with that id."""

    code = "access.no_such_grant"
    title = Text("没有这个授权", "no such grant")


class NoSuchApproval(Missing):
    """No approval request with that id."""

    code = "access.no_such_approval"
    title = Text("没有这个审批请求", "no such approval request")


class AlreadySettled(Conflict):
    """A grant or approval request that is no longer open."""

    code = "access.already_settled"
    title = Text("该请求已处理或已过期", "that request was settled already, or it expired")


class SamePerson(Refused):
    """The second person must be somebody else."""

    code = "access.same_person"
    title = Text("第二人不能与第一人相同", "the second person cannot be the first")
    hint = Text("请另一位有权限的同事操作", "ask another colleague with the right role")


class BadGrant(Invalid):
    """A grant request out of bounds."""

    code = "access.bad_grant"
    title = Text("授权请求超出允许范围（{what}）", "the grant request is out of bounds ({what})")


class RowNotProved(Broken):
    """A row of this floor says what no entry of the ledger says."""

    code = "access.row_not_proved"
    title = Text(
        "数据库中的{what}没有台账依据，可能被改动",
        "a row ({what}) is not what the ledger says; it may have been edited",
    )
    hint = Text("停止操作，运行 tigertally fsck，并保留现场", "stop, run tigertally fsck, and keep everything as it is")


class NotWaivable(Invalid):
    """A condition that nobody may waive, or that does not exist."""

    code = "access.not_waivable"
    title = Text("条件 {condition} 不可豁免", "the condition {condition} cannot be waived")


class BadWaiver(Invalid):
    """A waiver for no action, or for too long."""

    code = "access.bad_waiver"
    title = Text("豁免无效（{what}）", "the waiver is not valid ({what})")
    hint = Text("写明操作，期限 1 至 90 天", "name the actions, for 1 to 90 days")


class GuessablePassphrase(Invalid):
    """A run of neighbours, a repetition, or one or two words that everybody uses."""

    code = "access.guessable_passphrase"
    title = Text("口令太容易猜到", "the passphrase is too easily guessed")
    hint = Text(
        "用几个不相关的词组成一句，不要用常见词、姓名、键盘顺序或重复",
        "use a few unrelated words; no common word, name, key walk or repetition",
    )


class BreachedPassphrase(Invalid):
    """It is in the organisation's list of breached passphrases."""

    code = "access.breached_passphrase"
    title = Text("该口令已在泄露的口令清单中", "the passphrase is in the list of breached ones")
    hint = Text("换一个从未用过的口令", "choose one that was never used anywhere")


class BreachedListBroken(Unavailable):
    """There is a list of breached passphrases, and it cannot be read."""

    code = "access.breached_list_broken"
    title = Text("无法读取泄露口令清单（{what}）", "the list of breached passphrases cannot be read ({what})")
    hint = Text(
        "修复或移走安装目录中的 breached-passphrases",
        "repair breached-passphrases in the installation's folder, or move it away",
    )


class NoEnrolment(Refused):
    """Wrong name or code, used, replaced or too old; deliberately not told apart."""

    code = "access.no_enrolment"
    title = Text("登记码无效", "the enrolment code is not valid")
    hint = Text(
        "核对用户名和登记码；失效的由负责人重发：tigertally people reset",
        "check the name and the code; a lead gives a new one with tigertally people reset",
    )


class NoSuchDevice(Missing):
    """No open session of one's own with that id."""

    code = "access.no_such_device"
    title = Text("没有这个会话", "no such session of yours")


class BadRules(Invalid):
    """A document of rules that names an unknown action, member, role or stage."""

    code = "access.bad_rules"
    title = Text("规则文件有误（{where}）", "the rules are not valid ({where})")
    hint = Text(
        "只写操作及其成员，见 docs/formats/rules.md", "name actions and members only; see docs/formats/rules.md"
    )


class ViewForbids(Refused):
    """A class of values of which the person's roles see too little for what was asked."""

    code = "access.view_forbids"
    title = Text("你的角色不能这样查看 {field}", "your roles do not see so much of {field}")
    hint = Text("查看规则：tigertally policy show", "see the rules: tigertally policy show")


class RulesLoosen(Invalid):
    """A document of rules that asks less than the shipped ones."""

    code = "access.rules_loosen"
    title = Text(
        "规则只能更严：{where} 比自带的宽松", "rules can only be stricter: {where} asks less than the shipped one"
    )
    hint = Text(
        "暂时不能满足的条件由两人豁免：tigertally policy waive",
        "have two persons waive for a time what cannot be met: tigertally policy waive",
    )


class BadGlass(Invalid):
    """A glass for too long."""

    code = "access.bad_glass"
    title = Text("破窗最长 {minutes} 分钟", "a glass is broken for at most {minutes} minutes")


class GlassNotReviewed(Conflict):
    """One that was broken waits for its review."""

    code = "access.glass_not_reviewed"
    title = Text("上一次破窗尚未复核", "a glass that was broken before waits for its review")
    hint = Text("由另外两人复核：tigertally glass review", "have two other persons review it: tigertally glass review")


class NoSuchGlass(Missing):
    """No glass that waits for a review has that number."""

    code = "access.no_such_glass"
    title = Text("没有这个待复核的破窗", "no such glass waits for a review")


class ReviewedOtherwise(Conflict):
    """The row is not the one that was looked at."""

    code = "access.reviewed_otherwise"
    title = Text("复核的不是现在的这一行", "the row is not the one that was looked at")
    hint = Text("运行 tigertally people review 查看后再确认", "look at it with tigertally people review, then keep it")


class NoSuchService(Missing):
    """No service of that name is in force, or it has no such key."""

    code = "access.no_such_service"
    title = Text("没有这个服务账户，或已终止、过期", "no such service, or it ended")
    hint = Text("运行 tigertally service list", "see tigertally service list")


class ServiceExists(Conflict):
    """The name is taken by a service in force."""

    code = "access.service_exists"
    title = Text("服务账户 {name} 已存在", "there is a service {name} already")
    hint = Text("先终止它：tigertally service end", "end it first: tigertally service end")


class BadService(Invalid):
    """A service whose name, lists, numbers or keys are out of bounds."""

    code = "access.bad_service"
    title = Text("服务账户超出允许范围（{what}）", "the service is out of bounds ({what})")
    hint = Text("允许的范围见 docs/formats/assertion.md", "docs/formats/assertion.md says what is allowed")


class AssertionUsed(Refused):
    """A token that worked once already."""

    code = "access.assertion_used"
    title = Text("该断言已用过一次", "that assertion was used already")
    hint = Text("每个命令签一个新的断言（新的 jti）", "sign a new one, with a new jti, for every command")


class AssertionRefused(Refused):
    """A service's token that does not hold; ``where`` is the first thing wrong with it."""

    code = "access.assertion_refused"
    title = Text("服务账户的断言无效（{where}）", "the service's assertion does not hold ({where})")
    hint = Text("断言须满足的条件见 docs/formats/assertion.md", "docs/formats/assertion.md says what must hold")


class NotForServices(Refused):
    """Something that only a person does."""

    code = "access.not_for_services"
    title = Text("此操作只能由人完成", "this is for a person to do, not for a service")


class NoPasskeyChallenge(Refused):
    """No passkey was asked for, the challenge is over, or the person has no such key; deliberately not told apart."""

    code = "access.no_passkey_challenge"
    title = Text("没有等待中的通行密钥请求", "no passkey is being waited for")
    hint = Text(
        "先登记：tigertally me passkey；再出示：tigertally confirm 姓名 --browser",
        "register one with tigertally me passkey; show it with tigertally confirm NAME --browser",
    )


class BadProvider(Invalid):
    """A sign-in provider that is not described as one; ``what`` is out of bounds."""

    code = "access.bad_provider"
    title = Text("登录服务写法不对：{what}", "the sign-in provider is not right: {what}")
    hint = Text(
        "地址须为 https（本机可用 http），不带查询；见 tigertally provider trust --help",
        "its address is https (http on this machine only), without a query; see tigertally provider trust --help",
    )


class NoProvider(Missing):
    """No sign-in provider is trusted, or no longer that one."""

    code = "access.no_provider"
    title = Text("没有可信任的登录服务", "no sign-in provider is trusted")
    hint = Text("由两人运行 tigertally provider trust", "two persons run tigertally provider trust")


class NotBound(Refused):
    """The provider said who somebody is, and that is not this person here."""

    code = "access.not_bound"
    title = Text("登录服务中的身份未与此人绑定", "this identity at the provider is not bound to this person")
    hint = Text(
        "把 {identity} 当面告诉负责人；由两人运行 tigertally provider bind 姓名 --identity …",
        "tell the lead in person: {identity}; two persons then run tigertally provider bind NAME --identity …",
    )


class IdentityBound(Conflict):
    """One identity is one person's."""

    code = "access.identity_bound"
    title = Text("该身份已绑定他人", "this identity is bound to somebody else")
    hint = Text("先解除：tigertally provider unbind 姓名", "unbind it first: tigertally provider unbind NAME")


class ProviderRefused(Refused):
    """What a provider said does not hold; ``where`` is the first thing wrong with it."""

    code = "access.provider_refused"
    title = Text("登录服务的答复无效（{where}）", "what the sign-in provider said does not hold ({where})")
    hint = Text(
        "重新登录；多次如此，请核对服务的设置（docs/formats/idtoken.md）",
        "sign in again; if it happens again, check the provider's settings (docs/formats/idtoken.md)",
    )


class ProviderSilent(Unavailable):
    """A provider does not answer as one; ``where`` is at what."""

    code = "access.provider_silent"
    title = Text("登录服务没有正常答复（{where}）", "the sign-in provider does not answer as one ({where})")
    hint = Text("稍后再试；有口令者可用口令登录", "try again later; who has a passphrase can sign in with it")
