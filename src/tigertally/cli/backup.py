"""``backup make|erasures`` and ``restore``: a copy without the root key, what must not return, putting it back."""

from __future__ import annotations

from pathlib import Path

import click

from tigertally.app.backup import Wanted
from tigertally.app.verbs import backup as verbs
from tigertally.app.verbs import holding
from tigertally.app.verbs import restore as restoring
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.cli.papers import read_paper, write_paper
from tigertally.formats import backup as formats
from tigertally.formats import party
from tigertally.formats.statement import Kind

_PATH = click.Path(path_type=Path)


@speak("备份：制作加密备份；导出删除清单。", "Backups: make a sealed one; the list of what was erased.")
@click.group(name="backup", cls=SpeakingGroup)
def backup_command() -> None:
    """Group the commands about backups."""


@speak(
    "制作一致的数据库备份，封给备份密钥的持有人；备份不含根密钥。",
    "Make a consistent backup of the database, sealed to the holders of backup keys. It never holds the root key.",
    "tigertally custody holder backup --out ./backup-key",
    "tigertally --as chen backup make ./2026-03-02 --to backup-key/holder.json",
)
@backup_command.command(name="make", cls=SpeakingCommand)
@shared
@click.argument("folder", type=_PATH)
@option("--to", "cards", multiple=True, required=True, type=_PATH, zh="备份持有人名片（可多次）", en="holder's card")
def make(shell: Shell, folder: Path, cards: tuple[Path, ...]) -> None:
    """Make a backup."""
    holders = [holding.read_holder(path) for path in cards]
    with shell.house(acting=True) as house, shell.progress() as progress:
        made = verbs.make(house, actor=shell.actor(house), to=holders, folder=folder, progress=progress)
        keeping = house.settings.keeper
    data: dict[str, Json] = {
        "backup": made.backup.backup,
        "folder": str(folder),
        "size": made.backup.ledger.size,
        "bytes": made.backup.sealed.size,
        "schema": made.backup.schema,
        "root_key": made.backup.root_key,
        "holds_root_key": False,
    }
    rows: list[tuple[Text, object]] = [
        (Text("备份", "backup"), made.backup.backup),
        (Text("位置", "folder"), folder),
        (Text("台账条目", "ledger entries"), str(made.backup.ledger.size)),
        (Text("字节", "bytes"), str(made.backup.sealed.size)),
    ]
    shell.result(data, lambda _: shell.pairs(rows))
    shell.say(
        "备份不含根密钥（保管处：{place}）。请按其自己的方式另存：root.key 文件与口令分放两处，或由份额持有人保管。"
        "再把删除清单存到别处：tigertally backup erasures。",
        "The root key ({place}) is not in it. Copy that its own way: the file and its passphrase in two places, or the"
        " shares with their holders. And keep the list of erasures elsewhere: tigertally backup erasures.",
        place=keeping.place,
    )


@speak(
    "写出已签名的删除清单（假名与密钥编号），与备份分开保管：恢复旧备份时据此再次删除。",
    "Write the signed list of what was erased (pseudonyms and key ids). Keep it apart from backups:\n"
    "restoring an older one erases by it again.",
    "tigertally --as chen backup erasures --out erasures.json",
)
@backup_command.command(name="erasures", cls=SpeakingCommand)
@shared
@option("--out", required=True, type=_PATH, zh="写入的文件", en="file to write")
def erasures(shell: Shell, out: Path) -> None:
    """Write the list of erasures."""
    with shell.house(acting=True) as house:
        paper = verbs.erasures(house, actor=shell.actor(house))
    write_paper(out, paper)
    found = formats.read_erasures(paper)
    data: dict[str, Json] = {
        "out": str(out),
        "size": found.ledger.size,
        "subjects": len(found.subjects),
        "keys": len(found.keys),
    }
    told = shell.text_of(
        "{subjects} 个客户、{keys} 把密钥，截至台账第 {size} 条",
        "{subjects} customers and {keys} keys, up to {size} entries",
        subjects=len(found.subjects),
        keys=len(found.keys),
        size=found.ledger.size,
    )
    shell.result(data, lambda out_: out_.print(told))


@speak(
    "把备份恢复到空目录：先全部核验；会使已删除内容复活的恢复被拒绝，除非同时重新删除。",
    "Restore a backup into an empty folder (--home). All of it is verified first; what would bring back something\n"
    "that was erased is refused, unless it is erased again at once.",
    "tigertally restore ./2026-03-02 --home ./new --key backup-key/holder.key --trust party.json "
    "--root-key root.key --erasures erasures.json --bring-forward",
)
@click.command(name="restore", cls=SpeakingCommand)
@shared
@click.argument("folder", type=_PATH)
@option("--key", "key_file", required=True, type=_PATH, zh="备份持有人的私钥", en="the backup holder's key")
@option("--key-passphrase-file", "key_pass", type=_PATH, zh="含其口令的文件", en="file with that key's passphrase")
@option(
    "--trust", "card", required=True, type=_PATH, zh="本组织名片（已核对指纹）", en="your own party card, kept apart"
)
@option("--root-key", type=_PATH, zh="另存的根密钥文件", en="your separate copy of the root key file")
@option("--mark", "marks", multiple=True, type=_PATH, zh="旧目录的 ledger.mark", en="ledger.mark of the old folder")
@option("--checkpoint", "checkpoints", multiple=True, type=_PATH, zh="另存的检查点", en="a checkpoint that was kept")
@option("--erasures", "lists", multiple=True, type=_PATH, zh="删除清单", en="a list of erasures")
@option("--bring-forward", "forward", is_flag=True, zh="先重新删除", en="erase again what was erased since")
@option("--nothing-kept", "alone", is_flag=True, zh="没有任何可对照的证据", en="there is nothing to compare with")
def restore_command(
    shell: Shell,
    folder: Path,
    *,
    key_file: Path,
    key_pass: Path | None,
    card: Path,
    root_key: Path | None,
    marks: tuple[Path, ...],
    checkpoints: tuple[Path, ...],
    lists: tuple[Path, ...],
    forward: bool,
    alone: bool,
) -> None:
    """Restore."""
    closed = holding.read_holder_key(key_file)
    trusted = party.read(read_paper(card, Kind.PARTY))
    key = holding.open_holder_key(
        closed, passphrase=shell.secret(file=key_pass, zh="备份私钥的口令", en="passphrase of the backup key")
    )
    unlock = shell.secret(
        file=shell.unlock_file, zh="根密钥口令（或令牌）", en="what opens the root key (passphrase, token)"
    )
    wanted = Wanted(
        folder=folder,
        home=shell.home,
        key=key,
        card=trusted,
        root_key=root_key,
        marks=marks,
        checkpoints=checkpoints,
        lists=lists,
        forward=forward,
        alone=alone,
    )
    with shell.progress() as progress:
        done = restoring.restore(wanted, unlock=unlock, clock=shell.clock, progress=progress)
    data: dict[str, Json] = {
        "home": str(shell.home),
        "backup": done.backup.backup,
        "size": done.backup.ledger.size,
        "seen": done.seen,
        "subjects": len(done.again.subjects),
        "scopes": list(done.again.scopes),
        "keys": len(done.again.keys),
        "entry": done.entry,
    }
    rows: list[tuple[Text, object]] = [
        (Text("恢复到", "restored to"), shell.home),
        (Text("台账条目", "ledger entries"), str(done.backup.ledger.size)),
        (Text("重新删除的客户", "customers erased again"), str(len(done.again.subjects))),
        (Text("重新销毁的范围", "scopes destroyed again"), " ".join(done.again.scopes) or "0"),
        (Text("台账记录", "entry"), str(done.entry)),
    ]
    shell.result(data, lambda _: shell.pairs(rows))
