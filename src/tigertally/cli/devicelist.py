"""A list of where somebody is signed in and with what, drawn for them or for who looks after people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from rich.console import Console

from tigertally.access import devices
from tigertally.access.devices import Device
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import Shell

_KINDS: Final[Mapping[str, Text]] = {
    devices.SESSION: Text("会话", "session"),
    devices.CODES: Text("动态码", "one-time codes"),
    devices.KEY: Text("通行密钥", "passkey"),
    devices.RECOVERY: Text("恢复码", "recovery codes"),
}
_HEADINGS: Final = (
    Text("编号", "id"),
    Text("种类", "kind"),
    Text("设备", "machine"),
    Text("第二因素", "factor"),
    Text("自", "since"),
    Text("到期", "until"),
)


def show_devices(shell: Shell, found: Sequence[Device], *, ended: int | None) -> None:
    """Give the list; or how many ``ended``."""
    data: list[Json] = [
        {
            "id": item.id,
            "kind": item.kind,
            "device": item.device,
            "factor": item.factor,
            "since": _at(item.since),
            "factor_at": _at(item.factor_at),
            "until": _at(item.until),
            "left": item.left,
        }
        for item in found
    ]

    def show(out: Console) -> None:
        if ended is not None:
            out.print(shell.text_of("已结束 {n} 项", "ended: {n}", n=ended))
            return
        rows = [
            [
                item.id,
                shell.text(_KINDS[item.kind]),
                item.device,
                str(item.left) if item.kind == devices.RECOVERY else item.factor,
                (_at(item.since) or "")[:16],
                (_at(item.until) or "")[:16],
            ]
            for item in found
        ]
        out.print(shell.table(None, _HEADINGS, rows))

    shell.result(data if ended is None else {"ended": ended}, show)


def _at(at: datetime | None) -> str | None:
    return None if at is None else clock.to_text(at)
