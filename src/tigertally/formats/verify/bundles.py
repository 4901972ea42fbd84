"""Verifying a bundle: the folder of a manifest and its sealed parts. Numbers of docs/formats/bundle.md §4.

1. the manifest is well formed; 2. the seller signed it; 3. the release it names is here; 4. both companies signed
the release; 5. the manifest stays within the release; 6. no part is missing; 7. nothing else lies in the folder;
8. every part has its length and digest; 9. every part is an envelope in its own place, sealed to the buyer alone;
10. every part opens with the buyer's key; 11. its rows are strict, as many subjects as told, ascending;
12. the counts per class are the manifest's; 13. so is the root over the commitments; 14. nothing is dated in the
future. 10–13 need the buyer's transfer key and stay unknown without it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tigertally.base.errors import Problem
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_file
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.merkle import Frontier, leaf_hash
from tigertally.formats import dealpapers, envelope, manifest, part
from tigertally.formats.dealpapers import Release
from tigertally.formats.errors import Malformed
from tigertally.formats.manifest import MANIFEST_NAME, Manifest, Part, part_context
from tigertally.formats.statement import Kind, Statement
from tigertally.formats.verify.dealings import SELLER_SIGNED, WELL_FORMED
from tigertally.formats.verify.files import by_digest, is_regular, listing, of_kind, paper_at
from tigertally.formats.verify.report import Checklist, Report, said, told
from tigertally.formats.verify.trust import Context, check_not_future, check_signed, signed_by_trusted

PART_BYTES_MAX: Final = 256 * 1024 * 1024
BESIDE: Final = MappingProxyType({"release.json": Kind.RELEASE, "party.json": Kind.PARTY})
_NAMED_MAX: Final = 5

_COMPLETE = Text("没有缺少的部分", "no part is missing")
_NOTHING_ELSE = Text("没有多余的文件", "nothing else lies in the folder")
_UNALTERED = Text("各部分的长度和摘要与清单一致", "every part has the length and digest that the manifest gives")
_SEALED = Text(
    "各部分均为只封给受让方的信封，且在原位", "every part is an envelope in its own place, sealed to the buyer alone"
)
_OPENS = Text("各部分可用受让方密钥打开", "every part opens with the buyer's key")
_ROWS = Text("各行格式规范、按序、客户数一致", "its rows are well formed, in order, for as many subjects as told")
_COUNTS = Text("各类字段数量与清单一致", "the counts per class are the manifest's")
_ROOT = Text(
    "由内容重算的根与清单一致：不缺、不多、未改",
    "the root over the content is the manifest's: nothing missing, added or altered",
)


def check_bundle(folder: Path, statement: Statement, context: Context) -> Report:
    """Verify the bundle in ``folder``, whose ``manifest.json`` holds ``statement``."""
    found = Checklist(subject=Text("移交包", "bundle"))
    paper = check_manifest_paper(found, statement, context)
    if paper is None:
        return found.report()
    whole = _check_files(found, folder, paper, context)
    _check_envelopes(found, folder, paper, context)
    _check_content(found, folder, paper, whole, context)
    return found.report()


def check_manifest(statement: Statement, context: Context) -> Report:
    """Verify a manifest without its parts; that they are unverified is said."""
    found = Checklist(subject=Text("移交包清单（不含各部分）", "manifest, without the parts"))
    if check_manifest_paper(found, statement, context) is not None:
        note = Text("只核对了清单；请指定移交包文件夹", "only the manifest was checked; name the bundle's folder")
        found.unknown(6, _COMPLETE, note, required=False)
    return found.report()


def check_manifest_paper(found: Checklist, statement: Statement, context: Context) -> Manifest | None:
    """Make the checks 1–5 and 14; return the manifest if it could be read."""
    try:
        paper = manifest.read(statement)
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return None
    found.holds(1, WELL_FORMED)
    check_signed(found, 2, SELLER_SIGNED, statement=statement, by=paper.seller, context=context)
    _check_release(found, paper, context)
    check_not_future(found, 14, instants=[paper.created], now=context.now)
    return paper


def _check_release(found: Checklist, paper: Manifest, context: Context) -> None:
    name = Text("所依据的移交许可在旁", "the release it names is here")
    releases = of_kind(context.papers, Kind.RELEASE)
    statement = by_digest(context.papers, Kind.RELEASE, paper.release)
    if statement is None and not releases:
        found.unknown(3, name, Text("旁边没有移交许可", "there is no release beside it"))
        return
    if statement is None:
        found.fails(3, name, Text("旁边的移交许可不是清单所指的那份", "the release beside it is another one"))
        return
    try:
        release = dealpapers.read_release(statement)
    except Problem as problem:
        found.fails(3, name, said(problem))
        return
    found.holds(3, name)
    for who, words in (
        (release.seller, Text("移交许可已由转让方签署", "the seller signed the release")),
        (release.buyer, Text("移交许可已由受让方签署", "the buyer signed the release")),
    ):
        check_signed(found, 4, words, statement=statement, by=who, context=context)
    wrong = beyond(paper, release)
    detail = told("超出或不一致：{members}", "beyond or different: {members}", members=", ".join(wrong))
    found.verdict(
        5, Text("清单在移交许可范围之内", "the manifest stays within the release"), good=not wrong, detail=detail
    )


def beyond(paper: Manifest, release: Release) -> tuple[str, ...]:
    """Return the members in which a manifest goes beyond its release or differs from it; () if in none."""
    allowed = {cls.value for cls in release.classes}
    facts = (
        ("deal", paper.deal == release.deal),
        ("seller", paper.seller == release.seller),
        ("buyer", paper.buyer == release.buyer),
        ("recipient_key", paper.recipient_key == release.recipient_key),
        ("subjects", paper.subjects <= release.subjects),
        ("counts", {name for name, count in paper.counts.items() if count} <= allowed),
        ("created", release.created <= paper.created < release.until),
    )
    return tuple(name for name, good in facts if not good)


def _check_files(found: Checklist, folder: Path, paper: Manifest, context: Context) -> bool:
    """Make the checks 6–8; return whether every part is there unaltered."""
    inside = listing(folder)
    present = {item.name for item in inside if is_regular(item)}
    listed = {item.name: item for item in paper.parts}
    missing = sorted(set(listed) - present)
    found.verdict(6, _COMPLETE, good=not missing, detail=_named("缺少", "missing", missing))
    _check_nothing_else(found, inside, set(listed), context)
    by_digest = {item.sha256: item.name for item in paper.parts}
    altered: list[str] = []
    swapped: list[str] = []
    for name in sorted(present & set(listed)):
        digest = _digest(folder / name, listed[name])
        if digest == listed[name].sha256:
            continue
        elsewhere = by_digest.get(_digest(folder / name, None) or "")
        (swapped if elsewhere else altered).append(f"{name} = {elsewhere}" if elsewhere else name)
    if swapped:
        found.fails(8, _UNALTERED, _named("位置调换", "swapped", swapped))
    if altered or not swapped:
        found.verdict(8, _UNALTERED, good=not altered, detail=_named("被改动", "altered", altered))
    return not (missing or altered or swapped)


def _check_nothing_else(found: Checklist, inside: list[Path], listed: set[str], context: Context) -> None:
    """Make check 7: parts, manifest, release and card, and the last two signed by somebody whom the user trusts."""
    extra: list[str] = []
    strange: list[str] = []
    for item in inside:
        kind = BESIDE.get(item.name)
        statement = paper_at(item)
        if item.name in listed or item.name == MANIFEST_NAME:
            continue
        if kind is None or statement is None or statement.kind is not kind:
            extra.append(item.name)
        elif not signed_by_trusted(statement, context.trust):
            strange.append(item.name)
    if strange:
        found.unknown(7, _NOTHING_ELSE, _named("签署者未经确认", "signed by nobody whom you trust", strange))
    if extra or not strange:
        found.verdict(7, _NOTHING_ELSE, good=not extra, detail=_named("多余", "not in the manifest", extra))


def _digest(path: Path, expected: Part | None) -> str | None:
    """Return a file's digest; None if its length is not the expected one or it cannot be read."""
    try:
        if expected is not None and path.stat().st_size != expected.length:
            return None
        return sha256_file(path)
    except OSError:
        return None


def _named(zh: str, en: str, names: list[str]) -> Text:
    shown = ", ".join(names[:_NAMED_MAX])
    more = len(names) - _NAMED_MAX
    if more > 0:
        return told(
            zh + "：{names} 等 {count} 个", en + ": {names} and {more} more", names=shown, more=more, count=len(names)
        )
    return told(zh + "：{names}", en + ": {names}", names=shown)


def _check_envelopes(found: Checklist, folder: Path, paper: Manifest, context: Context) -> None:
    """Make check 9 on the headers, which anybody can read."""
    wrong = []
    for item in paper.parts:
        path = folder / item.name
        if not is_regular(path):
            continue
        try:
            with path.open("rb") as file:
                header = envelope.read_header(file.read)
        except (Problem, OSError):
            wrong.append(item.name)
            continue
        recipients = [key for key, _ in header.recipients]
        if header.context != part_context(paper.bundle, item.name) or recipients != [paper.recipient_key]:
            wrong.append(item.name)
    known = context.card_of(paper.buyer)
    if known is not None and known[1] and known[0].transfer.key_id != paper.recipient_key:
        found.fails(
            9,
            _SEALED,
            Text("清单所列的收件密钥不是受让方名片上的", "the recipient key is not the one on the buyer's card"),
        )
    found.verdict(9, _SEALED, good=not wrong, detail=_named("不符", "not so", wrong))


@dataclass(slots=True, kw_only=True)
class _Content:
    """What the opened parts add up to."""

    frontier: Frontier = field(default_factory=Frontier)
    counts: Counter[str] = field(default_factory=Counter)
    last: str = ""

    def add(self, rows: part.PartColumns) -> bool:
        """Take a part's rows; return whether its subjects come after those before."""
        ascending = rows.subject[0] > self.last
        self.last = rows.subject[-1]
        for commitment in part.commitments(rows):
            self.frontier.append(leaf_hash(commitment))
        self.counts.update(part.counts(rows))
        return ascending


def _check_content(found: Checklist, folder: Path, paper: Manifest, whole: bool, context: Context) -> None:  # noqa: FBT001 - one caller
    """Make the checks 10–13."""
    key = context.trust.transfer
    if key is None or not whole:
        why = Text("未提供受让方的传输密钥", "the buyer's transfer key was not given")
        if key is not None:
            why = Text("部分缺失或被改动，未打开", "parts are missing or altered, so none was opened")
        for step, name in ((10, _OPENS), (11, _ROWS), (12, _COUNTS), (13, _ROOT)):
            found.unknown(step, name, why, required=key is not None)
        return
    if key.public.key_id != paper.recipient_key:
        found.fails(
            10, _OPENS, Text("移交包封给了另一把密钥", "the bundle is sealed to another key than the one given")
        )
        return
    content = _Content()
    context.progress.begin(Text("打开并核对各部分", "opening and checking the parts"), len(paper.parts))
    for item in paper.parts:
        if not _open_one(found, folder, paper, item, content, key):
            return
        context.progress.advance(1)
    found.holds(10, _OPENS)
    found.holds(11, _ROWS)
    told_counts = {name: count for name, count in paper.counts.items() if count}
    wrong = sorted(name for name in {*told_counts, *content.counts} if told_counts.get(name, 0) != content.counts[name])
    found.verdict(12, _COUNTS, good=not wrong, detail=_named("不一致", "different", wrong))
    found.verdict(13, _ROOT, good=content.frontier.root() == paper.root, detail=Text("根不一致", "the roots differ"))


def _open_one(found: Checklist, folder: Path, paper: Manifest, item: Part, content: _Content, key: TransferKey) -> bool:
    where = told("{name}", "{name}", name=item.name)
    try:
        with (folder / item.name).open("rb") as file:
            if item.length > PART_BYTES_MAX:
                raise Malformed(what="part", where="size")
            pieces = envelope.open_stream(key, context=part_context(paper.bundle, item.name), read=file.read)
            data = b"".join(pieces)
    except (Problem, OSError):
        found.fails(10, _OPENS, where)
        return False
    try:
        ascending = content.add(part.read_part(data, subjects=item.subjects))
    except Problem as problem:
        found.fails(11, _ROWS, said(problem))
        return False
    if not ascending:
        found.fails(11, _ROWS, where)
    return ascending
