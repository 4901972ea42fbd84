"""``why``: one decision, for a person: what was asked, what was known, which entry proves it, what was missing."""

from __future__ import annotations

from collections.abc import Mapping

import click
from rich.console import Console

from tigertally.access.explain import Ground
from tigertally.app.verbs import ledger as verbs
from tigertally.app.verbs import people
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, speak

# A longer number is no entry but could be somebody's card, which must not be repeated on a screen.
_INDEX = click.IntRange(0, 999_999_999)
_LABELS: tuple[tuple[str, Text], ...] = (
    ("person", Text("谁", "who")),
    ("owner", Text("负责人", "who answers for it")),
    ("action", Text("操作", "action")),
    ("classes", Text("字段", "field classes")),
    ("count", Text("数量", "how many")),
    ("purpose", Text("目的", "purpose")),
    ("deal", Text("交易", "deal")),
)


@speak(
    "解释一次访问决定：请求了什么、依据哪些事实（各由哪一条台账证明）、缺少什么。不给编号则解释最近一次。",
    "Explain a decision: what was asked, which facts it rested on (and the entry that proves each), what was missing. "
    "Without a number, the newest one.",
    "tigertally --as chen why 42",
    "tigertally --as zhao why",
)
@click.command(name="why", cls=SpeakingCommand)
@shared
@click.argument("entry", type=_INDEX, required=False)
def why_command(shell: Shell, entry: int | None) -> None:
    """Explain a decision."""
    with shell.house() as house:
        found = verbs.why(house, actor=shell.actor(house), entry=entry)
        handles = {str(person.person): person.handle for person in people.everybody(house)}
    grounds: list[Json] = [
        {"entry": item.entry, "at": clock.to_text(item.at), "what": shell.text(item.title), "said": item.said}
        for item in found.grounds
    ]
    missing: list[Json] = [{"condition": code, "what": shell.text(what)} for code, what in found.missing]
    data: dict[str, Json] = {
        "entry": found.entry,
        "at": clock.to_text(found.at),
        "allowed": found.allowed,
        "asked": dict(found.asked),
        "grounds": grounds,
        "missing": missing,
        "waived": [{"condition": code, "what": shell.text(what)} for code, what in found.waived],
        "present_rules": found.present_rules,
    }

    def show(out: Console) -> None:
        yes, no = Text("允许", "allowed"), Text("拒绝", "refused")
        head = f"{found.entry}  {clock.to_text(found.at)[:19]}  {shell.text(yes if found.allowed else no)}"
        out.print(head, style="green" if found.allowed else "red", markup=False)
        shell.pairs([(label, _plain(found.asked[name], handles)) for name, label in _LABELS if found.asked.get(name)])
        for item in found.grounds:
            out.print(f"✓ {shell.text(item.title)}  ← {item.entry}  {_until(item)}", style="green", markup=False)
        for _, what in found.waived:
            spared = shell.text_of("已豁免：{what}", "waived: {what}", what=shell.text(what))
            out.print(f"~ {spared}", style="yellow", markup=False)
        for _, what in found.missing:
            out.print(f"✗ {shell.text(what)}", style="red", markup=False)
        if not found.present_rules:
            old = Text("当时的规则与现在不同", "the rules were others then than now")
            out.print(shell.text(old), style="yellow")

    shell.result(data, show)


def _plain(value: Json, handles: Mapping[str, str]) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return handles.get(str(value), str(value))


def _until(ground: Ground) -> str:
    until = ground.said.get("until") if isinstance(ground.said, dict) else None
    return f"→ {until[:19]}" if isinstance(until, str) else ""
