"""Problems of the handover: one class per flaw, so that whoever reads one knows what to ask the other side for.

Flaws of what the other side sent are ``Broken`` (altered, missing, not adding up) or ``Refused`` (genuine, but
not to be taken); ours are ``Conflict`` and ``Unavailable``. Details are names of files, members and counts.
"""

from __future__ import annotations

from tigertally.base.errors import Broken, Conflict, Missing, Refused, Unavailable
from tigertally.base.text import Text

_ASK_SELLER = Text("请转让方重新提供整个移交包文件夹", "ask the seller for the whole bundle folder again")


class WrongSide(Refused):
    """A seller's act asked of a buyer's deal, or the other way round."""

    code = "handover.wrong_side"
    title = Text(
        "这是{side}一方的操作，本单位在该交易中不是该方",
        "this is for the {side}; we are the other side of this deal",
    )


class AnotherDeal(Refused):
    """A genuine paper that belongs to another deal or other parties."""

    code = "handover.another_deal"
    title = Text(
        "该文件（{what}）属于另一交易或另外的当事方",
        "this {what} belongs to another deal or to other parties",
    )
    hint = Text("核对交易编号后提交正确的文件", "check the deal's id and submit the right file")


class AnotherAgreement(Refused):
    """A release under another agreement text than the one in force."""

    code = "handover.another_agreement"
    title = Text("移交许可所依据的协议不是现行协议", "the release rests on another agreement than the one in force")
    hint = Text("按现行协议重新签署移交许可", "make and sign a release under the present agreement")


class AgreementNotInForce(Refused):
    """The agreement's term has not begun or is over."""

    code = "handover.agreement_not_in_force"
    title = Text("保密协议不在有效期内", "the confidentiality agreement is not in force")
    hint = Text("续签协议后重新签署移交许可", "renew the agreement, then sign a new release")


class ClassNotAgreed(Refused):
    """A field class that the agreement does not cover."""

    code = "handover.class_not_agreed"
    title = Text("协议未涵盖这些字段类别：{classes}", "the agreement does not cover these field classes: {classes}")


class NothingToRelease(Conflict):
    """No sealed subject has any of the classes."""

    code = "handover.nothing_to_release"
    title = Text("保管库中没有可移交的记录", "the vault holds no records to hand over")
    hint = Text("先封存数据，再提出移交许可", "seal the data first, then propose the release")


class BadTerm(Refused):
    """A release that would end in the past, or after the agreement."""

    code = "handover.bad_term"
    title = Text(
        "移交许可的截止时间须在当前之后、协议到期之前", "a release must end after now and before the agreement ends"
    )


class ReleaseExpired(Refused):
    """Its term is over, or has not begun."""

    code = "handover.release_expired"
    title = Text("移交许可不在有效期内", "the release is not within its term")
    hint = Text("由双方重新签署移交许可", "have both companies sign a new release")


class NotOurRelease(Refused):
    """A countersigned release that is not the last one we proposed."""

    code = "handover.not_our_release"
    title = Text("这不是我方最近提出的移交许可", "this is not the release that we proposed last")
    hint = Text("请受让方会签最近一份移交许可", "have the buyer countersign the newest one")


class NotReleased(Refused):
    """There is no release with both companies' signatures."""

    code = "handover.not_released"
    title = Text("没有双方签署的移交许可", "there is no release signed by both companies")
    hint = Text("先由转让方提出、受让方会签移交许可", "the seller proposes it, the buyer countersigns it")


class BeyondRelease(Refused):
    """A manifest that goes beyond its release, or differs from it."""

    code = "handover.beyond_release"
    title = Text(
        "移交包超出移交许可或与其不符：{members}",
        "the bundle goes beyond its release or differs from it: {members}",
    )
    hint = Text("请转让方按许可重新生成移交包", "ask the seller for a bundle that keeps to the release")


class RecipientNotConfirmed(Refused):
    """The release names another transfer key than the one two persons confirmed."""

    code = "handover.recipient_not_confirmed"
    title = Text(
        "移交许可中的收件密钥不是已确认的受让方密钥",
        "the release names another key than the buyer's confirmed one",
    )
    hint = Text("重新核对受让方指纹后再签署移交许可", "confirm the buyer's fingerprint again, then sign a new release")


class WrongRecipient(Refused):
    """A bundle or part that is sealed to somebody else, or to somebody besides us."""

    code = "handover.wrong_recipient"
    title = Text("{name} 不是只封给我方的", "{name} is not sealed to us alone")
    hint = Text("请转让方用我方传输公钥重新封装", "ask the seller to seal it to our transfer key only")


class SubjectsChanged(Conflict):
    """The vault no longer holds what was released."""

    code = "handover.subjects_changed"
    title = Text(
        "保管库现有 {found} 名客户，移交许可写的是 {released} 名",
        "the vault now holds {found} customers, the release says {released}",
    )
    hint = Text("数据在签署后有变化；请重新签署移交许可", "the data changed since; sign a new release")


class FolderNotEmpty(Conflict):
    """The folder for a bundle holds something that is not ours."""

    code = "handover.folder_not_empty"
    title = Text(
        "文件夹 {folder} 中已有其他文件（{name}）",
        "the folder {folder} already holds something else ({name})",
    )
    hint = Text("选择一个空文件夹", "choose an empty folder")


class FolderElsewhere(Conflict):
    """A bundle under this release was begun in another folder."""

    code = "handover.folder_elsewhere"
    title = Text("该移交包已在另一文件夹开始：{folder}", "this bundle was begun in another folder: {folder}")
    hint = Text("继续使用该文件夹，或先放弃那个移交包", "go on in that folder, or abandon that bundle first")


class DiskRefused(Unavailable):
    """A file could not be written, read or deleted. ``reason`` is the system's error name."""

    code = "handover.disk_refused"
    title = Text("无法读写 {name}（{reason}）", "cannot read or write {name} ({reason})")
    hint = Text(
        "检查剩余空间和权限后重新运行，会从中断处继续",
        "check space and permissions, then run it again: it resumes",
    )


class NoSuchBundle(Missing):
    """The folder or the ledger knows no such bundle."""

    code = "handover.no_such_bundle"
    title = Text("找不到移交包（{name}）", "there is no such bundle ({name})")


class BundleSettled(Conflict):
    """The bundle cannot be abandoned any more, or was."""

    code = "handover.bundle_settled"
    title = Text("该移交包的状态（{state}）不允许放弃", "a bundle in the state {state} cannot be abandoned")


class MissingPart(Broken):
    """A file that the manifest lists is not there."""

    code = "handover.missing_part"
    title = Text("移交包缺少 {name}", "the bundle lacks {name}")
    hint = _ASK_SELLER


class ExtraPart(Broken):
    """A file that the manifest does not list."""

    code = "handover.extra_part"
    title = Text("移交包中有清单之外的文件：{name}", "the bundle holds a file that the manifest does not list: {name}")
    hint = Text("核对来源；移除该文件后重试", "find out where it comes from; remove it, then try again")


class PartAltered(Broken):
    """A part whose length or digest is not the manifest's."""

    code = "handover.part_altered"
    title = Text(
        "{name} 与清单中的长度或摘要不符",
        "{name} does not have the length and digest that the manifest gives",
    )
    hint = _ASK_SELLER


class PartClosed(Broken):
    """A part that does not open, or was sealed for another place."""

    code = "handover.part_closed"
    title = Text("{name} 无法打开", "{name} does not open")
    hint = _ASK_SELLER


class PartMalformed(Broken):
    """A part that opens, but whose rows are not as the format says. ``where`` is the rule."""

    code = "handover.part_malformed"
    title = Text("{name} 的内容不合格式（{where}）", "the rows of {name} are not as the format says ({where})")
    hint = _ASK_SELLER


class ForbiddenClass(Refused):
    """A part with a class of field that is never kept (card codes, track data, PINs, clear passwords)."""

    code = "handover.forbidden_class"
    title = Text(
        "{name} 含有禁止留存的字段（卡验证码、磁道、密码等）", "{name} holds a class of field that may never be kept"
    )
    hint = Text(
        "立即通知转让方并销毁该移交包；不要打开查看",
        "tell the seller at once and destroy the bundle; do not open it",
    )


class OutOfOrder(Broken):
    """Subjects do not ascend from part to part."""

    code = "handover.out_of_order"
    title = Text("{name} 的客户顺序与前一部分不衔接", "the customers of {name} do not follow those of the part before")
    hint = _ASK_SELLER


class CountMismatch(Broken):
    """The values per class are not as many as told."""

    code = "handover.count_mismatch"
    title = Text("字段数量与清单不符：{classes}", "the counts per class are not the manifest's: {classes}")
    hint = _ASK_SELLER


class RootMismatch(Broken):
    """The root over the commitments is not the manifest's: something is missing, added or altered."""

    code = "handover.root_mismatch"
    title = Text("由内容重算的根与清单不符", "the root over the content is not the manifest's")
    hint = Text(
        "内容有缺失、增加或改动；请转让方重新提供",
        "something is missing, added or altered; ask the seller again",
    )


class NotReconciled(Broken):
    """What the buyer's own vault holds is not what the bundle held."""

    code = "handover.not_reconciled"
    title = Text("我方保管库中的记录与移交包不一致（{what}）", "our vault does not hold what the bundle held ({what})")
    hint = Text("停止使用这些记录，保留现场并核查", "stop using these records, keep everything as it is, investigate")


class DatedInFuture(Refused):
    """A paper dated after now."""

    code = "handover.dated_in_future"
    title = Text("文件（{what}）的日期在未来", "the {what} is dated in the future")
    hint = Text("核对双方时钟", "check the clocks of both sides")


class OtherBundle(Conflict):
    """Another bundle of this deal was received, or is being received."""

    code = "handover.other_bundle"
    title = Text(
        "该交易已接收（或正在接收）另一移交包",
        "another bundle of this deal was received or is being received",
    )
    hint = Text("继续原来的移交包；如需更换，请先撤销", "go on with that one; to change it, unwind first")


class BundleReplayed(Refused):
    """A bundle offered after the deal was closed or had died."""

    code = "handover.bundle_replayed"
    title = Text("交易已结束（{stage}），不再接收移交包", "the deal is over ({stage}); no bundle is taken any more")


class ReceiptReplayed(Conflict):
    """This very receipt was accepted before."""

    code = "handover.receipt_replayed"
    title = Text("这份回执此前已受理", "this receipt was accepted before")
    hint = Text(
        "无需再受理；下一步：tigertally destroy 交易编号",
        "there is nothing left to accept; the next step is: tigertally destroy DEAL",
    )


class OtherReceipt(Conflict):
    """The bundle has an accepted receipt already, and this is another one."""

    code = "handover.other_receipt"
    title = Text("该移交包已有另一份受理的回执", "another receipt was accepted for this bundle")


class UnknownManifest(Refused):
    """A receipt that answers no manifest of ours in this deal."""

    code = "handover.unknown_manifest"
    title = Text(
        "回执所指的清单不是我方在该交易中签发的",
        "the receipt answers no manifest that we signed in this deal",
    )


class ReceiptDiffers(Broken):
    """A signed receipt that does not match the manifest it names."""

    code = "handover.receipt_differs"
    title = Text("回执与清单不一致：{members}", "the receipt differs from its manifest: {members}")
    hint = Text(
        "受让方未完整收到；请其核查后重新出具",
        "the buyer did not get everything; ask them to look and receipt again",
    )


class NoGround(Refused):
    """Neither a verified receipt nor a dead deal."""

    code = "handover.no_ground"
    title = Text(
        "没有已验证的回执，交易也未终止，不得销毁",
        "no verified receipt and no dead deal: nothing may be destroyed",
    )
    hint = Text("先取得并受理受让方的回执", "get and accept the buyer's receipt first")


class SellerKeeps(Refused):
    """The deal is dead: what was to be handed over stays the seller's, whole."""

    code = "handover.seller_keeps"
    title = Text(
        "交易已终止，转出方数据照旧保留，不得销毁",
        "the deal is dead: the seller keeps its data, nothing is destroyed here",
    )
    hint = Text(
        "收到数据的受让方运行 tigertally destroy，并把证明交来",
        "a buyer who received something runs tigertally destroy there and hands the certificate over",
    )


class PlanChanged(Conflict):
    """What would be destroyed is not what the two persons saw."""

    code = "handover.plan_changed"
    title = Text("销毁范围在批准之后发生变化", "what would be destroyed changed after it was approved")
    hint = Text("重新查看计划并由两人批准", "look at the plan again and have two persons approve it")


class NotTwoPersons(Refused):
    """The persons named do not prove that two of them agreed."""

    code = "handover.not_two_persons"
    title = Text(
        "销毁须由两名不同人员在台账中留有记录",
        "destruction needs two different persons with entries in the ledger",
    )


class CopyProtected(Refused):
    """A copy that must not be deleted: it is, holds or lies in what this installation lives on."""

    code = "handover.copy_protected"
    title = Text("不能登记为副本（{reason}）：{name}", "this cannot be registered as a copy ({reason}): {name}")
    hint = Text("把副本放在独立的文件夹中", "keep copies in a folder of their own")


class NoSuchCopy(Missing):
    """No copy is registered under that number."""

    code = "handover.no_such_copy"
    title = Text("没有登记该副本", "no such copy is registered")


class StillOpens(Broken):
    """After the keys were destroyed, a sealed value still opened."""

    code = "handover.still_opens"
    title = Text("密钥销毁后，留样密文仍能打开", "a sealed value still opens although its keys were destroyed")
    hint = Text("停止，查明是哪个密钥副本，再重新运行", "stop, find out which copy of a key is left, then run it again")


class NotProved(Broken):
    """At certifying, what is there or what the ledger proves is not what would be certified."""

    code = "handover.not_proved"
    title = Text(
        "销毁未得到证实（{members}），不签发证明",
        "the destruction is not proved ({members}); nothing is certified",
    )
    hint = Text(
        "保留现场并核查；残留的副本删除后可重新运行",
        "keep everything as it is and investigate; a copy that is left can be removed, then run it again",
    )


class CopySwapped(Broken):
    """Where a copy was registered something else lies now, or a link leads there."""

    code = "handover.copy_swapped"
    title = Text("{name} 已不是登记的那份副本（{reason}）", "{name} is not the copy that was registered ({reason})")
    hint = Text(
        "查明被谁替换；恢复原样，或由两人确认：tigertally copies register",
        "find out who replaced it; put it back, or have two persons say it is the copy: tigertally copies register",
    )


class DestructionBegun(Conflict):
    """The deal's data was destroyed, or is being destroyed."""

    code = "handover.destruction_begun"
    title = Text("该交易的数据已经销毁或正在销毁", "this deal's data was destroyed or is being destroyed")


class NothingToUnwind(Conflict):
    """Nothing was received in this deal."""

    code = "handover.nothing_to_unwind"
    title = Text("我方在该交易中没有接收任何数据", "we received nothing in this deal")


class LastCopy(Refused):
    """The seller has certified its destruction: what is here is the only copy there is."""

    code = "handover.last_copy"
    title = Text("转让方已销毁其数据，我方的是唯一一份", "the seller has destroyed its data; ours is the last copy")
    hint = Text("先与转让方商定数据归还，再行销毁", "agree with the seller on returning the data first")


class NotDead(Refused):
    """The deal is not at S9."""

    code = "handover.not_dead"
    title = Text("交易未终止，不能撤销移交", "the deal is not dead; there is nothing to unwind")
    hint = Text("先将交易置为 S9", "move the deal to S9 first")


class CertificateDiffers(Broken):
    """A certificate that does not fit what we know of the deal."""

    code = "handover.certificate_differs"
    title = Text("销毁证明与我方记录不一致：{members}", "the certificate differs from what we know: {members}")
    hint = Text("请转让方说明并重新出具", "ask the seller to explain and to issue it again")


class NotOurCertificate(Refused):
    """A countersigned certificate that we did not issue."""

    code = "handover.not_our_certificate"
    title = Text("这不是我方签发的销毁证明", "this is not a certificate that we issued")
