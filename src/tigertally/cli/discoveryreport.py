"""The report that a manager reads: one HTML file in both languages, charts drawn in it, nothing loaded."""

from __future__ import annotations

from importlib import resources

from jinja2 import Environment, StrictUndefined

from tigertally.base.clock import to_text
from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.text import Lang, Text
from tigertally.discovery import Changes, Confidence, Finding, Inventory, Judged, Place, PlaceKind, Status, summarise

ROWS_MAX = 2_000
TIERS = {
    Confidence.CERTAIN: Text("确定", "certain"),
    Confidence.LIKELY: Text("很可能", "likely"),
    Confidence.POSSIBLE: Text("可能", "possible"),
}
STATUS = {
    Status.SCANNED: Text("已扫描", "scanned"),
    Status.PARTLY: Text("部分", "partly"),
    Status.SKIPPED: Text("跳过", "skipped"),
    Status.FAILED: Text("失败", "failed"),
}
_WORDS = {
    "title": Text("客户支付信息盘点", "Customer payment data: what was found"),
    "of": Text("扫描对象", "scanned"),
    "when": Text("时间", "when"),
    "rules": Text("规则版本", "rules"),
    "first": Text("先做什么", "What to do first"),
    "what": Text("有什么，有多少", "What there is, and how much"),
    "where": Text("主要在哪里", "Where most of it lies"),
    "seen": Text("看了多少", "How much was seen"),
    "all": Text("全部发现", "All findings"),
    "accepted": Text("已接受的发现", "Accepted findings"),
    "unread": Text("没有完整读取的对象", "Objects that were not read whole"),
    "changes": Text("与上次相比", "Since the earlier inventory"),
    "field": Text("字段", "field"),
    "tier": Text("把握", "tier"),
    "count": Text("数量", "values"),
    "distinct": Text("不同值", "distinct"),
    "places": Text("处", "places"),
    "place": Text("位置", "where"),
    "examples": Text("样例（已打码）", "examples (masked)"),
    "reasons": Text("依据", "reasons"),
    "object": Text("对象", "object"),
    "status": Text("状态", "status"),
    "why": Text("原因", "reason"),
    "person": Text("接受人", "accepted by"),
    "expires": Text("有效至", "until"),
    "nothing": Text("没有发现。", "Nothing was found."),
    "agrees": Text("与目录核对一致", "agrees with a second count of the source"),
    "disagrees": Text(
        "与目录核对不一致：扫描期间有变化", "DISAGREES with a second count: the source changed meanwhile"
    ),
    "more": Text("更多见 JSON 清单", "more in the JSON inventory"),
    "masked": Text(
        "本报告只含数量和打码样例，不含任何客户信息原文。",
        "Counts and masked examples only: no customer's value is in this report.",
    ),
}
_CHANGED = {
    "new": Text("新增", "new"),
    "gone": Text("消失", "gone"),
    "unseen": Text("未读到", "not seen"),
    "changed": Text("数量变化", "changed"),
    "moved": Text("移动", "moved"),
}


def where(path: str, place: Place) -> str:
    """Return the words for a place in an object."""
    if place.kind is PlaceKind.TEXT:
        return path
    return path + " » " + "/".join(part for part in (place.table, place.name) if part)


def detail_of(finding: Finding) -> str:
    """Return what a finding's title does not say yet, in brackets; a clear password's title says it is clear."""
    return f" ({finding.detail})" if finding.detail and finding.field is not FieldClass.PASSWORD else ""


def html_report(inventory: Inventory, judged: Judged, changes: Changes | None, *, lang: Lang) -> str:
    """Return the page; ``lang`` is the language that is shown first."""
    text = resources.files("tigertally.data").joinpath("templates", "inventory.html").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(text)
    langs = [lang, *(one for one in Lang if one is not lang)]
    return template.render(pages=[_page(inventory, judged, changes, one) for one in langs])


def _page(inventory: Inventory, judged: Judged, changes: Changes | None, lang: Lang) -> dict[str, object]:
    summary = summarise(inventory, judged.open)
    most = max((line.count for line in summary.lines), default=1)
    largest = max((count for _, count in summary.objects), default=1)
    objects = max(len(inventory.objects), 1)
    return {
        "lang": lang.value,
        "name": "中文" if lang is Lang.ZH else "English",
        "words": {key: word.render(lang) for key, word in _WORDS.items()},
        "root": inventory.root,
        "when": to_text(inventory.finished)[:16].replace("T", " ") + " UTC",
        "ruleset": inventory.ruleset,
        "complete": summary.complete,
        "todos": [
            {
                "task": todo.task.value.render(lang),
                "places": todo.places,
                "values": todo.values,
                "urgent": number == 0,
                "worst": [
                    f"{where(one.object, one.place)} — {_title(one, lang)} × {one.count}" for one in todo.worst[:5]
                ],
            }
            for number, todo in enumerate(summary.todos)
        ],
        "lines": [
            {
                "title": FIELD_RULES[line.field].title.render(lang),
                "class": f"{FIELD_RULES[line.field].tier.name} {FIELD_RULES[line.field].pci}".strip(),
                "count": line.count,
                "places": line.places,
                "bars": [
                    {"tier": tier.value, "title": f"{TIERS[tier].render(lang)} {count}", "width": 100 * count / most}
                    for tier, count in line.by_tier.items()
                    if count
                ],
            }
            for line in summary.lines
        ],
        "objects": [{"path": path, "count": count, "width": 100 * count / largest} for path, count in summary.objects],
        "coverage": [
            {"status": status.value, "title": STATUS[status].render(lang), "count": n, "width": 100 * n / objects}
            for status, n in summary.coverage.items()
        ],
        "unread": [
            {
                "path": one.path,
                "status": STATUS[one.status].render(lang),
                "why": one.reason.render(lang) if one.reason else "",
            }
            for one in inventory.objects
            if one.status is not Status.SCANNED
        ][:ROWS_MAX],
        "findings": [_row(one, lang) for one in judged.open[:ROWS_MAX]],
        "more": len(judged.open) > ROWS_MAX,
        "accepted": [
            {**_row(one, lang), "why": entry.reason, "person": entry.person, "expires": entry.expires.isoformat()}
            for one, entry in judged.accepted[:ROWS_MAX]
        ],
        "changes": [] if changes is None else _changed(changes, lang),
    }


def _row(one: Finding, lang: Lang) -> dict[str, object]:
    return {
        "title": _title(one, lang),
        "tier": one.tier.value,
        "tier_title": TIERS[one.tier].render(lang),
        "count": one.count,
        "distinct": one.distinct,
        "where": where(one.object, one.place),
        "examples": "  ".join(one.examples),
        "reasons": "；".join(reason.say(lang) for reason in one.reasons)
        if lang is Lang.ZH
        else "; ".join(reason.say(lang) for reason in one.reasons),
    }


def _title(one: Finding, lang: Lang) -> str:
    return FIELD_RULES[one.field].title.render(lang) + detail_of(one)


def _changed(changes: Changes, lang: Lang) -> list[dict[str, str]]:
    rows = [
        {"what": _CHANGED[kind].render(lang), "field": FIELD_RULES[one.field].title.render(lang),
         "where": where(one.object, one.place), "count": str(one.count)}
        for kind, spots in (("new", changes.new), ("gone", changes.gone), ("unseen", changes.unseen))
        for one in spots
    ]  # fmt: skip
    rows += [
        {"what": _CHANGED["changed"].render(lang), "field": FIELD_RULES[old.field].title.render(lang),
         "where": where(old.object, old.place), "count": f"{old.count} → {new.count}"}
        for old, new in changes.changed
    ]  # fmt: skip
    rows += [
        {"what": _CHANGED["moved"].render(lang), "field": "", "where": f"{old} → {new}", "count": ""}
        for old, new in changes.moved
    ]
    return rows[:ROWS_MAX]
