"""``retention``: how long classes of values are kept, who is past that, erasing those by two persons."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from tigertally import vault
from tigertally.app.errors import NotReadable
from tigertally.app.verbs import retention as verbs
from tigertally.app.verbs.retention import Overdue
from tigertally.base.canon import Json
from tigertally.base.fields import FIELD_RULES
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.cli.vault import scoped
from tigertally.vault import RetentionSurvey as Survey
from tigertally.vault import RetentionTerm as Term

_MARKS = {
    "found": Text("已查证", "found"),
    "unverified": Text("未查证，只提示", "unverified: only told"),
    "default": Text("产品默认", "our default"),
}


@speak(
    "保存期限：规则、起算事件、到期清点、由两人删除到期客户。",
    "Retention: rules, events, who is past them, erasing those by two persons.",
)
@click.group(name="retention", cls=SpeakingGroup)
def retention_command() -> None:
    """Group the commands about retention."""


@speak(
    "以文件设定保存期限规则，替换现行规则；需要两人。",
    "Put a file of rules in force, in place of the present ones; two persons.",
    "tigertally --as chen retention set retention.toml",
)
@retention_command.command(name="set", cls=SpeakingCommand)
@shared
@click.argument("file", type=click.Path(path_type=Path))
def put(shell: Shell, file: Path) -> None:
    """Set rules."""
    try:
        with file.open("rb") as opened:
            text = opened.read(vault.retention.BYTES_MAX).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotReadable(path=file, reason=type(error).__name__) from None
    with shell.house(acting=True) as house:
        terms = verbs.put(house, actor=shell.actor(house), text=text)
    told = shell.text_of("规则第 {n} 版已生效", "version {n} of the rules is in force", n=terms.version)
    shell.result({"version": terms.version, "digest": terms.digest}, lambda out: out.print(told))


@speak(
    "现行规则及其出处和起算事件；--shipped：自带规则，供修改。",
    "The rules in force, where they come from, and the events stated; --shipped: those that come along, to be edited.",
    "tigertally retention show",
    "tigertally retention show --shipped > retention.toml",
)
@retention_command.command(name="show", cls=SpeakingCommand)
@shared
@option("--shipped", is_flag=True, zh="自带规则", en="the rules that come along")
@scoped
def show_rules(shell: Shell, scope: str, *, shipped: bool) -> None:
    """Show rules."""
    if shipped:
        text = vault.retention.shipped()
        shell.result({"document": text}, lambda _: click.echo(text, nl=False))
        return
    with shell.house() as house:
        terms, fact, events = verbs.present(house, scope=scope)
    stated: Json = [{"event": one.value["event"], "on": one.value["on"], "entry": one.entry} for one in events]
    rules: Json = [] if fact is None else json.loads(str(fact.value["document"]))["rule"]
    data: dict[str, Json] = {
        "version": 0 if terms is None else terms.version,
        "digest": "" if terms is None else terms.digest,
        "entry": None if fact is None else fact.entry,
        "rules": rules,
        "events": stated,
    }

    def show(out: Console) -> None:
        if terms is None:
            out.print(shell.text_of("没有现行规则", "no rules are in force"))
            return
        headings = (
            Text("字段", "class"), Text("期限", "period"), Text("起算", "from"), Text("到期后", "then"),
            Text("出处", "source"), Text("查证", "mark"),
        )  # fmt: skip
        out.print(shell.table(None, headings, [_row(shell, term) for term in terms.terms]))
        for one in events:
            out.print(f"{one.value['event']}  {one.value['on']}", markup=False)

    shell.result(data, show)


@speak(
    "登记起算事件的日期，例如服务终止、客户关系结束；期限由此起算，不早于数据封存时。",
    "State when an event was from which periods run, such as the end of a service; never before the data was sealed.",
    "tigertally --as wang retention event relation-ended --on 2026-01-31",
)
@retention_command.command(name="event", cls=SpeakingCommand)
@shared
@click.argument("event")
@option("--on", required=True, type=click.DateTime(["%Y-%m-%d"]), zh="日期（UTC）", en="the day (UTC)")
@scoped
def happened(shell: Shell, event: str, on: datetime, scope: str) -> None:
    """State an event."""
    with shell.house(acting=True) as house:
        entry = verbs.happened(house, actor=shell.actor(house), scope=scope, event=event, on=on.date())
    told = shell.text_of("已登记，台账第 {n} 条", "stated; entry {n}", n=entry)
    shell.result({"entry": entry}, lambda out: out.print(told))


@speak(
    "清点到期客户（只有数量）；以所示计划 --plan 由两人删除；有保全的略过；中断后再次运行即继续。",
    "Count who is past their retention (numbers only). With --plan, as shown, erase them: two persons; who is under a "
    "hold is left. Run it again to go on after an interruption.",
    "tigertally retention run",
    "tigertally --as chen retention run --plan 3f…",
)
@retention_command.command(name="run", cls=SpeakingCommand)
@shared
@option("--plan", default="", zh="清点所示的计划", en="the plan that the count showed")
@scoped
def run(shell: Shell, plan: str, scope: str) -> None:
    """Count, or erase."""
    if not plan:
        with shell.house() as house:
            _preview(shell, verbs.preview(house, scope=scope))
        return
    with shell.house(acting=True) as house, shell.progress() as progress:
        done = verbs.run(house, actor=shell.actor(house), scope=scope, plan=plan, progress=progress)
    told = shell.text_of(
        "已删除 {n} 位客户，{held} 位因保全留下", "{n} customers were erased, {held} left under a hold",
        n=done.erased, held=done.held,
    )  # fmt: skip
    shell.result({"erased": done.erased, "held": done.held}, lambda out: out.print(told))
    shell.say(
        "旧备份里仍有这些客户：请更新另存的删除清单（tigertally backup erasures）。",
        "Older backups still hold them: write the list of erasures anew (tigertally backup erasures).",
    )


def overdue_words(one: Overdue) -> Text:
    """Return what to tell of a scope with customers past their retention, or that nobody counted."""
    if one.fact is None or one.stale:
        return Text(
            f"范围 {one.scope}：一周内未清点保存期限（tigertally ledger beat）",
            f"scope {one.scope}: nobody counted retention within a week (tigertally ledger beat)",
        )
    due, told, held = (one.fact.value[name] for name in ("due", "told", "held"))
    return Text(
        f"范围 {one.scope}：{due} 位客户已过保存期限，{told} 位需人工决定，{held} 位保全中（tigertally retention run）",
        f"scope {one.scope}: {due} customers are past their retention, {told} are for a person to decide, {held} are "
        f"under a hold (tigertally retention run)",
    )


def overdue_body(one: Overdue) -> dict[str, Json]:
    """Return the same as data."""
    counted: dict[str, Json] = {} if one.fact is None else dict(one.fact.value)
    return {"scope": one.scope, "stale": one.stale, **counted}


def _preview(shell: Shell, found: Survey) -> None:
    data: dict[str, Json] = {
        "day": found.day.isoformat(),
        "customers": found.customers,
        "due": found.due,
        "told": found.told,
        "held": found.held,
        "partly": found.partly,
        "past": {cls.value: count for cls, count in found.past.items()},
        "plan": found.plan,
    }

    def show(out: Console) -> None:
        rows = [
            [shell.text_of("客户总数", "customers"), str(found.customers)],
            [shell.text_of("到期，可删除", "past, to be erased"), str(found.due)],
            [shell.text_of("到期，保全中，不删除", "past, under a hold, left"), str(found.held)],
            [shell.text_of("到期，规则只提示", "past, by rules that only tell"), str(found.told)],
            [shell.text_of("部分字段到期，其余未到，不删除", "past in some classes only, left"), str(found.partly)],
        ]
        out.print(shell.table(None, (Text("客户", "customers"), Text("数量", "how many")), rows))
        classes = [[shell.text(FIELD_RULES[cls].title), str(count)] for cls, count in found.past.items()]
        if classes:
            out.print(shell.table(None, (Text("字段", "class"), Text("到期客户", "customers past")), classes))
        if found.due:
            told = ("删除：tigertally retention run --plan {plan}", "to erase: tigertally retention run --plan {plan}")
            out.print(told[shell.lang.value != "zh"].replace("{plan}", found.plan), markup=False, soft_wrap=True)

    shell.result(data, show)


def _row(shell: Shell, term: Term) -> list[str]:
    years, months = divmod(term.months, 12)
    if term.days:
        period = shell.text_of("{n} 天", "{n} days", n=term.days)
    elif months:
        period = shell.text_of("{n} 个月", "{n} months", n=term.months)
    else:
        period = shell.text_of("{n} 年", "{n} years", n=years)
    return [
        "*" if term.cls is None else shell.text(FIELD_RULES[term.cls].title),
        period,
        shell.text_of("最近封存", "last sealed") if term.start == vault.retention.SEALED else term.start,
        shell.text_of("删除", "erase") if term.erase else shell.text_of("提示", "tell"),
        term.source,
        shell.text(_MARKS[term.mark]),
    ]
