"""Verifying the papers after a handover: receipt and certificate of destruction.

The numbers of the checks are those of docs/formats/receipt.md §3 and certificate.md §3.
"""

from __future__ import annotations

from typing import Final

from tigertally.base.errors import Problem
from tigertally.base.ids import PartyId
from tigertally.base.text import Text
from tigertally.formats import certificate, checkpoint, manifest, receipt
from tigertally.formats.certificate import Certificate, Ground
from tigertally.formats.receipt import Receipt
from tigertally.formats.statement import Kind, Statement
from tigertally.formats.verify.dealings import BUYER_SIGNED, SELLER_SIGNED, WELL_FORMED
from tigertally.formats.verify.files import by_digest, of_kind
from tigertally.formats.verify.report import Checklist, Report, said, told
from tigertally.formats.verify.trust import Context, check_not_future, check_signed

_NAMED_MAX: Final = 20
_ACCOUNT: Final = ("method", "rows", "keys")
_NAMES_MANIFEST = Text("所指的清单在旁", "the manifest it names is here")
_AGREES = Text("客户数、各类数量和根与清单一致", "its subjects, counts and root are the manifest's")


def check_receipt(statement: Statement, context: Context) -> Report:
    """Verify a receipt: 1 form, 2 buyer, 3 its manifest, 4 signed by the seller, 5 they agree, 6–7 time."""
    found = Checklist(subject=Text("接收回执", "receipt"))
    try:
        paper = receipt.read(statement)
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return found.report()
    found.holds(1, WELL_FORMED)
    check_signed(found, 2, BUYER_SIGNED, statement=statement, by=paper.buyer, context=context)
    _check_against_manifest(found, paper, context)
    check_not_future(found, 7, instants=[paper.received], now=context.now)
    return found.report()


def _check_against_manifest(found: Checklist, paper: Receipt, context: Context) -> None:
    """Make the checks 3–6 of a receipt."""
    beside = of_kind(context.papers, Kind.MANIFEST)
    statement = by_digest(context.papers, Kind.MANIFEST, paper.manifest)
    if statement is None:
        if len(beside) == 1:
            found.fails(
                3, _NAMES_MANIFEST, Text("旁边的清单不是回执所指的那份", "the manifest beside it is another one")
            )
        else:
            found.unknown(3, _NAMES_MANIFEST, Text("旁边没有该清单", "that manifest is not here"))
        found.unknown(5, _AGREES)
        return
    try:
        account = manifest.read(statement)
    except Problem as problem:
        found.fails(3, _NAMES_MANIFEST, said(problem))
        return
    found.holds(3, _NAMES_MANIFEST)
    signed = Text("清单已由转让方签署", "the seller signed the manifest")
    check_signed(found, 4, signed, statement=statement, by=account.seller, context=context)
    wrong = paper.differences(account, statement.digest)
    detail = told("不一致：{members}", "these differ: {members}", members=", ".join(wrong))
    found.verdict(5, _AGREES, good=not wrong, detail=detail)
    later = Text("接收时间不早于移交包的生成时间", "it was received after the bundle was made")
    found.verdict(6, later, good=paper.received >= account.created)


def check_certificate(statement: Statement, context: Context) -> Report:
    """Verify a certificate of destruction; the fourteen checks of docs/formats/certificate.md §3."""
    found = Checklist(subject=Text("销毁证明", "certificate of destruction"))
    try:
        paper = certificate.read(statement)
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return found.report()
    found.holds(1, WELL_FORMED)
    signed = SELLER_SIGNED if paper.ground is Ground.RECEIPT else BUYER_SIGNED
    check_signed(found, 2, signed, statement=statement, by=_destroyer(paper), context=context)
    # The reader refuses a certificate with fewer than two persons; here each must have an entry of its own.
    proofs = Text("至少两名不同人员参与，各有记录", "at least two different persons took part, each with an entry")
    shared = Text("签署人的记录相同或为空", "their entries are the same, or none")
    found.verdict(3, proofs, good="signers" not in paper.shortfalls(), detail=shared)
    if paper.ground is Ground.RECEIPT:
        _check_against_receipt(found, paper, context)
    _check_log(found, paper, context)
    _check_account(found, paper)
    _check_validated(found, statement, paper, context)
    check_not_future(found, 12, instants=[paper.finished], now=context.now)
    return found.report()


def _destroyer(paper: Certificate) -> PartyId:
    """Return whose certificate it is: the seller destroys against a receipt, the buyer erases after a dead deal."""
    return paper.seller if paper.ground is Ground.RECEIPT else paper.buyer


def _check_against_receipt(found: Checklist, paper: Certificate, context: Context) -> None:
    """Make the checks 4–7 of a certificate that rests on a receipt."""
    name = Text("所依据的回执在旁", "the receipt it rests on is here")
    beside = of_kind(context.papers, Kind.RECEIPT)
    statement = by_digest(context.papers, Kind.RECEIPT, paper.receipt)
    if statement is None:
        if len(beside) == 1:
            found.fails(4, name, Text("旁边的回执不是证明所指的那份", "the receipt beside it is another one"))
        else:
            found.unknown(4, name, Text("旁边没有该回执", "that receipt is not here"))
        return
    try:
        ground = receipt.read(statement)
    except Problem as problem:
        found.fails(4, name, said(problem))
        return
    found.holds(4, name)
    signed = Text("回执已由受让方签署", "the buyer signed the receipt")
    check_signed(found, 5, signed, statement=statement, by=ground.buyer, context=context)
    _check_receipt_manifest(found, ground, context)
    facts = (
        ("deal", paper.deal == ground.deal),
        ("seller", paper.seller == ground.seller),
        ("buyer", paper.buyer == ground.buyer),
        ("subjects", paper.subjects >= ground.subjects),
        ("started", paper.started >= ground.received),
    )
    wrong = [word for word, good in facts if not good]
    detail = told("不一致：{members}", "these do not agree: {members}", members=", ".join(wrong))
    agrees = Text("与回执一致，且在接收之后销毁", "it agrees with the receipt and came after it")
    found.verdict(7, agrees, good=not wrong, detail=detail)


def _check_receipt_manifest(found: Checklist, ground: Receipt, context: Context) -> None:
    name = Text("回执与清单一致", "the receipt agrees with the manifest")
    statement = by_digest(context.papers, Kind.MANIFEST, ground.manifest)
    if statement is None:
        found.unknown(6, name, Text("旁边没有该清单", "that manifest is not here"))
        return
    try:
        account = manifest.read(statement)
    except Problem as problem:
        found.fails(6, name, said(problem))
        return
    wrong = ground.differences(account, statement.digest)
    detail = told("不一致：{members}", "these differ: {members}", members=", ".join(wrong))
    found.verdict(6, name, good=not wrong, detail=detail)
    signed = Text("清单已由转让方签署", "the seller signed the manifest")
    check_signed(found, 6, signed, statement=statement, by=account.seller, context=context)


def _check_log(found: Checklist, paper: Certificate, context: Context) -> None:
    """Make check 8: the log entries of the persons lie under a checkpoint signed by the log of who destroyed."""
    name = Text(
        "各签署人的记录在销毁方台账的已签检查点之内",
        "the persons' entries lie under a signed checkpoint of the log of who destroyed",
    )
    known = context.card_of(_destroyer(paper))
    if not paper.checkpoint or known is None:
        found.unknown(
            8, name, Text("没有检查点或没有销毁方的名片", "there is no checkpoint, or no card of who destroyed")
        )
        return
    card, trusted = known
    try:
        signed = checkpoint.verify(paper.checkpoint.encode(), card.log)
    except Problem as problem:
        found.fails(8, name, said(problem))
        return
    covered = all(signer.entry < signed.size for signer in paper.signers)
    if covered and not trusted:
        found.unknown(8, name, Text("销毁方的名片未经确认", "nobody confirmed the card of who destroyed"))
    else:
        found.verdict(8, name, good=covered, detail=Text("有记录在检查点之后", "an entry lies beyond the checkpoint"))


def _check_account(found: Checklist, paper: Certificate) -> None:
    """Make the checks 9, 10, 13 and 14: what the certificate says of its own work."""
    tried = Text("留样的密文已无法打开", "a sealed value kept aside no longer opens")
    found.verdict(
        9, tried, good=paper.failed_opening, detail=Text("未试验或仍能打开", "it was not tried, or it still opened")
    )
    left = [item.place for item in paper.copies if not item.verified]
    gone = Text("每份已知副本都核实已删除", "every known copy was checked to be gone")
    found.verdict(
        10, gone, good=not left, detail=told("未核实 {count} 份", "{count} were not checked", count=len(left))
    )
    named = Text("写明了未覆盖的范围", "it names what it does not cover")
    if paper.not_covered:
        listed = "; ".join(paper.not_covered[:_NAMED_MAX])
        found.holds(13, named, told("未覆盖：{listed}", "not covered: {listed}", listed=listed))
    else:
        found.fails(13, named, Text("它没有列出任何未覆盖之处", "it lists nothing as not covered"))
    wrong = [name for name in paper.shortfalls() if name in _ACCOUNT]
    told_of = Text("写明了方法、密钥和记录数", "it accounts for method, keys and rows")
    short = told("缺少或不符：{members}", "missing or not as known: {members}", members=", ".join(wrong))
    found.verdict(14, told_of, good=not wrong, detail=short)


def _check_validated(found: Checklist, statement: Statement, paper: Certificate, context: Context) -> None:
    """Make check 11: the other side may have validated the certificate by signing it too."""
    name = Text("对方已复核并签署", "the other side validated and signed it")
    other = paper.buyer if paper.ground is Ground.RECEIPT else paper.seller
    known = context.card_of(other, statement)
    if known is not None and known[0].signing.key_id in statement.signers():
        check_signed(found, 11, name, statement=statement, by=other, context=context)
    else:
        found.unknown(11, name, Text("尚无对方签名", "there is no signature of the other side"), required=False)
