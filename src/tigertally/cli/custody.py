"""``custody``: who keeps the root key, and moving it from one keeper to another."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from tigertally.app.keeping import MOVABLE, PARAMETERS, TITLES, UNLOCKED_BY, KeeperKind, Keeping, keeping_of
from tigertally.app.verbs import custody as verbs
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.errors import Invalid
from tigertally.base.secret import SecretText
from tigertally.base.text import Text
from tigertally.cli import holding, sharing
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak


class BadKeeperOption(Invalid):
    """A ``--with`` that is not NAME=VALUE."""

    code = "cli.bad_keeper_option"
    title = Text("--with 应为 名称=值", "--with takes NAME=VALUE")
    hint = Text("{kind} 的名称：{names}", "names for {kind}: {names}")


def keeping_from(kind: str, given: tuple[str, ...]) -> Keeping:
    """Return the keeper that the options name. Raises :class:`BadKeeperOption`, ``BadSettings``."""
    must, may = PARAMETERS[KeeperKind(kind)]
    table: dict[str, object] = {"kind": kind}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or name not in must | may:
            raise BadKeeperOption(kind=kind, names=" ".join(sorted(must | may)))
        table[name] = value
    if not must <= set(table):
        raise BadKeeperOption(kind=kind, names=" ".join(sorted(must | may)))
    return keeping_of(table)


def new_secret(shell: Shell, keeping: Keeping, file: Path | None) -> SecretText:
    """Return what opens the keeper that is to take over; a new passphrase is asked for twice."""
    asked = UNLOCKED_BY[keeping.kind]
    confirm = keeping.kind is KeeperKind.PASSPHRASE
    return shell.secret(file=file, zh=f"新的{asked.zh}", en=f"new {asked.en}", confirm=confirm)


@speak(
    "根密钥由谁保管：查看、移到另一处；分成多人份额、开启、重新分发。",
    "Who keeps the root key: show; move to another keeper; share it among holders, open it with them, pass shares on.",
)
@click.group(name="custody", cls=SpeakingGroup)
def custody_command() -> None:
    """Group the commands about custody."""


@speak("显示根密钥由谁保管。", "Show who keeps the root key.", "tigertally custody show")
@custody_command.command(name="show", cls=SpeakingCommand)
@shared
def show_command(shell: Shell) -> None:
    """Show custody."""
    with shell.house() as house:
        found = verbs.show(house)
    data: dict[str, Json] = {
        "keeper": dict(found.keeping.table),
        "root": found.root,
        "since": None if found.since is None else clock.to_text(found.since),
        "keys": found.keys,
        "moving_to": None if found.upcoming is None else dict(found.upcoming.table),
    }

    def show(_: Console) -> None:
        rows: list[tuple[Text, object]] = [
            (Text("保管处", "keeper"), shell.text(TITLES[found.keeping.kind])),
            (Text("位置", "place"), found.keeping.place),
            (Text("根密钥编号", "root key id"), found.root),
            (Text("自", "since"), "-" if found.since is None else clock.to_text(found.since)[:19]),
            (Text("包裹的密钥", "keys it wraps"), str(found.keys)),
        ]
        if found.upcoming is not None:
            rows.append((Text("正在移往", "moving to"), found.upcoming.place))
        shell.pairs(rows)

    shell.result(data, show)


@speak(
    "把根密钥移到另一处保管：所有密钥重新包裹，数据不动；需要两人；中断后可继续。",
    "Move the root key to another keeper: every key is wrapped anew, values untouched; two persons; resumable.",
    "tigertally --as chen custody move --to transit --with address=https://vault.example:8200 --with key=tigertally",
    "tigertally --as chen custody move --to kms --with region=eu-north-1 --with key=arn:aws:kms:…:key/…",
    "tigertally --as chen custody move --to passphrase --with file=root-2.key",
)
@custody_command.command(name="move", cls=SpeakingCommand)
@shared
@option("--to", "kind", required=True, type=click.Choice([item.value for item in MOVABLE]), zh="新的保管处", en="to")
@option("--with", "given", multiple=True, zh="其设置，名称=值（可多次）", en="its settings, NAME=VALUE (repeatable)")
@option(
    "--new-unlock-file",
    type=click.Path(path_type=Path),
    zh="含新保管处口令、令牌或访问密钥的文件（默认询问）",
    en="file with the new keeper's passphrase, token or access key (asked for by default)",
)
def move_command(shell: Shell, kind: str, given: tuple[str, ...], new_unlock_file: Path | None) -> None:
    """Move custody."""
    to = keeping_from(kind, given)
    with shell.house(acting=True) as house, shell.progress() as progress:
        actor = shell.actor(house)
        secret = new_secret(shell, to, new_unlock_file)
        before = house.settings.keeper
        count = verbs.move(house, actor=actor, to=to, unlock=secret, progress=progress)
    told = shell.text_of("{n} 把密钥改由新的保管处包裹", "{n} keys are wrapped by the new keeper", n=count)
    shell.result({"keys": count, "keeper": dict(to.table)}, lambda out: out.print(told))
    shell.say(
        "旧的保管处（{place}）仍能打开此前的数据库备份：销毁旧备份后再销毁它。",
        "The old keeper ({place}) still opens backups of the database made before: destroy those, then it.",
        place=before.place,
    )


for _command in (*sharing.COMMANDS, *holding.COMMANDS):
    custody_command.add_command(_command)
