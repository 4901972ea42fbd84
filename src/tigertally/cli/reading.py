"""``deal read``: a signed paper in plain words. No installation, no network, nothing decided.

A person who signs must be able to read what they sign: who signed, the digest, the parties, classes, purposes, term,
and the whole text of the agreement in both languages. ``deal accept``, ``release countersign`` and ``certificate
validate`` show the head of this before they ask for anything.

Whose a signature is, is said by three kinds of cards: named with ``--trust``, inside the paper, beside it. Only the
first are trusted; ``verify`` remains the judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.errors import Problem
from tigertally.base.text import Text, printable
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, option, speak
from tigertally.cli.papers import read_any
from tigertally.cli.paperwords import BLOCK_ORDER, KIND_TITLES, Words, agreement_of, inside, named, words_of
from tigertally.deals import BLOCK_TITLES
from tigertally.formats import agreement as agreements
from tigertally.formats import party
from tigertally.formats.party import PartyCard
from tigertally.formats.statement import Kind, Statement
from tigertally.formats.verify import papers_beside, read_trust

_LINES: Final = {"zh": "中文", "en": "English"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One attached signature. ``card`` is None if no card at hand has its key; ``good``: it verifies under the card."""

    key_id: str
    card: PartyCard | None
    good: bool
    trusted: bool


def _cards(papers: Iterable[Statement]) -> list[PartyCard]:
    """Return the sound cards among ``papers``, and inside them."""
    found = []
    for paper in papers:
        try:
            inner = [paper] if paper.kind is Kind.PARTY else [item for item in inside(paper) if item.kind is Kind.PARTY]
            found += [party.read(item) for item in inner]
        except Problem:
            continue
    return found


def signatures(paper: Statement, *, trusted: Sequence[PartyCard], others: Sequence[PartyCard]) -> list[Signature]:
    """Return who signed ``paper``, as far as the cards tell."""
    found = []
    for key_id in paper.signers():
        sure = next((card for card in trusted if card.signing.key_id == key_id), None)
        card = sure or next((card for card in others if card.signing.key_id == key_id), None)
        good = False
        if card is not None:
            try:
                paper.require({card.name: card.signing})
                good = True
            except Problem:
                good = False
        found.append(Signature(key_id=key_id, card=card, good=good, trusted=sure is not None))
    return found


def _told(shell: Shell, item: Signature) -> str:
    if item.card is None:
        unknown = shell.text_of("没有名片可知这一密钥属于谁", "no card tells whose key this is")
        return f"? {unknown} ({item.key_id})"
    name = printable(item.card.name)
    if not item.good:
        return f"✗ {name}: " + shell.text_of("签名无效", "the signature is not valid")
    if item.trusted:
        return f"✓ {name}: " + shell.text_of("签名有效，名片是您用 --trust 给出的", "valid, by a card you trust")
    note = shell.text_of(
        "签名有效，但名片只是随文件而来；请核对指纹",
        "valid, but its card only came with the file; compare the fingerprint",
    )
    return f"? {name}: {note} {item.card.fingerprint()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A paper with what is known around it."""

    paper: Statement
    trusted: tuple[PartyCard, ...]
    others: tuple[PartyCard, ...]

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of parties by id: a trusted card's; else, and said so, that of a card inside before one beside."""
        unsure = {str(card.party): named(card.name, sure=False) for card in reversed(self.others)}
        return unsure | {str(card.party): named(card.name, sure=True) for card in self.trusted}

    def words(self) -> Words:
        """Return name and value lines."""
        return words_of(self.paper, self.names)

    def signed(self, paper: Statement) -> list[Signature]:
        """Return who signed ``paper``: this one, or the agreement inside."""
        return signatures(paper, trusted=self.trusted, others=self.others)


def reading_of(path: Path, paper: Statement, trusted: Sequence[Path] = ()) -> Reading:
    """Return the paper of ``path`` with the cards named, inside, and beside it."""
    try:
        beside = papers_beside(path)
    except (Problem, OSError):
        beside = ()
    return Reading(
        paper=paper, trusted=read_trust(trusted).cards, others=tuple(_cards((paper, *inside(paper), *beside)))
    )


def show_head(shell: Shell, out: Console, found: Reading) -> None:
    """Draw what the paper is, its digest, who signed, and its members in words."""
    out.print(shell.text(KIND_TITLES[found.paper.kind]), style="bold", markup=False)
    rows: list[tuple[Text, str]] = [(Text("摘要（SHA-256）", "digest (SHA-256)"), found.paper.digest)]
    rows += [(Text("签名", "signed by"), _told(shell, item)) for item in found.signed(found.paper)]
    text = agreement_of(found.paper)
    if text is not None and text is not found.paper:
        rows.append((Text("所附协议的摘要", "digest of the agreement inside"), text.digest))
        rows += [(Text("协议的签名", "agreement signed by"), _told(shell, item)) for item in found.signed(text)]
    rows += [(name, value if isinstance(value, str) else shell.text(value)) for name, value in found.words()]
    for name, value in rows:
        # One line each whatever the terminal's width: digests and names must come out in one piece.
        out.print(f"{shell.text(name)}: {printable(value)}", markup=False, soft_wrap=True)


def show_text(shell: Shell, out: Console, found: Reading) -> None:
    """Draw the agreement's four blocks in both languages, the reader's first: both are what is signed."""
    text = agreement_of(found.paper)
    if text is None:
        return
    clauses = dict(agreements.read(text).clauses)
    order = sorted(_LINES, key=lambda lang: lang != shell.lang.value)
    for number, name in enumerate(BLOCK_ORDER, 1):
        title = BLOCK_TITLES[name]
        out.print()
        out.print(f"{number}. {title.zh} / {title.en}", style="bold", markup=False)
        for lang in order:
            out.print(f"[{_LINES[lang]}]", style="dim", markup=False)
            words = clauses[name].zh if lang == "zh" else clauses[name].en
            for line in words.splitlines():
                out.print("  " + printable(line), markup=False, soft_wrap=True)


def before_signing(shell: Shell, path: Path, paper: Statement) -> None:
    """Show on standard error what is about to be signed, and how to read it in full; silent with ``--json``."""
    if shell.as_json:
        return
    show_head(shell, shell.err, reading_of(path, paper))
    told = shell.text_of("您将签署以上文件。阅读全文：", "You are about to sign the above. To read it in full:")
    shell.err.print(f"{told} tigertally deal read {printable(str(path))}", style="bold", markup=False, soft_wrap=True)


def _json(shell: Shell, found: Reading) -> Json:
    signed: list[Json] = [
        {
            "key": item.key_id,
            "party": None if item.card is None else item.card.party,
            "name": None if item.card is None else item.card.name,
            "valid": item.good,
            "trusted": item.trusted,
        }
        for item in found.signed(found.paper)
    ]
    words: list[Json] = [
        {"name": shell.text(name), "value": value if isinstance(value, str) else shell.text(value)}
        for name, value in found.words()
    ]
    data: dict[str, Json] = {
        "kind": found.paper.kind.value,
        "digest": found.paper.digest,
        "signatures": signed,
        "words": words,
        "payload": canon.loads(found.paper.payload),
    }
    text = agreement_of(found.paper)
    if text is not None and text is not found.paper:
        inner = Reading(paper=text, trusted=found.trusted, others=found.others)
        data["agreement"] = _json(shell, inner)
    return data


@speak(
    "用平实的语言读一份签名文件：谁签的、摘要、各方、字段、目的、期限，以及协议全文（中英文四个条款块）。\n"
    "不需要安装实例；读不等于核验，核验请用 tigertally verify。",
    "Read a signed paper in plain words: who signed, digest, parties, classes, purposes, term, and the agreement's\n"
    "whole text (four blocks of clauses, both languages). Needs no installation. To verify, use tigertally verify.",
    "tigertally deal read invitation.json",
    "tigertally deal read release.json --trust seller-card.json --lang en",
)
@click.command(name="read", cls=SpeakingCommand)
@shared
@click.argument("path", type=click.Path(path_type=Path))
@option(
    "--trust",
    "trusted",
    multiple=True,
    type=click.Path(path_type=Path),
    zh="您确认过的组织名片（文件或文件夹，可多次）",
    en="party cards that you confirmed (file or folder; repeatable)",
)
def read_command(shell: Shell, path: Path, trusted: tuple[Path, ...]) -> None:
    """Read a paper."""
    found = reading_of(path, read_any(path), trusted)
    found.words()  # a paper that is not well formed is refused before a line is drawn

    def show(out: Console) -> None:
        show_head(shell, out, found)
        show_text(shell, out, found)

    shell.result(_json(shell, found), show)
