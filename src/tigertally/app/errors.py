"""Problems of the application floor."""

from __future__ import annotations

from typing import Final

from tigertally.base.errors import Broken, Conflict, Invalid, Missing, Unavailable
from tigertally.base.text import Lang, Text

_NOT_THERE: Final = Text("路径不存在", "the path is not there")
_IS_THERE: Final = Text("已经存在，不会覆盖", "it exists already, and is not overwritten")
_NOT_ALLOWED: Final = Text("没有权限", "permission is denied")
_A_FOLDER: Final = Text("是文件夹", "it is a folder")
_NO_FOLDER: Final = Text("路径中有一段不是文件夹", "a part of the path is no folder")
_NO_ROOM: Final = Text("磁盘已满", "the disk is full")
_NO_TEXT: Final = Text("不是 UTF-8 文本", "it is not UTF-8 text")
_SYSTEM: Final = Text("系统拒绝", "the system refuses")
_WHYS: Final = {
    "FileNotFoundError": _NOT_THERE,
    "ENOENT": _NOT_THERE,
    "FileExistsError": _IS_THERE,
    "EEXIST": _IS_THERE,
    "exists": _IS_THERE,
    "PermissionError": _NOT_ALLOWED,
    "EACCES": _NOT_ALLOWED,
    "EPERM": _NOT_ALLOWED,
    "IsADirectoryError": _A_FOLDER,
    "EISDIR": _A_FOLDER,
    "NotADirectoryError": _NO_FOLDER,
    "ENOTDIR": _NO_FOLDER,
    "ENOSPC": _NO_ROOM,
    "UnicodeDecodeError": _NO_TEXT,
    "UTF-8": _NO_TEXT,
    "OSError": _SYSTEM,
    "ConnectionRefusedError": Text("对方拒绝连接", "the connection is refused"),
    "TimeoutError": Text("等待太久", "it took too long"),
    "EIO": Text("磁盘读写出错", "the disk failed"),
    "not empty": Text("不是空文件夹", "it is not an empty folder"),
    "JSON": Text("不是有效的 JSON", "it is not valid JSON"),
}


def _in_words(reason: object, lang: Lang) -> str:
    """Return a reason in words; an exception's name is for programs, a system's code can at least be looked up."""
    spelled = str(reason)
    known = _WHYS.get(spelled) or (_SYSTEM if spelled.endswith("Error") else None)
    return spelled if known is None else known.render(lang)


class NoInstallation(Missing):
    """No installation in that folder."""

    code = "app.no_installation"
    title = Text("{home} 里没有安装实例", "there is no installation in {home}")
    hint = Text("先运行 tigertally init，或用 --home 指定", "run tigertally init first, or name it with --home")


class InstallationExists(Conflict):
    """The folder is taken."""

    code = "app.installation_exists"
    title = Text("{home} 里已经有一个安装实例", "{home} already holds an installation")
    hint = Text("换一个目录，或直接使用它", "choose another folder, or use the one that is there")


class BadSettings(Invalid):
    """The settings file is damaged."""

    code = "app.bad_settings"
    title = Text("设置文件无效（{what}）", "the settings file is not valid ({what})")


class NotShared(Conflict):
    """The root key is not in shares."""

    code = "app.not_shared"
    title = Text("根密钥目前不是由份额保管", "the root key is not in shares")
    hint = Text("查看：tigertally custody show", "see tigertally custody show")


class Unexpected(Broken):
    """Something nobody foresaw; the incident id joins the message, the log and the ledger."""

    code = "app.unexpected"
    title = Text("发生意外错误，事件编号 {incident}", "an unexpected error; incident {incident}")
    hint = Text(
        "没有留下做了一半的更改；请把事件编号告诉管理员",
        "no change was left half done; give the incident's number to your administrator",
    )


class BadDigest(Invalid):
    """What was typed for a digest or a fingerprint cannot be one."""

    code = "app.bad_digest"
    title = Text("应输入 {digits} 位十六进制数字", "{digits} hexadecimal digits are needed")
    hint = Text("请完整复制，或逐组核对后再输入", "copy it whole, or check it group by group and type it again")


class NotReadable(Invalid):
    """A file the user named cannot be read; ``reason`` is an error's name, a number of it, or words of ours."""

    code = "app.not_readable"
    title = Text("无法读取 {path}：{reason}", "cannot read {path}: {reason}")
    hint = Text("检查路径和权限", "check the path and its permissions")

    def say(self, lang: Lang) -> str:
        """Return the title in ``lang``, the reason in words."""
        return self.title.render(lang, **{**self.details, "reason": _in_words(self.details.get("reason"), lang)})


class NotWritable(Invalid):
    """A file or folder the user named cannot be written; ``reason`` as of :class:`NotReadable`."""

    code = "app.not_writable"
    title = Text("无法写入 {path}：{reason}", "cannot write {path}: {reason}")
    hint = Text("检查路径、权限和磁盘空间；未留下半个文件", "check path, permissions and space; no half file was left")

    def say(self, lang: Lang) -> str:
        """Return the title in ``lang``, the reason in words."""
        return self.title.render(lang, **{**self.details, "reason": _in_words(self.details.get("reason"), lang)})


class ManyTokens(Invalid):
    """A list with more tokens than one decision may be about."""

    code = "app.many_tokens"
    title = Text("一次最多 {most} 个令牌", "a list holds at most {most} tokens")
    hint = Text("把清单分成几份，分别申请", "divide the list and ask for each part")


class NoWitness(Missing):
    """No witness in that folder."""

    code = "app.no_witness"
    title = Text("{home} 里没有见证方", "there is no witness in {home}")
    hint = Text("先运行 tigertally witness init", "run tigertally witness init first")


class WitnessExists(Conflict):
    """The folder holds a witness already."""

    code = "app.witness_exists"
    title = Text("{home} 里已经有一个见证方", "{home} already holds a witness")
    hint = Text("换一个目录，或直接使用它", "choose another folder, or use the one that is there")


class BadWitnessName(Invalid):
    """A name that no note key can have."""

    code = "app.bad_witness_name"
    title = Text("见证方名称无效", "this cannot be a witness's name")
    hint = Text(
        "用不含空格和加号的 ASCII 名称，例如 counsel.example/w1",
        "use ASCII without spaces or plus, such as counsel.example/w1",
    )


class WitnessRefused(Conflict):
    """A witness does not cosign; ``why`` in its own words, from a closed list."""

    code = "app.witness_refused"
    title = Text("见证方拒绝会签（{status}：{why}）", "the witness does not cosign ({status}: {why})")
    hint = Text(
        "大小不符时按它给出的大小重新请求；内容矛盾时保留双方文件作为证据",
        "if the size is stale, ask again from the size it has; if the contents contradict, keep both files as evidence",
    )


class NoQuorumPolicy(Missing):
    """Nobody was named who should cosign."""

    code = "app.no_quorum_policy"
    title = Text("没有见证策略：{path}", "there is no witness policy: {path}")
    hint = Text(
        "写一个 C2SP tlog-policy 文件（见 docs/formats/witness.md），由两人设定：tigertally ledger quorum",
        "write a C2SP tlog-policy (docs/formats/witness.md) and have two persons set it: tigertally ledger quorum",
    )


class BadQuorum(Invalid):
    """A witness policy that says too little, or what must not be written down; ``what`` is of a closed list."""

    code = "app.bad_quorum"
    title = Text("见证策略不能采用：{what}", "this witness policy cannot be set: {what}")
    hint = Text(
        "none：不要求任何人；one：交易至少须两个见证方；log：说的是别的台账；name：名称须为字母开头、无长数字；size：过大",
        "none: it asks for nobody; one: a deal needs two witnesses at least; log: it is about another log; name: names "
        "begin with a letter and have no long numbers; size: too large",
    )


class NoQuorum(Conflict):
    """No checkpoint has been cosigned by enough witnesses of a policy."""

    code = "app.no_quorum"
    title = Text(
        "没有达到法定见证数的检查点，最新的缺少：{lacking}",
        "no checkpoint was cosigned by a quorum; the newest lacks: {lacking}",
    )
    hint = Text("运行 tigertally ledger cosign，或请见证方以文件会签", "run tigertally ledger cosign, or carry files")


class LedgerRolledBack(Broken):
    """The database is older than what this folder has seen, or holds another history."""

    code = "app.ledger_rolled_back"
    title = Text(
        "台账只有 {size} 条或历史不同，而本目录曾见过 {seen} 条：数据库被恢复成旧版本，或被改写",
        "the ledger has {size} entries, or others, and this folder has seen {seen}: the database is an older one, or "
        "was rewritten",
    )
    hint = Text(
        "运行 tigertally fsck --kept …；若确实要从备份继续，由负责人删除 ledger.mark（台账会记下此事）",
        "run tigertally fsck --kept …; to go on from a backup on purpose, a lead removes ledger.mark (the ledger will "
        "say so)",
    )


class BadFeeds(Invalid):
    """The file that names the feeds is not as it must be."""

    code = "app.bad_feeds"
    title = Text("feeds.toml 无效（{what}）", "feeds.toml is not valid (at {what})")
    hint = Text("格式见 docs/OPERATE.md 的“外送”", "docs/OPERATE.md, Feeds, says what it holds")


class FeedFailed(Unavailable):
    """A receiver did not take a batch; it will be sent again."""

    code = "app.feed_failed"
    title = Text("外送失败（{why}），稍后重试", "a feed failed ({why}); it is tried again")

    def say(self, lang: Lang) -> str:
        """Return the title in ``lang``, the reason in words."""
        return self.title.render(lang, **{**self.details, "why": _in_words(self.details.get("why"), lang)})


class BeatBroken(Unavailable):
    """The schedule that keeps the beat has stopped."""

    code = "app.beat_broken"
    title = Text(
        "哨兵条目中断：第 {number} 次之后已 {minutes} 分钟没有新的",
        "the beat stopped: number {number} was {minutes} minutes ago",
    )
    hint = Text("检查定时任务和台账是否可写", "see whether the scheduler runs and the ledger can be written")


class SeenNothing(Conflict):
    """A restore without anything that tells how far the ledger had come."""

    code = "app.seen_nothing"
    title = Text(
        "没有可对照的证据：无法知道此备份之后是否删除过客户或密钥",
        "nothing to compare with: nobody can tell whether customers or keys were erased after this backup",
    )
    hint = Text(
        "给出 --mark、--checkpoint 或 --erasures；确实没有时用 --nothing-kept，台账会记下",
        "give --mark, --checkpoint or --erasures; if there really is none, --nothing-kept, and the ledger will say so",
    )


class OtherHistory(Broken):
    """Evidence and backup contradict each other."""

    code = "app.other_history"
    title = Text(
        "备份的台账与另存的证据在 {size} 条处不一致",
        "the backup's ledger is not the one that was seen at {size} entries",
    )
    hint = Text("保留双方文件作为证据；不要恢复这份备份", "keep both as evidence, and do not restore this backup")


class OlderThanSeen(Conflict):
    """A backup older than the ledger that somebody saw, and no list of what was erased since."""

    code = "app.older_than_seen"
    title = Text(
        "备份的台账有 {size} 条，而已见过 {seen} 条：其间的删除无从得知",
        "the backup's ledger has {size} entries and {seen} were seen: what was erased between is not known",
    )
    hint = Text(
        "给出覆盖到 {seen} 条的删除清单（--erasures），或更新的备份",
        "give a list of erasures that reaches {seen} entries (--erasures), or a newer backup",
    )


class WouldResurrect(Conflict):
    """A restore that would bring back what was erased."""

    code = "app.would_resurrect"
    title = Text(
        "恢复会使已删除的内容复活：客户 {subjects} 个，已销毁密钥的范围 {scopes} 个，密钥 {keys} 把"
        "（备份 {size} 条，已见 {seen} 条）",
        "this would bring back what was erased: {subjects} customers, {scopes} scopes whose keys were destroyed, "
        "{keys} keys (the backup has {size} entries, {seen} were seen)",
    )
    hint = Text(
        "加 --bring-forward：恢复前先重新删除，台账会记下每一项",
        "add --bring-forward: they are erased again before anything opens, and the ledger says so",
    )


class BackupDiffers(Broken):
    """A backup that is not what its statement says."""

    code = "app.backup_differs"
    title = Text("备份与其签名说明不符（{what}）", "the backup is not what its signed statement says (at {what})")
    hint = Text("换一份备份；这份已损坏或被替换", "use another backup; this one is damaged or was exchanged")


class NoRootKey(Missing):
    """A restore without the root key, which no backup holds."""

    code = "app.no_root_key"
    title = Text("备份不含根密钥", "a backup does not hold the root key")
    hint = Text(
        "用 --root-key 给出 root.key 的另存副本；份额保管的先由持有人开启得到 opened.key",
        "give your separate copy of root.key with --root-key; with shares, the opened.key that holders opened",
    )


class BadHold(Invalid):
    """A hold that makes no sense."""

    code = "app.bad_hold"
    title = Text("保全的对象或依据无效", "this is no hold that can be placed")
    hint = Text(
        "--subject 与 --class 二选一；--storage-only 需要 --subject；依据用小写代号",
        "give --subject or --class, not both; --storage-only needs --subject; the ground is a lower-case code",
    )
