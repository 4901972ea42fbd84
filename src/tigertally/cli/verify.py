"""``verify``: one command, no installation, no database, no network."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from tigertally.app import onefile
from tigertally.app.errors import NotReadable
from tigertally.app.settings import SETTINGS_NAME
from tigertally.base.canon import Json
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, option, speak
from tigertally.crypto.hpke import TransferKey
from tigertally.formats.verify import NUMBERS, Outcome, read_trust, verify_path

_FAILS_EXIT = 7
_UNKNOWN_EXIT = 3


@speak(
    "离线验证：移交包、回执、证书、检查点、证明、导出的台账。\n"
    "信任来自 --trust 给出的组织名片；没有名片时，签名属于谁记为“未知”。",
    "Verify offline: bundle, receipt, certificate, checkpoint, proof, exported ledger.\n"
    "Trust comes from the party cards given with --trust; without one, whose signature it is stays unknown.",
    "tigertally verify ./bundle --trust seller-card.json --trust buyer-card.json",
    "tigertally verify certificate.json --trust ./cards --json",
    "tigertally verify ./ledger-2026 --trust seller-card.json",
)
@click.command(name="verify", cls=SpeakingCommand)
@shared
@click.argument("path", type=click.Path(path_type=Path))
@option(
    "--trust",
    "trusted",
    multiple=True,
    type=click.Path(path_type=Path),
    zh="信任的组织名片、留存的 *.checkpoint、见证策略 *.policy（文件或文件夹，可多次）",
    en="party cards to trust, kept *.checkpoint files, *.policy files (file or folder; repeatable)",
)
@option(
    "--open",
    "opening",
    is_flag=True,
    zh="用本安装实例的传输密钥打开移交包核对内容",
    en="open a bundle with this installation's transfer key",
)
def verify_command(shell: Shell, path: Path, trusted: tuple[Path, ...], *, opening: bool) -> None:
    """Verify a file or folder."""
    if opening and not (shell.home / SETTINGS_NAME).exists():
        raise NotReadable(path=shell.home / SETTINGS_NAME, reason="FileNotFoundError")
    transfer: TransferKey | None = None
    if opening:
        with shell.house() as house:
            transfer = house.transfer
    trust = read_trust(trusted, transfer=transfer)
    with shell.progress() as progress:
        report = verify_path(path, trust, now=shell.clock.now(), progress=progress)
    checks: list[Json] = [
        {
            "step": check.step,
            "check": shell.text(check.name),
            "outcome": check.outcome.value,
            "detail": "" if check.detail is None else shell.text(check.detail),
        }
        for check in report.checks
    ]
    verdict = shell.text(report.verdict())
    data: Json = {
        "path": str(path),
        "ok": report.ok,
        "verdict": verdict,
        "unchecked": len(report.unchecked),
        "checks": checks,
    }
    marks = {
        Outcome.HOLDS: "[green]✓[/green]",
        Outcome.FAILS: "[red]✗[/red]",
        Outcome.UNKNOWN: "[yellow]?[/yellow]",
    }

    def show(out: Console) -> None:
        for check in report.checks:
            detail = "" if check.detail is None else f"  {escape(shell.text(check.detail))}"
            out.print(f"{marks[check.outcome]} {check.step}. {escape(shell.text(check.name))}{detail}")
        out.print(f"({shell.text(NUMBERS)})", markup=False, style="dim")
        colour = ("yellow" if report.unchecked else "green") if report.ok else "red"
        out.print(verdict, markup=False, style=colour)

    shell.result(data, show)
    if not report.ok:
        failed = any(check.outcome is Outcome.FAILS for check in report.checks)
        click.get_current_context().exit(_FAILS_EXIT if failed else _UNKNOWN_EXIT)


@speak(
    "把验证器写成一个文件：任何有 Python 和 cryptography 的人都能运行，无需安装本产品。",
    "Write the verifier as one file that anybody with Python and the cryptography package runs without this product.",
    "tigertally verifier ./verify.pyz",
)
@click.command(name="verifier", cls=SpeakingCommand)
@shared
@click.argument("out", type=click.Path(path_type=Path))
def verifier_command(shell: Shell, out: Path) -> None:
    """Write the verifier."""
    digest = onefile.write(out)
    told = shell.text_of(
        "已写入 {out}，SHA-256：{digest}", "{out} is written; SHA-256: {digest}", out=out, digest=digest
    )
    shell.result({"verifier": str(out), "sha256": digest}, lambda console: console.print(told, markup=False))
