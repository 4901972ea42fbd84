"""``login``, ``confirm``, ``whoami`` and ``logout``: the person of ``--as`` and their session on this machine."""

from __future__ import annotations

import platform
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from tigertally.access.errors import NotLoggedIn
from tigertally.access.passkeys import GET
from tigertally.access.titles import ROLE_TITLES
from tigertally.app.errors import NotWritable
from tigertally.app.settings import write_whole
from tigertally.app.verbs import identity, passkeys, signin
from tigertally.app.verbs import people as verbs
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.secret import SecretText
from tigertally.base.text import Text
from tigertally.cli import loopback
from tigertally.cli.base import NobodyActs, Shell, shared
from tigertally.cli.enrol import request_options
from tigertally.cli.language import SpeakingCommand, option, speak
from tigertally.cli.loopback import PORT
from tigertally.formats.verify.files import read_small
from tigertally.formats.webauthn import BYTES_MAX

_NEEDS = {
    "trained": (Text("培训", "training"), Text("运行 tigertally people train", "run tigertally people train")),
    "screened": (
        Text("背景审查", "screening"),
        Text("请另一人运行 tigertally people screen", "have another person run tigertally people screen"),
    ),
    "pledged": (Text("保密承诺", "pledge"), Text("运行 tigertally people pledge", "run tigertally people pledge")),
}


def _code(shell: Shell, code: str | None) -> SecretText:
    if code is not None:
        return SecretText(code)
    return shell.secret(file=None, zh="动态码", en="one-time code")


@speak(
    "登录：口令加动态码，会话八小时；--provider 以本组织的登录服务代替口令（在本机浏览器中）。",
    "Log in: passphrase and one-time code; the session lasts eight hours. With --provider the organisation's sign-in "
    "provider stands in for the passphrase, in this machine's browser.",
    "tigertally login chen",
    "tigertally login chen --passphrase-file chen.txt --code 123456",
    "tigertally login chen --recovery",
    "tigertally login chen --provider",
)
@click.command(name="login", cls=SpeakingCommand)
@shared
@click.argument("name")
@option("--passphrase-file", type=click.Path(path_type=Path), zh="口令文件", en="file with the passphrase")
@option("--code", zh="动态码或恢复码（默认询问）", en="one-time or recovery code (asked for by default)")
@option("--recovery", is_flag=True, zh="用恢复码代替动态码", en="use a recovery code in place of a one-time code")
@option("--provider", is_flag=True, zh="经登录服务登录", en="sign in through the provider")
@PORT
def login_command(
    shell: Shell,
    name: str,
    passphrase_file: Path | None,
    code: str | None,
    port: int,
    *,
    recovery: bool,
    provider: bool,
) -> None:
    """Open a session."""
    if provider and (recovery or passphrase_file is not None):
        raise click.BadParameter("--provider | --recovery | --passphrase-file", param_hint="--provider")
    device = platform.node()
    if provider:
        _keep(shell, name, _by_provider(shell, name, code=code, port=port, device=device))
        return
    with shell.house() as house:
        passphrase = shell.secret(file=passphrase_file, zh=f"{name} 的口令", en=f"{name}'s passphrase")
        if recovery:
            given = shell.secret(file=None, zh="恢复码", en="recovery code") if code is None else SecretText(code)
            opened = identity.recover(house, handle=name, passphrase=passphrase, code=given, device=device)
            token = opened.token
            shell.say("恢复码还剩 {left} 个", "{left} recovery codes are left", left=opened.left)
        else:
            token = verbs.login(house, handle=name, passphrase=passphrase, code=_code(shell, code), device=device)
    _keep(shell, name, token)


def _by_provider(shell: Shell, name: str, *, code: str | None, port: int, device: str) -> SecretText:
    """Send the browser to the provider and back; then ask for a one-time code, unless that was two factors."""
    with shell.house() as house:
        with loopback.returning(port=port) as page:
            asked = signin.begin(house, redirect=page.redirect)
            proved = signin.prove(house, asked=asked, query=page.go(shell, asked.address, state=asked.state))
            page.done()
        given = None if proved.second else _code(shell, code)
        return signin.login(house, handle=name, proved=proved, code=given, device=device)


def _keep(shell: Shell, name: str, token: SecretText) -> None:
    path = shell.session_path(name)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_whole(path, token.expose().encode())
    told = shell.text_of("{name} 已登录", "{name} is logged in", name=name)
    shell.result({"handle": name, "session": str(path)}, lambda out: out.print(told, markup=False))


@speak(
    "再次出示第二因素：重要操作要求五分钟内的动态码；查看明文要求通行密钥（--browser，或以 JSON 文件往返）。",
    "Show the second factor again: acts that matter want a code of the last five minutes, clear values a passkey "
    "(--browser, or by JSON files).",
    "tigertally confirm chen",
    "tigertally confirm chen --act 5f3c…",
    "tigertally confirm zhao --browser",
    "tigertally confirm chen --ask-passkey https://tally.example --json",
    "tigertally confirm chen --passkey answer.json",
)
@click.command(name="confirm", cls=SpeakingCommand)
@shared
@click.argument("name")
@option("--code", zh="动态码（默认询问）", en="one-time code (asked for by default)")
@option(
    "--act", default="", zh="只为这一操作：拒绝时给出的摘要", en="for one act only: the digest that a refusal names"
)
@option("--browser", is_flag=True, zh="在本机浏览器中出示通行密钥", en="show a passkey in this machine's browser")
@PORT
@option("--ask-passkey", "origin", default="", zh="索取通行密钥挑战：网址", en="ask for a passkey at this origin")
@option("--passkey", type=click.Path(path_type=Path), zh="通行密钥的回答（JSON）", en="a passkey's answer (JSON)")
def confirm_command(
    shell: Shell,
    name: str,
    code: str | None,
    act: str,
    origin: str,
    passkey: Path | None,
    port: int,
    *,
    browser: bool,
) -> None:
    """Refresh the second factor."""
    shell.handle = name
    if sum((browser, bool(origin), passkey is not None, code is not None)) > 1:
        raise click.BadParameter("--code | --browser | --ask-passkey | --passkey", param_hint="--browser")
    if browser:
        with shell.house() as house, loopback.opened(port=port) as page:
            asked = passkeys.ask(house, actor=shell.actor(house), origin=page.origin, use=GET, act=act)
            given = page.ask(shell, request_options(asked), use=GET, name=name, act=act)
            at = passkeys.show(house, handle=name, token=shell.session_token(), answer=given)
            page.done()
        _confirmed(shell, name, at)
        return
    if origin:
        with shell.house() as house:
            asked = passkeys.ask(house, actor=shell.actor(house), origin=origin, use=GET, act=act)
        options: Json = request_options(asked)
        shell.result(options, lambda out: out.print_json(data=options))
        return
    if passkey is not None:
        answer = read_small(passkey, bytes_max=BYTES_MAX)
        with shell.house() as house:
            at = passkeys.show(house, handle=name, token=shell.session_token(), answer=answer)
        _confirmed(shell, name, at)
        return
    with shell.house() as house:
        at = verbs.confirm(house, handle=name, token=shell.session_token(), code=_code(shell, code), act=act)
    _confirmed(shell, name, at)


def _confirmed(shell: Shell, name: str, at: datetime) -> None:
    told = shell.text_of("已验证", "confirmed")
    shell.result({"handle": name, "at": clock.to_text(at)}, lambda out: out.print(told))


@speak(
    "当前以谁的身份操作：角色、动态码的时间、培训、背景审查和承诺是否有效。",
    "Who acts: roles, when the second factor was shown, and whether training, screening and pledge are in force.",
    "tigertally --as zhao whoami",
)
@click.command(name="whoami", cls=SpeakingCommand)
@shared
def whoami_command(shell: Shell) -> None:
    """Show who acts."""
    with shell.house(acting=True) as house:
        found = verbs.standing(house, actor=shell.actor(house))
    person = found.person
    data: dict[str, Json] = {
        "handle": person.handle,
        "person": person.person,
        "roles": sorted(role.value for role in person.roles),
        "factor_at": None if found.factor_at is None else clock.to_text(found.factor_at),
        "trained": found.trained,
        "screened": found.screened,
        "pledged": found.pledged,
        "frozen": found.frozen,
    }

    def show(out: Console) -> None:
        titles = [shell.text(ROLE_TITLES[role]) for role in sorted(person.roles, key=lambda role: role.value)]
        shell.pairs(
            [
                (Text("用户名", "name"), person.handle),
                (Text("角色", "roles"), ", ".join(titles)),
                (
                    Text("动态码验证于", "second factor shown"),
                    "" if found.factor_at is None else clock.to_text(found.factor_at)[:19],
                ),
            ]
        )
        for name, (title, how) in _NEEDS.items():
            there = data[name] is True
            out.print(f"{'✓' if there else '✗'} {shell.text(title)}", style="green" if there else "red")
            if not there:
                out.print(f"  → {shell.text(how)}", markup=False, style="dim")
        if found.frozen:
            out.print(shell.text_of("✗ 已被冻结", "✗ frozen"), style="red")

    shell.result(data, show)


@speak(
    "退出登录：结束会话，并删除本机上的会话文件。",
    "Log out: end the session, and delete its file on this machine.",
    "tigertally --as zhao logout",
)
@click.command(name="logout", cls=SpeakingCommand)
@shared
def logout_command(shell: Shell) -> None:
    """Forget the session."""
    if not shell.handle:
        raise NobodyActs
    path = shell.session_path(shell.handle)
    there = path.is_file()
    if there:
        with suppress(NotLoggedIn), shell.house() as house:  # one that is over is over
            identity.sign_out(house, actor=shell.actor(house), token=shell.session_token())
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise NotWritable(path=path, reason=type(error).__name__) from None
    told = (
        Text("{name} 已退出登录", "{name} is logged out") if there else Text("{name} 没有登录", "{name} had no session")
    )
    shell.result(
        {"handle": shell.handle, "ended": there},
        lambda out: out.print(shell.text(told, name=shell.handle), markup=False),
    )
