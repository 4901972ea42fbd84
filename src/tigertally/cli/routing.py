"""``deal engage`` and ``deal route``: the questions, the legal route they lead to, and counsel's opinion on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from tigertally.app.errors import NotReadable
from tigertally.app.verbs import routes as verbs
from tigertally.base.canon import Json
from tigertally.base.fields import FIELD_RULES
from tigertally.base.limits import STATEMENT_BYTES_MAX
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.cli.papers import read_paper, write_paper
from tigertally.cli.paperwords import MARK_TITLES, MEANS_TITLES
from tigertally.deals import PartyRole, answers_of, by_class, route_rules
from tigertally.formats import route as formats
from tigertally.formats.route import Requirement
from tigertally.formats.statement import Kind


@speak(
    "聘任一方（律师、中介、审计、支付机构）参与交易；其名片须先经两人核对；需要两人。",
    "Engage a party as counsel, agency, auditor or psp; two persons confirmed its card before; needs two persons.",
    "tigertally --as chen deal engage pty_01… --role counsel",
)
@click.command(name="engage", cls=SpeakingCommand)
@shared
@click.argument("party")
@option("--role", required=True, type=click.Choice([item.value for item in PartyRole]), zh="角色", en="its role")
def engage(shell: Shell, party: str, role: str) -> None:
    """Engage a party."""
    with shell.house(acting=True) as house:
        entry = verbs.engage(house, actor=shell.actor(house), party=party, role=PartyRole(role))
    told = shell.text_of("已记录，台账第 {entry} 条", "recorded, ledger entry {entry}", entry=entry)
    shell.result({"party": party, "role": role, "entry": entry}, lambda out: out.print(told))


@speak(
    "法律路径：由问题和交易结构得出移交前必须满足什么。",
    "The legal route: from the questions and the deal's structure, what must be true before data moves.",
)
@click.group(name="route", cls=SpeakingGroup)
def route_command() -> None:
    """Group the commands about a route."""


@speak("列出问题。", "List the questions.", "tigertally deal route questions")
@route_command.command(name="questions", cls=SpeakingCommand)
@shared
def questions(shell: Shell) -> None:
    """List questions."""
    rules = route_rules()
    data: Json = {
        "rules": rules.digest,
        "questions": [
            {"name": item.name, "number": item.number, "text": shell.text(item.text)} for item in rules.questions
        ],
    }

    def show(out: Console) -> None:
        rows = []
        for item in rules.questions:
            kind = shell.text_of("人数", "a number") if item.number else "true / false"
            rows.append([item.name, shell.text(item.text), kind])
        headings = (Text("名称", "name"), Text("问题", "question"), Text("答案", "answer"))
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)


def _answers(shell: Shell, path: Path | None) -> dict[str, Json]:
    """Return the answers in the file, or ask each question; nothing typed means that it is not known."""
    if path is not None:
        try:
            with path.open("rb") as file:
                return answers_of(file.read(STATEMENT_BYTES_MAX).decode("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise NotReadable(path=path, reason=type(error).__name__) from None
    found: dict[str, Json] = {}
    for item in route_rules().questions:
        how = shell.text_of("人数，不知道则回车", "a number, or nothing") if item.number else "y / n / ?"
        said = click.prompt(f"{shell.text(item.text)} [{how}]", default="", show_default=False, err=True).strip()
        if item.number and said.isascii() and said.isdigit():
            found[item.name] = int(said)
        elif not item.number and said.lower() in {"y", "yes", "n", "no", "是", "否"}:
            found[item.name] = said.lower() in {"y", "yes", "是"}
        elif said not in {"", "?"}:
            found[item.name] = said
    return found


def _show(shell: Shell, requirements: Sequence[Requirement], out: Console) -> None:
    rows = []
    for item in requirements:
        binds = shell.text_of("须满足", "binds") if item.binds else shell.text_of("仅提示", "advises")
        source = f"{item.instrument} {item.article}".strip()
        what = shell.text(Text(item.zh, item.en))
        mark = shell.text(MARK_TITLES[item.mark])
        rows.append([item.gate, item.rule, what, source, item.valid_from, f"{mark}, {binds}"])
    headings = (
        Text("关口", "gate"),
        Text("规则", "rule"),
        Text("须满足", "what must be true"),
        Text("来源", "source"),
        Text("生效", "since"),
        Text("", ""),
    )
    out.print(shell.table(None, headings, rows))
    rows = []
    for cls, asked in by_class(requirements).items():
        means = dict.fromkeys(item.means for item in asked if item.binds)
        rows.append([shell.text(FIELD_RULES[cls].title), ", ".join(shell.text(MEANS_TITLES[item]) for item in means)])
    out.print(shell.table(None, (Text("字段", "class"), Text("路径", "route")), rows))


_FILE = option("--answers", "answers", type=click.Path(path_type=Path), zh="答案文件（TOML）；不给则逐题询问",
               en="answers (TOML); asked one by one if there is none")  # fmt: skip


@speak(
    "查看这些答案会要求什么；不作决定。",
    "Look at what these answers would ask; nothing is decided.",
    "tigertally deal route look dea_01… --answers answers.toml",
)
@route_command.command(name="look", cls=SpeakingCommand)
@shared
@click.argument("deal")
@_FILE
def look(shell: Shell, deal: str, answers: Path | None) -> None:
    """Look at a route."""
    with shell.house() as house:
        structure, asked = verbs.preview(house, deal=deal, answers=_answers(shell, answers))
    data: Json = {"structure": structure.value, "requirements": [item.body() for item in asked]}
    shell.result(data, lambda out: _show(shell, asked, out))


@speak(
    "确定法律路径：由两人按答案确定，写出签名文件；各关口据此检查。不知道的题不答，按最严处理。",
    "Decide the legal route by the answers; needs two persons. Writes the signed route, which the gates read.\n"
    "What is not known is left out, and counts as the stricter answer.",
    "tigertally --as chen deal route decide dea_01… --answers answers.toml --out route.json",
)
@route_command.command(name="decide", cls=SpeakingCommand)
@shared
@click.argument("deal")
@_FILE
@option("--out", type=click.Path(path_type=Path), required=True, zh="法律路径文件", en="the signed route")
def decide(shell: Shell, deal: str, answers: Path | None, out: Path) -> None:
    """Decide a route."""
    with shell.house(acting=True) as house:
        actor = shell.actor(house)
        paper = verbs.decide(house, actor=actor, deal=deal, answers=_answers(shell, answers))
    write_paper(out, paper)
    asked = formats.read(paper).requirements
    data: Json = {"route": str(out), "digest": paper.digest, "requirements": [item.body() for item in asked]}

    def show(console: Console) -> None:
        _show(shell, asked, console)
        console.print(str(out), markup=False)

    shell.result(data, show)


@speak(
    "作为律师一方：对法律路径签署意见；确认哪些未核实的规则适用，并签署需律师意见的各项。",
    "As counsel: sign an opinion on a route: which unverified rules apply, and what counsel signs off.",
    "tigertally --as lin deal route opinion route.json --confirm cn.pboc.data --out opinion.json",
)
@route_command.command(name="opinion", cls=SpeakingCommand)
@shared
@click.argument("path", type=click.Path(path_type=Path))
@option(
    "--confirm", "confirms", multiple=True, zh="确认适用的未核实规则（可多次）", en="an unverified rule (repeatable)"
)
@option("--approve", "approves", multiple=True, zh="签署的规则（可多次）", en="a rule signed off (repeatable)")
@option("--days", default=180, type=click.IntRange(1, 731), show_default=True, zh="有效天数", en="days it holds")
@option("--out", type=click.Path(path_type=Path), required=True, zh="意见文件", en="the opinion")
def opinion(
    shell: Shell, path: Path, *, confirms: tuple[str, ...], approves: tuple[str, ...], days: int, out: Path
) -> None:
    """Give an opinion."""
    paper = read_paper(path, Kind.ROUTE)
    with shell.house(acting=True) as house:
        actor = shell.actor(house)
        made = verbs.opine(house, actor=actor, route=paper, confirms=confirms, approves=approves, days=days)
    write_paper(out, made)
    shell.result({"opinion": str(out), "digest": made.digest}, lambda console: console.print(str(out), markup=False))


@speak(
    "登记律师的意见：所确认的规则从此须满足，所签署的各项视为已满足。",
    "Take counsel's opinion: rules it confirms bind from now on, what it signs off is met.",
    "tigertally --as chen deal route take opinion.json",
)
@route_command.command(name="take", cls=SpeakingCommand)
@shared
@click.argument("path", type=click.Path(path_type=Path))
def take(shell: Shell, path: Path) -> None:
    """Take an opinion."""
    paper = read_paper(path, Kind.OPINION)
    with shell.house(acting=True) as house:
        found = verbs.take(house, actor=shell.actor(house), opinion=paper)
    data: Json = {"deal": found.deal, "confirms": list(found.confirms), "approves": list(found.approves)}

    def show(_: Console) -> None:
        shell.pairs(
            [
                (Text("确认适用", "confirmed"), ", ".join(found.confirms) or "-"),
                (Text("已签署", "signed off"), ", ".join(found.approves) or "-"),
            ]
        )

    shell.result(data, show)
