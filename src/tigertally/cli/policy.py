"""``policy``: the rules of decisions: in force, changed, simulated, written as Cedar; which conditions are waived."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console

from tigertally.access import Action, cedar
from tigertally.access.policy import SHIPPED
from tigertally.access.rules import BYTES_MAX
from tigertally.access.unmet import ALL, WAIVABLE
from tigertally.access.waivers import WaivedBecause
from tigertally.app.errors import NotReadable, NotWritable
from tigertally.app.settings import write_whole
from tigertally.app.verbs import people
from tigertally.app.verbs import rules as verbs
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.crypto.digest import sha256_hex
from tigertally.ledger import Fact


@speak(
    "访问规则：现行、更改、模拟、写成 Cedar 文本、豁免条件。",
    "The rules of access: in force, changed, simulated, written as Cedar, conditions waived.",
)
@click.group(name="policy", cls=SpeakingGroup)
def policy_command() -> None:
    """Group the commands about the rules."""


@speak(
    "把访问规则写成 Cedar 策略集和模式，供双方法务阅读、比对、签署；每次决定都记录规则摘要。",
    "Write the rules of access as a Cedar policy set and schema, for counsel to read, compare and sign. Every decision "
    "records the digest of the rules.",
    "tigertally policy write ./rules",
    "tigertally policy write ./rules --present",
)
@policy_command.command(name="write", cls=SpeakingCommand)
@shared
@click.argument("folder", type=click.Path(path_type=Path))
@option(
    "--present",
    is_flag=True,
    zh="本组织的现行规则（默认自带规则）",
    en="the organisation's own (by default the shipped ones)",
)
def write(shell: Shell, folder: Path, *, present: bool) -> None:
    """Write the rules."""
    rules = SHIPPED
    if present:
        with shell.house() as house:
            rules, _ = verbs.present(house)
    files = {"policy.cedar": cedar.policies(rules).encode(), "policy.cedarschema": cedar.schema().encode()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_whole(folder / name, content, mode=0o644)
    except OSError as error:
        raise NotWritable(path=folder, reason=type(error).__name__) from None
    data: dict[str, Json] = {name: sha256_hex(content) for name, content in files.items()}
    data["rules"] = rules.digest
    lines = "\n".join(f"{digest}  {name}" for name, digest in data.items())
    shell.result(data, lambda out: out.print(lines, markup=False))


@speak(
    "现行规则：版本、摘要，以及本组织比自带规则更严的部分。",
    "The rules in force: version, digest, and where the organisation's own are stricter than the shipped ones.",
    "tigertally policy show",
)
@policy_command.command(name="show", cls=SpeakingCommand)
@shared
def show_rules(shell: Shell) -> None:
    """Show the rules in force."""
    with shell.house() as house:
        rules, fact = verbs.present(house)
    own: Json = {} if fact is None else json.loads(str(fact.value["document"]))
    data: dict[str, Json] = {
        "version": rules.version,
        "digest": rules.digest,
        "entry": None if fact is None else fact.entry,
        "own": own,
    }

    def show(out: Console) -> None:
        shell.pairs([(Text("版本", "version"), rules.version), (Text("摘要", "digest"), rules.digest)])
        for action, members in own.items() if isinstance(own, dict) else ():
            out.print(f"{action}: {json.dumps(members, ensure_ascii=False)}", markup=False)

    shell.result(data, show)


@speak(
    "更改规则：由两人使一份规则文件生效；只能比自带规则更严（格式见 docs/formats/rules.md）。先用 simulate 看影响。",
    "Change the rules: two persons put a document in force. It can only be stricter than the shipped rules (see "
    "docs/formats/rules.md). Simulate it first.",
    "tigertally --as chen policy change own-rules.toml",
)
@policy_command.command(name="change", cls=SpeakingCommand)
@shared
@click.argument("file", type=click.Path(path_type=Path))
def change(shell: Shell, file: Path) -> None:
    """Change the rules."""
    text = _text(file)
    with shell.house(acting=True) as house:
        rules = verbs.change(house, actor=shell.actor(house), text=text)
    told = shell.text_of(
        "规则第 {version} 版已生效", "version {version} of the rules is in force", version=rules.version
    )
    shell.result({"version": rules.version, "digest": rules.digest}, lambda out: out.print(told))


@speak(
    "模拟：以往的决定在一份规则文件下会有哪些不同；不改变任何东西。",
    "Simulate: which past decisions would have come out otherwise under a document of rules. Changes nothing.",
    "tigertally --as chen policy simulate own-rules.toml",
    "tigertally --as chen policy simulate own-rules.toml --days 90",
)
@policy_command.command(name="simulate", cls=SpeakingCommand)
@shared
@click.argument("file", type=click.Path(path_type=Path))
@option("--days", default=30, show_default=True, type=click.IntRange(1, 3650), zh="最近多少天", en="how many days back")
def simulate(shell: Shell, file: Path, days: int) -> None:
    """Simulate a change."""
    text = _text(file)
    with shell.house(acting=True) as house:
        found = verbs.simulate(house, actor=shell.actor(house), text=text, days=days)
        names = {str(person.person): person.handle for person in people.everybody(house)}
    flips: list[Json] = [
        {
            "entry": flip.entry,
            "at": clock.to_text(flip.at),
            "by": names.get(flip.person, flip.person),
            "action": flip.action,
            "was": flip.was,
            "unmet": list(flip.unmet),
        }
        for flip in found.flips
    ]
    data: dict[str, Json] = {"asked": found.asked, "flips": flips, "unknown": list(found.unknown)}

    def show(out: Console) -> None:
        told = Text(
            "重新判断 {n} 个决定，{flips} 个会不同，{unknown} 个无法重新判断",
            "{n} decisions asked again: {flips} would be otherwise; {unknown} could not be asked again",
        )
        out.print(shell.text(told, n=found.asked, flips=len(flips), unknown=len(found.unknown)))
        rows = [
            [
                str(flip.entry),
                clock.to_text(flip.at)[:16],
                names.get(flip.person, flip.person),
                flip.action,
                shell.text_of("允许 → 拒绝", "allowed → refused")
                if flip.was
                else shell.text_of("拒绝 → 允许", "refused → allowed"),
                ", ".join(shell.text(ALL[code].title) if code in ALL else code for code in flip.unmet),
            ]
            for flip in found.flips
        ]
        headings = (
            Text("条目", "entry"),
            Text("时间", "when"),
            Text("操作人", "by"),
            Text("操作", "act"),
            Text("变化", "change"),
            Text("未满足", "not met"),
        )
        if rows:
            out.print(shell.table(None, headings, rows))

    shell.result(data, show)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(BYTES_MAX).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotReadable(path=path, reason=type(error).__name__) from None


@speak(
    "由两人为某些操作豁免一项决定条件，注明理由和期限（最长 90 天）；引用它的每次决定都会写明。",
    "Have two persons waive a condition of decisions for some actions, for a reason and a time (90 days at most). "
    "Every decision that rests on it says so.",
    "tigertally --as chen policy waive witnessed --for handover.release --for handover.destroy --reason not_yet",
    "tigertally --as chen policy waive factor_strong --for vault.reveal --reason not_yet --days 14",
)
@policy_command.command(name="waive", cls=SpeakingCommand)
@shared
@click.argument("condition", type=click.Choice(sorted(WAIVABLE)))
@option(
    "--for",
    "actions",
    required=True,
    multiple=True,
    type=click.Choice([action.value for action in Action]),
    zh="操作（可多次）",
    en="the action (repeatable)",
)
@option("--reason", required=True, type=click.Choice([item.value for item in WaivedBecause]), zh="理由", en="why")
@option("--days", default=30, show_default=True, zh="有效天数", en="days it holds")
def waive(shell: Shell, condition: str, actions: tuple[str, ...], reason: str, days: int) -> None:
    """Waive a condition."""
    with shell.house(acting=True) as house:
        given = verbs.waive(
            house,
            actor=shell.actor(house),
            condition=condition,
            actions=[Action(item) for item in actions],
            reason=WaivedBecause(reason),
            days=days,
        )
    told = shell.text_of("已豁免，台账第 {entry} 条", "waived, ledger entry {entry}", entry=given.entry)
    data: dict[str, Json] = {"condition": condition, "actions": list(given.actions), "entry": given.entry}
    shell.result(data, lambda out: out.print(told))


@speak("列出现行豁免。", "List what is waived now.", "tigertally policy waivers")
@policy_command.command(name="waivers", cls=SpeakingCommand)
@shared
def waivers(shell: Shell) -> None:
    """List waivers."""
    with shell.house() as house:
        found = verbs.waived(house)
    data: Json = [_body(fact) for fact in found]

    def show(out: Console) -> None:
        rows = []
        for fact in found:
            condition = ALL.get(str(fact.value["condition"]))
            rows.append(
                [
                    str(fact.value["condition"]) if condition is None else shell.text(condition.title),
                    _actions(fact),
                    str(fact.value["reason"]),
                    "" if fact.until is None else clock.to_text(fact.until)[:10],
                    str(fact.entry),
                ]
            )
        headings = (
            Text("条件", "condition"),
            Text("操作", "actions"),
            Text("理由", "why"),
            Text("到期", "until"),
            Text("条目", "entry"),
        )
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)


def _actions(fact: Fact) -> str:
    named = fact.value["actions"]
    return ", ".join(str(item) for item in named) if isinstance(named, list) else ""


def _body(fact: Fact) -> dict[str, Json]:
    return {
        **dict(fact.value),
        "entry": fact.entry,
        "until": None if fact.until is None else clock.to_text(fact.until),
    }
