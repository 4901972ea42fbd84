"""``canary`` and ``trace``: records nobody should touch, and naming whose file leaked."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from tigertally import vault
from tigertally.app.verbs import canaries as verbs
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.cli.vault import scoped


@speak(
    "诱饵记录：设置、撤回、列出；有人触碰即记入警报并外送。",
    "Canaries: plant, withdraw, list. Whoever touches one raises an alert that feeds carry out.",
)
@click.group(name="canary", cls=SpeakingGroup)
def canary_command() -> None:
    """Group the commands about canaries."""


@speak(
    "为一个接收者设置诱饵：虚构的客户，与真实记录无从分辨；需要两人。--let-through：照常显示，只报警。",
    "Plant canaries for a recipient: invented customers whom nothing tells from real ones; two persons. With "
    "--let-through they are shown like anybody, and only the alert is raised.",
    "tigertally --as chen canary plant --recipient night-shift --count 20",
)
@canary_command.command(name="plant", cls=SpeakingCommand)
@shared
@option("--recipient", required=True, zh="接收者（小写代号）", en="the recipient, a lower-case code")
@option(
    "--count",
    default=20,
    show_default=True,
    type=click.IntRange(1, vault.canaries.COUNT_MAX),
    zh="数量",
    en="how many",
)
@option("--let-through", is_flag=True, zh="照常显示，只报警", en="show them like anybody; only the alert is raised")
@scoped
def plant(shell: Shell, *, recipient: str, count: int, scope: str, let_through: bool) -> None:
    """Plant canaries."""
    with shell.house(acting=True) as house:
        actor = shell.actor(house)
        entry = verbs.plant(house, actor=actor, scope=scope, recipient=recipient, count=count, refuse=not let_through)
    told = shell.text_of("已设置 {n} 条，台账第 {entry} 条", "{n} planted; entry {entry}", n=count, entry=entry)
    shell.result({"recipient": recipient, "count": count, "entry": entry}, lambda out: out.print(told))


@speak(
    "撤回并删除一个接收者的诱饵；需要两人；移交前必须撤回。",
    "Withdraw a recipient's canaries, which erases them; two persons. They have to go before a handover.",
    "tigertally --as chen canary withdraw --recipient night-shift",
)
@canary_command.command(name="withdraw", cls=SpeakingCommand)
@shared
@option("--recipient", required=True, zh="接收者", en="the recipient")
@scoped
def withdraw(shell: Shell, recipient: str, scope: str) -> None:
    """Withdraw canaries."""
    with shell.house(acting=True) as house:
        count = verbs.withdraw(house, actor=shell.actor(house), scope=scope, recipient=recipient)
    told = shell.text_of("已删除 {n} 条诱饵", "{n} canaries were erased", n=count)
    shell.result({"recipient": recipient, "count": count}, lambda out: out.print(told))


@speak(
    "列出现有的诱饵：接收者和数量。", "List the canaries that stand: recipients and counts.", "tigertally canary list"
)
@canary_command.command(name="list", cls=SpeakingCommand)
@shared
@scoped
def listed(shell: Shell, scope: str) -> None:
    """List canaries."""
    with shell.house() as house:
        found = verbs.listed(house, scope=scope)
    data: Json = [
        {**{name: fact.value[name] for name in ("recipient", "count", "refuse")}, "entry": fact.entry} for fact in found
    ]

    def show(out: Console) -> None:
        headings = (Text("接收者", "recipient"), Text("数量", "count"), Text("台账", "entry"))
        rows = [[str(fact.value["recipient"]), str(fact.value["count"]), str(fact.entry)] for fact in found]
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)


@speak(
    "追查泄露的文件（CSV 或文本）：其中的值或令牌曾交给谁；按记录的带密钥摘要比对，几行即可。",
    "Trace a leaked file (CSV or text): to whom its values or tokens were given. Compared by the keyed digests on "
    "record; a few rows are enough.",
    "tigertally --as wang trace leaked.csv",
)
@click.command(name="trace", cls=SpeakingCommand)
@shared
@click.argument("file", type=click.Path(path_type=Path))
@scoped
def trace_command(shell: Shell, file: Path, scope: str) -> None:
    """Trace a file."""
    with shell.house(acting=True) as house:
        found = verbs.trace(house, actor=shell.actor(house), scope=scope, source=file)
    got: Json = [{"recipient": name, "rows": rows, "only": only} for name, (rows, only) in found.got.items()]
    data: dict[str, Json] = {"rows": found.rows, "known": found.known, "got": got, "named": found.named}

    def show(out: Console) -> None:
        rows = [[name, str(rows), str(only)] for name, (rows, only) in found.got.items()]
        headings = (Text("接收者", "recipient"), Text("得到的行", "rows they got"), Text("只有其得到", "only they got"))
        out.print(shell.table(None, headings, rows))
        if found.named:
            told = shell.text_of("出自：{who}", "from: {who}", who=found.named)
        else:
            told = shell.text_of(
                "{known} 行可辨认，不能确定出自谁", "{known} rows are known; whose the file is cannot be told",
                known=found.known,
            )  # fmt: skip
        out.print(told, markup=False)

    shell.result(data, show)
