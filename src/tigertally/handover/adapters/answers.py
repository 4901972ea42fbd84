"""The processor's answer: which new id stands for which old one, kept and given on.

The old id is what we wrote (our id of the customer, or the card's token), so an answer is held against the vault: an
old id that is not here or stands there twice is refused by its line. The map holds identifiers only; a cell that is a
card number is refused. What is kept is an entry with the map's digest and counts, how many got no new id among them;
the map itself is a file (0600) for whoever moves subscriptions and for the next processor.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tigertally import vault
from tigertally.base.fields import FieldClass
from tigertally.data.issuers import PAN_DIGITS_MAX, PAN_DIGITS_MIN
from tigertally.handover import events
from tigertally.handover.adapters.catalogue import Adapter
from tigertally.handover.adapters.errors import AnswerRefused
from tigertally.handover.errors import DiskRefused
from tigertally.handover.site import note
from tigertally.handover.terms import Terms
from tigertally.ledger import Ledger
from tigertally.store.tx import Tx

ID_CHARS_MAX: Final = 255
LINES_MAX: Final = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A map that was taken: its file's SHA-256 (hex), how many ids it gives, how many of ours got none."""

    sha256: str
    matched: int
    unanswered: int


def take_answer(
    tx: Tx, ledger: Ledger, *, terms: Terms, adapter: Adapter, path: Path, out: Path, actor: str, now: datetime
) -> Answered:
    """Hold an answer against the vault, write the map to the new file ``out``, keep its digest and counts.

    Raises ``AnswerRefused``, ``DiskRefused``.
    """
    by_card = any(column.name == adapter.answer[0] and column.value == "card" for column in adapter.columns)
    _, values = vault.counts(tx, scope=terms.scope)
    ours = frozenset() if by_card else frozenset(vault.holders(tx, scope=terms.scope, cls=FieldClass.PAN))
    wanted = values.get(FieldClass.PAN, 0) if by_card else len(ours)
    digest = hashlib.sha256()
    seen: set[tuple[str, str]] = set()
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            for number, (old, new) in enumerate([adapter.answer, *pairs(path, adapter)], start=1):
                if number > 1:
                    _need_new(number, (old, new), seen, known=_is_here(tx, terms, old) if by_card else old in ours)
                    seen.add((old, new))
                line = f"{old},{new}\r\n".encode()
                file.write(line)
                digest.update(line)
            file.flush()
            os.fsync(file.fileno())
    except AnswerRefused:
        out.unlink(missing_ok=True)
        raise
    except OSError as fault:
        raise DiskRefused(name=out.name, reason=errno.errorcode.get(fault.errno or 0, "EIO")) from None
    matched = len({old for old, _ in seen})
    found = Answered(sha256=digest.hexdigest(), matched=matched, unanswered=wanted - matched)
    note(
        tx,
        ledger,
        events.EXPORT_ANSWERED,
        deal=terms.deal,
        actor=actor,
        now=now,
        adapter=adapter.name,
        sha256=found.sha256,
        matched=found.matched,
        unanswered=found.unanswered,
    )
    return found


def _need_new(line: int, pair: tuple[str, str], seen: set[tuple[str, str]], *, known: bool) -> None:
    """Refuse a line twice; a customer with two cards may stand there twice, with another new id."""
    if not known or pair in seen:
        raise AnswerRefused(line=line, reason="repeated" if known else "unknown_id")


def _is_here(tx: Tx, terms: Terms, token: str) -> bool:
    try:
        return bool(vault.resolve(tx, scope=terms.scope, token=token))
    except vault.NoSuchToken:
        return False


def pairs(path: Path, adapter: Adapter) -> Iterator[tuple[str, str]]:
    """Yield (old, new) of each line of an answer. Raises ``AnswerRefused`` with line and reason."""
    try:
        file = path.open(encoding="utf-8-sig", newline="")
    except OSError:
        raise AnswerRefused(line=0, reason="unreadable") from None
    with file:
        reader = csv.reader(file, strict=True)
        try:
            yield from _pairs(reader, adapter)
        except (csv.Error, UnicodeDecodeError):
            raise AnswerRefused(line=reader.line_num, reason="malformed") from None


def _pairs(reader: Iterator[list[str]], adapter: Adapter) -> Iterator[tuple[str, str]]:
    head = next(reader, [])
    try:
        old_at, new_at = (head.index(name) for name in adapter.answer)
    except ValueError:
        raise AnswerRefused(line=1, reason="columns") from None
    for number, cells in enumerate(reader, start=2):
        if len(cells) != len(head):
            raise AnswerRefused(line=number, reason="columns")
        old, new = cells[old_at], cells[new_at]
        if not (_fine(old) and _fine(new)) or number > LINES_MAX:
            raise AnswerRefused(line=number, reason="id")
        if _is_card(new):
            raise AnswerRefused(line=number, reason="card_number")
        yield old, new


def _fine(text: str) -> bool:
    return 0 < len(text) <= ID_CHARS_MAX and text.isprintable() and not any(sign in text for sign in ',"')


def _is_card(text: str) -> bool:
    bare = "".join(sign for sign in text if sign.isdigit())
    if not PAN_DIGITS_MIN <= len(bare) <= PAN_DIGITS_MAX or len(bare) < len(text.replace(" ", "").replace("-", "")):
        return False
    doubled = [int(sign) * (1 + at % 2) for at, sign in enumerate(reversed(bare))]
    return sum(one // 10 + one % 10 for one in doubled) % 10 == 0
