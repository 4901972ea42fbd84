"""``discover``: find customer payment data in files and folders; needs no installation."""

from __future__ import annotations

import json
from contextlib import closing, nullcontext
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text as Cell

from tigertally import __version__, discovery
from tigertally.app.errors import NotReadable, NotWritable
from tigertally.app.settings import write_whole
from tigertally.base.canon import Json
from tigertally.base.fields import FIELD_RULES, Destiny
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared, styled
from tigertally.cli.detecting import detecting
from tigertally.cli.discoveryreport import STATUS, TIERS, detail_of, html_report, where
from tigertally.cli.language import SpeakingCommand, option, speak
from tigertally.discovery import Changes, Confidence, Finding, Inventory, Judged, ObjectReport, Spot, Status

_LOOK = {Confidence.CERTAIN: "red", Confidence.LIKELY: "yellow", Confidence.POSSIBLE: "dim"}
_CHANGES = {
    "new": Text("新增", "new"),
    "gone": Text("消失", "gone"),
    "unseen": Text("未读到", "not seen"),
    "changed": Text("数量变化", "changed"),
    "moved": Text("移动", "moved"),
}
_ROWS_SHOWN = 60


@speak(
    "在文件、数据库和对象存储里查找客户支付信息；只读，不需要安装实例。\n"
    "只报告数量和打码样例，明文不会写到任何地方。PATH 也可以是 postgresql://、mysql://、s3:// 地址。",
    "Find customer payment data in files, databases and object stores; read-only, needs no installation.\n"
    "Reports counts and masked examples only; no clear value is written anywhere."
    " PATH may be an address too: postgresql://, mysql://, s3://.",
    "tigertally discover ./export",
    "tigertally discover ./export --out inventory.json",
    "tigertally discover ./export --since last.json --out inventory.json",
    "tigertally discover postgresql://reader@db.example/shop --out shop.json",
    "tigertally discover 's3://backups/2025?endpoint=https://s3.example' --out s3.json",
    "tigertally discover ./export --json | jq '.findings[] | select(.class == \"cvv\")'",
    "tigertally discover ./export --html report.html --sarif report.sarif --baseline accepted.toml",
    "tigertally --as chen discover ./export --out inventory.json --record",
)
@click.command(name="discover", cls=SpeakingCommand)
@shared
@click.argument("path")
@detecting
@option("--out", type=click.Path(path_type=Path), zh="把清单写到此文件", en="write the inventory to this file")
@option(
    "--exclude", multiple=True, zh="跳过匹配的路径（通配符，可多次）", en="skip paths that match (glob; repeatable)"
)
@option(
    "--since",
    type=click.Path(path_type=Path),
    zh="先前的清单：未变的对象不再读取，并列出变化",
    en="an earlier inventory: what has not changed is not read again, and changes are listed",
)
@option(
    "--fingerprints",
    type=click.Path(path_type=Path),
    zh="用此密钥文件写入各个不同值的指纹",
    en="write fingerprints of the distinct values, under the key in this file",
)
@option(
    "--html", type=click.Path(path_type=Path), zh="把给管理者的报告写到此文件", en="write a report for managers here"
)
@option("--sarif", type=click.Path(path_type=Path), zh="把 SARIF 写到此文件", en="write SARIF to this file")
@option(
    "--baseline",
    type=click.Path(path_type=Path),
    zh="已接受的发现（docs/formats/baseline.md）",
    en="accepted findings (docs/formats/baseline.md)",
)
@option(
    "--propose-baseline",
    type=click.Path(path_type=Path),
    zh="写一份待填写的已接受发现文件",
    en="write a file of accepted findings to be completed",
)
@option("--record", is_flag=True, zh="登记到安装实例的台账", en="record it in the installation's ledger")
@option("--possible", is_flag=True, zh="也列出“可能”的发现", en="list findings of tier 'possible' too")
def discover_command(
    shell: Shell,
    path: str,
    *,
    out: Path | None,
    exclude: tuple[str, ...],
    since: Path | None,
    fingerprints: Path | None,
    html: Path | None,
    sarif: Path | None,
    baseline: Path | None,
    propose_baseline: Path | None,
    record: bool,
    possible: bool,
) -> None:
    """Scan a path or an address. With ``--out``, a scan that is killed goes on where it was when it is run again."""
    if "://" not in path and not Path(path).exists():
        raise NotReadable(path=path, reason="FileNotFoundError")
    if out is not None and not out.parent.is_dir():
        raise NotWritable(path=out, reason="FileNotFoundError")
    shell.warn(discovery.slowness())
    earlier = None if since is None else _read_inventory(since)
    accepted = () if baseline is None else discovery.read_baseline(_read(baseline))
    printing = discovery.fingerprinting(discovery.read_key(fingerprints)) if fingerprints else nullcontext()
    opened = closing(discovery.origin_of(path, clock=shell.clock, exclude=exclude))
    with printing, opened as origin, shell.progress() as progress:
        inventory = discovery.scan_origin(
            origin,
            clock=shell.clock,
            progress=progress,
            since=earlier,
            journal=None if out is None else out.with_name(out.name + ".partial"),
        )
    written = discovery.to_json(inventory)
    if out is not None:
        _write(out, written)
    if record:
        from tigertally.app.verbs import discovery as verbs  # noqa: PLC0415 - a scan alone needs no database

        with shell.house(acting=True) as house:
            verbs.record_inventory(house, actor=shell.actor(house), inventory=inventory)
    data: Json = json.loads(written)
    changes = None if earlier is None else discovery.compare(earlier, inventory)
    judged = discovery.judge(inventory, accepted, today=shell.clock.now().date())
    if html is not None:
        _write(html, html_report(inventory, judged, changes, lang=shell.lang))
    if sarif is not None:
        _write(sarif, discovery.to_sarif(inventory, judged, lang=shell.lang, version=__version__))
    if propose_baseline is not None:
        _write(propose_baseline, discovery.propose_baseline(inventory))

    def show(console: Console) -> None:
        _show(shell, console, inventory, judged, possible=possible, out=out)
        if changes is not None:
            _show_changes(shell, console, changes)

    shell.result(data, show)


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise NotWritable(path=path, reason=type(error).__name__) from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotReadable(path=path, reason=type(error).__name__) from None
    except UnicodeDecodeError:
        raise NotReadable(path=path, reason="UTF-8") from None


def _read_inventory(path: Path) -> Inventory:
    return discovery.from_json(_read(path))


def _show_changes(shell: Shell, console: Console, changes: Changes) -> None:
    """Show what is new, gone, changed and moved since the earlier inventory."""
    rows = [
        *([shell.text(_CHANGES["new"]), *_spot(shell, one), str(one.count)] for one in changes.new),
        *([shell.text(_CHANGES["gone"]), *_spot(shell, one), str(one.count)] for one in changes.gone),
        *([shell.text(_CHANGES["unseen"]), *_spot(shell, one), str(one.count)] for one in changes.unseen),
        *(
            [shell.text(_CHANGES["changed"]), *_spot(shell, old), f"{old.count} → {new.count}"]
            for old, new in changes.changed
        ),
        *([shell.text(_CHANGES["moved"]), "", f"{old} → {new}", ""] for old, new in changes.moved),
    ]
    headings = (Text("变化", "change"), Text("字段", "field"), Text("位置", "where"), Text("数量", "count"))
    console.print()
    console.print(shell.table(Text("与先前清单相比", "Since the earlier inventory"), headings, rows[:_ROWS_SHOWN]))
    if len(rows) > _ROWS_SHOWN:
        console.print(shell.text_of("……另有 {n} 行", "… {n} more rows", n=len(rows) - _ROWS_SHOWN))


def _spot(shell: Shell, one: Spot) -> tuple[str, str]:
    return shell.text(FIELD_RULES[one.field].title), where(one.object, one.place)


def _show(
    shell: Shell, console: Console, inventory: Inventory, judged: Judged, *, possible: bool, out: Path | None
) -> None:
    listed = [item for item in judged.open if possible or item.tier is not Confidence.POSSIBLE]
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
    if rows:
        console.print(shell.table(Text("发现", "Findings"), headings, rows))
    else:
        hidden = len(judged.open)
        told = Text("未发现（另有 {n} 条仅为可能，见 --possible）", "nothing found ({n} merely possible: --possible)")
        nothing = Text("未发现客户数据", "nothing found")
        console.print(shell.text(told, n=hidden) if hidden else shell.text(nothing))
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
    if judged.accepted or judged.expired or judged.unused:
        told = Text(
            "已接受的发现 {accepted} 处；已过期的条目 {expired} 个；没有用到的条目 {unused} 个",
            "{accepted} findings accepted; {expired} entries expired; {unused} entries fit nothing",
        )
        console.print(
            shell.text(told, accepted=len(judged.accepted), expired=len(judged.expired), unused=len(judged.unused))
        )
    if out is not None:
        console.print(shell.text_of("清单：{out}", "inventory: {out}", out=out), markup=False)


def _agreement(shell: Shell, *, complete: bool) -> str:
    return shell.text(Text("一致", "agrees with") if complete else Text("不一致", "DISAGREES with"))


def _finding_row(shell: Shell, item: Finding) -> list[str | Cell]:
    detail = detail_of(item)
    return [
        shell.text(FIELD_RULES[item.field].title) + detail,
        styled(shell.text(TIERS[item.tier]), _LOOK[item.tier]),
        str(item.count),
        str(item.distinct),
        where(item.object, item.place),
        " ".join(item.examples[:2]),
    ]


def _object_row(shell: Shell, item: ObjectReport) -> list[str]:
    reason = "" if item.reason is None else shell.text(item.reason)
    return [item.path, shell.text(STATUS[item.status]), reason]
