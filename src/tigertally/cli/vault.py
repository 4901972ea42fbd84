"""``show``, ``find``, ``reveal`` and ``grant``: guarded reading."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from tigertally.access import Grant, NotAllowed, Purpose
from tigertally.app.verbs import revealing
from tigertally.app.verbs import vault as verbs
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.fields import FIELD_RULES, SEALABLE, FieldClass
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.vault import MaskedRecord

SCOPE_DEFAULT = "main"
_LINES_SHOWN = 20
_CLASSES = tuple(sorted(item.value for item in SEALABLE))
_PURPOSES = tuple(item.value for item in Purpose)


def scoped(command: Callable[..., object]) -> Callable[..., object]:
    """Add the ``--scope`` option."""
    add = option("--scope", default=SCOPE_DEFAULT, show_default=True, zh="数据范围", en="the scope of the data")
    return add(command)


def _show_records(shell: Shell, records: list[MaskedRecord]) -> None:
    data: Json = [
        {
            "subject": record.subject,
            "fields": [
                {"class": item.cls.value, "slot": item.slot, "token": item.token, "masked": item.masked}
                for item in record.fields
            ],
        }
        for record in records
    ]

    def show(out: Console) -> None:
        headings = (Text("字段", "field"), Text("打码值", "masked"), Text("令牌", "token"))
        for record in records:
            rows = [
                [shell.text(FIELD_RULES[item.cls].title), item.masked or shell.text_of("不可见", "hidden"), item.token]
                for item in record.fields
            ]
            out.print(record.subject, style="dim")
            out.print(shell.table(None, headings, rows))
        if not records:
            out.print(shell.text_of("没有找到", "nothing found"))

    shell.result(data, show)


@speak(
    "按令牌或客户编号显示记录，默认打码。",
    "Show a record by token or subject id, masked.",
    "tigertally --as zhao show 7203948812341111",
    "tigertally --as zhao show sub_01… --json",
)
@click.command(name="show", cls=SpeakingCommand)
@shared
@click.argument("whom")
@scoped
def show_command(shell: Shell, whom: str, scope: str) -> None:
    """Show masked records."""
    with shell.house(acting=True) as house:
        records = verbs.show(house, actor=shell.actor(house), scope=scope, whom=whom)
    _show_records(shell, records)


@speak(
    "按值查找客户（用带密钥的摘要匹配，值从提示输入，不进命令行历史）；姓名和电话不论写法。",
    "Find who holds a value (matched by keyed digest; the value is asked for, so it is in no shell history). Names and "
    "telephone numbers are found however they are spelled.",
    "tigertally --as zhao find --class mobile",
    "tigertally --as zhao find --class pan --last-four",
)
@click.command(name="find", cls=SpeakingCommand)
@shared
@option("--class", "cls", required=True, type=click.Choice(_CLASSES), zh="字段类别", en="field class")
@option("--last-four", is_flag=True, zh="按卡号末四位查找", en="find cards by their last four digits")
@scoped
def find_command(shell: Shell, cls: str, scope: str, *, last_four: bool) -> None:
    """Find by value."""
    if last_four and cls != FieldClass.PAN.value:
        raise click.UsageError(shell.text_of("--last-four 只用于卡号", "--last-four is for cards only"))
    with shell.house(acting=True) as house:
        actor = shell.actor(house)
        if last_four:
            tail = click.prompt(shell.text_of("卡号末四位", "the last four digits"), err=True)
            total, records = verbs.find_tail(house, actor=actor, scope=scope, tail=tail)
            if total > len(records):
                shell.say("共 {n} 名客户，显示前 {m} 名", "{n} customers, the first {m} shown", n=total, m=len(records))
            _show_records(shell, records)
            return
        value = shell.secret(file=None, zh="要查找的值", en="the value to find")
        records = verbs.find(house, actor=actor, scope=scope, cls=FieldClass(cls), value=value)
    _show_records(shell, records)


@speak(
    "统计每类字段有多少不同的值、多少由多名客户共有；不解密任何值。",
    "Count the different values of each class, and those that several customers hold; nothing is decrypted.",
    "tigertally --as zhao duplicates",
)
@click.command(name="duplicates", cls=SpeakingCommand)
@shared
@scoped
def duplicates_command(shell: Shell, scope: str) -> None:
    """Count values that are shared."""
    with shell.house(acting=True) as house:
        found = verbs.shared_values(house, actor=shell.actor(house), scope=scope)
    data: Json = {
        cls.value: {"different": one.different, "shared": one.shared, "respelled": one.respelled}
        for cls, one in found.items()
    }

    def show(out: Console) -> None:
        rows = [
            [shell.text(FIELD_RULES[cls].title), str(one.different), str(one.shared), str(one.respelled)]
            for cls, one in found.items()
        ]
        headings = (
            Text("字段", "field"),
            Text("不同的值", "different"),
            Text("共有", "shared"),
            Text("有几种写法", "in several spellings"),
        )
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)


@speak(
    "为早先封存的姓名和电话建立不论写法的查找索引；可中断后继续，做过的不再做。",
    "Index the names and telephone numbers that were sealed before, so that they are found however they are spelled. "
    "Goes on where it was interrupted; what is done is left alone.",
    "tigertally --as zhao respell",
)
@click.command(name="respell", cls=SpeakingCommand)
@shared
@scoped
def respell_command(shell: Shell, scope: str) -> None:
    """Index names and numbers anew."""
    with shell.house(acting=True) as house, shell.progress() as progress:
        records = verbs.respell(house, actor=shell.actor(house), scope=scope, progress=progress)
    told = shell.text_of("已检查 {n} 条记录", "{n} records were looked at", n=records)
    shell.result({"records": records}, lambda out: out.print(told))


@speak(
    "查看一个明文值：需要目的、他人批准的授权和五分钟内的动态码；先记账，后显示。",
    "Reveal one clear value: needs a purpose, a grant that another person approved and a fresh code; recorded first.",
    "tigertally --as zhao reveal 7203948812341111 --purpose refund --grant gra_01…",
    "tigertally --as zhao reveal 7203948812341111 --purpose refund --bin",
)
@click.command(name="reveal", cls=SpeakingCommand)
@shared
@click.argument("token")
@option("--purpose", required=True, type=click.Choice(_PURPOSES), zh="目的", en="what for")
@option("--grant", "grant_id", default="", zh="授权编号", en="the grant's id")
@option(
    "--bin", "only_bin", is_flag=True, zh="只看卡号前六位（无需授权）", en="a card's first six digits only (no grant)"
)
@scoped
def reveal_command(shell: Shell, token: str, purpose: str, grant_id: str, scope: str, *, only_bin: bool) -> None:
    """Reveal a value."""
    with shell.house(acting=True) as house:
        actor = shell.actor(house)
        try:
            if only_bin:
                revealed = verbs.reveal_bin(house, actor=actor, scope=scope, token=token, purpose=Purpose(purpose))
            else:
                revealed = verbs.reveal(
                    house, actor=actor, scope=scope, token=token, purpose=Purpose(purpose), grant=grant_id
                )
        except NotAllowed:
            if any(item.grant == grant_id and not item.approved for item in verbs.list_grants(house)):
                _tell_waiting(shell, grant_id)
            raise
    value = revealed.value.expose()
    data: dict[str, Json] = {"subject": revealed.place.subject, "class": revealed.place.cls.value, "value": value}
    shell.result(data, lambda out: out.print(value, markup=False))
    revealed.value.wipe()


@speak(
    "把一份令牌清单的明文值写入一个新文件（仅本人可读）：需要批量授权，且由另一人批准这一份清单；先记账，后写出。",
    "Write the clear values of a list of tokens to a new file that only you can read: needs a grant for many, and "
    "another person's approval of this very list; recorded first. All of it is written, or nothing.",
    "tigertally --as zhao grant ask --many --class pan --purpose dispute --uses 5000",
    "tigertally --as zhao reveal-many tokens.csv --out values.csv --purpose dispute --grant gra_01…",
)
@click.command(name="reveal-many", cls=SpeakingCommand)
@shared
@click.argument("source", type=click.Path(path_type=Path))
@option("--out", required=True, type=click.Path(path_type=Path), zh="新文件", en="the new file")
@option("--purpose", required=True, type=click.Choice(_PURPOSES), zh="目的", en="what for")
@option("--grant", "grant_id", default="", zh="授权编号", en="the grant's id")
@option(
    "--recipient", default="", zh="文件给谁（代号，默认本人）", en="whom the file is for, a code (oneself by default)"
)
@scoped
def reveal_many_command(
    shell: Shell, source: Path, out: Path, purpose: str, grant_id: str, scope: str, recipient: str
) -> None:
    """Reveal many values to a file."""
    with shell.house(acting=True) as house, shell.progress() as progress:
        done = revealing.reveal_many(
            house,
            actor=shell.actor(house),
            scope=scope,
            source=source,
            out=out,
            purpose=Purpose(purpose),
            grant=grant_id,
            recipient=recipient,
            progress=progress,
        )
    data: dict[str, Json] = {
        "out": str(out),
        "classes": {cls.value: count for cls, count in done.classes.items()},
        "unknown_lines": list(done.unknown),
        "repeated": done.repeated,
    }

    def show(console: Console) -> None:
        rows = [[shell.text(FIELD_RULES[cls].title), str(count)] for cls, count in done.classes.items()]
        console.print(shell.table(None, (Text("字段", "field"), Text("写出", "written")), rows))
        if done.unknown:
            shown = ", ".join(map(str, done.unknown[:_LINES_SHOWN])) + " …" * (len(done.unknown) > _LINES_SHOWN)
            told = ("{n} 个令牌未知，在这些行：{lines}", "{n} tokens are unknown, in these lines: {lines}")
            console.print(shell.text_of(*told, n=len(done.unknown), lines=shown))

    shell.result(data, show)


@speak("授权：申请、批准、列出。", "Grants: ask, approve, list.")
@click.group(name="grant", cls=SpeakingGroup)
def grant_command() -> None:
    """Group the commands about grants."""


def _grant(item: Grant) -> dict[str, Json]:
    return {
        "grant": item.grant,
        "asker": item.asker,
        "approver": item.approver,
        "action": item.action,
        "classes": sorted(item.classes),
        "purpose": item.purpose,
        "deal": item.deal,
        "uses": item.uses_max,
        "used": item.used,
        "from": None if item.start is None else clock.to_text(item.start),
        "until": None if item.until is None else clock.to_text(item.until),
    }


def _state(grant: Grant, now: datetime) -> Text:
    if not grant.approved:
        return Text("待批准", "open")
    if grant.used >= grant.uses_max:
        return Text("已用完", "used up")
    if grant.until is not None and grant.until <= now:
        return Text("已到期", "ended")
    return Text("已批准", "approved")


def _show_grants(shell: Shell, grants: list[Grant]) -> None:
    def show(out: Console) -> None:
        rows = []
        for item in grants:
            state = _state(item, shell.clock.now())
            until = "" if item.until is None else clock.to_text(item.until)[:19]
            used = f"{item.used}/{item.uses_max}"
            rows.append([item.grant, shell.text(state), ",".join(sorted(item.classes)), item.purpose, used, until])
        headings = (
            Text("授权", "grant"),
            Text("状态", "state"),
            Text("字段", "classes"),
            Text("目的", "purpose"),
            Text("已用", "used"),
            Text("到期", "until"),
        )
        out.print(shell.table(None, headings, rows))

    shell.result([_grant(item) for item in grants], show)


def _tell_waiting(shell: Shell, grant: str) -> None:
    shell.say(
        "授权 {grant} 还在等另一位负责人或合规审批人批准：tigertally --as 姓名 grant approve {grant}",
        "grant {grant} waits for another lead or officer: tigertally --as NAME grant approve {grant}",
        grant=grant,
    )


@speak(
    "申请授权；另一人批准后才有效。",
    "Ask for a grant; it works once another person approved it.",
    "tigertally --as zhao grant ask --class pan --purpose refund --uses 1 --minutes 30",
)
@grant_command.command(name="ask", cls=SpeakingCommand)
@shared
@option(
    "--class",
    "classes",
    multiple=True,
    required=True,
    type=click.Choice(_CLASSES),
    zh="字段（可多次）",
    en="field class (repeatable)",
)
@option("--purpose", required=True, type=click.Choice(_PURPOSES), zh="目的", en="what for")
@option("--uses", default=1, show_default=True, zh="次数", en="how many values")
@option("--many", is_flag=True, zh="批量写入文件", en="for many at once, to a file")
@option("--minutes", default=30, show_default=True, zh="批准后有效分钟数", en="minutes it runs once approved")
@scoped
def ask(
    shell: Shell, classes: tuple[str, ...], purpose: str, uses: int, minutes: int, scope: str, *, many: bool
) -> None:
    """Ask for a grant."""
    with shell.house(acting=True) as house:
        found = verbs.ask_grant(
            house,
            actor=shell.actor(house),
            scope=scope,
            classes=[FieldClass(item) for item in classes],
            purpose=Purpose(purpose),
            uses=uses,
            length_s=minutes * 60,
            many=many,
        )
    _show_grants(shell, [found])
    _tell_waiting(shell, found.grant)


@speak(
    "批准别人申请的授权。",
    "Approve a grant that somebody else asked for.",
    "tigertally --as wang grant approve gra_01…",
)
@grant_command.command(name="approve", cls=SpeakingCommand)
@shared
@click.argument("grant_id")
def approve(shell: Shell, grant_id: str) -> None:
    """Approve a grant."""
    with shell.house(acting=True) as house:
        found = verbs.approve_grant(house, actor=shell.actor(house), grant=grant_id)
    _show_grants(shell, [found])


@speak("列出授权。", "List grants.", "tigertally grant list")
@grant_command.command(name="list", cls=SpeakingCommand)
@shared
def list_grants(shell: Shell) -> None:
    """List grants."""
    with shell.house() as house:
        found = verbs.list_grants(house)
    _show_grants(shell, found)
