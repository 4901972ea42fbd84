"""``init``, ``migrate`` and ``status``: make an installation; upgrade it; see where the twenty measures stand."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.text import Text as Cell

from tigertally import discovery
from tigertally.app import measures, settings, wire
from tigertally.app.keeping import MOVABLE, UNLOCKED_BY, KeeperKind
from tigertally.app.settings import DATABASE_DEFAULT
from tigertally.app.verbs import beat as beats
from tigertally.app.verbs import deals as deal_verbs
from tigertally.app.verbs import retention
from tigertally.base.canon import Json
from tigertally.base.text import Lang, Text
from tigertally.cli.base import Shell, shared, styled
from tigertally.cli.custody import keeping_from
from tigertally.cli.enrol import show_totp
from tigertally.cli.language import SpeakingCommand, option, speak
from tigertally.cli.retention import overdue_body, overdue_words
from tigertally.deals import TASK_TITLES


@speak(
    "创建安装实例：根密钥、数据库、密钥、组织名片和第一位负责人。",
    "Make an installation: root key, database, keys, party card and the first lead.",
    "tigertally init --name '云杉优选' --lead chen",
    "tigertally init --home ./seller --name 'Yunshan Youxuan' --lead chen --unlock-file root.txt",
    "tigertally init --name Yunshan --lead chen --keeper transit --with address=https://vault.example --with key=root",
)
@click.command(name="init", cls=SpeakingCommand)
@shared
@option("--name", required=True, zh="组织名称", en="the organisation's name")
@option("--lead", required=True, zh="第一位数据安全负责人的用户名", en="name of the first data-security lead")
@option("--database", default=DATABASE_DEFAULT, show_default=True, zh="数据库地址", en="database URL")
@option(
    "--keeper",
    "kind",
    default=KeeperKind.PASSPHRASE.value,
    show_default=True,
    type=click.Choice([item.value for item in MOVABLE]),
    zh="根密钥由谁保管",
    en="who keeps the root key",
)
@option("--with", "given", multiple=True, zh="其设置，名称=值（可多次）", en="its settings, NAME=VALUE (repeatable)")
@option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    zh="负责人口令文件（默认询问）",
    en="file with the lead's passphrase (asked for by default)",
)
def init_command(
    shell: Shell, name: str, lead: str, database: str, kind: str, given: tuple[str, ...], passphrase_file: Path | None
) -> None:
    """Make an installation."""
    wire.need_room(shell.home)
    keeping = keeping_from(kind, given)
    if keeping.kind is KeeperKind.PASSPHRASE:
        root = shell.secret(
            file=shell.unlock_file, zh="设定根密钥口令", en="choose the root key passphrase", confirm=True
        )
    else:
        asked = UNLOCKED_BY[keeping.kind]
        root = shell.secret(file=shell.unlock_file, zh=asked.zh, en=asked.en)
    own = shell.secret(file=passphrase_file, zh=f"设定 {lead} 的口令", en=f"choose {lead}'s passphrase", confirm=True)
    created = wire.create(
        shell.home,
        name=name,
        database=database,
        root_passphrase=root,
        lead_handle=lead,
        lead_passphrase=own,
        clock=shell.clock,
        keeping=keeping,
    )
    data: dict[str, Json] = {
        "home": str(shell.home),
        "party": created.card.party,
        "fingerprint": created.card.fingerprint(),
        "card": str(shell.home / "party.json"),
        "person": created.lead.person,
        "handle": lead,
    }

    def show(_: Console) -> None:
        shell.pairs(
            [
                (Text("安装实例", "installation"), shell.home),
                (Text("组织", "organisation"), name),
                (Text("指纹", "fingerprint"), created.card.fingerprint()),
                (Text("组织名片（可公开）", "party card (public)"), shell.home / "party.json"),
            ]
        )

    show_totp(shell, handle=lead, secret=created.totp, data=data, show=show, recovery=created.recovery)
    shell.say(
        "下一步：tigertally login {lead}；还需要第二人：tigertally --as {lead} people add 姓名 --roles officer。",
        "Next: tigertally login {lead}. Two-person acts need a second person:"
        " tigertally --as {lead} people add NAME --roles officer.",
        lead=lead,
    )
    if keeping.kind is not KeeperKind.PASSPHRASE:
        return
    shell.say(
        "备份 root.key 并把口令分开保管；丢失任一，数据无法恢复。",
        "Back up root.key and keep its passphrase elsewhere; without either the data cannot be read.",
    )


@speak(
    "升级数据库结构到本程序的版本；先备份。",
    "Bring the database to this program's schema; back up first.",
    "tigertally migrate",
)
@click.command(name="migrate", cls=SpeakingCommand)
@shared
def migrate_command(shell: Shell) -> None:
    """Upgrade the database."""
    settings.load(shell.home)
    before, after = wire.migrate(shell.home, root_passphrase=shell.root_passphrase())
    same = Text("数据库已是 {after}，没有改变", "the database is at {after} already; nothing was changed")
    told = (
        same
        if before == after
        else Text("数据库由 {before} 升级到 {after}", "the database went from {before} to {after}")
    )
    shell.result(
        {"before": before, "after": after},
        lambda out: out.print(shell.text(told, before=before or "-", after=after), markup=False),
    )


@speak(
    "二十项措施的状态：由台账算出，没有人能手填“通过”。",
    "Where the twenty measures stand: computed from the ledger; nobody can type 'pass'.",
    "tigertally status",
    "tigertally status --json",
)
@click.command(name="status", cls=SpeakingCommand)
@shared
def status_command(shell: Shell) -> None:
    """Show the twenty measures."""
    with shell.house() as house:
        found = measures.compute(house)
        late = [item for item in deal_verbs.tasks(house) if item.overdue]
        stopped = beats.stopped(house)
        kept_long = retention.overdue(house)
    data: Json = {
        "engine": discovery.engine(),
        "measures": [item.body(shell.lang) for item in found],
        "overdue": len(late),
        "retention": [overdue_body(one) for one in kept_long],
        "beat": None if stopped is None else {"code": stopped.code, "title": stopped.say(shell.lang)},
    }
    for one in kept_long:
        shell.warn(overdue_words(one))
    if stopped is not None:
        shell.warn(Text(stopped.say(Lang.ZH), stopped.say(Lang.EN)))
    shell.warn(discovery.slowness())
    looks = {"met": "green", "not_met": "red", "not_built": "dim"}

    def show(out: Console) -> None:
        rows: list[list[str | Cell]] = []
        for item in found:
            look = looks[item.state.value]
            rows.append(
                [
                    str(item.number),
                    shell.text(item.title),
                    styled(shell.text(item.state.title), look),
                    shell.text(item.why),
                    "" if item.entry is None else str(item.entry),
                    "" if item.lapses is None else item.lapses.strftime("%Y-%m-%d"),
                ]
            )
        headings = (
            Text("#", "#"),
            Text("措施", "measure"),
            Text("状态", "state"),
            Text("依据", "why"),
            Text("台账条目", "entry"),
            Text("失效", "lapses"),
        )
        out.print(shell.table(Text("二十项措施", "The twenty measures"), headings, rows))
        for one in late:
            title, due = shell.text(TASK_TITLES[one.task]), one.due.strftime("%Y-%m-%d")
            told = shell.text_of(
                "逾期：{title}（{due}，{deal}）",
                "overdue: {title} ({due}, {deal})",
                title=title,
                due=due,
                deal=one.deal,
            )
            out.print(told, style="red", markup=False, soft_wrap=True)

    shell.result(data, show)
