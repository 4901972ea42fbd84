"""``deal tasks`` and ``deal done``: what deals still ask to be done, and saying that it was."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from tigertally.app.verbs import deals as verbs
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, option, speak
from tigertally.deals import TASK_TITLES, Task


@speak(
    "列出交易的待办：续订协议、移交后销毁、销毁后第 1、30、90 天复查残留、交易终止后十天内返还或销毁；逾期的标明。",
    "List what deals still ask for: renewing the agreement, destroying what was handed over, looking for what was\n"
    "left 1, 30 and 90 days later, returning or destroying within ten days of a deal's end; what is overdue is marked.",
    "tigertally deal tasks",
)
@click.command(name="tasks", cls=SpeakingCommand)
@shared
def tasks(shell: Shell) -> None:
    """List tasks."""
    with shell.house() as house:
        found = verbs.tasks(house)
    data: Json = [
        {
            "deal": item.deal,
            "task": item.task.value,
            "title": shell.text(TASK_TITLES[item.task]),
            "due": clock.to_text(item.due),
            "overdue": item.overdue,
            "entry": item.proof,
        }
        for item in found
    ]

    def show(out: Console) -> None:
        if not found:
            out.print(shell.text_of("没有待办", "nothing is to be done"))
            return
        rows = []
        for item in found:
            late = shell.text_of("逾期", "overdue") if item.overdue else ""
            due = item.due.strftime("%Y-%m-%d")
            rows.append([item.deal, item.task.value, shell.text(TASK_TITLES[item.task]), due, late, str(item.proof)])
        headings = (
            Text("交易", "deal"),
            Text("待办", "task"),
            Text("内容", "what"),
            Text("期限", "due"),
            Text("", ""),
            Text("台账条目", "entry"),
        )
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)


@speak(
    "登记已返还或销毁，附对方证明（N18）或回执；只记录文件摘要。",
    "Say that everything was returned or destroyed, with the certificate (N18) or the other side's letter; only its\n"
    "digest is kept.",
    "tigertally --as sun deal done dea_01… return --document certificate.pdf",
)
@click.command(name="done", cls=SpeakingCommand)
@shared
@click.argument("deal")
@click.argument("task", type=click.Choice([Task.RETURN.value]))
@option(
    "--document",
    type=click.Path(path_type=Path),
    required=True,
    zh="证明文件（只记录摘要）",
    en="the paper that shows it (only its digest is kept)",
)
def done(shell: Shell, deal: str, task: str, document: Path) -> None:
    """Say that a task was done."""
    digest = verbs.document_digest(document)
    with shell.house(acting=True) as house:
        entry = verbs.task_done(house, actor=shell.actor(house), deal=deal, task=Task(task), document=digest)
    told = shell.text_of("已记录，台账第 {entry} 条", "recorded, ledger entry {entry}", entry=entry)
    shell.result({"deal": deal, "task": task, "document": digest, "entry": entry}, lambda out: out.print(told))
