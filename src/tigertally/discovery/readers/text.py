"""Running text: logs, notes, SQL dumps, and every file of unknown type.

A file of unknown type is scanned as its bytes; where it holds NULs, the ASCII that lies in it as UTF-16 is
scanned as well, at both alignments.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tigertally.discovery.encodings import Encoding, wide_plane
from tigertally.discovery.evidence import TextEvidence
from tigertally.discovery.hits import MISS_ID, MISS_PAN
from tigertally.discovery.inventory import IN_TEXT, Kind
from tigertally.discovery.readers.stream import Lost, Outcome, Source, settle_encoding, text_windows
from tigertally.discovery.spans import found, settle


def read_text(source: Source, *, kind: Kind, encoding: Encoding, key: int, advance: Callable[[int], None]) -> Outcome:
    """Scan ``source`` as running text."""
    outcome = Outcome(kind=kind, encoding=encoding.name if kind is not Kind.BYTES else None)
    evidence = TextEvidence(key=key)
    lost = Lost()
    with source.open() as stream:
        for text, raw in text_windows(stream, encoding, lost, advance):
            if text[:1] == b"\x00" and not text.strip(b"\x00"):
                continue  # a hole of a sparse file, or of a disk's image
            scan_text(evidence, text)
            if raw:
                scan_text(evidence, raw, besides=text)
            if b"\x00" in text and encoding.name == "bytes":
                for parity in (0, 1):
                    scan_text(evidence, wide_plane(text, parity))
    if _guessed_wide(encoding):
        with source.open() as stream:
            for text, _ in text_windows(stream, Encoding(name="bytes", bom=b"", certain=False), Lost(), _ignore):
                scan_text(evidence, text)
    outcome.bytes_read = lost.bytes_read if not encoding.name.startswith("utf-16") else source.size
    outcome.findings = evidence.finish(name=source.name, place=IN_TEXT, cells=0)
    settle_encoding(outcome, lost)
    return outcome


def scan_text(evidence: TextEvidence, text: bytes, *, besides: bytes | None = None) -> None:
    """Add a window's hits and misses. With ``besides``, only values which that other reading of it did not give."""
    hits = found(text)
    if not len(hits):
        return
    if besides is not None:
        hits = hits.where(~np.isin(hits.value, found(besides).value))
    evidence.add(text, settle(hits))
    evidence.add(text, hits.where((hits.kind == MISS_PAN) | (hits.kind == MISS_ID)))


def _guessed_wide(encoding: Encoding) -> bool:
    return encoding.name.startswith("utf-16") and not encoding.certain


def _ignore(_: int) -> None:
    """Ignore: the second reading of the same bytes is no progress."""
