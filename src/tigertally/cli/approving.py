"""``approve``: being the second person for an act that somebody else began, after reading in words what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from rich.console import Console

from tigertally.access import Action
from tigertally.app.verbs import deals as deal_verbs
from tigertally.app.verbs import handover as handover_verbs
from tigertally.app.verbs import people as verbs
from tigertally.base.canon import Json
from tigertally.base.text import Text, printable
from tigertally.cli.actwords import act_words, plan_words, title_of
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, speak
from tigertally.cli.paperwords import Words

if TYPE_CHECKING:
    from tigertally.access import Approval
    from tigertally.app.wire import House


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request for a second person, in words."""

    approval: Approval
    words: Words


def _in_words(house: House, item: Approval, people: Mapping[str, str]) -> Asked:
    names = {str(deal.deal): deal.title for deal in deal_verbs.every_deal(house)}
    names |= {str(found.card.party): found.card.name for found in deal_verbs.parties(house)}
    words: Words = [
        (Text("发起人", "asked by"), people.get(item.asker, item.asker)),
        (Text("批准人", "approved by"), people.get(item.approver, item.approver) or Text("等待中", "waiting")),
        *act_words(item.what, names),
    ]
    if item.action == Action.DESTROY.value and isinstance(item.what, dict) and not item.approver:
        deal, digest = str(item.what.get("deal", "")), str(item.what.get("plan", ""))
        words += plan_words(handover_verbs.plan_behind(house, deal=deal, digest=digest))
    return Asked(approval=item, words=words)


def _draw(shell: Shell, out: Console, item: Asked) -> None:
    head = f"{item.approval.approval}  {shell.text(title_of(item.approval.action))} ({item.approval.action})"
    out.print(head, style="bold", markup=False, soft_wrap=True)
    for name, value in item.words:
        shown = value if isinstance(value, str) else shell.text(value)
        out.print(f"  {shell.text(name)}: {printable(shown)}", markup=False, soft_wrap=True)


@speak(
    "作为第二人批准别人发起的操作；不带编号则列出等待批准的操作。",
    "Be the second person for an act that somebody else began; without an id, list what waits.",
    "tigertally approve",
    "tigertally --as wang approve apv_01…",
)
@click.command(name="approve", cls=SpeakingCommand)
@shared
@click.argument("approval", required=False)
def approve_command(shell: Shell, approval: str | None) -> None:
    """Approve, or list."""
    with shell.house(acting=approval is not None) as house:
        people = {str(person.person): person.handle for person in verbs.everybody(house)}
        if approval is None:
            shown = [_in_words(house, item, people) for item in verbs.open_approvals(house)]
        else:
            # Read before it is given; what cannot be read is refused by the verb, which says why.
            asked = verbs.find_approval(house, approval)
            if asked is not None and not shell.as_json:
                _draw(shell, shell.err, _in_words(house, asked, people))
            given = verbs.approve(house, actor=shell.actor(house), approval=approval)
            shown = [_in_words(house, given, people)]
    data: Json = [_json(shell, item) for item in shown]

    def show(out: Console) -> None:
        for item in shown:
            _draw(shell, out, item)
        if not shown:
            out.print(shell.text_of("没有等待批准的操作", "nothing waits for a second person"))
        elif approval is None:
            told = Text("批准：tigertally --as 姓名 approve 编号", "to approve: tigertally --as NAME approve ID")
            out.print(shell.text(told), style="dim", markup=False)

    shell.result(data, show)


def _json(shell: Shell, item: Asked) -> Json:
    words: list[Json] = [
        {"name": shell.text(name), "value": value if isinstance(value, str) else shell.text(value)}
        for name, value in item.words
    ]
    found = item.approval
    return {
        "approval": found.approval,
        "action": found.action,
        "title": shell.text(title_of(found.action)),
        "asker": found.asker,
        "approver": found.approver,
        "what": found.what,
        "words": words,
    }
