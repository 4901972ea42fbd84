"""The sheet of paper that a share is kept on: words in rows, a QR code, who, which set, and what to do with it."""

from __future__ import annotations

import io
from importlib import resources

import segno
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tigertally.base.text import printable
from tigertally.formats.share import TaggedShare
from tigertally.formats.shareset import ShareSet

COLUMNS = 4


def page(whole: ShareSet, tagged: TaggedShare) -> str:
    """Return the page (HTML, prints on A4). It holds the share."""
    text = resources.files("tigertally.data").joinpath("templates", "share.html").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(text)
    terms, seat = whole.terms, tagged.share.seat
    words = [word.expose() for word in tagged.to_words()]
    numbered = list(enumerate(words, 1))
    return template.render(
        group=terms.groups[seat[0] - 1].name,
        member=seat[1],
        holder=printable(terms.holder(seat).name),
        set=terms.set,
        epoch=terms.epoch,
        created=f"{terms.created:%Y-%m-%d}",
        need=terms.need,
        groups=[(group.name, group.need, len(group.holders)) for group in terms.groups],
        rules=[(rule.stage, rule.group) for rule in terms.rules],
        rows=[numbered[at : at + COLUMNS] for at in range(0, len(numbered), COLUMNS)],
        code=_code(tagged),
        text=tagged.to_text().expose(),
    )


def _code(tagged: TaggedShare) -> Markup:
    """Return the QR code as SVG; level M, so that a stain does not end it."""
    out = io.BytesIO()
    segno.make_qr(tagged.to_text().expose(), error="m").save(out, kind="svg", scale=4, xmldecl=False, svgns=True)
    return Markup(out.getvalue().decode())  # noqa: S704 - drawn here, from letters and digits
