"""``keys``: their state and age, rotation, and changing a scope's suite of algorithms, the inventory of both."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from tigertally.app import cbom
from tigertally.app.errors import NotWritable
from tigertally.app.settings import write_whole
from tigertally.app.verbs import vault as verbs
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared, styled
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.cli.vault import scoped
from tigertally.vault import KeyInfo, KeyState, Suite

_SUITES = tuple(suite.label for suite in Suite)


@speak("密钥：列出状态与年龄，轮换，换用算法套件。", "Keys: their state and age; rotation; changing suites.")
@click.group(name="keys", cls=SpeakingGroup)
def keys_command() -> None:
    """Group the commands about keys."""


@speak("列出密钥（不含密钥材料）。", "List keys (no key material).", "tigertally keys list")
@keys_command.command(name="list", cls=SpeakingCommand)
@shared
def list_keys(shell: Shell) -> None:
    """List keys."""
    with shell.house() as house:
        found = verbs.list_keys(house)
        now = house.clock.now()
        keeping = house.settings.keeper
    custodian = f"{keeping.kind.value} {keeping.place}"
    data: Json = [
        {
            "key": item.key,
            "purpose": item.purpose.value,
            "scope": item.scope,
            "version": item.version,
            "suite": item.suite.label,
            "state": item.state.value,
            "created": clock.to_text(item.created),
            "due": None if item.due is None else clock.to_text(item.due),
            "over_age": _over_age(item, now),
            "uses": item.uses,
            "custodian": custodian if item.destroyed is None else None,
        }
        for item in found
    ]

    def show(out: Console) -> None:
        looks = {KeyState.ACTIVE: "green", KeyState.RETIRED: "yellow", KeyState.DESTROYED: "dim"}
        rows = [
            [
                item.purpose.value,
                item.scope,
                str(item.version),
                item.suite.label,
                styled(item.state.value, looks[item.state]),
                str((now - item.created).days),
                ""
                if item.due is None
                else styled(item.due.strftime("%Y-%m-%d"), "red" if _over_age(item, now) else ""),
                str(item.uses),
                custodian if item.destroyed is None else "",
            ]
            for item in found
        ]
        headings = (
            Text("用途", "purpose"),
            Text("范围", "scope"),
            Text("版本", "version"),
            Text("套件", "suite"),
            Text("状态", "state"),
            Text("天数", "days"),
            Text("应更换", "due"),
            Text("使用次数", "uses"),
            Text("保管处", "custodian"),
        )
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)


def _over_age(item: KeyInfo, now: datetime) -> bool:
    return item.due is not None and item.due <= now


@speak(
    "轮换保险库密钥：新建一版并重新包裹客户密钥，数据不动；需要两人；中断后可继续。",
    "Rotate the vault key: a new version, subject keys re-wrapped, values untouched; two persons; resumable.",
    "tigertally --as chen keys rotate --scope main",
)
@keys_command.command(name="rotate", cls=SpeakingCommand)
@shared
@scoped
def rotate(shell: Shell, scope: str) -> None:
    """Rotate."""
    with shell.house(acting=True) as house, shell.progress() as progress:
        done = verbs.rotate(house, actor=shell.actor(house), scope=scope, progress=progress)
    told = shell.text_of("已重新包裹 {n} 个客户密钥", "{n} subject keys re-wrapped", n=done)
    shell.result({"scope": scope, "rewrapped": done}, lambda out: out.print(told))


@speak(
    "换用另一算法套件（如国密 guomi-1：SM4-GCM）：新建该套件的保险库密钥，逐批重新加密每条记录；期间新旧皆可读；"
    "需要两人；中断后再运行一次即可继续。",
    "Change a scope's suite of algorithms (guomi-1: SM4-GCM): a new vault key of it, records sealed anew in batches;"
    " old and new are read meanwhile; two persons; run it again to go on after an interruption.",
    "tigertally --as chen keys migrate --scope main --suite guomi-1",
)
@keys_command.command(name="migrate", cls=SpeakingCommand)
@shared
@scoped
@option("--suite", required=True, type=click.Choice(_SUITES), zh="新的算法套件", en="the suite to change to")
def migrate(shell: Shell, scope: str, suite: str) -> None:
    """Change suites."""
    with shell.house(acting=True) as house, shell.progress() as progress:
        done = verbs.migrate(house, actor=shell.actor(house), scope=scope, suite=suite, progress=progress)
    told = shell.text_of("{n} 条记录已换用 {suite}", "{n} records changed to {suite}", n=done, suite=suite)
    shell.result({"scope": scope, "suite": suite, "records": done}, lambda out: out.print(told))


@speak(
    "密码资产清单（CycloneDX 1.6 CBOM）：在用的算法、密钥（状态、日期、使用期限）、协议、证书；"
    "应更换的列为发现。不含密钥材料。",
    "Inventory of cryptography (CycloneDX 1.6 CBOM): algorithms in use, keys (state, dates, cryptoperiod), protocols,"
    " certificates; what should be replaced are findings. No key material.",
    "tigertally keys cbom --out cbom.json",
)
@keys_command.command(name="cbom", cls=SpeakingCommand)
@shared
@option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), zh="写到哪个文件", en="file to write")
def inventory(shell: Shell, out: Path) -> None:
    """Write the inventory."""
    with shell.house() as house:
        found = cbom.inventory(house)
    try:
        write_whole(out, found.document(shell.lang), mode=0o644)
    except OSError as error:
        raise NotWritable(path=out, reason=type(error).__name__) from None
    findings = [(item.ref, shell.text(item.what, **item.details)) for item in found.findings]
    data: Json = {
        "file": str(out),
        "components": len(found.components),
        "findings": [{"component": ref, "finding": told} for ref, told in findings],
    }

    def show(console: Console) -> None:
        headings = (Text("对象", "component"), Text("发现", "finding"))
        console.print(shell.table(None, headings, [list(pair) for pair in findings]))
        told = shell.text_of(
            "{n} 项已写入 {path}", "{n} components written to {path}", n=len(found.components), path=out
        )
        console.print(told, markup=False)

    shell.result(data, show)
