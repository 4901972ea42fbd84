"""Spans of many texts at once: the texts are searched as one buffer, and each span is told by its text."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tigertally.base.fields import FieldClass
from tigertally.discovery import find_spans


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Equal-length columns, in order: index of the text, byte offsets in its UTF-8 form, class, value in one spelling.

    ``raw`` has the UTF-8 form of every text.
    """

    text: list[int]
    begin: list[int]
    end: list[int]
    classes: list[FieldClass]
    values: list[str] = field(repr=False)
    raw: list[bytes] = field(repr=False)


def located(texts: list[str]) -> Located:
    """Return the spans in ``texts``. A span never reaches from one text into the next."""
    raw = [text.encode("utf-8", "surrogatepass") for text in texts]
    found = find_spans(b"\n".join(raw))
    if not len(found):
        return Located(text=[], begin=[], end=[], classes=[], values=[], raw=raw)
    first = np.concatenate([[0], np.cumsum([len(part) + 1 for part in raw])])[:-1]
    text = np.searchsorted(first, found.start, side="right") - 1
    return Located(
        text=text.tolist(),
        begin=(found.start - first[text]).tolist(),
        end=(found.stop - first[text]).tolist(),
        classes=found.classes(),
        values=found.values(),
        raw=raw,
    )
