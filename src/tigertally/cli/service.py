"""``service``: programs that act here: made by two persons, listed, given another key, ended."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from tigertally.access import Action, Person, Purpose
from tigertally.access.services import DAILY_MAX, PREFIX, Scope, Service
from tigertally.access.serving import SERVABLE, SERVICE_DAYS_MAX
from tigertally.app.verbs import people
from tigertally.app.verbs import services as verbs
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.fields import SEALABLE, FieldClass
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.formats.verify.files import read_small

_KEY_BYTES_MAX = 16_384


@speak(
    "服务账户：替人做事的程序；由两人建立，权限窄，会到期，有人负责。",
    "Services: programs that act here. Two persons make one; it is narrow, it expires, and a person answers for it.",
)
@click.group(name="service", cls=SpeakingGroup)
def service_command() -> None:
    """Group the commands about services."""


def _body(service: Service, audience: str, names: dict[str, str], served: int | None = None) -> dict[str, Json]:
    value, until = service.fact.value, service.fact.until
    return {
        "service": service.id,
        "name": PREFIX + service.name,
        "audience": audience,
        "owner": names.get(service.owner, service.owner),
        **{name: value[name] for name in ("actions", "classes", "purposes", "deal", "daily")},
        "served": served,
        "until": None if until is None else clock.to_text(until),
        "keys": [{"id": key.id, "algorithm": key.algorithm} for key in service.keys],
    }


@speak(
    "建立服务账户（由两人）：列明操作、字段、目的、交易、每天客户数和天数，登记公钥（JWK 或 PEM；Ed25519 或 P-256）。\n"
    "服务账户不能批准、不能管理、不能延长自己；负责人离开即终止。",
    "Make a service (two persons): list actions, field classes, purposes, the deal, customers a day and days; register "
    "its public key (JWK or PEM; Ed25519 or P-256).\n"
    "It cannot approve, manage or prolong itself, and it ends when who answers for it leaves.",
    "tigertally --as chen service add till --owner zhao --key till.pem --for vault.view --classes pan",
    "tigertally --as svc:till --assertion-file token.jwt show sub_01…",
)
@service_command.command(name="add", cls=SpeakingCommand)
@shared
@click.argument("name")
@option("--owner", required=True, zh="负责人", en="the person who answers for it")
@option("--key", required=True, type=click.Path(path_type=Path), zh="公钥文件", en="file with its public key")
@option(
    "--for",
    "actions",
    required=True,
    multiple=True,
    type=click.Choice(sorted(action.value for action in SERVABLE)),
    zh="操作（可多次）",
    en="an action (repeatable)",
)
@option(
    "--classes",
    multiple=True,
    type=click.Choice(sorted(item.value for item in SEALABLE)),
    zh="字段（可多次）",
    en="a field class (repeatable)",
)
@option(
    "--purposes",
    multiple=True,
    type=click.Choice([item.value for item in Purpose]),
    zh="目的（可多次）",
    en="a purpose (repeatable)",
)
@option("--deal", default="", zh="限于交易", en="only in this deal")
@option(
    "--daily", default=100, show_default=True, type=click.IntRange(1, DAILY_MAX), zh="每天客户数", en="customers a day"
)
@option(
    "--days", default=30, show_default=True, type=click.IntRange(1, SERVICE_DAYS_MAX), zh="有效天数", en="days it lives"
)
def add(
    shell: Shell,
    name: str,
    *,
    owner: str,
    key: Path,
    actions: tuple[str, ...],
    classes: tuple[str, ...],
    purposes: tuple[str, ...],
    deal: str,
    daily: int,
    days: int,
) -> None:
    """Make a service."""
    scope = Scope(
        actions=[Action(item) for item in actions],
        classes=[FieldClass(item) for item in classes],
        purposes=[Purpose(item) for item in purposes],
        deal=deal,
        daily=daily,
        days=days,
    )
    public = read_small(key, bytes_max=_KEY_BYTES_MAX)
    with shell.house(acting=True) as house:
        made = verbs.add(
            house, actor=shell.actor(house), name=name.removeprefix(PREFIX), owner=owner, scope=scope, key=public
        )
        data = _body(made, verbs.audience(house), {made.owner: owner})
    _show(shell, data)


@speak(
    "登记服务账户的第二个公钥（由两人），换用后终止旧的：service end 名称 --key 指纹。",
    "Register a second public key (two persons), to change over to; then end the old one: service end NAME --key ID.",
    "tigertally --as chen service key till --key new.pem",
)
@service_command.command(name="key", cls=SpeakingCommand)
@shared
@click.argument("name")
@option("--key", required=True, type=click.Path(path_type=Path), zh="公钥文件", en="file with the public key")
def add_key(shell: Shell, name: str, key: Path) -> None:
    """Register a key."""
    public = read_small(key, bytes_max=_KEY_BYTES_MAX)
    with shell.house(acting=True) as house:
        made = verbs.add_key(house, actor=shell.actor(house), name=name, key=public)
        data = _body(made, verbs.audience(house), _names(house_people=people.everybody(house)))
    _show(shell, data)


@speak(
    "立即终止服务账户，或只终止它的一个密钥。",
    "End a service at once, or only one of its keys.",
    "tigertally --as chen service end till",
    "tigertally --as chen service end till --key Xk4…",
)
@service_command.command(name="end", cls=SpeakingCommand)
@shared
@click.argument("name")
@option("--key", default="", zh="只终止这个密钥（指纹）", en="only this key (thumbprint)")
def end(shell: Shell, name: str, key: str) -> None:
    """End a service."""
    with shell.house(acting=True) as house:
        was = verbs.end(house, actor=shell.actor(house), name=name, key=key)
    told = shell.text_of("已终止 {name}", "{name} ended", name=key or PREFIX + was.name)
    data: dict[str, Json] = {"service": was.id, "name": PREFIX + was.name, "key": key, "ended": True}
    shell.result(data, lambda out: out.print(told, markup=False))


@speak(
    "列出有效的服务账户：负责人、清单、今天用了多少、到期、密钥。",
    "List the services in force: who answers for each, its lists, what it did today, until when, its keys.",
    "tigertally service list",
)
@service_command.command(name="list", cls=SpeakingCommand)
@shared
def list_services(shell: Shell) -> None:
    """List services."""
    with shell.house() as house:
        names = _names(house_people=people.everybody(house))
        audience = verbs.audience(house)
        data: list[dict[str, Json]] = [
            _body(service, audience, names, served) for service, served in verbs.standing(house)
        ]

    def show(out: Console) -> None:
        rows = [
            [
                str(item["name"]),
                str(item["owner"]),
                _joined(item["actions"]),
                _joined(item["classes"]),
                f"{item['served']}/{item['daily']}",
                str(item["until"])[:10],
            ]
            for item in data
        ]
        headings = (
            Text("名称", "name"),
            Text("负责人", "owner"),
            Text("操作", "actions"),
            Text("字段", "classes"),
            Text("今天", "today"),
            Text("到期", "until"),
        )
        if rows:
            out.print(shell.table(None, headings, rows))
        else:
            out.print(shell.text_of("没有服务账户", "there are no services"))

    shell.result([*data], show)


def _names(*, house_people: list[Person]) -> dict[str, str]:
    return {str(person.person): person.handle for person in house_people}


def _joined(value: Json) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else ""


def _show(shell: Shell, data: dict[str, Json]) -> None:
    keys = data["keys"]
    ids = [str(key["id"]) for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []

    def show(out: Console) -> None:
        del out
        shell.pairs(
            [
                (Text("名称", "name"), data["name"]),
                (Text("断言的 iss 和 sub", "iss and sub of its assertions"), data["service"]),
                (Text("断言的 aud", "their aud"), data["audience"]),
                (Text("密钥", "keys"), ", ".join(ids)),
                (Text("到期", "until"), data["until"]),
            ]
        )

    shell.result(data, show)
