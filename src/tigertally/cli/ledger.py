"""``ledger`` (checkpoint, log, show, prove, export) and ``fsck``."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console

from tigertally.app.errors import NotWritable
from tigertally.app.settings import write_whole
from tigertally.app.verbs import ledger as verbs
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.limits import NOTE_BYTES_MAX
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.formats.verify.files import read_small
from tigertally.ledger import event_kinds

_BROKEN_EXIT = 7
# A longer number is no entry but could be somebody's card, which must not be repeated on a screen.
_INDEX = click.IntRange(0, 999_999_999)


@speak("台账：检查点、条目、证明、导出。", "The ledger: checkpoints, entries, proofs, export.")
@click.group(name="ledger", cls=SpeakingGroup)
def ledger_command() -> None:
    """Group the ledger's commands."""


@speak(
    "签署当前账尾，打印检查点。",
    "Sign the present head and print the checkpoint.",
    "tigertally ledger checkpoint > checkpoint.txt",
)
@ledger_command.command(name="checkpoint", cls=SpeakingCommand)
@shared
def checkpoint(shell: Shell) -> None:
    """Sign the head."""
    with shell.house() as house:
        note = verbs.checkpoint(house)
    shell.result({"checkpoint": note.decode()}, lambda _: click.echo(note.decode(), nl=False))


@speak("最近的条目（不含个人数据）。", "The newest entries (nothing personal in them).", "tigertally ledger log -n 50")
@ledger_command.command(name="log", cls=SpeakingCommand)
@shared
@option("-n", "count", default=20, show_default=True, zh="条数", en="how many")
def log(shell: Shell, count: int) -> None:
    """List entries."""
    with shell.house() as house:
        found = verbs.recent(house, count=count)
    kinds = event_kinds()
    data: Json = [{"entry": i, "at": clock.to_text(leaf.at), "kind": leaf.kind} for i, leaf in found]

    def show(out: Console) -> None:
        rows = []
        for index, leaf in found:
            title = kinds[leaf.kind].title if leaf.kind in kinds else Text(leaf.kind, leaf.kind)
            rows.append([str(index), clock.to_text(leaf.at)[:19], leaf.kind, shell.text(title)])
        headings = (Text("条目", "entry"), Text("时间", "time"), Text("类别", "kind"), Text("含义", "meaning"))
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)


@speak(
    "一条台账的全部内容（自己的安装实例内）。",
    "Everything in one entry (inside our own installation).",
    "tigertally --as chen ledger show 42",
)
@ledger_command.command(name="show", cls=SpeakingCommand)
@shared
@click.argument("index", type=_INDEX)
def show_entry(shell: Shell, index: int) -> None:
    """Show an entry."""
    with shell.house() as house:
        found = verbs.entry(house, actor=shell.actor(house), index=index)
    data: dict[str, Json] = {
        "entry": index,
        "at": clock.to_text(found.leaf.at),
        "kind": found.leaf.kind,
        "payload": found.payload,
    }
    shell.result(data, lambda out: out.print(json.dumps(data, ensure_ascii=False, indent=2), markup=False))


@speak(
    "写出一条的证明文件（C2SP tlog-proof），任何人都能离线验证。",
    "Write one entry's proof file (C2SP tlog-proof); anyone can verify it offline.",
    "tigertally --as chen ledger prove 42 --out entry-42.tlog-proof",
)
@ledger_command.command(name="prove", cls=SpeakingCommand)
@shared
@click.argument("index", type=_INDEX)
@option("--out", type=click.Path(path_type=Path), required=True, zh="输出文件", en="output file")
def prove(shell: Shell, index: int, out: Path) -> None:
    """Write a proof."""
    with shell.house() as house:
        proof = verbs.prove(house, actor=shell.actor(house), index=index)
    try:
        write_whole(out, proof.to_bytes(), mode=0o644)
    except OSError as error:
        raise NotWritable(path=out, reason=type(error).__name__) from None
    shell.result({"proof": str(out)}, lambda console: console.print(str(out), markup=False))


@speak(
    "导出台账为一个文件夹，任何人可离线验证。",
    "Export the ledger as a folder that anyone can verify offline.",
    "tigertally --as chen ledger export ./ledger-2026",
)
@ledger_command.command(name="export", cls=SpeakingCommand)
@shared
@click.argument("folder", type=click.Path(path_type=Path))
def export(shell: Shell, folder: Path) -> None:
    """Export the ledger."""
    with shell.house() as house, shell.progress() as progress:
        size = verbs.export_to(house, actor=shell.actor(house), folder=folder, progress=progress)
    told = shell.text_of("已导出 {size} 条到 {folder}", "{size} entries exported to {folder}", size=size, folder=folder)
    shell.result({"folder": str(folder), "entries": size}, lambda out: out.print(told, markup=False))


@speak(
    "核对台账：条目、内容、树、检查点、事实索引。",
    "Check the ledger: entries, payloads, tree, checkpoints, fact index.",
    "tigertally fsck",
    "tigertally fsck --kept counsel.checkpoint",
)
@click.command(name="fsck", cls=SpeakingCommand)
@shared
@option(
    "--kept",
    multiple=True,
    type=click.Path(path_type=Path),
    zh="外部保存的检查点（可多次）：台账必须与之一致",
    en="a checkpoint kept elsewhere that the ledger must agree with (repeatable)",
)
def fsck_command(shell: Shell, kept: tuple[Path, ...]) -> None:
    """Check the ledger."""
    notes = [read_small(path, bytes_max=NOTE_BYTES_MAX) for path in kept]
    with shell.house() as house, shell.progress() as progress:
        found = verbs.check(house, kept=notes, progress=progress)
    flaws: list[Json] = [
        {"check": flaw.check, "entry": flaw.index, "what": shell.text(flaw.what)} for flaw in found.flaws
    ]
    data: Json = {
        "clean": found.clean,
        "entries": found.size,
        "erased": found.erased,
        "checkpoints": found.checkpoints,
        "flaws": flaws,
    }

    def show(out: Console) -> None:
        for flaw in found.flaws:
            out.print(f"✗ {flaw.index}: {shell.text(flaw.what)}", markup=False, style="red")
        verdict = Text("台账完好：{size} 条，{n} 个检查点", "the ledger is whole: {size} entries, {n} checkpoints")
        broken = Text("台账有 {flaws} 处问题", "the ledger has {flaws} flaws")
        if found.clean:
            out.print(shell.text(verdict, size=found.size, n=found.checkpoints), style="green")
        else:
            out.print(shell.text(broken, flaws=len(found.flaws)), style="red")

    shell.result(data, show)
    if not found.clean:
        click.get_current_context().exit(_BROKEN_EXIT)
