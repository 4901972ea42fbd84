"""``custody holder|check|unseal|prove|give|take|sheet``: what the holder of a share does, without an installation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from tigertally.app.verbs import holding as verbs
from tigertally.base import clock
from tigertally.base.errors import Invalid
from tigertally.base.secret import SecretText
from tigertally.base.text import Text
from tigertally.cli import sheet
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, option, speak
from tigertally.cli.papers import read_paper, write_bytes
from tigertally.formats import share as share_format
from tigertally.formats import shareset
from tigertally.formats.share import TaggedShare
from tigertally.formats.statement import Kind

PATH = click.Path(path_type=Path)
Decorator = Callable[[Callable[..., object]], Callable[..., object]]


class NoSuchSeat(Invalid):
    """A seat that is not GROUP.MEMBER in numbers."""

    code = "cli.no_such_seat"
    title = Text("席位应写作 组号.序号，例如 2.1", "a seat is GROUP.MEMBER in numbers, such as 2.1")


share_option: Decorator = option("--share", "share_file", type=PATH, zh="份额文件", en="the share's file")
words_option: Decorator = option(
    "--words", is_flag=True, zh="改为输入纸上的词语", en="type the words of the sheet instead"
)
key_option: Decorator = option("--key", "key_file", type=PATH, required=True, zh="持有人私钥", en="the holder's key")
pass_option: Decorator = option(
    "--key-passphrase-file",
    "key_pass",
    type=PATH,
    zh="含私钥口令的文件（默认询问）",
    en="file with the key's passphrase (asked for by default)",
)
card_option: Decorator = option(
    "--trust", "card", type=PATH, required=True, zh="已核对指纹的组织名片", en="the party card whose print you compared"
)


def a_share(shell: Shell, share_file: Path | None, *, words: bool) -> TaggedShare:
    """Return the share of the options: a file, or words that are typed without echo."""
    if share_file is not None and not words:
        return verbs.read_share(share_file)
    typed = shell.secret(file=share_file, zh="依次输入 52 个词", en="type the 52 words in order")
    return share_format.from_words(typed)


def a_seat(text: str) -> tuple[int, int]:
    """Return the seat of that spelling. Raises :class:`NoSuchSeat`."""
    seat = shareset.read_seat(text)
    if seat is None:
        raise NoSuchSeat
    return seat


def key_passphrase(shell: Shell, file: Path | None, *, confirm: bool = False) -> SecretText:
    """Return the passphrase of a holder's key."""
    return shell.secret(file=file, zh="持有人私钥口令", en="passphrase of the holder's key", confirm=confirm)


@speak(
    "建立持有人的密钥与名片：份额将密封给它。",
    "Make a holder's key and card, which shares are sealed to.",
    "tigertally custody holder sun --out ./sun",
)
@click.command(name="holder", cls=SpeakingCommand)
@shared
@click.argument("name")
@option("--out", type=PATH, required=True, zh="文件夹", en="folder")
@pass_option
def holder_command(shell: Shell, name: str, out: Path, key_pass: Path | None) -> None:
    """Make a holder."""
    passphrase = key_passphrase(shell, key_pass, confirm=True)
    card, public, private = verbs.new_holder(out, name=name, passphrase=passphrase)
    data = {"name": card.name, "fingerprint": card.fingerprint(), "card": str(public), "key": str(private)}
    rows = [
        (Text("指纹", "fingerprint"), card.fingerprint()),
        (Text("名片（交给组织仪式的一方）", "card (give it to whoever runs the ceremony)"), public),
        (Text("私钥（自己保管）", "key (keep it)"), private),
    ]
    shell.result(data, lambda _: shell.pairs(rows))


@speak(
    "核对一份份额是否属于这一套；输错的词会指明是第几个。",
    "Check that a share is one of the set; a word typed wrong is named by number.",
    "tigertally custody check shares.json --share seller-1.share",
    "tigertally custody check shares.json --words",
)
@click.command(name="check", cls=SpeakingCommand)
@shared
@click.argument("set_file", type=PATH)
@share_option
@words_option
def check_command(shell: Shell, set_file: Path, share_file: Path | None, *, words: bool) -> None:
    """Check a share."""
    paper = read_paper(set_file, Kind.SHARES)
    whose = verbs.check(paper, a_share(shell, share_file, words=words))
    told = shell.text_of("份额完好：{whose}", "the share is good: {whose}", whose=whose)
    shell.result({"ok": True, "seat": whose}, lambda out: out.print(told, markup=False))


@speak(
    "打开密封给自己的份额。",
    "Open the share that was sealed to you.",
    "tigertally custody unseal buyer-1.sealed.json --key sun/holder.key --out buyer-1.share",
)
@click.command(name="unseal", cls=SpeakingCommand)
@shared
@click.argument("sealed", type=PATH)
@key_option
@pass_option
@option("--out", type=PATH, required=True, zh="份额写到", en="where the share goes")
def unseal_command(shell: Shell, sealed: Path, key_file: Path, key_pass: Path | None, out: Path) -> None:
    """Open a sealed share."""
    found, closed = verbs.read_sealed(sealed), verbs.read_holder_key(key_file)
    key = verbs.open_holder_key(closed, passphrase=key_passphrase(shell, key_pass))
    verbs.write_share(out, found.open(key))
    shell.result({"share": str(out)}, lambda shown: shown.print(str(out), markup=False))


@speak(
    "证明持有份额而不出示它；七天内有效。",
    "Prove that you hold your share without showing it; good for seven days.",
    "tigertally custody prove shares.json --share seller-1.share --out seller-1.proof.json",
)
@click.command(name="prove", cls=SpeakingCommand)
@shared
@click.argument("set_file", type=PATH)
@share_option
@words_option
@option("--out", type=PATH, required=True, zh="证明写到", en="where the proof goes")
def prove_command(shell: Shell, set_file: Path, share_file: Path | None, out: Path, *, words: bool) -> None:
    """Prove holding."""
    paper = read_paper(set_file, Kind.SHARES)
    proof = verbs.prove(paper, a_share(shell, share_file, words=words), clock=shell.clock)
    write_bytes(out, proof.to_bytes())
    shell.result({"proof": str(out), "at": clock.to_text(proof.at)}, lambda shown: shown.print(str(out), markup=False))


@speak(
    "重新分发：旧持有人把自己的份额拆给新持有人。",
    "Redistribution: an old holder deals their share to the new holders.",
    "tigertally custody give plan.json shares.json --share s.share --trust party.json --out s.dealing.json",
)
@click.command(name="give", cls=SpeakingCommand)
@shared
@click.argument("plan_file", type=PATH)
@click.argument("set_file", type=PATH)
@share_option
@words_option
@card_option
@option("--out", type=PATH, required=True, zh="分发文件写到", en="where the dealing goes")
def give_command(
    shell: Shell, plan_file: Path, set_file: Path, share_file: Path | None, card: Path, out: Path, *, words: bool
) -> None:
    """Deal a share on."""
    plan, paper = read_paper(plan_file, Kind.RESHARE), read_paper(set_file, Kind.SHARES)
    own = a_share(shell, share_file, words=words)
    made = verbs.give(plan, paper, own, card=read_paper(card, Kind.PARTY))
    write_bytes(out, made.to_bytes())
    shell.result(
        {"dealing": str(out), "from": shareset.spell_seat(made.giver)},
        lambda shown: shown.print(str(out), markup=False),
    )


@speak(
    "重新分发：新持有人由各旧持有人的分发文件得到自己的新份额；分发有误者会被指名。",
    "Redistribution: a new holder makes their share of what the old ones dealt; whoever dealt wrongly is named.",
    "tigertally custody take plan.json shares.json a.dealing.json b.dealing.json --seat 2.1 --key holder.key"
    " --trust party.json --out new.share",
)
@click.command(name="take", cls=SpeakingCommand)
@shared
@click.argument("plan_file", type=PATH)
@click.argument("set_file", type=PATH)
@click.argument("dealings", type=PATH, nargs=-1, required=True)
@option("--seat", required=True, zh="席位，如 2.1", en="your seat, such as 2.1")
@key_option
@pass_option
@card_option
@option("--out", type=PATH, required=True, zh="份额写到", en="where the share goes")
def take_command(
    shell: Shell,
    *,
    plan_file: Path,
    set_file: Path,
    dealings: tuple[Path, ...],
    seat: str,
    key_file: Path,
    key_pass: Path | None,
    card: Path,
    out: Path,
) -> None:
    """Take a new share."""
    plan, paper = read_paper(plan_file, Kind.RESHARE), read_paper(set_file, Kind.SHARES)
    given = [verbs.read_dealing(path) for path in dealings]
    place, trusted = a_seat(seat), read_paper(card, Kind.PARTY)
    closed = verbs.read_holder_key(key_file)
    key = verbs.open_holder_key(closed, passphrase=key_passphrase(shell, key_pass))
    verbs.write_share(out, verbs.take(plan, paper, given, seat=place, key=key, card=trusted))
    shell.result({"share": str(out)}, lambda shown: shown.print(str(out), markup=False))


@speak(
    "把份额排成可打印的一页：词语、二维码、中英文说明。",
    "Lay a share out as a page to print: words, QR code, what to do, in both languages.",
    "tigertally custody sheet shares.json --share seller-1.share --out seller-1.html",
)
@click.command(name="sheet", cls=SpeakingCommand)
@shared
@click.argument("set_file", type=PATH)
@share_option
@words_option
@option("--out", type=PATH, required=True, zh="页面写到", en="where the page goes")
def sheet_command(shell: Shell, set_file: Path, share_file: Path | None, out: Path, *, words: bool) -> None:
    """Write a sheet."""
    paper = read_paper(set_file, Kind.SHARES)
    tagged = a_share(shell, share_file, words=words)
    whose = verbs.check(paper, tagged)
    verbs.write_secret(out, sheet.page(shareset.read_set(paper), tagged).encode())
    shell.result({"sheet": str(out), "seat": whose}, lambda shown: shown.print(str(out), markup=False))
    shell.say(
        "打印后删除这个文件：谁有这一页，谁就有这份份额。",
        "Delete that file once it is printed: whoever has the page has the share.",
    )


COMMANDS = (
    holder_command,
    check_command,
    unseal_command,
    prove_command,
    give_command,
    take_command,
    sheet_command,
)
