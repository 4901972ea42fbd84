"""``closing-book``: everything of a closed deal in one folder that anybody checks offline."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from tigertally.app.verbs import closing as verbs
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.formats import book


@speak(
    "交割卷：一个文件夹，含交易的全部文件与证明，一条命令即可离线核验。",
    "The closing book: one folder with every paper and proof of a deal, checked offline by one command.",
)
@click.group(name="closing-book", cls=SpeakingGroup)
def closing_book_command() -> None:
    """Group the commands about closing books."""


@speak(
    "写出交割卷：名片、协议、放行书、清单、回执、销毁证明、台账证明、索引页，以及签名的目录。",
    "Write it: cards, agreement, release, manifest, receipt, certificate, ledger proofs, index pages, the signed list.",
    "tigertally --as chen closing-book make dea_01… --out ./closing-book",
    "tigertally verify ./closing-book --trust seller-card.json --trust buyer-card.json",
)
@closing_book_command.command(name="make", cls=SpeakingCommand)
@shared
@click.argument("deal")
@option("--out", type=click.Path(path_type=Path), required=True, zh="新的或空的目录", en="a new or empty folder")
def make(shell: Shell, deal: str, out: Path) -> None:
    """Make a closing book."""
    with shell.house(acting=True) as house:
        paper = verbs.make_book(house, actor=shell.actor(house), deal=deal, place=out)
    found = book.read(paper)
    data: Json = {
        "folder": str(out),
        "book": paper.digest,
        "files": [{"name": one.name, "sha256": one.sha256} for one in found.files],
    }

    def show(_: Console) -> None:
        shell.pairs(
            [
                (Text("交割卷", "closing book"), out),
                (Text("文件数", "files"), len(found.files)),
                (Text("目录摘要", "digest of its list"), paper.digest),
            ]
        )

    shell.result(data, show)
