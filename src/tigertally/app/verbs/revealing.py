"""Revealing many values to a file: one decision for a list of tokens, one entry, one new file for its owner's eyes.

All or nothing, and not resumable: a decision is for one list and one time, and half a file of clear values would be a
copy that nobody accounts for. So the file has no name until it is whole (on Linux nothing is left even of a run that
was killed), never replaces another, and a run that failed asks for a new approval. The decision and the entry, with
counts by class and the list's digest, are durable before the first value is opened; values that went while the file
was written (an erasure) are fewer than the entry says, never more.
"""

from __future__ import annotations

import csv
import errno
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, TextIO

from tigertally import vault
from tigertally.access import Action, Actor, Decision, Purpose
from tigertally.access.grants import MANY_MAX
from tigertally.access.views import View
from tigertally.app.errors import ManyTokens, NotReadable, NotWritable
from tigertally.app.verbs.attempt import allow, carry_out
from tigertally.app.verbs.canaries import Watch, check_recipient, watched
from tigertally.app.verbs.deals import strictest_deal
from tigertally.app.verbs.vault import seen
from tigertally.app.wire import House
from tigertally.base.ahead import spread
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_hex
from tigertally.ledger import Event, register_event
from tigertally.store.tx import Tx
from tigertally.vault import KeyPurpose, Meant, VaultKeys

VALUES_REVEALED: Final = register_event(
    "vault.values.revealed",
    Text("批量查看明文", "clear values were revealed to a file"),
    "person",
    "classes",
    "unknown",
    "tokens",
    "purpose",
    "grant",
    "scope",
    public=False,
)
FILE_BYTES_MAX: Final = 256 * 2**20
_PIECE: Final = 32_768
_COLUMN: Final = "token"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyRevealed:
    """What came of a list: values written by class, the lines of its unknown tokens, how many lines said one again."""

    classes: Mapping[FieldClass, int]
    unknown: tuple[int, ...]
    repeated: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _List:
    """A list of different tokens, the line of each, how many lines repeated one, the file's SHA-256 (hex)."""

    texts: list[str]
    lines: list[int]
    repeated: int
    digest: str


def reveal_many(
    house: House,
    *,
    actor: Actor,
    scope: str,
    source: Path,
    out: Path,
    purpose: Purpose,
    grant: str,
    recipient: str = "",
    progress: Progress = SILENT,
) -> ManyRevealed:
    """Write the values of the tokens in ``source`` to the new file ``out`` (0600; columns token, class, value).

    ``source`` is a CSV with a column ``token``, or with tokens in its first column and no heading; blank lines count
    for nothing. Raises ``NotReadable``, ``ManyTokens``, ``NotWritable``, ``NoSuchToken`` if none of them is known,
    ``NotAllowed``.
    """
    listed = _listed(source)
    if os.path.lexists(out):
        raise NotWritable(path=out, reason="EEXIST")

    check_recipient(whose := recipient or actor.person.handle)

    def work(tx: Tx, now: datetime, watch: Watch) -> tuple[Decision, Meant]:
        keys = vault.open_scope(tx, house.keeper, scope=scope)
        meant = vault.meant(tx, keys, texts=listed.texts)
        watch.keep(tx, keys, meant)
        counts = meant.counts()
        if not counts:
            raise vault.NoSuchToken
        decision = allow(
            house,
            tx,
            actor=actor,
            action=Action.REVEAL_MANY,
            now=now,
            classes=tuple(counts),
            count=sum(counts.values()),
            purpose=purpose.value,
            deal=strictest_deal(house, tx, scope=scope, now=now),
            scope=scope,
            key=vault.active_key(tx, purpose=KeyPurpose.VAULT, scope=scope).key,
            grant=grant,
            details=(("tokens", listed.digest), *((("recipient", recipient),) if recipient else ())),
        )
        seen(house, tx, actor=actor).need(View.CLEAR, *counts)
        # Whose a token is shows only when it is opened: one customer for storage only stops the whole list.
        vault.need_processable(tx, house.ledger, scope=scope)
        classes: dict[str, Json] = {cls.value: count for cls, count in counts.items()}
        payload: dict[str, Json] = {
            "person": actor.person.person,
            "classes": classes,
            "unknown": len(meant.unknown()),
            "tokens": listed.digest,
            "purpose": purpose.value,
            "grant": grant,
            "scope": scope,
        }
        person = actor.person.person
        event = Event(kind=VALUES_REVEALED, payload=payload, actor=person, about=(person,))
        entry = house.ledger.append(tx, event, now=now)
        vault.canaries.give(tx, keys, recipient=whose, entry=entry, piece=0, raws=meant.raws[meant.codes > 0])
        return decision, meant

    decision, meant = watched(house, verb="vault.reveal_many", scope=scope, work=work, actor=actor)

    def written() -> ManyRevealed:
        with house.store.reading() as tx:
            keys = vault.open_scope(tx, house.keeper, scope=scope)
        try:
            return _write(house, keys, decision, listed, meant, out, progress)
        except OSError as error:
            raise NotWritable(path=out, reason=errno.errorcode.get(error.errno or 0, "EIO")) from None

    return carry_out(house, verb="vault.reveal_many", work=written, actor=actor)


def _write(
    house: House, keys: VaultKeys, decision: Decision, listed: _List, meant: Meant, out: Path, progress: Progress
) -> ManyRevealed:
    classes = vault.classes_of(meant)
    counts = dict(meant.counts())
    unknown = meant.unknown()
    progress.begin(Text("写出明文值", "writing clear values"), sum(counts.values()))

    def pieces() -> Iterator[vault.SealedPiece]:
        for start in range(0, len(listed.texts), _PIECE):
            with house.store.reading() as tx:
                piece = vault.read_meant(tx, keys, meant=meant, start=start, stop=start + _PIECE)
            yield piece

    opening = partial(_opened, keys, decision)
    with _new_file(out) as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow((_COLUMN, "class", "value"))
        for opened in spread(opening, pieces()):
            at = opened.at
            rows.writerows(
                zip([listed.texts[one] for one in at], [classes[one] for one in at], opened.values, strict=True)
            )
            for one in opened.gone:
                counts[FieldClass(classes[one])] -= 1
                unknown.append(one)
            progress.advance(len(at) + len(opened.gone))
    return ManyRevealed(
        classes=counts, unknown=tuple(listed.lines[one] for one in sorted(unknown)), repeated=listed.repeated
    )


def _opened(keys: VaultKeys, decision: Decision, found: vault.SealedPiece) -> vault.OpenedPiece:
    return vault.open_values(keys, decision=decision, found=found)


def _listed(source: Path) -> _List:
    try:
        with source.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        if len(data) > FILE_BYTES_MAX:
            raise ManyTokens(most=MANY_MAX)
        rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        first: dict[str, int] = {}
        again = column = 0
        for row in rows:
            words = [cell.strip().casefold() for cell in row] if rows.line_num == 1 else []
            if _COLUMN in words:
                column = words.index(_COLUMN)
                continue
            if not any(row):
                continue
            if len(row) <= column:
                raise NotReadable(path=source, reason=f"line {rows.line_num}")
            if row[column] in first:
                again += 1
            else:
                first[row[column]] = rows.line_num
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise NotReadable(path=source, reason=type(error).__name__) from None
    if len(first) > MANY_MAX:
        raise ManyTokens(most=MANY_MAX)
    return _List(texts=list(first), lines=list(first.values()), repeated=again, digest=sha256_hex(data))


@contextmanager
def _new_file(out: Path) -> Iterator[TextIO]:
    """Give a file that gets the name ``out`` when the block ends well, and none otherwise. Raises ``OSError``."""
    folder = os.open(out.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    named = ""
    try:
        handle, named = _unnamed_or_partial(folder, out.name)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(handle)
            # Refuses a name that is taken. With a folder's descriptor it follows the link that names an open file.
            source = named or f"/proc/self/fd/{handle}"
            os.link(source, out.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)
            os.fsync(folder)
    finally:
        if named:
            with suppress(OSError):
                os.unlink(named, dir_fd=folder)
        os.close(folder)


def _unnamed_or_partial(folder: int, name: str) -> tuple[int, str]:
    """Open a new file (0600) for writing: without a name where the system can ("" for it), else beside ``name``."""
    flags = os.O_WRONLY | os.O_CLOEXEC
    if hasattr(os, "O_TMPFILE"):
        try:
            return os.open(".", flags | os.O_TMPFILE, 0o600, dir_fd=folder), ""
        except OSError as error:
            if error.errno not in {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}:
                raise
    partial_name = name + ".partial"
    return os.open(partial_name, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder), partial_name
