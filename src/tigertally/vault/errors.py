"""Problems of the vault: keys, tokens, records. None carries a value, a token or a customer's key."""

from __future__ import annotations

from tigertally.base.errors import Broken, Conflict, Invalid, Missing, Refused, Unavailable
from tigertally.base.text import Text


class KeeperUnavailable(Unavailable):
    """The root key's keeper does not answer, so nothing can be opened."""

    code = "vault.keeper_unavailable"
    title = Text("根密钥保管处暂不可用（{reason}）", "the keeper of the root key is not available ({reason})")
    hint = Text(
        "恢复密钥保管处后重试；在此之前一切读取都会被拒绝", "bring it back, then retry; until then nothing opens"
    )


class KeeperDenies(Refused):
    """The keeper answers and does not let us in: a wrong, revoked or expired credential, a wrong PIN."""

    code = "vault.keeper_denies"
    title = Text("根密钥保管处拒绝访问（{reason}）", "the keeper of the root key does not let us in ({reason})")
    hint = Text(
        "核对令牌、PIN 或访问密钥是否正确、有效且有权使用该密钥；PIN 连续输错会被锁定",
        "check that the token, PIN or access key is right, valid and may use that key; wrong PINs lock a token",
    )


class KeeperKeyUnusable(Conflict):
    """The keeper lets us in, but its key is disabled, gone, of the wrong kind, or an old version is shut."""

    code = "vault.keeper_key_unusable"
    title = Text("保管处的根密钥不可用（{reason}）", "the keeper's root key cannot be used ({reason})")
    hint = Text(
        "请保管处管理员启用该密钥或放开旧版本；数据没有改变",
        "ask whoever runs the keeper to enable the key or its old version; nothing was changed here",
    )


class KeeperNotBelieved(Broken):
    """The keeper's answer cannot be true: another key's name, an impossible length, not its protocol."""

    code = "vault.keeper_not_believed"
    title = Text("根密钥保管处的答复不可信（{reason}）", "the keeper's answer cannot be believed ({reason})")
    hint = Text(
        "停止使用这个地址，核对它是否被冒充；数据没有改变",
        "stop using that address and check who answers there; nothing was changed here",
    )


class BadKeeper(Invalid):
    """A keeper's settings that make no sense, or an address without TLS to another machine."""

    code = "vault.bad_keeper"
    title = Text("根密钥保管处的设置不对（{what}）", "the keeper's settings are wrong ({what})")
    hint = Text(
        "见 docs/OPERATE.md 的“Custody”；除本机外地址必须是 https://",
        "see Custody in docs/OPERATE.md; an address other than this machine's must be https://",
    )


class CustodyMoved(Conflict):
    """Another keeper keeps the root key since this process opened the installation."""

    code = "vault.custody_moved"
    title = Text("根密钥已改由另一处保管", "the root key has moved to another keeper meanwhile")
    hint = Text(
        "重新打开安装实例（用新的保管处）后再试", "open the installation again, with the new keeper, then retry"
    )


class SameKeeper(Conflict):
    """The keeper that is to take over keeps the root key already."""

    code = "vault.same_keeper"
    title = Text("根密钥已经由这一处保管", "that keeper keeps the root key already")
    hint = Text("没有需要移动的内容；查看：tigertally custody show", "nothing to move; see tigertally custody show")


class KeyNotYet(Refused):
    """The vault key was made later than the clock says it is: the clock went back."""

    code = "vault.key_not_yet"
    title = Text("时钟早于保险库密钥的建立时间", "the clock is behind the making of the vault key")
    hint = Text("校准系统时钟后再试", "set the system's clock right, then retry")


class NotEnoughShares(Refused):
    """Too few holders, by the set's own needs."""

    code = "vault.not_enough_shares"
    title = Text(
        "份额不足：{groups}/{needed}，还缺 {missing}", "not enough shares: {groups} of {needed}; short of {missing}"
    )
    hint = Text("请所缺的持有人提交份额", "ask those holders for their shares")


class RuleUnmet(Refused):
    """Enough shares, but a rule of the set asks for a group that is not among them."""

    code = "vault.rule_unmet"
    title = Text(
        "自 {stage} 阶段起，{group} 的持有人必须参加", "from stage {stage} on, holders of {group} must take part"
    )
    hint = Text("请该组持有人提交份额", "ask that group's holders for their shares")


class SealedRootBroken(Broken):
    """Good shares, but what they should open is not the root key that the set names."""

    code = "vault.sealed_root_broken"
    title = Text("份额说明中密封的根密钥打不开", "the root key that is sealed in the set does not open")
    hint = Text("份额说明文件被改动；取已签署的原件", "the set was altered; fetch the signed original")


class SharesWithoutDeal(Invalid):
    """Rules speak of a deal's stage, and no deal was named."""

    code = "vault.shares_without_deal"
    title = Text("有阶段规则时必须指定交易", "rules about stages need a deal")
    hint = Text("加上 --deal，或去掉 --rule", "add --deal, or leave --rule out")


class NotOfThisPlan(Refused):
    """A share, a dealing or a plan that does not belong to this redistribution."""

    code = "vault.not_of_this_plan"
    title = Text("不属于这次重新分发（{what}）", "not of this redistribution ({what})")
    hint = Text("核对方案、份额说明和份额是否同一次", "see whether plan, set and share belong together")


class DealtWrongly(Refused):
    """What an old holder dealt is not a sharing of the share that they have."""

    code = "vault.dealt_wrongly"
    title = Text("{who} 分发的内容与其份额承诺不符", "what {who} dealt does not fit the share that they hold")
    hint = Text("请该持有人重新分发；不要使用这份文件", "ask them to deal again; do not use that file")


class CustodyClosed(Unavailable):
    """The root key is in shares and nobody has opened custody."""

    code = "vault.custody_closed"
    title = Text("根密钥由多人份额保管，目前未开启", "the root key is in shares, and custody is closed")
    hint = Text("召集足够的持有人：tigertally custody open", "gather enough holders: tigertally custody open")


class OldShareSet(Refused):
    """A set of shares that another has taken the place of, or that this ledger does not know."""

    code = "vault.old_share_set"
    title = Text("这套份额已被取代，或台账中没有", "this set of shares was replaced, or the ledger does not know it")
    hint = Text("使用最新一轮的份额说明和份额", "use the newest set and its shares")


class KeyFileExists(Conflict):
    """There is a file already where a new root key was to go. It is never overwritten."""

    code = "vault.key_file_exists"
    title = Text("根密钥文件已存在，拒绝覆盖", "the root key file exists already and is not overwritten")
    hint = Text(
        "换一个位置；覆盖根密钥会使全部数据无法打开", "choose another place; overwriting a root key loses all data"
    )


class NoKeyFile(Missing):
    """No root key file at that place, or it cannot be read."""

    code = "vault.no_key_file"
    title = Text("找不到或无法读取根密钥文件", "the root key file is missing or cannot be read")
    hint = Text("核对路径和权限，或取回备份", "check the path and its permissions, or fetch the backup")


class NoSuchKey(Missing):
    """No key for that purpose and scope that could be used."""

    code = "vault.no_such_key"
    title = Text("没有可用的密钥（用途 {purpose}）", "there is no usable key for {purpose}")
    hint = Text("密钥尚未建立，或已经销毁", "it was never made, or it was destroyed")


class KeyDoesNotOpen(Broken):
    """A stored key does not open under this root key."""

    code = "vault.key_does_not_open"
    title = Text("密钥（用途 {purpose}）无法用当前根密钥打开", "the {purpose} key does not open under this root key")
    hint = Text("根密钥不是这个库的，或数据库被改动", "the root key is of another vault, or the database was altered")


class KeyOverAge(Refused):
    """The vault key is past its period or its number of uses: it opens, but seals nothing more."""

    code = "vault.key_over_age"
    title = Text("保险库密钥已超过使用期限（{days} 天）", "the vault key is past its period ({days} days)")
    hint = Text("先轮换密钥：tigertally vault rotate", "rotate it first: tigertally vault rotate")


class KeyWornOut(Refused):
    """The vault key has sealed as many keys as one may."""

    code = "vault.key_worn_out"
    title = Text("保险库密钥的加密次数已达上限", "the vault key has sealed as often as one key may")
    hint = Text("先轮换密钥：tigertally vault rotate", "rotate it first: tigertally vault rotate")


class KeyNotActive(Conflict):
    """The opened vault key was rotated or destroyed by somebody else meanwhile."""

    code = "vault.key_not_active"
    title = Text("保险库密钥已被轮换或销毁", "the vault key was rotated or destroyed meanwhile")
    hint = Text("重新打开保险库后再试", "open the vault again, then retry")


class KeyInUse(Conflict):
    """Records are still wrapped by the key that was to be destroyed."""

    code = "vault.key_in_use"
    title = Text("仍有 {records} 条记录在使用这把密钥", "{records} records still use this key")
    hint = Text("先完成重新包裹，再销毁旧密钥", "finish re-wrapping first, then destroy the old key")


class BadScope(Invalid):
    """A scope's name that is not 1–40 of a–z, 0–9, dash."""

    code = "vault.bad_scope"
    title = Text("范围名须为 1–40 个小写字母、数字或横线", "a scope's name is 1–40 lower-case letters, digits, dashes")


class SadRefused(Refused):
    """Sensitive authentication data or a clear password: never kept, not even encrypted (PCI DSS 3.3.1)."""

    code = "vault.sad_refused"
    title = Text("拒绝保存：{field} 属于不得留存的数据", "refused: {field} must never be kept")
    hint = Text("在计划中将其设为 purge（清除）", "make it purge in the plan")


class NoSuchToken(Missing):
    """No such token in this scope."""

    code = "vault.no_such_token"
    title = Text("没有这个令牌", "no such token")
    hint = Text("核对令牌和所属范围", "check the token and its scope")


class NoSuchSubject(Missing):
    """No such customer in this scope, or no such field of theirs."""

    code = "vault.no_such_subject"
    title = Text("没有这个客户或字段", "no such customer, or no such field")
    hint = Text("核对客户标识和所属范围", "check the identifier and its scope")


class CardTokensSettled(Conflict):
    """A scope's cards have tokens of one kind already, and the plan asks for the other."""

    code = "vault.card_tokens_settled"
    title = Text("该范围的卡号令牌已定为 {kind}", "the cards of this scope have {kind} tokens already")
    hint = Text(
        "封存到新的范围，或在计划中与之一致（token）", "seal into a new scope, or let the plan say the same (token)"
    )


class RecordBroken(Broken):
    """A stored record does not open, or is not what was sealed."""

    code = "vault.record_broken"
    title = Text("保险库中的记录未通过校验", "a record in the vault fails its check")
    hint = Text(
        "停止操作并保留现场；从备份恢复后核对", "stop, keep everything as it is, restore from a backup and compare"
    )


class SubjectDiffers(Conflict):
    """An imported customer exists here already with other values."""

    code = "vault.subject_differs"
    title = Text("客户 {subject} 已存在且内容不同", "customer {subject} exists here already, with other values")
    hint = Text("导入到新的范围，或核对两次交付的清单", "import into a new scope, or compare the two deliveries")


class TokenClash(Conflict):
    """An imported token stands for another value here, or an imported value has another token here."""

    code = "vault.token_clash"
    title = Text("导入的令牌与本范围已有令牌冲突", "an imported token clashes with one of this scope")
    hint = Text("导入到新的范围", "import into a new scope")


class TokenNotAccepted(Invalid):
    """An imported token that is not of the form of its class: it could carry what it should hide."""

    code = "vault.token_not_accepted"
    title = Text("{field} 的令牌格式不符", "a token of {field} does not have the form of tokens")
    hint = Text("要求对方重新生成交付包", "ask the sender to make the bundle again")


class ValueNotAccepted(Invalid):
    """An imported value that this vault would not seal."""

    code = "vault.value_not_accepted"
    title = Text("{field} 的值不符合要求（{reason}）", "a value of {field} is not acceptable ({reason})")
    hint = Text("要求对方核对数据后重新生成交付包", "ask the sender to check the data and make the bundle again")


class SeveralValues(Invalid):
    """A customer has several values of the class, and it was not said which."""

    code = "vault.several_values"
    title = Text("客户有多个这类值（位置 {slots}）", "the customer has several values of this class (slots {slots})")
    hint = Text("用 --slot 指明位置；tigertally show --json 列出", "say --slot; tigertally show --json lists them")


class SameValue(Conflict):
    """The new value is one that the customer has already."""

    code = "vault.same_value"
    title = Text("客户已经有这个值", "the customer has this value already")
    hint = Text("没有需要替换的内容", "nothing is to be replaced")


class RecordFull(Conflict):
    """The record has no room for the new value beside the old one."""

    code = "vault.record_full"
    title = Text("这条记录的值已满", "the customer's record is full")
    hint = Text("先删除这位客户再重新封存", "erase the customer, then seal them anew")


class TooManyTries(Refused):
    """A customer's password was tried too often."""

    code = "vault.too_many_tries"
    title = Text("尝试次数过多，{minutes} 分钟后再试", "too many tries; the next in {minutes} minutes")
    hint = Text(
        "核实对方身份后可用 tigertally customer update 设置新密码",
        "once it is known who asks, tigertally customer update sets a new password",
    )


class PasswordWrong(Refused):
    """The password is not that customer's, or there is no such customer or password: deliberately not told apart."""

    code = "vault.password_wrong"
    title = Text("密码未通过验证", "the password was not verified")
    hint = Text(
        "客户、密码是否存在不会告知；多次失败后须等待",
        "whether there is such a customer or password is not told; after some failures the next try has to wait",
    )


class BadTail(Invalid):
    """What cards are to be found by is not four digits."""

    code = "vault.bad_tail"
    title = Text("卡号末四位应为四位数字", "the last four of a card are four digits")


class CardTooShort(Refused):
    """A card so short that its first six digits would give it away, and whatever is no card."""

    code = "vault.card_too_short"
    title = Text("不能显示前六位：不是卡号，或卡号太短", "no first six: this is no card, or too short a one")


class KeyReturns(Conflict):
    """A backup in which a destroyed key still opens records, of a scope that goes on."""

    code = "vault.key_returns"
    title = Text(
        "备份里有 {records} 条记录只能用后来已销毁的密钥打开",
        "{records} records of the backup open only by a key that was destroyed later",
    )
    hint = Text("改用销毁该密钥之后的备份", "restore a backup made after that key was destroyed")


class OnHold(Refused):
    """Something under a legal hold was to be erased or destroyed."""

    code = "vault.on_hold"
    title = Text(
        "法律保全中，不得删除或销毁（{what}，依据 {reason}，台账第 {entry} 条）",
        "a legal hold forbids to erase or destroy this ({what}, ground {reason}, entry {entry})",
    )
    hint = Text("由两人解除后再做：tigertally hold lift", "two persons lift it first: tigertally hold lift")


class StorageOnly(Refused):
    """Data that may only be stored was to be processed."""

    code = "vault.storage_only"
    title = Text(
        "仅限存储，不得作其他处理（依据 {reason}，台账第 {entry} 条）",
        "this may only be stored, not processed (ground {reason}, entry {entry})",
    )
    hint = Text(
        "由两人解除（tigertally hold lift --storage-only），或删除该客户",
        "two persons lift that (tigertally hold lift --storage-only), or erase the customer",
    )


class AlreadyHeld(Conflict):
    """The same hold stands already."""

    code = "vault.already_held"
    title = Text("已有同样的保全", "this hold stands already")


class NotHeld(Missing):
    """No such hold stands."""

    code = "vault.not_held"
    title = Text("没有这样的保全", "no such hold stands")
    hint = Text("查看：tigertally hold list", "see tigertally hold list")


class BadRetention(Invalid):
    """Rules of retention, or an event, that make no sense."""

    code = "vault.bad_retention"
    title = Text("保存期限规则或事件有误（{where}）", "the rules of retention, or the event, are not valid ({where})")
    hint = Text("见 docs/formats/retention.md", "see docs/formats/retention.md")


class NoRetention(Missing):
    """No rules of retention are in force."""

    code = "vault.no_retention"
    title = Text("没有现行的保存期限规则", "no rules of retention are in force")
    hint = Text(
        "先查看并修改自带规则：tigertally retention show --shipped > retention.toml，再 tigertally retention set",
        "edit the shipped ones: tigertally retention show --shipped > retention.toml, then tigertally retention set",
    )


class RetentionOtherwise(Conflict):
    """The customers who are past their retention, or the rules, are not those of the plan."""

    code = "vault.retention_otherwise"
    title = Text(
        "到期的客户或规则已与该计划不同", "the customers that are due, or the rules, are not those of this plan"
    )
    hint = Text("重新查看：tigertally retention run", "look again: tigertally retention run")


class AlreadyPlanted(Conflict):
    """A recipient's canaries stand already."""

    code = "vault.already_planted"
    title = Text("该接收者已有诱饵", "this recipient has canaries already")
    hint = Text("先撤回：tigertally canary withdraw", "withdraw them first: tigertally canary withdraw")


class NoCanaryShape(Conflict):
    """No record of the scope looks like something that can be made."""

    code = "vault.no_canary_shape"
    title = Text("没有可仿照的记录，诱饵会被认出", "no record here can be imitated, so canaries would stand out")


class NotPlanted(Missing):
    """A recipient has no canaries."""

    code = "vault.not_planted"
    title = Text("该接收者没有诱饵", "this recipient has no canaries")
    hint = Text("查看：tigertally canary list", "see tigertally canary list")


class CanariesStand(Conflict):
    """Customers who are nobody would be handed over."""

    code = "vault.canaries_stand"
    title = Text(
        "仍有诱饵记录（{recipients}），不能移交", "canaries stand ({recipients}): nothing is handed over with them"
    )
    hint = Text("由两人撤回：tigertally canary withdraw", "two persons withdraw them: tigertally canary withdraw")
