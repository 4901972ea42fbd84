"""``erase`` and ``hold``: one customer goes by two persons; what must stay, and what may only be stored."""

from __future__ import annotations

from collections.abc import Callable

import click
from rich.console import Console

from tigertally.app.verbs import holds as verbs
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.fields import SEALABLE, FieldClass
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.cli.vault import scoped

_CLASSES = tuple(sorted(item.value for item in SEALABLE))


@speak(
    "删除一位客户：密钥、记录、索引和台账内容；需要两人；有法律保全时拒绝。",
    "Erase one customer: key, record, index, payloads in the ledger. Two persons; refused under a legal hold.",
    "tigertally --as chen erase sub_01…",
)
@click.command(name="erase", cls=SpeakingCommand)
@shared
@click.argument("subject")
@scoped
def erase_command(shell: Shell, subject: str, scope: str) -> None:
    """Erase a customer."""
    with shell.house(acting=True) as house:
        fields = verbs.erase(house, actor=shell.actor(house), scope=scope, subject=subject)
    told = shell.text_of("已删除 {n} 个值", "{n} values were erased", n=fields)
    shell.result({"subject": subject, "fields": fields}, lambda out: out.print(told))
    shell.say(
        "旧备份里仍有这位客户：请更新另存的删除清单（tigertally backup erasures）。",
        "Older backups still hold them: write the list of erasures anew (tigertally backup erasures).",
    )


@speak("法律保全与仅限存储：设立、解除、列出。", "Legal holds and storage-only: place, lift, list.")
@click.group(name="hold", cls=SpeakingGroup)
def hold_command() -> None:
    """Group the commands about holds."""


def _aimed(command: Callable[..., object]) -> Callable[..., object]:
    adds = (
        option("--subject", default="", zh="客户编号（默认整个范围）", en="a customer (the whole scope by default)"),
        option("--class", "cls", type=click.Choice(_CLASSES), zh="只限一个字段类别", en="one class of values only"),
        option("--storage-only", is_flag=True, zh="仅限存储（个保法第47条）", en="storage only (PIPL art. 47)"),
        scoped,
    )
    for add in reversed(adds):
        command = add(command)
    return command


def _kind(*, storage_only: bool) -> str:
    return "storage_only" if storage_only else "hold"


@speak(
    "设立保全：所涉数据不得删除或销毁；--storage-only：不得查看、移交或生成副本。",
    "Place a hold: nothing it covers is erased or destroyed. With --storage-only: no reveal, bundle or copy.",
    "tigertally --as wang hold place --reason court-2026-17",
    "tigertally --as wang hold place --subject sub_01… --storage-only --reason pipl-47",
)
@hold_command.command(name="place", cls=SpeakingCommand)
@shared
@_aimed
@option("--reason", required=True, zh="依据（小写代号）", en="ground, a lower-case code")
def place(shell: Shell, *, subject: str, cls: str | None, storage_only: bool, scope: str, reason: str) -> None:
    """Place a hold."""
    with shell.house(acting=True) as house:
        entry = verbs.place(
            house,
            actor=shell.actor(house),
            kind=_kind(storage_only=storage_only),
            scope=scope,
            subject=subject,
            cls=FieldClass(cls) if cls else None,
            reason=reason,
        )
    told = shell.text_of("已设立，台账第 {n} 条", "placed; entry {n}", n=entry)
    shell.result({"entry": entry}, lambda out: out.print(told))


@speak("解除保全；需要两人。", "Lift a hold; two persons.", "tigertally --as chen hold lift --scope main")
@hold_command.command(name="lift", cls=SpeakingCommand)
@shared
@_aimed
def lift(shell: Shell, *, subject: str, cls: str | None, storage_only: bool, scope: str) -> None:
    """Lift a hold."""
    with shell.house(acting=True) as house:
        entry = verbs.lift(
            house,
            actor=shell.actor(house),
            kind=_kind(storage_only=storage_only),
            scope=scope,
            subject=subject,
            cls=FieldClass(cls) if cls else None,
        )
    told = shell.text_of("已解除，台账第 {n} 条", "lifted; entry {n}", n=entry)
    shell.result({"entry": entry}, lambda out: out.print(told))


@speak("列出一个范围内的保全；客户以假名列出。", "List what stands over a scope.", "tigertally hold list")
@hold_command.command(name="list", cls=SpeakingCommand)
@shared
@scoped
def listed(shell: Shell, scope: str) -> None:
    """List holds."""
    with shell.house() as house:
        found = verbs.listed(house, scope=scope)
    data: Json = [
        {
            "kind": one.kind,
            "what": one.what,
            "reason": one.reason,
            "since": clock.to_text(one.since),
            "entry": one.entry,
        }
        for one in found
    ]

    def show(out: Console) -> None:
        headings = (Text("种类", "kind"), Text("对象", "what"), Text("依据", "ground"), Text("台账", "entry"))
        rows = [[one.kind, one.what or one.scope, one.reason, str(one.entry)] for one in found]
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)
