"""``deal sign``, ``agreement``, ``pdf``: the agreement, read and signed by the persons who handle its data."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from tigertally.app.verbs import deals as verbs
from tigertally.app.verbs.deals import Agreed
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.errors import Invalid, Refused
from tigertally.base.text import Text
from tigertally.cli import reading
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, option, speak
from tigertally.cli.papers import read_any, write_bytes, write_paper
from tigertally.cli.paperwords import agreement_of
from tigertally.crypto.digest import sha256_hex
from tigertally.deals import agreement_pdf
from tigertally.formats import agreement as agreements
from tigertally.formats.party import PartyCard


class AgreementDeclined(Refused):
    """The agreement was read and not signed."""

    code = "cli.agreement_declined"
    title = Text("没有签署协议，未记录任何内容", "the agreement was not signed; nothing was recorded")
    hint = Text("再次运行，阅读后确认", "run it again, and confirm after reading")


class NoAgreement(Invalid):
    """A paper with no agreement inside."""

    code = "cli.no_agreement"
    title = Text("文件中没有协议", "there is no agreement in this file")
    hint = Text("给出协议、邀请或接受书", "name an agreement, an invitation or an acceptance")


def _reading(found: Agreed, cards: tuple[PartyCard, ...]) -> reading.Reading:
    return reading.Reading(paper=found.held.paper, trusted=cards, others=())


def _json(found: Agreed, deal: str) -> dict[str, Json]:
    return {
        "deal": deal,
        "digest": found.held.paper.digest,
        "version": found.held.agreement.version,
        "until": clock.to_text(found.held.until),
        "entry": found.held.entry,
        "signers": [{"handle": name, "until": clock.to_text(until)} for name, until in found.signers],
    }


@speak(
    "阅读并亲自签署交易的现行协议；没有签署的人看不到该交易的明文。新版本须重新签署。",
    "Read and sign, oneself, the agreement in force in a deal: whoever did not sign sees none of its clear values.\n"
    "A new version has to be signed again.",
    "tigertally --as zhao deal sign dea_01…",
    "tigertally --as zhao deal sign dea_01… --yes",
)
@click.command(name="sign", cls=SpeakingCommand)
@shared
@click.argument("deal")
@option("--yes", "agreed", is_flag=True, zh="已阅读并同意", en="I have read it and agree")
def sign(shell: Shell, deal: str, *, agreed: bool) -> None:
    """Sign personally."""
    with shell.house() as house:
        found = verbs.agreed(house, deal=deal)
        cards = verbs.cards(house)
    text = _reading(found, cards)
    if not agreed:
        reading.show_head(shell, shell.err, text)
        reading.show_text(shell, shell.err, text)
        if not click.confirm(shell.text_of("我已阅读并同意", "I have read this and agree"), err=True):
            raise AgreementDeclined
    digest = found.held.paper.digest
    with shell.house(acting=True) as house:
        entry = verbs.sign_agreement(house, actor=shell.actor(house), deal=deal, digest=digest)
    told = shell.text_of("已签署，台账第 {entry} 条", "signed, ledger entry {entry}", entry=entry)
    shell.result({"deal": deal, "digest": digest, "entry": entry}, lambda out: out.print(told))


@speak(
    "显示交易的现行协议，以及哪些人已亲自签署；--out 写出协议文件。",
    "Show the agreement in force in a deal, and who signed it themselves; --out writes the paper.",
    "tigertally deal agreement dea_01…",
    "tigertally deal agreement dea_01… --out agreement.json",
)
@click.command(name="agreement", cls=SpeakingCommand)
@shared
@click.argument("deal")
@option("--out", type=click.Path(path_type=Path), zh="协议文件", en="the agreement's file")
def agreement(shell: Shell, deal: str, out: Path | None) -> None:
    """Show the agreement."""
    with shell.house() as house:
        found = verbs.agreed(house, deal=deal)
        cards = verbs.cards(house)
    if out is not None:
        write_paper(out, found.held.paper)

    def show(console: Console) -> None:
        text = _reading(found, cards)
        reading.show_head(shell, console, text)
        reading.show_text(shell, console, text)
        console.print()
        if not found.signers:
            console.print(shell.text_of("尚无人亲自签署", "nobody signed it themselves yet"))
            return
        rows = [[name, clock.to_text(until)] for name, until in found.signers]
        headings = (Text("本人已签署", "signed themselves"), Text("有效至", "until"))
        console.print(shell.table(None, headings, rows))

    shell.result(_json(found, deal), show)


@speak(
    "把协议（或含协议的邀请、接受书）排成可打印签字的 PDF，每页印有摘要；同一协议总得到同样的字节。不需要安装实例。",
    "Set an agreement (or an invitation or acceptance with one) as a PDF to print and sign, its digest on every page;\n"
    "the same agreement always gives the same bytes. Needs no installation.",
    "tigertally deal pdf invitation.json --out agreement.pdf",
    "tigertally deal pdf agreement.json --trust buyer-card.json --for 'Zhao Li (fictional)' --out agreement.pdf",
)
@click.command(name="pdf", cls=SpeakingCommand)
@shared
@click.argument("path", type=click.Path(path_type=Path))
@option(
    "--trust", "trusted", multiple=True, type=click.Path(path_type=Path), zh="您确认过的名片", en="cards you confirmed"
)
@option("--for", "signers", multiple=True, zh="亲自签字的人（可多次）", en="who signs in person (repeatable)")
@option("--out", type=click.Path(path_type=Path), required=True, zh="PDF 文件", en="the PDF")
def pdf(shell: Shell, path: Path, trusted: tuple[Path, ...], signers: tuple[str, ...], out: Path) -> None:
    """Set an agreement as a PDF."""
    found = reading.reading_of(path, read_any(path), trusted)
    paper = agreement_of(found.paper)
    if paper is None:
        raise NoAgreement
    text = agreements.read(paper)
    names = [shell.text(found.names[one]) if one in found.names else one for one in (text.seller, text.buyer)]
    data = agreement_pdf(text, digest=paper.digest, seller=names[0], buyer=names[1], signers=signers)
    write_bytes(out, data)
    told: Json = {"pdf": str(out), "digest": paper.digest, "sha256": sha256_hex(data)}
    shell.result(told, lambda console: console.print(str(out), markup=False))
