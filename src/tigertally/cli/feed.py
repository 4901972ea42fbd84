"""``feed`` (run, status): the ledger to a SIEM, a data lake, a webhook."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence

import click
from rich.console import Console

from tigertally.app.verbs import feeding
from tigertally.app.verbs.feeding import Standing
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak

_FAILED_EXIT = 6


@speak(
    "外送：把台账条目（不含个人数据）送往 syslog、OCSF 文件或 webhook，至少一次、按顺序。",
    "Feeds: the ledger's entries (nothing personal) to syslog, OCSF lines or a webhook, at least once, in order.",
)
@click.group(name="feed", cls=SpeakingGroup)
def feed_command() -> None:
    """Group the feeds' commands."""


@speak(
    "送出所有未送达的条目；--every 则持续运行。慢的接收方不影响任何操作。",
    "Deliver what was not delivered yet; with --every go on for ever. A slow receiver holds up nothing.",
    "tigertally feed run",
    "tigertally feed run --every 5",
)
@feed_command.command(name="run", cls=SpeakingCommand)
@shared
@option("--every", type=click.FloatRange(0.1, 3600), zh="每隔几秒", en="seconds between rounds")
def run(shell: Shell, every: float | None) -> None:
    """Feed."""
    with shell.house() as house:
        if every is not None:
            stop = threading.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
            feeding.feed_for_ever(house, every_s=every, stop=stop)
        found = feeding.feed_once(house) if every is None else feeding.standing(house)
    _show(shell, found)
    if any(item.failed for item in found):
        click.get_current_context().exit(_FAILED_EXIT)


@speak("各外送送到哪一条。", "How far each feed is.", "tigertally feed status")
@feed_command.command(name="status", cls=SpeakingCommand)
@shared
def status(shell: Shell) -> None:
    """Show cursors."""
    with shell.house() as house:
        found = feeding.standing(house)
    _show(shell, found)


def _show(shell: Shell, found: Sequence[Standing]) -> None:
    data: Json = [
        {"feed": item.name, "delivered": item.delivered, "entries": item.size, "failed": item.failed} for item in found
    ]
    headings = (Text("外送", "feed"), Text("已送达", "delivered"), Text("共", "entries"), Text("失败", "failed"))

    def show(out: Console) -> None:
        rows = [[item.name, str(item.delivered), str(item.size), item.failed] for item in found]
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)
