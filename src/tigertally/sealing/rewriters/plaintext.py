"""Free text (logs, notes, SQL dumps): spans out, and the same text back with the spans replaced.

The text is worked on in windows that end at line ends, with :data:`MARGIN_BYTES` of context on both sides, so that a
code labelled in one line stays beside its card in the line before. A row is a line; where a line holds several values
of one class it makes several rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO, Final

import numpy as np

from tigertally.base.fields import FieldClass
from tigertally.discovery import find_spans
from tigertally.sealing.errors import NotRewritable
from tigertally.sealing.plan import PlanSource
from tigertally.sealing.rewriters.encoded import LINE_CHARS_MAX, LONG_LINE, TextStream, encoded
from tigertally.sealing.rewriters.grid import Grid
from tigertally.sealing.rewriters.shield import Shield, span_actions

MARGIN_BYTES: Final = 1024


def read(stream: BinaryIO, source: PlanSource) -> Iterator[tuple[Grid, list[int]]]:
    """Yield per window a grid with one column per planned class (named by it), and the line number of each row."""
    text = TextStream(stream, encoding=source.encoding, object_path=source.object)
    classes = [one.cls for one in source.fields]
    line = 0
    for data, begin, end in _windows(text.chunks(), source.object):
        ends = np.flatnonzero(np.frombuffer(data[begin:end], np.uint8) == ord("\n"))
        lines = len(ends) + (end > begin and data[end - 1 : end] != b"\n")
        spans = find_spans(data)
        inside = (spans.start >= begin) & (spans.start < end)
        of_line = np.searchsorted(ends, spans.start - begin, side="left")
        rows: dict[tuple[int, int], list[str | None]] = {}
        nth: Counter[tuple[int, FieldClass]] = Counter()
        for cls, value, number, chosen in zip(
            spans.classes(), spans.values(), of_line.tolist(), inside.tolist(), strict=True
        ):
            if chosen and cls in classes:
                place = (number, nth[number, cls])
                nth[number, cls] += 1
                rows.setdefault(place, [None] * len(classes))[classes.index(cls)] = value
        ordered = sorted(rows)
        columns = tuple([rows[place][at] for place in ordered] for at in range(len(classes)))
        yield (
            Grid(row=line, names=tuple(cls.value for cls in classes), columns=columns, source_rows=lines),
            [line + number for number, _ in ordered],
        )
        line += lines


def rewrite(stream: BinaryIO, target: BinaryIO, source: PlanSource, shield: Shield) -> None:
    """Write the text with planned spans replaced, and card numbers and codes in any case."""
    text = TextStream(stream, encoding=source.encoding, object_path=source.object)
    target.write(text.mark)
    rewrite_pieces(text.chunks(), target, source, shield)


def rewrite_pieces(pieces: Iterator[str], target: BinaryIO, source: PlanSource, shield: Shield) -> None:
    """Write text that comes in pieces, with its spans replaced."""
    actions = span_actions(source.fields, "")
    for data, begin, end in _windows(pieces, source.object):
        fresh = shield.window(data, begin=begin, end=end, actions=actions)
        target.write(fresh if source.encoding == "utf-8" else encoded(fresh.decode(), source.encoding, source.object))


def _windows(pieces: Iterator[str], object_path: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield UTF-8 with the stretch (begin, end) that is this window's; the rest of it is context."""
    left = pending = b""
    for chunk in pieces:
        pending += chunk.encode()
        cut = pending.rfind(b"\n", 0, max(0, len(pending) - MARGIN_BYTES)) + 1
        if cut:
            data = left + pending
            begin, end = len(left), len(left) + cut
            yield data, begin, end
            left, pending = data[max(0, end - MARGIN_BYTES) : end], pending[cut:]
        elif len(pending) > LINE_CHARS_MAX:
            raise NotRewritable(object_path=object_path, why=LONG_LINE)
    if pending:
        yield left + pending, len(left), len(left) + len(pending)
