"""Problems of deals. Papers that are wrong are refused by what is wrong; a gate says every condition it misses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tigertally.access import Unmet
from tigertally.base.errors import Broken, Conflict, Invalid, Missing, Refused
from tigertally.base.text import Text

_ASK_AGAIN: Final = Text("请对方重新出具文件", "ask the other side for a new paper")


class NoSuchDeal(Missing):
    """No deal with that id."""

    code = "deals.no_such_deal"
    title = Text("没有这个交易", "no such deal")


class NoSuchParty(Missing):
    """No card of that party was imported."""

    code = "deals.no_such_party"
    title = Text("没有导入过该方的名片", "no card of that party was imported")
    hint = Text("先导入对方的名片文件", "import the other side's card file first")


class OwnCard(Invalid):
    """Our own card offered as somebody else's."""

    code = "deals.own_card"
    title = Text("这是本单位自己的名片", "this is our own card")


class CardDiffers(Conflict):
    """A card with other keys or another name than the one on file for that party."""

    code = "deals.card_differs"
    title = Text("该方的名片与已导入的不同", "the card is not the one on file for that party")
    hint = Text(
        "先用已知电话向对方核实；确属更换的，重新导入并由两人重新核对指纹",
        "check with the other side over a known telephone number; if they changed keys, replace the card and have two"
        " persons confirm it again",
    )


class FingerprintDiffers(Refused):
    """The fingerprint that was typed is not the card's."""

    code = "deals.fingerprint_differs"
    title = Text("输入的指纹与名片不符", "the fingerprint typed is not the card's")
    hint = Text(
        "通过已知电话逐组核对；仍不符的，不要使用这张名片",
        "compare it group by group over a known telephone number; if it still differs, do not use this card",
    )


class PartyNotConfirmed(Refused):
    """Two persons have not confirmed the party's fingerprint."""

    code = "deals.party_not_confirmed"
    title = Text("对方的指纹尚未经两人核对", "two persons have not confirmed the party's fingerprint")
    hint = Text("运行 tigertally deal confirm", "run tigertally deal confirm")


class WrongSide(Refused):
    """A seller's act in a deal where we are the buyer, or the other way round."""

    code = "deals.wrong_side"
    title = Text("这是{side}一方的操作，本单位不是该方", "this is for the {side}, which we are not in this deal")


class AnotherDeal(Refused):
    """A paper whose parts, or whose deal, do not belong together."""

    code = "deals.another_deal"
    title = Text("{what}属于另一交易", "the {what} is for another deal")
    hint = _ASK_AGAIN


class AnotherParty(Refused):
    """A paper that names other parties than the two of this deal."""

    code = "deals.another_party"
    title = Text("{what}中的当事方与本交易不符", "the {what} names other parties than this deal's")
    hint = _ASK_AGAIN


class AnotherAgreement(Refused):
    """An acceptance with another text than the one we sent."""

    code = "deals.another_agreement"
    title = Text("对方签署的不是我方发出的协议文本", "the other side signed another text than the one we sent")
    hint = Text(
        "不要接受；请对方签署原文，或另行协商新版本",
        "do not take it; have them sign the original, or agree a new version",
    )


class NotOurInvitation(Refused):
    """An acceptance that answers another invitation than our last one."""

    code = "deals.not_our_invitation"
    title = Text("该文件答复的不是我方最近一次邀请", "this does not answer our last invitation")
    hint = Text("请对方接受最近一份邀请", "have the other side accept the newest invitation")


class StructureUnknown(Conflict):
    """Nobody said yet which structure D1–D9 the deal has."""

    code = "deals.structure_unknown"
    title = Text("尚未确定交易结构（D1–D9）", "the deal's structure (D1–D9) is not known yet")
    hint = Text(
        "先运行 tigertally deal structure DEAL D1–D9；各结构见 tigertally deal structures",
        "run tigertally deal structure DEAL, with one of D1–D9; tigertally deal structures explains them",
    )


class NoInvitation(Conflict):
    """Nothing was sent that could be accepted."""

    code = "deals.no_invitation"
    title = Text("该交易尚未发出邀请", "no invitation was made in this deal")


class AlreadyConcluded(Conflict):
    """The deal is concluded on its present papers."""

    code = "deals.already_concluded"
    title = Text("该交易已经订立", "the deal is concluded already")
    hint = Text("如需变更，请发出更高版本的协议", "to change it, send an agreement with a higher version")


class NotConcluded(Conflict):
    """There is no agreement with both signatures yet."""

    code = "deals.not_concluded"
    title = Text("该交易尚无双方签署的协议", "the deal has no agreement signed by both yet")
    hint = Text("先邀请并由对方接受", "invite the other side and have them accept")


class OldVersion(Refused):
    """An agreement that does not follow the one on file."""

    code = "deals.old_version"
    title = Text(
        "协议版本 {version} 不高于现有版本 {present}", "agreement version {version} does not follow version {present}"
    )
    hint = Text("用同一协议编号和更高的版本号", "keep the agreement's id and raise its version")


class AgreementExpired(Refused):
    """Its term is over."""

    code = "deals.agreement_expired"
    title = Text("协议期限已过", "the term of the agreement is over")
    hint = Text("订立新的期限", "agree on a new term")


class NotInForce(Conflict):
    """The deal has no agreement in force that a person could sign."""

    code = "deals.not_in_force"
    title = Text("该交易没有生效中的协议", "the deal has no agreement in force")
    hint = Text(
        "由双方签署（或修订）协议：tigertally deal invite / accept / conclude",
        "have both parties sign, or amend, one: tigertally deal invite / accept / conclude",
    )


class AgreementChanged(Conflict):
    """A person signs another text than the one in force."""

    code = "deals.agreement_changed"
    title = Text("所签文本不是现行协议", "the text signed is not the agreement in force")
    hint = Text(
        "重新阅读现行文本后签署：tigertally deal sign", "read the present text and sign that: tigertally deal sign"
    )


class BadTask(Invalid):
    """A task that shows by itself when it is done, or one without the digest of its paper."""

    code = "deals.bad_task"
    title = Text("该待办不能这样登记为完成", "this task is not recorded as done like this")
    hint = Text("只有 return 须登记，并附证明文件", "only return is recorded, with the paper that shows it")


class TaskNotOpen(Conflict):
    """Nothing of that kind is to be done in the deal."""

    code = "deals.task_not_open"
    title = Text("该交易没有这项待办", "the deal has no such task")
    hint = Text("待办见 tigertally deal tasks", "tigertally deal tasks lists what there is")


class DatedInFuture(Refused):
    """A paper dated after now."""

    code = "deals.dated_in_future"
    title = Text("{what}的日期在未来", "the {what} is dated in the future")
    hint = Text("核对双方时钟", "check the clocks of both sides")


class ClausesFaulty(Invalid):
    """The clause check found faults; ``faults`` lists every one."""

    code = "deals.clauses_faulty"
    title = Text("协议条款有 {count} 处问题", "the agreement's clauses have {count} faults")
    hint = Text("逐项修改后重新签署", "mend each of them, then sign again")

    def __init__(self, faults: Sequence[Text]) -> None:
        super().__init__(count=len(faults))
        self.faults = tuple(faults)


class NoSuchTemplate(Missing):
    """No agreement text with that name is shipped."""

    code = "deals.no_such_template"
    title = Text("没有这个协议模板（{template}）", "there is no such template ({template})")


class BadDeal(Invalid):
    """A title or scope out of form."""

    code = "deals.bad_deal"
    title = Text("交易的{what}无效", "the deal's {what} is not valid")
    hint = Text(
        "名称 1–200 个字；范围为 1–40 个小写字母、数字或横线",
        "a title has 1–200 characters; a scope 1–40 lower-case letters, digits or dashes",
    )


class BadMove(Conflict):
    """Not a step that stages allow."""

    code = "deals.bad_move"
    title = Text("不能从 {present} 转到 {wanted}", "a deal at {present} cannot move to {wanted}")
    hint = Text(
        "逐级前进；S2–S6 可退一级；S8 之前可终止（S9）",
        "forward by one; back by one from S2–S6; dead (S9) from any stage before S8",
    )


class ReasonNeeded(Invalid):
    """A step back, or the end of a deal, without a reason."""

    code = "deals.reason_needed"
    title = Text("退回或终止交易须说明原因", "going back, or ending a deal, needs a reason")
    hint = Text(
        "再次运行 tigertally deal stage，加上 --reason；可用的原因见 tigertally deal stage --help",
        "run tigertally deal stage again with --reason; tigertally deal stage --help lists the reasons",
    )


class GateClosed(Refused):
    """The next stage's conditions are not all met. ``unmet`` lists every one and how to meet it."""

    code = "deals.gate_closed"
    title = Text("不能进入 {stage}：{count} 项条件未满足", "{stage} cannot be entered; conditions not met: {count}")
    hint = Text("逐项满足后重试", "meet each of them, then try again")

    def __init__(self, *, stage: str, unmet: Sequence[Unmet]) -> None:
        super().__init__(stage=stage, count=len(unmet))
        self.unmet = tuple(unmet)


class DealOver(Conflict):
    """The deal is integrated or dead; its papers do not change any more."""

    code = "deals.over"
    title = Text("交易已结束（{stage}）", "the deal is over ({stage})")


class NotWaivable(Refused):
    """A condition that nobody may waive, or that does not exist."""

    code = "deals.not_waivable"
    title = Text("条件 {condition} 不可豁免", "the condition {condition} cannot be waived")
    hint = Text("请满足该条件", "it has to be met")


class BadWaiver(Invalid):
    """A waiver without an end within 90 days, or without the paper that its reason needs."""

    code = "deals.bad_waiver"
    title = Text("豁免无效（{what}）", "the waiver is not valid ({what})")
    hint = Text(
        "豁免期不超过 {days} 天；在别处完成的须附文件摘要",
        "it ends within {days} days; what was done elsewhere needs the digest of its paper",
    )


class ScopeTaken(Conflict):
    """Another deal that is not dead holds the same data."""

    code = "deals.scope_taken"
    title = Text("数据范围 {scope} 已在另一笔交易中", "the scope {scope} is in another deal already")
    hint = Text("先终止那笔交易，或另选范围", "end that deal first, or choose another scope")


class DealNotProved(Broken):
    """A deal's row says what no entry says, or a deal's row is gone."""

    code = "deals.not_proved"
    title = Text(
        "交易记录没有台账依据，可能被改动或删除", "a deal's row is not what the ledger says; it may have been edited"
    )
    hint = Text("停止操作，运行 tigertally fsck，并保留现场", "stop, run tigertally fsck, and keep everything as it is")


class BadAnswers(Invalid):
    """Answers of the legal route that name no question, or have another form than it asks for."""

    code = "deals.bad_answers"
    title = Text("法律路径的答案无效（{question}）", "an answer of the legal route is not valid ({question})")
    hint = Text(
        "问题见 tigertally deal route questions；答案为 true、false 或人数，不知道的不写",
        "tigertally deal route questions lists them; an answer is true, false or a number, what is not known is left"
        " out",
    )


class NoRoute(Conflict):
    """Nobody decided the deal's legal route, or it does not count any more."""

    code = "deals.no_route"
    title = Text("该交易没有现行的法律路径", "the deal has no legal route that counts now")
    hint = Text("运行 tigertally deal route decide", "run tigertally deal route decide")


class AnotherRoute(Refused):
    """An opinion on another route than the deal's, or on rules that the route does not ask counsel about."""

    code = "deals.another_route"
    title = Text(
        "该意见不是针对现行法律路径作出的（{what}）", "the opinion is not on the deal's present route ({what})"
    )
    hint = Text("把现行的法律路径文件交给律师重新签署", "give counsel the present route and have them sign anew")


class NotCounsel(Refused):
    """An opinion by a party that is not engaged as counsel here."""

    code = "deals.not_counsel"
    title = Text("签署意见的一方未受聘为律师", "the party that signed is not engaged as counsel")
    hint = Text(
        "导入并确认其名片，再由两人聘任：tigertally deal engage",
        "import and confirm its card, then have two persons engage it: tigertally deal engage",
    )


class OpinionOver(Refused):
    """An opinion whose time is over."""

    code = "deals.opinion_over"
    title = Text("该意见已过有效期", "the time of the opinion is over")
    hint = Text("请律师重新签署", "have counsel sign anew")
