"""The pages of a closing book for people: what happened, which paper shows it, how to check it. HTML and PDF.

Both say the same in Chinese and English, and load nothing from anywhere. They are under the signed list like the
papers; but whoever doubts anything runs the one command that they show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from html import escape
from typing import Final

from tigertally import deals
from tigertally.base import clock
from tigertally.base.fields import FIELD_RULES
from tigertally.base.text import printable
from tigertally.formats import certificate, manifest, receipt
from tigertally.formats.statement import Statement
from tigertally.handover.terms import Terms

HTML_NAME: Final = "index.html"
PDF_NAME: Final = "index.pdf"
COMMAND: Final = "tigertally verify . --trust SELLER-CARD.json --trust BUYER-CARD.json"
_TITLE: Final = "交割卷  Closing book"
_WHAT: Final = {
    "seller-card.json": "转让方名片  seller's card",
    "buyer-card.json": "受让方名片  buyer's card",
    "agreement.json": "保密与数据处理协议  agreement",
    "release.json": "移交许可  release",
    "manifest.json": "移交包清单  manifest of the bundle",
    "receipt.json": "接收回执  receipt",
    "certificate.json": "销毁证明  certificate of destruction",
}
_STYLE: Final = (
    "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #888;padding:.3em;text-align:left;"
    "vertical-align:top}code{word-break:break-all}"
)


def pages(papers: Mapping[str, Statement], *, terms: Terms, made: datetime) -> dict[str, bytes]:
    """Return both pages by name. ``papers`` by name, certificate, receipt and manifest among them."""
    rows = [(_WHAT[name], name, papers[name]) for name in _WHAT]
    said = list(_said(papers, terms=terms, made=made))
    foot = papers["certificate.json"].digest
    return {HTML_NAME: _html(said, rows), PDF_NAME: deals.text_pdf(_lines(said, rows), digest=foot)}


def _said(papers: Mapping[str, Statement], *, terms: Terms, made: datetime) -> Iterator[tuple[str, str]]:
    arrived = receipt.read(papers["receipt.json"])
    gone = certificate.read(papers["certificate.json"])
    account = manifest.read(papers["manifest.json"])
    counted = ", ".join(
        f"{FIELD_RULES[cls].title.zh} {FIELD_RULES[cls].title.en} {arrived.counts[cls.value]}"
        for cls in FIELD_RULES
        if cls.value in arrived.counts
    )
    yield "交易  Deal", terms.deal
    for role, card in (("转让方  Seller", terms.seller), ("受让方  Buyer", terms.buyer)):
        yield role, f"{printable(card.name)} ({card.party})"
        yield f"{role}: 指纹  fingerprint", card.fingerprint()
    yield "移交包生成  Bundle made", clock.to_text(account.created)
    yield "接收  Received", f"{clock.to_text(arrived.received)}: {arrived.subjects} 客户 customers; {counted}"
    yield "内容的根  Root over the content", arrived.root.hex()
    yield "销毁  Destroyed", f"{clock.to_text(gone.started)} — {clock.to_text(gone.finished)}"
    yield "参与人数  Persons who took part", str(len({one.person for one in gone.signers}))
    for line in gone.not_covered:
        yield "未覆盖  Not covered", printable(line)
    yield "本卷制作  Book made", f"{clock.to_text(made)}, {printable(terms.ours.name)}"


def _how() -> Iterator[str]:
    yield "核验  How to check"
    yield "1. 用电话等其他途径核对双方名片的指纹。 Compare both cards' fingerprints by another channel, such as a call."
    yield f"2. 在本文件夹中运行  Run in this folder: {COMMAND}"
    yield "3. 名片须是您自己留存的，不是本文件夹中的。 The cards must be those that you kept, not those in this folder."


def _lines(said: list[tuple[str, str]], rows: list[tuple[str, str, Statement]]) -> Iterator[str]:
    yield _TITLE
    yield ""
    for name, value in said:
        yield f"{name}: {value}"
    yield ""
    for what, name, paper in rows:
        yield f"{what}: {name}, {len(paper.signatures)} 签名 signatures"
        yield f"    {paper.digest}"
    yield ""
    yield from _how()
    yield "页脚的摘要是销毁证明的。 The digest at the foot is the certificate's."


def _html(said: list[tuple[str, str]], rows: list[tuple[str, str, Statement]]) -> bytes:
    told = "".join(f"<tr><th>{escape(name)}</th><td><code>{escape(value)}</code></td></tr>" for name, value in said)
    listed = "".join(
        f'<tr><td>{escape(what)}</td><td><a href="{escape(name)}">{escape(name)}</a></td>'
        f"<td>{len(paper.signatures)}</td><td><code>{paper.digest}</code></td></tr>"
        for what, name, paper in rows
    )
    how = "".join(f"<p>{escape(line)}</p>" for line in _how())
    whole = (
        '<!doctype html><html lang="zh"><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(_TITLE)}</title><style>{_STYLE}</style><h1>{escape(_TITLE)}</h1><table>{told}</table>"
        "<table><tr><th>文件  Paper</th><th>名称  File</th><th>签名  Signatures</th><th>摘要  Digest</th></tr>"
        f"{listed}</table>{how}</html>\n"
    )
    return whole.encode()
