"""``witness`` (init, show, trust, cosign, serve): what a counsel, an escrow or an insurer runs, by itself."""

from __future__ import annotations

from pathlib import Path

import click

from tigertally.app import witness as room
from tigertally.app.errors import NotReadable, NotWritable, WitnessRefused
from tigertally.app.settings import write_whole
from tigertally.app.witness import Witness
from tigertally.base import clock
from tigertally.base.limits import NOTE_BYTES_MAX
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.formats.verify import read_card
from tigertally.formats.verify.files import read_small

_FOLDER = click.argument("folder", type=click.Path(path_type=Path))


def _open(shell: Shell, folder: Path) -> Witness:
    passphrase = shell.secret(file=shell.unlock_file, zh="见证方口令", en="the witness's passphrase")
    return room.open_witness(folder, passphrase=passphrase, clock=shell.clock)


@speak(
    "见证方：为台账检查点会签，证明它只追加、对所有人一致（C2SP tlog-witness）。",
    "A witness: cosigns checkpoints of ledgers that only grow and are the same for everybody (C2SP tlog-witness).",
)
@click.group(name="witness", cls=SpeakingGroup)
def witness_command() -> None:
    """Group the witness's commands."""


@speak(
    "创建见证方。名称通常是不含协议的网址。",
    "Make a witness. Its name is usually an address without the scheme.",
    "tigertally witness init ./witness --name counsel.example/w1",
)
@witness_command.command(name="init", cls=SpeakingCommand)
@shared
@_FOLDER
@option("--name", required=True, zh="见证方名称", en="the witness's name")
def init(shell: Shell, folder: Path, name: str) -> None:
    """Make a witness."""
    passphrase = shell.secret(
        file=shell.unlock_file, zh="见证方口令", en="the witness's passphrase", confirm=shell.unlock_file is None
    )
    made = room.create(folder, name=name, passphrase=passphrase, clock=shell.clock)
    _show(shell, made)


@speak("显示见证方的公钥。", "Show the witness's public keys.", "tigertally witness show ./witness")
@witness_command.command(name="show", cls=SpeakingCommand)
@shared
@_FOLDER
def show(shell: Shell, folder: Path) -> None:
    """Show the keys."""
    _show(shell, _open(shell, folder))


def _show(shell: Shell, opened: Witness) -> None:
    lines = list(opened.vkeys)
    shell.result({"name": opened.name, "vkeys": list(opened.vkeys)}, lambda _: click.echo("\n".join(lines)))


@speak(
    "信任一个组织的台账：先核对名片指纹。",
    "Trust an organisation's ledger; compare the card's fingerprint first.",
    "tigertally witness trust ./witness seller-card.json",
)
@witness_command.command(name="trust", cls=SpeakingCommand)
@shared
@_FOLDER
@click.argument("card", type=click.Path(path_type=Path))
def trust(shell: Shell, folder: Path, card: Path) -> None:
    """Trust a log."""
    read = read_card(card)
    origin = _open(shell, folder).trust(read)
    told = Text(
        "今后为 {name} 的台账会签（指纹 {fingerprint}）", "cosigns {name}'s ledger now (fingerprint {fingerprint})"
    )
    shown = shell.text(told, name=read.name, fingerprint=read.fingerprint())
    shell.result({"origin": origin, "fingerprint": read.fingerprint()}, lambda out: out.print(shown, markup=False))


@speak(
    "对一个会签请求文件作答：核对它延续上次会签的账，再会签。",
    "Answer a request file: check that the ledger extends what was cosigned last, then cosign.",
    "tigertally witness cosign ./witness request.txt --out answer.txt",
)
@witness_command.command(name="cosign", cls=SpeakingCommand)
@shared
@_FOLDER
@click.argument("request", type=click.Path(path_type=Path))
@option("--out", type=click.Path(path_type=Path), required=True, zh="会签结果文件", en="file for the cosignatures")
def cosign(shell: Shell, folder: Path, request: Path, out: Path) -> None:
    """Cosign."""
    opened = _open(shell, folder)
    body = read_small(request, bytes_max=2 * NOTE_BYTES_MAX)
    try:
        reply = opened.answer(body)
    except OSError as error:
        raise NotReadable(path=folder, reason=type(error).__name__) from None
    if reply.status != 200:  # noqa: PLR2004 - OK
        raise WitnessRefused(status=reply.status, why=reply.why)
    try:
        write_whole(out, reply.body, mode=0o644)
    except OSError as error:
        raise NotWritable(path=out, reason=type(error).__name__) from None
    at = clock.to_text(shell.clock.now())
    told = shell.text_of("已会签，写入 {out}", "cosigned, in {out}", out=out)
    shell.result({"answer": str(out), "at": at}, lambda console: console.print(told, markup=False))


@speak(
    "以一个小进程提供会签服务（HTTP；在公网上请置于 TLS 代理之后）。",
    "Serve cosignatures by one small process (HTTP; on the internet put a TLS proxy before it).",
    "tigertally witness serve ./witness --port 8430",
)
@witness_command.command(name="serve", cls=SpeakingCommand)
@shared
@_FOLDER
@option("--host", default="127.0.0.1", show_default=True, zh="监听地址", en="address to listen on")
@option("--port", type=click.IntRange(0, 65535), default=8430, show_default=True, zh="端口", en="port")
def serve(shell: Shell, folder: Path, host: str, port: int) -> None:
    """Serve."""
    opened = _open(shell, folder)
    with room.server(opened, host=host, port=port) as running:
        address = f"http://{host}:{running.server_address[1]}/"
        shell.result({"address": address, "name": opened.name}, lambda _: click.echo(address))
        running.serve_forever()
