"""``enrol`` and ``me``: one's own passphrase, second factor, recovery codes, and where one is signed in."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from tigertally.access.passkeys import CREATE
from tigertally.app.verbs import identity as verbs
from tigertally.app.verbs import passkeys
from tigertally.base.canon import Json
from tigertally.base.secret import SecretText
from tigertally.cli import loopback
from tigertally.cli.base import Shell, shared
from tigertally.cli.devicelist import show_devices
from tigertally.cli.enrol import creation_options, show_recovery, show_totp
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.cli.loopback import PORT
from tigertally.formats.verify.files import read_small
from tigertally.formats.webauthn import BYTES_MAX


@speak(
    "凭负责人交来的登记码登记：自己设定口令，得到动态码密钥和恢复码；别人看不到。",
    "Enrol with the code that the lead handed over: choose a passphrase, get a one-time-code secret and recovery "
    "codes. Nobody else sees them.",
    "tigertally enrol zhao",
    "tigertally enrol zhao --code 7K2QD-… --passphrase-file zhao.txt",
)
@click.command(name="enrol", cls=SpeakingCommand)
@shared
@click.argument("name")
@option("--code", zh="登记码（默认询问）", en="enrolment code (asked for by default)")
@option("--passphrase-file", type=click.Path(path_type=Path), zh="口令文件", en="file with the passphrase")
def enrol_command(shell: Shell, name: str, code: str | None, passphrase_file: Path | None) -> None:
    """Enrol."""
    with shell.house() as house:
        given = shell.secret(file=None, zh="登记码", en="enrolment code") if code is None else SecretText(code)
        passphrase = shell.secret(file=passphrase_file, zh="设定你的口令", en="choose your passphrase", confirm=True)
        made = verbs.enrol(house, handle=name, code=given, passphrase=passphrase)

    def show(out: Console) -> None:
        out.print(shell.text_of("{name} 已登记", "{name} is enrolled", name=name), markup=False)

    data: dict[str, Json] = {"handle": name, "person": made.person.person}
    show_totp(shell, handle=name, secret=made.totp, data=data, show=show, recovery=made.recovery)
    shell.say("下一步：tigertally login {name}", "Next: tigertally login {name}", name=name)


@speak(
    "本人：口令、第二因素、恢复码、登录的设备。",
    "Oneself: passphrase, second factor, recovery codes, where one is signed in.",
)
@click.group(name="me", cls=SpeakingGroup)
def me_command() -> None:
    """Group the commands about oneself."""


@speak(
    "生成新的恢复码，旧的作废；要求五分钟内的第二因素。",
    "Make new recovery codes; the old ones end. Needs a second factor of the last five minutes.",
    "tigertally --as zhao me recovery",
)
@me_command.command(name="recovery", cls=SpeakingCommand)
@shared
def recovery(shell: Shell) -> None:
    """Make new recovery codes."""
    with shell.house(acting=True) as house:
        made = verbs.new_recovery(house, actor=shell.actor(house))
    data: dict[str, Json] = {"recovery": [code.expose() for code in made]}
    shell.result(data, lambda out: show_recovery(shell, out, made))


@speak(
    "更换动态码密钥（换手机时），旧的作废；要求五分钟内的第二因素，恢复码也可以。",
    "Replace the one-time-code secret (a new telephone); the old one ends. Needs a second factor of the last five "
    "minutes; a recovery code will do.",
    "tigertally --as zhao me factor",
)
@me_command.command(name="factor", cls=SpeakingCommand)
@shared
def factor(shell: Shell) -> None:
    """Replace the one-time-code secret."""
    with shell.house(acting=True) as house:
        secret = verbs.new_factor(house, actor=shell.actor(house))

    def show(out: Console) -> None:
        out.print(shell.text_of("已更换", "replaced"))

    show_totp(shell, handle=shell.handle, secret=secret, data={"handle": shell.handle}, show=show)


@speak(
    "更换口令；其他会话立即结束。",
    "Replace the passphrase; one's other sessions end at once.",
    "tigertally --as zhao me passphrase",
)
@me_command.command(name="passphrase", cls=SpeakingCommand)
@shared
@option("--present-file", type=click.Path(path_type=Path), zh="现用口令文件", en="file with the present passphrase")
@option("--new-file", type=click.Path(path_type=Path), zh="新口令文件", en="file with the new passphrase")
def passphrase(shell: Shell, present_file: Path | None, new_file: Path | None) -> None:
    """Replace the passphrase."""
    with shell.house(acting=True) as house:
        actor = shell.actor(house)
        present = shell.secret(file=present_file, zh="现用口令", en="present passphrase")
        new = shell.secret(file=new_file, zh="新口令", en="new passphrase", confirm=True)
        ended = verbs.new_passphrase(house, actor=actor, token=shell.session_token(), present=present, passphrase=new)
    told = shell.text_of("已更换，结束了 {n} 个其他会话", "replaced; {n} other sessions ended", n=ended)
    shell.result({"handle": shell.handle, "ended": ended}, lambda out: out.print(told))


@speak(
    "列出自己登录的设备和登录方式；--end 结束其中一个会话或通行密钥，或 all 结束全部会话。",
    "List where one is signed in and with what; end a session or a passkey with --end, or all sessions.",
    "tigertally --as zhao me devices",
    "tigertally --as zhao me devices --end all",
)
@me_command.command(name="devices", cls=SpeakingCommand)
@shared
@option("--end", "ending", default="", zh="要结束的编号，或 all", en="id of what to end, or all")
def devices(shell: Shell, ending: str) -> None:
    """List or end sessions."""
    with shell.house(acting=True) as house:
        actor = shell.actor(house)
        found = verbs.where(house, actor=actor)
        ended = verbs.end(house, actor=actor, device=ending) if ending else 0
    show_devices(shell, found, ended=ended if ending else None)


@speak(
    "登记通行密钥：在本机浏览器中打开一个五分钟内有效的页面；没有浏览器时，先以 --origin 索取选项，再以 --answer "
    "交回回答。要求五分钟内的第二因素。",
    "Register a passkey on a page that this machine's browser can open for five minutes. Without a browser ask for "
    "options with --origin, then give the answer with --answer. Needs a second factor of the last five minutes.",
    "tigertally --as zhao me passkey",
    "tigertally --as zhao me passkey --origin https://tally.example --json",
    "tigertally --as zhao me passkey --answer answer.json",
)
@me_command.command(name="passkey", cls=SpeakingCommand)
@shared
@option("--origin", default="", zh="网址（https://主机）", en="the origin (https://host)")
@option("--answer", type=click.Path(path_type=Path), zh="浏览器的回答（JSON）", en="the browser's answer (JSON)")
@PORT
def passkey(shell: Shell, origin: str, answer: Path | None, port: int) -> None:
    """Register a passkey."""
    if origin and answer is not None:
        raise click.BadParameter("--origin | --answer", param_hint="--origin")
    told = shell.text_of("已登记通行密钥", "the passkey is registered")
    if not origin and answer is None:
        with shell.house(acting=True) as house, loopback.opened(port=port) as page:
            actor = shell.actor(house)
            asked = passkeys.ask(house, actor=actor, origin=page.origin, use=CREATE)
            name = actor.person.handle
            wanted = creation_options(asked, person=actor.person.person, handle=name)
            given = page.ask(shell, wanted, use=CREATE, name=name)
            made = passkeys.add(house, actor=shell.actor(house), answer=given)
            page.done()
        shell.result({"credential": made.id}, lambda out: out.print(told))
        return
    if answer is None:
        with shell.house(acting=True) as house:
            actor = shell.actor(house)
            asked = passkeys.ask(house, actor=actor, origin=origin, use=CREATE)
        options: Json = creation_options(asked, person=actor.person.person, handle=actor.person.handle)
        shell.result(options, lambda out: out.print_json(data=options))
        return
    body = read_small(answer, bytes_max=BYTES_MAX)
    with shell.house(acting=True) as house:
        made = passkeys.add(house, actor=shell.actor(house), answer=body)
    shell.result({"credential": made.id}, lambda out: out.print(told))
