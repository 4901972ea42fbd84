"""``processor``: files for payment processors, sealed to them; and their answers."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from tigertally import handover
from tigertally.app.verbs import processors as verbs
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.crypto.errors import RecipientRefused
from tigertally.crypto.parcels import KEY_BYTES_MAX
from tigertally.handover import Account


@speak(
    "支付处理机构：按其格式写出加密文件、试写、收下新旧编号对照。",
    "Payment processors: sealed files in their format, tried before, and their map of old and new ids.",
)
@click.group(name="processor", cls=SpeakingGroup)
def processor_command() -> None:
    """Group the commands about processors."""


@speak(
    "列出已有的格式：列、限制、出处、是否核实（不需要安装实例）。",
    "List the formats: columns, limits, where found, whether verified (no installation needed).",
    "tigertally processor list",
)
@processor_command.command(name="list", cls=SpeakingCommand)
@shared
def list_adapters(shell: Shell) -> None:
    """List adapters."""
    found = [handover.find_adapter(name) for name in handover.shipped_adapters()]
    data: Json = {
        "items": [
            {
                "name": one.name,
                "columns": [column.name for column in one.columns],
                "lines_max": one.lines_max,
                "bytes_max": one.bytes_max,
                "runs_max": one.runs_max,
                "source": one.source,
                "found": one.found,
                "verified": one.verified,
            }
            for one in found
        ]
    }

    def show(out: Console) -> None:
        rows = [
            [
                one.name,
                str(len(one.columns)),
                f"{one.lines_max:,}",
                str(one.runs_max or "-"),
                shell.text(Text("已核实", "verified") if one.verified else Text("未核实", "unverified")),
                one.source,
            ]
            for one in found
        ]
        headings = (
            Text("格式", "format"),
            Text("列数", "columns"),
            Text("每个文件行数上限", "lines per file"),
            Text("次数上限", "runs"),
            Text("各列", "columns are"),
            Text("出处", "source"),
        )
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)


@speak(
    "按处理机构的格式写出加密文件（需要两人，均须向处理机构核对公钥指纹）；--dry-run 只试写，不写数据。",
    "Write a processor's files, sealed to its key (two persons, who both compare its fingerprint); --dry-run tries it.",
    "tigertally --as chen processor export dea_01… --to stripe --dry-run",
    "tigertally --as chen processor export dea_01… --to stripe --recipient stripe.asc --out ./to-stripe",
)
@processor_command.command(name="export", cls=SpeakingCommand)
@shared
@click.argument("deal")
@option("--to", required=True, zh="格式的名称，或其 .toml 文件", en="name of the format, or its .toml file")
@option(
    "--recipient",
    type=click.Path(path_type=Path),
    zh="处理机构的 OpenPGP 或 age 公钥文件",
    en="the processor's public key: OpenPGP or age",
)
@option("--out", type=click.Path(path_type=Path), zh="新目录", en="a new folder")
@option("--set", "given", multiple=True, zh="该格式要求填写的项：名称=值", en="what the format asks for: NAME=TEXT")
@option("--dry-run", is_flag=True, zh="只试写，预告会被拒绝的行", en="write nothing; predict what would be refused")
def export_command(
    shell: Shell, deal: str, to: str, recipient: Path | None, out: Path | None, given: tuple[str, ...], *, dry_run: bool
) -> None:
    """Export for a processor."""
    adapter = handover.find_adapter(to)
    pairs = dict(item.partition("=")[::2] for item in given)
    if dry_run:
        with shell.house(acting=True) as house, shell.progress() as progress:
            account = verbs.rehearse(
                house, actor=shell.actor(house), deal=deal, adapter=adapter, given=pairs, progress=progress
            )
    else:
        if recipient is None or out is None:
            raise click.UsageError(
                shell.text_of("请指定 --recipient 与 --out，或 --dry-run", "name --recipient and --out, or --dry-run")
            )
        key = _key(recipient)
        with shell.house(acting=True) as house, shell.progress() as progress:
            account = verbs.export(
                house,
                actor=shell.actor(house),
                deal=deal,
                adapter=adapter,
                given=pairs,
                key=key,
                place=out,
                progress=progress,
            )
    _show_account(shell, account, None if dry_run else out)


def _key(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(KEY_BYTES_MAX + 1)
    except OSError:
        raise RecipientRefused(reason="unreadable") from None


def _show_account(shell: Shell, account: Account, out: Path | None) -> None:
    data: Json = {
        **account.members(),
        "out": None if out is None else str(out),
        "files": [
            {"name": one.name, "sha256": one.sha256, "length": one.length, "lines": one.lines} for one in account.files
        ],
        "files_wanted": account.files_wanted,
        "clear_bytes": account.clear_bytes,
        "seconds": str(round(account.seconds, 1)),
    }

    def show(_: Console) -> None:
        refused = ", ".join(f"{reason}: {count}" for reason, count in sorted(account.refused.items()))
        wanting = ", ".join(f"{name}: {count}" for name, count in sorted(account.wanting.items()))
        shell.pairs(
            [
                (Text("目录", "folder"), "" if out is None else out),
                (Text("文件", "files"), account.files_wanted),
                (Text("客户", "customers"), account.subjects),
                (Text("行", "lines"), account.lines),
                (Text("会被拒绝、未写出", "would be refused, not written"), refused or 0),
                (Text("缺少但仍会接收", "lacking, taken all the same"), wanting or 0),
                (Text("没有卡的客户", "customers without a card"), account.without_card),
                (Text("明文大小（字节）", "clear size (bytes)"), account.clear_bytes),
                (Text("用时（秒）", "seconds"), round(account.seconds, 1)),
            ]
        )

    shell.result(data, show)


@speak(
    "收下处理机构的回复：写出新旧编号对照，登记其摘要和数量。",
    "Take a processor's answer: write the map of old and new ids, keep its digest and counts.",
    "tigertally --as chen processor answer dea_01… --to stripe answer.csv --out map.csv",
)
@processor_command.command(name="answer", cls=SpeakingCommand)
@shared
@click.argument("deal")
@click.argument("path", type=click.Path(path_type=Path))
@option("--to", required=True, zh="格式的名称，或其 .toml 文件", en="name of the format, or its .toml file")
@option("--out", type=click.Path(path_type=Path), required=True, zh="对照表（新文件）", en="the map, a new file")
def answer_command(shell: Shell, deal: str, path: Path, to: str, out: Path) -> None:
    """Take an answer."""
    adapter = handover.find_adapter(to)
    with shell.house(acting=True) as house:
        found = verbs.answer(house, actor=shell.actor(house), deal=deal, adapter=adapter, path=path, out=out)
    data: Json = {
        "map": str(out),
        "sha256": found.sha256,
        "matched": found.matched,
        "unanswered": found.unanswered,
    }

    def show(_: Console) -> None:
        shell.pairs(
            [
                (Text("对照表", "map"), out),
                (Text("有新编号", "with a new id"), found.matched),
                (Text("没有新编号", "without one"), found.unanswered),
            ]
        )

    shell.result(data, show)
