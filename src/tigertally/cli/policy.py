"""``policy``: the rules of decisions: as Cedar for counsel to read, compare and sign; which conditions are waived."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from tigertally.access import Action, cedar
from tigertally.access.policy import policy_digest
from tigertally.access.unmet import ALL, WAIVABLE
from tigertally.access.waivers import WaivedBecause
from tigertally.app.errors import NotWritable
from tigertally.app.settings import write_whole
from tigertally.app.verbs import rules as verbs
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.crypto.digest import sha256_hex
from tigertally.ledger import Fact


@speak(
    "访问规则：写成 Cedar 文本、豁免决定条件。",
    "The rules of access: written as Cedar, conditions waived.",
)
@click.group(name="policy", cls=SpeakingGroup)
def policy_command() -> None:
    """Group the commands about the rules."""


@speak(
    "把访问规则写成 Cedar 策略集和模式，供双方法务阅读、比对、签署；每次决定都记录规则摘要。",
    "Write the rules of access as a Cedar policy set and schema, for counsel to read, compare and sign. Every decision "
    "records the digest of the rules.",
    "tigertally policy write ./rules",
)
@policy_command.command(name="write", cls=SpeakingCommand)
@shared
@click.argument("folder", type=click.Path(path_type=Path))
def write(shell: Shell, folder: Path) -> None:
    """Write the rules."""
    files = {"policy.cedar": cedar.policies().encode(), "policy.cedarschema": cedar.schema().encode()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_whole(folder / name, content, mode=0o644)
    except OSError as error:
        raise NotWritable(path=folder, reason=type(error).__name__) from None
    data: dict[str, Json] = {name: sha256_hex(content) for name, content in files.items()}
    data["rules"] = policy_digest()
    lines = "\n".join(f"{digest}  {name}" for name, digest in data.items())
    shell.result(data, lambda out: out.print(lines, markup=False))


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
