"""``copies``: what is known of data outside the vault, and which file a copy is after a restore."""

from __future__ import annotations

import click
from rich.console import Console

from tigertally.app.verbs import handover as verbs
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, speak
from tigertally.handover import Fate, KnownCopy

_NUMBER = click.IntRange(1, 999_999_999)


@speak(
    "副本：列出一笔交易登记的副本；恢复后重新确认。",
    "Copies: list those registered with a deal; say which file one is after a restore.",
)
@click.group(name="copies", cls=SpeakingGroup)
def copies_command() -> None:
    """Group the commands about copies."""


def _body(item: KnownCopy) -> dict[str, Json]:
    return {
        "copy": item.copy,
        "place": str(item.place),
        "kind": item.kind.value,
        "fate": item.fate.value,
        "gone": None if item.gone is None else clock.to_text(item.gone),
        "verified": item.verified,
    }


@speak(
    "列出登记的副本；编号用于 copies register。",
    "List registered copies; the number is for copies register.",
    "tigertally copies list dea_01…",
)
@copies_command.command(name="list", cls=SpeakingCommand)
@shared
@click.argument("deal")
def list_copies(shell: Shell, deal: str) -> None:
    """List copies."""
    with shell.house() as house:
        found = verbs.list_copies(house, deal=deal)

    def show(out: Console) -> None:
        rows = []
        for item in found:
            fate = Text("删除", "delete") if item.fate is Fate.DELETE else Text("保留", "keep")
            gone = "" if item.gone is None else clock.to_text(item.gone)[:19]
            rows.append([str(item.copy), item.kind.value, shell.text(fate), gone, str(item.place)])
        headings = (
            Text("编号", "number"),
            Text("副本", "copy"),
            Text("处理", "fate"),
            Text("已删除", "deleted"),
            Text("位置", "place"),
        )
        out.print(shell.table(None, headings, rows))

    shell.result([_body(item) for item in found], show)


@speak(
    "确认某处现有的文件或目录就是登记的那份副本（例如从备份恢复之后）；销毁会删除它，因此需要两人。",
    "Say that what lies at a copy's place now is that copy (after a restore from backup, say).\n"
    "A destruction will delete it, so this takes two persons.",
    "tigertally --as chen copies register dea_01… 3",
)
@copies_command.command(name="register", cls=SpeakingCommand)
@shared
@click.argument("deal")
@click.argument("copy", type=_NUMBER)
def register(shell: Shell, deal: str, copy: int) -> None:
    """Register a copy again."""
    with shell.house(acting=True) as house:
        found = verbs.reidentify_copy(house, actor=shell.actor(house), deal=deal, copy=copy)
    told = shell.text_of(
        "{place} 已确认为第 {n} 号副本", "{place} is copy {n} from now on", place=found.place, n=found.copy
    )
    shell.result(_body(found), lambda out: out.print(told, markup=False))
