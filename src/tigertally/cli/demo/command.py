"""The command ``tigertally demo`` itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
from rich.console import Console

from tigertally.app.errors import NotWritable
from tigertally.base.canon import Json
from tigertally.cli.base import Shell, shared
from tigertally.cli.demo import play, report
from tigertally.cli.demo.stage import Stage
from tigertally.cli.houses import Houses
from tigertally.cli.language import SpeakingCommand, option, speak

_MARK = ".tigertally-demo"


@speak(
    "完整演示：一家虚构公司的客户支付信息被发现、封存、守护、交接、销毁并证明；约一分钟。",
    "The whole job on a fictional company: discovered, sealed, guarded, handed over, destroyed, proved.",
    "tigertally demo",
    "tigertally demo --out ./demo-out --customers 100000 --lang en",
)
@click.command(name="demo", cls=SpeakingCommand)
@shared
@option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo-out"),
    show_default=True,
    zh="演示目录（会被清空）",
    en="folder of the demo (emptied)",
)
@option("--customers", default=20_000, show_default=True, zh="虚构客户数", en="fictional customers")
def demo_command(shell: Shell, out: Path, customers: int) -> None:
    """Play the demo."""
    place = out.absolute()
    _empty(place)
    started = shell.clock.now()
    console = Console(stderr=shell.as_json, highlight=False, soft_wrap=True)
    with Houses() as houses:
        stage = Stage(out=place, lang=shell.lang, console=console, houses=houses)
        story = play.perform(stage, customers=customers)
    seconds = (shell.clock.now() - started).total_seconds()
    page = place / "report.html"
    page.write_text(report.render(stage, story, seconds=seconds), encoding="utf-8")
    data: Json = {"report": str(page), "seconds": round(seconds), "commands": len(stage.lines)}
    shell.result(data, lambda _: report.summary(stage, story, seconds=seconds, page=page))


def _empty(place: Path) -> None:
    """Make ``place`` an empty folder; what was there is removed only if a demo made it."""
    if place.exists() and any(place.iterdir()) and not (place / _MARK).exists():
        raise NotWritable(path=place, reason="not empty")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    (place / _MARK).touch()
