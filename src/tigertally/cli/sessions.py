"""``whoami`` and ``logout``: the person of ``--as`` and their session on this machine."""

from __future__ import annotations

import click
from rich.console import Console

from tigertally.access.policy import ROLE_TITLES
from tigertally.app.errors import NotWritable
from tigertally.app.verbs import people as verbs
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import NobodyActs, Shell, shared
from tigertally.cli.language import SpeakingCommand, speak

_NEEDS = {
    "trained": (Text("培训", "training"), Text("运行 tigertally people train", "run tigertally people train")),
    "screened": (
        Text("背景审查", "screening"),
        Text("请另一人运行 tigertally people screen", "have another person run tigertally people screen"),
    ),
    "pledged": (Text("保密承诺", "pledge"), Text("运行 tigertally people pledge", "run tigertally people pledge")),
}


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
    "退出登录：删除本机上的会话文件。",
    "Log out: delete the session's file on this machine.",
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
