"""``approve``: being the second person for an act that somebody else began."""

from __future__ import annotations

import json

import click
from rich.console import Console

from tigertally.app.verbs import people as verbs
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, speak


@speak(
    "作为第二人批准别人发起的操作；不带编号则列出等待批准的操作。",
    "Be the second person for an act that somebody else began; without an id, list what waits.",
    "tigertally approve",
    "tigertally --as wang approve apv_01…",
)
@click.command(name="approve", cls=SpeakingCommand)
@shared
@click.argument("approval", required=False)
def approve_command(shell: Shell, approval: str | None) -> None:
    """Approve, or list."""
    with shell.house(acting=approval is not None) as house:
        if approval is not None:
            given = [verbs.approve(house, actor=shell.actor(house), approval=approval)]
        else:
            given = verbs.open_approvals(house)
        names = {str(person.person): person.handle for person in verbs.everybody(house)}
    data: Json = [
        {
            "approval": item.approval,
            "action": item.action,
            "asker": item.asker,
            "approver": item.approver,
            "what": item.what,
        }
        for item in given
    ]

    def show(out: Console) -> None:
        rows = [
            [
                item.approval,
                item.action,
                names.get(item.asker, item.asker),
                names.get(item.approver, item.approver) or "…",
                json.dumps(item.what, ensure_ascii=False),
            ]
            for item in given
        ]
        headings = (
            Text("编号", "id"),
            Text("操作", "act"),
            Text("发起人", "asked by"),
            Text("批准人", "approved by"),
            Text("内容", "what"),
        )
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)
