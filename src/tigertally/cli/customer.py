"""``customer``: verify a payment password, replace a value, what was replaced, which password hashes are weak."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click
from rich.console import Console

from tigertally.app.verbs import customers as verbs
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.fields import SEALABLE, FieldClass
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.cli.vault import scoped
from tigertally.crypto.passwords import Strength

_CLASSES = tuple(sorted(item.value for item in SEALABLE))
_REASONS = tuple(item.value for item in verbs.Reason)
_STRENGTHS = {
    Strength.FAST: Text("弱：没有代价", "weak: costs nothing to guess"),
    Strength.LOW: Text("弱：代价过低", "weak: its cost is too low"),
    Strength.UNKNOWN: Text("不明", "not known"),
    Strength.GOOD: Text("足够", "enough"),
}


@speak(
    "一位客户：验证支付密码、替换一个值、替换的历史、弱密码散列。",
    "One customer: verify a payment password, replace a value, what was replaced; and which password hashes are weak.",
)
@click.group(name="customer", cls=SpeakingGroup)
def customer_command() -> None:
    """Group the commands about one customer."""


@speak(
    "验证客户的支付密码（从提示、标准输入或文件读入）；弱散列验证通过后换成 Argon2id。客户是否存在不会告知。",
    "Verify a customer's payment password, which is asked for, or read from standard input or a file. A weak hash that "
    "fits is replaced by Argon2id. Whether there is such a customer is not told.",
    "tigertally --as zhao customer verify sub_01…",
    "tigertally --as zhao customer verify tok_… --password-file typed.txt",
)
@customer_command.command(name="verify", cls=SpeakingCommand)
@shared
@click.argument("whom")
@option(
    "--password-file", type=click.Path(path_type=Path), zh="密码所在文件的第一行", en="a file with it in its first line"
)
@scoped
def verify(shell: Shell, whom: str, password_file: Path | None, scope: str) -> None:
    """Verify a payment password."""
    with shell.house(acting=True) as house:
        actor = shell.actor(house)
        candidate = shell.secret(file=password_file, zh="客户的支付密码", en="the customer's payment password")
        found = verbs.verify(house, actor=actor, scope=scope, whom=whom, candidate=candidate)
        candidate.wipe()
    told = shell.text_of("密码正确（{hash}）", "the password is right ({hash})", hash=found.hash)
    more = shell.text_of("；弱散列已换成新的", "; its weak hash was replaced") if found.upgraded else ""
    data: Json = {"verified": True, "hash": found.hash, "upgraded": found.upgraded}
    shell.result(data, lambda out: out.print(told + more, markup=False))


@speak(
    "替换客户的一个值：新值从提示、标准输入或文件读入；旧值及其令牌不复存在，台账记录何时、何人、哪一类。密码按明文输入，只存散列。",
    "Replace one value of a customer: the new one is asked for, or read from standard input or a file. The old value "
    "and its token are gone; the ledger says when, who, which class. A password is given as it is, and kept as a hash.",
    "tigertally --as chen customer update sub_01… --class mobile --reason correction",
    "tigertally --as chen customer update sub_01… --class password_hash --reason reset --value-file new.txt",
)
@customer_command.command(name="update", cls=SpeakingCommand)
@shared
@click.argument("subject")
@option("--class", "cls", required=True, type=click.Choice(_CLASSES), zh="字段类别", en="field class")
@option("--slot", type=click.IntRange(0, 255), zh="位置（有多个值时）", en="which, if there are several")
@option("--reason", required=True, type=click.Choice(_REASONS), zh="原因", en="why")
@option(
    "--value-file", type=click.Path(path_type=Path), zh="新值所在文件的第一行", en="a file with it in its first line"
)
@scoped
def update(
    shell: Shell, subject: str, cls: str, slot: int | None, reason: str, value_file: Path | None, scope: str
) -> None:
    """Replace a value."""
    with shell.house(acting=True) as house:
        actor = shell.actor(house)
        value = shell.secret(file=value_file, zh="新的值", en="the new value")
        at, version = verbs.update(
            house,
            actor=actor,
            scope=scope,
            subject=subject,
            cls=FieldClass(cls),
            slot=slot,
            value=value,
            reason=verbs.Reason(reason),
        )
        value.wipe()
    told = shell.text_of("已替换；记录的第 {n} 版", "replaced; version {n} of the record", n=version)
    data: Json = {"subject": subject, "class": cls, "slot": at, "version": version}
    shell.result(data, lambda out: out.print(told))


@speak(
    "列出客户的哪些值被替换过：何时、何人、哪一类、原因；没有任何值。",
    "List what was replaced of a customer: when, by whom, which class, why; no value.",
    "tigertally --as zhao customer history sub_01…",
)
@customer_command.command(name="history", cls=SpeakingCommand)
@shared
@click.argument("subject")
@scoped
def history(shell: Shell, subject: str, scope: str) -> None:
    """List versions."""
    with shell.house(acting=True) as house:
        found = verbs.history(house, actor=shell.actor(house), scope=scope, subject=subject)
    data: Json = [
        {
            "entry": one.entry,
            "at": clock.to_text(one.at),
            "person": one.person,
            "class": one.cls,
            "slot": one.slot,
            "version": one.version,
            "reason": one.reason,
        }
        for one in found
    ]

    def show(out: Console) -> None:
        headings = (
            Text("台账", "entry"),
            Text("时间", "when"),
            Text("人员", "person"),
            Text("字段", "class"),
            Text("版本", "version"),
            Text("原因", "why"),
        )
        rows = [
            [str(one.entry), clock.to_text(one.at)[:19], one.person, one.cls, str(one.version), one.reason]
            for one in found
        ]
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)


@speak(
    "按算法和代价统计密码散列，弱的列为问题；不显示任何散列。",
    "Count password hashes by algorithm and cost, weak ones as findings; no hash is shown.",
    "tigertally --as chen customer passwords",
)
@customer_command.command(name="passwords", cls=SpeakingCommand)
@shared
@scoped
def passwords(shell: Shell, scope: str) -> None:
    """Count password hashes."""
    with shell.house(acting=True) as house, shell.progress() as progress:
        found = verbs.weak_hashes(house, actor=shell.actor(house), scope=scope, progress=progress)
    order = sorted(found, key=lambda kind: (list(_STRENGTHS).index(kind.strength), kind.algorithm, kind.cost))
    by_strength: Counter[Strength] = Counter()
    for kind, count in found.items():
        by_strength[kind.strength] += count
    weak = sum(by_strength.values()) - by_strength[Strength.GOOD]
    data: Json = {
        "hashes": sum(by_strength.values()),
        "weak": weak,
        "kinds": [
            {
                "algorithm": kind.algorithm,
                "cost": kind.cost,
                "strength": kind.strength.value,
                "finding": kind.strength is not Strength.GOOD,
                "count": found[kind],
            }
            for kind in order
        ],
    }

    def show(out: Console) -> None:
        headings = (Text("算法", "algorithm"), Text("代价", "cost"), Text("强度", "strength"), Text("数量", "how many"))
        rows = [[kind.algorithm, kind.cost, shell.text(_STRENGTHS[kind.strength]), str(found[kind])] for kind in order]
        out.print(shell.table(None, headings, rows))
        if weak:
            told = ("{n} 个弱散列：下次验证密码时换成 Argon2id", "{n} weak hashes: replaced when next verified")
            out.print(shell.text_of(*told, n=weak))

    shell.result(data, show)
