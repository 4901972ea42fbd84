"""``deal``: card, party, open, structure, invite, accept, conclude, list, stage, waive."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from tigertally.app.verbs import deals as verbs
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.fields import SEALABLE, FieldClass
from tigertally.base.text import Text
from tigertally.cli import agreeing, dealtasks, reading, routing
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.cli.papers import read_paper, write_paper
from tigertally.deals import STAGE_TITLES, STRUCTURES, WAIVABLE, Deal, MoveReason, Party, WaiverReason
from tigertally.formats.dealpapers import Structure
from tigertally.formats.statement import Kind

_CLASSES = tuple(sorted(item.value for item in SEALABLE))
_STRUCTURES = tuple(item.value for item in Structure)
_REFUSED_EXIT = 3


@speak("交易：对方、邀请、协议、阶段。", "Deals: parties, invitations, agreements, stages.")
@click.group(name="deal", cls=SpeakingGroup)
def deal_command() -> None:
    """Group the commands about deals."""


deal_command.add_command(reading.read_command)
deal_command.add_command(agreeing.sign)
deal_command.add_command(agreeing.agreement)
deal_command.add_command(agreeing.pdf)
deal_command.add_command(dealtasks.tasks)
deal_command.add_command(dealtasks.done)
deal_command.add_command(routing.engage)
deal_command.add_command(routing.route_command)


@speak(
    "导出本组织的名片（公开），发给对方；通过电话等另一渠道互报指纹。",
    "Write our party card (public) for the other side; read the fingerprint out over another channel.",
    "tigertally deal card --out seller-card.json",
)
@deal_command.command(name="card", cls=SpeakingCommand)
@shared
@option("--out", type=click.Path(path_type=Path), required=True, zh="输出文件", en="output file")
def card(shell: Shell, out: Path) -> None:
    """Write our card."""
    with shell.house() as house:
        write_paper(out, house.card_statement)
        found = house.card
    data: Json = {"party": found.party, "name": found.name, "fingerprint": found.fingerprint(), "card": str(out)}

    def show(_: Console) -> None:
        shell.pairs([(Text("名片", "card"), out), (Text("指纹", "fingerprint"), found.fingerprint())])

    shell.result(data, show)


def _party(item: Party) -> dict[str, Json]:
    return {
        "party": item.card.party,
        "name": item.card.name,
        "fingerprint": item.card.fingerprint(),
        "confirmed": item.confirmed,
    }


def _show_parties(shell: Shell, parties: list[Party]) -> None:
    def show(out: Console) -> None:
        rows = []
        for item in parties:
            state = (
                Text("未核对", "not confirmed") if item.confirmed is None else Text("已由两人核对", "confirmed by two")
            )
            rows.append([item.card.party, item.card.name, item.card.fingerprint(), shell.text(state)])
        headings = (Text("编号", "id"), Text("名称", "name"), Text("指纹", "fingerprint"), Text("状态", "state"))
        out.print(shell.table(None, headings, rows))

    shell.result([_party(item) for item in parties], show)


@speak("导入对方名片。", "Take in the other side's card.", "tigertally --as chen deal import buyer-card.json")
@deal_command.command(name="import", cls=SpeakingCommand)
@shared
@click.argument("path", type=click.Path(path_type=Path))
@option(
    "--replacing", is_flag=True, zh="对方更换了密钥，替换旧名片", en="the other side changed keys; replace its card"
)
def import_card(shell: Shell, path: Path, *, replacing: bool) -> None:
    """Import a card."""
    paper = read_paper(path, Kind.PARTY)
    with shell.house(acting=True) as house:
        found = verbs.import_card(house, actor=shell.actor(house), card=paper, replacing=replacing)
    _show_parties(shell, [found])


@speak(
    "核对对方指纹：输入对方口头报出的指纹；需要两人。",
    "Confirm the other side: type the fingerprint it read out to you; needs two persons.",
    "tigertally --as chen deal confirm pty_01… --fingerprint 'ab12 …'",
)
@deal_command.command(name="confirm", cls=SpeakingCommand)
@shared
@click.argument("party")
@option("--fingerprint", required=True, zh="对方报出的指纹", en="the fingerprint they read out")
def confirm(shell: Shell, party: str, fingerprint: str) -> None:
    """Confirm a party."""
    with shell.house(acting=True) as house:
        verbs.confirm_party(house, actor=shell.actor(house), party=party, fingerprint=fingerprint)
        found = [item for item in verbs.parties(house) if item.card.party == party]
    _show_parties(shell, found)


@speak("列出对方。", "List the other parties.", "tigertally deal parties")
@deal_command.command(name="parties", cls=SpeakingCommand)
@shared
def parties(shell: Shell) -> None:
    """List parties."""
    with shell.house() as house:
        found = verbs.parties(house)
    _show_parties(shell, found)


def _deal(item: Deal) -> dict[str, Json]:
    return {
        "deal": item.deal,
        "title": item.title,
        "side": item.side.value,
        "scope": item.scope,
        "stage": item.stage,
        "structure": None if item.structure is None else item.structure.value,
        "counterparty": item.counterparty,
        "concluded": item.concluded,
        "created": clock.to_text(item.created),
    }


def _show_deals(shell: Shell, deals: list[Deal]) -> None:
    def show(out: Console) -> None:
        rows = []
        for item in deals:
            stage = f"{item.stage} {shell.text(STAGE_TITLES.get(item.stage, Text('', '')))}"
            structure = "" if item.structure is None else item.structure.value
            rows.append([item.deal, item.title, item.side.value, item.scope, structure, stage])
        headings = (
            Text("交易", "deal"),
            Text("名称", "title"),
            Text("本方", "side"),
            Text("范围", "scope"),
            Text("结构", "structure"),
            Text("阶段", "stage"),
        )
        out.print(shell.table(None, headings, rows))

    shell.result([_deal(item) for item in deals], show)


@speak(
    "作为转让方建立交易（S0）。结构 D1–D9 决定法律路径。",
    "Open a deal as the seller (S0). The structure D1–D9 decides the legal route.",
    "tigertally --as chen deal open --title '云杉优选转让' --structure D2 --scope main",
    "tigertally deal structures",
)
@deal_command.command(name="open", cls=SpeakingCommand)
@shared
@option("--title", required=True, zh="名称", en="title")
@option("--structure", type=click.Choice(_STRUCTURES), zh="结构", en="structure")
@option("--scope", default="main", show_default=True, zh="数据范围", en="the scope being sold")
def open_deal(shell: Shell, title: str, structure: str | None, scope: str) -> None:
    """Open a deal."""
    chosen = None if structure is None else Structure(structure)
    with shell.house(acting=True) as house:
        found = verbs.open_deal(house, actor=shell.actor(house), title=title, structure=chosen, scope=scope)
    _show_deals(shell, [found])


@speak(
    "说明九种交易结构及其法律路径。",
    "Explain the nine structures and their legal routes.",
    "tigertally deal structures",
)
@deal_command.command(name="structures", cls=SpeakingCommand)
@shared
def structures(shell: Shell) -> None:
    """Explain structures."""
    data: Json = [
        {
            "structure": code.value,
            "title": shell.text(rule.title),
            "moves_data": shell.text(rule.moves_data),
            "route": shell.text(rule.route),
            "before": shell.text(rule.before),
        }
        for code, rule in STRUCTURES.items()
    ]

    def show(out: Console) -> None:
        rows = [
            [code.value, shell.text(rule.title), shell.text(rule.route), shell.text(rule.before)]
            for code, rule in STRUCTURES.items()
        ]
        headings = (
            Text("#", "#"),
            Text("结构", "structure"),
            Text("路径", "route"),
            Text("移交前", "before data moves"),
        )
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)


@speak("确定交易结构。", "Say which structure the deal has.", "tigertally --as chen deal structure dea_01… D2")
@deal_command.command(name="structure", cls=SpeakingCommand)
@shared
@click.argument("deal")
@click.argument("structure", type=click.Choice(_STRUCTURES))
def structure_of(shell: Shell, deal: str, structure: str) -> None:
    """Answer the structure."""
    with shell.house(acting=True) as house:
        entry = verbs.answer_structure(house, actor=shell.actor(house), deal=deal, structure=Structure(structure))
    told = shell.text_of("已记录，台账第 {entry} 条", "recorded, ledger entry {entry}", entry=entry)
    shell.result({"deal": deal, "structure": structure, "entry": entry}, lambda out: out.print(told))


@speak("列出交易。", "List deals.", "tigertally deal list")
@deal_command.command(name="list", cls=SpeakingCommand)
@shared
def list_deals(shell: Shell) -> None:
    """List deals."""
    with shell.house() as house:
        found = verbs.every_deal(house)
    _show_deals(shell, found)


@speak(
    "转让方发出邀请：内含名片和本方已签的保密协议（四个条款块）。",
    "Seller: write the invitation with our card and the agreement we signed (four clause blocks).",
    "tigertally --as chen deal invite dea_01… --buyer pty_01… --purpose '延续服务' --out invite.json",
)
@deal_command.command(name="invite", cls=SpeakingCommand)
@shared
@click.argument("deal")
@option("--buyer", required=True, zh="对方编号（已核对）", en="the buyer's party id (confirmed)")
@option(
    "--class", "classes", multiple=True, type=click.Choice(_CLASSES), zh="字段（默认全部）", en="classes (default: all)"
)
@option(
    "--purpose",
    "purposes",
    multiple=True,
    required=True,
    zh="目的（可多次；refund 等查看目的须写明）",
    en="purpose (repeatable); values are revealed for those it names, such as refund",
)
@option("--days", default=365, show_default=True, zh="协议期限（天）", en="term in days")
@option("--destroy-days", default=10, show_default=True, zh="销毁期限（天）", en="days to destroy")
@option("--penalty", default=1_000_000, show_default=True, zh="违约金（元）", en="penalty in yuan")
@option("--out", type=click.Path(path_type=Path), required=True, zh="邀请文件", en="the invitation")
def invite(
    shell: Shell,
    *,
    deal: str,
    buyer: str,
    classes: tuple[str, ...],
    purposes: tuple[str, ...],
    days: int,
    destroy_days: int,
    penalty: int,
    out: Path,
) -> None:
    """Write an invitation."""
    chosen = [FieldClass(item) for item in (classes or _CLASSES)]
    with shell.house(acting=True) as house:
        paper = verbs.invite(
            house,
            actor=shell.actor(house),
            deal=deal,
            buyer=buyer,
            classes=chosen,
            purposes=purposes,
            days=days,
            destroy_within_days=destroy_days,
            penalty_cny=penalty,
        )
    write_paper(out, paper)
    shell.result(
        {"invitation": str(out), "digest": paper.digest}, lambda console: console.print(str(out), markup=False)
    )


@speak(
    "受让方接受邀请：核验并签署协议，写出接受书。",
    "Buyer: verify the invitation, sign its agreement, write the acceptance.",
    "tigertally --as sun deal accept invite.json --out acceptance.json",
)
@deal_command.command(name="accept", cls=SpeakingCommand)
@shared
@click.argument("path", type=click.Path(path_type=Path))
@option("--scope", default="main", show_default=True, zh="存放数据的范围", en="the scope that will hold the data")
@option("--out", type=click.Path(path_type=Path), required=True, zh="接受书文件", en="the acceptance")
def accept(shell: Shell, path: Path, scope: str, out: Path) -> None:
    """Accept an invitation."""
    paper = read_paper(path, Kind.INVITATION)
    reading.before_signing(shell, path, paper)
    with shell.house(acting=True) as house:
        answer = verbs.accept(house, actor=shell.actor(house), invitation=paper, scope=scope)
    write_paper(out, answer)
    shell.result(
        {"acceptance": str(out), "digest": answer.digest}, lambda console: console.print(str(out), markup=False)
    )


@speak(
    "转让方确认接受书：双方签名齐备，协议生效。",
    "Seller: check the acceptance; with both signatures the agreement is in force.",
    "tigertally --as chen deal conclude acceptance.json",
)
@deal_command.command(name="conclude", cls=SpeakingCommand)
@shared
@click.argument("path", type=click.Path(path_type=Path))
def conclude(shell: Shell, path: Path) -> None:
    """Conclude a deal."""
    paper = read_paper(path, Kind.ACCEPTANCE)
    with shell.house(acting=True) as house:
        found = verbs.conclude(house, actor=shell.actor(house), acceptance=paper)
    _show_deals(shell, [found])


@speak(
    "推进交易阶段；关口不满足时逐项列出原因。--look 只看不动。",
    "Move a deal to a stage; the gate lists every unmet condition. --look only looks.",
    "tigertally --as chen deal stage dea_01… S1",
    "tigertally deal stage dea_01… S7 --look",
    "tigertally --as chen deal stage dea_01… S9 --reason withdrawn",
)
@deal_command.command(name="stage", cls=SpeakingCommand)
@shared
@click.argument("deal")
@click.argument("to", type=click.Choice([*STAGE_TITLES]))
@option(
    "--reason",
    type=click.Choice([item.value for item in MoveReason]),
    zh="后退或终止的原因",
    en="why it goes back or dies",
)
@option("--look", "only_look", is_flag=True, zh="只查看关口", en="only look at the gate")
def stage(shell: Shell, deal: str, to: str, reason: str | None, *, only_look: bool) -> None:
    """Move a deal."""
    if only_look:
        with shell.house() as house:
            judgement = verbs.look(house, deal=deal, to=to)
        data: Json = {
            "stage": to,
            "open": not judgement.unmet,
            "unmet": [
                {"condition": item.condition, "why": shell.text(item.why), "how": shell.text(item.how)}
                for item in judgement.unmet
            ],
        }

        def show(out: Console) -> None:
            for item in judgement.unmet:
                out.print(f"✗ {item.condition}: {shell.text(item.why)}", markup=False)
                out.print(f"  → {shell.text(item.how)}", markup=False, style="dim")
            if not judgement.unmet:
                out.print(shell.text_of("可以进入 {to}", "{to} can be entered", to=to), style="green")

        shell.result(data, show)
        if judgement.unmet:
            click.get_current_context().exit(_REFUSED_EXIT)
        return
    with shell.house(acting=True) as house:
        why = None if reason is None else MoveReason(reason)
        entry = verbs.move(house, actor=shell.actor(house), deal=deal, to=to, reason=why)
    told = shell.text_of("已进入 {to}（{title}）", "entered {to} ({title})", to=to, title=shell.text(STAGE_TITLES[to]))
    shell.result({"deal": deal, "stage": to, "entry": entry}, lambda out: out.print(told))


@speak(
    "由两人豁免本产品尚不能核验的条件，注明理由和期限（最长 90 天）。",
    "Have two persons waive a condition that the product cannot check yet, for a reason and a time (90 days at most).",
    "tigertally --as chen deal waive dea_01… drill --reason done_elsewhere --document minutes.pdf",
)
@deal_command.command(name="waive", cls=SpeakingCommand)
@shared
@click.argument("deal")
@click.argument("condition", type=click.Choice(sorted(WAIVABLE)))
@option("--reason", required=True, type=click.Choice([item.value for item in WaiverReason]), zh="理由", en="why")
@option("--days", default=30, show_default=True, zh="有效天数", en="days it holds")
@option(
    "--document",
    type=click.Path(path_type=Path),
    zh="证明文件（只记录摘要）",
    en="the paper that shows it (only its digest is kept)",
)
def waive(shell: Shell, deal: str, condition: str, reason: str, days: int, document: Path | None) -> None:
    """Waive a condition."""
    with shell.house(acting=True) as house:
        entry = verbs.waive(
            house,
            actor=shell.actor(house),
            deal=deal,
            condition=condition,
            reason=WaiverReason(reason),
            days=days,
            document="" if document is None else verbs.document_digest(document),
        )
    told = shell.text_of("已豁免，台账第 {entry} 条", "waived, ledger entry {entry}", entry=entry)
    shell.result({"deal": deal, "condition": condition, "entry": entry}, lambda out: out.print(told))
