"""``ledger facts``, ``ledger seen``, ``ledger beat``: what is known, who saw what, and whether the ledger lives."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click
from rich.console import Console

from tigertally.app.verbs import aftermath, people, retention
from tigertally.app.verbs import beat as beats
from tigertally.app.verbs import deals as deal_verbs
from tigertally.app.verbs import ledger as verbs
from tigertally.app.verbs import seen as scope
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.ids import check_id
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, option, speak
from tigertally.cli.retention import overdue_body, overdue_words
from tigertally.deals import TASK_TITLES
from tigertally.ledger import fact_kinds


@speak(
    "关于一个人（用户名）、交易或密钥的事实，每项由哪条台账证明；--at 显示当时所知（UTC）。",
    "The facts about a person (handle), a deal or a key, and the entry that proves each; --at: as known then (UTC).",
    "tigertally --as chen ledger facts zhao",
    "tigertally --as chen ledger facts dea_01… --at 2026-03-02T09:00:00",
)
@click.command(name="facts", cls=SpeakingCommand)
@shared
@click.argument("subject")
@option("--at", type=click.DateTime(), zh="当时", en="as known then")
def facts(shell: Shell, subject: str, at: datetime | None) -> None:
    """Show facts."""
    with shell.house() as house:
        actor = shell.actor(house)
        handles = {person.handle: str(person.person) for person in people.everybody(house)}
        asked = handles.get(subject, subject)
        if asked == subject:
            check_id(subject, subject[:3] if subject[:3] in {"per", "dea", "key"} else "dea")
        instant = None if at is None else at.replace(tzinfo=UTC)
        found = verbs.facts_about(house, actor=actor, subject=asked, at=instant)
    kinds = fact_kinds()
    data: Json = [
        {
            "entry": item.fact.entry,
            "kind": item.fact.kind,
            "value": dict(item.fact.value),
            "from": clock.to_text(item.fact.start),
            "until": None if item.fact.until is None else clock.to_text(item.fact.until),
            "withdrawn": item.fact.withdrawn,
            "holds": item.holds,
        }
        for item in found
    ]

    def show(out: Console) -> None:
        rows = [
            [
                "✓" if item.holds else "✗",
                str(item.fact.entry),
                shell.text(kinds[item.fact.kind].title) if item.fact.kind in kinds else item.fact.kind,
                json.dumps(item.fact.value, ensure_ascii=False),
                clock.to_text(item.fact.start)[:19],
                "" if item.fact.until is None else clock.to_text(item.fact.until)[:19],
            ]
            for item in found
        ]
        headings = (
            Text("", ""),
            Text("条目", "entry"),
            Text("事实", "fact"),
            Text("内容", "value"),
            Text("起", "from"),
            Text("止", "until"),
        )
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)


@speak(
    "写一条定时哨兵条目（由调度器定期运行）；--check 只检查上一条是否按时。缺号或迟到说明台账停写或外送被切断。"
    "破窗结束后，下一次哨兵自动更换密钥；交易的逾期待办在此提醒。",
    "Write a beat, a canary entry that a scheduler keeps; --check only looks whether the last one is in time. A "
    "missing number or a late beat tells that the ledger stands still or a feed was cut. After a broken glass is over, "
    "the next beat replaces the keys; what is overdue in a deal is said here.",
    "tigertally ledger beat --every 3600",
    "tigertally ledger beat --check",
)
@click.command(name="beat", cls=SpeakingCommand)
@shared
@option("--every", type=click.IntRange(1, 31_536_000), default=3600, show_default=True, zh="间隔秒数", en="seconds")
@option("--check", is_flag=True, zh="只检查", en="only look")
def beat(shell: Shell, every: int, *, check: bool) -> None:
    """Keep the beat."""
    with shell.house() as house:
        kept = beats.health(house) if check else beats.beat(house, every_s=every)
        replaced: list[str] = [] if check else aftermath.replace_keys(house)
        if not check:
            retention.count(house)
        late = retention.overdue(house)
        owed = [item for item in deal_verbs.tasks(house) if item.overdue]
    data: Json = None
    if kept is not None:
        data = {
            "entry": kept.entry,
            "number": kept.number,
            "at": clock.to_text(kept.at),
            "late": clock.to_text(kept.late),
            "replaced": [*replaced],
            "retention": [overdue_body(one) for one in late],
            "tasks": [{"deal": one.deal, "task": one.task.value, "due": clock.to_text(one.due)} for one in owed],
        }
    none = Text("还没有哨兵条目", "there is no beat yet")
    some = Text("第 {number} 次，条目 {entry}", "beat {number}, entry {entry}")
    if replaced:
        shell.say("紧急破窗已结束，密钥已更换", "a broken glass is over; the keys were replaced")
    for one in late:
        shell.warn(overdue_words(one))
    for item in owed:
        title, day = TASK_TITLES[item.task], item.due.strftime("%Y-%m-%d")
        where = f"{item.deal}, {day}"
        shell.warn(Text(f"逾期待办：{title.zh}（{where}）", f"overdue: {title.en} ({where})"))
    told = shell.text(none) if kept is None else shell.text(some, number=kept.number, entry=kept.entry)
    shell.result(data, lambda out: out.print(told, markup=False))


@speak(
    "谁在什么时候看了谁的哪些字段：事件调查、客户询问、审计所用的范围查询。时间为 UTC，结束时间不含在内。",
    "Who saw which fields of whom, and when: the scope query of an incident, a customer's question or an audit. Times "
    "are UTC; the end is not included.",
    "tigertally --as chen ledger seen --from 2026-03-01 --until 2026-04-01 --whom sub_01…",
    "tigertally --as chen ledger seen --from 2026-03-02T09:00:00 --until 2026-03-02T17:00:00 --who zhao",
)
@click.command(name="seen", cls=SpeakingCommand)
@shared
@option("--from", "start", type=click.DateTime(), required=True, zh="开始时间", en="from when")
@option("--until", type=click.DateTime(), required=True, zh="结束时间（不含）", en="until when (not included)")
@option("--who", default="", zh="只看此人（用户名）", en="only by this person (handle)")
@option("--whom", default="", zh="只看此客户（编号）", en="only of this customer (identifier)")
def seen(shell: Shell, start: datetime, until: datetime, who: str, whom: str) -> None:
    """Answer the scope query."""
    if whom:
        check_id(whom, "sub")
    with shell.house() as house:
        found = scope.seen(
            house,
            actor=shell.actor(house),
            start=start.replace(tzinfo=UTC),
            until=until.replace(tzinfo=UTC),
            who=who,
            whom=whom,
        )
        handles = {str(person.person): person.handle for person in people.everybody(house)}
    data: Json = [
        {
            "entry": item.entry,
            "at": clock.to_text(item.at),
            "person": item.person,
            "handle": handles.get(item.person, ""),
            "subjects": list(item.subjects),
            "field": item.field,
            "purpose": item.purpose,
        }
        for item in found
    ]

    def show(out: Console) -> None:
        rows = [
            [
                str(item.entry),
                clock.to_text(item.at)[:19],
                handles.get(item.person, item.person),
                ", ".join(item.subjects),
                item.field,
                item.purpose,
            ]
            for item in found
        ]
        headings = (
            Text("条目", "entry"),
            Text("时间", "time"),
            Text("谁", "who"),
            Text("客户", "customers"),
            Text("字段", "field"),
            Text("目的", "purpose"),
        )
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)
