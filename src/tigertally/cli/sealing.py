"""``plan`` (propose, check), ``seal`` and ``protect``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click
from rich.console import Console

from tigertally import discovery
from tigertally.app.errors import NotReadable
from tigertally.app.verbs import sealing as verbs
from tigertally.base.canon import Json
from tigertally.base.errors import Conflict
from tigertally.base.fields import FIELD_RULES
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.detecting import detecting
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.cli.papers import estate_of, write_bytes
from tigertally.cli.vault import scoped
from tigertally.discovery import Inventory
from tigertally.sealing import Estate, PlanMistake, PlanNotValid, ProtectReport

_INVALID_EXIT = 2


class PlanThere(Conflict):
    """A plan file that may hold somebody's edits."""

    code = "cli.plan_there"
    title = Text("{path} 已存在，可能含有您的修改", "{path} is already there and may hold your edits")
    hint = Text("用 --out 换一个文件名，或用 --force 覆盖", "choose another name with --out, or --force to replace it")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotReadable(path=path, reason=type(error).__name__) from None


def _inventory(shell: Shell, root: Estate, path: Path | None) -> Inventory:
    """Return the inventory in a file, or of a scan made now."""
    if path is not None:
        return discovery.from_json(_text(path))
    if isinstance(root, Path) and not root.exists():
        raise NotReadable(path=root, reason="FileNotFoundError")
    with closing(discovery.origin_of(str(root), clock=shell.clock)) as origin, shell.progress() as progress:
        return discovery.scan_origin(origin, clock=shell.clock, progress=progress)


@speak(
    "封存计划：哪一列是谁的哪个字段，封存、清除还是保留。",
    "The sealing plan: which column is which field of whom; seal, purge or keep.",
)
@click.group(name="plan", cls=SpeakingGroup)
def plan_command() -> None:
    """Group the commands about plans."""


@speak(
    "由扫描结果提议一份计划（TOML，带注释），请编辑确认后使用。",
    "Propose a plan from a scan (TOML with comments); edit and confirm it before use.",
    "tigertally plan propose ./export --out plan.toml",
    "tigertally plan propose postgresql://reader@db.example/shop --out plan.toml",
)
@plan_command.command(name="propose", cls=SpeakingCommand)
@shared
@detecting
@click.argument("root")
@option(
    "--inventory",
    type=click.Path(path_type=Path),
    zh="清单文件（默认现在扫描）",
    en="inventory file (default: scan now)",
)
@option("--out", type=click.Path(path_type=Path), required=True, zh="计划文件", en="the plan file")
@option("--force", is_flag=True, zh="覆盖已有的计划文件", en="replace a plan file that is there")
def propose(shell: Shell, root: str, inventory: Path | None, out: Path, *, force: bool) -> None:
    """Propose a plan."""
    estate = estate_of(root)
    if out.exists() and not force:
        raise PlanThere(path=out)
    text = verbs.propose(_inventory(shell, estate, inventory), estate)
    write_bytes(out, text.encode())
    told = shell.text_of(
        "计划已写到 {out}；请核对每一行后再封存", "the plan is in {out}; check every line before sealing", out=out
    )
    shell.result({"plan": str(out)}, lambda console: console.print(told, markup=False))


@speak(
    "检查计划：逐行说明错误；对照清单时，每个确定或很可能的发现都要有着落。",
    "Check a plan: mistakes by line; held against an inventory, every certain and likely finding needs an answer.",
    "tigertally plan check plan.toml ./export --inventory inventory.json",
)
@plan_command.command(name="check", cls=SpeakingCommand)
@shared
@detecting
@click.argument("plan", type=click.Path(path_type=Path))
@click.argument("root")
@option("--inventory", type=click.Path(path_type=Path), zh="清单文件", en="inventory file")
def check(shell: Shell, plan: Path, root: str, inventory: Path | None) -> None:
    """Check a plan."""
    estate = estate_of(root)
    known = None if inventory is None else _inventory(shell, estate, inventory)
    try:
        found: Sequence[PlanMistake] = verbs.check(_text(plan), estate, known)
    except PlanNotValid as problem:
        found = problem.mistakes
    grave = [item for item in found if item.grave]
    data: Json = {
        "ok": not grave,
        "mistakes": [{"line": item.line, "grave": item.grave, "what": item.say(shell.lang)} for item in found],
    }

    def show(out: Console) -> None:
        for item in found:
            mark, look = ("✗", "red") if item.grave else ("!", "yellow")
            line = f"{item.line}: " if item.line else ""
            out.print(f"{mark} {line}{item.say(shell.lang)}", markup=False, style=look)
        verdict = Text("计划可用", "the plan can be used") if not grave else Text("计划有错误", "the plan has mistakes")
        out.print(shell.text(verdict), style="red" if grave else "green")

    shell.result(data, show)
    if grave:
        click.get_current_context().exit(_INVALID_EXIT)


@speak(
    "按计划把客户数据封存入库；中断后重新运行即继续，完成后再运行不改变任何东西。",
    "Seal customers into the vault by the plan; interrupted, run it again; finished, running it again changes nothing.",
    "tigertally --as qian seal plan.toml ./export",
    "tigertally --as qian seal plan.toml ./export --inventory inventory.json --scope main",
)
@click.command(name="seal", cls=SpeakingCommand)
@shared
@detecting
@click.argument("plan", type=click.Path(path_type=Path))
@click.argument("root")
@option(
    "--inventory",
    type=click.Path(path_type=Path),
    zh="清单文件（默认现在扫描）",
    en="inventory file (default: scan now)",
)
@scoped
def seal_command(shell: Shell, plan: Path, root: str, inventory: Path | None, scope: str) -> None:
    """Seal an estate."""
    estate = estate_of(root)
    text, known = _text(plan), _inventory(shell, estate, inventory)
    with shell.house(acting=True) as house, shell.progress() as progress:
        before = verbs.holdings(house, scope=scope)
        done = verbs.seal(
            house,
            actor=shell.actor(house),
            text=text,
            root=estate,
            inventory=known,
            scope=scope,
            progress=progress,
        )
    report = done.report
    data: Json = {
        "scope": scope,
        "sources": report.sources,
        "rows": report.rows,
        "new_subjects": report.new_subjects,
        "new_fields": report.new_fields,
        "known_fields": report.known_fields,
        "purged": report.purged,
        "rejected": dict(report.rejected),
        "changed": before != (done.subjects, done.values),
        "skipped": [{"object": item.object, "reason": shell.text(item.reason)} for item in report.skipped],
        "subjects": done.subjects,
        "values": {cls.value: count for cls, count in done.values.items()},
    }

    def show(out: Console) -> None:
        rejected = ", ".join(f"{name} {count}" for name, count in report.rejected.items()) or "0"
        shell.pairs(
            [
                (Text("读取的行", "rows read"), report.rows),
                (Text("客户", "customers"), done.subjects),
                (Text("封存的值（累计各次运行）", "values sealed (in all runs)"), report.new_fields),
                (Text("重复出现的值", "values met again"), report.known_fields),
                (Text("不予保存的值（清除）", "values never kept (purged)"), report.purged),
                (Text("未接受的值", "values not accepted"), rejected),
                *[(FIELD_RULES[cls].title, count) for cls, count in done.values.items()],
            ]
        )
        if before == (done.subjects, done.values):
            told = Text("都已封存过，这次没有改变任何东西", "all of it was sealed before; nothing was changed now")
            out.print(shell.text(told), style="green")
        if report.skipped:
            passed = [[item.object, shell.text(item.reason)] for item in report.skipped]
            heads = (Text("对象", "object"), Text("原因", "reason"))
            out.print(shell.table(Text("未封存", "Not sealed"), heads, passed))

    shell.result(data, show)


@speak(
    "写出受保护副本：明文换成令牌，关联、编码和格式不变，验证码和明文密码清除。",
    "Write the protected copy: tokens in the values' places; joins, encodings and formats kept;\n"
    "verification codes and clear passwords purged.",
    "tigertally --as qian protect plan.toml ./export --inventory inventory.json --out ./export-protected",
)
@click.command(name="protect", cls=SpeakingCommand)
@shared
@detecting
@click.argument("plan", type=click.Path(path_type=Path))
@click.argument("root", type=click.Path(path_type=Path))
@option("--out", type=click.Path(path_type=Path), required=True, zh="副本目录", en="folder of the copy")
@option(
    "--inventory",
    type=click.Path(path_type=Path),
    zh="清单文件（默认现在扫描）",
    en="inventory file (default: scan now)",
)
@scoped
def protect_command(shell: Shell, plan: Path, root: Path, out: Path, inventory: Path | None, scope: str) -> None:
    """Write the protected copy."""
    text, known = _text(plan), _inventory(shell, root, inventory)
    with shell.house(acting=True) as house, shell.progress() as progress:
        report = verbs.protect(
            house,
            actor=shell.actor(house),
            text=text,
            root=root,
            out=out,
            inventory=known,
            scope=scope,
            progress=progress,
        )
    shell.result(_protected(shell, report, out), lambda console: _show_protected(shell, console, report, out))


def _protected(shell: Shell, report: ProtectReport, out: Path) -> Json:
    return {
        "out": str(out),
        "objects": len(report.objects),
        "rewritten": sum(1 for item in report.objects if item.rewritten),
        "left_out": [{"path": item.path, "reason": shell.text(item.reason)} for item in report.left_out],
        "counts": {
            count.cls.value: {"sealed": count.sealed, "purged": count.purged, "unknown": count.unknown}
            for count in report.totals()
        },
    }


def _show_protected(shell: Shell, out: Console, report: ProtectReport, place: Path) -> None:
    headings = (
        Text("字段", "field"),
        Text("换成令牌", "tokens"),
        Text("按计划清除", "purged"),
        Text("未知而清除", "unknown, purged"),
    )
    rows = [
        [shell.text(FIELD_RULES[count.cls].title), str(count.sealed), str(count.purged), str(count.unknown)]
        for count in report.totals()
    ]
    out.print(shell.table(None, headings, rows))
    if report.left_out:
        left = [[item.path, shell.text(item.reason)] for item in report.left_out]
        out.print(shell.table(Text("未放入副本", "Left out"), (Text("对象", "object"), Text("原因", "reason")), left))
    told = shell.text_of("{n} 个文件在 {place}", "{n} files in {place}", n=len(report.objects), place=place)
    out.print(told, markup=False)
