"""Verifying a closing book: the folder of a signed list. Numbers of docs/formats/book.md §3.

1. the list is well formed; 2. its maker signed it; 3. every file that it names is here; 4. nothing else is; 5. every
file has its length and digest; 6. every paper is of this deal and of its two parties; 7. every kind of paper that a
closed deal has is among them; 8. every paper's own checks, 9. every proof's and checkpoint's; 10. nothing is dated in
the future. A file that fails 5 is not looked into, and papers beside the book are not used: a book stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from tigertally.base.errors import Problem
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_hex
from tigertally.formats import book
from tigertally.formats import statement as dsse
from tigertally.formats.book import BOOK_NAME, Book, BookFile, FileKind
from tigertally.formats.shape import parse_canonical
from tigertally.formats.statement import Kind, Statement
from tigertally.formats.verify import logs
from tigertally.formats.verify.dealings import WELL_FORMED
from tigertally.formats.verify.files import is_regular, listing, read_small
from tigertally.formats.verify.report import Check, Checklist, Report, said, told
from tigertally.formats.verify.trust import Context, check_not_future, check_signed

NEEDED: Final = (Kind.AGREEMENT, Kind.RELEASE, Kind.MANIFEST, Kind.RECEIPT, Kind.CERTIFICATE)
CARDS: Final = 2
_NAMED_MAX: Final = 5
# An agreement of a closed deal may be over by now; that it was in force is check 4 of the release.
_OVER: Final = {Kind.AGREEMENT: 4}

_SIGNED = Text("制作方已签署", "its maker signed it")
_HERE = Text("目录所列的文件都在", "every file that it names is here")
_NOTHING_ELSE = Text("没有多余的文件", "nothing else lies in the folder")
_UNALTERED = Text("每个文件的长度和摘要与目录一致", "every file has the length and digest that the list gives")
_THIS_DEAL = Text("每份文件都属于本交易及其双方", "every paper is of this deal and its parties")
_COMPLETE = Text(
    "双方名片、协议、放行书、清单、回执、销毁证明俱全",
    "both cards, agreement, release, manifest, receipt and certificate are among them",
)

Judge = Callable[[Statement, Context], Report]


def check_list(statement: Statement, context: Context) -> Report:
    """Verify the list alone; that the folder is unverified is said."""
    found = Checklist(subject=Text("交割卷目录（不含文件）", "list of a closing book, without its files"))
    if _check_paper(found, statement, context) is not None:
        found.unknown(3, _HERE, Text("请指定整个文件夹", "name the folder"), required=False)
    return found.report()


def check_book(folder: Path, statement: Statement, context: Context, judge: Judge) -> Report:
    """Verify the book in ``folder``, whose ``book.json`` holds ``statement``; ``judge`` verifies each paper."""
    found = Checklist(subject=Text("交割卷", "closing book"))
    paper = _check_paper(found, statement, context)
    if paper is None:
        return found.report()
    whole = _check_files(found, folder, paper)
    kinds = {one.name: one.kind for one in paper.files}
    papers = {name: _parsed(data) for name, data in whole.items() if kinds[name] is FileKind.PAPER}
    alone = replace(context, papers=tuple(one for one in papers.values() if one is not None))
    _check_papers(found, paper, papers)
    for name, one in papers.items():
        if one is not None:
            over = _OVER.get(one.kind)
            _take(found, 8, name, [check for check in judge(one, alone).checks if check.step != over])
    for name, data in whole.items():
        if kinds[name] is FileKind.PROOF:
            _take(found, 9, name, logs.check_proof(data, alone).checks)
        elif kinds[name] is FileKind.CHECKPOINT:
            _take(found, 9, name, logs.check_checkpoint(data, alone).checks)
    return found.report()


def _check_paper(found: Checklist, statement: Statement, context: Context) -> Book | None:
    """Make the checks 1, 2 and 10; return the list if it could be read."""
    try:
        paper = book.read(statement)
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return None
    found.holds(1, WELL_FORMED)
    check_signed(found, 2, _SIGNED, statement=statement, by=paper.by, context=context)
    check_not_future(found, 10, instants=[paper.made], now=context.now)
    return paper


def _check_files(found: Checklist, folder: Path, paper: Book) -> dict[str, bytes]:
    """Make the checks 3–5; return the files that are as the list says."""
    listed = {one.name: one for one in paper.files}
    inside = {item.name for item in listing(folder)}
    there = {
        name: read_small(folder / name, bytes_max=one.length)
        for name, one in listed.items()
        if is_regular(folder / name)
    }
    missing = sorted(set(listed) - set(there))
    found.verdict(3, _HERE, good=not missing, detail=_names("缺少", "missing", missing))
    more = sorted(inside - set(listed) - {BOOK_NAME})
    found.verdict(4, _NOTHING_ELSE, good=not more, detail=_names("多余", "not in the list", more))
    altered = [name for name, one in listed.items() if name in there and not _same(there[name], one)]
    found.verdict(5, _UNALTERED, good=not altered, detail=_names("不一致", "altered", altered))
    return {name: there[name] for name in listed if name in there and name not in altered}


def _same(data: bytes, one: BookFile) -> bool:
    return len(data) == one.length and sha256_hex(data) == one.sha256


def _check_papers(found: Checklist, paper: Book, papers: Mapping[str, Statement | None]) -> None:
    """Make the checks 6 and 7."""
    digests = {one.name: one.digest for one in paper.files}
    wrong = [
        name for name, one in papers.items() if one is None or one.digest != digests[name] or not _of_deal(one, paper)
    ]
    found.verdict(6, _THIS_DEAL, good=not wrong, detail=_names("不属于本交易", "not of this deal", wrong))
    kinds = [one.kind for name, one in papers.items() if one is not None and name not in wrong]
    lacking = [kind.value for kind in NEEDED if kind not in kinds]
    lacking += [Kind.PARTY.value] * (kinds.count(Kind.PARTY) < CARDS)
    found.verdict(7, _COMPLETE, good=not lacking, detail=_names("缺少", "missing", lacking))


def _of_deal(one: Statement, paper: Book) -> bool:
    """Return whether a paper names this deal and its parties, as far as its kind names any."""
    try:
        body = parse_canonical(one.payload, what=one.kind.value)
    except Problem:
        return False
    if not isinstance(body, dict):
        return False
    if one.kind is Kind.PARTY:
        return body.get("party") in {paper.seller, paper.buyer}
    expected = (("deal", paper.deal), ("seller", paper.seller), ("buyer", paper.buyer))
    return "deal" in body and all(body.get(name, whose) == whose for name, whose in expected)


def _take(found: Checklist, step: int, name: str, checks: Iterable[Check]) -> None:
    """Take over the checks of one file, under its name."""
    for check in checks:
        words = {"file": name, "step": check.step}
        zh = told("{file} 第 {step} 项：", "", **words).zh + check.name.zh
        en = told("", "{file} {step}: ", **words).en + check.name.en
        found.found.append(replace(check, step=step, name=Text(zh, en)))


def _parsed(data: bytes) -> Statement | None:
    try:
        return dsse.parse(data)
    except Problem:
        return None


def _names(zh: str, en: str, names: list[str]) -> Text:
    shown = ", ".join(names[:_NAMED_MAX]) + (" …" if len(names) > _NAMED_MAX else "")
    return told(f"{zh}：{{names}}", f"{en}: {{names}}", names=shown)
