"""An exported ledger: a folder that anyone can check without us. docs/formats/ledger.md §5.

``entries.jsonl`` has one line per entry: canonical JSON of ``leaf`` (the leaf's canonical bytes as text), ``payload``
(object, or null where it is not public or was erased) and ``salt`` (hex; empty without a payload). Beside it
``checkpoint`` (signed note), ``party.json`` (card of the log's owner), and optionally ``hashes``: the leaf hashes,
32 bytes each, which prove nothing by themselves; if their root is the signed one, they tell which entry is wrong. Of
entries that are as they were signed, they must be the hashes.

:func:`verify_export` reads once, in bounded memory. What must hold (numbers of docs/formats/ledger.md §5):
1. the checkpoint is signed by both keys of the log; 3. every line is well formed; 4. there are as many as signed;
5. the root over the leaves is the signed one, and ``hashes`` are theirs; 6. every payload present opens its commitment;
7. time never goes backwards; 8. the checkpoint is not older than its entries; 9. what earlier checkpoints signed
is still there. (2, whose log it is, and the comparison with the present are the caller's.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from tigertally.base import canon
from tigertally.base.limits import NOTE_BYTES_MAX
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.crypto.merkle import EMPTY_ROOT, HASH_BYTES, Frontier, leaf_hash
from tigertally.formats import checkpoint as notes
from tigertally.formats import leaf as leaves
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.errors import Malformed
from tigertally.formats.leaf import Leaf
from tigertally.formats.leafdiff import LeafDiff
from tigertally.formats.note import NoteVerifier
from tigertally.formats.shape import Reader, parse_canonical

ENTRIES_NAME: Final = "entries.jsonl"
CHECKPOINT_NAME: Final = "checkpoint"
PARTY_NAME: Final = "party.json"
HASHES_NAME: Final = "hashes"
LINE_BYTES_MAX: Final = 1024 * 1024
FLAWS_MAX: Final = 100
POLICIES_MAX: Final = 1_000
SKEW_MAX: Final = timedelta(minutes=5)
_STEP_LINES: Final = 4_096
BEAT_KIND: Final = "ledger.beat.kept"
BEAT_LATE: Final = 2
YEAR_S: Final = 366 * 24 * 3600
_QUORUM: Final = b'"kind":"ledger.quorum"'
# A leaf in which quotes are all that is escaped, an object or null, a salt or none.
_USUAL: Final = re.compile(
    rb'\{"leaf":"((?:[ !#-\[\]-~]++|\\")++)","payload":(null|\{.*\}),"salt":"((?:[0-9a-f]{32})?)"\}\n'
)
# A flat object, nothing escaped in it: canonical, if its names are in order and each is there once.
_VALUE: Final = rb'(?:"[ !#-\[\]-~]*+"|-?[1-9][0-9]{0,14}|0|true|false|null)'
_FLAT: Final = re.compile(rb'\{"[a-z_]++":' + _VALUE + rb'(?:,"[a-z_]++":' + _VALUE + rb")*+\}")
_NAMES: Final = re.compile(rb'[{,]"([a-z_]+)":')


class FlawKind(Enum):
    """What can be wrong with an export."""

    MALFORMED = "malformed"
    EDITED = "edited"
    VALUE_EDITED = "value_edited"
    DELETED = "deleted"
    ADDED = "added"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    MISSING = "missing"
    ROOT = "root"
    TIME_BACKWARDS = "time_backwards"
    CHECKPOINT_OLD = "checkpoint_old"
    HASHES = "hashes"


class History(Enum):
    """How an earlier checkpoint stands to an export."""

    CONSISTENT = "consistent"
    ROLLBACK = "rollback"
    SPLIT_VIEW = "split_view"
    REBUILT = "rebuilt"


class Flaw(NamedTuple):
    """One flaw and the entry (from 0) where it lies."""

    kind: FlawKind
    entry: int


class Declared(NamedTuple):
    """A witness policy that the log itself holds in force: about which deal ("" for none), its text, its entry."""

    subject: str
    policy: str
    entry: int


class Beats(NamedTuple):
    """The canary entries: how many, how many came late, the entry of the first with a wrong number, the next is due."""

    total: int = 0
    late: int = 0
    odd: int | None = None
    due: datetime | None = None


class Entry(NamedTuple):
    """One line: leaf bytes, payload bytes or None, salt (empty without a payload)."""

    leaf: bytes
    payload: bytes | None
    salt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What an export says and the flaws found, at most ``FLAWS_MAX``; ``withheld`` counts entries without payload.

    ``policies`` are the witness policies that its entries hold in force, as far as their content is there and fits.
    """

    checkpoint: Checkpoint
    signed: datetime
    entries: int
    withheld: int
    flaws: tuple[Flaw, ...]
    histories: tuple[History, ...]
    policies: tuple[Declared, ...] = ()
    beats: Beats = Beats()  # noqa: RUF009 - a tuple

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong and no earlier checkpoint is contradicted."""
        return not self.flaws and all(item is History.CONSISTENT for item in self.histories)


def line(leaf: bytes, payload: bytes | None, salt: bytes) -> bytes:
    """Return one line of ``entries.jsonl``; ``payload`` is canonical JSON of an object, as it was committed to.

    Raises ``ValueError`` for a payload without salt or a salt without payload: both are programmers' errors.
    """
    if (payload is None) is not (salt == b"") or (salt and len(salt) != leaves.SALT_BYTES):
        raise ValueError("payload and salt go together")
    value = None if payload is None else canon.loads(payload)
    return canon.dumps({"leaf": leaf.decode(), "payload": value, "salt": salt.hex()}) + b"\n"


def parse_line(data: bytes) -> Entry:
    """Return the entry of one line, its newline included; :class:`Malformed` otherwise."""
    return _quickly(data) or parse_by_members(data)


def _quickly(data: bytes) -> Entry | None:
    """Return the entry of a line of the usual form; None for anything else, which is read by its members.

    What the pattern leaves open is the payload, and that is canonical by itself: so the line is.
    """
    found = _USUAL.fullmatch(data)
    if found is None or len(data) > LINE_BYTES_MAX:
        return None
    escaped, payload, salt = found.groups()
    leaf = escaped.replace(b'\\"', b'"')
    if payload == b"null" or not salt:
        return None if payload != b"null" or salt else Entry(leaf=leaf, payload=None, salt=b"")
    if _FLAT.fullmatch(payload) is not None:
        names = _NAMES.findall(payload)
        if names != sorted(names) or len(set(names)) != len(names):
            return None
        return Entry(leaf=leaf, payload=payload, salt=bytes.fromhex(salt.decode()))
    try:
        canon.loads(payload)
    except canon.NotCanonical:
        return None
    deep = payload.count(b"{") + payload.count(b"[") >= canon.DEPTH_MAX
    return None if deep else Entry(leaf=leaf, payload=payload, salt=bytes.fromhex(salt.decode()))


def parse_by_members(data: bytes) -> Entry:
    """Return what :func:`parse_line` does, by reading the whole line as the format says."""
    if not data.endswith(b"\n") or len(data) > LINE_BYTES_MAX:
        raise Malformed(what="ledger", where="line")
    reader = Reader(parse_canonical(data[:-1], what="ledger"), what="ledger", where="entry")
    leaf = reader.text("leaf", chars_max=LINE_BYTES_MAX).encode()
    payload = reader.json("payload")
    if payload is None:
        reader.const("salt", "")
        reader.end()
        return Entry(leaf=leaf, payload=None, salt=b"")
    salt = reader.hexbytes("salt", length=leaves.SALT_BYTES)
    reader.end()
    if not isinstance(payload, dict):
        raise reader.wrong("payload")
    # the line is canonical, so its own bytes from the payload to the salt are the payload's
    start, stop = (
        len(canon.dumps({"leaf": leaf.decode()})) - 1 + len(',"payload":'),
        -len(',"salt":""}\n') - 2 * len(salt),
    )
    return Entry(leaf=leaf, payload=data[start:stop], salt=salt)


def verify_export(
    folder: Path, verifier: NoteVerifier, *, remembered: Sequence[bytes] = (), progress: Progress = SILENT
) -> ExportReport:
    """Return what holds in the export at ``folder``, whose log keys are ``verifier``'s.

    ``remembered`` are checkpoints kept from earlier; ``histories`` answers each in turn. Raises ``Malformed`` or
    ``SignatureInvalid`` if a checkpoint is not this log's (wrong key), ``OSError`` if a file cannot be read.
    """
    signed, at = notes.verify_dated(_small(folder / CHECKPOINT_NAME), verifier)
    earlier = [notes.verify_dated(note, verifier) for note in remembered]
    walk = _Walk(signed=signed, sizes=frozenset(old.size for old, _ in earlier))
    hashes = folder / HASHES_NAME
    progress.begin(Text("核对台账", "checking the ledger"), signed.size)
    with (folder / ENTRIES_NAME).open("rb") as lines:
        if hashes.is_file() and hashes.stat().st_size == signed.size * HASH_BYTES:
            with hashes.open("rb") as expected:
                walk.run(lines, expected, progress)
        else:
            walk.run(lines, None, progress)
            walk.stray = hashes.exists()
    if walk.stray and not walk.flaws:
        walk.flaw(FlawKind.HASHES, 0)
    if walk.newest is not None and at + SKEW_MAX < walk.newest:
        walk.flaw(FlawKind.CHECKPOINT_OLD, walk.entries - 1)
    return ExportReport(
        checkpoint=signed,
        signed=at,
        entries=walk.entries,
        withheld=walk.withheld,
        flaws=tuple(walk.flaws),
        histories=tuple(walk.history(old, old_at) for old, old_at in earlier),
        policies=tuple(walk.policies.values()),
        beats=walk.beats,
    )


def consistent(old_checkpoint: bytes, folder: Path, verifier: NoteVerifier) -> History:
    """Return how the export at ``folder`` stands to a checkpoint that was kept from earlier.

    It speaks of the lines as they are: the export must itself be without flaws. Raises as :func:`verify_export`.
    """
    return verify_export(folder, verifier, remembered=[old_checkpoint]).histories[0]


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One reading of the lines: running root, time, flaws; ``stray``: the leaf hashes beside them are not theirs."""

    signed: Checkpoint
    sizes: frozenset[int]
    entries: int = 0
    withheld: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    stray: bool = False
    frontier: Frontier = field(default_factory=Frontier)
    roots: dict[int, bytes] = field(default_factory=lambda: {0: EMPTY_ROOT})
    flaws: list[Flaw] = field(default_factory=list)
    policies: dict[str, Declared] = field(default_factory=dict)
    beats: Beats = Beats()  # noqa: RUF009 - a tuple

    def flaw(self, kind: FlawKind, index: int) -> None:
        if len(self.flaws) < FLAWS_MAX:
            self.flaws.append(Flaw(kind, index))

    def run(self, lines: BinaryIO, expected: BinaryIO | None, progress: Progress) -> None:
        """Read every line; ``expected`` gives the leaf hashes as the log had them, if the folder has them."""
        diff = LeafDiff()
        for raw in _lines(lines):
            hashed = self._entry(raw)
            if expected is not None:
                told = expected.read(HASH_BYTES)
                self.stray = self.stray or told != hashed
                diff.see(index=self.entries, expected=told, got=hashed)
            self.frontier.append(hashed)
            self.entries += 1
            if self.entries in self.sizes or self.entries == self.signed.size:
                self.roots[self.entries] = self.frontier.root()
            if self.entries % _STEP_LINES == 0:
                progress.advance(_STEP_LINES)
        if self.entries == self.signed.size and self.frontier.root() == self.signed.root:
            return
        if expected is not None:
            for told in iter(lambda: expected.read(HASH_BYTES), b""):
                diff.rest(told)
        if expected is not None and _root(expected) == self.signed.root:
            self._name_by(diff)
        else:
            self._name_by_size()

    def _entry(self, raw: bytes) -> bytes:
        """Check one line by itself and against the one before; return its leaf's hash."""
        try:
            entry = parse_line(raw)
            leaf = leaves.read(entry.leaf)
        except Malformed:
            self.flaw(FlawKind.MALFORMED, self.entries)
            return leaf_hash(raw)
        self._time(leaf)
        if entry.payload is None:
            self.withheld += 1
        elif leaves.commit_payload(entry.salt, entry.payload) != leaf.commitment:
            self.flaw(FlawKind.VALUE_EDITED, self.entries)
        elif leaf.kind == BEAT_KIND:
            self._beat(leaf.at, entry.payload)
        elif _QUORUM in entry.payload:
            self._quorum(leaf.kind, entry.payload)
        return leaf_hash(entry.leaf)

    def _beat(self, at: datetime, payload: bytes) -> None:
        """Count a beat: its number is one more than the last one's, and it came before that one's next was late."""
        said = canon.loads(payload)
        number, every_s = (said.get("number"), said.get("every_s")) if isinstance(said, dict) else (0, 0)
        last = self.beats
        whole = isinstance(every_s, int) and 0 < every_s <= YEAR_S and number == last.total + 1
        self.beats = Beats(
            total=last.total + 1,
            late=last.late + (last.due is not None and at >= last.due),
            odd=last.odd if whole or last.odd is not None else self.entries,
            due=at + timedelta(seconds=BEAT_LATE * every_s) if whole and isinstance(every_s, int) else at,
        )

    def _quorum(self, kind: str, payload: bytes) -> None:
        """Take up a witness policy that this entry puts in force, or ends."""
        said = canon.loads(payload)
        if not isinstance(said, dict) or said.get("kind") != "ledger.quorum":
            return
        subject, value = str(said.get("subject")), said.get("value")
        if kind == "ledger.fact.withdrawn":
            self.policies.pop(subject, None)
        elif kind == "ledger.fact.stated" and isinstance(value, dict) and len(self.policies) < POLICIES_MAX:
            self.policies[subject] = Declared(subject, str(value.get("policy")), self.entries)

    def _time(self, leaf: Leaf) -> None:
        if self.newest is not None and leaf.at < self.newest:
            self.flaw(FlawKind.TIME_BACKWARDS, self.entries)
        self.oldest = leaf.at if self.oldest is None else self.oldest
        self.newest = leaf.at if self.newest is None else max(self.newest, leaf.at)

    def _name_by(self, diff: LeafDiff) -> None:
        found = diff.finish()
        named = (
            (FlawKind.EDITED, found.edited),
            (FlawKind.DELETED, found.deleted),
            (FlawKind.ADDED, found.added),
            (FlawKind.REORDERED, found.moved),
            (FlawKind.TRUNCATED, found.cut),
        )
        for kind, indexes in named:
            for index in indexes:
                self.flaw(kind, index)
        if not any(indexes for _, indexes in named):
            self.flaw(FlawKind.ROOT, 0)

    def _name_by_size(self) -> None:
        if self.entries < self.signed.size:
            self.flaw(FlawKind.MISSING, self.entries)
        elif self.roots.get(self.signed.size) == self.signed.root:
            self.flaw(FlawKind.ADDED, self.signed.size)
        else:
            self.flaw(FlawKind.ROOT, 0)

    def history(self, old: Checkpoint, old_at: datetime) -> History:
        """Return how a checkpoint signed earlier stands to what was read."""
        if old.size > self.entries or old.size > self.signed.size:
            return History.ROLLBACK
        if self.roots.get(old.size) == old.root:
            return History.CONSISTENT
        # the log's start is younger than what it had signed: it was begun anew
        if self.oldest is not None and self.oldest >= old_at + timedelta(seconds=1):
            return History.REBUILT
        return History.SPLIT_VIEW


def _root(hashes: BinaryIO) -> bytes:
    """Return the root over a file of leaf hashes."""
    hashes.seek(0)
    claimed = Frontier()
    for told in iter(lambda: hashes.read(HASH_BYTES), b""):
        claimed.append(told)
    return claimed.root()


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield lines with their newline; a line over the limit comes in pieces, each malformed."""
    while raw := file.readline(LINE_BYTES_MAX + 1):
        yield raw


def _small(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(NOTE_BYTES_MAX + 1)
