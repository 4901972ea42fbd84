"""``glass``: breaking the glass in an emergency, reviewing it afterwards, what is still to be done."""

from __future__ import annotations

import click
from rich.console import Console

from tigertally.access.duties import DUE, Duty
from tigertally.access.glass import MINUTES_MAX, Emergency, Verdict
from tigertally.app.verbs import glass as verbs
from tigertally.app.verbs import people
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak

_DUTIES = {
    Duty.REPLACE_KEYS.value: Text(
        "更换密钥（{because}），{due} 前：tigertally keys rotate",
        "replace the keys ({because}) by {due}: tigertally keys rotate",
    ),
    Duty.DEAL_SHARES.value: Text(
        "重新分发根密钥份额（{because}），{due} 前：tigertally custody reshare",
        "deal the root key's shares anew ({because}) by {due}: tigertally custody reshare",
    ),
}


@speak(
    "紧急破窗：没有授权也能查看明文，两人、限时、事后由另外两人复核。",
    "Breaking the glass: clear values without a grant, by two, for a time, reviewed by two others afterwards.",
)
@click.group(name="glass", cls=SpeakingGroup)
def glass_command() -> None:
    """Group the commands of emergencies."""


@speak(
    "破窗：需要第二人批准，最长 60 分钟；每次查看照样入账，事后必须复核，并应更换密钥。",
    "Break the glass: with a second person, for 60 minutes at most. Every look is recorded as ever; it has to be "
    "reviewed afterwards, and keys are to be replaced.",
    "tigertally --as zhao glass break --reason customer_harm --minutes 30",
)
@glass_command.command(name="break", cls=SpeakingCommand)
@shared
@option("--reason", required=True, type=click.Choice([item.value for item in Emergency]), zh="理由", en="why")
@option(
    "--minutes",
    default=30,
    show_default=True,
    type=click.IntRange(1, MINUTES_MAX),
    zh="多少分钟",
    en="how many minutes",
)
def break_it(shell: Shell, reason: str, minutes: int) -> None:
    """Break the glass."""
    with shell.house(acting=True) as house:
        entry = verbs.break_it(house, actor=shell.actor(house), reason=Emergency(reason), minutes=minutes)
    told = shell.text_of(
        "已破窗 {minutes} 分钟，台账第 {entry} 条；事后由另外两人运行 tigertally glass review {entry}",
        "the glass is broken for {minutes} minutes, ledger entry {entry}; two others review it afterwards with "
        "tigertally glass review {entry}",
        minutes=minutes,
        entry=entry,
    )
    shell.result({"glass": entry, "minutes": minutes}, lambda out: out.print(told, style="bold red", markup=False))


@speak(
    "复核一次破窗：由破窗者以外的两人；复核后才能再次破窗。",
    "Review a glass that was broken: by two persons other than who it was broken for. No glass is broken before that.",
    "tigertally --as wang glass review 42 --verdict justified",
)
@glass_command.command(name="review", cls=SpeakingCommand)
@shared
@click.argument("entry", type=click.IntRange(0))
@option("--verdict", required=True, type=click.Choice([item.value for item in Verdict]), zh="结论", en="what was found")
def review(shell: Shell, entry: int, verdict: str) -> None:
    """Review a glass."""
    with shell.house(acting=True) as house:
        written = verbs.review(house, actor=shell.actor(house), entry=entry, verdict=Verdict(verdict))
    told = shell.text_of("已复核，台账第 {entry} 条", "reviewed, ledger entry {entry}", entry=written)
    shell.result({"glass": entry, "verdict": verdict, "entry": written}, lambda out: out.print(told))


@speak(
    "列出待复核的破窗，以及待办义务（如更换密钥）。",
    "List the glasses that wait for a review, and what is still to be done (such as replacing keys).",
    "tigertally glass list",
)
@glass_command.command(name="list", cls=SpeakingCommand)
@shared
def waiting(shell: Shell) -> None:
    """List what waits."""
    with shell.house() as house:
        broken, duties = verbs.waiting(house)
        names = {str(person.person): person.handle for person in people.everybody(house)}
    data: dict[str, Json] = {
        "glasses": [{**dict(fact.value), "at": clock.to_text(fact.start)} for fact in broken],
        "duties": [{**dict(fact.value), "due": clock.to_text(fact.start + DUE)} for fact in duties],
    }

    def show(out: Console) -> None:
        for fact in broken:
            who = names.get(str(fact.value["person"]), str(fact.value["person"]))
            told = Text("破窗 {glass}（{who}，{at}）待复核", "glass {glass} ({who}, {at}) waits for its review")
            out.print(shell.text(told, glass=fact.value["glass"], who=who, at=clock.to_text(fact.start)[:16]))
        for fact in duties:
            told = _DUTIES[str(fact.value["duty"])]
            due = clock.to_text(fact.start + DUE)[:10]
            out.print(shell.text(told, because=fact.value["because"], due=due))
        if not broken and not duties:
            out.print(shell.text_of("没有待办", "nothing waits"))

    shell.result(data, show)
