"""What each kind of signed paper says, as lines of name and value. No drawing, no signatures, no files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.fields import FIELD_RULES
from tigertally.base.text import Text, printable
from tigertally.deals import STRUCTURES
from tigertally.formats import agreement, book, certificate, dealpapers, manifest, party, receipt, route
from tigertally.formats.agreement import BLOCKS
from tigertally.formats.certificate import Ground
from tigertally.formats.errors import WrongKind
from tigertally.formats.route import Mark, Means
from tigertally.formats.statement import Kind, Statement

Words = list[tuple[Text, str | Text]]
Names = Mapping[str, Text]
BLOCK_ORDER: Final = BLOCKS
_CLASSES: Final = {cls.value: rule.title for cls, rule in FIELD_RULES.items()}

KIND_TITLES: Final[Mapping[Kind, Text]] = {
    Kind.PARTY: Text("组织名片", "party card"),
    Kind.AGREEMENT: Text("保密与数据处理协议", "agreement on confidentiality and data"),
    Kind.INVITATION: Text("交易邀请（转让方 → 受让方）", "invitation (seller → buyer)"),
    Kind.ACCEPTANCE: Text("接受邀请（受让方 → 转让方）", "acceptance (buyer → seller)"),
    Kind.RELEASE: Text("移交许可（放行）：双方签字后可以写移交包", "release: once both sign, a bundle may be written"),
    Kind.MANIFEST: Text("移交包清单", "manifest of a bundle"),
    Kind.RECEIPT: Text("接收回执", "receipt"),
    Kind.CERTIFICATE: Text("销毁证明", "certificate of destruction"),
    Kind.SHARES: Text("密钥份额集", "set of key shares"),
    Kind.RESHARE: Text("份额重分计划", "plan of a resharing"),
    Kind.BOOK: Text("交割卷目录", "list of a closing book"),
    Kind.ROUTE: Text("法律路径：移交前必须满足什么", "legal route: what must be true before data moves"),
    Kind.OPINION: Text("律师意见", "counsel's opinion"),
}
MEANS_TITLES: Final[Mapping[Means, Text]] = {
    Means.NOTICE: Text("告知", "notice"),
    Means.CONSENT: Text("单独同意", "separate consent"),
    Means.COUNSEL: Text("律师签署", "counsel's sign-off"),
    Means.APPROVAL: Text("主管部门或第三方批准", "approval by an authority or third party"),
    Means.RECORD: Text("有据可查", "on record"),
    Means.DELETION: Text("删除", "deletion"),
    Means.NEVER: Text("不移交", "never handed over"),
}
MARK_TITLES: Final[Mapping[Mark, Text]] = {
    Mark.FOUND: Text("已核对原文", "found"),
    Mark.DEFAULT: Text("本产品默认", "default"),
    Mark.UNVERIFIED: Text("未核实", "unverified"),
}
_GROUNDS: Final = {
    Ground.RECEIPT: Text("受让方已签收", "the buyer's receipt"),
    Ground.DEAL_DEAD: Text("交易终止", "the deal is dead"),
}
_YES_NO: Final = {True: Text("是", "yes"), False: Text("否", "no")}
_DEAL: Final = Text("交易", "deal")
_SUBJECTS: Final = Text("客户数", "customers")
_CLASS_NAMES: Final = Text("字段", "classes")
_MADE: Final = Text("签发时间", "made")
_KEY: Final = Text("接收密钥", "recipient key")


def inside(paper: Statement) -> tuple[Statement, ...]:
    """Return the papers that ``paper`` carries. Raises ``Malformed``."""
    if paper.kind is Kind.INVITATION:
        invited = dealpapers.read_invitation(paper)
        return (invited.seller_card, invited.agreement)
    if paper.kind is Kind.ACCEPTANCE:
        accepted = dealpapers.read_acceptance(paper)
        return (accepted.buyer_card, accepted.agreement)
    return ()


def agreement_of(paper: Statement) -> Statement | None:
    """Return the agreement that ``paper`` is or carries, or None."""
    if paper.kind is Kind.AGREEMENT:
        return paper
    return next((item for item in inside(paper) if item.kind is Kind.AGREEMENT), None)


def words_of(paper: Statement, names: Names) -> Words:
    """Return what ``paper`` says; ``names`` of parties by id. Raises ``Malformed``, or ``WrongKind`` for shares."""
    kinds: dict[Kind, Callable[[Statement, Names], Words]] = {
        Kind.PARTY: _party,
        Kind.AGREEMENT: _agreement,
        Kind.INVITATION: _invitation,
        Kind.ACCEPTANCE: _acceptance,
        Kind.RELEASE: _release,
        Kind.MANIFEST: _manifest,
        Kind.RECEIPT: _receipt,
        Kind.CERTIFICATE: _certificate,
        Kind.BOOK: _book,
        Kind.ROUTE: _route,
        Kind.OPINION: _opinion,
    }
    made = kinds.get(paper.kind)
    if made is None:
        raise WrongKind(expected=Kind.AGREEMENT, found=paper.kind)
    return made(paper, names)


def _party(paper: Statement, names: Names) -> Words:
    del names
    card = party.read(paper)
    return [
        (Text("组织", "organisation"), f"{card.name} ({card.party})"),
        (Text("指纹（请电话核对）", "fingerprint (compare by telephone)"), card.fingerprint()),
        (_MADE, _time(card.created)),
    ]


def _agreement(paper: Statement, names: Names) -> Words:
    found = agreement.read(paper)
    return [
        (Text("协议", "agreement"), f"{found.agreement} v{found.version}"),
        (_DEAL, found.deal),
        *_parties(names, found.seller, found.buyer),
        (_CLASS_NAMES, classes(item.value for item in found.classes)),
        (Text("目的", "purposes"), "; ".join(map(printable, found.purposes))),
        (Text("期限", "term"), f"{_time(found.start)} → {_time(found.until)}"),
        (
            Text("终止后销毁期限", "to destroy within"),
            Text(f"{found.destroy_within_days} 天", f"{found.destroy_within_days} days"),
        ),
        (Text("违约金", "penalty"), f"CNY {found.penalty_cny:,}"),
        (
            Text("可再提供给", "may be passed on to"),
            "; ".join(map(printable, found.onward)) or Text("无人", "nobody"),
        ),
    ]


def _invitation(paper: Statement, names: Names) -> Words:
    found = dealpapers.read_invitation(paper)
    rule = STRUCTURES[found.structure]
    code = found.structure.value
    return [
        (Text("名称", "title"), printable(found.title)),
        (Text("结构", "structure"), Text(f"{code} {rule.title.zh}", f"{code} {rule.title.en}")),
        (_MADE, _time(found.created)),
        *_agreement(found.agreement, names),
    ]


def _acceptance(paper: Statement, names: Names) -> Words:
    found = dealpapers.read_acceptance(paper)
    return [
        (Text("所答复的邀请（摘要）", "answers the invitation (digest)"), found.invitation),
        (_MADE, _time(found.created)),
        *_agreement(found.agreement, names),
    ]


def _release(paper: Statement, names: Names) -> Words:
    found = dealpapers.read_release(paper)
    return [
        (_DEAL, found.deal),
        *_parties(names, found.seller, found.buyer),
        (_CLASS_NAMES, classes(item.value for item in found.classes)),
        (_SUBJECTS, str(found.subjects)),
        (_KEY, found.recipient_key),
        (Text("依据的协议（摘要）", "under the agreement (digest)"), found.agreement),
        (Text("期限", "term"), f"{_time(found.created)} → {_time(found.until)}"),
    ]


def _manifest(paper: Statement, names: Names) -> Words:
    found = manifest.read(paper)
    return [
        (Text("移交包", "bundle"), found.bundle),
        (_DEAL, found.deal),
        *_parties(names, found.seller, found.buyer),
        (_SUBJECTS, str(found.subjects)),
        (Text("各类数量", "values by class"), counts(found.counts)),
        (Text("内容的根", "root of the content"), found.root.hex()),
        (Text("分片", "parts"), str(len(found.parts))),
        (_KEY, found.recipient_key),
        (Text("依据的移交许可（摘要）", "under the release (digest)"), found.release),
        (_MADE, _time(found.created)),
    ]


def _receipt(paper: Statement, names: Names) -> Words:
    found = receipt.read(paper)
    return [
        (Text("移交包", "bundle"), found.bundle),
        (_DEAL, found.deal),
        *_parties(names, found.seller, found.buyer),
        (_SUBJECTS, str(found.subjects)),
        (Text("各类数量", "values by class"), counts(found.counts)),
        (Text("根（由受让方的库重算）", "root (recomputed from the buyer's vault)"), found.root.hex()),
        (Text("所收清单（摘要）", "the manifest received (digest)"), found.manifest),
        (Text("接收时间", "received"), _time(found.received)),
    ]


def _certificate(paper: Statement, names: Names) -> Words:
    found = certificate.read(paper)
    rows: Words = [
        (_DEAL, found.deal),
        *_parties(names, found.seller, found.buyer),
        (Text("依据", "ground"), _GROUNDS[found.ground]),
        (Text("所依据的回执（摘要）", "the receipt (digest)"), found.receipt or Text("无", "none")),
        (Text("销毁时间", "destroyed"), f"{_time(found.started)} → {_time(found.finished)}"),
        (Text("方法", "method"), printable(found.method)),
        (_SUBJECTS, str(found.subjects)),
        (Text("删除的行", "rows deleted"), counts(found.rows)),
        (Text("销毁的密钥数", "keys destroyed"), str(len(found.keys))),
        (
            Text("留样的密文已无法打开", "a sealed value kept aside no longer opens"),
            _YES_NO[found.failed_opening],
        ),
    ]
    for copy in found.copies:
        checked = Text("已核实删除", "checked to be gone") if copy.verified else Text("未核实", "NOT checked")
        place = literal(copy.place)
        rows.append((Text("副本", "copy"), Text(f"{checked.zh}：{place}", f"{checked.en}: {place}")))
    rows += [(Text("未覆盖", "not covered"), printable(line)) for line in found.not_covered]
    rows += [
        (Text("参与人", "took part"), f"{signer.person} {printable(signer.act)} #{signer.entry}")
        for signer in found.signers
    ]
    return rows


def _book(paper: Statement, names: Names) -> Words:
    found = book.read(paper)
    return [
        (_DEAL, found.deal),
        *_parties(names, found.seller, found.buyer),
        (Text("制作方", "made by"), _named(names, found.by)),
        (_MADE, _time(found.made)),
        *((Text("文件", "file"), f"{one.name} {one.digest or one.sha256}") for one in found.files),
    ]


def _route(paper: Statement, names: Names) -> Words:
    found = route.read(paper)
    rule = STRUCTURES[found.structure]
    code = found.structure.value
    said = {True: Text("是", "yes"), False: Text("否", "no"), None: Text("不知道", "not known")}
    rows: Words = [
        (_DEAL, found.deal),
        (Text("作答的组织", "answered by"), _named(names, found.party)),
        (Text("结构", "structure"), Text(f"{code} {rule.title.zh}", f"{code} {rule.title.en}")),
        (_MADE, _time(found.created)),
        (Text("规则（摘要）", "rules (digest)"), found.rules),
    ]
    for name, value in found.answers:
        rows.append((Text(name, name), said[value] if value is None or isinstance(value, bool) else str(value)))
    for item in found.requirements:
        mark, means = MARK_TITLES[item.mark], MEANS_TITLES[item.means]
        binds = Text("须满足", "binds") if item.binds else Text("仅提示", "advises")
        source = literal(f"{item.instrument} {item.article}".strip())
        since = f"{item.valid_from} → {item.valid_until}" if item.valid_until else item.valid_from
        title = Text(f"{item.gate} {means.zh}", f"{item.gate} {means.en}")
        rows.append(
            (
                title,
                Text(
                    f"{literal(item.zh)}（{source}，{since}；{mark.zh}，{binds.zh}；{item.rule}）",
                    f"{literal(item.en)} ({source}, {since}; {mark.en}, {binds.en}; {item.rule})",
                ),
            )
        )
    return rows


def _opinion(paper: Statement, names: Names) -> Words:
    found = route.read_opinion(paper)
    nothing = Text("无", "none")
    return [
        (_DEAL, found.deal),
        (Text("律师", "counsel"), _named(names, found.counsel)),
        (Text("针对的法律路径（摘要）", "on the route (digest)"), found.route),
        (Text("确认适用的规则", "unverified rules that apply"), ", ".join(found.confirms) or nothing),
        (Text("签署的规则", "signed off"), ", ".join(found.approves) or nothing),
        (Text("期限", "term"), f"{_time(found.created)} → {_time(found.until)}"),
    ]


def _parties(names: Names, seller: str, buyer: str) -> Words:
    return [
        (Text("转让方", "seller"), _named(names, seller)),
        (Text("受让方", "buyer"), _named(names, buyer)),
    ]


def _named(names: Names, who: str) -> Text:
    name = names.get(who)
    return Text(who, who) if name is None else Text(f"{name.zh} ({who})", f"{name.en} ({who})")


def named(name: str, *, sure: bool) -> Text:
    """Return a party's name as a card gives it; ``sure``: the reader trusts the card."""
    plain = literal(name)
    return Text(plain, plain) if sure else Text(f"{plain}（按未确认的名片）", f"{plain} [by an unconfirmed card]")


def classes(values: Iterable[str]) -> Text:
    """Return classes of fields by their titles."""
    titles = [_CLASSES.get(value, Text(literal(value), literal(value))) for value in values]
    return Text("、".join(item.zh for item in titles), ", ".join(item.en for item in titles))


def counts(values: Mapping[str, int] | Mapping[str, Json]) -> Text:
    """Return numbers by class of field."""
    titles = [(_CLASSES.get(name, Text(literal(name), literal(name))), number) for name, number in values.items()]
    return Text(
        "、".join(f"{title.zh} {number}" for title, number in titles) or "无",
        ", ".join(f"{title.en} {number}" for title, number in titles) or "none",
    )


def literal(words: str) -> str:
    """Return what others wrote as a template that says just that."""
    return printable(words).replace("{", "{{").replace("}", "}}")


def _time(at: datetime) -> str:
    return clock.to_text(at)[:19].replace("T", " ") + " UTC"
