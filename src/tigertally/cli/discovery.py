"""``discover``: find customer payment data in files and folders; needs no installation."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text as Cell

from tigertally import discovery
from tigertally.app.errors import NotReadable, NotWritable
from tigertally.app.settings import write_whole
from tigertally.base.canon import Json
from tigertally.base.fields import FIELD_RULES, Destiny
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared, styled
from tigertally.cli.detecting import detecting
from tigertally.cli.language import SpeakingCommand, option, speak
from tigertally.discovery import Confidence, Finding, Inventory, ObjectReport, PlaceKind, Status

_LOOK = {Confidence.CERTAIN: "red", Confidence.LIKELY: "yellow", Confidence.POSSIBLE: "dim"}
_TIERS = {
    Confidence.CERTAIN: Text("确定", "certain"),
    Confidence.LIKELY: Text("很可能", "likely"),
    Confidence.POSSIBLE: Text("可能", "possible"),
}
_STATUS = {
    Status.SCANNED: Text("已扫描", "scanned"),
    Status.PARTLY: Text("部分", "partly"),
    Status.SKIPPED: Text("跳过", "skipped"),
    Status.FAILED: Text("失败", "failed"),
}
_ROWS_SHOWN = 60


@speak(
    "在文件和文件夹里查找客户支付信息；只读，不需要安装实例。\n只报告数量和打码样例，明文不会写到任何地方。",
    "Find customer payment data in files and folders; read-only, needs no installation.\n"
    "Reports counts and masked examples only; no clear value is written anywhere.",
    "tigertally discover ./export",
    "tigertally discover ./export --out inventory.json",
    "tigertally discover ./export --json | jq '.findings[] | select(.class == \"cvv\")'",
    "tigertally --as chen discover ./export --out inventory.json --record",
)
@click.command(name="discover", cls=SpeakingCommand)
@shared
@click.argument("path", type=click.Path(path_type=Path))
@detecting
@option("--out", type=click.Path(path_type=Path), zh="把清单写到此文件", en="write the inventory to this file")
@option(
    "--exclude", multiple=True, zh="跳过匹配的路径（通配符，可多次）", en="skip paths that match (glob; repeatable)"
)
@option("--record", is_flag=True, zh="登记到安装实例的台账", en="record it in the installation's ledger")
@option("--possible", is_flag=True, zh="也列出“可能”的发现", en="list findings of tier 'possible' too")
def discover_command(
    shell: Shell, path: Path, out: Path | None, exclude: tuple[str, ...], *, record: bool, possible: bool
) -> None:
    """Scan a path."""
    if not path.exists():
        raise NotReadable(path=path, reason="FileNotFoundError")
    with shell.progress() as progress:
        inventory = discovery.scan(path, clock=shell.clock, progress=progress, exclude=exclude)
    written = discovery.to_json(inventory)
    if out is not None:
        try:
            write_whole(out, written.encode())
        except OSError as error:
            raise NotWritable(path=out, reason=type(error).__name__) from None
    if record:
        from tigertally.app.verbs import discovery as verbs  # noqa: PLC0415 - a scan alone needs no database

        with shell.house() as house:
            verbs.record_inventory(house, actor=shell.actor(house), inventory=inventory)
    data: Json = json.loads(written)
    shell.result(data, lambda console: _show(shell, console, inventory, possible=possible, out=out))


def _show(shell: Shell, console: Console, inventory: Inventory, *, possible: bool, out: Path | None) -> None:
    listed = [item for item in inventory.findings if possible or item.tier is not Confidence.POSSIBLE]
    listed.sort(key=lambda item: (-FIELD_RULES[item.field].tier, item.field.value, -item.count))
    rows = [_finding_row(shell, item) for item in listed[:_ROWS_SHOWN]]
    headings = (
        Text("字段", "field"),
        Text("把握", "tier"),
        Text("数量", "count"),
        Text("不同值", "distinct"),
        Text("位置", "where"),
        Text("样例", "examples"),
    )
    console.print(shell.table(Text("发现", "Findings"), headings, rows))
    if len(listed) > _ROWS_SHOWN:
        console.print(
            shell.text_of("……另有 {n} 行，见 --json", "… {n} more rows; see --json", n=len(listed) - _ROWS_SHOWN)
        )
    unread = [item for item in inventory.objects if item.status is not Status.SCANNED]
    if unread:
        console.print()
        console.print(
            shell.table(
                Text("没有完整读取的对象", "Objects that were not read whole"),
                (Text("对象", "object"), Text("状态", "status"), Text("原因", "reason")),
                [_object_row(shell, item) for item in unread[:_ROWS_SHOWN]],
            )
        )
    totals = inventory.totals
    console.print()
    console.print(
        shell.text_of(
            "对象 {objects} 个：已扫描 {scanned}，部分 {partly}，跳过 {skipped}，失败 {failed}；与目录核对{agree}",
            "{objects} objects: {scanned} scanned, {partly} partly, {skipped} skipped, {failed} failed;"
            " {agree} the tree",
            objects=totals.objects,
            scanned=totals.scanned,
            partly=totals.partly,
            skipped=totals.skipped,
            failed=totals.failed,
            agree=_agreement(shell, complete=totals.complete),
        )
    )
    forbidden = sum(1 for item in listed if FIELD_RULES[item.field].destiny is Destiny.PURGE)
    if forbidden:
        told = Text(
            "有 {n} 处绝不允许保存的数据（验证码、磁道、明文密码）：封存前必须清除",
            "{n} places hold data that may never be kept (verification codes, tracks, clear passwords):"
            " purge before sealing",
        )
        console.print(shell.text(told, n=forbidden), style="red")
    if out is not None:
        console.print(shell.text_of("清单：{out}", "inventory: {out}", out=out), markup=False)


def _agreement(shell: Shell, *, complete: bool) -> str:
    return shell.text(Text("一致", "agrees with") if complete else Text("不一致", "DISAGREES with"))


def _finding_row(shell: Shell, item: Finding) -> list[str | Cell]:
    detail = f" ({item.detail})" if item.detail else ""
    where = item.object
    if item.place.kind is not PlaceKind.TEXT:
        where += " » " + "/".join(part for part in (item.place.table, item.place.name) if part)
    return [
        shell.text(FIELD_RULES[item.field].title) + detail,
        styled(shell.text(_TIERS[item.tier]), _LOOK[item.tier]),
        str(item.count),
        str(item.distinct),
        where,
        " ".join(item.examples[:2]),
    ]


def _object_row(shell: Shell, item: ObjectReport) -> list[str]:
    reason = "" if item.reason is None else shell.text(item.reason)
    return [item.path, shell.text(_STATUS[item.status]), reason]
