"""From findings to a plan, and from a plan back to the estate it is for.

:func:`propose` turns an inventory into the plan that a careful person would start from; :func:`check` says everything
that stands between a plan and this estate. Rules of the proposal:

1. sensitive authentication data and clear passwords: purge, as the class they are, whatever else the column holds;
2. a column most of whose cells fit is the field as a whole; otherwise the field is spans inside its text;
3. certain and likely findings are sealed; a name, an address or an expiry date in running text is
   purged, because text does not say whose;
4. merely possible findings: kept in columns (order numbers that pass a check by chance), purged in running text;
5. in SQL dumps, columns named after people and passwords are fields, if the scan judged no column of the table;
6. tokens fit their columns where a declared type has no room for the default ones;
7. the customer column is the one whose name means it and which most sources share.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from tigertally.base.fields import FIELD_RULES, Destiny, FieldClass
from tigertally.base.text import Text
from tigertally.discovery import Confidence, Evidence, Finding, Inventory, ObjectReport, PlaceKind, Status
from tigertally.sealing.dumpcolumns import dump_sources
from tigertally.sealing.errors import NotRewritable, SourceNotReadable
from tigertally.sealing.extract import names_of
from tigertally.sealing.plan import (
    ENCODED_KINDS,
    ENCODINGS,
    KINDS,
    MASK,
    MEMBER_MARK,
    READ_KINDS,
    SPAN_CLASSES,
    TEXT_KINDS,
    WORD_CLASSES,
    Action,
    Estate,
    Extent,
    Plan,
    PlanField,
    PlanMistake,
    PlanSource,
    advice,
    mistake,
    mistakes_in,
)
from tigertally.sealing.rewriters.containers import CONTAINER_KINDS, opened_object
from tigertally.sealing.widths import width_mistakes, with_room

_WHOLE_SHARE_MIN: Final = 0.5
_BARE: Final = WORD_CLASSES | {FieldClass.CVV, FieldClass.EXPIRY}
# What running text does not say the owner of: many customers share a name, a date, an address.
_OWNERLESS: Final = frozenset(
    {FieldClass.EXPIRY, FieldClass.NAME, FieldClass.ADDRESS, FieldClass.PASSWORD_HASH, FieldClass.PAYMENT_TOKEN}
)
_UNNAMED: Final = re.compile(r"#\d+")
_TIERS: Final = tuple(Confidence)
_TIER_WORDS: Final = {Confidence.CERTAIN: "确定", Confidence.LIKELY: "很可能", Confidence.POSSIBLE: "可能"}

# Names of columns that identify a customer, best first; compared without case, blanks, dashes and underscores.
SUBJECT_NAMES: Final = (
    "客户编号 客户号 客户id 会员编号 会员号 会员id 用户编号 用户号 用户id 客户代码 customerno "
    "customerid customernumber custno custid customer memberno memberid userno userid uid clientno clientid buyerid "
    "accountid openid"
).split()


def propose(inventory: Inventory, root: Estate) -> Plan:
    """Return a plan for the findings of ``inventory``, whose estate lies under ``root``; reads columns' names only."""
    reports = {report.path: report for report in inventory.objects}
    grouped: dict[tuple[str, str], list[Finding]] = {}
    for finding in inventory.findings:
        report = reports[finding.object]
        stray = finding.place.kind is PlaceKind.TEXT and report.kind.value not in TEXT_KINDS
        if _plannable(report, reports) and not stray and not _nested(report, finding):
            grouped.setdefault((finding.object, finding.place.table or ""), []).append(finding)
    sources: list[PlanSource] = []
    names: list[frozenset[str]] = []
    for (path, table), findings in grouped.items():
        source = _source(reports[path], table, findings)
        sources.append(source)
        names.append(_names(source, reports[path], root))
        if source.kind == "sql" and not table:
            known = frozenset(its for where, its in grouped if where == path)
            for extra, columns in dump_sources(reports[path], root, known=known):
                sources.append(extra)
                names.append(columns)
    votes = Counter(name for known in names for name in known if _subject_rank(name) is not None)
    plan = Plan(
        sources=tuple(_with_subject(source, known, votes) for source, known in zip(sources, names, strict=True))
    )
    return with_room(plan, root)


def check(plan: Plan, root: Estate, inventory: Inventory | None = None) -> tuple[PlanMistake, ...]:
    """Return all mistakes of ``plan`` by itself and against the estate; by line, those without a line last.

    With an inventory, every certain and likely finding must have an answer in the plan.
    """
    found = list(mistakes_in(plan))
    for source in plan.sources:
        found += _estate_mistakes(source, root)
    if inventory is not None:
        found += _inventory_mistakes(plan, inventory)
    return tuple(sorted(found, key=lambda one: one.line or 1_000_000_000))


def misfits(plan: Plan, root: Estate) -> tuple[PlanMistake, ...]:
    """Return a mistake for each column or key that the plan names and its object does not have.

    Objects that are not there at all are none: they get a reason in the report of whatever follows the plan.
    """
    found = (one for source in plan.sources for one in _estate_mistakes(source, root))
    return tuple(one for one in found if one.what is _NO_COLUMN)


def uncovered(plan: Plan, inventory: Inventory) -> tuple[PlanMistake, ...]:
    """Return a mistake for each certain or likely finding that the plan has no answer for.

    What may never be kept is answered by purging it as what it is; a certain finding is never kept and never sealed as
    something else; a likely one may be, as a person's statement that it is not what it seems.
    """
    reports = {report.path: report for report in inventory.objects}
    return tuple(
        mistake(
            0,
            _UNCOVERED if _place(finding) else _UNCOVERED_TEXT,
            object=finding.object,
            place=_place(finding),
            cls=finding.field.value,
            title=FIELD_RULES[finding.field].title.en,
            title_zh=FIELD_RULES[finding.field].title.zh,
            count=finding.count,
        )
        for finding in inventory.findings
        if finding.tier is not Confidence.POSSIBLE
        and _plannable(reports[finding.object], reports)
        and not _nested(reports[finding.object], finding)
        and not _covered(plan, finding, reports[finding.object])
    )


def _plannable(report: ObjectReport, reports: Mapping[str, ObjectReport]) -> bool:
    """Return whether a plan can speak of the object: its own kind and those of all that hold it can be rewritten."""
    if report.kind.value not in KINDS:
        return False
    steps = report.path.split(MEMBER_MARK)
    holders = (reports.get(MEMBER_MARK.join(steps[:depth])) for depth in range(1, len(steps)))
    if any(holder is None or holder.kind not in CONTAINER_KINDS for holder in holders):
        return False
    return report.kind.value not in ENCODED_KINDS or report.encoding in ENCODINGS


def _nested(report: ObjectReport, finding: Finding) -> bool:
    """Return whether a finding is inside a list, a map or a struct of an Arrow file: not read for sealing."""
    return report.kind.value in READ_KINDS and bool({"[", "."} & set(finding.place.name or ""))


def _source(report: ObjectReport, table: str, findings: list[Finding]) -> PlanSource:
    names = list(dict.fromkeys(finding.place.name or "" for finding in findings))
    text = report.kind.value in TEXT_KINDS and not table
    fields: list[PlanField] = []
    for name in names:
        mine = [finding for finding in findings if (finding.place.name or "") == name]
        fields += _span_fields("", mine, in_text=True) if text else _column_fields(name, mine)
    unnamed = all(_UNNAMED.fullmatch(name) for name in names)
    return PlanSource(
        object=report.path,
        kind=report.kind.value,
        table=table,
        encoding=(report.encoding or "") if report.kind.value in ENCODED_KINDS else "",
        delimiter=report.dialect.delimiter if report.dialect else "",
        header=report.dialect.header if report.dialect else not unnamed,
        fields=tuple(fields),
    )


def _column_fields(name: str, findings: list[Finding]) -> list[PlanField]:
    whole = [one for one in findings if one.field not in SPAN_CLASSES or _fills(one)]
    spans = [one for one in findings if one not in whole]
    if whole:
        best = min(whole, key=lambda one: (_TIERS.index(one.tier), -one.count))
        action = _action(best, in_text=False)
        if action is not Action.KEEP or not spans:
            field = PlanField(name=name, cls=best.field, action=action, evidence=_evidence(best))
            open_ = [one for one in findings if one.tier is not Confidence.POSSIBLE and not _in_column(field, one)]
            fields = [field] if not open_ else _mixed(field, [best, *(one for one in findings if one is not best)])
            return [_purged_as(one, findings) for one in fields]
    return _span_fields(name, spans, in_text=False)


def _in_column(field: PlanField, finding: Finding) -> bool:
    return _answers(field, finding, in_text=False)


def _mixed(field: PlanField, findings: list[Finding]) -> list[PlanField]:
    """Return the fields of a column that holds several things: spans of each, or nothing of it is kept."""
    spans = _span_fields(field.name, findings, in_text=False)
    firm = [one for one in findings if one.tier is not Confidence.POSSIBLE]
    if all(any(_in_column(one, finding) for one in spans) for finding in firm):
        return spans
    return [replace(field, action=Action.PURGE, evidence=" ｜ ".join(_evidence(one) for one in findings))]


def _purged_as(field: PlanField, findings: list[Finding]) -> PlanField:
    """Return ``field``, if it purges whole cells, as the class in them that may never be kept.

    A purge empties the cells either way, but the deal's gate asks whether what may never be kept is purged as what it
    is: among hashes a clear password is easily overlooked by who reads the plan.
    """
    if (
        field.extent is not Extent.CELL
        or field.action is not Action.PURGE
        or FIELD_RULES[field.cls].destiny is Destiny.PURGE
    ):
        return field
    found = [one for one in findings if _forbidden(one) and one.tier is not Confidence.POSSIBLE]
    if not found:
        return field
    worst = max(found, key=lambda one: one.count)
    told = _AS_WHAT_IT_IS.format(cls=worst.field.value, zh=FIELD_RULES[worst.field].title.zh, other=field.cls.value)
    shown = [_evidence(one) for one in (worst, *(one for one in findings if one is not worst))]
    return replace(field, cls=worst.field, evidence=" ｜ ".join([told, *shown]))


def _span_fields(name: str, findings: list[Finding], *, in_text: bool) -> list[PlanField]:
    """Return one field per class; its strongest finding decides, all are told."""
    fields: list[PlanField] = []
    for cls in dict.fromkeys(one.field for one in findings if one.field in SPAN_CLASSES):
        mine = sorted((one for one in findings if one.field is cls), key=lambda one: _TIERS.index(one.tier))
        fields.append(
            PlanField(
                name=name,
                cls=cls,
                action=Action.PURGE if cls in _OWNERLESS else _action(mine[0], in_text=in_text),
                extent=Extent.SPANS,
                evidence=" ｜ ".join(_evidence(one) for one in mine),
            )
        )
    return fields


def _action(finding: Finding, *, in_text: bool) -> Action:
    if FIELD_RULES[finding.field].destiny is Destiny.PURGE:
        return Action.PURGE
    if finding.tier is Confidence.POSSIBLE:
        return Action.PURGE if in_text else Action.KEEP
    return Action.SEAL


def _evidence(finding: Finding) -> str:
    title = FIELD_RULES[finding.field].title
    share = f" / {finding.cells:,}" if finding.cells else ""
    shown = f" · 例 e.g. {', '.join(finding.examples)}" if finding.examples else ""
    detail = f" · {finding.detail}" if finding.detail and finding.field is not FieldClass.PASSWORD else ""
    return (
        f"{title.zh} {title.en} · {_TIER_WORDS[finding.tier]} {finding.tier.value} · {finding.count:,}{share}"
        f" · 不同值 distinct {finding.distinct:,}{detail}{shown}"
    )


def _names(source: PlanSource, report: ObjectReport, root: Estate) -> frozenset[str]:
    if source.is_text:
        return frozenset()
    if report.dialect is not None:
        return frozenset(report.dialect.columns)
    try:
        return names_of(source, root)
    except (SourceNotReadable, NotRewritable):
        return frozenset()


def _subject_rank(name: str) -> int | None:
    """Return how well a column's name says that it identifies a customer (0 is best), ``None`` if it does not."""
    last = name.rpartition(".")[2].lower()
    plain = re.sub(r"[\s_\-]", "", last)
    return SUBJECT_NAMES.index(plain) if plain in SUBJECT_NAMES else None


def _with_subject(source: PlanSource, names: frozenset[str], votes: Mapping[str, int]) -> PlanSource:
    taken = {one.name for one in source.fields if one.action is not Action.KEEP}
    able = [name for name in names if name not in taken and _subject_rank(name) is not None]
    if not able:
        return source
    best = min(able, key=lambda name: (-votes.get(name, 0), _subject_rank(name) or 0, name))
    fields = tuple(one for one in source.fields if one.name != best)
    return PlanSource(
        object=source.object,
        kind=source.kind,
        table=source.table,
        encoding=source.encoding,
        delimiter=source.delimiter,
        header=source.header,
        subject=best,
        fields=fields,
    )


def _estate_mistakes(source: PlanSource, root: Estate) -> Iterator[PlanMistake]:
    if source.kind not in KINDS:
        return
    if source.is_text:
        if MASK in source.object and not _is_there(source, root):
            yield advice(source.line, _MASKED, object=source.object)
        return
    try:
        names = names_of(source, root)
    except NotRewritable as problem:
        yield advice(source.line, _PASSED_OVER, object=source.object, why=problem.why.en, why_zh=problem.why.zh)
        return
    except SourceNotReadable:
        masked = MASK in source.object
        yield (advice if masked else mistake)(source.line, _MASKED if masked else _NOT_THERE, object=source.object)
        return
    if source.subject and source.subject not in names:
        yield mistake(source.line, _NO_COLUMN, object=source.object, column=source.subject)
    for one in source.fields:
        if one.name and one.name not in names:
            yield mistake(one.line, _NO_COLUMN, object=source.object, column=one.name)
    yield from width_mistakes(source, root)
    if not source.subject and any(one.action is Action.SEAL for one in source.fields):
        yield advice(source.line, _NO_SUBJECT, object=source.object)


def _is_there(source: PlanSource, root: Estate) -> bool:
    try:
        with opened_object(root, source.object):
            return True
    except SourceNotReadable:
        return False


def _inventory_mistakes(plan: Plan, inventory: Inventory) -> Iterator[PlanMistake]:
    reports = {report.path: report for report in inventory.objects}
    for source in plan.sources:
        report = reports.get(source.object)
        if report is None:
            yield mistake(source.line, _NOT_SCANNED, object=source.object)
        elif report.kind.value != source.kind:
            yield mistake(source.line, _OTHER_KIND, object=source.object, kind=report.kind.value)
        elif report.status is not Status.SCANNED:
            yield advice(source.line, _NOT_WHOLE, object=source.object)
    yield from uncovered(plan, inventory)
    yield from _misnamed(plan, inventory)


def _covered(plan: Plan, finding: Finding, report: ObjectReport) -> bool:
    sources = plan.of_object(finding.object)
    if finding.place.kind is PlaceKind.TEXT:
        # What stands around tables, and rows that do not line up, is always searched: tokens or nothing, never kept.
        if report.kind.value not in TEXT_KINDS:
            return True
        return any(
            _answers(one, finding, in_text=True) for source in sources if source.is_text for one in source.fields
        )
    return any(
        one.name == (finding.place.name or "") and _answers(one, finding, in_text=False)
        for source in sources
        if source.table == (finding.place.table or "")
        for one in source.fields
    )


def _answers(one: PlanField, finding: Finding, *, in_text: bool) -> bool:
    """Return whether ``one``, which lies where ``finding`` does, says what may become of it."""
    whole = one.extent is Extent.CELL and not in_text
    if whole and one.action is Action.PURGE:
        return True
    if one.cls is not finding.field:
        return whole and finding.tier is not Confidence.CERTAIN and not _forbidden(finding)
    if one.action is Action.KEEP:
        return finding.tier is not Confidence.CERTAIN
    # A bare code or date is known by its column only: no search inside the cells would find it.
    return whole or in_text or finding.field not in _BARE or not _fills(finding)


def _misnamed(plan: Plan, inventory: Inventory) -> Iterator[PlanMistake]:
    """Yield advice for each finding that may never be kept and goes with its cells, under the name of another class."""
    for finding in inventory.findings:
        if not _forbidden(finding) or finding.tier is Confidence.POSSIBLE or finding.place.kind is PlaceKind.TEXT:
            continue
        there = [
            one
            for source in plan.of_object(finding.object)
            if source.table == (finding.place.table or "")
            for one in source.fields
            if one.name == (finding.place.name or "") and one.action is Action.PURGE
        ]
        if there and all(one.cls is not finding.field for one in there):
            yield advice(
                there[0].line, _MISNAMED, object=finding.object, place=_place(finding), cls=finding.field.value,
                present=there[0].cls.value,
            )  # fmt: skip


def _forbidden(finding: Finding) -> bool:
    return FIELD_RULES[finding.field].destiny is Destiny.PURGE


def _fills(finding: Finding) -> bool:
    """Return whether most of the cells are what was found, or were counted as whole cells."""
    if finding.field in WORD_CLASSES:
        return any(reason.evidence is Evidence.SHARE for reason in finding.reasons)
    return finding.count >= _WHOLE_SHARE_MIN * finding.cells


def _place(finding: Finding) -> str:
    return " · ".join(part for part in (finding.place.table, finding.place.name) if part)


_AS_WHAT_IT_IS: Final = (
    "因含{zh}，class 为 {cls} 而不是 {other} / class is {cls}, not {other}: some cells may never be kept"
)
_MISNAMED: Final = Text(
    '{object} {place} 中有 {cls}，却按 {present} 清除：请改为 class = "{cls}"，否则交易停在 S5',
    '{object}, {place} holds {cls} but is purged as {present}: set class = "{cls}", or the deal stays before S5',
)
_UNCOVERED: Final = Text(
    "{object} 的 {place} 中有 {count} 处{title_zh}（{cls}），计划没有写明如何处理",
    "{object}, {place}: {title} ({cls}), found {count} times, that the plan does not answer for",
)
_UNCOVERED_TEXT: Final = Text(
    "{object} 中有 {count} 处{title_zh}（{cls}），计划没有写明如何处理",
    "{object}: {title} ({cls}), found {count} times, that the plan does not answer for",
)
_NOT_THERE: Final = Text("找不到或无法读取 {object}", "{object} is not there or cannot be read as its kind says")
_PASSED_OVER: Final = Text(
    "{object} 无法安全改写，封存和副本都会跳过它：{why_zh}", "{object} is passed over by sealing and the copy: {why}"
)
_MASKED: Final = Text(
    "{object} 的名称含有客户的值，封存和副本都会跳过它；请改名后重新扫描",
    "the name of {object} holds a customer's value: sealing and the copy pass it over; rename it and scan again",
)
_NO_COLUMN: Final = Text("{object} 没有名为 {column} 的列或键", "{object} has no column or key called {column}")
_NO_SUBJECT: Final = Text(
    "{object} 没有客户列，其中的值只能按值归属",
    "{object} has no customer column; its values are attributed by what they are",
)
_NOT_SCANNED: Final = Text("清单中没有 {object}", "{object} is not in the inventory")
_OTHER_KIND: Final = Text("扫描认为 {object} 的类型是 {kind}", "the scan read {object} as {kind}")
_NOT_WHOLE: Final = Text(
    "{object} 没有完整扫描，不会进入受保护副本", "{object} was not scanned to its end; it stays out of the copy"
)
